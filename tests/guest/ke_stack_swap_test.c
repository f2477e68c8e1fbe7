/* SPDX-License-Identifier: MIT */
/* Kernel stacks: whose leave, that they come back whole, and that the threads run then. */
#include "mm/mi.h"
#include "test_thread.h"

#define WAITERS 8
#define WORDS 64

typedef struct {
    KEVENT Go;
    KPROCESSOR_MODE Mode;
    BOOLEAN Disable;
    ULONG64 Timeout100ns; /* 0: none */
    PKTHREAD Thread;
    volatile LONG Waits; /* the wait is about to begin */
    LONG Wrong;
    NTSTATUS Status;
} WAITER;

static WAITER Waiters[WAITERS];

static VOID WaiterThread(PVOID Context)
{
    WAITER *Waiter = Context;
    volatile ULONG Words[WORDS];
    LARGE_INTEGER Timeout = {.QuadPart = -(LONGLONG)Waiter->Timeout100ns};
    for (ULONG i = 0; i < WORDS; i++) {
        Words[i] = i * 0x01010101 + (ULONG)(Waiter - Waiters);
    }
    if (Waiter->Disable) {
        KeSetKernelStackSwapEnable(FALSE);
    }
    Waiter->Waits = 1;
    Waiter->Status = KeWaitForSingleObject(&Waiter->Go, Executive, Waiter->Mode, FALSE,
                                           Waiter->Timeout100ns != 0 ? &Timeout : NULL);
    for (ULONG i = 0; i < WORDS; i++) {
        Waiter->Wrong += Words[i] != i * 0x01010101 + (ULONG)(Waiter - Waiters);
    }
}

/* Returns when the thread waits. */
static VOID StartWaiter(WAITER *Waiter, KPROCESSOR_MODE Mode, BOOLEAN Disable, ULONG64 Timeout)
{
    *Waiter = (WAITER){.Mode = Mode, .Disable = Disable, .Timeout100ns = Timeout};
    KeInitializeEvent(&Waiter->Go, NotificationEvent, FALSE);
    Waiter->Thread = TestStartThread(WaiterThread, Waiter);
    while (!Waiter->Waits || Waiter->Thread->State != Waiting) {
        TestSleep(10);
    }
}

static VOID EndWaiter(WAITER *Waiter)
{
    TestJoinThread(Waiter->Thread);
    EXPECT(Waiter->Wrong == 0);
}

static BOOLEAN StackIsOut(const WAITER *Waiter)
{
    PKTHREAD Thread = Waiter->Thread;
    BOOLEAN Out = !Thread->KernelStackResident;
    for (ULONG64 Va = (ULONG64)Thread->StackLimit; Va < (ULONG64)Thread->StackBase;
         Va += PAGE_SIZE) {
        EXPECT(((*MI_PTE_OF(Va) & MI_PTE_VALID) == 0) == Out);
    }
    return Out;
}

GUEST_TEST(ke_stack_swap_leaves_and_returns)
{
    for (ULONG i = 0; i < WAITERS; i++) {
        StartWaiter(&Waiters[i], UserMode, FALSE, 0);
    }
    LONG64 Resident = MiResidentAvailable;
    MmPageOutEverything(TRUE);
    EXPECT(MiVerifyAll() == 0);
    EXPECT(MiResidentAvailable >=
           Resident + (LONG64)(WAITERS * (KERNEL_STACK_SIZE >> PAGE_SHIFT)));
    for (ULONG i = 0; i < WAITERS; i++) {
        EXPECT(StackIsOut(&Waiters[i]));
        PKTHREAD Thread = Waiters[i].Thread;
        EXPECT(MI_PTE_SLOT(*MI_PTE_OF(Thread->KernelStack)) != 0); /* in the paging file alone */
    }
    for (ULONG i = 0; i < WAITERS; i++) {
        KeSetEvent(&Waiters[i].Go, 0, FALSE);
    }
    for (ULONG i = 0; i < WAITERS; i++) {
        EndWaiter(&Waiters[i]);
        EXPECT(Waiters[i].Status == STATUS_SUCCESS);
    }
    EXPECT(MiVerifyAll() == 0);
}

GUEST_TEST(ke_stack_swap_timeout_brings_back)
{
    StartWaiter(&Waiters[0], UserMode, FALSE, 3000000);
    MmPageOutEverything(TRUE);
    EXPECT(StackIsOut(&Waiters[0]));
    EndWaiter(&Waiters[0]);
    EXPECT(Waiters[0].Status == STATUS_TIMEOUT);
}

GUEST_TEST(ke_stack_swap_spares)
{
    StartWaiter(&Waiters[0], KernelMode, FALSE, 0);
    StartWaiter(&Waiters[1], UserMode, TRUE, 0);
    MmPageOutEverything(TRUE);
    for (ULONG i = 0; i < 2; i++) {
        EXPECT(!StackIsOut(&Waiters[i]));
        KeSetEvent(&Waiters[i].Go, 0, FALSE);
        EndWaiter(&Waiters[i]);
    }
}

/* A page of it that somebody reads meanwhile, or that is still being written, is no hindrance. */
GUEST_TEST(ke_stack_swap_touched_while_out)
{
    StartWaiter(&Waiters[0], UserMode, FALSE, 0);
    for (ULONG Round = 0; Round < 4; Round++) {
        MmPageOutEverything(Round & 1);
        PKTHREAD Thread = Waiters[0].Thread;
        EXPECT(!Thread->KernelStackResident);
        EXPECT(*(volatile ULONG64 *)((PUCHAR)Thread->KernelStack + 0xf8) != 0);
    }
    MmPageOutEverything(FALSE);
    KeSetEvent(&Waiters[0].Go, 0, FALSE);
    EndWaiter(&Waiters[0]);
    EXPECT(MiVerifyAll() == 0);
}
