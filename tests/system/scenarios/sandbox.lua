-- SPDX-License-Identifier: MIT
-- What a script must not reach, and what must not hurt the host.
for _, name in ipairs{"io", "os", "require", "dofile", "loadfile", "debug", "package",
                      "collectgarbage"} do
    assert(_G[name] == nil, name)
end
assert(string.dump == nil and math.randomseed == nil)
assert(not pcall(load, "return 1")) -- the driver's load, not Lua's
assert(not pcall(string.rep, "x", 1 << 30))
assert(not pcall(setmetatable, {}, {__gc = function() end}))
assert(setmetatable({}, {__index = {a = 1}}).a == 1)
assert(not pcall(function() local t = {} for i = 1, 1e9 do t[i] = i end end))
assert(not pcall(open, ""))
assert(not pcall(open, string.rep("x", 1000)))
local device = assert(open("\\??\\Fake"))
assert(not pcall(device.ioctl, device, 1 << 40))
assert(not pcall(device.ioctl, device, 0, "", 1 << 30))
assert(not pcall(device.ioctl, device, 0, string.rep("x", 1 << 21)))
assert(not pcall(device.ioctl, {}, 0))
assert(not pcall(wait, -1))
assert(not pcall(ctl_code, -1, 0, 0, 0))
assert(seed == 5)
assert(random(1 << 30) == random(1 << 30) or true)
print("control \27[31m characters", nil, {} ~= nil)
