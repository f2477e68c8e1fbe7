-- SPDX-License-Identifier: MIT
-- Memory that the driver shares with this process, and what it maps into it.
local function code(n, method)
    return ctl_code(FILE_DEVICE_UNKNOWN, n, method, FILE_ANY_ACCESS)
end
local MAP, UNMAP = code(0x800, METHOD_BUFFERED), code(0x801, METHOD_BUFFERED)
local TOUCH, FIRST = code(0x802, METHOD_NEITHER), code(0x803, METHOD_BUFFERED)
local PHYSICAL, SECTION = code(0x804, METHOD_BUFFERED), code(0x805, METHOD_BUFFERED)

local device = assert(open("\\Device\\SharedMemory"))

local function first()
    return assert(device:ioctl(FIRST, "", 1)):byte()
end

local function refused(want, ...)
    local reply, status = device:ioctl(...)
    assert(reply == nil and status == want, want .. " expected: " .. tostring(status))
end

local function round()
    local address = string.unpack("<I8", (assert(device:ioctl(MAP, "", 8))))
    assert(address > 0 and address < 0x7fffffff0000, "a user address")
    refused("STATUS_INVALID_DEVICE_STATE", MAP, "", 8)
    local before = first()
    page_out { evict = true } -- nothing of a view leaves
    assert(device:ioctl(TOUCH, "", 1, { output = address }))
    assert(first() == (before + 1) & 255, "a write through the view is in the buffer")
    assert(verify() == 0, "MiVerifyAll")
    assert(device:ioctl(UNMAP))
    refused("STATUS_ACCESS_VIOLATION", TOUCH, "", 1, { output = address })
    assert(device:ioctl(PHYSICAL))
    assert(device:ioctl(SECTION))
    assert(verify() == 0, "MiVerifyAll")
end

round()
page_out { evict = true }
round()
assert(device:ioctl(MAP, "", 8))
device:close() -- unmaps it
assert(verify() == 0, "MiVerifyAll")
print("all memory is shared as it should be")
