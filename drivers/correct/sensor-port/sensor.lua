-- SPDX-License-Identifier: MIT
-- A sensor with a filter above it: readings, plug and play and power while programs wait.
local function code(number)
    return ctl_code(FILE_DEVICE_UNKNOWN, number, METHOD_BUFFERED, FILE_ANY_ACCESS)
end
local READ, COUNTS = code(0x801), code(0x802)
local SET_OFFSET, FILTER_COUNTS = code(0x811), code(0x812)

local function start()
    for _, path in ipairs(devices()) do
        if path:find("7A1F6C02", 1, true) then
            return assert(open(path, nil, {overlapped = true}))
        end
    end
    error("no interface of a sensor")
end
local function reading(device)
    return string.unpack("<I4I4", (assert(device:ioctl(READ, "", 8))))
end
local function counts(device, request)
    return string.unpack("<I4I4I4I4", (assert(device:ioctl(request, "", 16))))
end
local function ended(request, wanted)
    local data, status = request:wait()
    assert(data == nil and status == wanted, status)
end

local device = start()
local value, offset = reading(device)
assert(value ~= 0 and offset == 0)
assert(device:ioctl(SET_OFFSET, string.pack("<I4", 1000000)))
for _ = 1, 5 do
    page_out {evict = true}
    local requests = {}
    for i = 1, 4 do
        requests[i] = device:start_ioctl(READ, "", 8)
    end
    for i = 1, 4 do
        value, offset = string.unpack("<I4I4", (assert(requests[i]:wait())))
        assert(value > 1000000 and offset == 1000000)
    end
end
local _, status = device:ioctl(READ, "", 7)
assert(status == "STATUS_BUFFER_TOO_SMALL", status)
_, status = device:ioctl(code(0x8ff), "", 8)
assert(status == "STATUS_INVALID_DEVICE_REQUEST", status)
local readings, failures, starts = counts(device, FILTER_COUNTS)
assert(readings == 21 and failures == 1 and starts == 1, readings .. " " .. failures)

-- a stopped device keeps its requests
assert(pnp("query_stop"))
assert(pnp("stop"))
local waiting, cancelled = device:start_ioctl(READ, "", 8), device:start_ioctl(READ, "", 8)
page_out {evict = true}
wait(10)
assert(not waiting:completed())
assert(cancelled:cancel())
ended(cancelled, "STATUS_CANCELLED")
assert(pnp("start"))
assert(waiting:wait())
_, _, starts = counts(device, FILTER_COUNTS)
assert(starts == 2)

-- so does one that sleeps
assert(power("S3"))
waiting = device:start_ioctl(READ, "", 8)
page_out {evict = true}
wait(10)
assert(not waiting:completed())
assert(power("S0"))
assert(waiting:wait())
assert(power("D3"))
assert(power("D0"))
reading(device)
local _, _, _, ups = counts(device, COUNTS)
assert(ups == 2, ups)
local _, _, _, power_requests = counts(device, FILTER_COUNTS)
assert(power_requests == 7, power_requests) -- query S3, S3, D3; S0, D0; D3; D0

-- the program goes while it waits
waiting = device:start_ioctl(READ, "", 8)
assert(end_process())
device = start()

-- gone by surprise while a program waits; the device goes when the program closes its handle
assert(pnp("query_stop"))
assert(pnp("stop"))
waiting = device:start_ioctl(READ, "", 8)
assert(pnp("surprise_removal"))
ended(waiting, "STATUS_DELETE_PENDING")
_, status = device:ioctl(READ, "", 8)
assert(status == "STATUS_DELETE_PENDING", status)
_, status = pnp("remove")
assert(status == "STATUS_DEVICE_BUSY", status)
page_out {evict = true}
assert(device:close())
assert(pnp("remove"))

-- and comes again, with its filter
assert(pnp("add"))
device = start()
value, offset = reading(device)
assert(value ~= 0 and offset == 0)
_, _, starts = counts(device, FILTER_COUNTS)
assert(starts == 1)
assert(device:close())
assert(pnp("query_remove"))
assert(pnp("cancel_remove"))
print("sensor: every reading came")
