-- SPDX-License-Identifier: MIT
-- Requests that are under way while others are made, against the fake guest.
local ECHO, WAITS, LATER = 0x222000, 0x22200c, 0x222010
local plain = assert(open("\\??\\Fake"))
assert(not pcall(plain.start_ioctl, plain, ECHO), "the handle is not overlapped")
assert(not pcall(open, "\\??\\Fake", nil, "overlapped"))

local device = assert(open("\\??\\Fake", nil, {overlapped = true}))
assert(device:ioctl(ECHO, "abc", 10) == "abc")
assert(device:ioctl(LATER, "abc", 10) == "abc")
assert(device:read(5) == "hello")

local first, second = device:start_ioctl(WAITS, "", 10), device:start_ioctl(WAITS, "", 10)
local third = device:start_ioctl(LATER, "later", 10)
assert(not first:completed() and not second:completed() and third:completed())
local data, status = third:wait()
assert(data == "later" and status == "STATUS_SUCCESS")
assert(not pcall(third.wait, third), "it has been waited for")
assert(second:cancel() and second:completed() and not first:completed())
data, status = second:wait()
assert(data == nil and status == "STATUS_CANCELLED", status)
assert(device:start_read(5):wait() == "hello")
assert(device:start_write("xyz"):wait() == 3)
assert(end_process())
-- what is left is cancelled at the end
