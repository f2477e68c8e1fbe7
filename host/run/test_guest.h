/* SPDX-License-Identifier: MIT */
#pragma once

#include "host/text/exit_codes.h"

/* `pageable test-guest [PATTERN] [--seed=N]`: runs the tests inside ntoskrnl-test.exe. */
EXIT_CODE TestGuestCommand(int Count, char **Arguments);
