/* SPDX-License-Identifier: MIT */
/* The runner of guest tests: NULL here, overridden by ntoskrnl-test.exe (tests/guest/runner.c). */
#include "ke/ki.h"

__attribute__((weak)) ULONG (*const KiGuestTestRunner)(PCSTR Pattern, ULONG64 Seed) = NULL;
