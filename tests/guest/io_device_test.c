/* SPDX-License-Identifier: MIT */
/*
 * Device and driver objects: stacks made by name and by pointer, lists of devices, extensions,
 * links, reinitialization, shutdown, timers. Expected values: the page of each routine in the
 * Windows Driver Kit's reference.
 */
#include "io_test_driver.h"

/* A device without a name, ready for use. */
static PDEVICE_OBJECT MakeDevice(VOID)
{
    PDEVICE_OBJECT Device = NULL;
    EXPECT_EQUAL(IoCreateDevice(IoTest.Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device),
                 STATUS_SUCCESS);
    Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return Device;
}

static LONG64 References(PVOID Object)
{
    return ObpHeaderOf(Object)->PointerCount;
}

GUEST_TEST(io_devices_are_attached_by_name_and_by_pointer)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(IO_TEST_DEVICE);
    UNICODE_STRING Nobody = RTL_CONSTANT_STRING(L"\\Device\\IoNobody");
    PDEVICE_OBJECT Below = NULL;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    PDEVICE_OBJECT Middle = MakeDevice(), Top = MakeDevice();
    EXPECT_EQUAL((ULONG)IoAttachDevice(Middle, &Nobody, &Below),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(Below == NULL && IoTest.Creates == 0);
    EXPECT_EQUAL(IoAttachDevice(Middle, &Name, &Below), STATUS_SUCCESS);
    EXPECT(Below == IoTest.Device && IoTest.Creates == 1 && IoTest.Closes == 1);
    EXPECT_EQUAL(Middle->StackSize, IoTest.Device->StackSize + 1);
    /* It goes on top of the stack, whichever of its devices is named. */
    EXPECT_EQUAL(IoAttachDeviceByPointer(Top, IoTest.Device), STATUS_SUCCESS);
    EXPECT(Middle->AttachedDevice == Top);
    EXPECT_EQUAL(Top->StackSize, IoTest.Device->StackSize + 2);

    LONG64 Before = References(Top);
    EXPECT(IoGetAttachedDeviceReference(IoTest.Device) == Top);
    EXPECT(IoGetAttachedDeviceReference(Top) == Top);
    EXPECT_EQUAL(References(Top), Before + 2);
    ObDereferenceObject(Top);
    ObDereferenceObject(Top);

    PDEVICE_OBJECT Late = NULL;
    EXPECT_EQUAL(IoCreateDevice(IoTest.Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Late),
                 STATUS_SUCCESS);
    /* Nothing is attached above a device that is still being initialized. */
    PDEVICE_OBJECT Fourth = MakeDevice();
    EXPECT_EQUAL((ULONG)IoAttachDeviceByPointer(Fourth, Late), (ULONG)STATUS_NO_SUCH_DEVICE);
    IoDeleteDevice(Late);
    IoDeleteDevice(Fourth);
    IoDetachDevice(Middle);
    IoDetachDevice(IoTest.Device);
    IoDeleteDevice(Top);
    IoDeleteDevice(Middle);
    IoTestUnload();
}

static BOOLEAN IsListed(PDEVICE_OBJECT Device)
{
    PDEVICE_OBJECT Next = IoTest.Driver->DeviceObject;
    while (Next != NULL && Next != Device) {
        Next = Next->NextDevice;
    }
    return Next != NULL;
}

/*
 * Drivers pass IRP_MN_REMOVE_DEVICE on, and then detach and delete: a lower device is deleted while
 * the upper one is attached, and goes with IoDetachDevice.
 */
GUEST_TEST(io_deleted_device_goes_when_the_upper_one_detaches)
{
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    PDEVICE_OBJECT Lower = MakeDevice(), Upper = MakeDevice(), Late = MakeDevice();
    EXPECT(IoAttachDeviceToDeviceStack(Upper, Lower) == Lower);
    ObReferenceObject(Lower);
    LONG64 Before = References(Lower);
    IoDeleteDevice(Lower);
    EXPECT(IsListed(Lower) && Lower->AttachedDevice == Upper);
    EXPECT_EQUAL(References(Lower), Before);
    EXPECT(IoAttachDeviceToDeviceStack(Late, Lower) == Upper); /* the top is not deleted */
    IoDetachDevice(Upper);
    IoDetachDevice(Lower);
    EXPECT(!IsListed(Lower));
    EXPECT_EQUAL(References(Lower), Before - 1);
    ObDereferenceObject(Lower);
    IoDeleteDevice(Upper);
    IoDeleteDevice(Late);
    IoTestUnload();
}

/* STATUS_BUFFER_TOO_SMALL with the number there is; what fits is given all the same, referenced. */
GUEST_TEST(io_devices_of_a_driver_are_listed)
{
    PDEVICE_OBJECT List[4] = {NULL};
    ULONG Count = 0;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    PDEVICE_OBJECT Second = MakeDevice(), Third = MakeDevice();
    EXPECT_EQUAL((ULONG)IoEnumerateDeviceObjectList(IoTest.Driver, NULL, 0, &Count),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(Count, 3);
    Count = 0;
    EXPECT_EQUAL((ULONG)IoEnumerateDeviceObjectList(IoTest.Driver, List, 2 * sizeof(PVOID), &Count),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT(Count == 3 && List[2] == NULL);
    ObDereferenceObject(List[0]);
    ObDereferenceObject(List[1]);
    LONG64 Before = References(Third);
    EXPECT_EQUAL(IoEnumerateDeviceObjectList(IoTest.Driver, List, sizeof(List), &Count),
                 STATUS_SUCCESS);
    EXPECT(Count == 3 && List[3] == NULL);
    EXPECT_EQUAL(References(Third), Before + 1);
    for (ULONG i = 0; i < Count; i++) {
        EXPECT(List[i] == IoTest.Device || List[i] == Second || List[i] == Third);
        ObDereferenceObject(List[i]);
    }
    IoDeleteDevice(Second);
    IoDeleteDevice(Third);
    IoTestUnload();
}

GUEST_TEST(io_driver_object_extensions)
{
    static UCHAR Key, Other;
    PVOID Body = NULL, Again = &Key;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    EXPECT_EQUAL(MmIsDriverVerifying(IoTest.Driver), 0); /* tests run without verification */
    EXPECT(IoGetDriverObjectExtension(IoTest.Driver, &Key) == NULL);
    EXPECT_EQUAL(IoAllocateDriverObjectExtension(IoTest.Driver, &Key, 24, &Body), STATUS_SUCCESS);
    for (ULONG i = 0; i < 24; i++) {
        EXPECT_EQUAL(((PUCHAR)Body)[i], 0);
    }
    EXPECT(IoGetDriverObjectExtension(IoTest.Driver, &Key) == Body);
    EXPECT(IoGetDriverObjectExtension(IoTest.Driver, &Other) == NULL);
    EXPECT_EQUAL((ULONG)IoAllocateDriverObjectExtension(IoTest.Driver, &Key, 8, &Again),
                 (ULONG)STATUS_OBJECT_NAME_COLLISION);
    EXPECT(Again == NULL);
    EXPECT_EQUAL(IoAllocateDriverObjectExtension(IoTest.Driver, &Other, 0, &Again), STATUS_SUCCESS);
    EXPECT(Again != NULL && Again != Body);
    IoTestUnload(); /* frees them */
}

GUEST_TEST(io_driver_type_and_links)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Driver\\IoTest");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\IoTestLink");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(IO_TEST_DEVICE);
    PDRIVER_OBJECT Driver = NULL;
    PFILE_OBJECT File;
    PDEVICE_OBJECT Device;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    EXPECT_EQUAL(ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0, IoDriverObjectType,
                                         KernelMode, NULL, (PVOID *)&Driver),
                 STATUS_SUCCESS);
    EXPECT(Driver == IoTest.Driver);
    ObDereferenceObject(Driver);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByName(&Name, 0, NULL, 0, IoDeviceObjectType, KernelMode,
                                                NULL, (PVOID *)&Driver),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);

    EXPECT_EQUAL(IoCreateUnprotectedSymbolicLink(&Link, &Target), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)IoCreateUnprotectedSymbolicLink(&Link, &Target),
                 (ULONG)STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQUAL(IoGetDeviceObjectPointer(&Link, FILE_READ_DATA, &File, &Device), STATUS_SUCCESS);
    EXPECT(Device == IoTest.Device);
    ObDereferenceObject(File);
    EXPECT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)IoDeleteSymbolicLink(&Link), (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    IoTestUnload();
}

static ULONG ReinitializeCalls, ReinitializeCount;

static VOID ReinitializeOnce(PDRIVER_OBJECT Driver, PVOID Context, ULONG Count)
{
    EXPECT(Driver == IoTest.Driver && Context == &ReinitializeCalls);
    ReinitializeCalls++;
    ReinitializeCount = Count;
}

static VOID ReinitializeTwice(PDRIVER_OBJECT Driver, PVOID Context, ULONG Count)
{
    ReinitializeOnce(Driver, &ReinitializeCalls, Count);
    if (ReinitializeCalls < 3) {
        IoRegisterBootDriverReinitialization(Driver, ReinitializeTwice, NULL);
    }
}

/* Count: how often routines were called; a routine may ask to be called again. */
GUEST_TEST(io_reinitialization_routines_are_called_once)
{
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    ReinitializeCalls = 0;
    IoRegisterDriverReinitialization(IoTest.Driver, ReinitializeOnce, &ReinitializeCalls);
    IoRegisterDriverReinitialization(IoTest.Driver, ReinitializeTwice, NULL);
    EXPECT(IoTest.Driver->Flags & DRVO_REINIT_REGISTERED);
    IopCallReinitializeRoutines(IoTest.Driver);
    EXPECT_EQUAL(ReinitializeCalls, 3);
    EXPECT_EQUAL(ReinitializeCount, 3);
    EXPECT(!(IoTest.Driver->Flags & DRVO_REINIT_REGISTERED));
    IopCallReinitializeRoutines(IoTest.Driver);
    EXPECT_EQUAL(ReinitializeCalls, 3);
    IoTestUnload();
}

static ULONG Shutdowns;
static PDEVICE_OBJECT LastShutDown;

static NTSTATUS CountShutdown(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXPECT_EQUAL(IoGetCurrentIrpStackLocation(Irp)->MajorFunction, IRP_MJ_SHUTDOWN);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    Shutdowns++;
    LastShutDown = Device;
    return IoTestComplete(Irp, STATUS_SUCCESS, 0);
}

GUEST_TEST(io_shutdown_is_told_to_who_asked)
{
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    PDEVICE_OBJECT Second = MakeDevice();
    IoTest.Handle = CountShutdown;
    Shutdowns = 0;
    EXPECT_EQUAL(IoRegisterShutdownNotification(IoTest.Device), STATUS_SUCCESS);
    EXPECT_EQUAL(IoRegisterShutdownNotification(Second), STATUS_SUCCESS);
    IoUnregisterShutdownNotification(Second);
    EXPECT(IoTest.Device->Flags & DO_SHUTDOWN_REGISTERED);
    EXPECT(!(Second->Flags & DO_SHUTDOWN_REGISTERED));
    IopShutdownSystem();
    EXPECT_EQUAL(Shutdowns, 1);
    EXPECT(LastShutDown == IoTest.Device);
    IopShutdownSystem(); /* once */
    EXPECT_EQUAL(Shutdowns, 1);
    EXPECT_EQUAL(IoRegisterShutdownNotification(Second), STATUS_SUCCESS);
    IoDeleteDevice(Second); /* takes its registration back */
    IopShutdownSystem();
    EXPECT_EQUAL(Shutdowns, 1);
    IoTestUnload();
}

typedef struct _TIMER_TEST {
    KEVENT Called;
    PDEVICE_OBJECT Device;
    volatile LONG Calls;
    KIRQL Irql;
} TIMER_TEST;

static VOID TimerRoutine(PDEVICE_OBJECT Device, PVOID Context)
{
    TIMER_TEST *Test = Context;
    Test->Device = Device;
    Test->Irql = KeGetCurrentIrql();
    InterlockedIncrement(&Test->Calls);
    KeSetEvent(&Test->Called, 0, FALSE);
}

GUEST_TEST(io_device_timer_ticks_while_started)
{
    static TIMER_TEST First, Second;
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    KeInitializeEvent(&First.Called, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Second.Called, SynchronizationEvent, FALSE);
    First.Calls = Second.Calls = 0;
    EXPECT_EQUAL(IoInitializeTimer(IoTest.Device, TimerRoutine, &First), STATUS_SUCCESS);
    EXPECT_EQUAL(IoInitializeTimer(IoTest.Device, TimerRoutine, &Second), STATUS_SUCCESS);
    ULONG64 Start = KeQueryInterruptTime();
    IoStartTimer(IoTest.Device);
    IoStartTimer(IoTest.Device); /* twice is once */
    EXPECT_EQUAL(KeWaitForSingleObject(&Second.Called, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    EXPECT(KeQueryInterruptTime() - Start >= 9000000); /* once a second */
    IoStopTimer(IoTest.Device);
    KeFlushQueuedDpcs();
    EXPECT_EQUAL(Second.Calls, 1);
    EXPECT_EQUAL(First.Calls, 0); /* the second initialization took its place */
    EXPECT(Second.Device == IoTest.Device && Second.Irql == DISPATCH_LEVEL);
    IoStopTimer(IoTest.Device);
    IoStartTimer(IoTest.Device);
    IoTestUnload(); /* a device that goes stops its timer */
}
