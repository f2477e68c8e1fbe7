/* SPDX-License-Identifier: MIT */
/* Memory is freed while the spin lock in it is held. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CrateUnload;
DRIVER_DISPATCH CrateCreate, CrateClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CrateUnload)

typedef struct _CRATE {
    KSPIN_LOCK Lock;
    ULONG Items;
} CRATE, *PCRATE;

static NTSTATUS CrateComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS CrateCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    PCRATE Crate = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(*Crate), 'tarC');
    if (Crate == NULL) {
        return CrateComplete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    KeInitializeSpinLock(&Crate->Lock);
    KeAcquireSpinLock(&Crate->Lock, &OldIrql);
    Crate->Items++;
    ExFreePoolWithTag(Crate, 'tarC'); /* the mistake: the lock in it is held */
    KeReleaseSpinLock(&Crate->Lock, OldIrql);
    return CrateComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS CrateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return CrateComplete(Irp, STATUS_SUCCESS);
}

VOID CrateUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Crate");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CrateCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CrateClose;
    DriverObject->DriverUnload = CrateUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
