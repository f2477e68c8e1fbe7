-- SPDX-License-Identifier: MIT
-- The session off, on, changed and off again; what the driver's callback is told of it.
local CHECK, WRITE, CALLS = 0x222000, 0x222004, 0x222008
local GUID = "{6f3f0a51-2b0c-4f5e-8d11-902a445c1673}"
local device = assert(open("\\Device\\TraceProvider"))

local function told(calls, code, level, any, all)
    local got = {string.unpack("<I4I4I4I4I8I8", (assert(device:ioctl(CALLS, "", 32))))}
    local want = {calls, code, level, 0, any, all}
    for i, value in ipairs(want) do
        assert(got[i] == value, "callback, field " .. i .. ": " .. got[i])
    end
end

told(0, 0, 0, 0, 0)
assert(device:ioctl(CHECK))
assert(device:ioctl(WRITE))
assert(trace(GUID, {level = 4, any = 6, all = 4}))
told(1, 1, 4, 6, 4)
assert(device:ioctl(CHECK))
page_out{evict = true}
assert(device:ioctl(WRITE))
assert(trace(GUID, false))
told(2, 0, 0, 0, 0)
assert(device:ioctl(CHECK))
assert(device:ioctl(WRITE))

-- wanted before the driver is there: told from EtwRegister
assert(trace(GUID))
told(3, 1, 0, -1, 0)
assert(device:close())
assert(unload())
assert(load())
device = assert(open("\\Device\\TraceProvider"))
told(1, 1, 0, -1, 0)
assert(trace(GUID, false))
assert(device:close())
assert(not pcall(trace, "no guid"))
