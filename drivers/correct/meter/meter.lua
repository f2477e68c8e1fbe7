-- SPDX-License-Identifier: MIT
-- Samples come, with everything paged out; each way of I/O; what WMI says is what the driver says.
local function code(number, method)
    return ctl_code(FILE_DEVICE_UNKNOWN, number, method, FILE_ANY_ACCESS)
end
local START, STOP = code(0x801, METHOD_BUFFERED), code(0x802, METHOD_BUFFERED)
local SUMS, HISTORY = code(0x803, METHOD_BUFFERED), code(0x804, METHOD_OUT_DIRECT)
local LABEL, ASK = code(0x805, METHOD_NEITHER), code(0x806, METHOD_BUFFERED)
local SIZE = 32

local function sums(device, request)
    local result = {}
    result.count, result.sum, result.least, result.most, result.period, result.reinitialized =
        string.unpack("<I8I8I4I4I4I4", (assert(device:ioctl(request or SUMS, "", SIZE))))
    return result
end
-- Until so many samples have been summed up.
local function await(device, count)
    while sums(device).count < count do
        wait(2)
    end
end

local meter = assert(open("\\??\\Meter"))
local first = sums(meter)
assert(first.count == 0 and first.reinitialized == 2, first.reinitialized)
assert(first.period == 3, "the registry's period") -- meter.reg
assert(sections().PAGESAMP.lock_count == 0)
local _, status = meter:ioctl(STOP)
assert(status == "STATUS_INVALID_DEVICE_STATE", status)
assert(assert(meter:ioctl(HISTORY, "", 400)) == "")

-- two programs' handles, one meter
local other = assert(open("\\??\\Meter"))
assert(meter:ioctl(START))
assert(other:ioctl(START))
assert(sections().PAGESAMP.lock_count == 1)
for round = 1, 4 do
    page_out {evict = true}
    await(meter, round * 5)
end
assert(meter:ioctl(STOP))
assert(sections().PAGESAMP.lock_count == 1, "the other handle has started it too")
await(other, sums(other).count + 3)
assert(other:close())
assert(sections().PAGESAMP.lock_count == 0, "the last one has gone")
page_out {evict = true}
assert(sections().PAGESAMP.resident_pages == 0)

-- the thread has the last word on the sums: what does not change any more
local last = sums(meter)
wait(20)
assert(sums(meter).count == last.count, "samples without a start")
last = sums(meter)
local bytes = assert(meter:ioctl(HISTORY, "", 4 * last.count + 40))
assert(#bytes == 4 * last.count)
local sum, least, most = 0, math.maxinteger, 0
for i = 1, #bytes, 4 do
    local value = string.unpack("<I4", bytes, i)
    assert(value % 7 == 0, "the registry's scale")
    sum, least, most = sum + value, math.min(least, value), math.max(most, value)
end
assert(sum == last.sum and least == last.least and most == last.most, sum .. " " .. last.sum)
assert(assert(meter:ioctl(HISTORY, "", 9)) == bytes:sub(-8), "the newest, whole ones")

-- WMI says the same
local told = sums(meter, ASK)
assert(told.count == last.count and told.sum == last.sum and told.period == last.period)
_, status = meter:ioctl(ASK, "", SIZE - 1)
assert(status == "STATUS_BUFFER_TOO_SMALL", status)

-- neither: good addresses, short buffers, bad addresses
assert(assert(meter:ioctl(LABEL, "kitchen", 32)) == "")
page_out {evict = true}
assert(assert(meter:ioctl(LABEL, "hall", 32)) == "kitchen")
_, status = meter:ioctl(LABEL, "x", 3)
assert(status == "STATUS_BUFFER_TOO_SMALL", status)
_, status = meter:ioctl(LABEL, ("x"):rep(33), 32)
assert(status == "STATUS_INVALID_PARAMETER", status)
for _, addresses in ipairs {{input = 0x10}, {output = 0x10}, {input = -0x800000000000},
                            {output = -0x800000000000}} do
    _, status = meter:ioctl(LABEL, "cellar", 32, addresses)
    assert(status == "STATUS_ACCESS_VIOLATION", status)
end
assert(assert(meter:ioctl(LABEL, "", 32)) == "hall", "a bad call changed it")
assert(meter:close())

-- a program that is ended while it measures
meter = assert(open("\\??\\Meter"))
assert(meter:ioctl(START))
await(meter, last.count + 2)
assert(end_process())
assert(sections().PAGESAMP.lock_count == 0)
page_out {evict = true}
print("meter: every sample was counted")
