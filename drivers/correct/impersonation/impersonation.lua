-- SPDX-License-Identifier: MIT
-- The client opens the desk, which serves it, and not the vault, which the client may not open.
for _ = 1, 3 do
    local desk = assert(open("\\Device\\Desk"))
    local vault, status = open("\\Device\\Vault")
    assert(vault == nil and status == "STATUS_ACCESS_DENIED", "the vault: " .. tostring(status))
    page_out { evict = true }
    assert(desk:close())
end
print("the client was served as itself")
