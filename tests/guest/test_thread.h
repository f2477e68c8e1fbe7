/* SPDX-License-Identifier: MIT */
/* System threads for guest tests: start one, wait until it has ended. */
#pragma once

#include "nt/ob.h"
#include "nt/ps.h"
#include "test.h"

#define TEST_MILLISECOND (-10000ll)
#define TEST_PATIENCE (10000 * TEST_MILLISECOND) /* longer than anything that works takes */

/* Returns a referenced thread object, or NULL and a failed test. */
static inline PKTHREAD TestStartThread(PKSTART_ROUTINE Routine, PVOID Context)
{
    HANDLE Handle;
    PVOID Thread = NULL;
    NTSTATUS Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine,
                                           Context);

    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread,
                                           NULL);
        EXPECT_EQUAL(Status, STATUS_SUCCESS);
        ZwClose(Handle);
    }
    return Thread;
}

static inline VOID TestJoinThread(PKTHREAD Thread)
{
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    if (Thread != NULL) {
        EXPECT_EQUAL(KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, &Patience),
                     STATUS_SUCCESS);
        ObDereferenceObject(Thread);
    }
}

/* Without a limit: for threads that wait for a slow disk. A hang ends by the host's time limit. */
static inline VOID TestAwaitThread(PKTHREAD Thread)
{
    if (Thread != NULL) {
        KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Thread);
    }
}

static inline VOID TestSleep(LONGLONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = Milliseconds * TEST_MILLISECOND};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

/*
 * Every other thread that was ready has run until it waits: on one processor, who runs at the
 * lowest priority is the only one that is ready. A thread that spins never lets it return.
 * PASSIVE_LEVEL
 */
static inline VOID TestSettle(VOID)
{
    PKTHREAD Self = KeGetCurrentThread();
    KPRIORITY Base = Self->BasePriority;

    KeSetPriorityThread(Self, LOW_PRIORITY + 1);
    ZwYieldExecution();
    KeSetPriorityThread(Self, Base);
}

/* Until Condition holds, which is expected; a hang is cut after ten seconds. */
#define TEST_AWAIT(Condition)                                                                      \
    for (ULONG TestTurn = 0; TestTurn < 10000 && !(Condition); TestTurn++) {                       \
        TestSleep(1);                                                                              \
    }                                                                                              \
    EXPECT(Condition)

static inline NTSTATUS TestPoll(PVOID Object)
{
    LARGE_INTEGER Now = {.QuadPart = 0};

    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &Now);
}
