/* SPDX-License-Identifier: MIT */
/*
 * The debugger's .pagein: one page is brought in, if there is one, and kept until it is let go.
 * The address is whatever the user typed, so that, unlike a touch, nothing here ends in a bug
 * check: what is no page of a process, an image, the paged pool or a kernel stack is refused.
 * A guard page is left as it is, as the debugger must not spring it.
 */
#include "mm/mi.h"

/* A user address of the current address space. APC_LEVEL */
static NTSTATUS MiPageInUser(ULONG64 Va)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    if (Set == NULL) {
        return STATUS_ACCESS_VIOLATION;
    }
    ExAcquireFastMutex(&Set->AddressLock);
    PMI_VAD Vad = MiFindVad(Process, Va);
    ULONG Protection = Vad != NULL ? Vad->Protection : 0;
    PMMPTE Pte = MiWalk((PVOID)Va, NULL);
    if (Vad != NULL && Pte != NULL && *Pte != 0 && !(*Pte & MI_PTE_VALID)) {
        Protection = MI_PTE_PROTECTION(*Pte);
    }
    ExReleaseFastMutex(&Set->AddressLock);
    if (Protection == 0) {
        return STATUS_ACCESS_VIOLATION;
    }
    return Protection & MI_GUARD ? STATUS_GUARD_PAGE_VIOLATION : MiUserFault((PVOID)Va, 0);
}

/* The tables stay while this reads: who frees addresses waits. APC_LEVEL */
static NTSTATUS MiPageInSystem(ULONG64 Va)
{
    NTSTATUS Status = STATUS_ACCESS_VIOLATION;
    if (!MiInRange(&MiImageRange, Va) && !MiInRange(&MiPagedPoolRange, Va) &&
        !MiInRange(&MiSystemPteRange, Va)) {
        return Status;
    }
    MiLockSystemTables();
    PMMPTE Pte = MiWalk((PVOID)Va, NULL);
    if (Pte != NULL) {
        MI_READ_AHEAD Alone = {0}; /* no neighbours, and no guess of others is changed */
        Status = MiResolvePte(Pte, Va, 0, &MiSystemWorkingSet, &Alone);
    }
    MiUnlockSystemTables();
    return Status;
}

/* Takes a reference of the page at Va, if it is valid and a frame of ours. */
static BOOLEAN MiReferenceValidPage(ULONG64 Va, PULONG Frame)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    PMMPTE Pte = MiWalk((PVOID)Va, NULL);
    BOOLEAN Valid = Pte != NULL && (*Pte & MI_PTE_VALID);
    *Frame = MI_NO_PAGE;
    if (Valid && MI_PTE_FRAME(*Pte) <= MiHighestFrame &&
        MmIsAddressValid(MI_PFN(MI_PTE_FRAME(*Pte))) &&
        MI_PFN(MI_PTE_FRAME(*Pte))->ReferenceCount != 0) {
        *Frame = (ULONG)MI_PTE_FRAME(*Pte);
        MI_PFN(*Frame)->ReferenceCount++;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Valid;
}

NTSTATUS MiDebuggerPageIn(PVOID Address, PULONG Frame)
{
    ULONG64 Va = (ULONG64)Address & ~(ULONG64)(PAGE_SIZE - 1);
    NTSTATUS Status = STATUS_SUCCESS;
    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    KIRQL Irql = KiRaiseIrql(APC_LEVEL);
    /* It may leave again before it is referenced: then once more. */
    while (!MiReferenceValidPage(Va, Frame) && NT_SUCCESS(Status)) {
        if (MmIsAddressValid(Address)) {
            break; /* a large page */
        }
        Status = Va <= MM_HIGHEST_USER_ADDRESS ? MiPageInUser(Va) : MiPageInSystem(Va);
    }
    KiWriteIrql(Irql);
    return Status;
}

VOID MiDebuggerReleasePage(ULONG Frame)
{
    if (Frame != MI_NO_PAGE) {
        MiUnlockPage(Frame);
    }
}
