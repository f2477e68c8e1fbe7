/* SPDX-License-Identifier: MIT */
/* The three transfer methods and METHOD_NEITHER, and a request that waits. See README.md. */
#include <ntddk.h>

#define TRANSFER_TICK_MS 5

#define TRANSFER_CODE(n, method) CTL_CODE(FILE_DEVICE_UNKNOWN, (n), (method), FILE_ANY_ACCESS)
/* Out: the input's bytes, each with its bits inverted; as many as fit. */
#define IOCTL_TRANSFER_BUFFERED TRANSFER_CODE(0x800, METHOD_BUFFERED)
/* In: a byte. The second buffer is only read: how many bytes of it differ is Information. */
#define IOCTL_TRANSFER_IN_DIRECT TRANSFER_CODE(0x801, METHOD_IN_DIRECT)
/* In: a byte b. Out: byte i of the second buffer is b + i. */
#define IOCTL_TRANSFER_OUT_DIRECT TRANSFER_CODE(0x802, METHOD_OUT_DIRECT)
/* In: ULONGs. Out: the same in reverse order. */
#define IOCTL_TRANSFER_NEITHER TRANSFER_CODE(0x803, METHOD_NEITHER)
/* In: a ULONG, milliseconds. Completed by a DPC after that time. */
#define IOCTL_TRANSFER_WAIT TRANSFER_CODE(0x804, METHOD_BUFFERED)

typedef struct _TRANSFER_DEVICE {
    IO_CSQ Queue;
    LIST_ENTRY Waiting;
    KSPIN_LOCK Lock;
    KTIMER Timer;
    KDPC Dpc;
} TRANSFER_DEVICE, *PTRANSFER_DEVICE;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TransferUnload;
DRIVER_DISPATCH TransferCreateClose, TransferCleanup, TransferDeviceControl;
static NTSTATUS TransferBuffered(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information);
static NTSTATUS TransferInDirect(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information);
static NTSTATUS TransferOutDirect(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information);
static NTSTATUS TransferNeither(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information);
static NTSTATUS TransferWait(PTRANSFER_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Stack);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TransferUnload)
#pragma alloc_text(PAGE, TransferCreateClose)
#pragma alloc_text(PAGE, TransferCleanup)
#pragma alloc_text(PAGE, TransferDeviceControl)
#pragma alloc_text(PAGE, TransferBuffered)
#pragma alloc_text(PAGE, TransferInDirect)
#pragma alloc_text(PAGE, TransferOutDirect)
#pragma alloc_text(PAGE, TransferNeither)
#pragma alloc_text(PAGE, TransferWait)

static NTSTATUS TransferComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- the queue of waiting requests: nonpaged, as it is used at DISPATCH_LEVEL ---- */

static PTRANSFER_DEVICE TransferDeviceOf(PIO_CSQ Queue)
{
    return CONTAINING_RECORD(Queue, TRANSFER_DEVICE, Queue);
}

static VOID TransferInsert(PIO_CSQ Queue, PIRP Irp)
{
    InsertTailList(&TransferDeviceOf(Queue)->Waiting, &Irp->Tail.Overlay.ListEntry);
}

static VOID TransferRemove(PIO_CSQ Queue, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

typedef struct _TRANSFER_WANTED {
    PFILE_OBJECT FileObject; /* NULL: any, whose time has come */
    ULONG64 Now;
} TRANSFER_WANTED;

static PIRP TransferPeek(PIO_CSQ Queue, PIRP Irp, PVOID PeekContext)
{
    const TRANSFER_WANTED *Wanted = PeekContext;
    PLIST_ENTRY Head = &TransferDeviceOf(Queue)->Waiting;
    PLIST_ENTRY Entry = Irp == NULL ? Head->Flink : Irp->Tail.Overlay.ListEntry.Flink;
    for (; Entry != Head; Entry = Entry->Flink) {
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        BOOLEAN Found = Wanted->FileObject != NULL
                            ? IoGetCurrentIrpStackLocation(Irp)->FileObject == Wanted->FileObject
                            : (ULONG64)Irp->Tail.Overlay.DriverContext[0] <= Wanted->Now;
        if (Found) {
            return Irp;
        }
    }
    return NULL;
}

static VOID TransferLock(PIO_CSQ Queue, PKIRQL Irql)
{
    KeAcquireSpinLock(&TransferDeviceOf(Queue)->Lock, Irql);
}

static VOID TransferUnlock(PIO_CSQ Queue, KIRQL Irql)
{
    KeReleaseSpinLock(&TransferDeviceOf(Queue)->Lock, Irql);
}

static VOID TransferCancelled(PIO_CSQ Queue, PIRP Irp)
{
    TransferComplete(Irp, STATUS_CANCELLED, 0);
}

static VOID TransferTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PTRANSFER_DEVICE Device = Context;
    TRANSFER_WANTED Wanted = {NULL, KeQueryInterruptTime()};
    PIRP Irp;
    while ((Irp = IoCsqRemoveNextIrp(&Device->Queue, &Wanted)) != NULL) {
        TransferComplete(Irp, STATUS_SUCCESS, 0);
    }
}

/* ---- transfers ---- */

static NTSTATUS TransferBuffered(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    PUCHAR Bytes = Irp->AssociatedIrp.SystemBuffer;
    ULONG Count = Stack->Parameters.DeviceIoControl.InputBufferLength;
    PAGED_CODE();
    for (ULONG i = 0; i < Count; i++) {
        Bytes[i] = (UCHAR)~Bytes[i];
    }
    if (Count > Stack->Parameters.DeviceIoControl.OutputBufferLength) {
        Count = Stack->Parameters.DeviceIoControl.OutputBufferLength;
        *Information = Count;
        return STATUS_BUFFER_OVERFLOW; /* a warning: what fits is copied back */
    }
    *Information = Count;
    return STATUS_SUCCESS;
}

/* Key byte, and the second buffer through its system address. */
static PUCHAR TransferMapped(PIRP Irp, PIO_STACK_LOCATION Stack, PNTSTATUS Status)
{
    PUCHAR Mapped = NULL;
    if (Stack->Parameters.DeviceIoControl.InputBufferLength != 1 || Irp->MdlAddress == NULL) {
        *Status = STATUS_INVALID_PARAMETER;
        return NULL;
    }
    Mapped = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    *Status = Mapped != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    return Mapped;
}

static NTSTATUS TransferInDirect(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    NTSTATUS Status;
    PUCHAR Mapped = TransferMapped(Irp, Stack, &Status);
    PAGED_CODE();
    if (Mapped == NULL) {
        return Status;
    }
    for (ULONG i = 0; i < MmGetMdlByteCount(Irp->MdlAddress); i++) {
        *Information += Mapped[i] != *(PUCHAR)Irp->AssociatedIrp.SystemBuffer;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS TransferOutDirect(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    NTSTATUS Status;
    PUCHAR Mapped = TransferMapped(Irp, Stack, &Status);
    PAGED_CODE();
    if (Mapped == NULL) {
        return Status;
    }
    for (ULONG i = 0; i < MmGetMdlByteCount(Irp->MdlAddress); i++) {
        Mapped[i] = (UCHAR)(*(PUCHAR)Irp->AssociatedIrp.SystemBuffer + i);
    }
    *Information = MmGetMdlByteCount(Irp->MdlAddress);
    return STATUS_SUCCESS;
}

/* The caller's addresses, in the caller's context: probed, and touched under __try only. */
static __attribute__((noinline)) NTSTATUS TransferNeither(PIRP Irp, PIO_STACK_LOCATION Stack,
                                                          PULONG_PTR Information)
{
    ULONG Bytes = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Count = Bytes / sizeof(ULONG);
    PAGED_CODE();
    if (Bytes % sizeof(ULONG) != 0 ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < Bytes) {
        return STATUS_INVALID_PARAMETER;
    }
    __try {
        volatile ULONG *Input = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        volatile ULONG *Output = Irp->UserBuffer;
        if (Irp->RequestorMode != KernelMode) {
            ProbeForRead(Input, Bytes, sizeof(ULONG));
            ProbeForWrite(Output, Bytes, sizeof(ULONG));
        }
        for (ULONG i = 0; i < Count; i++) {
            Output[i] = Input[Count - 1 - i];
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    *Information = Bytes;
    return STATUS_SUCCESS;
}

static NTSTATUS TransferWait(PTRANSFER_DEVICE Device, PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.InputBufferLength != sizeof(ULONG)) {
        return TransferComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    ULONG64 Wait = (ULONG64)*(PULONG)Irp->AssociatedIrp.SystemBuffer * 10000;
    Irp->Tail.Overlay.DriverContext[0] = (PVOID)(KeQueryInterruptTime() + Wait);
    IoCsqInsertIrp(&Device->Queue, Irp, NULL); /* marks it pending; it may be gone now */
    return STATUS_PENDING;
}

NTSTATUS TransferDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR Information = 0;
    NTSTATUS Status;
    PAGED_CODE();
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_TRANSFER_BUFFERED:
        Status = TransferBuffered(Irp, Stack, &Information);
        break;
    case IOCTL_TRANSFER_IN_DIRECT:
        Status = TransferInDirect(Irp, Stack, &Information);
        break;
    case IOCTL_TRANSFER_OUT_DIRECT:
        Status = TransferOutDirect(Irp, Stack, &Information);
        break;
    case IOCTL_TRANSFER_NEITHER:
        Status = TransferNeither(Irp, Stack, &Information);
        break;
    case IOCTL_TRANSFER_WAIT:
        return TransferWait(DeviceObject->DeviceExtension, Irp, Stack);
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return TransferComplete(Irp, Status, Information);
}

NTSTATUS TransferCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return TransferComplete(Irp, STATUS_SUCCESS, 0);
}

/* What the file still waits for is cancelled. */
NTSTATUS TransferCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTRANSFER_DEVICE Device = DeviceObject->DeviceExtension;
    TRANSFER_WANTED Wanted = {IoGetCurrentIrpStackLocation(Irp)->FileObject, 0};
    PIRP Waiting;
    PAGED_CODE();
    while ((Waiting = IoCsqRemoveNextIrp(&Device->Queue, &Wanted)) != NULL) {
        TransferComplete(Waiting, STATUS_CANCELLED, 0);
    }
    return TransferComplete(Irp, STATUS_SUCCESS, 0);
}

VOID TransferUnload(PDRIVER_OBJECT DriverObject)
{
    PTRANSFER_DEVICE Device = DriverObject->DeviceObject->DeviceExtension;
    PAGED_CODE();
    KeCancelTimer(&Device->Timer);
    KeFlushQueuedDpcs(); /* a tick may have been queued before the timer was cancelled */
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LARGE_INTEGER Due = {.QuadPart = -10000ll * TRANSFER_TICK_MS};
    PDEVICE_OBJECT DeviceObject;
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, L"\\Device\\TransferMethods");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TransferCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = TransferCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TransferCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = TransferDeviceControl;
    DriverObject->DriverUnload = TransferUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(TRANSFER_DEVICE), &Name,
                                     FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PTRANSFER_DEVICE Device = DeviceObject->DeviceExtension;
    InitializeListHead(&Device->Waiting);
    KeInitializeSpinLock(&Device->Lock);
    Status = IoCsqInitialize(&Device->Queue, TransferInsert, TransferRemove, TransferPeek,
                             TransferLock, TransferUnlock, TransferCancelled);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    KeInitializeDpc(&Device->Dpc, TransferTick, Device);
    KeInitializeTimerEx(&Device->Timer, SynchronizationTimer);
    KeSetTimerEx(&Device->Timer, Due, TRANSFER_TICK_MS, &Device->Dpc);
    return STATUS_SUCCESS;
}
