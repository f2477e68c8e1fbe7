-- SPDX-License-Identifier: MIT
-- A code that the driver does not know.
local device = assert(open("\\Device\\Echo"))
local data, status = device:ioctl(ctl_code(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, 0), "", 0)
assert(data == nil and status == "STATUS_INVALID_DEVICE_REQUEST", status)
device:close()
