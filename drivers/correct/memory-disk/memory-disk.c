/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory. Requests are checked in the caller's thread, queued, and done by a thread of
 * the driver, as drivers of slow devices do. The sectors are in chunks of paged pool, allocated
 * when they are first written: most of the disk is in the paging file most of the time.
 *
 * Lock: Disk->Lock guards the queue, which is all that is touched above APC_LEVEL. The chunks
 * belong to the thread.
 */
#include <ntddk.h>

#define DISK_TAG 'ksiD'
#define DISK_SECTOR 512u
#define DISK_CHUNK 32768u /* bytes */
#define DISK_CHUNKS 64u
#define DISK_BYTES (DISK_CHUNK * DISK_CHUNKS)

#define PAGE_CODE __attribute__((section("PAGE")))
#define INIT_CODE __attribute__((section("INIT")))
#define NONPAGED_CODE __attribute__((noinline))

#define DISK_CODE(number) CTL_CODE(FILE_DEVICE_DISK, number, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_MEMORY_DISK_LENGTH DISK_CODE(0x801)  /* out: ULONG64, bytes */
#define IOCTL_MEMORY_DISK_COUNTS DISK_CODE(0x802)  /* out: DISK_COUNTS */
#define IOCTL_MEMORY_DISK_DISCARD DISK_CODE(0x803) /* in: DISK_RANGE, whole sectors; they are 0 */

typedef struct {
    ULONG Reads, Writes, Discards, Chunks;
} DISK_COUNTS;

typedef struct {
    ULONG64 Offset, Length;
} DISK_RANGE;

typedef struct {
    KSPIN_LOCK Lock;
    LIST_ENTRY Queue; /* of IRPs, by Tail.Overlay.ListEntry */
    BOOLEAN Ending;
    KSEMAPHORE Work; /* a request, or the end */
    PVOID Thread;
    PUCHAR Chunk[DISK_CHUNKS]; /* paged pool, or NULL: all zero */
    DISK_COUNTS Counts;
} MEMORY_DISK;

DRIVER_INITIALIZE DriverEntry;

static const WCHAR DiskDeviceName[] = L"\\Device\\MemoryDisk0";
static const WCHAR DiskLinkName[] = L"\\??\\MemoryDisk0";

static NONPAGED_CODE NTSTATUS DiskComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, NT_SUCCESS(Status) ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
    return Status;
}

/* ---- queue ---- */
static NONPAGED_CODE NTSTATUS DiskEnqueue(MEMORY_DISK *Disk, PIRP Irp)
{
    KIRQL OldIrql;
    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&Disk->Lock, &OldIrql);
    InsertTailList(&Disk->Queue, &Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&Disk->Lock, OldIrql);
    KeReleaseSemaphore(&Disk->Work, IO_DISK_INCREMENT, 1, FALSE);
    return STATUS_PENDING;
}

/* NULL: nothing is queued. */
static NONPAGED_CODE PIRP DiskDequeue(MEMORY_DISK *Disk, PBOOLEAN Ending)
{
    KIRQL OldIrql;
    PIRP Irp = NULL;
    KeAcquireSpinLock(&Disk->Lock, &OldIrql);
    *Ending = Disk->Ending;
    if (!IsListEmpty(&Disk->Queue)) {
        PLIST_ENTRY Entry = RemoveHeadList(&Disk->Queue);
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
    }
    KeReleaseSpinLock(&Disk->Lock, OldIrql);
    return Irp;
}

static NONPAGED_CODE VOID DiskSetEnding(MEMORY_DISK *Disk)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&Disk->Lock, &OldIrql);
    Disk->Ending = TRUE;
    KeReleaseSpinLock(&Disk->Lock, OldIrql);
    KeReleaseSemaphore(&Disk->Work, IO_NO_INCREMENT, 1, FALSE);
}

/* ---- sectors; in the thread ---- */
static PAGE_CODE PUCHAR DiskChunk(MEMORY_DISK *Disk, ULONG Index, BOOLEAN Create)
{
    PAGED_CODE();
    if (Disk->Chunk[Index] == NULL && Create) {
        Disk->Chunk[Index] = ExAllocatePoolWithTag(PagedPool, DISK_CHUNK, DISK_TAG);
        if (Disk->Chunk[Index] != NULL) {
            RtlZeroMemory(Disk->Chunk[Index], DISK_CHUNK);
            Disk->Counts.Chunks++;
        }
    }
    return Disk->Chunk[Index];
}

/* How much of Length lies in the chunk of Offset. */
static PAGE_CODE ULONG DiskPart(ULONG64 Offset, ULONG Length)
{
    ULONG Room = DISK_CHUNK - (ULONG)(Offset % DISK_CHUNK);
    return Length < Room ? Length : Room;
}

static PAGE_CODE NTSTATUS DiskRead(MEMORY_DISK *Disk, ULONG64 Offset, PUCHAR To, ULONG Length)
{
    PAGED_CODE();
    while (Length != 0) {
        ULONG Part = DiskPart(Offset, Length);
        PUCHAR Chunk = DiskChunk(Disk, (ULONG)(Offset / DISK_CHUNK), FALSE);
        if (Chunk != NULL) {
            RtlCopyMemory(To, Chunk + Offset % DISK_CHUNK, Part);
        } else {
            RtlZeroMemory(To, Part);
        }
        Offset += Part;
        To += Part;
        Length -= Part;
    }
    Disk->Counts.Reads++;
    return STATUS_SUCCESS;
}

static PAGE_CODE NTSTATUS DiskWrite(MEMORY_DISK *Disk, ULONG64 Offset, const UCHAR *From,
                                    ULONG Length)
{
    PAGED_CODE();
    while (Length != 0) {
        ULONG Part = DiskPart(Offset, Length);
        PUCHAR Chunk = DiskChunk(Disk, (ULONG)(Offset / DISK_CHUNK), TRUE);
        if (Chunk == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(Chunk + Offset % DISK_CHUNK, From, Part);
        Offset += Part;
        From += Part;
        Length -= Part;
    }
    Disk->Counts.Writes++;
    return STATUS_SUCCESS;
}

static PAGE_CODE NTSTATUS DiskDiscard(MEMORY_DISK *Disk, ULONG64 Offset, ULONG Length)
{
    PAGED_CODE();
    while (Length != 0) {
        ULONG Part = DiskPart(Offset, Length);
        ULONG Index = (ULONG)(Offset / DISK_CHUNK);
        if (Disk->Chunk[Index] != NULL && Part == DISK_CHUNK) {
            ExFreePoolWithTag(Disk->Chunk[Index], DISK_TAG);
            Disk->Chunk[Index] = NULL;
            Disk->Counts.Chunks--;
        } else if (Disk->Chunk[Index] != NULL) {
            RtlZeroMemory(Disk->Chunk[Index] + Offset % DISK_CHUNK, Part);
        }
        Offset += Part;
        Length -= Part;
    }
    Disk->Counts.Discards++;
    return STATUS_SUCCESS;
}

/* ---- the thread ---- */
static PAGE_CODE NTSTATUS DiskTransfer(MEMORY_DISK *Disk, PIRP Irp, PULONG_PTR Information)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Write = Stack->MajorFunction == IRP_MJ_WRITE;
    ULONG Length = Write ? Stack->Parameters.Write.Length : Stack->Parameters.Read.Length;
    ULONG64 Offset = (ULONG64)(Write ? Stack->Parameters.Write.ByteOffset.QuadPart
                                     : Stack->Parameters.Read.ByteOffset.QuadPart);
    PUCHAR Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);

    PAGED_CODE();
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = Write ? DiskWrite(Disk, Offset, Buffer, Length)
                            : DiskRead(Disk, Offset, Buffer, Length);
    *Information = NT_SUCCESS(Status) ? Length : 0;
    return Status;
}

static PAGE_CODE NTSTATUS DiskControl(MEMORY_DISK *Disk, PIRP Irp, PULONG_PTR Information)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    DISK_RANGE *Range = Irp->AssociatedIrp.SystemBuffer;
    DISK_COUNTS *Counts = Irp->AssociatedIrp.SystemBuffer;

    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_MEMORY_DISK_DISCARD) {
        return DiskDiscard(Disk, Range->Offset, (ULONG)Range->Length);
    }
    *Counts = Disk->Counts;
    *Information = sizeof(*Counts);
    return STATUS_SUCCESS;
}

static PAGE_CODE VOID NTAPI DiskThread(PVOID Context)
{
    MEMORY_DISK *Disk = Context;
    BOOLEAN Ending = FALSE;

    PAGED_CODE();
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    for (;;) {
        KeWaitForSingleObject(&Disk->Work, Executive, KernelMode, FALSE, NULL);
        PIRP Irp = DiskDequeue(Disk, &Ending);
        if (Irp == NULL) {
            if (Ending) {
                PsTerminateSystemThread(STATUS_SUCCESS);
            }
            continue;
        }
        ULONG_PTR Information = 0;
        NTSTATUS Status =
            IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL
                ? DiskControl(Disk, Irp, &Information)
                : DiskTransfer(Disk, Irp, &Information);
        DiskComplete(Irp, Status, Information);
    }
}

/* ---- dispatch: what a request asks for is checked before it is queued ---- */
static PAGE_CODE NTSTATUS DiskCheckRange(ULONG64 Offset, ULONG64 Length)
{
    if (Offset % DISK_SECTOR != 0 || Length % DISK_SECTOR != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    return Offset > DISK_BYTES || Length > DISK_BYTES - Offset ? STATUS_NONEXISTENT_SECTOR
                                                               : STATUS_SUCCESS;
}

static PAGE_CODE NTSTATUS NTAPI DiskReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Write = Stack->MajorFunction == IRP_MJ_WRITE;
    ULONG Length = Write ? Stack->Parameters.Write.Length : Stack->Parameters.Read.Length;
    LONGLONG Offset = Write ? Stack->Parameters.Write.ByteOffset.QuadPart
                            : Stack->Parameters.Read.ByteOffset.QuadPart;

    PAGED_CODE();
    NTSTATUS Status = DiskCheckRange((ULONG64)Offset, Length);
    if (!NT_SUCCESS(Status) || Length == 0) {
        return DiskComplete(Irp, Status, 0);
    }
    return DiskEnqueue(DeviceObject->DeviceExtension, Irp);
}

static PAGE_CODE NTSTATUS NTAPI DiskDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Input = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Output = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS Status;

    PAGED_CODE();
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_MEMORY_DISK_LENGTH:
        if (Output < sizeof(ULONG64)) {
            return DiskComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        *(ULONG64 *)Buffer = DISK_BYTES;
        return DiskComplete(Irp, STATUS_SUCCESS, sizeof(ULONG64));
    case IOCTL_MEMORY_DISK_COUNTS:
        if (Output < sizeof(DISK_COUNTS)) {
            return DiskComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        return DiskEnqueue(DeviceObject->DeviceExtension, Irp);
    case IOCTL_MEMORY_DISK_DISCARD:
        if (Input < sizeof(DISK_RANGE)) {
            return DiskComplete(Irp, STATUS_INVALID_PARAMETER, 0);
        }
        Status = DiskCheckRange(((DISK_RANGE *)Buffer)->Offset, ((DISK_RANGE *)Buffer)->Length);
        if (!NT_SUCCESS(Status)) {
            return DiskComplete(Irp, Status, 0);
        }
        return DiskEnqueue(DeviceObject->DeviceExtension, Irp);
    }
    return DiskComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

static PAGE_CODE NTSTATUS NTAPI DiskCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return DiskComplete(Irp, STATUS_SUCCESS, 0);
}

/* ---- entry and end ---- */
static PAGE_CODE VOID NTAPI DiskUnload(PDRIVER_OBJECT DriverObject)
{
    MEMORY_DISK *Disk = DriverObject->DeviceObject->DeviceExtension;
    UNICODE_STRING Link;

    PAGED_CODE();
    DiskSetEnding(Disk);
    KeWaitForSingleObject(Disk->Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Disk->Thread);
    for (ULONG i = 0; i < DISK_CHUNKS; i++) {
        if (Disk->Chunk[i] != NULL) {
            ExFreePoolWithTag(Disk->Chunk[i], DISK_TAG);
        }
    }
    RtlInitUnicodeString(&Link, DiskLinkName);
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static INIT_CODE NTSTATUS DiskStart(MEMORY_DISK *Disk)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;

    RtlZeroMemory(Disk, sizeof(*Disk));
    KeInitializeSpinLock(&Disk->Lock);
    InitializeListHead(&Disk->Queue);
    KeInitializeSemaphore(&Disk->Work, 0, 0x7fffffff);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL,
                                           DiskThread, Disk);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The handle is ours, and names a thread: this cannot fail. */
    Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, KernelMode, &Disk->Thread, NULL);
    NT_ASSERT(NT_SUCCESS(Status));
    ZwClose(Handle);
    return Status;
}

INIT_CODE NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, DiskDeviceName);
    RtlInitUnicodeString(&Link, DiskLinkName);
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(MEMORY_DISK), &Name, FILE_DEVICE_DISK,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (NT_SUCCESS(Status)) {
        Status = DiskStart(Device->DeviceExtension);
        if (!NT_SUCCESS(Status)) {
            IoDeleteSymbolicLink(&Link);
        }
    }
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Device->Flags |= DO_DIRECT_IO;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DiskCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = DiskCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = DiskReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = DiskReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DiskDeviceControl;
    DriverObject->DriverUnload = DiskUnload;
    return STATUS_SUCCESS;
}
