-- SPDX-License-Identifier: MIT
local device = assert(open("\\??\\Fake"))
local text = device:read(5)
assert(text == "goodbye")
