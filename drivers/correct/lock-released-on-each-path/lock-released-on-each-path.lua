-- SPDX-License-Identifier: MIT
-- A second open while the first is there is refused.
local device = assert(open("\\Device\\Gate"))
local second, status = open("\\Device\\Gate")
assert(second == nil and status == "STATUS_DEVICE_BUSY", status)
device:close()
