/* SPDX-License-Identifier: MIT */
/* !process, !thread, !drvobj, !devobj, !irp. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND CommandsObject[] = {
    {0},
};
