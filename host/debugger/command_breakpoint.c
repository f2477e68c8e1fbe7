/* SPDX-License-Identifier: MIT */
/* bp, bu, ba, bl, bc, bd, be. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsBreakpoint[] = {
    {0},
};
