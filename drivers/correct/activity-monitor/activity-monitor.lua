-- SPDX-License-Identifier: MIT
-- A program asks for events before they happen, with several requests on one handle; others end.
local function code(number, access)
    return ctl_code(FILE_DEVICE_UNKNOWN, number, METHOD_BUFFERED, access)
end
local NEXT, SELECT = code(0x801, FILE_READ_ACCESS), code(0x802, FILE_WRITE_ACCESS)
local PROTECT, COUNTS = code(0x803, FILE_WRITE_ACCESS), code(0x804, FILE_READ_ACCESS)
local STIR = code(0x805, FILE_WRITE_ACCESS)
local PROCESS_CREATED, PROCESS_ENDED, THREAD_CREATED, THREAD_ENDED = 1, 2, 3, 4
local VALUE_SET, HANDLE_OPENED = 6, 7
local SIZE = 40 + 2 * 96

local function decode(bytes)
    assert(#bytes == SIZE, #bytes)
    local kind, length, sequence, time, subject, other = string.unpack("<I4I4I8i8I8I8", bytes)
    local name = bytes:sub(41, 40 + length):gsub("(.)\0", "%1")
    return {kind = kind, sequence = sequence, time = time, subject = subject, other = other,
            name = name}
end
local function start()
    local device = assert(open("\\??\\ActivityMonitor", nil, {overlapped = true}))
    return device, function()
        return device:start_ioctl(NEXT, "", SIZE)
    end
end
local function await(request)
    return decode(assert(request:wait()))
end
local function select(device, ...)
    local mask = 0
    for _, kind in ipairs {...} do
        mask = mask | 1 << kind
    end
    assert(device:ioctl(SELECT, string.pack("<I4", mask)))
end
local function counts(device)
    return string.unpack("<I4I4I4I4", (assert(device:ioctl(COUNTS, "", 16))))
end

assert(sections().PAGEMON.lock_count == 0)
local device, next_event = start()
assert(sections().PAGEMON.lock_count == 1)

-- requests that wait, answered in their order
select(device, VALUE_SET, HANDLE_OPENED)
local requests = {}
for i = 1, 3 do
    requests[i] = next_event()
    assert(not requests[i]:completed(), "nothing has happened yet")
end
page_out {evict = true}
assert(device:ioctl(STIR))
local set, opened = await(requests[1]), await(requests[2])
assert(set.kind == VALUE_SET and set.other == 4, "REG_DWORD")
assert(set.name:find("Services\\activity%-monitor$"), set.name)
assert(opened.kind == HANDLE_OPENED and opened.other == 0x1001, opened.other)
assert(opened.subject == set.subject, "it is the program that asked")
assert(opened.sequence == set.sequence + 1 and opened.time >= set.time)
assert(not requests[3]:completed())
page_out {evict = true}
assert(device:ioctl(STIR))
assert(await(requests[3]).sequence == opened.sequence + 1)
assert(decode(assert(device:ioctl(NEXT, "", SIZE))).sequence == opened.sequence + 2)
local _, status = device:ioctl(NEXT, "", SIZE - 1)
assert(status == "STATUS_BUFFER_TOO_SMALL", status)

-- Events that nobody waits for are kept. On another handle, as an overlapped request has a
-- thread of its own in the program, which would be told of too.
local plain = assert(open("\\??\\ActivityMonitor"))
select(plain, THREAD_CREATED, THREAD_ENDED)
page_out {evict = true}
assert(plain:ioctl(STIR))
local created = decode(assert(plain:ioctl(NEXT, "", SIZE)))
local ended = decode(assert(plain:ioctl(NEXT, "", SIZE)))
assert(created.kind == THREAD_CREATED and ended.kind == THREAD_ENDED)
assert(created.subject == 4 and ended.subject == 4, "the system's process")
assert(created.other == ended.other and created.other ~= 0)

-- the right to end a process is taken away
select(plain, HANDLE_OPENED)
assert(plain:ioctl(PROTECT, string.pack("<I8", opened.subject)))
assert(plain:ioctl(STIR))
assert(decode(assert(plain:ioctl(NEXT, "", SIZE))).other == 0x1000)
assert(plain:ioctl(PROTECT, string.pack("<I8", 0)))

-- more than is kept: the oldest are lost
for _ = 1, 40 do
    assert(plain:ioctl(STIR))
end
local recorded, delivered, lost, cancelled = counts(plain)
assert(recorded == 4 + 2 + 1 + 40 and delivered == 7 and lost == 8 and cancelled == 0)
local last
for _ = 1, 32 do
    local event = decode(assert(plain:ioctl(NEXT, "", SIZE)))
    assert(last == nil or event.sequence == last + 1)
    last = event.sequence
end
assert(last == recorded)
assert(plain:close())
assert(sections().PAGEMON.lock_count == 1)

-- a request is taken back, the others stay
local first, second = next_event(), next_event()
assert(first:cancel())
_, status = first:wait()
assert(status == "STATUS_CANCELLED", status)
assert(not second:completed())
page_out {evict = true}
assert(device:ioctl(STIR))
assert(await(second).kind == HANDLE_OPENED)

-- the program closes its handle while requests wait
first, second = next_event(), next_event()
assert(device:close())
for _, request in ipairs {first, second} do
    _, status = request:wait()
    assert(status == "STATUS_CANCELLED", status)
end
assert(sections().PAGEMON.lock_count == 0)
page_out {evict = true}
assert(sections().PAGEMON.resident_pages == 0)

-- the program is ended while requests wait; the next one is told of nothing that was before
device, next_event = start()
select(device, PROCESS_CREATED, PROCESS_ENDED)
first = next_event()
page_out {evict = true}
assert(end_process())
_, status = first:wait()
assert(status == "STATUS_CANCELLED" or status == "STATUS_PROCESS_IS_TERMINATING", status)
assert(sections().PAGEMON.lock_count == 0)
page_out {evict = true}
device, next_event = start()
first = next_event()
assert(not first:completed())
_, _, _, cancelled = counts(device)
assert(cancelled == 4, cancelled)
first:cancel()
_, status = first:wait()
assert(status == "STATUS_CANCELLED", status)
assert(device:close())
print("activity-monitor: every event was told")
