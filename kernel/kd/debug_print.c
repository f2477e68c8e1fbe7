/* SPDX-License-Identifier: MIT */
/*
 * DbgPrint and its family: formats at any IRQL into a buffer on the stack and sends it to the
 * debug console, to KdPrintHook, to the debugger, and into a circular buffer where a debugger that
 * comes later finds it. Longer text is cut at KD_PRINT_BYTES - 1, as NT cuts at 512. The
 * component filter is debug_filter.c.
 */
#include "kd/kd.h"

#define KD_PRINT_BYTES 512

VOID (*KdPrintHook)(PCSTR Text, ULONG Length);
CHAR KdPrintDefaultCircularBuffer[KD_PRINT_BUFFER_SIZE];
PCHAR KdPrintCircularBuffer = KdPrintDefaultCircularBuffer;
PCHAR KdPrintWritePointer = KdPrintDefaultCircularBuffer;
ULONG KdPrintBufferSize = KD_PRINT_BUFFER_SIZE;
ULONG KdPrintRolloverCount;

/* Interrupts off. */
static VOID KdpKeepText(PCSTR Text, ULONG Length)
{
    for (ULONG i = 0; i < Length; i++) {
        *KdPrintWritePointer++ = Text[i];
        if (KdPrintWritePointer == KdPrintDefaultCircularBuffer + KD_PRINT_BUFFER_SIZE) {
            KdPrintWritePointer = KdPrintDefaultCircularBuffer;
            KdPrintRolloverCount++;
        }
    }
}

static VOID KdpFillDebugIo(DBGKD_DEBUG_IO *Io, ULONG Api, ULONG Length)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    RtlZeroMemory(Io, sizeof(*Io));
    Io->ApiNumber = Api;
    Io->ProcessorLevel = Prcb->CpuType;
    Io->Processor = (USHORT)Prcb->Number;
    Io->Length = Length;
}

VOID KdpPrintToDebugger(PCSTR Text, ULONG Length)
{
    DBGKD_DEBUG_IO Io;
    if (KdDebuggerEnabled && !KdDebuggerNotPresent && Length != 0 && KdEnterDebugger(NULL)) {
        KdpFillDebugIo(&Io, DbgKdPrintStringApi, Length);
        KdpSendPacket(KdPacketDebugIo, &Io, sizeof(Io), Text, Length);
        KdExitDebugger(NULL);
    }
}

VOID KdpPrint(PCSTR Text, ULONG Length)
{
    ULONG64 Flags = KiDisableInterrupts();
    KdpKeepText(Text, Length);
    KiRestoreInterrupts(Flags);
    HalWriteDebugString(Text, Length);
    if (KdPrintHook != NULL) {
        KdPrintHook(Text, Length);
    }
    KdpPrintToDebugger(Text, Length);
}

/* As the answer comes when a user types it, nothing else runs for long. */
ULONG KdpPrompt(PCSTR Prompt, ULONG PromptLength, PCHAR Response, ULONG ResponseSize)
{
    DBGKD_DEBUG_IO Io;
    ULONG Got = 0;
    if (!KdDebuggerEnabled || KdDebuggerNotPresent || !KdEnterDebugger(NULL)) {
        return 0;
    }
    KdpFillDebugIo(&Io, DbgKdGetStringApi, PromptLength);
    Io.LengthRead = ResponseSize;
    for (;;) {
        KdpSendPacket(KdPacketDebugIo, &Io, sizeof(Io), Prompt, PromptLength);
        KDP_RECEIVE Received;
        do {
            Received = KdpReceivePacket(KdPacketDebugIo, sizeof(Io));
        } while (Received == KdpTimedOut);
        if (Received == KdpReceived) {
            break;
        }
    }
    ULONG Size;
    const UCHAR *Payload = KdpPayload(&Size);
    RtlCopyMemory(&Io, Payload, sizeof(Io));
    Got = Size - (ULONG)sizeof(Io);
    Got = Got < Io.LengthRead ? Got : Io.LengthRead;
    Got = Got < ResponseSize ? Got : ResponseSize;
    RtlCopyMemory(Response, Payload + sizeof(Io), Got);
    KdExitDebugger(NULL);
    return Got;
}

/* Any IRQL. The answer, without a NUL, is at most Length bytes; 0 when nobody answers. */
ULONG DbgPrompt(PCSTR Prompt, PCHAR Response, ULONG Length)
{
    return DbgpPromptString(Prompt, (USHORT)strnlen(Prompt, KD_PRINT_BYTES), Response,
                            (USHORT)(Length < KD_PRINT_BYTES ? Length : KD_PRINT_BYTES));
}

ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
                            va_list Arguments)
{
    CHAR Text[KD_PRINT_BYTES];
    SIZE_T PrefixLength = strnlen(Prefix, sizeof(Text) - 1);

    RtlCopyMemory(Text, Prefix, PrefixLength);
    if (KdpIsFiltered(ComponentId, Level)) {
        return STATUS_SUCCESS;
    }
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
