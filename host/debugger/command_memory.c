/* SPDX-License-Identifier: MIT */
/* d*, e*, s. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsMemory[] = {
    {0},
};
