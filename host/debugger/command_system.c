/* SPDX-License-Identifier: MIT */
/* !pool, !irql, !pcr, !prcb, !idt, !locks, !verifier. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsSystem[] = {
    {0},
};
