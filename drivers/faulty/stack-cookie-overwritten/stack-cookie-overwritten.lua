-- SPDX-License-Identifier: MIT
local ECHO = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\StackCookie"))
assert(assert(device:ioctl(ECHO, "guarded", 7)) == "dedraug")
device:ioctl(ECHO, string.rep("x", 48), 48)
print("not reached")
