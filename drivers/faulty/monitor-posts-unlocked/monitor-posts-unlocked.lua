-- SPDX-License-Identifier: MIT
-- A program selects what it wants to be told of, and leaves; then something of that kind happens.
local SELECT = ctl_code(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_WRITE_ACCESS)
local device = assert(open("\\??\\ActivityMonitor"))
assert(device:ioctl(SELECT, string.pack("<I4", 1 << 2))) -- ends of processes
assert(device:close())
page_out {evict = true}
end_process()
