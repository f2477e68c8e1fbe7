-- SPDX-License-Identifier: MIT
-- Loads and opens without harm; the call is what ends it.
local IOCTL_MISSING_CALL = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\MissingImport"))
assert(page_out { evict = true })
print("loaded and opened")
device:ioctl(IOCTL_MISSING_CALL, "", 4)
print("not reached")
