-- SPDX-License-Identifier: MIT
-- Requests of ring 3: what the driver sees of them, buffers that leave between probe and use, bad
-- addresses, and a client whose memory is destroyed, which ends that client only.
local function code(n, method)
    return ctl_code(FILE_DEVICE_UNKNOWN, n, method, FILE_ANY_ACCESS)
end
local VIEW = code(0x800, METHOD_BUFFERED)
local COUNT_UP = code(0x801, METHOD_NEITHER)
local SERVICES = code(0x802, METHOD_BUFFERED)
local FILL = code(0x803, METHOD_NEITHER)
local WHERE = code(0x804, METHOD_NEITHER)

local VIOLATION = "STATUS_ACCESS_VIOLATION"
local KERNEL = 0xFFFFF80000000000 -- the kernel's image
local SHARED = 0x7FFE0000 -- a page that user mode may read and not write
local CLIENT = 0x100000 -- the headers of client.exe

local function open_device()
    return assert(open("\\Device\\RequestorMode"))
end

local device = open_device()

local function refused(want, ...)
    local reply, status = device:ioctl(...)
    assert(reply == nil and status == want, want .. " expected: " .. tostring(status))
end

local function counted(text)
    return (text:gsub(".", function(c) return string.char((c:byte() + 1) & 255) end))
end

local function view()
    local wrong, _, status_block = string.unpack("<I4I4I8", (assert(device:ioctl(VIEW, "", 16))))
    assert(wrong == 0, wrong .. " things are not as in a user's request")
    return status_block
end

local function good()
    view()
    assert(string.unpack("<I4", (assert(device:ioctl(SERVICES, "", 4)))) == 0, "services")
    for _, length in ipairs { 1, 4095, 4096, 4097, 20000 } do
        local text = string.rep("user mode ", 2000):sub(1, length)
        assert(device:ioctl(COUNT_UP, text, length) == counted(text), "count up " .. length)
    end
end

local function bad()
    local nowhere = { 1, 0x8001, KERNEL, KERNEL + 1, -1, 0x7FFFFFFEFFFF, 0x123456789ABCDEF0 }
    for _, address in ipairs(nowhere) do
        refused(VIOLATION, COUNT_UP, "four", 4, { input = address })
        refused(VIOLATION, COUNT_UP, "four", 4, { output = address })
        refused(VIOLATION, FILL, "", 4, { output = address })
    end
    assert(device:ioctl(COUNT_UP, "four", 4, { input = SHARED }), "the shared page may be read")
    refused(VIOLATION, FILL, "", 4, { output = SHARED })
    assert(device:ioctl(COUNT_UP, "MZ", 2, { input = CLIENT }) == "N[", "the program may be read")
    refused(VIOLATION, FILL, "", 2, { output = CLIENT })
    refused(VIOLATION, FILL, "", 2, { output = CLIENT + 0x1000 })
    -- memory that was a buffer, and is free
    local was = string.unpack("<I8", (assert(device:ioctl(WHERE, "buffer", 8))))
    refused(VIOLATION, COUNT_UP, "sixsix", 6, { output = was, input = was })
    refused(VIOLATION, FILL, "", 6, { output = was })
end

-- The client's stack and all it holds, overwritten by the driver on its own request.
local function destroy()
    local status_block = view()
    refused(VIOLATION, FILL, "", 0x200, { output = status_block - 0x200 })
    refused("STATUS_INVALID_HANDLE", VIEW, "", 16)
    device = open_device()
end

for _ = 1, 3 do
    good()
    bad()
    page_out { evict = true }
    good()
    destroy()
end
local other = open_device()
good()
destroy()
assert(select(2, other:ioctl(VIEW, "", 16)) == "STATUS_INVALID_HANDLE", "the other handle went too")
good()
assert(device:close())
assert(verify() == 0, "memory lists")
print("ring 3 is as it should be")
