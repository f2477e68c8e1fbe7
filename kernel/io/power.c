/* SPDX-License-Identifier: MIT */
/*
 * Power requests: IRPs that Io makes for a driver (PoRequestPowerIrp) and for a scenario's change
 * of the system's state. They go to the top of a stack. NT lets one set-power request of each
 * type be active in a stack at a time; here a second one is sent at once.
 *
 * The states that PoSetPowerState is told are in PowerFlags: bits 0-3 the system's, 4-7 the
 * device's, as in NT.
 */
#include "io/power.h"

typedef struct _IOP_POWER_REQUEST {
    PDEVICE_OBJECT Device; /* the driver's, for its completion function */
    PDEVICE_OBJECT Top;    /* referenced */
    PIRP Irp;
    UCHAR MinorFunction;
    POWER_STATE State;
    PREQUEST_POWER_COMPLETE Function;
    PVOID Context;
    WORK_QUEUE_ITEM Send; /* where PASSIVE_LEVEL is wanted and the caller is above */
} IOP_POWER_REQUEST, *PIOP_POWER_REQUEST;

static VOID IopFreePowerRequest(PIOP_POWER_REQUEST Request)
{
    ObfDereferenceObject(Request->Top);
    IoFreeIrp(Request->Irp);
    ExFreePoolWithTag(Request, IO_TAG_WORK);
}

static NTSTATUS IopPowerCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PIOP_POWER_REQUEST Request = Context;
    if (Request->Function != NULL) {
        Request->Function(Request->Device, Request->MinorFunction, Request->State,
                          Request->Context, &Irp->IoStatus);
    }
    IopFreePowerRequest(Request);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID IopSendPowerRequest(PVOID Context)
{
    PIOP_POWER_REQUEST Request = Context;
    IofCallDriver(Request->Top, Request->Irp);
}

static NTSTATUS IopMakePowerRequest(PDEVICE_OBJECT Device, UCHAR MinorFunction,
                                    PIOP_POWER_REQUEST *NewRequest)
{
    PIOP_POWER_REQUEST Request =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Request), IO_TAG_WORK);
    if (Request == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Request, sizeof(*Request));
    Request->Device = Device;
    Request->MinorFunction = MinorFunction;
    Request->Top = IoGetAttachedDeviceReference(Device);
    Request->Irp = IoAllocateIrp(Request->Top->StackSize, FALSE);
    if (Request->Irp == NULL) {
        ObfDereferenceObject(Request->Top);
        ExFreePoolWithTag(Request, IO_TAG_WORK);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Request->Irp);
    Request->Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    Stack->MajorFunction = IRP_MJ_POWER;
    Stack->MinorFunction = MinorFunction;
    IoSetCompletionRoutine(Request->Irp, IopPowerCompletion, Request, TRUE, TRUE, TRUE);
    *NewRequest = Request;
    return STATUS_SUCCESS;
}

/* A driver whose power code is pageable gets its requests at PASSIVE_LEVEL. */
static VOID IopStartPowerRequest(PIOP_POWER_REQUEST Request)
{
    if (KeGetCurrentIrql() != PASSIVE_LEVEL && (Request->Top->Flags & DO_POWER_PAGABLE)) {
        ExInitializeWorkItem(&Request->Send, IopSendPowerRequest, Request);
        ExQueueWorkItem(&Request->Send, CriticalWorkQueue);
    } else {
        IopSendPowerRequest(Request);
    }
}

/*
 * STATUS_PENDING: sent; CompletionFunction is called when it is complete, at <= DISPATCH_LEVEL.
 * *Irp is for wait-wake requests, which the driver may cancel.
 */
NTSTATUS PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                           POWER_STATE PowerState, PREQUEST_POWER_COMPLETE CompletionFunction,
                           PVOID Context, PIRP *Irp)
{
    PIOP_POWER_REQUEST Request;

    if (MinorFunction != IRP_MN_WAIT_WAKE && MinorFunction != IRP_MN_SET_POWER &&
        MinorFunction != IRP_MN_QUERY_POWER) {
        return STATUS_INVALID_PARAMETER_2;
    }
    NTSTATUS Status = IopMakePowerRequest(DeviceObject, MinorFunction, &Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Request->Irp);
    Request->State = PowerState;
    Request->Function = CompletionFunction;
    Request->Context = Context;
    if (MinorFunction == IRP_MN_WAIT_WAKE) {
        Stack->Parameters.WaitWake.PowerState = PowerState.SystemState;
        if (Irp != NULL) {
            *Irp = Request->Irp;
        }
    } else {
        Stack->Parameters.Power.Type = DevicePowerState;
        Stack->Parameters.Power.State = PowerState;
        Stack->Parameters.Power.ShutdownType = PowerActionNone;
    }
    IopStartPowerRequest(Request);
    return STATUS_PENDING;
}

typedef struct _IOP_POWER_WAIT {
    KEVENT Event;
    NTSTATUS Status;
} IOP_POWER_WAIT, *PIOP_POWER_WAIT;

static VOID IopPowerDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                         PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PIOP_POWER_WAIT Wait = Context;
    Wait->Status = IoStatus->Status;
    KeSetEvent(&Wait->Event, IO_NO_INCREMENT, FALSE);
}

/* Sends one request of the system's and waits. */
static NTSTATUS IopSystemPowerRequest(PDEVICE_OBJECT Physical, UCHAR MinorFunction,
                                      SYSTEM_POWER_STATE State)
{
    IOP_POWER_WAIT Wait;
    PIOP_POWER_REQUEST Request;
    NTSTATUS Status = IopMakePowerRequest(Physical, MinorFunction, &Request);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Request->Irp);
    Stack->Parameters.Power.Type = SystemPowerState;
    Stack->Parameters.Power.State.SystemState = State;
    Stack->Parameters.Power.ShutdownType = State == PowerSystemWorking     ? PowerActionNone
                                           : State == PowerSystemHibernate ? PowerActionHibernate
                                           : State == PowerSystemShutdown  ? PowerActionShutdownOff
                                                                           : PowerActionSleep;
    Request->State.SystemState = State;
    Request->Function = IopPowerDone;
    Request->Context = &Wait;
    KeInitializeEvent(&Wait.Event, NotificationEvent, FALSE);
    IopStartPowerRequest(Request);
    KeWaitForSingleObject(&Wait.Event, Executive, KernelMode, FALSE, NULL);
    return Wait.Status;
}

NTSTATUS IopSetSystemPower(PDEVICE_OBJECT Physical, SYSTEM_POWER_STATE State)
{
    if (State != PowerSystemWorking) {
        NTSTATUS Status = IopSystemPowerRequest(Physical, IRP_MN_QUERY_POWER, State);
        if (!NT_SUCCESS(Status)) {
            IopSystemPowerRequest(Physical, IRP_MN_SET_POWER, PowerSystemWorking);
            return Status;
        }
    }
    return IopSystemPowerRequest(Physical, IRP_MN_SET_POWER, State);
}

NTSTATUS IopSetDevicePower(PDEVICE_OBJECT Physical, DEVICE_POWER_STATE State)
{
    IOP_POWER_WAIT Wait;
    POWER_STATE Power = {.DeviceState = State};
    KeInitializeEvent(&Wait.Event, NotificationEvent, FALSE);
    NTSTATUS Status =
        PoRequestPowerIrp(Physical, IRP_MN_SET_POWER, Power, IopPowerDone, &Wait, NULL);
    if (Status != STATUS_PENDING) {
        return Status;
    }
    KeWaitForSingleObject(&Wait.Event, Executive, KernelMode, FALSE, NULL);
    return Wait.Status;
}

/* The state before. A device that never said has the device state unspecified (NV), and works. */
POWER_STATE PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type, POWER_STATE State)
{
    volatile LONG *Flags = (volatile LONG *)&IopDeviceExtension(DeviceObject)->PowerFlags;
    ULONG Shift = Type == SystemPowerState ? 0 : 4;
    POWER_STATE Before;
    LONG Old, New;

    do {
        Old = *Flags;
        New = (Old & ~(0xf << Shift)) | (((LONG)State.SystemState & 0xf) << Shift);
    } while (InterlockedCompareExchange(Flags, New, Old) != Old);
    Before.SystemState = (SYSTEM_POWER_STATE)((Old >> Shift) & 0xf);
    if (Type == SystemPowerState && Before.SystemState == PowerSystemUnspecified) {
        Before.SystemState = PowerSystemWorking;
    }
    return Before;
}

/* The machine does not sleep by itself: the flags are kept, and nothing asks for them. */
PVOID PoRegisterSystemState(PVOID StateHandle, ULONG Flags)
{
    PULONG State = StateHandle;
    if (State == NULL) {
        State = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*State), IO_TAG_WORK);
    }
    if (State != NULL) {
        *State = Flags;
    }
    return State;
}

VOID PoUnregisterSystemState(PVOID StateHandle)
{
    ExFreePoolWithTag(StateHandle, IO_TAG_WORK);
}
