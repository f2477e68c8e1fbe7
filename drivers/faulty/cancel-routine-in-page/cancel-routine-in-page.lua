-- SPDX-License-Identifier: MIT
-- One request that nothing answers: the driver's watchdog cancels it.
local device = assert(open("\\Device\\Pager"))
local IOCTL_WAIT = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local data, status = device:ioctl(IOCTL_WAIT, "", 0)
assert(data == nil and status == "STATUS_CANCELLED", status)
device:close()
