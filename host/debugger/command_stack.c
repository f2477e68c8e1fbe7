/* SPDX-License-Identifier: MIT */
/* k, .frame. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsStack[] = {
    {0},
};
