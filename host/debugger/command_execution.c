/* SPDX-License-Identifier: MIT */
/* g, p, t, gu: letting the target run. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsExecution[] = {
    {0},
};
