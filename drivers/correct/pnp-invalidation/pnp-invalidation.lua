-- SPDX-License-Identifier: MIT
-- What PnP asks again when the driver says that it has changed, one letter for each request.
local STATE, RELATIONS, WAIT = 0x222000, 0x222004, 0x222008
local device

-- PnP asks in a thread of its own: whatever comes in two parts is put together.
local function asked(wanted)
    local log = ""
    while #log < #wanted do
        log = log .. assert(device:ioctl(WAIT, "", 32))
    end
    assert(log == wanted, "PnP asked " .. log)
end

for round = 1, 3 do
    device = assert(open("\\Device\\PnpInvalidation"))
    asked("B") -- since the start
    assert(device:ioctl(RELATIONS))
    asked("B")
    assert(device:ioctl(STATE, "\x22")) -- not to be shown, not to be disabled: it stays
    asked("s")
    page_out{evict = true}
    assert(device:ioctl(STATE, round == 1 and "\x04" or round == 2 and "\x08" or "\x01"))
    asked("sX")
    assert(not pnp("query_stop"), "it is gone")
    assert(device:close())
    assert(pnp("remove"))
    assert(pnp("add"))
end
device = assert(open("\\Device\\PnpInvalidation"))
asked("B")
assert(device:close())
