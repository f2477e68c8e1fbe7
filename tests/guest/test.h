/* SPDX-License-Identifier: MIT */
/*
 * Tests that run inside the booted kernel (ntoskrnl-test.exe), in a system thread at
 * PASSIVE_LEVEL. A test is a function; its record is put in a section of its own, which the
 * runner walks. After each test the runner compares pages, pool and slots with those before.
 */
#pragma once

#include "ke/ki.h"
#include "lib/xorshift.h"
#include "nt/kd.h"

typedef struct _GUEST_TEST_CASE {
    PCSTR Name;
    VOID (*Routine)(VOID);
} GUEST_TEST_CASE;

/* Counts a failure of the running test and keeps the text of the first. Any IRQL. */
VOID GuestTestFail(PCSTR File, ULONG Line, PCSTR Format, ...);
ULONG64 GuestTestSeed(VOID);

/* A thread takes a state of its own from the seed and its number. */
static inline ULONG64 TestNextRandom(PULONG64 State)
{
    return *State = XorShift64(*State);
}

static inline ULONG64 TestRandomState(ULONG Thread)
{
    return (GuestTestSeed() + Thread) * 2654435761u + 1;
}

#define GUEST_TEST(name)                                                                    \
    static VOID name(VOID);                                                                 \
    static const GUEST_TEST_CASE name##_case = {#name, name};                               \
    __attribute__((section(".gtest$m"), used)) static const GUEST_TEST_CASE *const          \
        name##_entry = &name##_case;                                                        \
    static VOID name(VOID)

#define EXPECT(condition)                                                       \
    do {                                                                        \
        if (!(condition)) {                                                     \
            GuestTestFail(__FILE__, __LINE__, "expected %s", #condition);       \
        }                                                                       \
    } while (0)

#define EXPECT_EQUAL(found, expected)                                                          \
    do {                                                                                       \
        ULONG64 found_ = (ULONG64)(found), expected_ = (ULONG64)(expected);                    \
        if (found_ != expected_) {                                                             \
            GuestTestFail(__FILE__, __LINE__, "%s is %I64x, expected %s = %I64x", #found,      \
                          found_, #expected, expected_);                                       \
        }                                                                                      \
    } while (0)
