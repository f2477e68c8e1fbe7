-- SPDX-License-Identifier: MIT
-- Passes a routine: first where nothing is, which is an exception; then code of the program's own.
local IOCTL_FOLD = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local CLIENT_CODE = 0x101000 -- the first code of client.exe, whose image is at 100000h
local device = assert(open("\\Device\\Fold"))
local data, status = device:ioctl(IOCTL_FOLD, string.pack("<I8I4I4", 0x10000, 1, 2), 4)
assert(data == nil and status == "STATUS_ACCESS_VIOLATION", "an address of nothing")
device:ioctl(IOCTL_FOLD, string.pack("<I8I4I4", CLIENT_CODE, 1, 2), 4)
device:close()
