/* SPDX-License-Identifier: MIT */
/* The lock routines of a cancel-safe queue in PAGE. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TicketUnload;
DRIVER_DISPATCH TicketCreate, TicketClose, TicketDeviceControl, TicketCleanup;
static VOID TicketInsert(PIO_CSQ Csq, PIRP Irp);
static VOID TicketRemove(PIO_CSQ Csq, PIRP Irp);
static PIRP TicketPeekNext(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext);
static VOID TicketAcquireLock(PIO_CSQ Csq, PKIRQL Irql);
static VOID TicketReleaseLock(PIO_CSQ Csq, KIRQL Irql);
static VOID TicketCompleteCanceled(PIO_CSQ Csq, PIRP Irp);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TicketUnload)
#pragma alloc_text(PAGE, TicketCreate)
#pragma alloc_text(PAGE, TicketDeviceControl)
#pragma alloc_text(PAGE, TicketCleanup)
#pragma alloc_text(PAGE, TicketAcquireLock)

/* A request waits for the next one, which answers it. */
#define IOCTL_TICKET_NEXT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

static IO_CSQ TicketCsq;
static LIST_ENTRY TicketWaiting;
static KSPIN_LOCK TicketLock;

static NTSTATUS TicketComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID TicketInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&TicketWaiting, &Irp->Tail.Overlay.ListEntry);
}

static VOID TicketRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP TicketPeekNext(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PLIST_ENTRY Next = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : TicketWaiting.Flink;
    return Next != &TicketWaiting ? CONTAINING_RECORD(Next, IRP, Tail.Overlay.ListEntry) : NULL;
}

/* The mistake: it returns at DISPATCH_LEVEL, with the lock held, and is in PAGE. */
static VOID TicketAcquireLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&TicketLock, Irql);
}

static VOID TicketReleaseLock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&TicketLock, Irql);
}

static VOID TicketCompleteCanceled(PIO_CSQ Csq, PIRP Irp)
{
    TicketComplete(Irp, STATUS_CANCELLED);
}

/* Answers the request that has waited longest; the first one answers itself. */
NTSTATUS TicketDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_TICKET_NEXT) {
        return TicketComplete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
    IoCsqInsertIrp(&TicketCsq, Irp, NULL);
    PIRP Next = IoCsqRemoveNextIrp(&TicketCsq, NULL);
    if (Next != NULL) {
        TicketComplete(Next, STATUS_SUCCESS);
    }
    return STATUS_PENDING;
}

NTSTATUS TicketCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIRP Next;
    PAGED_CODE();
    while ((Next = IoCsqRemoveNextIrp(&TicketCsq, NULL)) != NULL) {
        TicketComplete(Next, STATUS_CANCELLED);
    }
    return TicketComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS TicketCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return TicketComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS TicketClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return TicketComplete(Irp, STATUS_SUCCESS);
}

VOID TicketUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Ticket");
    KeInitializeSpinLock(&TicketLock);
    InitializeListHead(&TicketWaiting);
    IoCsqInitialize(&TicketCsq, TicketInsert, TicketRemove, TicketPeekNext, TicketAcquireLock,
                    TicketReleaseLock, TicketCompleteCanceled);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TicketCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TicketClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = TicketDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = TicketCleanup;
    DriverObject->DriverUnload = TicketUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
