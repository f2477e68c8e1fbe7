/* SPDX-License-Identifier: MIT */
/* MmResetDriverPaging before the first DPC, MmPageEntireDriver after the last. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD BeaconUnload;
DRIVER_DISPATCH BeaconCreate, BeaconClose;
static KDEFERRED_ROUTINE BeaconDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, BeaconUnload)
#pragma alloc_text(PAGE, BeaconCreate)
#pragma alloc_text(PAGE, BeaconClose)

#define BEACON_TIME (-1 * 10000LL)

static KTIMER BeaconTimer;
static KDPC BeaconDpcObject;
static KEVENT BeaconSent;

static NTSTATUS BeaconComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Nonpaged by its section, unless the whole driver is paged. */
static VOID BeaconDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                      PVOID SystemArgument2)
{
    KeSetEvent(&BeaconSent, IO_NO_INCREMENT, FALSE);
}

NTSTATUS BeaconCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LARGE_INTEGER DueTime;
    PAGED_CODE();
    MmResetDriverPaging((PVOID)(ULONG_PTR)BeaconDpc); /* what a timer needs is nonpaged again */
    KeInitializeTimer(&BeaconTimer);
    KeInitializeDpc(&BeaconDpcObject, BeaconDpc, NULL);
    KeInitializeEvent(&BeaconSent, NotificationEvent, FALSE);
    DueTime.QuadPart = BEACON_TIME;
    KeSetTimer(&BeaconTimer, DueTime, &BeaconDpcObject);
    KeWaitForSingleObject(&BeaconSent, Executive, KernelMode, FALSE, NULL);
    return BeaconComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS BeaconClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeCancelTimer(&BeaconTimer);
    KeFlushQueuedDpcs();
    MmPageEntireDriver((PVOID)(ULONG_PTR)BeaconDpc);
    return BeaconComplete(Irp, STATUS_SUCCESS);
}

VOID BeaconUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Beacon");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BeaconCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BeaconClose;
    DriverObject->DriverUnload = BeaconUnload;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
    if (NT_SUCCESS(Status)) {
        MmPageEntireDriver((PVOID)(ULONG_PTR)DriverEntry); /* until the first open */
    }
    return Status;
}
