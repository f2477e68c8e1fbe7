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
