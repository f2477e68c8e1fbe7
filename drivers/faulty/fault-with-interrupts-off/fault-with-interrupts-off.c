/* SPDX-License-Identifier: MIT */
/* Data in a PAGE section is read with interrupts off. See README.md. */
#include <ntddk.h>

/* The compiler's _disable and _enable, which WDK drivers get from intrin.h. */
#define _disable() __asm__ volatile("cli" : : : "memory")
#define _enable() __asm__ volatile("sti" : : : "memory")

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;
DRIVER_DISPATCH FaultyCreate, FaultyClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FaultyUnload)


#pragma data_seg("PAGEDATA")
static LONG OpenCount = 1; /* initialised: what is not goes to .bss, not to PAGEDATA */
#pragma data_seg()

NTSTATUS FaultyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    _disable();
    OpenCount++; /* the mistake: IRQL is PASSIVE_LEVEL, but no fault can be served here */
    _enable();
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
    RtlInitUnicodeString(&Name, L"\\Device\\FaultWithInterruptsOff");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FaultyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FaultyClose;
    DriverObject->DriverUnload = FaultyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
