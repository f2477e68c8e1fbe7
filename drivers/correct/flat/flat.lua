-- SPDX-License-Identifier: MIT
-- The flat image's data and relocations are right before and after everything was paged out.
local CHECK = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Flat"))
for _ = 1, 2 do
    local wrong = string.unpack("<I4", (assert(device:ioctl(CHECK, "", 4))))
    assert(wrong == 0, "wrong words: " .. wrong)
    assert(page_out { evict = true })
end
for _, section in ipairs(sections()) do
    assert(section.kind ~= "pageable", section.name .. " of a flat image is pageable")
end
device:close()
print("flat: data and relocations are right")
