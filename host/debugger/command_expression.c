/* SPDX-License-Identifier: MIT */
/* ?, .formats, n, .echo. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsExpression[] = {
    {0},
};
