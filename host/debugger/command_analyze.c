/* SPDX-License-Identifier: MIT */
/* .bugcheck, !analyze. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsAnalyze[] = {
    {0},
};
