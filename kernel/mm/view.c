/* SPDX-License-Identifier: MIT */
/*
 * Views: user addresses that show pages which somebody else keeps: a section (section.c), physical
 * memory, the frames of an MDL.
 *
 * A view is mapped whole, at once, by valid PTEs that carry MI_PTE_VIEW. Such a PTE is in no
 * working set and never leaves; what it names is not looked at, so that it may be a device. That
 * the pages outlive the view is by a reference: of the section object, or, for an MDL, of each
 * frame that is RAM in use (MI_PTE_VIEW_HOLDS), as a driver may free them while a program still
 * sees them. A view of physical memory holds nothing, as in NT.
 *
 * Views are nonpageable; NT's prototype PTEs would let those of a section go out. Locks: the
 * AddressLock of the address space, then MiPfnLock for one PTE.
 */
#include "mm/mi.h"

#define MI_LOWEST_VIEW 0x10000ull

BOOLEAN MiIsActiveFrame(PFN_NUMBER Frame)
{
    return Frame <= MiHighestFrame && MmIsAddressValid(MI_PFN(Frame)) &&
           MI_PFN(Frame)->State == MiActive;
}

static VOID MiWriteViewPte(PMI_WORKING_SET Set, ULONG64 Va, PFN_NUMBER Frame, const MI_VIEW *View)
{
    MMPTE New = ((ULONG64)Frame << PAGE_SHIFT) | MI_PTE_VALID | MI_PTE_USER | MI_PTE_ACCESSED |
                MI_PTE_VIEW | MiProtectionToPte[View->Protection] | View->CacheBits;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    if (View->Kind == MiVadMdl && MiIsActiveFrame(Frame)) {
        MI_PFN(Frame)->ReferenceCount++;
        New |= MI_PTE_VIEW_HOLDS;
    }
    NT_VERIFY(*MI_PTE_OF(Va) == 0);
    *MI_PTE_OF(Va) = New;
    Set->ViewPages++;
    KiReleaseSpinLock(&MiPfnLock, Irql);
}

/* The current address space is the view's. What is not mapped (any more) is skipped. */
VOID MiClearView(PMI_WORKING_SET Set, PMI_VAD Vad)
{
    for (ULONG64 Va = Vad->Start; Va < Vad->End; Va += PAGE_SIZE) {
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        PMMPTE Pte = MiWalk((PVOID)Va, NULL);
        MMPTE Old = Pte != NULL ? *Pte : 0;
        if (Old != 0) {
            NT_VERIFY(Old & MI_PTE_VIEW);
            *Pte = 0;
            MiInvalidatePage((PVOID)Va);
            Set->ViewPages--;
        }
        KiReleaseSpinLock(&MiPfnLock, Irql);
        if (Old & MI_PTE_VIEW_HOLDS) {
            MiUnlockPage((ULONG)MI_PTE_FRAME(Old));
        }
    }
}

/* Every table of the VAD's range; AddressLock held. Tables made before a failure stay. */
static BOOLEAN MiMakeViewTables(const MI_VAD *Vad)
{
    for (ULONG64 Va = Vad->Start & ~0x1fffffull; Va < Vad->End; Va += 0x200000) {
        if (!MiMakeUserTables(Va)) {
            return FALSE;
        }
    }
    return TRUE;
}

NTSTATUS MiMapView(PVOID *Base, const MI_VIEW *View)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = MiAddressSpaceOf(Process);
    ULONG64 Start = (ULONG64)*Base;
    ULONG64 Size = View->Pages << PAGE_SHIFT;
    if (View->Pages == 0 || View->Pages > MI_USER_SHARED_DATA >> PAGE_SHIFT) {
        return STATUS_NO_MEMORY;
    }
    if (Start != 0 && (Start < MI_LOWEST_VIEW || Start > MM_HIGHEST_USER_ADDRESS ||
                       Size > MM_HIGHEST_USER_ADDRESS + 1 - Start)) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    PMI_VAD Vad = ExAllocatePoolWithTag(NonPagedPool, sizeof(MI_VAD), MI_TAG_VAD);
    if (Vad == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Vad = (MI_VAD){.Protection = View->Protection, .Kind = View->Kind, .Section = View->Section};
    NTSTATUS Status = STATUS_SUCCESS;
    ExAcquireFastMutex(&Set->AddressLock);
    if (!MiInsertVad(Process, Vad, Start, Size)) {
        Status = Start != 0 ? STATUS_CONFLICTING_ADDRESSES : STATUS_NO_MEMORY;
    } else if (!MiMakeViewTables(Vad)) {
        MiRemoveVad(Process, Vad);
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        for (ULONG64 Page = 0; Page < View->Pages; Page++) {
            MiWriteViewPte(Set, Vad->Start + (Page << PAGE_SHIFT),
                           View->Frames != NULL ? View->Frames[Page] : View->First + Page, View);
        }
        *Base = (PVOID)Vad->Start;
    }
    ExReleaseFastMutex(&Set->AddressLock);
    if (!NT_SUCCESS(Status)) {
        MiFreeVad(Vad);
    }
    return Status;
}

/*
 * STATUS_NOT_MAPPED_VIEW: there is none. A section's view that is secured stays; a driver's own
 * unmapping of its MDL does not ask.
 */
NTSTATUS MiUnmapView(ULONG64 Base, ULONG64 Pages)
{
    PEPROCESS Process = MiCurrentProcess();
    PMI_WORKING_SET Set = MiAddressSpaceOf(Process);
    ExAcquireFastMutex(&Set->AddressLock);
    PMI_VAD Vad = MiFindVad(Process, Base);
    if (Vad == NULL || Vad->Kind != (Pages == 0 ? MiVadSection : MiVadMdl) ||
        (Pages != 0 && (Vad->Start != Base || Vad->End - Vad->Start != Pages << PAGE_SHIFT))) {
        ExReleaseFastMutex(&Set->AddressLock);
        return STATUS_NOT_MAPPED_VIEW;
    }
    if (Pages == 0 && Vad->Secured != NULL) {
        ExReleaseFastMutex(&Set->AddressLock);
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    MiRemoveVad(Process, Vad);
    MiClearView(Set, Vad);
    ExReleaseFastMutex(&Set->AddressLock);
    if (Vad->Section != NULL) {
        ObDereferenceObject(Vad->Section);
    }
    MiFreeVad(Vad);
    return STATUS_SUCCESS;
}
