-- SPDX-License-Identifier: MIT
-- Each transfer method with good buffers, with none, and with addresses that a program may make up.
local function code(n, method)
    return ctl_code(FILE_DEVICE_UNKNOWN, n, method, FILE_ANY_ACCESS)
end
local BUFFERED = code(0x800, METHOD_BUFFERED)
local IN_DIRECT = code(0x801, METHOD_IN_DIRECT)
local OUT_DIRECT = code(0x802, METHOD_OUT_DIRECT)
local NEITHER = code(0x803, METHOD_NEITHER)
local WAIT = code(0x804, METHOD_BUFFERED)

local KERNEL = 0xFFFFF80000000000 -- the kernel's image
local UNMAPPED = 0x100000000
local READ_ONLY = 0x7FFE0000 -- the shared page
local NOT_CANONICAL = 0x1234567812345678
local LAST = 0x7FFFFFFF0000 - 8 -- the last bytes below the user limit

local device = assert(open("\\Device\\TransferMethods"))

local function refused(want, ...)
    local reply, status = device:ioctl(...)
    assert(reply == nil and status == want, want .. " expected: " .. tostring(status))
end

local function inverted(text)
    return (text:gsub(".", function(c) return string.char(~c:byte() & 255) end))
end

local function round()
    -- buffered
    local text = string.rep("pageable", 1500)
    assert(device:ioctl(BUFFERED, text, #text) == inverted(text), "buffered")
    local reply, status = device:ioctl(BUFFERED, text, 100)
    assert(reply == inverted(text):sub(1, 100) and status == "STATUS_BUFFER_OVERFLOW", "too small")
    assert(device:ioctl(BUFFERED, "", 0) == "", "no buffers")
    assert(device:ioctl(BUFFERED, "x", 4096) == inverted("x"), "Information bounds the copy")
    -- direct
    assert(device:ioctl(IN_DIRECT, "\0", 20000) == "", "a fresh buffer is all zero")
    assert(#assert(device:ioctl(IN_DIRECT, "a", 20000)) == 20000, "all bytes differ from a")
    local filled = assert(device:ioctl(OUT_DIRECT, "\7", 9000))
    assert(#filled == 9000, "out direct")
    for i = 1, #filled, 97 do
        assert(filled:byte(i) == (7 + i - 1) & 255, "byte " .. i)
    end
    refused("STATUS_INVALID_PARAMETER", OUT_DIRECT, "\7", 0)
    -- neither
    local words, back = {}, {}
    for i = 1, 3000 do
        words[i] = string.pack("<I4", i * 77777)
        back[3001 - i] = words[i]
    end
    assert(device:ioctl(NEITHER, table.concat(words), 12000) == table.concat(back), "neither")
    assert(device:ioctl(NEITHER, "", 0) == "", "neither of them")
end

local function bad_addresses()
    local VIOLATION = "STATUS_ACCESS_VIOLATION"
    for _, bad in ipairs { 8, UNMAPPED, KERNEL, NOT_CANONICAL, LAST } do
        -- The driver's handler catches it ...
        refused(VIOLATION, NEITHER, string.rep("x", 16), 16, { input = bad })
        refused(VIOLATION, NEITHER, string.rep("x", 16), 16, { output = bad })
        -- ... or the system does, before the driver is called.
        refused(VIOLATION, BUFFERED, string.rep("x", 16), 16, { input = bad })
        refused(VIOLATION, OUT_DIRECT, "x", 16, { output = bad })
        refused(VIOLATION, IN_DIRECT, "x", 16, { output = bad })
    end
    refused(VIOLATION, NEITHER, string.rep("x", 16), 16, { output = READ_ONLY })
    refused(VIOLATION, OUT_DIRECT, "x", 16, { output = READ_ONLY })
    -- A warning, so the call has a (vain) result.
    local _, status = device:ioctl(NEITHER, string.rep("x", 16), 16, { input = UNMAPPED + 1 })
    assert(status == "STATUS_DATATYPE_MISALIGNMENT", status)
end

round()
bad_addresses()
assert(page_out { evict = true })
round()
bad_addresses()

local before = time()
for _, milliseconds in ipairs { 0, 1, 30 } do
    assert(device:ioctl(WAIT, string.pack("<I4", milliseconds), 0))
end
assert(time() - before >= 30, "the waits were too short")
assert(verify() == 0, "MiVerifyAll")
device:close()
print("all methods are right")
