-- SPDX-License-Identifier: MIT
-- The device is found by its interface, started, used, and survives a page-out of its PnP code.
local QUERY = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local D0 = 1
local paths = devices()
assert(#paths == 1, "one interface: " .. #paths)
print("interface: " .. paths[1])
for opens = 1, 3 do
    local device = assert(open(paths[1]))
    local started, state, power, creates =
        string.unpack("<I4I4I4I4", (assert(device:ioctl(QUERY, "", 16))))
    assert(started == 1, "IRP_MN_START_DEVICE has come")
    assert(state == D0, "IRP_MN_QUERY_CAPABILITIES was answered from below")
    assert(creates == opens, "creates: " .. creates)
    local reply, status = device:ioctl(QUERY + 4, "", 16)
    assert(reply == nil and status == "STATUS_INVALID_DEVICE_REQUEST", status)
    device:close()
    assert(page_out { evict = true })
end
assert(unload())
local device, status = open(paths[1])
assert(device == nil, "the interface is still there")
print("after unload: " .. status)
