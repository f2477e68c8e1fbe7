-- SPDX-License-Identifier: MIT
local TRY = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\PageProtection"))
for round = 1, 3 do
    assert(device:ioctl(TRY, "", 0))
    page_out{evict = round == 2}
end
assert(device:close())
assert(verify() == 0)
