/* SPDX-License-Identifier: MIT */
/*
 * Pages by MDL, MDLs that lose their front, reserved mappings, and views in system space. Expected
 * values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "mm/mi.h"
#include "nt/io.h"
#include "nt/rtl.h"
#include "ps/psp.h"
#include "test.h"

#define TAG 'pMmT'

static const PHYSICAL_ADDRESS Zero;
static const PHYSICAL_ADDRESS All = {.QuadPart = -1};

static VOID MdlPagesFree(PMDL Mdl)
{
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
}

static BOOLEAN MdlPagesAreZero(PMDL Mdl)
{
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
    for (ULONG i = 0; i < Pages; i++) {
        const ULONG64 *Words = MiFrameToVirtual(MmGetMdlPfnArray(Mdl)[i]);
        for (ULONG Word = 0; Word < PAGE_SIZE / sizeof(ULONG64); Word++) {
            if (Words[Word] != 0) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

static PHYSICAL_ADDRESS MdlPagesAddress(ULONG64 Frame)
{
    return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)(Frame << PAGE_SHIFT)};
}

GUEST_TEST(mm_pages_for_an_mdl_lie_where_they_should)
{
    ULONG64 Middle = MiHighestFrame / 2;
    PMDL Mdl = MmAllocatePagesForMdlEx(Zero, All, Zero, 5 * PAGE_SIZE - 1, MmCached, 0);
    EXPECT(Mdl != NULL && Mdl->ByteCount == 5 * PAGE_SIZE - 1);
    EXPECT(Mdl->MdlFlags & MDL_PAGES_LOCKED);
    EXPECT(MdlPagesAreZero(Mdl));
    MdlPagesFree(Mdl);
    /* A range; and none but what is beyond it, which SkipBytes leads away from. */
    Mdl = MmAllocatePagesForMdl(MdlPagesAddress(Middle), MdlPagesAddress(Middle + 999), Zero,
                                4 * PAGE_SIZE);
    EXPECT(Mdl != NULL && Mdl->ByteCount == 4 * PAGE_SIZE);
    for (ULONG i = 0; i < 4; i++) {
        EXPECT(MmGetMdlPfnArray(Mdl)[i] >= Middle && MmGetMdlPfnArray(Mdl)[i] <= Middle + 999);
    }
    EXPECT(MdlPagesAreZero(Mdl));
    MdlPagesFree(Mdl);
    PHYSICAL_ADDRESS Nowhere = {.QuadPart = 0xfff};
    EXPECT(MmAllocatePagesForMdl(Zero, Nowhere, Zero, PAGE_SIZE) == NULL); /* page 0 is not ours */
    Mdl = MmAllocatePagesForMdl(Zero, Nowhere, MdlPagesAddress(Middle), PAGE_SIZE);
    EXPECT(Mdl != NULL && MmGetMdlPfnArray(Mdl)[0] == Middle);
    MdlPagesFree(Mdl);
}

GUEST_TEST(mm_pages_for_an_mdl_come_in_chunks_or_all)
{
    PHYSICAL_ADDRESS Chunk = {.QuadPart = 4 * PAGE_SIZE}, Odd = {.QuadPart = 3 * PAGE_SIZE};
    PMDL Mdl = MmAllocatePagesForMdlEx(Zero, All, Chunk, 8 * PAGE_SIZE, MmNonCached,
                                       MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
    EXPECT(Mdl != NULL && Mdl->ByteCount == 8 * PAGE_SIZE);
    for (ULONG i = 0; i < 8; i++) {
        EXPECT_EQUAL(MmGetMdlPfnArray(Mdl)[i], MmGetMdlPfnArray(Mdl)[i & ~3u] + (i & 3));
    }
    EXPECT(MdlPagesAreZero(Mdl));
    MdlPagesFree(Mdl);
    const ULONG Chunks = MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS;
    EXPECT(MmAllocatePagesForMdlEx(Zero, All, Odd, 6 * PAGE_SIZE, MmCached, Chunks) == NULL);
    EXPECT(MmAllocatePagesForMdlEx(Zero, All, Chunk, 6 * PAGE_SIZE, MmCached, Chunks) == NULL);
    EXPECT(MmAllocatePagesForMdlEx(Zero, All, Zero, PAGE_SIZE, MmCached, Chunks) == NULL);
    EXPECT(MmAllocatePagesForMdlEx(Zero, All, Zero, PAGE_SIZE, MmCached, 0x80000000) == NULL);
    EXPECT(MmAllocatePagesForMdlEx(Zero, All, Zero, PAGE_SIZE, MmMaximumCacheType, 0) == NULL);
    EXPECT(MmAllocatePagesForMdlEx(Zero, All, Zero, 0, MmCached, 0) == NULL);
    /* Two pages of which there is one: what there is, or nothing. */
    ULONG64 Frame = MiHighestFrame / 2;
    PHYSICAL_ADDRESS End = {.QuadPart = (LONGLONG)(Frame << PAGE_SHIFT) + PAGE_SIZE - 1};
    Mdl = MmAllocatePagesForMdlEx(MdlPagesAddress(Frame), End, Zero, 2 * PAGE_SIZE, MmCached,
                                  MM_DONT_ZERO_ALLOCATION);
    EXPECT(Mdl != NULL && Mdl->ByteCount == PAGE_SIZE);
    MdlPagesFree(Mdl);
    EXPECT(MmAllocatePagesForMdlEx(MdlPagesAddress(Frame), End, Zero, 2 * PAGE_SIZE, MmCached,
                                   MM_ALLOCATE_FULLY_REQUIRED) == NULL);
}

GUEST_TEST(mm_advance_mdl_gives_its_front_back)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 4 * PAGE_SIZE, TAG);
    PMDL Mdl = MmCreateMdl(NULL, Buffer + 0x100, 3 * PAGE_SIZE); /* four pages are touched */
    LONG64 Resident = MiResidentAvailable;

    for (ULONG i = 0; i < 4; i++) {
        Buffer[i * PAGE_SIZE + 0x100] = (UCHAR)i;
    }
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    PUCHAR Mapped = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                                 NormalPagePriority);
    EXPECT(Mapped != NULL && Mapped[0] == 0);
    EXPECT_EQUAL((ULONG)MmAdvanceMdl(Mdl, 3 * PAGE_SIZE + 1), (ULONG)STATUS_INVALID_PARAMETER_2);
    EXPECT_EQUAL(MmAdvanceMdl(Mdl, 0), STATUS_SUCCESS);
    EXPECT_EQUAL(MmAdvanceMdl(Mdl, 0x10), STATUS_SUCCESS); /* within the first page */
    EXPECT(Mdl->ByteOffset == 0x110 && Mdl->MappedSystemVa == Mapped + 0x10);
    EXPECT_EQUAL(MmAdvanceMdl(Mdl, 2 * PAGE_SIZE - 0x10), STATUS_SUCCESS);
    EXPECT(MmGetMdlVirtualAddress(Mdl) == Buffer + 2 * PAGE_SIZE + 0x100);
    EXPECT(Mdl->ByteCount == PAGE_SIZE && *(PUCHAR)Mdl->MappedSystemVa == 2);
    EXPECT(!MmIsAddressValid(Mapped)); /* the front's addresses are free */
    EXPECT_EQUAL(MiResidentAvailable, Resident - 2);
    MmUnlockPages(Mdl);
    EXPECT_EQUAL(MiResidentAvailable, Resident);

    /* To its end: nothing is locked and mapped any more. */
    MmInitializeMdl(Mdl, Buffer, 2 * PAGE_SIZE);
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    EXPECT(MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                        NormalPagePriority) != NULL);
    EXPECT_EQUAL(MmAdvanceMdl(Mdl, 2 * PAGE_SIZE), STATUS_SUCCESS);
    EXPECT(Mdl->ByteCount == 0 && !(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    EXPECT_EQUAL(MiResidentAvailable, Resident);
    MmUnlockPages(Mdl);
    EXPECT_EQUAL(MiResidentAvailable, Resident);
    ExFreePool(Mdl);
    ExFreePoolWithTag(Buffer, TAG);
}

GUEST_TEST(mm_reserved_mapping_is_used_again)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 3 * PAGE_SIZE, TAG);
    PMDL Small = IoAllocateMdl(Buffer + 0x20, PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL Large = IoAllocateMdl(Buffer, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
    KIRQL OldIrql;

    EXPECT(MmAllocateMappingAddress(0, TAG) == NULL);
    EXPECT(MmAllocateMappingAddress(PAGE_SIZE, 0) == NULL);
    EXPECT(MmAllocateMappingAddress(1ull << 46, TAG) == NULL); /* more than there is */
    PVOID Reserved = MmAllocateMappingAddress(2 * PAGE_SIZE, TAG);
    EXPECT(Reserved != NULL && !MmIsAddressValid(Reserved));
    MmProbeAndLockPages(Small, KernelMode, IoWriteAccess);
    MmProbeAndLockPages(Large, KernelMode, IoWriteAccess);
    EXPECT(MmMapLockedPagesWithReservedMapping(Reserved, TAG, Large, MmCached) == NULL);
    for (ULONG i = 0; i < 3; i++) {
        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        PUCHAR Mapped = MmMapLockedPagesWithReservedMapping(Reserved, TAG, Small, MmCached);
        EXPECT(Mapped == (PUCHAR)Reserved + 0x20 && Small->MappedSystemVa == Mapped);
        Mapped[0] = (UCHAR)(i + 1);
        MmUnmapReservedMapping(Reserved, TAG, Small);
        KeLowerIrql(OldIrql);
        EXPECT(Buffer[0x20] == i + 1);
        EXPECT(!MmIsAddressValid(Reserved) && !(Small->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    }
    MmUnlockPages(Large);
    MmUnlockPages(Small);
    MmFreeMappingAddress(Reserved, TAG);
    IoFreeMdl(Large);
    IoFreeMdl(Small);
    ExFreePoolWithTag(Buffer, TAG);
}

/* A process sees through its view what the system writes through its own. */
GUEST_TEST(mm_view_in_system_space_shares_its_pages)
{
    LARGE_INTEGER Maximum = {.QuadPart = 20 * PAGE_SIZE}, Offset = {.QuadPart = 0x10000 + 8};
    SIZE_T Size = 0;
    PVOID Section, System, Part, User = NULL;
    OBJECT_ATTRIBUTES Attributes;
    PEPROCESS Process;
    KAPC_STATE State;

    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    EXPECT_EQUAL((ULONG)MmCreateSection(&Section, SECTION_ALL_ACCESS, &Attributes, NULL,
                                        PAGE_READWRITE, SEC_COMMIT, NULL, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER_4);
    EXPECT_EQUAL(MmCreateSection(&Section, SECTION_ALL_ACCESS, &Attributes, &Maximum,
                                 PAGE_READWRITE, SEC_COMMIT, NULL, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MmMapViewInSystemSpace(Section, &System, &Size), STATUS_SUCCESS);
    EXPECT(Size == 20 * PAGE_SIZE && System >= MmSystemRangeStart);
    Size = 21 * PAGE_SIZE;
    EXPECT_EQUAL((ULONG)MmMapViewInSystemSpace(Section, &Part, &Size),
                 (ULONG)STATUS_INVALID_VIEW_SIZE);
    Size = 8;
    EXPECT_EQUAL((ULONG)MmMapViewInSystemSpaceEx(Section, &Part, &Size, &Offset, 2),
                 (ULONG)STATUS_INVALID_PARAMETER_5);
    EXPECT_EQUAL(MmMapViewInSystemSpaceEx(Section, &Part, &Size, &Offset, 0), STATUS_SUCCESS);
    EXPECT(Offset.QuadPart == 0x10000 && Size == PAGE_SIZE);

    EXPECT_EQUAL(PspCreateProcess("view", &Process), STATUS_SUCCESS);
    Size = 0;
    EXPECT_EQUAL(MmMapViewOfSection(Section, Process, &User, 0, 0, NULL, &Size, ViewUnmap, 0,
                                    PAGE_READWRITE),
                 STATUS_SUCCESS);
    ((PUCHAR)System)[0x10000] = 77;
    EXPECT(*(PUCHAR)Part == 77);
    PMDL Mdl = MmCreateMdl(NULL, (PUCHAR)User + 0x10000, 1);
    MmProbeAndLockProcessPages(Mdl, Process, UserMode, IoReadAccess);
    EXPECT(*(PUCHAR)MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority) == 77);
    MmUnlockPages(Mdl);
    ExFreePool(Mdl);
    KeStackAttachProcess(&Process->Pcb, &State);
    EXPECT(((volatile UCHAR *)User)[0x10000] == 77);
    KeUnstackDetachProcess(&State);
    EXPECT_EQUAL(MmUnmapViewOfSection(Process, User), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)MmUnmapViewOfSection(Process, User), (ULONG)STATUS_NOT_MAPPED_VIEW);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);

    ObDereferenceObject(Section); /* the views keep it */
    EXPECT(((PUCHAR)System)[0x10000] == 77);
    EXPECT_EQUAL(MmUnmapViewInSystemSpace(Part), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)MmUnmapViewInSystemSpace(Part), (ULONG)STATUS_NOT_MAPPED_VIEW);
    EXPECT_EQUAL(MmUnmapViewInSystemSpace(System), STATUS_SUCCESS);
    EXPECT(!MmIsAddressValid(System));
}

GUEST_TEST(mm_verifier_says_whether_it_is_on)
{
    ULONG Flags = 1;

    EXPECT_EQUAL((ULONG)MmIsVerifierEnabled(&Flags), (ULONG)STATUS_NOT_SUPPORTED);
    EXPECT(Flags == 0 && Mm64BitPhysicalAddress);
}
