/* SPDX-License-Identifier: MIT */
/*
 * Runs the guest tests whose name contains the pattern, and after each compares the machine with
 * what it was before: pages, pool blocks and slots must be the same, and MiVerifyAll must find
 * nothing.
 */
#include "test.h"

#include "ex/pool.h"
#include "io/control_agent.h"
#include "mm/mi.h"
#include "nt/rtl.h"

#include <stdarg.h>

static ULONG GuestFailures;
static CHAR GuestFirstFailure[256];
static ULONG64 GuestSeed;

/* The linker sorts .gtest$a, $m, $z; padding between entries is NULL. */
__attribute__((section(".gtest$a"), used)) static const GUEST_TEST_CASE *const GuestFirst = NULL;
__attribute__((section(".gtest$z"), used)) static const GUEST_TEST_CASE *const GuestLast = NULL;

VOID GuestTestFail(PCSTR File, ULONG Line, PCSTR Format, ...)
{
    va_list Arguments;
    CHAR Text[200] = {0};
    va_start(Arguments, Format);
    _vsnprintf(Text, sizeof(Text) - 1, Format, Arguments);
    va_end(Arguments);
    if (InterlockedIncrement(&GuestFailures) == 1) {
        _snprintf(GuestFirstFailure, sizeof(GuestFirstFailure) - 1, "%s:%u: %s", File, Line, Text);
    }
    DbgPrint("%s:%u: %s\n", File, Line, Text);
}

ULONG64 GuestTestSeed(VOID)
{
    return GuestSeed;
}

typedef struct _GUEST_STATE {
    ULONG64 Pages, Slots, Blocks;
    ULONG64 PagedPages; /* of pool; each has a slot, whatever blocks are left in it */
} GUEST_STATE;

/* Evicts first, so that what is merely not yet written or cached does not count as a difference. */
static VOID GuestQueryState(GUEST_STATE *State)
{
    MM_COUNTERS Mm;
    POOL_USAGE Pool;
    MmPageOutEverything(TRUE);
    MmQueryCounters(&Mm);
    ExQueryPoolUsage(&Pool);
    State->Pages = Mm.CommittedPages;
    State->Slots = Mm.PagingFileSlotsUsed;
    State->Blocks = Pool.NonPagedBlocks + Pool.PagedBlocks;
    State->PagedPages = Pool.PagedPages;
}

/* What start-up has left to do (threads to reap, objects to delete) is not a test's doing. */
static VOID GuestWaitUntilSettled(VOID)
{
    GUEST_STATE Before, After;
    LARGE_INTEGER Ticks = {.QuadPart = -500000};
    GuestQueryState(&After);
    do {
        Before = After;
        KeDelayExecutionThread(KernelMode, FALSE, &Ticks);
        GuestQueryState(&After);
    } while (__builtin_memcmp(&Before, &After, sizeof(Before)) != 0);
}

static VOID GuestRunOne(const GUEST_TEST_CASE *Case)
{
    GUEST_STATE Before, After;
    GuestFailures = 0;
    GuestFirstFailure[0] = 0;
    GuestQueryState(&Before);
    Case->Routine();
    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        GuestTestFail(Case->Name, 0, "returned at IRQL %u", KeGetCurrentIrql());
        KeLowerIrql(PASSIVE_LEVEL);
    }
    /* Threads that ended in the test are freed by the reaper: give it the processor. */
    for (ULONG Try = 0; Try < 50; Try++) {
        LARGE_INTEGER Tick = {.QuadPart = -100000};
        GuestQueryState(&After);
        if (__builtin_memcmp(&Before, &After, sizeof(Before)) == 0) {
            break;
        }
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
    if (After.Blocks != Before.Blocks) {
        GuestTestFail(Case->Name, 0, "pool blocks: %I64u before, %I64u after", Before.Blocks,
                      After.Blocks);
    }
    if (After.Slots != Before.Slots &&
        After.Slots - Before.Slots != After.PagedPages - Before.PagedPages) {
        GuestTestFail(Case->Name, 0, "paging-file slots: %I64u before, %I64u after", Before.Slots,
                      After.Slots);
    }
    ULONG Violations = MiVerifyAll();
    if (Violations != 0) {
        GuestTestFail(Case->Name, 0, "MiVerifyAll found %u violations", Violations);
    }
    IoReportTestResult(Case->Name, GuestFailures, GuestFirstFailure);
}

/*
 * Benchmarks are no tests, and a test whose name begins with crash_ ends in a bug check, which the
 * host looks for: both run when asked for by name.
 */
static BOOLEAN GuestIsAsked(PCSTR Name, PCSTR Pattern)
{
    BOOLEAN ByName = strncmp(Name, "bench_", 6) == 0 || strncmp(Name, "crash_", 6) == 0;
    return strstr(Name, Pattern) != NULL && (!ByName || strncmp(Pattern, Name, 6) == 0);
}

static ULONG GuestRunAll(PCSTR Pattern, ULONG64 Seed)
{
    ULONG Failed = 0;
    GuestSeed = Seed;
    GuestWaitUntilSettled();
    for (const GUEST_TEST_CASE *const *Entry = &GuestFirst + 1; Entry < &GuestLast; Entry++) {
        if (*Entry != NULL && GuestIsAsked((*Entry)->Name, Pattern)) {
            GuestRunOne(*Entry);
            Failed += GuestFailures != 0;
        }
    }
    return Failed;
}

/* Overrides the kernel's NULL; see kernel/ke/guest_tests.c. */
ULONG (*const KiGuestTestRunner)(PCSTR Pattern, ULONG64 Seed) = GuestRunAll;
