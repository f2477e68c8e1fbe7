-- SPDX-License-Identifier: MIT
files = {["\\SystemRoot\\Temp\\text.sys"] = "this is no image"}
for round = 1, 3 do
    local device = assert(open("\\Device\\LoadAnother"))
    assert(device:close())
    assert(not open("\\Device\\LoadedCopy"), "the copy is still there")
    page_out{evict = true}
end
assert(verify() == 0)
