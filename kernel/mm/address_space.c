/* SPDX-License-Identifier: MIT */
/*
 * Address spaces of processes: the top-level table, the working set, and the VADs that say which
 * user addresses may be touched.
 *
 * A VAD commits all of its pages when it is made; PTEs are written at the first fault. A view's
 * (view.c) are written at once, and its pages are committed by whoever keeps them. VADs are a
 * list in ascending order: a client process has a handful. AddressLock (in the working set) guards
 * the list and the making of user tables; page contents are MiPfnLock's.
 *
 * User tables are freed when the process goes, not before.
 */
#include "mm/mi.h"

#include "nt/process_information.h"
#include "nt/rtl.h"

#define MI_TAG_WORKING_SET 'sWMM'
#define MI_USER_ALLOCATION_START 0x10000ull

static VOID MiMapSharedData(PMI_WORKING_SET Set)
{
    if (MiMakeUserTables(MI_USER_SHARED_DATA)) {
        MMPTE Kernel = *MI_PTE_OF(KI_USER_SHARED_DATA);
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        *MI_PTE_OF(MI_USER_SHARED_DATA) =
            MiValidPte((ULONG)MI_PTE_FRAME(Kernel), MI_READONLY, TRUE) | MI_PTE_VIEW;
        Set->ViewPages++;
        KiReleaseSpinLock(&MiPfnLock, Irql);
    }
}

/* Figures that change as one looks: taken without locks. */
VOID MmQueryProcessCounters(PEPROCESS Process, PVM_COUNTERS Counters)
{
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    if (Set != NULL) {
        Counters->WorkingSetSize = (Set->Pages.Count + Set->Locked.Count) << PAGE_SHIFT;
    }
    Counters->PagefileUsage = (SIZE_T)Process->CommitCharge << PAGE_SHIFT;
    Counters->VirtualSize = Counters->PagefileUsage;
}

NTSTATUS MmCreateProcessAddressSpace(PEPROCESS Process)
{
    PMI_WORKING_SET Set =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(MI_WORKING_SET), MI_TAG_WORKING_SET);
    if (Set == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ULONG Frame = MI_NO_PAGE;
    if (MiChargeResident(1)) {
        Frame = MiAllocateChargedFrame(NULL, 0, TRUE);
        if (Frame == MI_NO_PAGE) {
            MiReturnResident(1);
        }
    }
    if (Frame == MI_NO_PAGE) {
        ExFreePoolWithTag(Set, MI_TAG_WORKING_SET);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PMMPTE New = MiFrameToVirtual(Frame);
    PMMPTE System = MI_PXE_OF(MM_SYSTEM_RANGE_START);
    for (ULONG i = 0; i < 256; i++) {
        New[256 + i] = System[i];
    }
    New[LOADER_SELF_MAP_SLOT] = MiValidPte(Frame, MI_READWRITE, FALSE) | MI_PTE_DIRTY;
    Process->Pcb.DirectoryTableBase = (ULONG64)Frame << PAGE_SHIFT;
    Process->VadRoot = NULL;
    Process->MmWorkingSet = Set;
    MiInitializeWorkingSet(Set, Process);

    KAPC_STATE State;
    KeStackAttachProcess(&Process->Pcb, &State);
    MiMapSharedData(Set);
    KeUnstackDetachProcess(&State);
    return STATUS_SUCCESS;
}

/* Frees the user half's tables below one entry; attached to the process. */
static VOID MiFreeTables(PMMPTE Table, ULONG Entries, ULONG Level)
{
    for (ULONG i = 0; i < Entries; i++) {
        if (!(Table[i] & MI_PTE_VALID)) {
            continue;
        }
        ULONG Frame = (ULONG)MI_PTE_FRAME(Table[i]);
        if (Level > 1) {
            MiFreeTables(MiFrameToVirtual(Frame), 512, Level - 1);
        }
        Table[i] = 0;
        MiFreeNonpagedFrame(Frame);
        MiReturnResident(1);
    }
}

static VOID MiFreeVadPages(PMI_VAD Vad)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    for (ULONG64 Va = Vad->Start; Va < Vad->End; Va += PAGE_SIZE) {
        PMMPTE Pte = MiWalk((PVOID)Va, NULL);
        if (Pte != NULL && *Pte != 0) {
            MiDeletePte(Pte, MiFrameOfTable(Pte), 0, &Irql);
        }
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    MiReturnCommit((Vad->End - Vad->Start) >> PAGE_SHIFT);
}

/* Out of the list already; a view's section loses its reference. PASSIVE_LEVEL, no lock */
static VOID MiDeleteVad(PMI_WORKING_SET Set, PMI_VAD Vad)
{
    if (Vad->Kind == MiVadPrivate) {
        MiFreeVadPages(Vad);
    } else {
        MiClearView(Set, Vad);
    }
    if (Vad->Section != NULL) {
        ObfDereferenceObject(Vad->Section);
    }
    MiFreeVad(Vad);
}

VOID MmDeleteProcessAddressSpace(PEPROCESS Process)
{
    KAPC_STATE State;
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    KeStackAttachProcess(&Process->Pcb, &State);
    while (Process->VadRoot != NULL) {
        PMI_VAD Vad = Process->VadRoot;
        Process->VadRoot = Vad->Next;
        MiDeleteVad(Set, Vad);
    }
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    PMMPTE Shared = MiWalk((PVOID)MI_USER_SHARED_DATA, NULL);
    if (Shared != NULL && *Shared != 0) {
        *Shared = 0;
        Set->ViewPages--;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    KeUnstackDetachProcess(&State);

    ULONG Root = (ULONG)(Process->Pcb.DirectoryTableBase >> PAGE_SHIFT);
    MiFreeTables(MiFrameToVirtual(Root), 256, 3);
    MiFreeNonpagedFrame(Root);
    MiReturnResident(1);
    Irql = KiAcquireSpinLock(&MiPfnLock);
    NT_VERIFY(Set->Pages.Count == 0 && Set->Locked.Count == 0 && Set->ViewPages == 0);
    RemoveEntryList(&Set->Links);
    KiReleaseSpinLock(&MiPfnLock, Irql);
    ExFreePoolWithTag(Set, MI_TAG_WORKING_SET);
    Process->MmWorkingSet = NULL;
}

PMI_VAD MiFindVad(PEPROCESS Process, ULONG64 Va)
{
    for (PMI_VAD Vad = Process->VadRoot; Vad != NULL && Vad->Start <= Va; Vad = Vad->Next) {
        if (Va < Vad->End) {
            return Vad;
        }
    }
    return NULL;
}

/* FALSE: no room there. */
BOOLEAN MiInsertVad(PEPROCESS Process, PMI_VAD New, ULONG64 Base, ULONG64 Size)
{
    PMI_VAD *Link = (PMI_VAD *)&Process->VadRoot;
    ULONG64 Start = Base != 0 ? Base : MI_USER_ALLOCATION_START;
    while (*Link != NULL && (*Link)->Start < Start + Size) {
        if ((*Link)->End > Start) {
            if (Base != 0) {
                return FALSE;
            }
            Start = ((*Link)->End + MI_ALLOCATION_GRANULARITY - 1) &
                    ~(MI_ALLOCATION_GRANULARITY - 1);
        }
        Link = &(*Link)->Next;
    }
    if (Start + Size > MI_USER_SHARED_DATA && Start < MI_USER_SHARED_DATA + 0x10000) {
        return FALSE; /* a client process lives below the shared page */
    }
    New->Start = Start;
    New->End = Start + Size;
    New->Next = *Link;
    *Link = New;
    return TRUE;
}

VOID MiRemoveVad(PEPROCESS Process, PMI_VAD Vad)
{
    PMI_VAD *Link = (PMI_VAD *)&Process->VadRoot;
    while (*Link != Vad) {
        Link = &(*Link)->Next;
    }
    *Link = Vad->Next;
}

NTSTATUS MiAllocatePrivateVad(PULONG64 Base, SIZE_T Size, ULONG Protection)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    ULONG64 Pages = BYTES_TO_PAGES(Size);
    if (Set == NULL || Protection == 0 || Size == 0 || Size > MI_USER_SHARED_DATA ||
        *Base > MI_USER_SHARED_DATA || BYTE_OFFSET(*Base) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!MiChargeCommit(Pages)) {
        return STATUS_COMMITMENT_LIMIT;
    }
    PMI_VAD Vad = ExAllocatePoolWithTag(NonPagedPool, sizeof(MI_VAD), MI_TAG_VAD);
    if (Vad == NULL) {
        MiReturnCommit(Pages);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Vad->Protection = Protection;
    Vad->Kind = MiVadPrivate;
    Vad->Section = NULL;
    Vad->Secured = NULL;
    ExAcquireFastMutex(&Set->AddressLock);
    BOOLEAN Inserted = MiInsertVad(Process, Vad, *Base, Pages << PAGE_SHIFT);
    ExReleaseFastMutex(&Set->AddressLock);
    if (!Inserted) {
        MiFreeVad(Vad);
        MiReturnCommit(Pages);
        return STATUS_CONFLICTING_ADDRESSES;
    }
    *Base = Vad->Start;
    return STATUS_SUCCESS;
}

NTSTATUS MmAllocateUserMemory(PVOID *Base, SIZE_T Size, ULONG Protect)
{
    ULONG64 Address = (ULONG64)*Base;
    if ((Address & (MI_ALLOCATION_GRANULARITY - 1)) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = MiAllocatePrivateVad(&Address, Size, MiProtectionOfPage(Protect));
    if (NT_SUCCESS(Status)) {
        *Base = (PVOID)Address;
    }
    return Status;
}

NTSTATUS MmFreeUserMemory(PVOID Base)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = Process->MmWorkingSet;
    if (Set == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    ExAcquireFastMutex(&Set->AddressLock);
    NTSTATUS Status = STATUS_SUCCESS;
    PMI_VAD Vad = MiFindVad(Process, (ULONG64)Base);
    if (Vad == NULL || Vad->Start != (ULONG64)Base) {
        Status = STATUS_MEMORY_NOT_ALLOCATED;
    } else if (Vad->Kind != MiVadPrivate) {
        Status = STATUS_UNABLE_TO_DELETE_SECTION;
    } else if (Vad->Secured != NULL) {
        Status = STATUS_INVALID_PAGE_PROTECTION;
    } else {
        MiRemoveVad(Process, Vad);
        MiFreeVadPages(Vad);
    }
    ExReleaseFastMutex(&Set->AddressLock);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MiFreeVad(Vad);
    return STATUS_SUCCESS;
}
