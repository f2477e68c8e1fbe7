-- SPDX-License-Identifier: MIT
-- The life of the device, step by step; the log has one letter for each event (pnp-events.c).
local LOG, REFUSE, REPORT, TARGET = 0x222000, 0x222004, 0x222008, 0x22200c
local enum = "HKLM\\SYSTEM\\CurrentControlSet\\Enum\\ROOT\\pnp-events\\0000"

local function name()
    for _, path in ipairs(devices()) do
        if path:find("3E1D0A55", 1, true) then
            return path
        end
    end
end
local function started()
    return assert(open((assert(name(), "no interface"))))
end
local device = started()

-- Letters of the worker's (A and R) may come at any place: they are counted apart.
local function expect(wanted, told)
    local log, seen = "", ""
    repeat
        log = log .. assert(device:ioctl(LOG, "", 256))
        seen = log:gsub("[^AR]", "")
    until #seen >= #told
    assert(seen == told and log:gsub("[AR]", "") == wanted, "events: " .. log)
end
local function refused(status, good, why)
    assert(good == nil and why == status, why)
end
local function refuse(what)
    assert(device:ioctl(REFUSE, string.char(what)))
end

expect("aS", "A")
assert(registry.get(enum .. "\\Device Parameters", "Count") == 1)
assert(registry.get(enum, "Driver") == "{4D36E97D-E325-11CE-BFC1-08002BE10318}\\0000")

-- stop and start
refused("STATUS_INVALID_DEVICE_STATE", pnp("stop"))
refuse(1)
refused("STATUS_DEVICE_BUSY", pnp("query_stop"))
refuse(0)
assert(pnp("query_stop"))
refused("STATUS_INVALID_DEVICE_STATE", pnp("query_remove"))
assert(pnp("cancel_stop"))
assert(pnp("query_stop"))
assert(pnp("stop"))
page_out{evict = true}
assert(pnp("start"))
expect("QCQCQTS", "")

-- removal that is taken back, or refused by the driver or by who holds a file
assert(pnp("query_remove"))
refused("STATUS_DEVICE_BUSY", pnp("remove"))
assert(pnp("cancel_remove"))
refuse(2)
refused("STATUS_DEVICE_BUSY", pnp("query_remove"))
refuse(8)
assert(device:ioctl(TARGET))
refused("STATUS_UNSUCCESSFUL", pnp("query_remove"))
refuse(0)
assert(pnp("query_remove"))
assert(pnp("cancel_remove"))
assert(device:ioctl(REPORT))
expect("VNVNqnqVNnccd", "")

-- sleep and wake
assert(power("S3"))
assert(power("S0"))
refuse(4)
refused("STATUS_UNSUCCESSFUL", power("S4"))
refuse(0)
assert(power("D2"))
assert(power("D0"))
expect("ys3pw0pyw0p20", "")

-- removed, and there again
assert(device:close())
assert(pnp("query_remove"))
assert(pnp("remove"))
refused("STATUS_INVALID_DEVICE_STATE", power("S3"))
refused("STATUS_INVALID_DEVICE_STATE", pnp("remove"))
assert(pnp("add"))
device = started()
expect("VMaS", "RA")
assert(registry.get(enum .. "\\Device Parameters", "Count") == 2)

-- gone by surprise while a file is open
assert(pnp("surprise_removal"))
refused("STATUS_DEVICE_BUSY", pnp("remove"))
assert(device:close())
assert(pnp("remove"))
assert(pnp("add"))
device = started()
expect("XMaS", "RA")
assert(device:close())
print("the device lived three times")
