-- SPDX-License-Identifier: MIT
-- Asks for the survey, into a buffer in user memory.
local IOCTL_SURVEY_GET = ctl_code(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)
local device = assert(open("\\Device\\Survey"))
local data = assert(device:ioctl(IOCTL_SURVEY_GET, "", 8))
local opens, questions = string.unpack("<I4I4", data)
assert(opens == 1 and questions == 1, "the survey is wrong")
device:close()
