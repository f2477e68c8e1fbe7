/* SPDX-License-Identifier: MIT */
/*
 * Files by the Nt services from kernel mode, questions about file objects and volumes. Expected
 * values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "io_test_driver.h"
#include "mfs_test.h"
#include "nt/fsrtl.h"

#define VOLUME_FILE L"\\??\\C:\\io-volume-test"

static VOID Attributes(POBJECT_ATTRIBUTES Attributes, PUNICODE_STRING Name, PCWSTR Path)
{
    RtlInitUnicodeString(Name, Path);
    InitializeObjectAttributes(Attributes, Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
}

static PFILE_OBJECT FileOf(HANDLE Handle)
{
    PFILE_OBJECT File = NULL;
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, IoFileObjectType, KernelMode, (PVOID *)&File,
                                           NULL),
                 STATUS_SUCCESS);
    return File;
}

GUEST_TEST(io_nt_file_services_from_kernel_mode)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    LARGE_INTEGER Offset = {.QuadPart = 0}, Far = {.QuadPart = 100};
    CHAR Buffer[8] = {0};
    HANDLE File;

    Attributes(&Object, &Name, VOLUME_FILE);
    EXPECT_EQUAL(NtCreateFile(&File, MFS_TEST_ACCESS, &Object, &IoStatus, NULL,
                              FILE_ATTRIBUTE_NORMAL, 0, FILE_CREATE,
                              FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Information, FILE_CREATED);
    EXPECT_EQUAL(NtWriteFile(File, NULL, NULL, NULL, &IoStatus, "abcdef", 6, &Offset, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Information, 6);
    Offset.QuadPart = 4;
    EXPECT_EQUAL(NtReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, 8, &Offset, NULL),
                 STATUS_SUCCESS);
    EXPECT(IoStatus.Information == 2 && RtlEqualMemory(Buffer, "ef", 2));
    EXPECT_EQUAL((ULONG)NtReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, 1, &Far, NULL),
                 (ULONG)STATUS_END_OF_FILE);
    Offset.QuadPart = -3; /* no offset, and none of the values that stand for one */
    EXPECT_EQUAL((ULONG)NtReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, 1, &Offset, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)NtWriteFile(NULL, NULL, NULL, NULL, &IoStatus, "x", 1, &Far, NULL),
                 (ULONG)STATUS_INVALID_HANDLE);
    ZwClose(File);
    EXPECT_EQUAL((ULONG)NtCreateFile(&File, MFS_TEST_ACCESS, &Object, &IoStatus, NULL, 0, 0,
                                     FILE_OPEN, 0, NULL, 0),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL((ULONG)NtCreateFile(&File, MFS_TEST_ACCESS, &Object, &IoStatus, NULL, 0, 0,
                                     FILE_OVERWRITE_IF + 1, 0, NULL, 0),
                 (ULONG)STATUS_INVALID_PARAMETER);
}

static ULONG ControlCode;
static UCHAR ControlMajor;

static NTSTATUS EchoControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ControlMajor = Stack->MajorFunction;
    ControlCode = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG Length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    return IoTestComplete(Irp, STATUS_SUCCESS, Length);
}

GUEST_TEST(io_nt_controls_reach_the_driver)
{
    const ULONG Code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS);
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    CHAR Output[8] = {0};
    HANDLE File, Event;

    if (!IoTestLoad(DO_BUFFERED_IO, FALSE)) {
        return;
    }
    IoTest.Handle = EchoControl;
    Attributes(&Object, &Name, IO_TEST_DEVICE);
    EXPECT_EQUAL(NtCreateFile(&File, GENERIC_READ | SYNCHRONIZE, &Object, &IoStatus, NULL, 0, 0,
                              FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(NtDeviceIoControlFile(File, NULL, NULL, NULL, &IoStatus, Code, "echo", 4, Output,
                                       sizeof(Output)),
                 STATUS_SUCCESS);
    EXPECT(IoStatus.Information == 4 && RtlEqualMemory(Output, "echo", 5));
    EXPECT(ControlMajor == IRP_MJ_DEVICE_CONTROL && ControlCode == Code);
    EXPECT_EQUAL(NtFsControlFile(File, NULL, NULL, NULL, &IoStatus, Code + 4, NULL, 0, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT(ControlMajor == IRP_MJ_FILE_SYSTEM_CONTROL && ControlCode == Code + 4);
    InitializeObjectAttributes(&Object, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Object, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(NtDeviceIoControlFile(File, Event, NULL, NULL, &IoStatus, Code, NULL, 0, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWaitForSingleObject(Event, FALSE, NULL), STATUS_SUCCESS); /* it was set */
    EXPECT_EQUAL((ULONG)NtDeviceIoControlFile(File, File, NULL, NULL, &IoStatus, Code, NULL, 0,
                                              NULL, 0),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH); /* no event */
    EXPECT_EQUAL((ULONG)NtFsControlFile(Event, NULL, NULL, NULL, &IoStatus, Code, NULL, 0, NULL, 0),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH); /* no file */
    ZwClose(Event);
    ZwClose(File);
    IoTestUnload();
}

GUEST_TEST(io_attributes_of_a_name)
{
    FILE_NETWORK_OPEN_INFORMATION Information;
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object;

    MfsTestWriteWhole(VOLUME_FILE, "seven b", 7);
    Attributes(&Object, &Name, VOLUME_FILE);
    RtlFillMemory(&Information, sizeof(Information), 0xcc);
    EXPECT_EQUAL(ZwQueryFullAttributesFile(&Object, &Information), STATUS_SUCCESS);
    EXPECT_EQUAL(Information.EndOfFile.QuadPart, 7);
    EXPECT(Information.AllocationSize.QuadPart >= 7);
    EXPECT(!(Information.FileAttributes & FILE_ATTRIBUTE_DIRECTORY));
    EXPECT(Information.CreationTime.QuadPart > 0 &&
           Information.LastWriteTime.QuadPart >= Information.CreationTime.QuadPart);
    MfsTestDelete(VOLUME_FILE);
    EXPECT_EQUAL((ULONG)ZwQueryFullAttributesFile(&Object, &Information),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    Attributes(&Object, &Name, L"\\??\\C:\\Windows");
    EXPECT_EQUAL(ZwQueryFullAttributesFile(&Object, &Information), STATUS_SUCCESS);
    EXPECT(Information.FileAttributes & FILE_ATTRIBUTE_DIRECTORY);
}

GUEST_TEST(io_sizes_and_origins_of_files)
{
    LARGE_INTEGER Size = {.QuadPart = -1};
    HANDLE Handle, Directory;

    MfsTestWriteWhole(VOLUME_FILE, "seven b", 7);
    EXPECT_EQUAL(MfsTestCreate(VOLUME_FILE, MFS_TEST_ACCESS, FILE_OPEN, 0, &Handle),
                 STATUS_SUCCESS);
    PFILE_OBJECT File = FileOf(Handle);
    EXPECT_EQUAL(FsRtlGetFileSize(File, &Size), STATUS_SUCCESS);
    EXPECT_EQUAL(Size.QuadPart, 7);
    EXPECT(!FsRtlIsPagingFile(File));
    EXPECT(!IoIsFileOriginRemote(File));
    File->Flags |= FO_REMOTE_ORIGIN;
    EXPECT(IoIsFileOriginRemote(File));
    File->Flags &= ~(ULONG)FO_REMOTE_ORIGIN;
    EXPECT(!IoIsFileObjectIgnoringSharing(File));
    ObDereferenceObject(File);
    ZwClose(Handle);

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\Windows", FILE_READ_ATTRIBUTES, FILE_OPEN,
                               FILE_DIRECTORY_FILE, &Directory),
                 STATUS_SUCCESS);
    File = FileOf(Directory);
    EXPECT_EQUAL((ULONG)FsRtlGetFileSize(File, &Size), (ULONG)STATUS_FILE_IS_A_DIRECTORY);
    ObDereferenceObject(File);
    ZwClose(Directory);
    MfsTestDelete(VOLUME_FILE);
}

/* IO_IGNORE_SHARE_ACCESS_CHECK: the open is not refused, nor are those that follow. */
GUEST_TEST(io_open_that_ignores_sharing)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Exclusive, Ignoring = NULL;

    MfsTestWriteWhole(VOLUME_FILE, "x", 1);
    MfsTestShare = 0;
    EXPECT_EQUAL(MfsTestCreate(VOLUME_FILE, MFS_TEST_ACCESS, FILE_OPEN, 0, &Exclusive),
                 STATUS_SUCCESS);
    MfsTestShare = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    Attributes(&Object, &Name, VOLUME_FILE);
    EXPECT_EQUAL((ULONG)IoCreateFile(&Ignoring, FILE_READ_DATA | SYNCHRONIZE, &Object, &IoStatus,
                                     NULL, 0, FILE_SHARE_READ, FILE_OPEN,
                                     FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0, 0, NULL,
                                     0),
                 (ULONG)STATUS_SHARING_VIOLATION);
    EXPECT_EQUAL(IoCreateFile(&Ignoring, FILE_READ_DATA | SYNCHRONIZE, &Object, &IoStatus, NULL, 0,
                              FILE_SHARE_READ, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0,
                              0, NULL, IO_IGNORE_SHARE_ACCESS_CHECK),
                 STATUS_SUCCESS);
    PFILE_OBJECT File = FileOf(Ignoring);
    EXPECT(IoIsFileObjectIgnoringSharing(File));
    ObDereferenceObject(File);
    ZwClose(Ignoring);
    ZwClose(Exclusive);
    MfsTestDelete(VOLUME_FILE);
}

GUEST_TEST(io_expected_statuses)
{
    static const NTSTATUS Defects[] = {STATUS_ACCESS_VIOLATION, STATUS_DATATYPE_MISALIGNMENT,
                                       STATUS_ILLEGAL_INSTRUCTION, STATUS_INSTRUCTION_MISALIGNMENT};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Defects); i++) {
        EXPECT(!FsRtlIsNtstatusExpected(Defects[i]));
    }
    EXPECT(FsRtlIsNtstatusExpected(STATUS_INSUFFICIENT_RESOURCES));
    EXPECT(FsRtlIsNtstatusExpected(STATUS_IN_PAGE_ERROR));
}

GUEST_TEST(io_name_of_a_file_object_is_replaced)
{
    FILE_OBJECT File = {0};
    WCHAR Long[40];

    for (ULONG i = 0; i < RTL_NUMBER_OF(Long); i++) {
        Long[i] = L'x';
    }
    EXPECT_EQUAL(IoReplaceFileObjectName(&File, L"\\ab", 6), STATUS_SUCCESS);
    EXPECT(File.FileName.Length == 6 && RtlEqualMemory(File.FileName.Buffer, L"\\ab", 6));
    EXPECT_EQUAL(IoReplaceFileObjectName(&File, Long, sizeof(Long)), STATUS_SUCCESS);
    EXPECT(File.FileName.Length == sizeof(Long) && File.FileName.MaximumLength >= sizeof(Long));
    PWCHAR Buffer = File.FileName.Buffer;
    EXPECT_EQUAL(IoReplaceFileObjectName(&File, L"\\", 2), STATUS_SUCCESS);
    EXPECT(File.FileName.Length == 2 && File.FileName.Buffer == Buffer); /* it is large enough */
    EXPECT_EQUAL((ULONG)IoReplaceFileObjectName(&File, L"\\", 1), (ULONG)STATUS_INVALID_PARAMETER);
    ExFreePool(File.FileName.Buffer);
}

GUEST_TEST(io_volumes_have_drive_letters)
{
    UNICODE_STRING Letter = {0};
    HANDLE Handle;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\Windows", FILE_READ_ATTRIBUTES, FILE_OPEN,
                               FILE_DIRECTORY_FILE, &Handle),
                 STATUS_SUCCESS);
    PFILE_OBJECT File = FileOf(Handle);
    EXPECT_EQUAL(RtlVolumeDeviceToDosName(File->DeviceObject, &Letter), STATUS_SUCCESS);
    EXPECT(Letter.Length == 4 && RtlEqualMemory(Letter.Buffer, L"C:", 4));
    ExFreePool(Letter.Buffer);
    ObDereferenceObject(File);
    ZwClose(Handle);
    if (IoTestLoad(0, FALSE)) {
        EXPECT(!NT_SUCCESS(RtlVolumeDeviceToDosName(IoTest.Device, &Letter)));
        IoTestUnload();
    }
}

GUEST_TEST(io_generic_rights_of_files)
{
    PGENERIC_MAPPING Mapping = IoGetFileObjectGenericMapping();

    EXPECT_EQUAL(Mapping->GenericRead, FILE_GENERIC_READ);
    EXPECT_EQUAL(Mapping->GenericWrite, FILE_GENERIC_WRITE);
    EXPECT_EQUAL(Mapping->GenericExecute, FILE_GENERIC_EXECUTE);
    EXPECT_EQUAL(Mapping->GenericAll, FILE_ALL_ACCESS);
}
