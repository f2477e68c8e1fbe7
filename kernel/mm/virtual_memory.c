/* SPDX-License-Identifier: MIT */
/*
 * ZwAllocateVirtualMemory, ZwFreeVirtualMemory, ZwQueryVirtualMemory. A VAD commits all of its
 * pages when it is made, so that MEM_RESERVE commits too, MEM_COMMIT of what is reserved changes
 * nothing, and only whole allocations are freed.
 */
#include "mm/mi.h"

#include "nt/ps.h"

static NTSTATUS MiReferenceProcess(HANDLE Handle, PEPROCESS *Process)
{
    return ObReferenceObjectByHandle(Handle, PROCESS_VM_OPERATION, PsProcessType, KernelMode,
                                     (PVOID *)Process, NULL);
}

/* Attached. Whether Start to End is part of one allocation. */
static BOOLEAN MiIsAllocated(ULONG64 Start, ULONG64 End)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    if (Set == NULL) {
        return FALSE;
    }
    ExAcquireFastMutex(&Set->AddressLock);
    PMI_VAD Vad = MiFindVad(Process, Start);
    BOOLEAN Allocated = Vad != NULL && Vad->Kind == MiVadPrivate && End <= Vad->End;
    ExReleaseFastMutex(&Set->AddressLock);
    return Allocated;
}

/* Attached. */
static NTSTATUS MiAllocateVirtual(PVOID *Base, PSIZE_T Size, ULONG Type, ULONG Protect)
{
    ULONG64 Start = (ULONG64)PAGE_ALIGN(*Base);
    ULONG64 End = ((ULONG64)*Base + *Size + PAGE_SIZE - 1) & ~(ULONG64)(PAGE_SIZE - 1);

    if (*Base != NULL && !(Type & MEM_RESERVE)) { /* of what was reserved */
        if (!MiIsAllocated(Start, End)) {
            return STATUS_CONFLICTING_ADDRESSES;
        }
    } else {
        PVOID Address = (PVOID)(Start & ~(MI_ALLOCATION_GRANULARITY - 1));
        SIZE_T Bytes = End - (ULONG64)Address;
        NTSTATUS Status = MmAllocateUserMemory(&Address, Bytes, Protect);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Start = (ULONG64)Address;
        End = Start + Bytes;
    }
    *Base = (PVOID)Start;
    *Size = End - Start;
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL */
NTSTATUS ZwAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, ULONG_PTR ZeroBits,
                                 PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect)
{
    const ULONG Known = MEM_COMMIT | MEM_RESERVE | MEM_TOP_DOWN;
    PEPROCESS Process;
    KAPC_STATE ApcState;
    PVOID Base = *BaseAddress; /* the caller's variables may be of its own address space */
    SIZE_T Size = *RegionSize;

    if ((AllocationType & ~Known) || !(AllocationType & (MEM_COMMIT | MEM_RESERVE))) {
        return STATUS_INVALID_PARAMETER_5;
    }
    if (MiProtectionOfPage(Protect) == 0) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if (ZeroBits > 21) {
        return STATUS_INVALID_PARAMETER_3;
    }
    if ((ULONG64)Base > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (Size == 0 || Size > MM_HIGHEST_USER_ADDRESS - (ULONG64)Base) {
        return STATUS_INVALID_PARAMETER_4;
    }
    NTSTATUS Status = MiReferenceProcess(ProcessHandle, &Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Status = MiAllocateVirtual(&Base, &Size, AllocationType, Protect);
    KeUnstackDetachProcess(&ApcState);
    ObfDereferenceObject(Process);
    if (NT_SUCCESS(Status)) {
        *BaseAddress = Base;
        *RegionSize = Size;
    }
    return Status;
}

/* Attached. *Size: what was freed. */
static NTSTATUS MiFreeVirtual(PVOID Base, PSIZE_T Size)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    ULONG64 Start = 0, Bytes = 0;
    if (Set == NULL) {
        return STATUS_MEMORY_NOT_ALLOCATED;
    }
    ExAcquireFastMutex(&Set->AddressLock);
    PMI_VAD Vad = MiFindVad(Process, (ULONG64)Base);
    if (Vad != NULL) {
        Start = Vad->Start;
        Bytes = Vad->End - Start;
    }
    ExReleaseFastMutex(&Set->AddressLock);
    if (Bytes == 0) {
        return STATUS_MEMORY_NOT_ALLOCATED;
    }
    if (Start != (ULONG64)Base || (*Size != 0 && *Size < Bytes)) {
        return STATUS_FREE_VM_NOT_AT_BASE;
    }
    *Size = Bytes;
    return MmFreeUserMemory(Base);
}

NTSTATUS ZwFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                             ULONG FreeType)
{
    PEPROCESS Process;
    KAPC_STATE ApcState;
    PVOID Base = PAGE_ALIGN(*BaseAddress);
    SIZE_T Size = *RegionSize;

    if (FreeType != MEM_RELEASE && FreeType != MEM_DECOMMIT) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if ((ULONG64)Base > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_INVALID_PARAMETER_2;
    }
    NTSTATUS Status = MiReferenceProcess(ProcessHandle, &Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (FreeType == MEM_DECOMMIT) {
        Status = STATUS_UNABLE_TO_DECOMMIT_VM;
    } else {
        KeStackAttachProcess(&Process->Pcb, &ApcState);
        Status = MiFreeVirtual(Base, &Size);
        KeUnstackDetachProcess(&ApcState);
    }
    ObfDereferenceObject(Process);
    if (NT_SUCCESS(Status)) {
        *BaseAddress = Base;
        *RegionSize = Size;
    }
    return Status;
}

/* What of the current process's addresses is like Va. STATUS_INVALID_PARAMETER: it has none. */
NTSTATUS MiQueryVirtual(ULONG64 Va, PMEMORY_BASIC_INFORMATION Basic)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    ULONG64 End = MM_USER_PROBE_ADDRESS;

    if (Set == NULL || Va > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_INVALID_PARAMETER;
    }
    *Basic = (MEMORY_BASIC_INFORMATION){.BaseAddress = PAGE_ALIGN(Va), .State = MEM_FREE,
                                        .Protect = PAGE_NOACCESS};
    ExAcquireFastMutex(&Set->AddressLock);
    PMI_VAD Vad = MiFindVad(Process, Va);
    if (Vad != NULL) {
        ULONG Protection = MiProtectionOfAddress(Vad, Va);
        End = (ULONG64)Basic->BaseAddress + PAGE_SIZE;
        while (End < Vad->End && MiProtectionOfAddress(Vad, End) == Protection) {
            End += PAGE_SIZE;
        }
        Basic->AllocationBase = (PVOID)Vad->Start;
        Basic->AllocationProtect = MiPageOfProtection(Vad->Protection);
        Basic->Protect = MiPageOfProtection(Protection);
        Basic->State = MEM_COMMIT;
        Basic->Type = Vad->Kind == MiVadPrivate ? MEM_PRIVATE : MEM_MAPPED;
    } else {
        for (Vad = Process->VadRoot; Vad != NULL && Vad->Start <= Va; Vad = Vad->Next) {
        }
        End = Vad != NULL ? Vad->Start : End;
    }
    ExReleaseFastMutex(&Set->AddressLock);
    Basic->RegionSize = End - (ULONG64)Basic->BaseAddress;
    return STATUS_SUCCESS;
}

NTSTATUS ZwQueryVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress,
                              MEMORY_INFORMATION_CLASS MemoryInformationClass,
                              PVOID MemoryInformation, SIZE_T MemoryInformationLength,
                              PSIZE_T ReturnLength)
{
    MEMORY_BASIC_INFORMATION Basic;
    PEPROCESS Process;
    KAPC_STATE ApcState;

    if (MemoryInformationClass != MemoryBasicInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (MemoryInformationLength < sizeof(Basic)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    NTSTATUS Status = MiReferenceProcess(ProcessHandle, &Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Status = MiQueryVirtual((ULONG64)BaseAddress, &Basic);
    KeUnstackDetachProcess(&ApcState);
    ObfDereferenceObject(Process);
    if (NT_SUCCESS(Status)) {
        *(PMEMORY_BASIC_INFORMATION)MemoryInformation = Basic;
        if (ReturnLength != NULL) {
            *ReturnLength = sizeof(Basic);
        }
    }
    return Status;
}
