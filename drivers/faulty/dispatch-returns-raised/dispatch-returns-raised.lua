-- SPDX-License-Identifier: MIT
-- Reads the meter, then asks for too little.
local READ = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Meter"))
assert(string.unpack("<I4", (assert(device:ioctl(READ, "", 4)))) == 42)
device:ioctl(READ, "", 2)
device:close()
