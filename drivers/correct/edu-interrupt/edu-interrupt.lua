-- SPDX-License-Identifier: MIT
-- Interrupts of a real device while everything pageable is out, and results it computes.
local RAISE = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
local FACTORIAL = ctl_code(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

local answers = 0
local function ask(device, code, number)
    local answer = assert(device:ioctl(code, string.pack("<I4", number), 4))
    answers = answers + 1
    return (string.unpack("<I4", answer))
end

for _ = 1, 3 do
    local device = assert(open("\\Device\\Edu"))
    for bit = 0, 31 do
        assert(ask(device, RAISE, 1 << bit) == 1 << bit, "the interrupt's bits came back")
    end
    assert(ask(device, RAISE, 0xffffffff) == 0xffffffff)
    assert(page_out { evict = true })
    local product = 1
    for number = 1, 12 do
        product = product * number
        assert(ask(device, FACTORIAL, number) == product, "factorial of " .. number)
    end
    local nothing, status = device:ioctl(RAISE, "\0\0\0\0", 4)
    assert(nothing == nil and status == "STATUS_INVALID_PARAMETER", status)
    nothing, status = device:ioctl(RAISE, "", 4)
    assert(nothing == nil and status == "STATUS_BUFFER_TOO_SMALL", status)
    nothing, status = device:ioctl(RAISE + 64, "", 4)
    assert(nothing == nil and status == "STATUS_INVALID_DEVICE_REQUEST", status)
    assert(device:close())
    assert(page_out { evict = true })
end
print(answers .. " answers, each with an interrupt")
