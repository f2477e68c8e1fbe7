/* SPDX-License-Identifier: MIT */
/*
 * Memory that may not be there, touched without a bug check. MmCopyMemory ends where memory does:
 * STATUS_PARTIAL_COPY, and how many bytes were copied. The others give the exception's status.
 */
#include "mm/mi.h"

#include "nt/rtl.h"

#define MI_COPY_CHUNK 512u
#define MI_TAG_COPY 'yCmM'

__attribute__((noinline)) NTSTATUS MmCopyGuarded(PVOID To, const VOID *From, SIZE_T Size)
{
    __try {
        RtlCopyMemory(To, From, Size);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

__attribute__((noinline)) NTSTATUS MmLockPagesGuarded(PMDL Mdl, KPROCESSOR_MODE Mode,
                                                      LOCK_OPERATION Operation)
{
    __try {
        MmProbeAndLockPages(Mdl, Mode, Operation);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Within one page. A page that is out comes in; one that is not there is none. */
static BOOLEAN MiCopyVirtual(PVOID To, ULONG64 From, SIZE_T Size)
{
    if (From < MM_USER_PROBE_ADDRESS) {
        return NT_SUCCESS(MmCopyGuarded(To, (PVOID)From, Size));
    }
    if (!MmHasPage((PVOID)From) && !MmIsAddressValid((PVOID)From)) {
        return FALSE;
    }
    RtlCopyMemory(To, (PVOID)From, Size);
    return TRUE;
}

static BOOLEAN MiCopyPhysical(PVOID To, ULONG64 From, SIZE_T Size)
{
    UCHAR Chunk[MI_COPY_CHUNK]; /* the target may not be there while interrupts are off */
    for (SIZE_T Done = 0; Done < Size;) {
        SIZE_T Part = Size - Done < sizeof(Chunk) ? Size - Done : sizeof(Chunk);
        ULONG64 Flags = KiDisableInterrupts();
        SIZE_T Moved = MmDbgCopyMemory(From + Done, Chunk, Part, MM_DEBUG_PHYSICAL);
        KiRestoreInterrupts(Flags);
        if (Moved != Part) {
            return FALSE;
        }
        RtlCopyMemory((PUCHAR)To + Done, Chunk, Part);
        Done += Part;
    }
    return TRUE;
}

/* <= APC_LEVEL */
NTSTATUS MmCopyMemory(PVOID TargetAddress, MM_COPY_ADDRESS SourceAddress, SIZE_T NumberOfBytes,
                      ULONG Flags, PSIZE_T NumberOfBytesTransferred)
{
    ULONG64 Source = (ULONG64)SourceAddress.PhysicalAddress.QuadPart;
    SIZE_T Done = 0;

    *NumberOfBytesTransferred = 0;
    if (Flags != MM_COPY_MEMORY_PHYSICAL && Flags != MM_COPY_MEMORY_VIRTUAL) {
        return STATUS_INVALID_PARAMETER_4;
    }
    while (Done < NumberOfBytes) {
        SIZE_T Size = PAGE_SIZE - BYTE_OFFSET(Source + Done);
        Size = Size < NumberOfBytes - Done ? Size : NumberOfBytes - Done;
        PVOID To = (PUCHAR)TargetAddress + Done;
        if (!(Flags == MM_COPY_MEMORY_PHYSICAL ? MiCopyPhysical(To, Source + Done, Size)
                                               : MiCopyVirtual(To, Source + Done, Size))) {
            break;
        }
        Done += Size;
    }
    *NumberOfBytesTransferred = Done;
    return Done == NumberOfBytes ? STATUS_SUCCESS : STATUS_PARTIAL_COPY;
}

static BOOLEAN MiIsUserRange(ULONG64 Start, SIZE_T Size)
{
    return Start + Size >= Start && Start + Size <= MM_USER_PROBE_ADDRESS;
}

static NTSTATUS MiCopyWithin(PEPROCESS Process, PVOID To, const VOID *From, SIZE_T Size)
{
    KAPC_STATE ApcState;
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    NTSTATUS Status = MmCopyGuarded(To, From, Size);
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

/*
 * From one process's memory to another's, by way of pool. From user mode (PreviousMode) both must
 * be user addresses. PASSIVE_LEVEL
 */
NTSTATUS MmCopyVirtualMemory(PEPROCESS SourceProcess, PVOID SourceAddress,
                             PEPROCESS TargetProcess, PVOID TargetAddress, SIZE_T BufferSize,
                             KPROCESSOR_MODE PreviousMode, PSIZE_T ReturnSize)
{
    SIZE_T Done = 0;
    NTSTATUS Status = STATUS_SUCCESS;

    *ReturnSize = 0;
    if (PreviousMode != KernelMode && (!MiIsUserRange((ULONG64)SourceAddress, BufferSize) ||
                                       !MiIsUserRange((ULONG64)TargetAddress, BufferSize))) {
        return STATUS_ACCESS_VIOLATION;
    }
    PUCHAR Chunk = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, MI_TAG_COPY);
    if (Chunk == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    while (Done < BufferSize && NT_SUCCESS(Status)) {
        SIZE_T Size = PAGE_SIZE - BYTE_OFFSET((ULONG64)SourceAddress + Done);
        Size = Size < BufferSize - Done ? Size : BufferSize - Done;
        Status = MiCopyWithin(SourceProcess, Chunk, (PUCHAR)SourceAddress + Done, Size);
        if (NT_SUCCESS(Status)) {
            Status = MiCopyWithin(TargetProcess, (PUCHAR)TargetAddress + Done, Chunk, Size);
        }
        Done += NT_SUCCESS(Status) ? Size : 0;
    }
    ExFreePoolWithTag(Chunk, MI_TAG_COPY);
    *ReturnSize = Done;
    return NT_SUCCESS(Status) ? STATUS_SUCCESS : STATUS_PARTIAL_COPY;
}
