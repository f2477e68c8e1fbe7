-- SPDX-License-Identifier: MIT
-- What is written comes in again; limits, events, overruns, cancelled requests, with pages out.
local function code(number)
    return ctl_code(0x1b, number, METHOD_BUFFERED, FILE_ANY_ACCESS) -- FILE_DEVICE_SERIAL_PORT
end
local SET_SPEED, GET_SPEED, SET_LIMIT = code(0x801), code(0x802), code(0x803)
local SET_MASK, WAIT_MASK, PURGE = code(0x804), code(0x805), code(0x806)
local GET_COUNTS, TRY_CANCEL = code(0x807), code(0x808)
local RECEIVED, SENT, OVERRUN = 1, 2, 4

local function number(bytes)
    return (string.unpack("<I4", bytes))
end
local function set(port, request, value)
    assert(port:ioctl(request, string.pack("<I4", value)))
end
-- Until the line is idle again; all events since the last time.
local function wait_sent(port)
    local events = 0
    while events & SENT == 0 do
        events = events | number(assert(port:ioctl(WAIT_MASK, "", 4)))
    end
    return events
end
local function noise(length)
    local bytes = {}
    for i = 1, length do
        bytes[i] = string.char(random(0, 255))
    end
    return table.concat(bytes)
end

assert(sections().PAGESER.lock_count == 0)
local port = assert(open("\\??\\LOOP1"))
assert(sections().PAGESER.lock_count == 1, "the code is not locked while the port is open")
local _, status = open("\\??\\LOOP1")
assert(status == "STATUS_ACCESS_DENIED", status)
_, status = open("\\??\\LOOP1\\file")
assert(status == "STATUS_OBJECT_NAME_NOT_FOUND" or status == "STATUS_ACCESS_DENIED", status)

-- settings
assert(number(assert(port:ioctl(GET_SPEED, "", 4))) == 115200)
_, status = port:ioctl(SET_SPEED, string.pack("<I4", 1234))
assert(status == "STATUS_INVALID_PARAMETER", status)
_, status = port:ioctl(SET_SPEED, "abc")
assert(status == "STATUS_BUFFER_TOO_SMALL", status)
_, status = port:ioctl(code(0x8ff), "", 4)
assert(status == "STATUS_INVALID_DEVICE_REQUEST", status)
set(port, SET_SPEED, 4000000)

-- what is written comes back
for round = 1, 4 do
    page_out { evict = true }
    local bytes = noise(round * 300)
    assert(port:write(bytes) == #bytes)
    set(port, SET_LIMIT, 10000)
    assert(port:read(#bytes) == bytes, "other bytes came back")
end

-- a read that ends by its limit has what is there
set(port, SET_LIMIT, 20)
assert(port:write("short") == 5)
local got
got, status = port:read(50)
assert(got == "short" and status == "STATUS_TIMEOUT", status)
local before = time()
got, status = port:read(50)
assert(status == "STATUS_TIMEOUT" and (got == nil or got == ""), status)
assert(time() - before >= 19, "the limit was not waited for")

-- events
set(port, SET_MASK, RECEIVED | SENT | OVERRUN)
assert(port:write("event") == 5)
local events = wait_sent(port)
assert(events & RECEIVED ~= 0 and events & OVERRUN == 0, events)
assert(port:read(5) == "event")

-- more than the ring holds: the rest is lost, and told
assert(port:write(noise(3000)) == 3000)
events = wait_sent(port)
assert(events & OVERRUN ~= 0, events)
local bytes = assert(port:ioctl(GET_COUNTS, "", 24))
local sent, received, lost, reads, writes, cancelled = string.unpack("<I4I4I4I4I4I4", bytes)
assert(sent == 3000 + 3000 + 5 + 5, sent)
assert(received == sent - lost and lost == 3000 - 2048, lost)
assert(reads == 7 and writes == 7 and cancelled == 0, reads .. " " .. writes)
assert(port:ioctl(PURGE))

-- requests that are cancelled while they wait
_, status = port:ioctl(TRY_CANCEL, "", 4)
assert(status == "STATUS_DEVICE_BUSY", status)
set(port, SET_LIMIT, 0)
page_out { evict = true }
assert(number(assert(port:ioctl(TRY_CANCEL, "", 4))) == 3)
bytes = assert(port:ioctl(GET_COUNTS, "", 24))
assert(string.unpack("<I4", bytes, 21) == 3)

assert(port:close())
assert(sections().PAGESER.lock_count == 0, "the code is still locked")
page_out { evict = true }
assert(sections().PAGESER.resident_pages == 0)
port = assert(open("\\??\\LOOP1"))
assert(port:write("again") == 5)
assert(port:read(5) == "again")
assert(port:close())
print("serial-loop: the line is right")
