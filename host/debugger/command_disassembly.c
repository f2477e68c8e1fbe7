/* SPDX-License-Identifier: MIT */
/* u, ub, uf. */
#include "host/debugger/debugger.h"

void DebugInstructionText(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity,
                          unsigned *Length)
{
    char Text[DEBUG_ADDRESS_SIZE];
    snprintf(Out, Capacity, "%s ??", DebugAddressText(Address, Text));
    *Length = 0;
}

const DEBUGGER_COMMAND CommandsDisassembly[] = {
    {0},
};
