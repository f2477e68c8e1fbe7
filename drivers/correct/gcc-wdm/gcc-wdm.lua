-- SPDX-License-Identifier: MIT
-- The samples come back as they went; the timer runs on; what the linker made is as it should be.
local READ = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS)
local WAIT = ctl_code(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
local SUM = ctl_code(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_READ_ACCESS)

local function number(bytes)
    return (string.unpack("<I4", bytes))
end

local s = sections()
assert(s.PAGE.kind == "pageable" and s.PAGEDATA.kind == "pageable" and s.INIT.kind == "discarded")
local device = assert(open("\\??\\Gauge"))
for _ = 1, 3 do
    assert(page_out { evict = true })
    assert(sections().PAGEDATA.resident_pages == 0, "the samples are in memory")
    local state, sum = 12345, 0
    for index = 0, 511 do
        state = (state * 1664525 + 1013904223) & 0xffffffff
        sum = (sum + state) & 0xffffffff
        if index % 64 == 0 then
            assert(number(assert(device:ioctl(READ, string.pack("<I4", index), 4))) == state)
        end
    end
    assert(number(assert(device:ioctl(SUM, "", 4))) == sum, "another sum")
    assert(number(assert(device:ioctl(WAIT, "", 4))) > 0, "the timer does not run")
end
local _, status = device:ioctl(READ, string.pack("<I4", 512), 4)
assert(status == "STATUS_INVALID_PARAMETER", status)
assert(device:close())
print("gcc-wdm: samples and timer are right")
