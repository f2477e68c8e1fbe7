/* SPDX-License-Identifier: MIT */
/* Volumes: what they tell of themselves, the disk below a file system, names with drive letters. */
#include "io/iop.h"
#include "nt/rtl.h"

/* Any driver's device has a type and characteristics; all else a file system is asked. */
static NTSTATUS IopQueryVolume(IOP_REQUEST *Request, PFILE_OBJECT File)
{
    FS_INFORMATION_CLASS Class = (FS_INFORMATION_CLASS)Request->Code;
    if (IopQueryVolumeLength(Class) == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Request->OutputLength < IopQueryVolumeLength(Class)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (Class == FileFsDeviceInformation && File->Vpb == NULL) {
        FILE_FS_DEVICE_INFORMATION Device = {File->DeviceObject->DeviceType,
                                             File->DeviceObject->Characteristics};
        NTSTATUS Status = MmCopyGuarded(Request->Output, &Device, sizeof(Device));
        Request->IoStatus->Status = Status;
        Request->IoStatus->Information = NT_SUCCESS(Status) ? sizeof(Device) : 0;
        return Status;
    }
    Request->File = File;
    Request->Mode = KernelMode;
    Request->Wait = TRUE;
    Request->MajorFunction = IRP_MJ_QUERY_VOLUME_INFORMATION;
    return IopPerformRequest(Request);
}

NTSTATUS ZwQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FsInformation, ULONG Length,
                                      FS_INFORMATION_CLASS FsInformationClass)
{
    PFILE_OBJECT File;
    IOP_REQUEST Request = {.Code = (ULONG)FsInformationClass,
                           .Output = FsInformation,
                           .OutputLength = Length,
                           .IoStatus = IoStatusBlock};
    NTSTATUS Status = ObReferenceObjectByHandle(FileHandle, 0, IoFileObjectType, KernelMode,
                                                (PVOID *)&File, NULL);
    if (NT_SUCCESS(Status)) {
        Status = IopQueryVolume(&Request, File);
        ObDereferenceObject(File);
    }
    return Status;
}

NTSTATUS IoQueryVolumeInformation(PFILE_OBJECT FileObject,
                                  FS_INFORMATION_CLASS FsInformationClass, ULONG Length,
                                  PVOID FsInformation, PULONG ReturnedLength)
{
    IO_STATUS_BLOCK IoStatus = {{STATUS_SUCCESS}, 0};
    IOP_REQUEST Request = {.Unlocked = TRUE,
                           .Code = (ULONG)FsInformationClass,
                           .Output = FsInformation,
                           .OutputLength = Length,
                           .IoStatus = &IoStatus};
    NTSTATUS Status = IopQueryVolume(&Request, FileObject);
    *ReturnedLength = (ULONG)IoStatus.Information;
    return Status;
}

/* The disk that a volume is mounted from, referenced. <= DISPATCH_LEVEL */
NTSTATUS IoGetDiskDeviceObject(PDEVICE_OBJECT FileSystemDeviceObject,
                               PDEVICE_OBJECT *DiskDeviceObject)
{
    NTSTATUS Status = STATUS_INVALID_PARAMETER;
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PVPB Vpb = IopDeviceExtension(FileSystemDeviceObject)->Vpb;
    if (FileSystemDeviceObject->Vpb == NULL && Vpb != NULL) {
        Status = (Vpb->Flags & VPB_MOUNTED) ? STATUS_SUCCESS : STATUS_VOLUME_DISMOUNTED;
    }
    if (NT_SUCCESS(Status)) {
        *DiskDeviceObject = Vpb->RealDevice;
        ObfReferenceObject(Vpb->RealDevice);
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Status;
}

/* The device that a name is a symbolic link to, referenced; NULL: it leads to none. */
static PDEVICE_OBJECT IopLinkedDevice(PCUNICODE_STRING Link)
{
    OB_PARSE_PARAMETERS Parameters = {.Type = ObpSymbolicLinkObjectType, .AccessMode = KernelMode};
    POBJECT_SYMBOLIC_LINK Object;
    PDEVICE_OBJECT Device = NULL;
    if (!NT_SUCCESS(ObpLookupObjectName(NULL, Link, NULL, &Parameters, (PVOID *)&Object))) {
        return NULL;
    }
    if (Object->LinkTarget.Length != 0) {
        Parameters.Type = IoDeviceObjectType;
        if (!NT_SUCCESS(ObpLookupObjectName(NULL, &Object->LinkTarget, NULL, &Parameters,
                                            (PVOID *)&Device))) {
            Device = NULL;
        }
    }
    ObfDereferenceObject(Object);
    return Device;
}

/*
 * The drive letter of a volume's device, "C:", in paged pool that the caller frees with ExFreePool.
 * PASSIVE_LEVEL. STATUS_INVALID_PARAMETER stands for a device that is no volume with a letter [?].
 */
NTSTATUS IoVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName)
{
    WCHAR Text[] = L"\\??\\A:";
    UNICODE_STRING Link;
    const ULONG Letter = RTL_NUMBER_OF(Text) - 3;

    RtlInitUnicodeString(&Link, Text);
    for (Text[Letter] = L'A'; Text[Letter] <= L'Z'; Text[Letter]++) {
        PDEVICE_OBJECT Device = IopLinkedDevice(&Link);
        if (Device != NULL) {
            ObfDereferenceObject(Device);
        }
        if (Device != NULL && Device == VolumeDeviceObject) {
            PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 3 * sizeof(WCHAR), IO_TAG_NAME);
            if (Buffer == NULL) {
                return STATUS_INSUFFICIENT_RESOURCES;
            }
            RtlCopyMemory(Buffer, &Text[Letter], 3 * sizeof(WCHAR));
            *DosName = (UNICODE_STRING){2 * sizeof(WCHAR), 3 * sizeof(WCHAR), Buffer};
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS RtlVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName)
{
    return IoVolumeDeviceToDosName(VolumeDeviceObject, DosName);
}

/* "C:\a\b", in one block of paged pool that the caller frees with ExFreePool. PASSIVE_LEVEL */
NTSTATUS IoQueryFileDosDeviceName(PFILE_OBJECT FileObject,
                                  POBJECT_NAME_INFORMATION *ObjectNameInformation)
{
    UNICODE_STRING Volume, Suffix;
    PVOID Base;
    NTSTATUS Status = IoVolumeDeviceToDosName(FileObject->DeviceObject, &Volume);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PVOID Block = IopQueryFileName(FileObject, &Base, &Suffix);
    ULONG Bytes = (ULONG)Volume.Length + Suffix.Length;
    POBJECT_NAME_INFORMATION Information = NULL;
    Status = STATUS_NAME_TOO_LONG;
    if (Bytes <= UNICODE_STRING_MAX_BYTES - sizeof(WCHAR)) {
        Information = ExAllocatePoolWithTag(
            PagedPool, sizeof(*Information) + Bytes + sizeof(WCHAR), IO_TAG_NAME);
        Status = Information != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(Status)) {
        PUNICODE_STRING Name = &Information->Name;
        RtlInitEmptyUnicodeString(Name, (PWCHAR)(Information + 1),
                                  (USHORT)(Bytes + sizeof(WCHAR)));
        RtlAppendUnicodeStringToString(Name, &Volume);
        RtlAppendUnicodeStringToString(Name, &Suffix);
        Name->Buffer[Name->Length / sizeof(WCHAR)] = 0;
        *ObjectNameInformation = Information;
    }
    if (Block != NULL) {
        ExFreePool(Block);
    }
    ExFreePool(Volume.Buffer);
    return Status;
}

/* ---- what drivers ask of file objects ---- */

PGENERIC_MAPPING IoGetFileObjectGenericMapping(VOID)
{
    return &IoFileObjectType->TypeInfo.GenericMapping;
}

/* Any IRQL; nobody serves files from here to another machine. */
BOOLEAN IoIsFileOriginRemote(PFILE_OBJECT FileObject)
{
    return (FileObject->Flags & FO_REMOTE_ORIGIN) != 0;
}

/* In the create path, before the file system has seen it. PASSIVE_LEVEL */
NTSTATUS IoReplaceFileObjectName(PFILE_OBJECT FileObject, PWSTR NewFileName, USHORT FileNameLength)
{
    if (FileNameLength & 1) {
        return STATUS_INVALID_PARAMETER;
    }
    PWCHAR Buffer = FileObject->FileName.Buffer;
    if (FileNameLength > FileObject->FileName.MaximumLength) {
        Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, FileNameLength, IO_TAG_NAME);
        if (Buffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        if (FileObject->FileName.Buffer != NULL) {
            ExFreePoolWithTag(FileObject->FileName.Buffer, IO_TAG_NAME);
        }
        FileObject->FileName.Buffer = Buffer;
        FileObject->FileName.MaximumLength = FileNameLength;
    }
    RtlMoveMemory(Buffer, NewFileName, FileNameLength);
    FileObject->FileName.Length = FileNameLength;
    return STATUS_SUCCESS;
}
