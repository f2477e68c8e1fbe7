/* SPDX-License-Identifier: MIT */
/* An INIT routine is called after DriverEntry has returned. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ProbeUnload;
DRIVER_DISPATCH ProbeCreate, ProbeClose;
static ULONG ProbeMeasure(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ProbeUnload)
#pragma alloc_text(INIT, ProbeMeasure) /* the mistake: ProbeCreate calls it too */
#pragma alloc_text(PAGE, ProbeCreate)

static ULONG ProbeLevel;

static NTSTATUS ProbeComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* How long ten microseconds take here. */
static DECLSPEC_NOINLINE ULONG ProbeMeasure(VOID)
{
    ULONG64 Start = KeQueryInterruptTime();
    KeStallExecutionProcessor(10);
    return (ULONG)(KeQueryInterruptTime() - Start);
}

NTSTATUS ProbeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    ProbeLevel = ProbeMeasure(); /* again, as the machine may have changed its speed */
    return ProbeComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS ProbeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return ProbeComplete(Irp, STATUS_SUCCESS);
}

VOID ProbeUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Probe");
    ProbeLevel = ProbeMeasure();
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ProbeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ProbeClose;
    DriverObject->DriverUnload = ProbeUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
