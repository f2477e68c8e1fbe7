/* SPDX-License-Identifier: MIT */
/* A pageable driver that gets everything right. See README.md. */
#include <ntddk.h>

#define NOTEPAD_ROOM 65536u
#define NOTEPAD_END 0xffffffffu
#define NOTEPAD_PERIOD_MS 10

/* Buffered: in, the new text. */
#define IOCTL_NOTEPAD_SET CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)
/* Buffered: out, the text. */
#define IOCTL_NOTEPAD_GET CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
/* In direct: the second buffer's bytes go to the end of the text. */
#define IOCTL_NOTEPAD_APPEND \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_IN_DIRECT, FILE_WRITE_ACCESS)
#define IOCTL_NOTEPAD_CLEAR CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_WRITE_ACCESS)
/* Neither: in, one byte to look for; out, a ULONG: how often the text has it. */
#define IOCTL_NOTEPAD_COUNT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x804, METHOD_NEITHER, FILE_READ_ACCESS)
/* Buffered: out, a ULONG: the timer's ticks. */
#define IOCTL_NOTEPAD_TICKS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x805, METHOD_BUFFERED, FILE_ANY_ACCESS)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD NotepadUnload;
DRIVER_DISPATCH NotepadCreate, NotepadCleanup, NotepadClose, NotepadRead, NotepadWrite,
    NotepadDeviceControl;
static KDEFERRED_ROUTINE NotepadTick;
static NTSTATUS NotepadComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
static NTSTATUS NotepadReplace(ULONG Offset, const VOID *Bytes, ULONG Length);
static ULONG NotepadCopyOut(ULONG Offset, PVOID Bytes, ULONG Length);
static ULONG NotepadCountByte(CHAR Byte);
static NTSTATUS NotepadAppend(PIRP Irp, PULONG_PTR Information);
static NTSTATUS NotepadCount(PIRP Irp, PIO_STACK_LOCATION Stack);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, NotepadUnload)
#pragma alloc_text(PAGE, NotepadCreate)
#pragma alloc_text(PAGE, NotepadCleanup)
#pragma alloc_text(PAGE, NotepadClose)
#pragma alloc_text(PAGE, NotepadRead)
#pragma alloc_text(PAGE, NotepadWrite)
#pragma alloc_text(PAGE, NotepadDeviceControl)
#pragma alloc_text(PAGE, NotepadReplace)
#pragma alloc_text(PAGE, NotepadCopyOut)
#pragma alloc_text(PAGE, NotepadCountByte)
#pragma alloc_text(PAGE, NotepadAppend)
#pragma alloc_text(PAGE, NotepadCount)

/* Pageable: touched by the pageable code above only, at APC_LEVEL under the fast mutex. */
#pragma data_seg("PAGEDATA")
static CHAR NotepadText[NOTEPAD_ROOM] = "Pageable driver, nonpaged tick.";
static ULONG NotepadLength = 31;
#pragma data_seg()

/* Nonpaged: the mutex is waited on, timer and DPC are touched at DISPATCH_LEVEL. */
static FAST_MUTEX NotepadLock;
static KTIMER NotepadTimer;
static KDPC NotepadDpc;
static KSPIN_LOCK NotepadTickLock;
static ULONG NotepadTicks;

static NTSTATUS NotepadComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NotepadTick(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                        PVOID SystemArgument2)
{
    KeAcquireSpinLockAtDpcLevel(&NotepadTickLock);
    NotepadTicks++;
    KeReleaseSpinLockFromDpcLevel(&NotepadTickLock);
}

/* Nonpaged, as it holds a spin lock. */
static ULONG NotepadReadTicks(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&NotepadTickLock, &OldIrql);
    ULONG Ticks = NotepadTicks;
    KeReleaseSpinLock(&NotepadTickLock, OldIrql);
    return Ticks;
}

/* Puts bytes at Offset (NOTEPAD_END: after the last one), not beyond the end; text may grow. */
static NTSTATUS NotepadReplace(ULONG Offset, const VOID *Bytes, ULONG Length)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PAGED_CODE();
    ExAcquireFastMutex(&NotepadLock);
    if (Offset == NOTEPAD_END) {
        Offset = NotepadLength;
    }
    if (Offset > NotepadLength || Length > NOTEPAD_ROOM - Offset) {
        Status = STATUS_DISK_FULL;
    } else {
        RtlCopyMemory(NotepadText + Offset, Bytes, Length);
        if (Offset + Length > NotepadLength) {
            NotepadLength = Offset + Length;
        }
    }
    ExReleaseFastMutex(&NotepadLock);
    return Status;
}

/* Returns the bytes copied: less than Length at the end of the text. */
static ULONG NotepadCopyOut(ULONG Offset, PVOID Bytes, ULONG Length)
{
    PAGED_CODE();
    ExAcquireFastMutex(&NotepadLock);
    ULONG Left = Offset < NotepadLength ? NotepadLength - Offset : 0;
    ULONG Count = Length < Left ? Length : Left;
    RtlCopyMemory(Bytes, NotepadText + Offset, Count);
    ExReleaseFastMutex(&NotepadLock);
    return Count;
}

static ULONG NotepadCountByte(CHAR Byte)
{
    ULONG Count = 0;
    PAGED_CODE();
    ExAcquireFastMutex(&NotepadLock);
    for (ULONG i = 0; i < NotepadLength; i++) {
        Count += NotepadText[i] == Byte;
    }
    ExReleaseFastMutex(&NotepadLock);
    return Count;
}

NTSTATUS NotepadCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return NotepadComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NotepadCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return NotepadComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NotepadClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return NotepadComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NotepadRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG Offset = Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Read.Length;
    PAGED_CODE();
    if (Length == 0) {
        return NotepadComplete(Irp, STATUS_SUCCESS, 0);
    }
    ULONG Count = Offset >= 0 && Offset < NOTEPAD_ROOM
                      ? NotepadCopyOut((ULONG)Offset, Irp->AssociatedIrp.SystemBuffer, Length)
                      : 0;
    return NotepadComplete(Irp, Count == 0 ? STATUS_END_OF_FILE : STATUS_SUCCESS, Count);
}

NTSTATUS NotepadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG Offset = Stack->Parameters.Write.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Write.Length;
    PAGED_CODE();
    if (Length == 0) {
        return NotepadComplete(Irp, STATUS_SUCCESS, 0);
    }
    NTSTATUS Status = Offset >= 0 && Offset <= NOTEPAD_ROOM
                          ? NotepadReplace((ULONG)Offset, Irp->AssociatedIrp.SystemBuffer, Length)
                          : STATUS_INVALID_PARAMETER;
    return NotepadComplete(Irp, Status, NT_SUCCESS(Status) ? Length : 0);
}

static NTSTATUS NotepadAppend(PIRP Irp, PULONG_PTR Information)
{
    PAGED_CODE();
    if (Irp->MdlAddress == NULL) {
        return STATUS_SUCCESS; /* nothing to append */
    }
    PVOID Bytes = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    if (Bytes == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ULONG Length = MmGetMdlByteCount(Irp->MdlAddress);
    NTSTATUS Status = NotepadReplace(NOTEPAD_END, Bytes, Length);
    if (NT_SUCCESS(Status)) {
        *Information = Length;
    }
    return Status;
}

/* User-mode addresses as they are: probed and touched under __try, in the caller's context. */
static __attribute__((noinline)) NTSTATUS NotepadCount(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(CHAR) ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    __try {
        volatile CHAR *Input = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        volatile ULONG *Output = Irp->UserBuffer;
        if (Irp->RequestorMode != KernelMode) {
            ProbeForRead(Input, sizeof(CHAR), sizeof(CHAR));
            ProbeForWrite(Output, sizeof(ULONG), sizeof(ULONG));
        }
        *Output = NotepadCountByte(*Input);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS NotepadDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG InputLength = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG OutputLength = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG_PTR Information = 0;

    PAGED_CODE();
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_NOTEPAD_SET:
    case IOCTL_NOTEPAD_CLEAR:
        if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_NOTEPAD_CLEAR) {
            InputLength = 0;
        }
        if (InputLength > NOTEPAD_ROOM) {
            Status = STATUS_DISK_FULL;
            break;
        }
        ExAcquireFastMutex(&NotepadLock);
        RtlCopyMemory(NotepadText, Buffer, InputLength);
        NotepadLength = InputLength;
        ExReleaseFastMutex(&NotepadLock);
        break;
    case IOCTL_NOTEPAD_GET:
        Information = NotepadCopyOut(0, Buffer, OutputLength);
        break;
    case IOCTL_NOTEPAD_APPEND:
        Status = NotepadAppend(Irp, &Information);
        break;
    case IOCTL_NOTEPAD_COUNT:
        Status = NotepadCount(Irp, Stack);
        Information = NT_SUCCESS(Status) ? sizeof(ULONG) : 0;
        break;
    case IOCTL_NOTEPAD_TICKS:
        if (OutputLength < sizeof(ULONG)) {
            Status = STATUS_BUFFER_TOO_SMALL;
        } else {
            *(PULONG)Buffer = NotepadReadTicks();
            Information = sizeof(ULONG);
        }
        break;
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return NotepadComplete(Irp, Status, Information);
}

VOID NotepadUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link;
    PAGED_CODE();
    KeCancelTimer(&NotepadTimer);
    KeFlushQueuedDpcs(); /* a tick may have been queued before the timer was cancelled */
    RtlInitUnicodeString(&Link, L"\\??\\Notepad");
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static VOID NotepadStartTimer(VOID)
{
    LARGE_INTEGER DueTime;
    DueTime.QuadPart = -10000LL * NOTEPAD_PERIOD_MS;
    KeInitializeSpinLock(&NotepadTickLock);
    KeInitializeDpc(&NotepadDpc, NotepadTick, NULL);
    KeInitializeTimerEx(&NotepadTimer, SynchronizationTimer);
    KeSetTimerEx(&NotepadTimer, DueTime, NOTEPAD_PERIOD_MS, &NotepadDpc);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, L"\\Device\\Notepad");
    RtlInitUnicodeString(&Link, L"\\??\\Notepad");
    ExInitializeFastMutex(&NotepadLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = NotepadCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = NotepadCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = NotepadClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = NotepadRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = NotepadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = NotepadDeviceControl;
    DriverObject->DriverUnload = NotepadUnload;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device->Flags |= DO_BUFFERED_IO;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    NotepadStartTimer();
    return STATUS_SUCCESS;
}
