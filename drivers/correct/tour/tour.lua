-- SPDX-License-Identifier: MIT
-- Three requests, for a debugger to stop in.
local SUM = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Tour"))
for _ = 1, 3 do
    assert(device:ioctl(SUM, string.rep("Page", 2048)))
end
device:close()
