-- SPDX-License-Identifier: MIT
-- One visit to the system process.
local GO = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Visitor"))
device:ioctl(GO)
device:close()
