-- SPDX-License-Identifier: MIT
local device = assert(open("\\??\\Fake"))
assert(device:ioctl(0x222008))
