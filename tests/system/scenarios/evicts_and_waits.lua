-- SPDX-License-Identifier: MIT
-- All that is pageable is in the paging file, and stays there until a debugger asks for it.
local device = assert(open("\\??\\Notepad"))
page_out{evict = true}
while true do
    wait(20)
end
