/* SPDX-License-Identifier: MIT */
/* A driver that works with files, as drivers do it and as they should not. See README.md. */
#include <ntifs.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FilesUnload;
DRIVER_DISPATCH FilesCreateClose;

#define FILES_TAG 'eliF'
#define IN_FILE L"\\??\\C:\\data\\in.txt"
#define OUT_FILE L"\\DosDevices\\C:\\data\\out.txt"
#define LOG_FILE L"\\SystemRoot\\Temp\\opens.log"
#define OWN_IMAGE L"\\SystemRoot\\System32\\drivers\\files-on-volume.sys"

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FilesUnload)
#pragma alloc_text(PAGE, FilesCreateClose)
#define PAGED __attribute__((noinline, section("PAGE")))

/* The first thing that was not as documented, by its line. */
static ULONG FilesWrongLine;
#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition) && FilesWrongLine == 0) {                          \
            FilesWrongLine = __LINE__;                                      \
            DbgPrint("files-on-volume: line %u: %s\n", __LINE__, #condition); \
        }                                                                   \
    } while (0)

PAGED static NTSTATUS FilesOpen(PCWSTR Path, HANDLE Root, ACCESS_MASK Access, ULONG Disposition,
                                ULONG Options, PHANDLE Handle)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root,
                               NULL);
    return ZwCreateFile(Handle, Access | SYNCHRONIZE, &Attributes, &IoStatus, NULL,
                        FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_DELETE, Disposition,
                        Options | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

PAGED static LONGLONG FilesSize(HANDLE File)
{
    FILE_STANDARD_INFORMATION Standard;
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status = ZwQueryInformationFile(File, &IoStatus, &Standard, sizeof(Standard),
                                             FileStandardInformation);
    return NT_SUCCESS(Status) ? Standard.EndOfFile.QuadPart : -1;
}

/* A driver's image begins with MZ and is as long as its headers say at least. */
PAGED static VOID FilesReadImage(VOID)
{
    HANDLE File;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Start = {.QuadPart = 0};
    NTSTATUS Status = FilesOpen(OWN_IMAGE, NULL, FILE_READ_DATA, FILE_OPEN,
                                FILE_NON_DIRECTORY_FILE, &File);
    CHECK(Status == STATUS_SUCCESS);
    if (!NT_SUCCESS(Status)) {
        return;
    }
    LONGLONG Size = FilesSize(File);
    CHECK(Size > 1024 && Size < 1 << 20);
    PUCHAR Image = ExAllocatePoolWithTag(PagedPool, (SIZE_T)Size, FILES_TAG);
    if (Image != NULL) {
        Status = ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Image, (ULONG)Size, &Start, NULL);
        CHECK(Status == STATUS_SUCCESS && IoStatus.Information == (ULONG_PTR)Size);
        CHECK(Image[0] == 'M' && Image[1] == 'Z');
        ExFreePoolWithTag(Image, FILES_TAG);
    }
    ZwClose(File);
}

/* Counts the lines of IN_FILE and writes the answer to OUT_FILE. */
PAGED static VOID FilesAnswer(VOID)
{
    HANDLE In, Out;
    IO_STATUS_BLOCK IoStatus;
    CHAR Byte, Answer[] = "0 lines";
    NTSTATUS Status = FilesOpen(IN_FILE, NULL, FILE_READ_DATA, FILE_OPEN, 0, &In);
    CHECK(Status == STATUS_SUCCESS);
    if (!NT_SUCCESS(Status)) {
        return;
    }
    while (ZwReadFile(In, NULL, NULL, NULL, &IoStatus, &Byte, 1, NULL, NULL) == STATUS_SUCCESS) {
        Answer[0] = (CHAR)(Answer[0] + (Byte == '\n'));
    }
    CHECK(IoStatus.Status == STATUS_END_OF_FILE);
    ZwClose(In);
    Status = FilesOpen(OUT_FILE, NULL, FILE_WRITE_DATA, FILE_OVERWRITE_IF, 0, &Out);
    CHECK(Status == STATUS_SUCCESS);
    if (NT_SUCCESS(Status)) {
        CHECK(ZwWriteFile(Out, NULL, NULL, NULL, &IoStatus, Answer, sizeof(Answer) - 1, NULL,
                          NULL) == STATUS_SUCCESS);
        CHECK(ZwFlushBuffersFile(Out, &IoStatus) == STATUS_SUCCESS);
        ZwClose(Out);
    }
}

/* With FILE_APPEND_DATA alone the offset does not matter: the bytes go to the end. */
PAGED static VOID FilesLog(VOID)
{
    HANDLE Log;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Start = {.QuadPart = 0};
    NTSTATUS Status = FilesOpen(LOG_FILE, NULL, FILE_APPEND_DATA, FILE_OPEN_IF, 0, &Log);
    CHECK(Status == STATUS_SUCCESS);
    if (NT_SUCCESS(Status)) {
        CHECK(ZwWriteFile(Log, NULL, NULL, NULL, &IoStatus, "open\n", 5, &Start, NULL) ==
              STATUS_SUCCESS);
        ZwClose(Log);
    }
}

PAGED static VOID FilesRename(HANDLE File, PCWSTR Name, NTSTATUS Expected)
{
    ULONG Bytes = (ULONG)(wcslen(Name) * sizeof(WCHAR));
    ULONG Length = sizeof(FILE_RENAME_INFORMATION) + Bytes;
    IO_STATUS_BLOCK IoStatus;
    PFILE_RENAME_INFORMATION Rename = ExAllocatePoolWithTag(PagedPool, Length, FILES_TAG);
    if (Rename != NULL) {
        RtlZeroMemory(Rename, Length);
        Rename->FileNameLength = Bytes;
        RtlCopyMemory(Rename->FileName, Name, Bytes);
        CHECK(ZwSetInformationFile(File, &IoStatus, Rename, Length, FileRenameInformation) ==
              Expected);
        ExFreePoolWithTag(Rename, FILES_TAG);
    }
}

/* A directory of two files: listed, one of them renamed out of it, all deleted. */
PAGED static VOID FilesDirectory(VOID)
{
    HANDLE Folder, File;
    IO_STATUS_BLOCK IoStatus;
    UNICODE_STRING Pattern = RTL_CONSTANT_STRING(L"*.TMP");
    FILE_DISPOSITION_INFORMATION Delete = {TRUE};
    ULONG Found = 0;
    NTSTATUS Status = FilesOpen(L"\\??\\C:\\work", NULL, FILE_LIST_DIRECTORY | DELETE, FILE_CREATE,
                                FILE_DIRECTORY_FILE, &Folder);
    CHECK(Status == STATUS_SUCCESS);
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 1024, FILES_TAG);
    if (!NT_SUCCESS(Status) || Buffer == NULL) {
        return;
    }
    CHECK(FilesOpen(L"a.tmp", Folder, FILE_WRITE_DATA, FILE_CREATE, 0, &File) == STATUS_SUCCESS);
    ZwClose(File);
    CHECK(FilesOpen(L"b.tmp", Folder, FILE_WRITE_DATA | DELETE, FILE_CREATE, 0, &File) ==
          STATUS_SUCCESS);
    for (;;) {
        Status = ZwQueryDirectoryFile(Folder, NULL, NULL, NULL, &IoStatus, Buffer, 1024,
                                      FileNamesInformation, TRUE, &Pattern, FALSE);
        if (Status != STATUS_SUCCESS) {
            break;
        }
        PFILE_NAMES_INFORMATION Name = (PFILE_NAMES_INFORMATION)Buffer;
        CHECK(Name->FileNameLength == 10 && Name->FileName[0] == (WCHAR)(L'a' + Found));
        Found++;
    }
    CHECK(Found == 2 && Status == STATUS_NO_MORE_FILES);
    CHECK(ZwSetInformationFile(Folder, &IoStatus, &Delete, sizeof(Delete),
                               FileDispositionInformation) == STATUS_DIRECTORY_NOT_EMPTY);
    FilesRename(File, L"a.tmp", STATUS_OBJECT_NAME_COLLISION);
    FilesRename(File, L"\\??\\C:\\moved.tmp", STATUS_SUCCESS);
    CHECK(ZwSetInformationFile(File, &IoStatus, &Delete, sizeof(Delete),
                               FileDispositionInformation) == STATUS_SUCCESS);
    ZwClose(File);
    CHECK(FilesOpen(L"a.tmp", Folder, DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE, &File) ==
          STATUS_SUCCESS);
    ZwClose(File);
    CHECK(ZwSetInformationFile(Folder, &IoStatus, &Delete, sizeof(Delete),
                               FileDispositionInformation) == STATUS_SUCCESS);
    ZwClose(Folder);
    CHECK(FilesOpen(L"\\??\\C:\\moved.tmp", NULL, FILE_READ_DATA, FILE_OPEN, 0, &File) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    ExFreePoolWithTag(Buffer, FILES_TAG);
}

/* What the documentation says of arguments that are wrong. */
PAGED static VOID FilesAskBadly(VOID)
{
    HANDLE File;
    IO_STATUS_BLOCK IoStatus;
    UCHAR Buffer[128];
    LARGE_INTEGER Negative = {.QuadPart = -7}, Far = {.QuadPart = 1ll << 40};
    FILE_END_OF_FILE_INFORMATION End = {Negative};

    CHECK(FilesOpen(L"\\??\\C:\\no\\such", NULL, FILE_READ_DATA, FILE_OPEN, 0, &File) ==
          STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK(FilesOpen(L"no\\such", NULL, FILE_READ_DATA, FILE_OPEN, 0, &File) ==
          STATUS_OBJECT_PATH_SYNTAX_BAD);
    CHECK(FilesOpen(L"\\??\\C:\\what?", NULL, FILE_READ_DATA, FILE_CREATE, 0, &File) ==
          STATUS_OBJECT_NAME_INVALID);
    CHECK(FilesOpen(L"\\SystemRoot", NULL, FILE_READ_DATA, FILE_OPEN, FILE_NON_DIRECTORY_FILE,
                    &File) == STATUS_FILE_IS_A_DIRECTORY);
    CHECK(ZwReadFile((HANDLE)0x7ffffff0, NULL, NULL, NULL, &IoStatus, Buffer, 1, NULL, NULL) ==
          STATUS_INVALID_HANDLE);
    CHECK(FilesOpen(L"\\??\\C:\\bad", NULL, FILE_READ_DATA | FILE_WRITE_DATA | DELETE, FILE_CREATE,
                    FILE_DELETE_ON_CLOSE, &File) == STATUS_SUCCESS);
    CHECK(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, 1, &Negative, NULL) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, 1, &Far, NULL) ==
          STATUS_END_OF_FILE);
    CHECK(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Buffer, 1, &Far, NULL) ==
          STATUS_DISK_FULL);
    CHECK(ZwQueryInformationFile(File, &IoStatus, Buffer, 4, FileBasicInformation) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(ZwQueryInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                 FileRenameInformation) == STATUS_INVALID_INFO_CLASS);
    CHECK(ZwSetInformationFile(File, &IoStatus, &End, sizeof(End), FileEndOfFileInformation) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwQueryVolumeInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                       FileFsLabelInformation) == STATUS_INVALID_INFO_CLASS);
    CHECK(ZwQueryVolumeInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                       FileFsDeviceInformation) == STATUS_SUCCESS);
    CHECK(((PFILE_FS_DEVICE_INFORMATION)Buffer)->DeviceType == FILE_DEVICE_DISK);
    CHECK(ZwFsControlFile(File, NULL, NULL, NULL, &IoStatus, 0x90000, NULL, 0, NULL, 0) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(FilesSize(File) == 0);
    ZwClose(File);
}

NTSTATUS FilesCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        FilesReadImage();
        FilesAnswer();
        FilesLog();
        FilesDirectory();
        FilesAskBadly();
        Status = FilesWrongLine == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID FilesUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\FilesOnVolume");
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\FilesOnVolume");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\FilesOnVolume");
    PDEVICE_OBJECT Device;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                     &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FilesCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FilesCreateClose;
    DriverObject->DriverUnload = FilesUnload;
    return STATUS_SUCCESS;
}
