/* SPDX-License-Identifier: MIT */
/* A request on its way down: handing it to the next driver. */
#include "io/iop.h"
#include "vf/vf.h"


/* What a dispatch table holds until the driver fills it in. */
NTSTATUS IopInvalidDeviceRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_POWER) {
        PoStartNextPowerIrp(Irp);
    }
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

/*
 * <= DISPATCH_LEVEL. Bug check 0x35 when no stack location is left, 0xC9 with 0x12 (routine, IRQL
 * before, IRQL after) when the dispatch routine returns at another IRQL. The packet may be gone
 * when this returns.
 */
NTSTATUS IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (Irp->Type != IO_TYPE_IRP) {
        KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x3, (ULONG_PTR)Irp, 0, 0);
    }
    if (DeviceObject == NULL || DeviceObject->Type != IO_TYPE_DEVICE) {
        KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x4, (ULONG_PTR)DeviceObject, 0, 0);
    }
    if (--Irp->CurrentLocation <= 0) {
        KeBugCheckEx(NO_MORE_IRP_STACK_LOCATIONS, (ULONG_PTR)Irp, 0, 0, 0);
    }
    PIO_STACK_LOCATION Stack = --Irp->Tail.Overlay.CurrentStackLocation;
    Stack->DeviceObject = DeviceObject;
    PDRIVER_DISPATCH Routine = Stack->MajorFunction <= IRP_MJ_MAXIMUM_FUNCTION
                                   ? DeviceObject->DriverObject->MajorFunction[Stack->MajorFunction]
                                   : IopInvalidDeviceRequest;
    KIRQL Before = KeGetCurrentIrql();
    VF_DISPATCH Regions;
    VfEnterDispatch(&Regions);
    VfEnterRoutine(TimelineDispatch, (PVOID)Routine, Stack->MajorFunction);
    NTSTATUS Status = Routine(DeviceObject, Irp);
    VfLeaveRoutine(TimelineDispatch, (PVOID)Routine, (ULONG)Status);
    KIRQL After = KeGetCurrentIrql();
    if (After != Before) {
        VfExplainHeldLock(Regions.Locks, "a dispatch routine");
        KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x12, (ULONG_PTR)Routine, Before, After);
    }
    if (VfActive) {
        VfLeaveDispatch(&Regions, (PVOID)Routine);
    }
    return Status;
}

/* Since Vista power requests need no other path. */
NTSTATUS PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IofCallDriver(DeviceObject, Irp);
}

/* Since Vista nothing waits for this call. */
VOID PoStartNextPowerIrp(PIRP Irp)
{
}

static NTSTATUS IopSignalEvent(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned) {
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Waits; the packet is the caller's again afterwards. FALSE: it has no location left. PASSIVE */
BOOLEAN IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KEVENT Event;
    if (Irp->CurrentLocation <= 1) {
        return FALSE;
    }
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, IopSignalEvent, &Event, TRUE, TRUE, TRUE);
    if (IofCallDriver(DeviceObject, Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    return TRUE;
}

static NTSTATUS IopKeepPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS IopSendAndWait(PDEVICE_OBJECT Top, PIRP Irp, PULONG_PTR Information)
{
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoSetCompletionRoutine(Irp, IopKeepPacket, &Event, TRUE, TRUE, TRUE);
    IofCallDriver(Top, Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    NTSTATUS Status = Irp->IoStatus.Status;
    if (Information != NULL) {
        *Information = Irp->IoStatus.Information;
    }
    IoFreeIrp(Irp);
    return Status;
}

typedef struct _IOP_SAFE_COMPLETION {
    PIO_COMPLETION_ROUTINE Routine;
    PVOID Context;
    PDEVICE_OBJECT DeviceObject; /* referenced: keeps the driver loaded */
} IOP_SAFE_COMPLETION;

static NTSTATUS IopSafeCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IOP_SAFE_COMPLETION Safe = *(IOP_SAFE_COMPLETION *)Context;
    ExFreePoolWithTag(Context, IO_TAG_EXTENSION);
    NTSTATUS Status = Safe.Routine(DeviceObject, Irp, Safe.Context);
    ObfDereferenceObject(Safe.DeviceObject);
    return Status;
}

/* The device stays until the routine has returned. */
NTSTATUS IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                  PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                  BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                  BOOLEAN InvokeOnCancel)
{
    IOP_SAFE_COMPLETION *Safe =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Safe), IO_TAG_EXTENSION);
    if (Safe == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Safe->Routine = CompletionRoutine;
    Safe->Context = Context;
    Safe->DeviceObject = DeviceObject;
    ObfReferenceObject(DeviceObject);
    IoSetCompletionRoutine(Irp, IopSafeCompletion, Safe, InvokeOnSuccess, InvokeOnError,
                           InvokeOnCancel);
    return STATUS_SUCCESS;
}
