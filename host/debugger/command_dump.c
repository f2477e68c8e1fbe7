/* SPDX-License-Identifier: MIT */
/* .dump. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsDump[] = {
    {0},
};
