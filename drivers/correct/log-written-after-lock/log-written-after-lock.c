/* SPDX-License-Identifier: MIT */
/* A line of a log file is written when the spin lock has been released. See README.md. */
#include <ntifs.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD JournalUnload;
DRIVER_DISPATCH JournalCreate, JournalClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, JournalUnload)

static KSPIN_LOCK JournalLock;
static ULONG JournalOpens;
static HANDLE JournalFile;

static NTSTATUS JournalComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS JournalWrite(VOID)
{
    static CHAR Line[] = "open\n";
    IO_STATUS_BLOCK IoStatus;
    return ZwWriteFile(JournalFile, NULL, NULL, NULL, &IoStatus, Line, sizeof(Line) - 1, NULL,
                       NULL);
}

NTSTATUS JournalCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&JournalLock, &OldIrql);
    JournalOpens++;
    KeReleaseSpinLock(&JournalLock, OldIrql);
    NTSTATUS Status = JournalWrite();
    return JournalComplete(Irp, Status);
}

NTSTATUS JournalClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return JournalComplete(Irp, STATUS_SUCCESS);
}

VOID JournalUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    ZwClose(JournalFile);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Journal");
    UNICODE_STRING Path = RTL_CONSTANT_STRING(L"\\SystemRoot\\Temp\\journal.log");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    PDEVICE_OBJECT Device;

    KeInitializeSpinLock(&JournalLock);
    InitializeObjectAttributes(&Attributes, &Path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    NTSTATUS Status = ZwCreateFile(&JournalFile, FILE_APPEND_DATA | SYNCHRONIZE, &Attributes,
                                   &IoStatus, NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ,
                                   FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = JournalCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = JournalClose;
    DriverObject->DriverUnload = JournalUnload;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        ZwClose(JournalFile);
    }
    return Status;
}
