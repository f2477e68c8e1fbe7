/* SPDX-License-Identifier: MIT */
/* .pagein, !pte, !vm, !pageable, !pageout. */
#include "host/debugger/debugger.h"

void PageInOnStop(DEBUGGER *Debugger)
{
}

const DEBUGGER_COMMAND CommandsPaging[] = {
    {0},
};
