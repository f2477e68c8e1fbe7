/* SPDX-License-Identifier: MIT */
/*
 * Reserved mappings: system addresses that a driver sets aside, so that mapping an MDL later cannot
 * fail. The page tables are made with the reservation. One MDL at a time is in a reservation; whose
 * it is says the tag. A call with another tag or MDL is bug check 0x1A, P1 = 0x1235, as for every
 * mapping that is none. MiReservationLock, a spin lock, guards the list.
 */
#include "mm/mi.h"

#define MI_TAG_RESERVATION 'vRmM'

typedef struct _MI_RESERVATION {
    LIST_ENTRY Links;
    ULONG64 Base;
    ULONG64 Pages;
    ULONG Tag;
    PMDL Mdl; /* that is in it; NULL: none */
} MI_RESERVATION, *PMI_RESERVATION;

static LIST_ENTRY MiReservations = {&MiReservations, &MiReservations};
static KSPIN_LOCK MiReservationLock;

DECLSPEC_NORETURN static VOID MiRefuseReservation(PVOID Base, ULONG Tag, PMDL Mdl)
{
    KeBugCheckEx(MEMORY_MANAGEMENT, 0x1235, (ULONG_PTR)Base, (ULONG_PTR)Mdl, Tag);
}

/* Lock held; given up only by a bug check. The MDL must be the one that is in it. */
static PMI_RESERVATION MiFindReservation(PVOID Base, ULONG Tag, PMDL Mdl)
{
    for (PLIST_ENTRY Entry = MiReservations.Flink; Entry != &MiReservations;
         Entry = Entry->Flink) {
        PMI_RESERVATION Reservation = CONTAINING_RECORD(Entry, MI_RESERVATION, Links);
        if (Reservation->Base == (ULONG64)Base && Reservation->Tag == Tag &&
            Reservation->Mdl == Mdl) {
            return Reservation;
        }
    }
    MiRefuseReservation(Base, Tag, Mdl);
}

/* NULL: no addresses, no memory, or PoolTag is 0. <= APC_LEVEL */
PVOID MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
    ULONG64 Pages = BYTES_TO_PAGES(NumberOfBytes);

    if (Pages == 0 || PoolTag == 0) {
        return NULL;
    }
    PMI_RESERVATION New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), MI_TAG_RESERVATION);
    if (New == NULL) {
        return NULL;
    }
    ULONG64 Index = MiReserveRange(&MiSystemPteRange, Pages);
    ULONG64 Base = MiSystemPteRange.Start + (Index << PAGE_SHIFT);
    if (Index != MI_RANGE_FULL && !MiMakeSystemTables(Base, Pages)) {
        MiReleaseRange(&MiSystemPteRange, Index);
        Index = MI_RANGE_FULL;
    }
    if (Index == MI_RANGE_FULL) {
        ExFreePoolWithTag(New, MI_TAG_RESERVATION);
        return NULL;
    }
    *New = (MI_RESERVATION){.Base = Base, .Pages = Pages, .Tag = PoolTag};
    KIRQL Irql = KiAcquireSpinLock(&MiReservationLock);
    InsertTailList(&MiReservations, &New->Links);
    KiReleaseSpinLock(&MiReservationLock, Irql);
    return (PVOID)Base;
}

/* No MDL is in it any more. <= APC_LEVEL */
VOID MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
    KIRQL Irql = KiAcquireSpinLock(&MiReservationLock);
    PMI_RESERVATION Reservation = MiFindReservation(BaseAddress, PoolTag, NULL);
    RemoveEntryList(&Reservation->Links);
    KiReleaseSpinLock(&MiReservationLock, Irql);
    NT_VERIFY(MiUnmapFrames(Reservation->Base, Reservation->Pages));
    ExFreePoolWithTag(Reservation, MI_TAG_RESERVATION);
}

/* NULL: the MDL has more pages than were reserved. <= DISPATCH_LEVEL */
PVOID MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag, PMDL Mdl,
                                          MEMORY_CACHING_TYPE CacheType)
{
    ULONG64 Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
    PVOID Va = NULL;

    if (!(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL)) ||
        (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)) {
        MiRefuseReservation(MappingAddress, PoolTag, Mdl);
    }
    KIRQL Irql = KiAcquireSpinLock(&MiReservationLock);
    PMI_RESERVATION Reservation = MiFindReservation(MappingAddress, PoolTag, NULL);
    if (Pages <= Reservation->Pages) {
        Reservation->Mdl = Mdl;
        Va = (PCHAR)MappingAddress + Mdl->ByteOffset;
    }
    KiReleaseSpinLock(&MiReservationLock, Irql);
    if (Va == NULL) {
        return NULL;
    }
    MiWriteFrames((ULONG64)MappingAddress, MmGetMdlPfnArray(Mdl), 0, Pages,
                  MI_PTE_WRITE | MI_PTE_NO_EXECUTE | MiCacheBits(CacheType));
    Mdl->MappedSystemVa = Va;
    Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    return Va;
}

/* <= DISPATCH_LEVEL */
VOID MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag, PMDL Mdl)
{
    KIRQL Irql = KiAcquireSpinLock(&MiReservationLock);
    PMI_RESERVATION Reservation = MiFindReservation(BaseAddress, PoolTag, Mdl);
    MiClearFrames(Reservation->Base, Reservation->Pages);
    Reservation->Mdl = NULL;
    KiReleaseSpinLock(&MiReservationLock, Irql);
    Mdl->MappedSystemVa = NULL;
    Mdl->MdlFlags &= ~MDL_MAPPED_TO_SYSTEM_VA;
}
