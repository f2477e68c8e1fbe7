/* SPDX-License-Identifier: MIT */
/* The driver is unloaded while its timer runs. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD MetronomeUnload;
DRIVER_DISPATCH MetronomeCreate, MetronomeClose;
static KDEFERRED_ROUTINE MetronomeDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, MetronomeUnload)
#pragma alloc_text(PAGE, MetronomeCreate)

#define METRONOME_MS 20

static KTIMER MetronomeTimer;
static KDPC MetronomeDpcObject;
static ULONG MetronomeBeats;

static NTSTATUS MetronomeComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID MetronomeDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                         PVOID SystemArgument2)
{
    MetronomeBeats++;
}

NTSTATUS MetronomeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LARGE_INTEGER DueTime;
    PAGED_CODE();
    DueTime.QuadPart = -10000LL * METRONOME_MS;
    KeSetTimerEx(&MetronomeTimer, DueTime, METRONOME_MS, &MetronomeDpcObject);
    return MetronomeComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS MetronomeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return MetronomeComplete(Irp, STATUS_SUCCESS);
}

VOID MetronomeUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    /* The mistake: nothing stops the timer, which lies in the image, as does its routine. */
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Metronome");
    KeInitializeTimerEx(&MetronomeTimer, SynchronizationTimer);
    KeInitializeDpc(&MetronomeDpcObject, MetronomeDpc, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MetronomeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MetronomeClose;
    DriverObject->DriverUnload = MetronomeUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
