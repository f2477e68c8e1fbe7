/* SPDX-License-Identifier: MIT */
/* A timer's DPC that waits for a thread. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TollUnload;
DRIVER_DISPATCH TollCreate, TollClose;
static KDEFERRED_ROUTINE TollDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TollUnload)

static KTIMER Timer;
static KDPC Dpc;
static KEVENT Done;
static volatile LONG Paid;

static VOID TollDpc(PKDPC Unused, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    /* The mistake: the thread that sets Paid does not run before this routine has returned. */
    while (Paid == 0) {
        YieldProcessor();
    }
    KeSetEvent(&Done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS TollCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
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

NTSTATUS TollClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID TollUnload(PDRIVER_OBJECT DriverObject)
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
    RtlInitUnicodeString(&Name, L"\\Device\\Toll");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TollCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TollClose;
    DriverObject->DriverUnload = TollUnload;
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, TollDpc, NULL);
    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
