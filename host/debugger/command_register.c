/* SPDX-License-Identifier: MIT */
/* r, rm. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsRegister[] = {
    {0},
};
