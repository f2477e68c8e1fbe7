/* SPDX-License-Identifier: MIT */
/* .process, .thread, .context, .cache, ~N. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsProcess[] = {
    {0},
};
