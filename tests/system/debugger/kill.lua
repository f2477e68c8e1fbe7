-- SPDX-License-Identifier: MIT
-- For a debugger that ends the client process in the first request: the call says so, the handle is
-- gone, the next open makes a new process.
local SUM = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)
local words = string.rep("Page", 2048)
local device = assert(open("\\Device\\Tour"))
local data, status = device:ioctl(SUM, words)
assert(data == nil and status == "STATUS_PROCESS_IS_TERMINATING", "the process was not ended")
data, status = device:ioctl(SUM, words)
assert(data == nil and status == "STATUS_INVALID_HANDLE", "the handle is still there")
device = assert(open("\\Device\\Tour"))
assert(device:ioctl(SUM, words))
device:close()
