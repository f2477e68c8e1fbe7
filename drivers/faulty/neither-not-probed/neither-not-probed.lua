-- SPDX-License-Identifier: MIT
-- Adds as it should, refuses a bad user address; then gets one of the kernel's, where nothing is.
local ADD = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Adder"))
local two, three = string.pack("<I4", 2), string.pack("<I4", 3)
assert(device:ioctl(ADD, two, three) == string.pack("<I4", 5), "the sum")
local reply, status = device:ioctl(ADD, two, 4, { output = 0x10000000 })
assert(reply == nil and status == "STATUS_ACCESS_VIOLATION", tostring(status))
device:ioctl(ADD, two, 4, { output = 0xFFFFFA7000000000 })
device:close()
