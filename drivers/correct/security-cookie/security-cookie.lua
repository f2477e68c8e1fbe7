-- SPDX-License-Identifier: MIT
local ECHO = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\SecurityCookie"))
assert(page_out { evict = true })
assert(assert(device:ioctl(ECHO, "guarded", 7)) == "dedraug")
local _, status = device:ioctl(ECHO, string.rep("x", 33), 33)
assert(status == "STATUS_INVALID_PARAMETER", status)
assert(device:close())
print("security-cookie: the guard is set and holds")
