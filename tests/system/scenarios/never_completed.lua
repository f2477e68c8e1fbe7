-- SPDX-License-Identifier: MIT
-- The driver keeps a request for ever.
local device = assert(open("\\??\\Fake", nil, {overlapped = true}))
local request = device:start_ioctl(0x22200c)
request:wait()
