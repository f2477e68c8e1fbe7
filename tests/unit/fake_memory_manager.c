/* SPDX-License-Identifier: MIT */
/* See fake_memory_manager.h. */
#include "tests/unit/fake_memory_manager.h"

#include <string.h>

#include "wire/kd_data.h"

#define SELF_MAP 0x1edu
#define VARIABLES (FAKE_DATA_BLOCK + 0x1000)

MMPFN FakeFrames[FAKE_FRAMES];
static uint64_t Tables[4][512]; /* frames 1 to 4 */
static KDDEBUGGER_DATA64 Data;
static struct {
    uint64_t Database, Highest, Physical, PagedStart, PagedEnd, NonpagedStart, NonpagedEnd,
        PtesStart, PtesEnd;
} Variables;

static void AddTypes(void)
{
    FAKE_TYPE(_MMPFN);
    FAKE_FIELD(_MMPFN, Flink);
    FAKE_FIELD(_MMPFN, Blink);
    FAKE_FIELD(_MMPFN, PteAddress);
    FAKE_FIELD(_MMPFN, OriginalPte);
    FAKE_FIELD(_MMPFN, PteFrame);
    FAKE_FIELD(_MMPFN, ReferenceCount);
    FakeTypeBits("nt!_MMPFN", "Age", offsetof(MMPFN, ReferenceCount) + 3, 0, 7);
    size_t Flags = offsetof(MMPFN, ReferenceCount) + 2;
    FakeTypeBits("nt!_MMPFN", "State", Flags, 0, 3);
    FakeTypeBits("nt!_MMPFN", "Nonpaged", Flags, 3, 1);
    FakeTypeBits("nt!_MMPFN", "ReadInProgress", Flags, 4, 1);
    FakeTypeBits("nt!_MMPFN", "WriteInProgress", Flags, 5, 1);
    FAKE_TYPE(_MI_SECTION);
    FAKE_FIELD(_MI_SECTION, Name);
    FAKE_FIELD(_MI_SECTION, Pageable);
    FAKE_FIELD(_MI_SECTION, Discard);
    FAKE_FIELD(_MI_SECTION, Discarded);
    FAKE_FIELD(_MI_SECTION, Resident);
    FAKE_FIELD(_MI_SECTION, Address);
    FAKE_FIELD(_MI_SECTION, Pages);
    FAKE_FIELD(_MI_SECTION, LockCount);
    FAKE_FIELD(_MI_SECTION, LockedBy);
    FAKE_TYPE(_MM_IMAGE);
    FAKE_TYPE(_LDR_DATA_TABLE_ENTRY);
    FAKE_FIELD(_LDR_DATA_TABLE_ENTRY, DllBase);
    FAKE_FIELD(_LDR_DATA_TABLE_ENTRY, SizeOfImage);
    FAKE_FIELD(_LDR_DATA_TABLE_ENTRY, BaseDllName);
    FAKE_FIELD(_MM_IMAGE, WholePaged);
    FAKE_FIELD(_MM_IMAGE, SectionCount);
    FakeTypeField("nt!_MM_IMAGE", "Section", offsetof(struct _MM_IMAGE, Section), 0);
}

void FakeMemoryManager(void)
{
    memset(FakeFrames, 0, sizeof(FakeFrames));
    memset(Tables, 0, sizeof(Tables));
    Tables[0][SELF_MAP] = 0x1063;
    FakePhysical(0x1000, Tables, sizeof(Tables));
    FakeSpecial.Cr3 = 0x1000;
    FakeVirtual(FAKE_PFN_DATABASE, FakeFrames, sizeof(FakeFrames));
    FakeVirtual(FAKE_DATA_BLOCK, &Data, sizeof(Data));
    FakeVirtual(VARIABLES, &Variables, sizeof(Variables));
    uint64_t *const Places[] = {
        &Data.MmPfnDatabase,       &Data.MmHighestPhysicalPage, &Data.MmNumberOfPhysicalPages,
        &Data.MmPagedPoolStart,    &Data.MmPagedPoolEnd,        &Data.MmNonPagedPoolStart,
        &Data.MmNonPagedPoolEnd,   &Data.MmSystemPtesStart,     &Data.MmSystemPtesEnd};
    for (unsigned i = 0; i < sizeof(Places) / sizeof(Places[0]); i++) {
        *Places[i] = VARIABLES + i * 8;
    }
    Variables.Database = FAKE_PFN_DATABASE;
    Variables.Highest = FAKE_FRAMES - 1;
    Variables.Physical = FAKE_FRAMES;
    Variables.PagedStart = 0xfffff8a000000000ull;
    Variables.PagedEnd = 0xfffff8a080000000ull;
    AddTypes();
}

void FakeSetPte(uint64_t Address, uint64_t Entry)
{
    Tables[0][Address >> 39 & 511] = 0x2063;
    Tables[1][Address >> 30 & 511] = 0x3063;
    Tables[2][Address >> 21 & 511] = 0x4063;
    Tables[3][Address >> 12 & 511] = Entry;
}
