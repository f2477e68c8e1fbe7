/* SPDX-License-Identifier: MIT */
/*
 * What a driver asks of the debugger's half in the kernel. Without a debugger from the start of the
 * system on, Windows answers STATUS_DEBUGGER_INACTIVE, and so does this.
 */
#include "kd/kd.h"

/* DBGKD commands of KdSystemDebugControl, as the tools that use them know them. */
#define SYSDBG_READ_VIRTUAL 8
#define SYSDBG_WRITE_VIRTUAL 9
#define SYSDBG_READ_PHYSICAL 10
#define SYSDBG_WRITE_PHYSICAL 11

typedef struct _SYSDBG_MEMORY {
    ULONG64 Address;
    PVOID Buffer;
    ULONG Request; /* bytes */
} SYSDBG_MEMORY;

BOOLEAN KdpBlockEnable;

NTSTATUS KdChangeOption(KD_OPTION Option, ULONG InBufferBytes, PVOID InBuffer,
                        ULONG OutBufferBytes, PVOID OutBuffer, PULONG OutBufferNeeded)
{
    if (OutBufferNeeded != NULL) {
        *OutBufferNeeded = 0;
    }
    if (!KdDebuggerEnabled) {
        return STATUS_DEBUGGER_INACTIVE;
    }
    if (Option != KD_OPTION_SET_BLOCK_ENABLE) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (InBufferBytes != sizeof(BOOLEAN) || OutBufferBytes != 0 || OutBuffer != NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    KdpBlockEnable = *(const BOOLEAN *)InBuffer;
    return STATUS_SUCCESS;
}

/*
 * By way of the stack, since the driver's buffer may be pageable and the copy must not fault.
 * Memory that is not there ends it: STATUS_UNSUCCESSFUL, *Done says how far it came. <= APC_LEVEL
 */
static NTSTATUS KdpCopyMemory(ULONG Command, const SYSDBG_MEMORY *Memory, PULONG Done)
{
    UCHAR Chunk[256];
    BOOLEAN Write = Command == SYSDBG_WRITE_VIRTUAL || Command == SYSDBG_WRITE_PHYSICAL;
    ULONG Flags = (Command >= SYSDBG_READ_PHYSICAL ? MM_DEBUG_PHYSICAL : 0) |
                  (Write ? MM_DEBUG_WRITE : 0);
    while (*Done < Memory->Request) {
        ULONG Size = Memory->Request - *Done;
        Size = Size < sizeof(Chunk) ? Size : (ULONG)sizeof(Chunk);
        if (Write) {
            RtlCopyMemory(Chunk, (PUCHAR)Memory->Buffer + *Done, Size);
        }
        ULONG64 Interrupts = KiDisableInterrupts();
        ULONG Moved = (ULONG)MmDbgCopyMemory(Memory->Address + *Done, Chunk, Size, Flags);
        KiRestoreInterrupts(Interrupts);
        if (!Write) {
            RtlCopyMemory((PUCHAR)Memory->Buffer + *Done, Chunk, Moved);
        }
        *Done += Moved;
        if (Moved != Size) {
            return STATUS_UNSUCCESSFUL;
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS KdSystemDebugControl(ULONG Command, PVOID InputBuffer, ULONG InputBufferLength,
                              PVOID OutputBuffer, ULONG OutputBufferLength, PULONG ReturnLength,
                              KPROCESSOR_MODE PreviousMode)
{
    ULONG Done = 0;
    NTSTATUS Status = STATUS_INVALID_INFO_CLASS;

    if (!KdDebuggerEnabled) {
        return STATUS_DEBUGGER_INACTIVE;
    }
    if (PreviousMode != KernelMode) {
        return STATUS_ACCESS_DENIED;
    }
    if (Command >= SYSDBG_READ_VIRTUAL && Command <= SYSDBG_WRITE_PHYSICAL) {
        Status = InputBufferLength != sizeof(SYSDBG_MEMORY)
                     ? STATUS_INFO_LENGTH_MISMATCH
                     : KdpCopyMemory(Command, InputBuffer, &Done);
    }
    if (ReturnLength != NULL) {
        *ReturnLength = Done;
    }
    return Status;
}
