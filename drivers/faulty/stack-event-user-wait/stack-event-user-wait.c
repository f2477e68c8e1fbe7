/* SPDX-License-Identifier: MIT */
/* A DPC sets an event that is on the stack of a thread that waits with UserMode. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;
DRIVER_DISPATCH FaultyCreate, FaultyClose;
static KDEFERRED_ROUTINE TimerDone;

#pragma alloc_text(INIT, DriverEntry)

static KTIMER Timer;
static KDPC TimerDpc;
static PKEVENT WaitedFor;
static volatile LONG TimersDone;

static VOID TimerDone(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeSetEvent(WaitedFor, IO_NO_INCREMENT, FALSE);
    InterlockedIncrement(&TimersDone);
}

NTSTATUS FaultyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KEVENT Event;
    LARGE_INTEGER Soon = {.QuadPart = -200000}; /* 20 ms */
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    WaitedFor = &Event;
    KeSetTimer(&Timer, Soon, &TimerDpc);
    /* the mistake: with UserMode the stack, and the event on it, may be out meanwhile */
    KeWaitForSingleObject(&Event, Executive, UserMode, FALSE, NULL);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS FaultyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID FaultyUnload(PDRIVER_OBJECT DriverObject)
{
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\StackEventUserWait");
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, TimerDone, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FaultyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FaultyClose;
    DriverObject->DriverUnload = FaultyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
