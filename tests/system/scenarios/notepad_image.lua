-- SPDX-License-Identifier: MIT
-- What tests/system/images.sh does with a changed notepad.sys: its code and data all work.
local GET = ctl_code(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
local device = assert(open("\\??\\Notepad"))
for _ = 1, 2 do
    assert(device:ioctl(GET, "", 100) == "Pageable driver, nonpaged tick.")
    assert(page_out { evict = true })
end
assert(device:write("written", 0) == 7)
assert(page_out { evict = true })
assert(device:read(7, 0) == "written")
device:close()
