-- SPDX-License-Identifier: MIT
files = {
    ["C:\\data\\in.txt"] = "one\ntwo\nthree\n",
    ["\\SystemRoot\\Temp\\copy.lua"] = {host = "files-on-volume.lua"},
}
assert(read_file("C:\\data\\in.txt") == "one\ntwo\nthree\n")
assert(read_file("\\SystemRoot\\Temp\\copy.lua"):find("SPDX", 1, true))
assert(select(2, read_file("C:\\data\\nowhere")) == "STATUS_OBJECT_NAME_NOT_FOUND")
for round = 1, 3 do
    local device = assert(open("\\??\\FilesOnVolume"))
    assert(device:close())
    page_out{evict = true}
    assert(read_file("C:\\data\\out.txt") == "3 lines", "the answer")
    assert(#read_file("C:\\Windows\\Temp\\opens.log") == 5 * round, "the log")
end
assert(unload())
assert(#read_file("\\??\\C:\\Windows\\Temp\\opens.log") == 15)
