-- SPDX-License-Identifier: MIT
-- 256 MB of pageable data, written and read back in shuffled order by the driver's four threads.
local IOCTL_LEDGER_RUN = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local MEGABYTES = 256

local before = counters()
local device = assert(open("\\Device\\Ledger"))
local reply = assert(device:ioctl(IOCTL_LEDGER_RUN, string.pack("<I8I4I4", seed, MEGABYTES, 0), 24))
local written, read, wrong = string.unpack("<I8I8I8", reply)
device:close()
print(string.format("pages written %d, read %d, wrong words %d", written, read, wrong))
assert(written == MEGABYTES * 256, "pages written")
assert(read == MEGABYTES * 256, "pages read")
assert(wrong == 0, "wrong words")
assert(verify() == 0, "MiVerifyAll")

page_out { evict = true }
local after = counters()
assert(after.paging_file_slots_used <= before.paging_file_slots_used + 64, "slots were leaked")
