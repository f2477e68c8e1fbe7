/* SPDX-License-Identifier: MIT */
#include "mfs_test.h"

ULONG MfsTestShare = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
ULONG_PTR MfsTestInformation;

NTSTATUS MfsTestCreateIn(HANDLE Root, PCWSTR Path, ACCESS_MASK Access, ULONG Disposition,
                         ULONG Options, PHANDLE File)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root,
                               NULL);
    if (Options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) {
        Access |= SYNCHRONIZE;
    }
    NTSTATUS Status = ZwCreateFile(File, Access, &Attributes, &IoStatus, NULL,
                                   FILE_ATTRIBUTE_NORMAL, MfsTestShare, Disposition, Options, NULL,
                                   0);
    MfsTestInformation = IoStatus.Information;
    return Status;
}

NTSTATUS MfsTestCreate(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options,
                       PHANDLE File)
{
    return MfsTestCreateIn(NULL, Path, Access, Disposition, Options, File);
}

VOID MfsTestWriteWhole(PCWSTR Path, PCSTR Text, ULONG Length)
{
    HANDLE File;
    IO_STATUS_BLOCK IoStatus;
    NTSTATUS Status = MfsTestCreate(Path, FILE_WRITE_DATA, FILE_OVERWRITE_IF,
                                    FILE_SYNCHRONOUS_IO_NONALERT, &File);
    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    if (NT_SUCCESS(Status)) {
        EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, (PVOID)Text, Length, NULL,
                                 NULL),
                     STATUS_SUCCESS);
        EXPECT_EQUAL(IoStatus.Information, Length);
        ZwClose(File);
    }
}

ULONG64 MfsTestSize(HANDLE File)
{
    FILE_STANDARD_INFORMATION Standard = {.EndOfFile = {.QuadPart = -1}};
    IO_STATUS_BLOCK IoStatus;
    EXPECT_EQUAL(ZwQueryInformationFile(File, &IoStatus, &Standard, sizeof(Standard),
                                        FileStandardInformation),
                 STATUS_SUCCESS);
    EXPECT(Standard.AllocationSize.QuadPart >= Standard.EndOfFile.QuadPart);
    return (ULONG64)Standard.EndOfFile.QuadPart;
}

NTSTATUS MfsTestDelete(PCWSTR Path)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ZwDeleteFile(&Attributes);
}

#define MFS_TEST_TAG 'tsfM'
#define MFS_TEST_ENTRY (sizeof(FILE_DIRECTORY_INFORMATION) + 256 * sizeof(WCHAR))

static VOID MfsTestEmptyDirectory(HANDLE Directory, BOOLEAN Root);

/* FALSE: it is still there. */
static BOOLEAN MfsTestDeleteEntry(HANDLE Directory, const FILE_DIRECTORY_INFORMATION *Entry)
{
    UNICODE_STRING Name = {(USHORT)Entry->FileNameLength, (USHORT)Entry->FileNameLength,
                           (PWCHAR)Entry->FileName};
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = FILE_ATTRIBUTE_NORMAL};
    FILE_DISPOSITION_INFORMATION Delete = {TRUE};
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE File;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, Directory, NULL);
    NTSTATUS Status = ZwOpenFile(&File, DELETE | FILE_LIST_DIRECTORY | FILE_WRITE_ATTRIBUTES |
                                            SYNCHRONIZE,
                                 &Attributes, &IoStatus, FILE_SHARE_READ,
                                 FILE_SYNCHRONOUS_IO_NONALERT);
    if (NT_SUCCESS(Status)) {
        if (Entry->FileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
            MfsTestEmptyDirectory(File, FALSE);
        }
        ZwSetInformationFile(File, &IoStatus, &Basic, sizeof(Basic), FileBasicInformation);
        Status = ZwSetInformationFile(File, &IoStatus, &Delete, sizeof(Delete),
                                      FileDispositionInformation);
        ZwClose(File);
    }
    EXPECT_EQUAL((ULONG)Status, STATUS_SUCCESS);
    return NT_SUCCESS(Status);
}

/* What a directory has of itself, and the root of Windows' folders. */
static BOOLEAN MfsTestStays(const FILE_DIRECTORY_INFORMATION *Entry, BOOLEAN Root)
{
    static const PCWSTR Names[] = {L".", L"..", L"Windows", L"Users", L"Program Files"};
    ULONG Characters = Entry->FileNameLength / sizeof(WCHAR);
    for (ULONG i = 0; i < (Root ? RTL_NUMBER_OF(Names) : 2); i++) {
        if (wcslen(Names[i]) == Characters &&
            _wcsnicmp(Names[i], Entry->FileName, Characters) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

static VOID MfsTestEmptyDirectory(HANDLE Directory, BOOLEAN Root)
{
    PFILE_DIRECTORY_INFORMATION Entry =
        ExAllocatePoolWithTag(PagedPool, MFS_TEST_ENTRY, MFS_TEST_TAG);
    IO_STATUS_BLOCK IoStatus;
    BOOLEAN First = TRUE;

    while (Entry != NULL &&
           NT_SUCCESS(ZwQueryDirectoryFile(Directory, NULL, NULL, NULL, &IoStatus, Entry,
                                           MFS_TEST_ENTRY, FileDirectoryInformation, TRUE, NULL,
                                           First))) {
        BOOLEAN Stays = MfsTestStays(Entry, Root);
        if (!Stays && !MfsTestDeleteEntry(Directory, Entry)) {
            break;
        }
        First = !Stays; /* what is left has moved up */
    }
    ExFreePoolWithTag(Entry, MFS_TEST_TAG);
}

VOID MfsTestEmptyVolume(VOID)
{
    HANDLE Root;
    NTSTATUS Status = MfsTestCreate(L"\\DosDevices\\C:\\", FILE_LIST_DIRECTORY, FILE_OPEN,
                                    FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, &Root);
    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    if (NT_SUCCESS(Status)) {
        MfsTestEmptyDirectory(Root, TRUE);
        ZwClose(Root);
    }
}
