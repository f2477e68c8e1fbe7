/* SPDX-License-Identifier: MIT */
/* A timer's DPC that looks for what a thread does, and looks again later. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD GateUnload;
DRIVER_DISPATCH GateCreate, GateClose;
static KDEFERRED_ROUTINE GateDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, GateUnload)

static KTIMER Timer;
static KDPC Dpc;
static KEVENT Done;
static volatile LONG Paid;

static VOID GateDpc(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LARGE_INTEGER Again = {.QuadPart = -10000}; /* 1 ms */
    if (Paid == 0) {
        KeSetTimer(&Timer, Again, &Dpc);
        return;
    }
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS GateCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LARGE_INTEGER Due = {.QuadPart = -10000}, Later = {.QuadPart = -300000}; /* 1 ms, 30 ms */
    KeSetTimer(&Timer, Due, &Dpc);
    KeDelayExecutionThread(KernelMode, FALSE, &Later);
    InterlockedExchange(&Paid, 1);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS GateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID GateUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Gate");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = GateCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GateClose;
    DriverObject->DriverUnload = GateUnload;
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, GateDpc, NULL);
    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
