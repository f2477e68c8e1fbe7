/* SPDX-License-Identifier: MIT */
/*
 * Page faults. The trap entry (ke/trap.S) calls MiFastFault with interrupts off; what that cannot
 * resolve comes to MmAccessFault. The cases:
 *
 *   what the PTE says        what happens                              returns
 *   valid, access allowed    another thread was faster                 retry
 *   valid, not allowed       kernel: 0xBE, 0xFC; user: exception       STATUS_ACCESS_VIOLATION
 *   valid, user's, executed  from kernel mode: 0xFC (SMEP)
 *   transition               soft fault: off its list, valid           retry
 *   transition, being read   waits for the reader                      retry
 *   demand zero              a zeroed page                             retry
 *   paging file              hard fault: MiReadPages (paging_read.c)   retry, or an I/O error
 *   nothing, user address    a VAD covers it: demand zero              retry; else exception
 *   nothing, system address  0x50
 *   any that is not valid, at IRQL > APC_LEVEL: the law is broken, 0xA (refined to 0xD1, 0xD3);
 *   with interrupts off as well, and then the bug check gives FFh for the IRQL, as in NT
 *
 * The faulting thread resolves at APC_LEVEL, so that no APC runs while it holds a place in a read.
 * Locks: MiPfnLock for microseconds; the process's AddressLock for a VAD; none across a wait.
 */
#include "mm/mi.h"

#include "kd/breakpoint.h"
#include "mm/image.h"

#define MI_FAULT_PRESENT 1u
#define MI_FAULT_WRITE 2u
#define MI_FAULT_USER 4u
#define MI_FAULT_RESERVED 8u
#define MI_FAULT_EXECUTE 16u
#define MI_FLAGS_INTERRUPTS 0x200u
#define MI_IRQL_INTERRUPTS_OFF 0xff

static BOOLEAN MiProtectionAllows(ULONG Protection, ULONG_PTR FaultCode)
{
    ULONG64 Bits = MiProtectionToPte[Protection];
    if (Protection == 0 || (Protection & MI_GUARD)) {
        return FALSE;
    }
    if ((FaultCode & MI_FAULT_WRITE) && !(Bits & MI_PTE_WRITE)) {
        return FALSE;
    }
    return !((FaultCode & MI_FAULT_EXECUTE) && (Bits & MI_PTE_NO_EXECUTE));
}

static BOOLEAN MiIsUserAddress(PVOID Address)
{
    return (ULONG64)Address <= MM_HIGHEST_USER_ADDRESS;
}

/*
 * A page in transition whose contents are good becomes valid again. MiPfnLock held. A page that is
 * being written keeps its I/O reference and gets the mapping's.
 */
static BOOLEAN MiSoftFault(PMMPTE Pte, MMPTE Old, BOOLEAN User)
{
    ULONG Frame = (ULONG)MI_PTE_FRAME(Old);
    PMMPFN Pfn = MI_PFN(Frame);
    if (Pfn->ReadInProgress) {
        return FALSE;
    }
    if (Pfn->State != MiTransition) {
        MiUnlinkList(MiListOf(Pfn), Frame);
    }
    Pfn->ReferenceCount++;
    *Pte = MiValidPte(Frame, MI_PTE_PROTECTION(Old), User);
    MiInsertWorkingSet(Pfn->WorkingSet, Frame);
    MiRecordPage(TimelinePageArrived, Pte, TimelinePageStandby);
    MiCounters.SoftFaults++;
    KdPagesArrived();
    return TRUE;
}

/*
 * Interrupts off, any IRQL, no event is set and nothing is allocated. The lock is never held by
 * the code that was interrupted: its holder runs at DISPATCH_LEVEL, where no fault is resolved.
 */
BOOLEAN MiFastFault(ULONG_PTR FaultCode, PVOID Address)
{
    BOOLEAN User = MiIsUserAddress(Address);
    if ((FaultCode & (MI_FAULT_PRESENT | MI_FAULT_RESERVED)) != 0 ||
        ((FaultCode & MI_FAULT_USER) && !User) || KiReadIrql() > APC_LEVEL) {
        return FALSE;
    }
    PMMPTE Pte = MiWalk(Address, NULL);
    if (Pte == NULL) {
        return FALSE;
    }
    BOOLEAN Resolved = FALSE;
    KiAcquireSpinLockRaw(&MiPfnLock);
    MMPTE Old = *Pte;
    if ((Old & (MI_PTE_VALID | MI_PTE_TRANSITION)) == MI_PTE_TRANSITION &&
        MiProtectionAllows(MI_PTE_PROTECTION(Old), FaultCode)) {
        Resolved = MiSoftFault(Pte, Old, User);
    }
    KiReleaseSpinLockRaw(&MiPfnLock);
    return Resolved;
}

/* MiPfnLock held. FALSE: no page to be had now. */
static BOOLEAN MiDemandZero(PMMPTE Pte, MMPTE Old, PMI_WORKING_SET Set)
{
    ULONG Frame = MiRemovePage(TRUE);
    if (Frame == MI_NO_PAGE) {
        return FALSE;
    }
    PMMPFN Pfn = MI_PFN(Frame);
    Pfn->PteAddress = Pte;
    Pfn->PteFrame = MiFrameOfTable(Pte);
    Pfn->OriginalPte = Old;
    Pfn->ReferenceCount = 1;
    *Pte = MiValidPte(Frame, MI_PTE_PROTECTION(Old), Set->Process != NULL);
    MiInsertWorkingSet(Set, Frame);
    MiRecordPage(TimelinePageArrived, Pte, TimelinePageNew);
    MiCounters.DemandZeroFaults++;
    KdPagesArrived();
    return TRUE;
}

NTSTATUS MiResolvePte(PMMPTE Pte, ULONG64 Va, ULONG_PTR FaultCode, PMI_WORKING_SET Set,
                      PMI_READ_AHEAD Ahead)
{
    for (;;) {
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        MMPTE Old = *Pte;
        NTSTATUS Status = STATUS_SUCCESS;
        if (Old & MI_PTE_VALID) {
            KiReleaseSpinLock(&MiPfnLock, Irql);
            return STATUS_SUCCESS;
        }
        if (!MiProtectionAllows(MI_PTE_PROTECTION(Old), FaultCode)) {
            KiReleaseSpinLock(&MiPfnLock, Irql);
            return STATUS_ACCESS_VIOLATION;
        }
        if (Old & MI_PTE_TRANSITION) {
            if (MI_PFN(MI_PTE_FRAME(Old))->ReadInProgress) {
                MiWaitForRead(MI_PFN(MI_PTE_FRAME(Old)), &Irql);
                KiReleaseSpinLock(&MiPfnLock, Irql);
                continue;
            }
            MiSoftFault(Pte, Old, Set->Process != NULL);
            KiReleaseSpinLock(&MiPfnLock, Irql);
            return STATUS_SUCCESS;
        }
        if (MI_PTE_SLOT(Old) != 0) {
            Status = MiReadPages(Pte, Va, Set, Ahead, Irql); /* drops the lock */
            if (Status == STATUS_PENDING) {
                continue; /* it had to wait for memory; look again */
            }
            return Status;
        }
        BOOLEAN Done = MiDemandZero(Pte, Old, Set);
        KiReleaseSpinLock(&MiPfnLock, Irql);
        if (Done) {
            return STATUS_SUCCESS;
        }
        MiWaitForPages();
    }
}

/* A guard page fires once: the first touch takes the guard off and raises. */
static BOOLEAN MiClearGuard(PMMPTE Pte)
{
    BOOLEAN Guarded = FALSE;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    if (!(*Pte & MI_PTE_VALID) && (MI_PTE_PROTECTION(*Pte) & MI_GUARD)) {
        *Pte &= ~((ULONG64)MI_GUARD << MI_PTE_PROTECTION_SHIFT);
        Guarded = TRUE;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Guarded;
}

/*
 * A user address of the current address space; APC_LEVEL. Kernel code faults here too, under
 * __try. A thread that faults while it holds the AddressLock itself would deadlock: Mm touches no
 * user memory under it.
 */
NTSTATUS MiUserFault(PVOID Address, ULONG_PTR FaultCode)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    if (Set == NULL) {
        return STATUS_ACCESS_VIOLATION; /* the system process has no user memory */
    }
    PMMPTE Pte = MiWalk(Address, NULL);
    if (Pte == NULL || *Pte == 0) {
        ExAcquireFastMutex(&Set->AddressLock);
        PMI_VAD Vad = MiFindVad(Process, (ULONG64)Address);
        BOOLEAN Made = Vad != NULL && MiMakeUserTables((ULONG64)Address);
        if (Made) {
            Pte = MI_PTE_OF(Address);
            __sync_val_compare_and_swap(Pte, 0, MI_SOFTWARE_PTE(Vad->Protection, 0));
        }
        ExReleaseFastMutex(&Set->AddressLock);
        if (!Made) {
            return Vad == NULL ? STATUS_ACCESS_VIOLATION : STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    if (MiClearGuard(Pte)) {
        return STATUS_GUARD_PAGE_VIOLATION;
    }
    return MiResolvePte(Pte, (ULONG64)Address, FaultCode, Set, &Set->ReadAhead);
}

static ULONG MiAccessOf(ULONG_PTR FaultCode)
{
    return FaultCode & MI_FAULT_EXECUTE ? 8 : FaultCode & MI_FAULT_WRITE ? 1 : 0;
}

/* P2 of 0x50 on x64 since Windows 10: the processor's error-code bits. */
static DECLSPEC_NORETURN VOID MiFaultInNonpagedArea(PVOID Address, ULONG_PTR FaultCode,
                                                    BOOLEAN NoTable, PKTRAP_FRAME Frame)
{
    KiBugCheckTrap(PAGE_FAULT_IN_NONPAGED_AREA, (ULONG_PTR)Address,
                   FaultCode & (MI_FAULT_WRITE | MI_FAULT_EXECUTE), Frame ? Frame->Rip : 0,
                   NoTable ? 2 : 0, Frame);
}

/*
 * The page is there and the access is not allowed. That a user page which kernel mode executes is
 * 0xFC, whether or not its own code may run there, is from reports of such crashes on Windows; it
 * is not documented.
 */
static NTSTATUS MiProtectionFault(PVOID Address, ULONG_PTR FaultCode, PMMPTE Pte,
                                  PKTRAP_FRAME Frame)
{
    MMPTE Value = Pte != NULL ? *Pte : 0;
    if ((FaultCode & MI_FAULT_USER) ||
        (MiIsUserAddress(Address) && !(FaultCode & MI_FAULT_EXECUTE))) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (FaultCode & MI_FAULT_EXECUTE) {
        KiBugCheckTrap(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, (ULONG_PTR)Address, Value, 0, 0,
                       Frame);
    }
    KiBugCheckTrap(ATTEMPTED_WRITE_TO_READONLY_MEMORY, (ULONG_PTR)Address, Value, 0, 0, Frame);
}

/* APC_LEVEL; a system address that has a page, and it is not valid. */
static NTSTATUS MiSystemFault(PVOID Address, PMMPTE Pte, ULONG_PTR FaultCode, PKTRAP_FRAME Frame)
{
    NTSTATUS Status = MiResolvePte(Pte, (ULONG64)Address, FaultCode, &MiSystemWorkingSet,
                                   &MiSystemWorkingSet.ReadAhead);
    if (Status == STATUS_ACCESS_VIOLATION) {
        return MiProtectionFault(Address, FaultCode, Pte, Frame);
    }
    if (!NT_SUCCESS(Status)) {
        /* Layout C of the documentation: PTE address, status, PTE contents, address. */
        KiBugCheckTrap(KERNEL_DATA_INPAGE_ERROR, (ULONG_PTR)Pte, (ULONG_PTR)(ULONG)Status, *Pte,
                       (ULONG_PTR)Address, Frame);
    }
    return Status;
}

NTSTATUS MmAccessFault(ULONG_PTR FaultCode, PVOID Address, KPROCESSOR_MODE Mode,
                       PKTRAP_FRAME TrapFrame)
{
    KIRQL Irql = KiReadIrql();
    PMMPTE Pte = MiWalk(Address, NULL);
    if (FaultCode & MI_FAULT_PRESENT) {
        return MiProtectionFault(Address, FaultCode, Pte, TrapFrame);
    }
    if (TrapFrame != NULL && !(TrapFrame->EFlags & MI_FLAGS_INTERRUPTS)) {
        Irql = MI_IRQL_INTERRUPTS_OFF;
    }
    if (Irql > APC_LEVEL) {
        if (Pte != NULL && (*Pte & MI_PTE_VALID)) {
            return STATUS_SUCCESS; /* it came in between the fault and here */
        }
        KiBugCheckTrap(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Address, Irql, MiAccessOf(FaultCode),
                       TrapFrame ? TrapFrame->Rip : 0, TrapFrame);
    }
    if (Mode == UserMode && !MiIsUserAddress(Address)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (!MiIsUserAddress(Address) && (Pte == NULL || *Pte == 0)) {
        MiFaultInNonpagedArea(Address, FaultCode, Pte == NULL, TrapFrame);
    }
    KeGetCurrentPrcb()->PageFaultCount++;
    KiWriteIrql(APC_LEVEL);
    NTSTATUS Status = MiIsUserAddress(Address) ? MiUserFault(Address, FaultCode)
                                               : MiSystemFault(Address, Pte, FaultCode, TrapFrame);
    KiWriteIrql(Irql);
    if (!NT_SUCCESS(Status) && Status != STATUS_ACCESS_VIOLATION &&
        Status != STATUS_GUARD_PAGE_VIOLATION) {
        Status = STATUS_IN_PAGE_ERROR;
    }
    return Status;
}

/*
 * Keeps the page of Va valid until MiUnlockPage. STATUS_ACCESS_VIOLATION when the access is not
 * allowed or nothing is there; bug checks for system addresses as a touch would.
 */
NTSTATUS MiLockPage(PVOID Va, KPROCESSOR_MODE Mode, BOOLEAN Write, PULONG Frame)
{
    ULONG_PTR FaultCode = Write ? MI_FAULT_WRITE : 0;
    for (;;) {
        PMMPTE Pte = MiWalk(Va, NULL);
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        MMPTE Old = Pte != NULL ? *Pte : 0;
        if (Old & MI_PTE_VALID) {
            BOOLEAN Allowed = (!Write || (Old & MI_PTE_WRITE)) &&
                              (Mode == KernelMode || (Old & MI_PTE_USER));
            NTSTATUS Status = STATUS_ACCESS_VIOLATION;
            if (Allowed && MiIsActiveFrame(MI_PTE_FRAME(Old))) {
                *Frame = (ULONG)MI_PTE_FRAME(Old);
                MI_PFN(*Frame)->ReferenceCount++;
                if (Write) {
                    __sync_fetch_and_or(Pte, MI_PTE_DIRTY); /* the device will write */
                }
                Status = STATUS_SUCCESS;
            }
            KiReleaseSpinLock(&MiPfnLock, Irql);
            return Status;
        }
        KiReleaseSpinLock(&MiPfnLock, Irql);
        if (!MiIsUserAddress(Va) && (Pte == NULL || *Pte == 0)) {
            return STATUS_ACCESS_VIOLATION;
        }
        NTSTATUS Status = MmAccessFault(FaultCode, Va, Mode, NULL);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
}
