/* SPDX-License-Identifier: MIT */
/*
 * Client ids: one table for processes and threads. Id n * 4 is slot n; id 0 is the idle thread's
 * and has no slot. Slots hold no reference: an object takes itself out before it dies, and a
 * look-up that meets one whose count is already 0 does not find it.
 */
#include "ps/psp.h"

#define PSP_CIDS_IN_PAGE (PAGE_SIZE / sizeof(PVOID))
#define PSP_MAXIMUM_CID_PAGES 32 /* 16,384 processes and threads */
#define PSP_TAG_CID 0x64437350u  /* 'PsCd' */

static KSPIN_LOCK PspCidLock;
static PVOID *PspCidPage[PSP_MAXIMUM_CID_PAGES];
static ULONG PspCidPageCount;
static ULONG PspCidHint = 1; /* no slot below it is free */

VOID PspInitializeCidTable(VOID)
{
    KeInitializeSpinLock(&PspCidLock);
}

/* Lock held. 0: every slot is taken. */
static ULONG PspFindFreeSlot(VOID)
{
    for (ULONG i = PspCidHint; i < PspCidPageCount * PSP_CIDS_IN_PAGE; i++) {
        if (PspCidPage[i / PSP_CIDS_IN_PAGE][i % PSP_CIDS_IN_PAGE] == NULL) {
            return i;
        }
    }
    return 0;
}

/* Lock held; the pool's lock is inside ours. */
static BOOLEAN PspGrowCidTable(VOID)
{
    if (PspCidPageCount == PSP_MAXIMUM_CID_PAGES) {
        return FALSE;
    }
    PVOID Page = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, PSP_TAG_CID);
    if (Page == NULL) {
        return FALSE;
    }
    RtlZeroMemory(Page, PAGE_SIZE);
    PspCidPage[PspCidPageCount++] = Page;
    return TRUE;
}

NTSTATUS PspAllocateCid(PVOID Object, PHANDLE Id)
{
    KIRQL OldIrql = KiAcquireSpinLock(&PspCidLock);
    ULONG Slot = PspFindFreeSlot();
    if (Slot == 0 && PspGrowCidTable()) {
        Slot = PspFindFreeSlot();
    }
    if (Slot != 0) {
        PspCidPage[Slot / PSP_CIDS_IN_PAGE][Slot % PSP_CIDS_IN_PAGE] = Object;
        PspCidHint = Slot + 1;
        *Id = (HANDLE)((ULONG_PTR)Slot << 2);
    }
    KiReleaseSpinLock(&PspCidLock, OldIrql);
    return Slot != 0 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static PVOID *PspSlotOf(HANDLE Id)
{
    ULONG_PTR Slot = (ULONG_PTR)Id >> 2;
    if (Slot == 0 || Slot >= PspCidPageCount * PSP_CIDS_IN_PAGE || ((ULONG_PTR)Id & 3)) {
        return NULL;
    }
    return &PspCidPage[Slot / PSP_CIDS_IN_PAGE][Slot % PSP_CIDS_IN_PAGE];
}

VOID PspFreeCid(HANDLE Id)
{
    KIRQL OldIrql = KiAcquireSpinLock(&PspCidLock);
    PVOID *Slot = PspSlotOf(Id);
    NT_VERIFY(Slot != NULL && *Slot != NULL);
    *Slot = NULL;
    if (((ULONG_PTR)Id >> 2) < PspCidHint) {
        PspCidHint = (ULONG)((ULONG_PTR)Id >> 2);
    }
    KiReleaseSpinLock(&PspCidLock, OldIrql);
}

PVOID PspReferenceCid(HANDLE Id, POBJECT_TYPE Type)
{
    PVOID Object = NULL;
    KIRQL OldIrql = KiAcquireSpinLock(&PspCidLock);
    PVOID *Slot = PspSlotOf(Id);
    if (Slot != NULL && *Slot != NULL && ObpTypeOf(ObpHeaderOf(*Slot)) == Type &&
        ObReferenceObjectSafe(*Slot)) {
        Object = *Slot;
    }
    KiReleaseSpinLock(&PspCidLock, OldIrql);
    return Object;
}
