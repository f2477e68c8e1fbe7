-- SPDX-License-Identifier: MIT
-- More pageable data than memory and paging file hold together: the allocation must fail, in order.
local RUN = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Ledger"))
for round = 1, 3 do
    local reply, status = device:ioctl(RUN, string.pack("<I8I4I4", seed, 256, 0), 24)
    assert(reply == nil and status == "STATUS_INSUFFICIENT_RESOURCES", status)
end
local reply = assert(device:ioctl(RUN, string.pack("<I8I4I4", seed, 64, 0), 24))
assert(select(3, string.unpack("<I8I8I8", reply)) == 0, "wrong words")
assert(verify() == 0)
assert(device:close())
