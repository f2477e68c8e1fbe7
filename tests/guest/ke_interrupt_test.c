/* SPDX-License-Identifier: MIT */
/* Interrupt objects of drivers, with interrupts that the processor sends itself as the device. */
#include "test_thread.h"

#include "hal/hal.h"
#include "ke/interrupt.h"
#include "ke/interrupt_object.h"
#include "nt/io.h"

/* No ISA line has these vectors. */
#define LOW_VECTOR 0x53
#define HIGH_VECTOR 0x73

typedef struct _TEST_SOURCE {
    PKINTERRUPT Object;
    UCHAR Vector;
    BOOLEAN Claim; /* what the routine returns */
    volatile ULONG Calls;
    KIRQL Irql;           /* at which the routine ran last */
    UCHAR InterruptInside; /* vector to request from inside the routine */
    volatile ULONG *SeenInside;
    ULONG SawInside; /* *SeenInside after that request */
    KDPC Dpc;
    KIRQL DpcIrql;
    volatile ULONG DpcCalls;
    KEVENT Event;
} TEST_SOURCE;

static VOID SourceDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    TEST_SOURCE *Source = Context;
    Source->DpcIrql = KeGetCurrentIrql();
    Source->DpcCalls++;
    KeSetEvent(&Source->Event, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN SourceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    TEST_SOURCE *Source = Context;
    Source->Irql = KeGetCurrentIrql();
    Source->Calls++;
    if (Interrupt != Source->Object) {
        return FALSE;
    }
    if (Source->InterruptInside != 0) {
        HalRequestDeviceInterrupt(Source->InterruptInside);
        KeStallExecutionProcessor(50);
        Source->SawInside = *Source->SeenInside;
    }
    if (Source->Claim) {
        KeInsertQueueDpc(&Source->Dpc, NULL, NULL);
    }
    return Source->Claim;
}

static NTSTATUS SourceConnect(TEST_SOURCE *Source, UCHAR Vector, KIRQL SynchronizeIrql,
                              KINTERRUPT_MODE Mode, BOOLEAN Share, BOOLEAN Claim)
{
    *Source = (TEST_SOURCE){.Vector = Vector, .Claim = Claim};
    KeInitializeDpc(&Source->Dpc, SourceDpc, Source);
    KeInitializeEvent(&Source->Event, SynchronizationEvent, FALSE);
    return IoConnectInterrupt(&Source->Object, SourceRoutine, Source, NULL, Vector, Vector >> 4,
                              SynchronizeIrql, Mode, Share, 1, FALSE);
}

static VOID SourceRequest(UCHAR Vector)
{
    HalRequestDeviceInterrupt(Vector);
    KeStallExecutionProcessor(50); /* the processor may take it some instructions later */
}

GUEST_TEST(ke_interrupt_goes_from_routine_to_dpc_to_event)
{
    TEST_SOURCE Source;
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    EXPECT_EQUAL(SourceConnect(&Source, LOW_VECTOR, LOW_VECTOR >> 4, Latched, FALSE, TRUE),
                 STATUS_SUCCESS);
    for (ULONG i = 1; i <= 100; i++) {
        HalRequestDeviceInterrupt(LOW_VECTOR);
        EXPECT_EQUAL(KeWaitForSingleObject(&Source.Event, Executive, KernelMode, FALSE, &Patience),
                     STATUS_SUCCESS);
        EXPECT_EQUAL(Source.Calls, i);
        EXPECT_EQUAL(Source.DpcCalls, i);
    }
    EXPECT_EQUAL(Source.Irql, LOW_VECTOR >> 4);
    EXPECT_EQUAL(Source.DpcIrql, DISPATCH_LEVEL);
    IoDisconnectInterrupt(Source.Object);
}

GUEST_TEST(ke_interrupt_waits_while_irql_is_as_high)
{
    TEST_SOURCE Source;
    KIRQL OldIrql;

    EXPECT_EQUAL(SourceConnect(&Source, LOW_VECTOR, LOW_VECTOR >> 4, Latched, FALSE, TRUE),
                 STATUS_SUCCESS);
    KeRaiseIrql(LOW_VECTOR >> 4, &OldIrql);
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(Source.Calls, 0);
    KeLowerIrql(DISPATCH_LEVEL);
    KeStallExecutionProcessor(50);
    EXPECT_EQUAL(Source.Calls, 1);
    EXPECT_EQUAL(Source.DpcCalls, 0); /* DISPATCH_LEVEL holds DPCs back */
    KeLowerIrql(OldIrql);
    KeStallExecutionProcessor(50);
    EXPECT_EQUAL(Source.DpcCalls, 1);
    IoDisconnectInterrupt(Source.Object);
}

GUEST_TEST(ke_interrupt_nests_by_irql)
{
    TEST_SOURCE Low, High;

    EXPECT_EQUAL(SourceConnect(&Low, LOW_VECTOR, LOW_VECTOR >> 4, Latched, FALSE, TRUE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(SourceConnect(&High, HIGH_VECTOR, HIGH_VECTOR >> 4, Latched, FALSE, TRUE),
                 STATUS_SUCCESS);
    Low.InterruptInside = HIGH_VECTOR;
    Low.SeenInside = &High.Calls;
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(Low.SawInside, 1); /* the higher one came in between */
    EXPECT_EQUAL(High.Irql, HIGH_VECTOR >> 4);
    Low.InterruptInside = 0;
    High.InterruptInside = LOW_VECTOR;
    High.SeenInside = &Low.Calls;
    SourceRequest(HIGH_VECTOR);
    EXPECT_EQUAL(High.SawInside, 1); /* the lower one had to wait */
    EXPECT_EQUAL(Low.Calls, 2);
    IoDisconnectInterrupt(High.Object);
    IoDisconnectInterrupt(Low.Object);
    KeFlushQueuedDpcs();
}

typedef struct _TEST_SYNCHRONIZE {
    TEST_SOURCE *Source;
    KIRQL Irql;
    ULONG CallsInside;
} TEST_SYNCHRONIZE;

static BOOLEAN SynchronizeRoutine(PVOID Context)
{
    TEST_SYNCHRONIZE *Synchronize = Context;
    Synchronize->Irql = KeGetCurrentIrql();
    SourceRequest(Synchronize->Source->Vector);
    Synchronize->CallsInside = Synchronize->Source->Calls;
    return Synchronize->Source->Claim;
}

GUEST_TEST(ke_synchronize_execution_keeps_the_routine_out)
{
    TEST_SOURCE Source;
    TEST_SYNCHRONIZE Synchronize = {.Source = &Source, .CallsInside = 99};

    /* The routine runs at the higher of its driver's levels. */
    EXPECT_EQUAL(SourceConnect(&Source, LOW_VECTOR, HIGH_VECTOR >> 4, Latched, FALSE, TRUE),
                 STATUS_SUCCESS);
    EXPECT(KeSynchronizeExecution(Source.Object, SynchronizeRoutine, &Synchronize));
    EXPECT_EQUAL(Synchronize.Irql, HIGH_VECTOR >> 4);
    EXPECT_EQUAL(Synchronize.CallsInside, 0);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeStallExecutionProcessor(50);
    EXPECT_EQUAL(Source.Calls, 1);
    EXPECT_EQUAL(Source.Irql, HIGH_VECTOR >> 4);
    Source.Claim = FALSE;
    EXPECT(!KeSynchronizeExecution(Source.Object, SynchronizeRoutine, &Synchronize));
    KIRQL OldIrql = KeAcquireInterruptSpinLock(Source.Object);
    EXPECT_EQUAL(KeGetCurrentIrql(), HIGH_VECTOR >> 4);
    KeReleaseInterruptSpinLock(Source.Object, OldIrql);
    IoDisconnectInterrupt(Source.Object);
    KeFlushQueuedDpcs();
}

GUEST_TEST(ke_interrupt_vector_is_shared)
{
    TEST_SOURCE First, Second, Third;

    EXPECT_EQUAL(SourceConnect(&First, LOW_VECTOR, LOW_VECTOR >> 4, LevelSensitive, TRUE, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(SourceConnect(&Second, LOW_VECTOR, LOW_VECTOR >> 4, LevelSensitive, TRUE, TRUE),
                 STATUS_SUCCESS);
    /* Not shared, or of another mode: refused. */
    EXPECT_EQUAL((ULONG)SourceConnect(&Third, LOW_VECTOR, LOW_VECTOR >> 4, LevelSensitive, FALSE,
                                      TRUE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)SourceConnect(&Third, LOW_VECTOR, LOW_VECTOR >> 4, Latched, TRUE, TRUE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT(Third.Object == NULL);
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(First.Calls, 1); /* it declines, so the next is asked */
    EXPECT_EQUAL(Second.Calls, 1);
    First.Claim = TRUE;
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(First.Calls, 2); /* level: who claims ends the walk */
    EXPECT_EQUAL(Second.Calls, 1);
    IoDisconnectInterrupt(First.Object);
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(First.Calls, 2);
    EXPECT_EQUAL(Second.Calls, 2);
    IoDisconnectInterrupt(Second.Object);
    KeFlushQueuedDpcs();
}

GUEST_TEST(ke_interrupt_connect_checks_its_arguments)
{
    TEST_SOURCE Source, Again;
    PKINTERRUPT Object;

    EXPECT_EQUAL((ULONG)IoConnectInterrupt(&Object, SourceRoutine, NULL, NULL, LOW_VECTOR, 3, 5,
                                           Latched, FALSE, 1, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER); /* IRQL is not the vector's */
    EXPECT_EQUAL((ULONG)IoConnectInterrupt(&Object, SourceRoutine, NULL, NULL, HIGH_VECTOR, 7, 6,
                                           Latched, FALSE, 1, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER); /* synchronize IRQL below it */
    EXPECT_EQUAL((ULONG)IoConnectInterrupt(&Object, SourceRoutine, NULL, NULL, CLOCK_VECTOR, 13,
                                           13, Latched, TRUE, 1, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER); /* the kernel's */
    EXPECT_EQUAL((ULONG)IoConnectInterrupt(&Object, NULL, NULL, NULL, LOW_VECTOR, 5, 5, Latched,
                                           FALSE, 1, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)IoConnectInterrupt(&Object, SourceRoutine, NULL, NULL, LOW_VECTOR, 5, 5,
                                           Latched, FALSE, 2, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER); /* no such processor */
    EXPECT_EQUAL(SourceConnect(&Source, LOW_VECTOR, LOW_VECTOR >> 4, Latched, FALSE, TRUE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)SourceConnect(&Again, LOW_VECTOR, LOW_VECTOR >> 4, Latched, FALSE, TRUE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    IoDisconnectInterrupt(Source.Object);
    /* Nobody's interrupt now: counted, and otherwise harmless. */
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(Source.Calls, 0);
    EXPECT_EQUAL(SourceConnect(&Again, LOW_VECTOR, LOW_VECTOR >> 4, Latched, FALSE, TRUE),
                 STATUS_SUCCESS);
    IoDisconnectInterrupt(Again.Object);
}

GUEST_TEST(ke_interrupt_connected_by_a_structure)
{
    TEST_SOURCE Source = {.Claim = TRUE};
    IO_CONNECT_INTERRUPT_PARAMETERS Connect = {.Version = CONNECT_FULLY_SPECIFIED};
    IO_DISCONNECT_INTERRUPT_PARAMETERS Disconnect = {.Version = CONNECT_FULLY_SPECIFIED};

    KeInitializeDpc(&Source.Dpc, SourceDpc, &Source);
    KeInitializeEvent(&Source.Event, SynchronizationEvent, FALSE);
    Connect.FullySpecified = (IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS){
        .InterruptObject = &Source.Object,
        .ServiceRoutine = SourceRoutine,
        .ServiceContext = &Source,
        .SynchronizeIrql = LOW_VECTOR >> 4,
        .Vector = LOW_VECTOR,
        .Irql = LOW_VECTOR >> 4,
        .InterruptMode = Latched,
        .ProcessorEnableMask = 1,
    };
    EXPECT_EQUAL(IoConnectInterruptEx(&Connect), STATUS_SUCCESS);
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(Source.Calls, 1);
    Disconnect.ConnectionContext.InterruptObject = Source.Object;
    IoDisconnectInterruptEx(&Disconnect);
    SourceRequest(LOW_VECTOR);
    EXPECT_EQUAL(Source.Calls, 1);
    KeFlushQueuedDpcs();
    Connect.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    Connect.FullySpecified.Group = 1; /* there is no such group */
    EXPECT_EQUAL((ULONG)IoConnectInterruptEx(&Connect), (ULONG)STATUS_INVALID_PARAMETER);
    Connect.Version = 99;
    EXPECT_EQUAL((ULONG)IoConnectInterruptEx(&Connect), (ULONG)STATUS_NOT_SUPPORTED);
    EXPECT_EQUAL(Connect.Version, CONNECT_FULLY_SPECIFIED_GROUP);
}
