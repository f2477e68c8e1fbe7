-- SPDX-License-Identifier: MIT
-- Goes on after the bug check, as far as it can.
local device = assert(open("\\??\\Fake"))
while true do
    pcall(function() device:ioctl(0x222004) end)
end
