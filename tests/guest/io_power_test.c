/* SPDX-License-Identifier: MIT */
/*
 * Power requests as a driver makes and gets them, states that it tells, settings it asks for.
 * Expected values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "io_test_driver.h"
#include "nt/pnp.h"

/* What the driver saw, and what it does. */
static struct {
    UCHAR Minor;
    POWER_STATE_TYPE Type;
    POWER_STATE State;
    NTSTATUS Before; /* the status that the request came with */
    KIRQL Irql;
    NTSTATUS Answer;
    PIRP Held; /* a wait-wake request */
} Power;

static VOID CancelWake(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Power.Held = NULL;
    PoStartNextPowerIrp(Irp);
    IoTestComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS PowerDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    EXPECT_EQUAL(Stack->MajorFunction, IRP_MJ_POWER);
    Power.Minor = Stack->MinorFunction;
    Power.Before = Irp->IoStatus.Status;
    Power.Irql = KeGetCurrentIrql();
    if (Stack->MinorFunction == IRP_MN_WAIT_WAKE) {
        Power.State.SystemState = Stack->Parameters.WaitWake.PowerState;
        IoMarkIrpPending(Irp);
        Power.Held = Irp;
        IoSetCancelRoutine(Irp, CancelWake);
        return STATUS_PENDING;
    }
    Power.Type = Stack->Parameters.Power.Type;
    Power.State = Stack->Parameters.Power.State;
    PoStartNextPowerIrp(Irp);
    return IoTestComplete(Irp, Power.Answer, 0);
}

/* What the completion function got. */
typedef struct _POWER_DONE {
    KEVENT Event;
    PDEVICE_OBJECT Device;
    UCHAR Minor;
    POWER_STATE State;
    NTSTATUS Status;
    ULONG Calls;
} POWER_DONE;

static VOID PowerDone(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context,
                      PIO_STATUS_BLOCK IoStatus)
{
    POWER_DONE *Done = Context;
    Done->Device = Device;
    Done->Minor = Minor;
    Done->State = State;
    Done->Status = IoStatus->Status;
    Done->Calls++;
    KeSetEvent(&Done->Event, 0, FALSE);
}

static VOID AwaitPower(POWER_DONE *Done)
{
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
    EXPECT_EQUAL(KeWaitForSingleObject(&Done->Event, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
}

static BOOLEAN PowerLoad(POWER_DONE *Done)
{
    RtlZeroMemory(&Power, sizeof(Power));
    RtlZeroMemory(Done, sizeof(*Done));
    KeInitializeEvent(&Done->Event, SynchronizationEvent, FALSE);
    if (!IoTestLoad(0, FALSE)) {
        return FALSE;
    }
    IoTest.Handle = PowerDispatch;
    return TRUE;
}

GUEST_TEST(io_power_request_of_a_device)
{
    POWER_STATE D3 = {.DeviceState = PowerDeviceD3}, D0 = {.DeviceState = PowerDeviceD0};
    POWER_DONE Done;

    if (!PowerLoad(&Done)) {
        return;
    }
    EXPECT_EQUAL((ULONG)PoRequestPowerIrp(IoTest.Device, IRP_MN_POWER_SEQUENCE, D3, PowerDone,
                                          &Done, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER_2);
    EXPECT_EQUAL(Done.Calls, 0);
    EXPECT_EQUAL(PoRequestPowerIrp(IoTest.Device, IRP_MN_SET_POWER, D3, PowerDone, &Done, NULL),
                 STATUS_PENDING);
    AwaitPower(&Done);
    EXPECT(Power.Minor == IRP_MN_SET_POWER && Power.Type == DevicePowerState);
    EXPECT_EQUAL(Power.State.DeviceState, PowerDeviceD3);
    EXPECT_EQUAL((ULONG)Power.Before, (ULONG)STATUS_NOT_SUPPORTED);
    EXPECT(Done.Device == IoTest.Device && Done.Minor == IRP_MN_SET_POWER);
    EXPECT(Done.State.DeviceState == PowerDeviceD3 && Done.Status == STATUS_SUCCESS);

    Power.Answer = STATUS_DEVICE_BUSY; /* a query may be refused */
    EXPECT_EQUAL(PoRequestPowerIrp(IoTest.Device, IRP_MN_QUERY_POWER, D0, PowerDone, &Done, NULL),
                 STATUS_PENDING);
    AwaitPower(&Done);
    EXPECT_EQUAL((ULONG)Done.Status, (ULONG)STATUS_DEVICE_BUSY);
    EXPECT(Power.Minor == IRP_MN_QUERY_POWER && Done.Calls == 2);
    EXPECT_EQUAL(PoRequestPowerIrp(IoTest.Device, IRP_MN_SET_POWER, D0, NULL, NULL, NULL),
                 STATUS_PENDING); /* nobody wants to know */
    EXPECT_EQUAL(Power.State.DeviceState, PowerDeviceD0);
    IoTestUnload();
}

/* DO_POWER_PAGABLE: at PASSIVE_LEVEL, whatever the level of the caller; else at the caller's. */
GUEST_TEST(io_power_request_at_dispatch_level)
{
    POWER_STATE D1 = {.DeviceState = PowerDeviceD1};
    POWER_DONE Done;
    KIRQL OldIrql;

    if (!PowerLoad(&Done)) {
        return;
    }
    for (ULONG Pageable = 0; Pageable < 2; Pageable++) {
        IoTest.Device->Flags |= Pageable ? DO_POWER_PAGABLE : 0;
        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        EXPECT_EQUAL(PoRequestPowerIrp(IoTest.Device, IRP_MN_SET_POWER, D1, PowerDone, &Done, NULL),
                     STATUS_PENDING);
        KeLowerIrql(OldIrql);
        AwaitPower(&Done);
        EXPECT_EQUAL(Power.Irql, Pageable ? PASSIVE_LEVEL : DISPATCH_LEVEL);
    }
    IoTestUnload();
}

GUEST_TEST(io_wait_wake_request_is_cancelled)
{
    POWER_STATE S3 = {.SystemState = PowerSystemSleeping3};
    POWER_DONE Done;
    PIRP Irp = NULL;

    if (!PowerLoad(&Done)) {
        return;
    }
    EXPECT_EQUAL(PoRequestPowerIrp(IoTest.Device, IRP_MN_WAIT_WAKE, S3, PowerDone, &Done, &Irp),
                 STATUS_PENDING);
    EXPECT(Irp != NULL && Power.Held == Irp && Done.Calls == 0);
    EXPECT_EQUAL(Power.State.SystemState, PowerSystemSleeping3);
    EXPECT(IoCancelIrp(Irp));
    AwaitPower(&Done);
    EXPECT_EQUAL((ULONG)Done.Status, (ULONG)STATUS_CANCELLED);
    IoTestUnload();
}

/* PoCallDriver is IoCallDriver since Windows Vista. */
GUEST_TEST(io_power_state_of_a_device)
{
    POWER_STATE D2 = {.DeviceState = PowerDeviceD2}, D0 = {.DeviceState = PowerDeviceD0};
    POWER_DONE Done;

    if (!PowerLoad(&Done)) {
        return;
    }
    PoSetPowerState(IoTest.Device, DevicePowerState, D0);
    EXPECT_EQUAL(PoSetPowerState(IoTest.Device, DevicePowerState, D2).DeviceState, PowerDeviceD0);
    EXPECT_EQUAL(PoSetPowerState(IoTest.Device, DevicePowerState, D0).DeviceState, PowerDeviceD2);
    PIRP Irp = IoAllocateIrp(IoTest.Device->StackSize + 1, FALSE);
    IoSetNextIrpStackLocation(Irp);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_POWER;
    Stack->MinorFunction = IRP_MN_WAIT_WAKE;
    EXPECT_EQUAL(PoCallDriver(IoTest.Device, Irp), STATUS_PENDING);
    EXPECT(Power.Held == Irp);
    IoSetCancelRoutine(Irp, NULL);
    IoFreeIrp(Irp);

    PVOID State = PoRegisterSystemState(NULL, 1);
    EXPECT(State != NULL && PoRegisterSystemState(State, 0x80000001) == State);
    PoUnregisterSystemState(State);
    IoTestUnload();
}

typedef struct _SETTING_TEST {
    KEVENT Called;
    ULONG Value;
    ULONG Length;
    GUID Setting;
} SETTING_TEST;

static NTSTATUS SettingCallback(const GUID *SettingGuid, PVOID Value, ULONG ValueLength,
                                PVOID Context)
{
    SETTING_TEST *Test = Context;
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    Test->Setting = *SettingGuid;
    Test->Length = ValueLength;
    Test->Value = *(PULONG)Value;
    KeSetEvent(&Test->Called, 0, FALSE);
    return STATUS_SUCCESS;
}

/* A callback is told the setting's present value once, soon after it is registered. */
GUEST_TEST(io_power_setting_is_told)
{
    static SETTING_TEST Test;
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
    GUID Nobodys = GUID_MONITOR_POWER_ON;
    PVOID Handle = NULL;

    KeInitializeEvent(&Test.Called, SynchronizationEvent, FALSE);
    EXPECT_EQUAL(PoRegisterPowerSettingCallback(NULL, &GUID_ACDC_POWER_SOURCE, SettingCallback,
                                                &Test, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(KeWaitForSingleObject(&Test.Called, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    EXPECT(Test.Length == sizeof(ULONG) && Test.Value == 0); /* PoAc */
    EXPECT(RtlEqualMemory(&Test.Setting, &GUID_ACDC_POWER_SOURCE, sizeof(GUID)));
    EXPECT_EQUAL(PoUnregisterPowerSettingCallback(Handle), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PoUnregisterPowerSettingCallback(Handle), (ULONG)STATUS_INVALID_PARAMETER);
    Nobodys.Data1 ^= 1;
    EXPECT_EQUAL(PoRegisterPowerSettingCallback(NULL, &Nobodys, SettingCallback, &Test, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(PoUnregisterPowerSettingCallback(Handle), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PoRegisterPowerSettingCallback(NULL, NULL, SettingCallback, &Test, &Handle),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)PoRegisterPowerSettingCallback(NULL, &Nobodys, NULL, &Test, &Handle),
                 (ULONG)STATUS_INVALID_PARAMETER);
}
