/* SPDX-License-Identifier: MIT */
/*
 * The machine before the load against the machine after the unload. Everything pageable is sent to
 * the paging file before each measure, so that what merely sits in memory makes no difference.
 *
 * Pool and paging-file slots must be the same to the byte, without the slots of kernel stacks that
 * are out. Commit and pages in use may grow by the page tables of system space, which the kernel
 * keeps once made, as NT does: one for each 2 MB that was charged or touched in between. What a
 * driver writes to the registry and to files stays, as it should: their growth is allowed, to the
 * byte in pool, by whole pages in the paging file.
 */
#include "host/run/counters.h"
#include "host/run/run.h"
#include "host/text/text.h"

#define TABLE_PAGES 512u   /* pages that one page table maps */
#define TABLE_ALLOWANCE 12u /* tables that are not full */
#define PAGE_BYTES 4096u
#define SETTLE_TRIES 20
#define SETTLE_US 20000 /* threads that ended are freed a little later */

static const struct {
    const char *What;
    size_t Offset;
    bool WithTables;
} LeakChecks[] = {
    {"bytes of nonpaged pool", offsetof(CONTROL_COUNTERS, NonpagedPoolBytes), false},
    {"blocks of nonpaged pool", offsetof(CONTROL_COUNTERS, NonpagedPoolBlocks), false},
    {"bytes of paged pool", offsetof(CONTROL_COUNTERS, PagedPoolBytes), false},
    {"blocks of paged pool", offsetof(CONTROL_COUNTERS, PagedPoolBlocks), false},
    {"pages of the paging file", offsetof(CONTROL_COUNTERS, PagingFileSlotsUsed), false},
    {"pages of commit", offsetof(CONTROL_COUNTERS, CommittedPages), true},
    {"pages of memory in use", offsetof(CONTROL_COUNTERS, ActivePages), true},
};

#define LEAK_CHECK_COUNT (sizeof(LeakChecks) / sizeof(LeakChecks[0]))

/*
 * The open that must fail makes the kernel create the first of the threads on which it opens
 * devices, which it keeps: that is no leak of the driver's.
 */
bool LeakCheckBegin(RUN *Run)
{
    static const char Nowhere[] = "\\Device\\Pageable-nowhere";
    CONTROL_OPEN Open = {0, sizeof(Nowhere) - 1, 0, 0};
    CONTROL_BYTES Path = {(const uint8_t *)Nowhere, sizeof(Nowhere) - 1};
    int32_t Status;
    Run->HasBefore = SessionRequest(&Run->Session, ControlOpen, &Open, sizeof(Open), Path) &&
                     RunPageOut(Run, true, &Status) && RunQueryCounters(Run, &Run->Before);
    return Run->HasBefore;
}

/* What a store's growth explains of one thing. */
static uint64_t LeakCheckGrowth(uint64_t OldBytes, uint64_t OldBlocks, uint64_t NewBytes,
                                uint64_t NewBlocks, size_t Offset)
{
    if (NewBytes <= OldBytes || NewBlocks < OldBlocks) {
        return 0;
    }
    switch (Offset) {
    case offsetof(CONTROL_COUNTERS, PagedPoolBytes):
        return NewBytes - OldBytes;
    case offsetof(CONTROL_COUNTERS, PagedPoolBlocks):
        return NewBlocks - OldBlocks;
    case offsetof(CONTROL_COUNTERS, PagingFileSlotsUsed):
    case offsetof(CONTROL_COUNTERS, CommittedPages):
    case offsetof(CONTROL_COUNTERS, ActivePages):
        return (NewBytes - OldBytes) / PAGE_BYTES + 2; /* pages that its blocks fill in part, too */
    default:
        return 0;
    }
}

/* What was written to the registry and to files, and stays. */
static uint64_t LeakCheckKept(const RUN *Run, const CONTROL_COUNTERS *After, size_t Offset)
{
    const CONTROL_COUNTERS *Before = &Run->Before;
    return LeakCheckGrowth(Before->RegistryBytes, Before->RegistryBlocks, After->RegistryBytes,
                           After->RegistryBlocks, Offset) +
           LeakCheckGrowth(Before->VolumeBytes, Before->VolumeBlocks, After->VolumeBytes,
                           After->VolumeBlocks, Offset);
}

/* How much more there is of one thing than there should be. */
static uint64_t LeakCheckExcess(const RUN *Run, const CONTROL_COUNTERS *After, size_t Index)
{
    const COUNTER_FIELD Field = {"", LeakChecks[Index].Offset};
    bool Slots = LeakChecks[Index].Offset == offsetof(CONTROL_COUNTERS, PagingFileSlotsUsed);
    uint64_t Old = CounterValue(&Run->Before, &Field);
    uint64_t New = CounterValue(After, &Field);
    if (Slots) { /* which of the kernel's own threads wait long enough is a matter of moments */
        Old -= Run->Before.KernelStackSlots < Old ? Run->Before.KernelStackSlots : Old;
        New -= After->KernelStackSlots < New ? After->KernelStackSlots : New;
    }
    uint64_t Touched = After->DemandZeroFaults - Run->Before.DemandZeroFaults;
    uint64_t Charged = Run->MostCommitted - Run->Before.CommittedPages;
    uint64_t Tables = (Touched > Charged ? Touched : Charged) / TABLE_PAGES;
    uint64_t Allowed = (LeakChecks[Index].WithTables ? TABLE_ALLOWANCE + Tables : 0) +
                       LeakCheckKept(Run, After, LeakChecks[Index].Offset);
    if (Slots && Run->Options.DiskFault == DiskFaultWrite) {
        return 0; /* slots that could not be written are given up, and count as used */
    }
    return New > Old && New - Old > Allowed ? New - Old : 0;
}

bool LeakCheckEnd(RUN *Run)
{
    CONTROL_COUNTERS After;
    uint64_t Excess[LEAK_CHECK_COUNT];
    bool Leak = true;
    int32_t Status;

    for (int Try = 0; Leak && Try < SETTLE_TRIES; Try++) {
        if ((Try != 0 && !RunWait(Run, SETTLE_US)) || !RunPageOut(Run, true, &Status) ||
            !RunQueryCounters(Run, &After)) {
            return false;
        }
        Leak = false;
        for (size_t i = 0; i < LEAK_CHECK_COUNT; i++) {
            Excess[i] = LeakCheckExcess(Run, &After, i);
            Leak = Leak || Excess[i] != 0;
        }
    }
    for (size_t i = 0; Leak && i < LEAK_CHECK_COUNT; i++) {
        char Number[TEXT_NUMBER], Text[200];
        if (Excess[i] != 0) {
            snprintf(Text, sizeof(Text), "leak: %s %s more after the unload than before the load",
                     TextGroups(Number, Excess[i]), LeakChecks[i].What);
            RunFinding(Run, "leak", Text, "");
        }
    }
    return true;
}
