/* SPDX-License-Identifier: MIT */
/* lm, x, ln, .reload, .sympath, ld, dt. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsSymbol[] = {
    {0},
};
