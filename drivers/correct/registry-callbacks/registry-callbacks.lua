-- SPDX-License-Identifier: MIT
-- The driver tests itself when it is opened; afterwards it blocks every value that is set.
local key = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\registry-callbacks"

for i = 1, 2 do
    local device = assert(open("\\??\\RegistryCallbacks"))
    assert(device:close())
    page_out{evict = true}
end
local good, status = registry.set(key, "FromOutside", 1)
assert(good == nil and status == "STATUS_ACCESS_DENIED", status)
assert(registry.get(key, "FromOutside") == nil)
assert(registry.create(key .. "\\Sub"))
assert(registry.delete(key .. "\\Sub"))
print("the callbacks blocked a value")
