-- SPDX-License-Identifier: MIT
-- Every lock, unlock, page-entire and reset, with the section table's counts after each. Correct in
-- every page-out mode: what must be resident is checked always, what must be out where pages leave.
local STEP = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local LOCK_CODE, LOCK_DATA, LOCK_CODE_BY_HANDLE, LOCK_DATA_BY_HANDLE, UNLOCK_CODE, UNLOCK_DATA,
    PAGE_ENTIRE, RESET, PROBE, PROBE_LOCKED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local CODE, DATA, TEXT, IDLE = 1, 2, 4, 8

local device = assert(open("\\Device\\SectionLocks"))
local calls = 1

-- Does a step; the driver's own counts must be the section table's.
local function step(which)
    local reply = assert(device:ioctl(STEP, string.pack("<I4", which), 24))
    local value, code, data, now = string.unpack("<I8I4I4I4", reply)
    local table = sections()
    assert(table.PAGELKC.lock_count == code, "lock count of PAGELKC after step " .. which)
    assert(table.PAGELKD.lock_count == data, "lock count of PAGELKD after step " .. which)
    assert(now >= calls, "locked data was lost")
    calls = now
    return value
end

-- Sends everything away; what is locked stays, in the table and at DISPATCH_LEVEL.
local function away(whole)
    assert(page_out { evict = true })
    local table = sections()
    for _, name in ipairs { "PAGELKC", "PAGELKD" } do
        if table[name].lock_count > 0 then
            assert(table[name].resident_pages == table[name].pages, name .. " left while locked")
        end
    end
    return table
end

assert(page_out { evict = true })
local leaves = sections().PAGEIDLE.resident_pages == 0
print("pages leave: " .. tostring(leaves))
local function out(section)
    return not leaves or section.resident_pages == 0
end

-- What nobody locks: in the modes that page out at a raise it is gone at DISPATCH_LEVEL.
print("idle data at DISPATCH_LEVEL: " .. (step(PROBE) & IDLE == IDLE and "resident" or "out"))

-- One lock each, by address.
assert(step(LOCK_CODE) == 1, "a handle for the code section")
assert(step(LOCK_DATA) == 1, "another handle for the data section")
away()
assert(step(PROBE) & (CODE | DATA) == CODE | DATA, "locked, so resident at DISPATCH_LEVEL")
assert(step(PROBE_LOCKED) & (CODE | DATA) == CODE | DATA, "locked code runs at DISPATCH_LEVEL")

-- Locks count: three of them need three unlocks. The second is by another routine's address.
step(LOCK_CODE)
step(LOCK_CODE_BY_HANDLE)
step(LOCK_DATA_BY_HANDLE)
assert(sections().PAGELKC.lock_count == 3 and sections().PAGELKD.lock_count == 2)
step(UNLOCK_CODE)
away()
step(UNLOCK_CODE)
step(UNLOCK_DATA)
away()
step(PROBE_LOCKED)

-- At count 0 the section is pageable again, and its handle is still good.
step(UNLOCK_CODE)
step(UNLOCK_DATA)
local table = away()
assert(out(table.PAGELKC) and out(table.PAGELKD), "unlocked sections leave")
step(LOCK_CODE_BY_HANDLE)
step(LOCK_DATA_BY_HANDLE)
away()
step(PROBE_LOCKED)
step(UNLOCK_DATA)
step(UNLOCK_CODE)

-- The whole driver pageable, twice: no difference; the base is returned each time.
assert(step(PAGE_ENTIRE) == 0, "MmPageEntireDriver returns the image's base")
table = away()
for _, name in ipairs { ".text", ".data", ".rdata" } do
    assert(out(table[name]), name .. " leaves too")
end
assert(step(PAGE_ENTIRE) == 0, "MmPageEntireDriver again")
table = away()
assert(out(table[".text"]) and out(table.PAGE))

-- Locks win over page-entire, those taken under it too.
step(LOCK_CODE_BY_HANDLE)
step(LOCK_DATA)
table = away()
assert(out(table[".text"]) and out(table.PAGE))
local valid = step(PROBE_LOCKED)
assert(valid & (CODE | DATA) == CODE | DATA, "locked while the rest of the driver is paged")
step(UNLOCK_DATA)
table = away()
assert(out(table.PAGELKD), "an unlock under page-entire")
step(LOCK_DATA_BY_HANDLE)

-- One reset ends both: the image's own attributes are in force, and the locks are as they were.
step(RESET)
table = away()
assert(table[".text"].resident_pages == table[".text"].pages, ".text is nonpaged again")
assert(table[".data"].resident_pages == table[".data"].pages, ".data is nonpaged again")
assert(out(table.PAGE), "PAGE is not")
assert(step(PROBE) & TEXT == TEXT)
step(PROBE_LOCKED)
step(RESET) -- nothing to reset: no effect
step(PROBE_LOCKED)

-- Locked first, then page-entire and reset: the lock holds throughout.
step(PAGE_ENTIRE)
away()
step(PROBE_LOCKED)
step(RESET)
away()
step(PROBE_LOCKED)
step(UNLOCK_CODE)
step(UNLOCK_DATA)
table = away()
assert(out(table.PAGELKC) and out(table.PAGELKD))
step(PROBE)

assert(verify() == 0, "MiVerifyAll")
device:close()
print("section locks: " .. calls .. " calls of locked data")
