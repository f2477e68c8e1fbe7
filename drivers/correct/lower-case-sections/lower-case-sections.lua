-- SPDX-License-Identifier: MIT
-- Sections named page and init stay resident, and are there after everything was paged out.
local seen = {}
assert(page_out { evict = true })
for _, section in ipairs(sections()) do
    assert(section.kind ~= "pageable", section.name .. " is pageable")
    seen[section.name] = section.kind
end
assert(seen.page == "nonpaged", "page is " .. tostring(seen.page))
assert(seen.init == "nonpaged", "init is " .. tostring(seen.init))
local device = assert(open("\\Device\\Lower"))
device:close()
print("lower-case-sections: all of it is resident")
