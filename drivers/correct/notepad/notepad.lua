-- SPDX-License-Identifier: MIT
-- Every request that notepad knows, with its pages taken out in between.
local function code(number, method, access)
    return ctl_code(FILE_DEVICE_UNKNOWN, number, method, access)
end
local SET = code(0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)
local GET = code(0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
local APPEND = code(0x802, METHOD_IN_DIRECT, FILE_WRITE_ACCESS)
local CLEAR = code(0x803, METHOD_BUFFERED, FILE_WRITE_ACCESS)
local COUNT = code(0x804, METHOD_NEITHER, FILE_READ_ACCESS)
local TICKS = code(0x805, METHOD_BUFFERED, FILE_ANY_ACCESS)

local function count(device, byte)
    return (string.unpack("<I4", (assert(device:ioctl(COUNT, byte, 4)))))
end

local function ticks(device)
    return (string.unpack("<I4", (assert(device:ioctl(TICKS, "", 4)))))
end

local device = assert(open("\\??\\Notepad"))
assert(assert(device:ioctl(GET, "", 100)) == "Pageable driver, nonpaged tick.", "initialised data")

-- The text survives the way to the paging file and back.
local text = string.rep("0123456789abcdef", 4000)
assert(device:ioctl(SET, text))
page_out { evict = true }
assert(assert(device:ioctl(GET, "", 65536)) == text, "text after page-out")
assert(count(device, "7") == 4000, "count in pages that were out")

-- Read and write at an offset; the end of the text; no room beyond it.
assert(assert(device:read(16, 32)) == "0123456789abcdef")
assert(assert(device:write("XYZ", 63999)) == 3)
assert(assert(device:read(100, 63990)) == "6789abcdeXYZ")
local nothing, status = device:read(10, 64002)
assert(nothing == nil and status == "STATUS_END_OF_FILE", status)
nothing, status = device:write(string.rep("z", 2000), 64000)
assert(nothing == nil and status == "STATUS_DISK_FULL", status)

-- In direct: the second buffer, which comes zeroed, goes to the end of the text.
assert(device:ioctl(APPEND, "", 100))
assert(count(device, "\0") == 100, "appended bytes")

-- Neither: addresses that are none end in the driver's __except.
nothing, status = device:ioctl(COUNT, "7", 4, { output = 0x10 })
assert(nothing == nil and status == "STATUS_ACCESS_VIOLATION", status)
nothing, status = device:ioctl(COUNT, "7", 4, { output = 0xFFFFF80000000000 })
assert(nothing == nil and status == "STATUS_ACCESS_VIOLATION", status)
nothing, status = device:ioctl(code(0x8ff, METHOD_BUFFERED, FILE_ANY_ACCESS))
assert(nothing == nil and status == "STATUS_INVALID_DEVICE_REQUEST", status)

assert(device:ioctl(CLEAR))
assert(assert(device:ioctl(GET, "", 10)) == "", "cleared")

-- The DPC ticks while all that is pageable is out.
local before = ticks(device)
page_out { evict = true }
wait(100)
local after = ticks(device)
print(string.format("ticks in 100 ms: %s", after - before >= 5 and "5 or more" or after - before))
assert(after - before >= 5, "ticks")
device:close()
