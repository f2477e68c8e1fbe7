-- SPDX-License-Identifier: MIT
-- Sectors come back as they were written; what a disk must refuse is refused.
local function code(number)
    return ctl_code(7, number, METHOD_BUFFERED, FILE_ANY_ACCESS) -- FILE_DEVICE_DISK
end
local LENGTH, COUNTS, DISCARD = code(0x801), code(0x802), code(0x803)
local SECTOR, CHUNK = 512, 32768

local disk = assert(open("\\??\\MemoryDisk0"))
local bytes = assert(disk:ioctl(LENGTH, "", 8))
local size = string.unpack("<I8", bytes)
assert(size == 64 * CHUNK)

local function filled(seed, length)
    local words = {}
    for i = 1, length // 8 do
        words[i] = string.pack("<I4I4", seed, i)
    end
    return table.concat(words)
end

-- where nothing was written there are zeros
assert(disk:read(SECTOR, 5 * SECTOR) == string.rep("\0", SECTOR))

-- places in one chunk, over the edge of two, over three, and the last sectors
local places = {{0, 512}, {CHUNK - 512, 1024}, {3 * CHUNK - 1024, CHUNK + 2048},
    {size - 4096, 4096}, {20 * CHUNK, 4 * CHUNK}}
for i, place in ipairs(places) do
    assert(disk:write(filled(i, place[2]), place[1]) == place[2])
end
for round = 1, 2 do
    page_out { evict = true }
    for i, place in ipairs(places) do
        assert(disk:read(place[2], place[1]) == filled(i, place[2]), "place " .. i)
    end
end

-- a discard of a part, and of whole chunks
assert(disk:ioctl(DISCARD, string.pack("<I8I8", 20 * CHUNK + 512, 2 * CHUNK)))
local data = disk:read(4 * CHUNK, 20 * CHUNK)
local old = filled(5, 4 * CHUNK)
assert(data == old:sub(1, 512) .. string.rep("\0", 2 * CHUNK) .. old:sub(2 * CHUNK + 513))
bytes = assert(disk:ioctl(COUNTS, "", 16))
local reads, writes, discards, chunks = string.unpack("<I4I4I4I4", bytes)
assert(reads == 1 + 2 * 5 + 1 and writes == 5 and discards == 1, reads)
assert(chunks == 2 + 3 + 1 + 4 - 1, chunks) -- 0, 1; 2, 3, 4; 63; 20 to 23; and 21 given back

-- what is refused
local function refused(status, ...)
    local result, got = ...
    assert(result == nil and got == status, tostring(got))
end
refused("STATUS_INVALID_PARAMETER", disk:read(511, 0))
refused("STATUS_INVALID_PARAMETER", disk:write(string.rep("x", 512), 100))
refused("STATUS_NONEXISTENT_SECTOR", disk:read(1024, size - 512))
refused("STATUS_NONEXISTENT_SECTOR", disk:read(512, size + 512))
refused("STATUS_BUFFER_TOO_SMALL", disk:ioctl(LENGTH, "", 4))
refused("STATUS_INVALID_PARAMETER", disk:ioctl(DISCARD, "short"))
refused("STATUS_NONEXISTENT_SECTOR", disk:ioctl(DISCARD, string.pack("<I8I8", 512, size)))
refused("STATUS_NONEXISTENT_SECTOR", disk:ioctl(DISCARD, string.pack("<I8I8", 512, -512)))
refused("STATUS_INVALID_DEVICE_REQUEST", disk:ioctl(code(0x8ff), "", 4))
assert(disk:close())
print("memory-disk: every sector is right")
