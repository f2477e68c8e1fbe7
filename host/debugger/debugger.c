/* SPDX-License-Identifier: MIT */
/* What all of the debugger stands on: its state, its output, Ctrl-C. */
#include "host/debugger/debugger.h"

#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/debugger/execution.h"
#include "host/text/text.h"

bool DebuggerInitialize(DEBUGGER *Debugger, TARGET *Target, FILE *Output)
{
    memset(Debugger, 0, sizeof(*Debugger));
    Debugger->Target = Target;
    Debugger->Output = Output;
    Debugger->Interrupt = -1;
    Debugger->Radix = 16;
    Debugger->RegisterMask = 0x9; /* integers, flags and segments */
    Debugger->Execution = calloc(1, sizeof(EXECUTION));
    return Debugger->Execution != NULL;
}

void DebuggerFree(DEBUGGER *Debugger)
{
    DebugFreeSymbols(Debugger);
    free(Debugger->Execution);
    Debugger->Execution = NULL;
}

void DebuggerPrint(DEBUGGER *Debugger, const char *Format, ...)
{
    va_list Values;
    va_start(Values, Format);
    vfprintf(Debugger->Output, Format, Values);
    va_end(Values);
}

bool DebuggerError(DEBUGGER *Debugger, const char *Format, ...)
{
    va_list Values;
    fputs(Debugger->Color ? "\033[31m" : "", Debugger->Output);
    va_start(Values, Format);
    vfprintf(Debugger->Output, Format, Values);
    va_end(Values);
    fputs(Debugger->Color ? "\033[0m\n" : "\n", Debugger->Output);
    return false;
}

const char *DebugAddressText(uint64_t Address, char Out[DEBUG_ADDRESS_SIZE])
{
    char Text[TEXT_NUMBER];
    memcpy(Out, TextAddress(Text, Address), DEBUG_ADDRESS_SIZE);
    Out[DEBUG_ADDRESS_SIZE - 1] = 0;
    return Out;
}

bool DebuggerInterrupted(DEBUGGER *Debugger)
{
    struct pollfd Poll = {Debugger->Interrupt, POLLIN, 0};
    uint8_t Taken[512];
    if (Debugger->Interrupt < 0 || poll(&Poll, 1, 0) != 1) {
        return false;
    }
    return read(Debugger->Interrupt, Taken, sizeof(Taken)) > 0;
}
