/* SPDX-License-Identifier: MIT */
#include "tests/unit/dump_sample.h"

#include <string.h>

#define PRESENT_RW 0x63ull
#define DATA_PAGE 0x14u      /* KDBG and the variables */
#define VARIABLES 0x600u     /* in that page */
#define SPECIAL_AT 0x100u    /* in the KPRCB, as in build 18362 */
#define CONTEXT_AT 0x1f0u
#define CONTEXT_POINTER_AT 0x700u

void SamplePut(uint8_t *At, uint64_t Value, unsigned Size)
{
    for (unsigned i = 0; i < Size; i++) {
        At[i] = (uint8_t)(Value >> (8 * i));
    }
}

uint64_t SampleGet(const uint8_t *At, unsigned Size)
{
    uint64_t Value = 0;
    for (unsigned i = 0; i < Size; i++) {
        Value |= (uint64_t)At[i] << (8 * i);
    }
    return Value;
}

static void PutEntry(uint8_t *Memory, uint64_t Table, unsigned Index, uint64_t Entry)
{
    SamplePut(Memory + Table + Index * 8, Entry, 8);
}

/* KDDEBUGGER_DATA64 and the variables that it leads to. */
static void PutKernel(uint8_t *Memory)
{
    uint8_t *Data = Memory + DATA_PAGE * 0x1000 + 0x100;
    uint8_t *Variables = Memory + DATA_PAGE * 0x1000 + VARIABLES;
    const uint64_t At = SAMPLE_BASE + VARIABLES;

    SamplePut(Data + 0x00, At + 0xf0, 8); /* the list's head */
    SamplePut(Data + 0x08, At + 0xf0, 8);
    memcpy(Data + 0x10, "KDBG", 4);
    SamplePut(Data + 0x14, 0x380, 4);
    SamplePut(Data + 0x18, SAMPLE_BASE, 8);
    SamplePut(Data + 0x48, SAMPLE_BASE + 0xa00, 8); /* PsLoadedModuleList */
    SamplePut(Data + 0x50, SAMPLE_BASE + 0xa10, 8); /* PsActiveProcessHead */
    SamplePut(Data + 0x88, At, 8);                  /* KiBugcheckData */
    SamplePut(Data + 0xc0, At + 0x40, 8);           /* MmPfnDatabase */
    SamplePut(Data + 0x218, At + 0x48, 8);          /* KiProcessorBlock */
    SamplePut(Data + 0x270, At + 0x50, 8);          /* MmPhysicalMemoryBlock */
    SamplePut(Data + 0x2b4, 8, 2);                  /* OffsetPrcbCurrentThread */
    SamplePut(Data + 0x2e6, 0x180, 2);              /* OffsetPcrContainedPrcb */
    SamplePut(Data + 0x2f2, SPECIAL_AT, 2);
    SamplePut(Data + 0x338, CONTEXT_POINTER_AT, 2);
    const uint64_t BugCheck[5] = {0xd1, 0x1111, 2, 8, 0x4444};
    for (unsigned i = 0; i < 5; i++) {
        SamplePut(Variables + 8 * i, BugCheck[i], 8);
    }
    SamplePut(Variables + 0x40, 0xfffffa8000000000ull, 8);
    SamplePut(Variables + 0x48, SAMPLE_PRCB, 8);
    SamplePut(Variables + 0x50, At + 0x60, 8);
    SamplePut(Variables + 0x60, 2, 4);
    SamplePut(Variables + 0x68, SAMPLE_PAGES, 8);
    SamplePut(Variables + 0x70, 1, 8);
    SamplePut(Variables + 0x78, SAMPLE_FIRST_RUN, 8);
    SamplePut(Variables + 0x80, 0x10, 8);
    SamplePut(Variables + 0x88, SAMPLE_PAGES - SAMPLE_FIRST_RUN, 8);
    SamplePut(Variables + 0xf0, SAMPLE_KDBG, 8);
    SamplePut(Variables + 0x100, 0x47ba000f, 4); /* a version block: 15, 18362 */
}

static void PutProcessor(uint8_t *Memory)
{
    uint8_t *Prcb = Memory + (DATA_PAGE + 2) * 0x1000 + 0x180;
    SamplePut(Prcb + 0x08, SAMPLE_THREAD, 8);
    SamplePut(Prcb + SPECIAL_AT + 0x10, SAMPLE_DIRECTORY, 8);
    SamplePut(Prcb + CONTEXT_POINTER_AT, SAMPLE_PRCB + CONTEXT_AT, 8);
    SamplePut(Prcb + CONTEXT_AT + 0x30, 0x10001f, 4);
    SamplePut(Prcb + CONTEXT_AT + 0x34, 0x1fa0, 4); /* MxCsr, unlike the one in FltSave */
    SamplePut(Prcb + CONTEXT_AT + 0x118, 0x1f80, 4);
    SamplePut(Prcb + CONTEXT_AT + 0x98, 0xfffff80000005000ull, 8);
    SamplePut(Prcb + CONTEXT_AT + 0xf8, SAMPLE_BASE + 0x1234, 8);
    /* KPCR.KdVersionBlock */
    SamplePut(Prcb - 0x180 + 0x108, SAMPLE_BASE + VARIABLES + 0x100, 8);
}

void SampleMemory(uint8_t *Memory)
{
    memset(Memory, 0, SAMPLE_BYTES);
    PutEntry(Memory, SAMPLE_DIRECTORY, 0x1f0, 0x11000 | PRESENT_RW); /* FFFFF800'0000xxxx */
    PutEntry(Memory, SAMPLE_DIRECTORY, 0x1ed, SAMPLE_DIRECTORY | PRESENT_RW);
    PutEntry(Memory, 0x11000, 0, 0x12000 | PRESENT_RW);
    PutEntry(Memory, 0x12000, 0, 0x13000 | PRESENT_RW);
    for (unsigned i = 0; i < 6; i++) {
        PutEntry(Memory, 0x13000, i, (DATA_PAGE + i) * 0x1000ull | PRESENT_RW);
    }
    PutEntry(Memory, 0x13000, 6, 0x0000000500000080ull); /* slot 5 of the paging file */
    PutKernel(Memory);
    PutProcessor(Memory);
    memcpy(Memory + 0x18ff8, "overtwopagesname", 16);
    memset(Memory + 0x1000, 0xab, 0x1000);
}

static void PutRuns(uint8_t *Header)
{
    SamplePut(Header + 0x88, 2, 4);
    SamplePut(Header + 0x90, SAMPLE_PAGES, 8);
    SamplePut(Header + 0x98, 1, 8);
    SamplePut(Header + 0xa0, SAMPLE_FIRST_RUN, 8);
    SamplePut(Header + 0xa8, 0x10, 8);
    SamplePut(Header + 0xb0, SAMPLE_PAGES - SAMPLE_FIRST_RUN, 8);
}

size_t SampleDump(uint8_t *Out, size_t Capacity, unsigned Type)
{
    static uint8_t Memory[SAMPLE_BYTES];
    size_t Offset = Type == 1 ? 0x2000 : 0x3000;
    size_t Size = Offset + SAMPLE_PAGES * 0x1000;
    if (Size > Capacity) {
        return 0;
    }
    SampleMemory(Memory);
    for (size_t i = 0; i < 0x2000; i++) {
        Out[i] = (uint8_t)"PAGE"[i % 4];
    }
    memset(Out + 0x2000, 0, Offset - 0x2000);
    memcpy(Out, "PAGEDU64", 8);
    SamplePut(Out + 0x08, 15, 4);
    SamplePut(Out + 0x0c, 18362, 4);
    SamplePut(Out + 0x10, SAMPLE_DIRECTORY, 8);
    SamplePut(Out + 0x30, 0x8664, 4);
    SamplePut(Out + 0x34, 1, 4);
    SamplePut(Out + 0x38, 0xd1, 4);
    SamplePut(Out + 0x80, SAMPLE_KDBG, 8);
    SamplePut(Out + 0x348 + 0xf8, SAMPLE_BASE + 0x1234, 8);
    SamplePut(Out + 0xf00, 0x80000003, 4);
    SamplePut(Out + 0xf98, Type, 4);
    if (Type == 1) {
        PutRuns(Out);
    } else {
        memcpy(Out + 0x2000, "SDMPDUMP", 8);
        SamplePut(Out + 0x2020, Offset, 8);
        SamplePut(Out + 0x2028, SAMPLE_PAGES, 8);
        SamplePut(Out + 0x2030, 0x28, 8);
        SamplePut(Out + 0x2038, 0xfffff001eull, 5); /* pages 1..4, 10h..23h */
    }
    memcpy(Out + Offset, Memory + 0x1000, SAMPLE_FIRST_RUN * 0x1000);
    memcpy(Out + Offset + SAMPLE_FIRST_RUN * 0x1000, Memory + 0x10000,
           (SAMPLE_PAGES - SAMPLE_FIRST_RUN) * 0x1000);
    return Size;
}
