/* SPDX-License-Identifier: MIT */
/* Directories: queries by pattern and in pieces, renames, deletion, names that are asked back. */
#include "mfs_test.h"

#define FOLDER L"\\??\\C:\\listing"
#define ENTRIES 40u

static HANDLE MakeFolder(PCWSTR Path)
{
    HANDLE Folder = NULL;
    EXPECT_EQUAL(MfsTestCreate(Path, FILE_LIST_DIRECTORY | DELETE, FILE_CREATE,
                               FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, &Folder),
                 STATUS_SUCCESS);
    return Folder;
}

static NTSTATUS Query(HANDLE Folder, PVOID Buffer, ULONG Length, FILE_INFORMATION_CLASS Class,
                      BOOLEAN Single, PCWSTR Pattern, BOOLEAN Restart, PULONG_PTR Information)
{
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Pattern);
    NTSTATUS Status = ZwQueryDirectoryFile(Folder, NULL, NULL, NULL, &IoStatus, Buffer, Length,
                                           Class, Single, Pattern != NULL ? &Name : NULL, Restart);
    *Information = IoStatus.Information;
    return Status;
}

static BOOLEAN NameIs(PCWSTR Text, PCWCH Name, ULONG Bytes)
{
    return wcslen(Text) * sizeof(WCHAR) == Bytes && RtlEqualMemory(Text, Name, Bytes);
}

/* Number as three digits behind "f". */
static VOID EntryName(WCHAR Name[5], ULONG Number)
{
    Name[0] = L'f';
    Name[1] = (WCHAR)(L'0' + Number / 100);
    Name[2] = (WCHAR)(L'0' + Number / 10 % 10);
    Name[3] = (WCHAR)(L'0' + Number % 10);
    Name[4] = 0;
}

GUEST_TEST(mfs_directory_in_pieces)
{
    WCHAR Name[5];
    ULONG Found = 0;
    ULONG_PTR Bytes;
    NTSTATUS Status;
    HANDLE Folder = MakeFolder(FOLDER), File;
    DECLSPEC_ALIGN(8) UCHAR Buffer[300];

    for (ULONG i = ENTRIES; i != 0; i--) {
        EntryName(Name, i - 1);
        EXPECT_EQUAL(MfsTestCreateIn(Folder, Name, FILE_WRITE_DATA, FILE_CREATE, 0, &File),
                     STATUS_SUCCESS);
        ZwClose(File);
    }
    for (;;) {
        Status = Query(Folder, Buffer, sizeof(Buffer), FileBothDirectoryInformation, FALSE, L"f*",
                       FALSE, &Bytes);
        if (Status != STATUS_SUCCESS) {
            break;
        }
        PFILE_BOTH_DIR_INFORMATION Entry = (PFILE_BOTH_DIR_INFORMATION)Buffer;
        for (;;) {
            EntryName(Name, Found++);
            EXPECT(NameIs(Name, Entry->FileName, Entry->FileNameLength));
            EXPECT_EQUAL(Entry->FileAttributes, FILE_ATTRIBUTE_ARCHIVE);
            EXPECT((PUCHAR)Entry + 94 + Entry->FileNameLength <= Buffer + Bytes);
            if (Entry->NextEntryOffset == 0) {
                break;
            }
            EXPECT_EQUAL(Entry->NextEntryOffset % 8, 0);
            Entry = (PVOID)((PUCHAR)Entry + Entry->NextEntryOffset);
        }
    }
    EXPECT_EQUAL((ULONG)Status, (ULONG)STATUS_NO_MORE_FILES);
    EXPECT_EQUAL(Found, ENTRIES);
    for (ULONG i = 0; i < ENTRIES; i++) {
        EntryName(Name, i);
        EXPECT_EQUAL(MfsTestCreateIn(Folder, Name, DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE, &File),
                     STATUS_SUCCESS);
        ZwClose(File);
    }
    ZwClose(Folder);
    EXPECT_EQUAL(MfsTestDelete(FOLDER), STATUS_SUCCESS);
}

GUEST_TEST(mfs_directory_patterns_restart_and_statuses)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[256];
    PFILE_NAMES_INFORMATION Names = (PFILE_NAMES_INFORMATION)Buffer;
    ULONG_PTR Bytes;
    HANDLE Folder = MakeFolder(FOLDER), Again;

    MfsTestWriteWhole(FOLDER L"\\one.txt", "1", 1);
    MfsTestWriteWhole(FOLDER L"\\two.sys", "22", 2);
    /* "." and ".." come first, one at a time; the pattern of the first query stays. */
    EXPECT_EQUAL(Query(Folder, Buffer, sizeof(Buffer), FileNamesInformation, TRUE, NULL, FALSE,
                       &Bytes),
                 STATUS_SUCCESS);
    EXPECT(NameIs(L".", Names->FileName, Names->FileNameLength));
    EXPECT_EQUAL(Query(Folder, Buffer, sizeof(Buffer), FileNamesInformation, TRUE, L"*.sys", FALSE,
                       &Bytes),
                 STATUS_SUCCESS);
    EXPECT(NameIs(L"..", Names->FileName, Names->FileNameLength));
    EXPECT_EQUAL(Query(Folder, Buffer, sizeof(Buffer), FileNamesInformation, TRUE, NULL, TRUE,
                       &Bytes),
                 STATUS_SUCCESS);
    EXPECT(NameIs(L".", Names->FileName, Names->FileNameLength));
    ZwClose(Folder);

    EXPECT_EQUAL(MfsTestCreate(FOLDER, FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE,
                               &Again),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Query(Again, Buffer, 8, FileNamesInformation, TRUE, L"*.SYS", FALSE,
                              &Bytes),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQUAL((ULONG)Query(Again, Buffer, sizeof(Buffer), FileBasicInformation, TRUE, NULL,
                              FALSE, &Bytes),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    /* Part of a name: as much as fits, and its whole length. */
    EXPECT_EQUAL((ULONG)Query(Again, Buffer, 16, FileNamesInformation, TRUE, L"*.SYS", FALSE,
                              &Bytes),
                 (ULONG)STATUS_BUFFER_OVERFLOW);
    EXPECT_EQUAL(Names->FileNameLength, 14);
    EXPECT_EQUAL(Bytes, 16);
    EXPECT_EQUAL((ULONG)Query(Again, Buffer, sizeof(Buffer), FileNamesInformation, TRUE, NULL,
                              FALSE, &Bytes),
                 (ULONG)STATUS_NO_MORE_FILES);
    ZwClose(Again);
    EXPECT_EQUAL(MfsTestCreate(FOLDER, FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE,
                               &Again),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Query(Again, Buffer, sizeof(Buffer), FileNamesInformation, TRUE, L"*.doc",
                              FALSE, &Bytes),
                 (ULONG)STATUS_NO_SUCH_FILE);
    ZwClose(Again);
    EXPECT_EQUAL((ULONG)MfsTestDelete(FOLDER), (ULONG)STATUS_DIRECTORY_NOT_EMPTY);
    EXPECT_EQUAL(MfsTestDelete(FOLDER L"\\one.txt"), STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestDelete(FOLDER L"\\two.sys"), STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestDelete(FOLDER), STATUS_SUCCESS);
}

static NTSTATUS Rename(HANDLE File, PCWSTR Name, BOOLEAN Replace)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[200] = {0};
    PFILE_RENAME_INFORMATION Information = (PFILE_RENAME_INFORMATION)Buffer;
    IO_STATUS_BLOCK IoStatus;
    Information->ReplaceIfExists = Replace;
    Information->FileNameLength = (ULONG)(wcslen(Name) * sizeof(WCHAR));
    RtlCopyMemory(Information->FileName, Name, Information->FileNameLength);
    return ZwSetInformationFile(File, &IoStatus, Information, sizeof(Buffer),
                                FileRenameInformation);
}

static VOID ExpectName(HANDLE Handle, PCWSTR Full, PCWSTR InVolume)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[512];
    PFILE_NAME_INFORMATION Name = (PFILE_NAME_INFORMATION)Buffer;
    POBJECT_NAME_INFORMATION ObjectName = (POBJECT_NAME_INFORMATION)Buffer;
    IO_STATUS_BLOCK IoStatus;
    PVOID Object;
    ULONG Length;

    EXPECT_EQUAL(ZwQueryInformationFile(Handle, &IoStatus, Buffer, sizeof(Buffer),
                                        FileNameInformation),
                 STATUS_SUCCESS);
    EXPECT(NameIs(InVolume, Name->FileName, Name->FileNameLength));
    EXPECT_EQUAL(IoStatus.Information, 4 + Name->FileNameLength);
    EXPECT_EQUAL((ULONG)ZwQueryInformationFile(Handle, &IoStatus, Buffer, 8, FileNameInformation),
                 (ULONG)STATUS_BUFFER_OVERFLOW);
    EXPECT_EQUAL(Name->FileNameLength, wcslen(InVolume) * sizeof(WCHAR));
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, IoFileObjectType, KernelMode, &Object, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObQueryNameString(Object, ObjectName, sizeof(Buffer), &Length), STATUS_SUCCESS);
    EXPECT(NameIs(Full, ObjectName->Name.Buffer, ObjectName->Name.Length));
    POBJECT_NAME_INFORMATION Dos;
    EXPECT_EQUAL(IoQueryFileDosDeviceName(Object, &Dos), STATUS_SUCCESS);
    EXPECT(NameIs(L"C:", Dos->Name.Buffer, 4));
    EXPECT(NameIs(InVolume, Dos->Name.Buffer + 2, Dos->Name.Length - 4u));
    ExFreePool(Dos);
    ObDereferenceObject(Object);
}

GUEST_TEST(mfs_rename_in_and_between_directories)
{
    HANDLE Folder = MakeFolder(FOLDER), File, Open;

    EXPECT_EQUAL(MfsTestCreateIn(Folder, L"old", MFS_TEST_ACCESS, FILE_CREATE, 0, &File),
                 STATUS_SUCCESS);
    ExpectName(File, L"\\Device\\HarddiskVolume1\\listing\\old", L"\\listing\\old");
    EXPECT_EQUAL(Rename(File, L"New", FALSE), STATUS_SUCCESS);
    EXPECT_EQUAL(Rename(File, L"NEW", FALSE), STATUS_SUCCESS); /* another case of its own name */
    ExpectName(File, L"\\Device\\HarddiskVolume1\\listing\\NEW", L"\\listing\\NEW");
    EXPECT_EQUAL((ULONG)Rename(Folder, L"other", FALSE), (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(Rename(File, L"\\??\\C:\\Windows\\Temp\\moved", FALSE), STATUS_SUCCESS);
    ExpectName(File, L"\\Device\\HarddiskVolume1\\Windows\\Temp\\moved",
               L"\\Windows\\Temp\\moved");
    MfsTestWriteWhole(FOLDER L"\\there", "x", 1);
    EXPECT_EQUAL((ULONG)Rename(File, FOLDER L"\\there", FALSE),
                 (ULONG)STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQUAL(MfsTestCreate(FOLDER L"\\there", FILE_READ_DATA, FILE_OPEN, 0, &Open),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Rename(File, FOLDER L"\\there", TRUE), (ULONG)STATUS_ACCESS_DENIED);
    ZwClose(Open);
    EXPECT_EQUAL(Rename(File, FOLDER L"\\there", TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Rename(File, L"a*b", FALSE), (ULONG)STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQUAL((ULONG)Rename(File, L"\\??\\C:\\nowhere\\x", FALSE),
                 (ULONG)STATUS_OBJECT_PATH_NOT_FOUND);
    EXPECT_EQUAL((ULONG)Rename(Folder, FOLDER L"\\inside", FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    ZwClose(File);
    EXPECT_EQUAL(Rename(Folder, L"other", FALSE), STATUS_SUCCESS);
    ZwClose(Folder);
    EXPECT_EQUAL(MfsTestDelete(L"\\??\\C:\\other\\there"), STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestDelete(L"\\??\\C:\\other"), STATUS_SUCCESS);
}

GUEST_TEST(mfs_information_classes)
{
    static const struct {
        FILE_INFORMATION_CLASS Class;
        ULONG Length;
    } Classes[] = {
        {FileBasicInformation, sizeof(FILE_BASIC_INFORMATION)},
        {FileStandardInformation, sizeof(FILE_STANDARD_INFORMATION)},
        {FileInternalInformation, sizeof(FILE_INTERNAL_INFORMATION)},
        {FileEaInformation, sizeof(FILE_EA_INFORMATION)},
        {FileAccessInformation, sizeof(FILE_ACCESS_INFORMATION)},
        {FilePositionInformation, sizeof(FILE_POSITION_INFORMATION)},
        {FileModeInformation, sizeof(FILE_MODE_INFORMATION)},
        {FileAlignmentInformation, sizeof(FILE_ALIGNMENT_INFORMATION)},
        {FileNetworkOpenInformation, sizeof(FILE_NETWORK_OPEN_INFORMATION)},
        {FileAttributeTagInformation, sizeof(FILE_ATTRIBUTE_TAG_INFORMATION)},
    };
    DECLSPEC_ALIGN(8) UCHAR Buffer[256];
    IO_STATUS_BLOCK IoStatus;
    HANDLE File;

    EXPECT_EQUAL(MfsTestCreate(L"\\SystemRoot\\System32\\ntoskrnl.exe",
                               FILE_READ_DATA | FILE_READ_ATTRIBUTES, FILE_OPEN,
                               FILE_SYNCHRONOUS_IO_NONALERT, &File),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Classes); i++) {
        EXPECT_EQUAL(ZwQueryInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                            Classes[i].Class),
                     STATUS_SUCCESS);
        EXPECT_EQUAL(IoStatus.Information, Classes[i].Length);
        EXPECT_EQUAL((ULONG)ZwQueryInformationFile(File, &IoStatus, Buffer, Classes[i].Length - 1,
                                                   Classes[i].Class),
                     (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    }
    EXPECT_EQUAL(ZwQueryInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                        FileAllInformation),
                 STATUS_SUCCESS);
    PFILE_ALL_INFORMATION All = (PFILE_ALL_INFORMATION)Buffer;
    EXPECT_EQUAL(All->AccessInformation.AccessFlags,
                 FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE);
    EXPECT_EQUAL(All->ModeInformation.Mode, FILE_SYNCHRONOUS_IO_NONALERT);
    EXPECT(NameIs(L"\\Windows\\System32\\ntoskrnl.exe", All->NameInformation.FileName,
                  All->NameInformation.FileNameLength));
    EXPECT_EQUAL((ULONG)ZwQueryInformationFile(File, &IoStatus, Buffer, sizeof(Buffer), 0),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    EXPECT_EQUAL((ULONG)ZwQueryInformationFile(File, &IoStatus, Buffer, sizeof(Buffer), 5000),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    EXPECT_EQUAL((ULONG)ZwSetInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                             FileNameInformation),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    /* The kernel's own image, as it was loaded. */
    LARGE_INTEGER Start = {.QuadPart = 0};
    EXPECT_EQUAL(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, 2, &Start, NULL),
                 STATUS_SUCCESS);
    EXPECT(Buffer[0] == 'M' && Buffer[1] == 'Z');
    ZwClose(File);
}

GUEST_TEST(mfs_volume_information)
{
    DECLSPEC_ALIGN(8) UCHAR Buffer[128];
    PFILE_FS_ATTRIBUTE_INFORMATION Attribute = (PFILE_FS_ATTRIBUTE_INFORMATION)Buffer;
    PFILE_FS_FULL_SIZE_INFORMATION Full = (PFILE_FS_FULL_SIZE_INFORMATION)Buffer;
    IO_STATUS_BLOCK IoStatus;
    UNICODE_STRING Dos;
    PFILE_OBJECT Object;
    PDEVICE_OBJECT Disk;
    HANDLE File;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\Windows", FILE_READ_ATTRIBUTES, FILE_OPEN, 0, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwQueryVolumeInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                              FileFsAttributeInformation),
                 STATUS_SUCCESS);
    EXPECT(NameIs(L"MFS", Attribute->FileSystemName, Attribute->FileSystemNameLength));
    EXPECT_EQUAL((ULONG)ZwQueryVolumeInformationFile(File, &IoStatus, Buffer, 16,
                                                     FileFsAttributeInformation),
                 (ULONG)STATUS_BUFFER_OVERFLOW);
    EXPECT_EQUAL((ULONG)ZwQueryVolumeInformationFile(File, &IoStatus, Buffer, 3,
                                                     FileFsSizeInformation),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(ZwQueryVolumeInformationFile(File, &IoStatus, Buffer, sizeof(Buffer),
                                              FileFsFullSizeInformation),
                 STATUS_SUCCESS);
    EXPECT(Full->ActualAvailableAllocationUnits.QuadPart <= Full->TotalAllocationUnits.QuadPart);
    EXPECT_EQUAL(ObReferenceObjectByHandle(File, 0, IoFileObjectType, KernelMode,
                                           (PVOID *)&Object, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoVolumeDeviceToDosName(Object->DeviceObject, &Dos), STATUS_SUCCESS);
    EXPECT(NameIs(L"C:", Dos.Buffer, Dos.Length));
    ExFreePool(Dos.Buffer);
    PDEVICE_OBJECT Volume = IoGetBaseFileSystemDeviceObject(Object);
    EXPECT_EQUAL(Volume->DeviceType, FILE_DEVICE_DISK_FILE_SYSTEM);
    EXPECT_EQUAL(IoGetDiskDeviceObject(Volume, &Disk), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Disk, (ULONG_PTR)Object->DeviceObject);
    EXPECT_EQUAL((ULONG)IoGetDiskDeviceObject(Disk, &Disk), (ULONG)STATUS_INVALID_PARAMETER);
    ObDereferenceObject(Disk);
    EXPECT_EQUAL((ULONG)IoVolumeDeviceToDosName(Volume, &Dos), (ULONG)STATUS_INVALID_PARAMETER);
    ObDereferenceObject(Object);
    ZwClose(File);
}
