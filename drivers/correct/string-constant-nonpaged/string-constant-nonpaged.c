/* SPDX-License-Identifier: MIT */
/* String constants that are read under a spin lock are in .rdata. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LabelUnload;
DRIVER_DISPATCH LabelCreate, LabelClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, LabelUnload)

#define LABEL_LENGTH 12

static const CHAR LabelTexts[4][LABEL_LENGTH] = {
    "idle", "opened", "opened twice", "busy"};
static KSPIN_LOCK LabelLock;
static ULONG LabelOpens;
static CHAR LabelShown[LABEL_LENGTH];

static NTSTATUS LabelComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Called with the lock held. */
static VOID LabelWrite(ULONG Text)
{
    for (ULONG Index = 0; Index < LABEL_LENGTH; Index++) {
        ((volatile CHAR *)LabelShown)[Index] = LabelTexts[Text][Index];
    }
}

NTSTATUS LabelCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&LabelLock, &OldIrql);
    LabelWrite(++LabelOpens < 3 ? LabelOpens : 3);
    KeReleaseSpinLock(&LabelLock, OldIrql);
    return LabelComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS LabelClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&LabelLock, &OldIrql);
    LabelWrite(--LabelOpens < 3 ? LabelOpens : 3);
    KeReleaseSpinLock(&LabelLock, OldIrql);
    return LabelComplete(Irp, STATUS_SUCCESS);
}

VOID LabelUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Label");
    KeInitializeSpinLock(&LabelLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LabelCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LabelClose;
    DriverObject->DriverUnload = LabelUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
