-- SPDX-License-Identifier: MIT
-- Text that fills the driver's pageable data goes to the paging disk and must come back as it was.
local SET = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)
local GET = ctl_code(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
local device = assert(open("\\??\\Notepad"))
for round = 1, 3 do
    local bytes = {}
    for i = 1, 60000 do
        bytes[i] = string.char(random(0, 255))
    end
    local text = table.concat(bytes)
    assert(device:ioctl(SET, text))
    page_out{evict = true}
    assert(assert(device:ioctl(GET, "", 65536)) == text, "the text changed")
end
assert(verify() == 0)
assert(device:close())
