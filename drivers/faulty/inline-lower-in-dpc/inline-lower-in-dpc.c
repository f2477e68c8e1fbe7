/* SPDX-License-Identifier: MIT */
/* A DPC routine lowers the IRQL by an inline write of CR8. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;
DRIVER_DISPATCH FaultyCreate, FaultyClose;
KDEFERRED_ROUTINE FaultyDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FaultyUnload)

static KDPC Dpc;
static LONG Runs;

/* As KfRaiseIrql and KeLowerIrql are in WDK headers for x64: no call of the kernel. */
FORCEINLINE VOID WriteIrql(ULONG64 Irql)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"(Irql) : "memory");
}

VOID FaultyDpc(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    WriteIrql(PASSIVE_LEVEL); /* the mistake: a DPC routine has to stay at DISPATCH_LEVEL */
    Runs++;
    WriteIrql(DISPATCH_LEVEL);
}

NTSTATUS FaultyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
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
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\InlineLowerInDpc");
    KeInitializeDpc(&Dpc, FaultyDpc, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FaultyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FaultyClose;
    DriverObject->DriverUnload = FaultyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
