/* SPDX-License-Identifier: MIT */
/* The elements of a list that a spin lock guards lie in PAGEDATA. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD MixerUnload;
DRIVER_DISPATCH MixerCreate, MixerClose;
static struct _MIXER_CHANNEL * MixerTake(VOID);
static VOID MixerGive(struct _MIXER_CHANNEL * Channel);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, MixerUnload)
#pragma alloc_text(PAGE, MixerCreate)
#pragma alloc_text(PAGE, MixerClose)

typedef struct _MIXER_CHANNEL {
    LIST_ENTRY Links; /* in MixerFree */
    ULONG Number;
} MIXER_CHANNEL, *PMIXER_CHANNEL;

static KSPIN_LOCK MixerLock;
static LIST_ENTRY MixerFree;

/* The mistake: each element is linked into a list that the spin lock guards. */
#pragma data_seg("PAGEDATA")
static MIXER_CHANNEL MixerChannels[] = {{.Number = 1}, {.Number = 2}, {.Number = 3}};
#pragma data_seg()

static NTSTATUS MixerComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Nonpaged, as it holds a spin lock. NULL: every channel is in use. */
static PMIXER_CHANNEL MixerTake(VOID)
{
    PMIXER_CHANNEL Channel = NULL;
    KIRQL OldIrql;
    KeAcquireSpinLock(&MixerLock, &OldIrql);
    if (!IsListEmpty(&MixerFree)) {
        Channel = CONTAINING_RECORD(RemoveHeadList(&MixerFree), MIXER_CHANNEL, Links);
    }
    KeReleaseSpinLock(&MixerLock, OldIrql);
    return Channel;
}

static VOID MixerGive(PMIXER_CHANNEL Channel)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&MixerLock, &OldIrql);
    InsertTailList(&MixerFree, &Channel->Links);
    KeReleaseSpinLock(&MixerLock, OldIrql);
}

NTSTATUS MixerCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PAGED_CODE();
    Stack->FileObject->FsContext = MixerTake();
    return MixerComplete(Irp, Stack->FileObject->FsContext != NULL ? STATUS_SUCCESS
                                                                 : STATUS_DEVICE_BUSY);
}

NTSTATUS MixerClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MixerGive(IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext);
    return MixerComplete(Irp, STATUS_SUCCESS);
}

VOID MixerUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Mixer");
    KeInitializeSpinLock(&MixerLock);
    InitializeListHead(&MixerFree);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(MixerChannels); Index++) {
        InsertTailList(&MixerFree, &MixerChannels[Index].Links);
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MixerCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MixerClose;
    DriverObject->DriverUnload = MixerUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
