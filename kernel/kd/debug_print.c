/* SPDX-License-Identifier: MIT */
/*
 * DbgPrint and its family: formats at any IRQL into a buffer on the stack and sends it to the
 * debug console and to KdPrintHook. Longer text is cut at KD_PRINT_BYTES - 1, as NT cuts at 512.
 * The component filter masks are not kept: everything prints.
 */
#include "kd/kd.h"

#define KD_PRINT_BYTES 512

VOID (*KdPrintHook)(PCSTR Text, ULONG Length);
BOOLEAN KdDebuggerEnabled;
BOOLEAN KdDebuggerNotPresent = TRUE;

static VOID KdpPrint(PCSTR Text, ULONG Length)
{
    HalWriteDebugString(Text, Length);
    if (KdPrintHook != NULL) {
        KdPrintHook(Text, Length);
    }
}

ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
                            va_list Arguments)
{
    CHAR Text[KD_PRINT_BYTES];
    SIZE_T PrefixLength = strnlen(Prefix, sizeof(Text) - 1);

    RtlCopyMemory(Text, Prefix, PrefixLength);
    /* A negative result means that it did not fit. */
    SIZE_T Room = sizeof(Text) - 1 - PrefixLength;
    int Written = _vsnprintf(Text + PrefixLength, Room, Format, Arguments);
    SIZE_T Length = PrefixLength + (Written < 0 || (SIZE_T)Written > Room ? Room : (SIZE_T)Written);
    KdpPrint(Text, (ULONG)Length);
    return STATUS_SUCCESS;
}

ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list Arguments)
{
    return vDbgPrintExWithPrefix("", ComponentId, Level, Format, Arguments);
}

ULONG DbgPrint(PCSTR Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    ULONG Status = vDbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, Arguments);
    va_end(Arguments);
    return Status;
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    ULONG Status = vDbgPrintEx(ComponentId, Level, Format, Arguments);
    va_end(Arguments);
    return Status;
}

/* TRUE: no debugger is attached. Nothing could have attached one since. */
BOOLEAN KdRefreshDebuggerNotPresent(VOID)
{
    return KdDebuggerNotPresent;
}
