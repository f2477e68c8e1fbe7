/* SPDX-License-Identifier: MIT */
/* A DPC routine lowers the IRQL by an inline write of CR8. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SampleUnload;
DRIVER_DISPATCH SampleCreate, SampleClose;
KDEFERRED_ROUTINE SampleDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SampleUnload)

static KDPC Dpc;
static LONG Runs;

/* As KfRaiseIrql and KeLowerIrql are in WDK headers for x64: no call of the kernel. */
FORCEINLINE VOID WriteIrql(ULONG64 Irql)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"(Irql) : "memory");
}

VOID SampleDpc(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    WriteIrql(PASSIVE_LEVEL); /* the mistake: a DPC routine has to stay at DISPATCH_LEVEL */
    Runs++;
    WriteIrql(DISPATCH_LEVEL);
}

NTSTATUS SampleCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS SampleClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID SampleUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\InlineLowerInDpc");
    KeInitializeDpc(&Dpc, SampleDpc, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SampleCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SampleClose;
    DriverObject->DriverUnload = SampleUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
