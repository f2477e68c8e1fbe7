/* SPDX-License-Identifier: MIT */
/* A DPC routine touches nonpaged pool only. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD GaugeUnload;
DRIVER_DISPATCH GaugeCreate, GaugeClose;
static KDEFERRED_ROUTINE GaugeDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, GaugeUnload)
#pragma alloc_text(PAGE, GaugeCreate)

#define GAUGE_TAG 'guaG'

typedef struct _GAUGE {
    KDPC Dpc;
    KEVENT Sampled;
    PULONG Samples; /* GAUGE_SAMPLES of them, allocated apart as they are many */
    ULONG Next;
} GAUGE, *PGAUGE;
#define GAUGE_SAMPLES 512

static PGAUGE Gauge;

static NTSTATUS GaugeComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID GaugeDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PGAUGE Gauge = DeferredContext;
    Gauge->Samples[Gauge->Next++ % GAUGE_SAMPLES] = (ULONG)KeQueryInterruptTime();
    KeSetEvent(&Gauge->Sampled, IO_NO_INCREMENT, FALSE);
}

NTSTATUS GaugeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeInsertQueueDpc(&Gauge->Dpc, NULL, NULL);
    KeWaitForSingleObject(&Gauge->Sampled, Executive, KernelMode, FALSE, NULL);
    return GaugeComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS GaugeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return GaugeComplete(Irp, STATUS_SUCCESS);
}

VOID GaugeUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Gauge->Samples, GAUGE_TAG);
    ExFreePoolWithTag(Gauge, GAUGE_TAG);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Gauge");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = GaugeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GaugeClose;
    DriverObject->DriverUnload = GaugeUnload;
    Gauge = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(GAUGE), GAUGE_TAG);
    if (Gauge == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Gauge->Samples =
        ExAllocatePoolWithTag(NonPagedPoolNx, GAUGE_SAMPLES * sizeof(ULONG), GAUGE_TAG);
    if (Gauge->Samples == NULL) {
        ExFreePoolWithTag(Gauge, GAUGE_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Gauge->Next = 0;
    KeInitializeDpc(&Gauge->Dpc, GaugeDpc, Gauge);
    KeInitializeEvent(&Gauge->Sampled, SynchronizationEvent, FALSE);
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Gauge->Samples, GAUGE_TAG);
        ExFreePoolWithTag(Gauge, GAUGE_TAG);
    }
    return Status;
}
