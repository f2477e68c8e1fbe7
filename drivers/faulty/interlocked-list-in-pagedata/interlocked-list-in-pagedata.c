/* SPDX-License-Identifier: MIT */
/* An element in PAGEDATA is put into an ExInterlocked list. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TunerUnload;
DRIVER_DISPATCH TunerCreate, TunerClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TunerUnload)
#pragma alloc_text(PAGE, TunerCreate)
#pragma alloc_text(PAGE, TunerClose)

typedef struct _TUNER_CHANNEL {
    LIST_ENTRY Links; /* in TunerFree */
    ULONG Number;
} TUNER_CHANNEL, *PTUNER_CHANNEL;

static KSPIN_LOCK TunerLock;
static LIST_ENTRY TunerFree;

/* The mistake: each element is linked into a list that the spin lock guards. */
#pragma data_seg("PAGEDATA")
static TUNER_CHANNEL TunerChannels[] = {{.Number = 1}, {.Number = 2}, {.Number = 3}};
#pragma data_seg()

static NTSTATUS TunerComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS TunerCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PAGED_CODE();
    PLIST_ENTRY First = ExInterlockedRemoveHeadList(&TunerFree, &TunerLock);
    if (First == NULL) {
        return TunerComplete(Irp, STATUS_DEVICE_BUSY);
    }
    Stack->FileObject->FsContext = CONTAINING_RECORD(First, TUNER_CHANNEL, Links);
    return TunerComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS TunerClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTUNER_CHANNEL Channel = IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext;
    PAGED_CODE();
    ExInterlockedInsertTailList(&TunerFree, &Channel->Links, &TunerLock);
    return TunerComplete(Irp, STATUS_SUCCESS);
}

VOID TunerUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Tuner");
    KeInitializeSpinLock(&TunerLock);
    InitializeListHead(&TunerFree);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(TunerChannels); Index++) {
        InsertTailList(&TunerFree, &TunerChannels[Index].Links);
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TunerCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TunerClose;
    DriverObject->DriverUnload = TunerUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
