/* SPDX-License-Identifier: MIT */
/* !pte, !pfn, !address. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsPage[] = {
    {0},
};
