-- SPDX-License-Identifier: MIT
-- The driver is unloaded while what an open started is still to come.
local device = assert(open("\\Device\\Metronome"))
device:close()
assert(unload())
wait(60)
