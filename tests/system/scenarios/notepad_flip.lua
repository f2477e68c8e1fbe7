-- SPDX-License-Identifier: MIT
-- One bit changes in each page on the paging disk: the kernel must notice, not hand out the page.
local GET = ctl_code(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
local device = assert(open("\\??\\Notepad"))
page_out{evict = true}
assert(flip_disk() > 0, "nothing is on the disk")
device:ioctl(GET, "", 65536)
assert(false, "wrong data was read without a complaint")
