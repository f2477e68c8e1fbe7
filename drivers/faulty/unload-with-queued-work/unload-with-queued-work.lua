-- SPDX-License-Identifier: MIT
-- The driver is unloaded while its work item is under way.
local device = assert(open("\\Device\\Spooler"))
device:close()
assert(unload())
wait(120)
