/* SPDX-License-Identifier: MIT */
/* PAGEDATA is touched after a raise by an inline write of CR8. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;
DRIVER_DISPATCH FaultyCreate, FaultyClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FaultyUnload)

#pragma data_seg("PAGEDATA")
static LONG OpenCount = 1; /* initialised: what is not goes to .bss, not to PAGEDATA */
#pragma data_seg()

/* As KfRaiseIrql and KeLowerIrql are in WDK headers for x64: no call of the kernel. */
FORCEINLINE KIRQL InlineRaise(ULONG64 NewIrql)
{
    KIRQL OldIrql = KeGetCurrentIrql();
    __asm__ volatile("movq %0, %%cr8" : : "r"(NewIrql) : "memory");
    return OldIrql;
}

FORCEINLINE VOID InlineLower(ULONG64 NewIrql)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"(NewIrql) : "memory");
}

NTSTATUS FaultyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql = InlineRaise(DISPATCH_LEVEL);
    OpenCount++; /* the mistake: DISPATCH_LEVEL here, and PAGEDATA may be out */
    InlineLower(OldIrql);
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
    RtlInitUnicodeString(&Name, L"\\Device\\InlineRaisePagedData");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FaultyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FaultyClose;
    DriverObject->DriverUnload = FaultyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
