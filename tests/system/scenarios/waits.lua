-- SPDX-License-Identifier: MIT
-- A target that runs, for a debugger to break into: until its time limit.
local device = assert(open("\\??\\Notepad"))
while true do
    wait(20)
end
