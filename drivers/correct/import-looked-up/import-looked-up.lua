-- SPDX-License-Identifier: MIT
-- The routine is not there, and the driver answers without it.
local IOCTL_MISSING_CALL = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\ImportLookedUp"))
assert(page_out { evict = true })
local reply = assert(device:ioctl(IOCTL_MISSING_CALL, "", 4))
assert(string.unpack("<I4", reply) == 42)
print("answered without it")
