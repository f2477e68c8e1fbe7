-- SPDX-License-Identifier: MIT
-- Buffers of several sizes go through the device with both adapters: inverted twice.
local COPY = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\EduDma"))
for _, size in ipairs{1, 9000} do
    local bytes = {}
    for i = 1, size do
        bytes[i] = string.char(random(0, 255))
    end
    local text = table.concat(bytes)
    local back = assert(device:ioctl(COPY, "", text))
    assert(back == text, "what came back is not what went out")
    page_out{evict = true}
end
local none, status = device:ioctl(COPY, "", 40000)
assert(none == nil and status == "STATUS_INVALID_PARAMETER", status)
assert(device:close())
print("the device copied")
