-- SPDX-License-Identifier: MIT
-- Both routines, and a number that is none: an address would be one.
local IOCTL_FOLD = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Fold"))
local function fold(routine)
    return device:ioctl(IOCTL_FOLD, string.pack("<I8I4I4", routine, 6, 7), 4)
end
assert(string.unpack("<I4", (assert(fold(0)))) == 13)
assert(string.unpack("<I4", (assert(fold(1)))) == 42)
local data, status = fold(0x101000)
assert(data == nil and status == "STATUS_INVALID_PARAMETER")
device:close()
