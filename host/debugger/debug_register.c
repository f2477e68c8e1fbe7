/* SPDX-License-Identifier: MIT */
/* Registers by name; so far none. */
#include "host/debugger/debugger.h"

bool RegisterRead(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Value)
{
    return false;
}

bool RegisterWrite(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t Value)
{
    return false;
}

bool DebugCurrentProcess(DEBUGGER *Debugger, uint64_t *Process)
{
    return DebuggerError(Debugger, "the current process is not known");
}

bool DebugCurrentThread(DEBUGGER *Debugger, uint64_t *Thread)
{
    return DebuggerError(Debugger, "the current thread is not known");
}
