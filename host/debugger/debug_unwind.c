/* SPDX-License-Identifier: MIT */
/* One step up the stack; so far no unwind data is read. */
#include "host/debugger/debugger.h"

bool DebugUnwind(DEBUGGER *Debugger, CONTEXT *Context)
{
    return false;
}
