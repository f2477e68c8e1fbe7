/* SPDX-License-Identifier: MIT */
/* What the measurements share: the clock's unit, the median, the line that bench/run reads. */
#pragma once

#include "tests/guest/test.h"

#define BENCH_BATCHES 9

/* Nanoseconds of one of so many operations; Ticks of the time stamp counter. */
static inline ULONG64 BenchNanoseconds(ULONG64 Ticks, ULONG64 Operations)
{
    return Ticks * 1000000000ull / KeTimeStampFrequency / Operations;
}

/* Sorts Values. */
static inline ULONG64 BenchMedian(PULONG64 Values, ULONG Count)
{
    for (ULONG i = 1; i < Count; i++) {
        for (ULONG j = i; j > 0 && Values[j - 1] > Values[j]; j--) {
            ULONG64 Swap = Values[j];
            Values[j] = Values[j - 1];
            Values[j - 1] = Swap;
        }
    }
    return Values[Count / 2];
}

/* A floor of 0: there is none. */
static inline VOID BenchReport(PCSTR Name, ULONG64 Value, ULONG64 Floor)
{
    DbgPrint("bench|%s|%I64u|%I64u\n", Name, Value, Floor);
}
