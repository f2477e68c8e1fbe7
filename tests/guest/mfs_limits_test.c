/* SPDX-License-Identifier: MIT */
/*
 * The volume at its limits: what a request asks that the services do not let through but a driver's
 * own packet may, what is refused whole and not in part, names and directories at their bounds.
 */
#include "mfs_test.h"

#include "mfs/mfs.h"

/* A packet that a driver has built, to the stack of File, and waited for. */
static NTSTATUS Transfer(HANDLE File, ULONG Major, PVOID Buffer, ULONG Length, LONGLONG At,
                         PULONG_PTR Information)
{
    LARGE_INTEGER Offset = {.QuadPart = At};
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    PFILE_OBJECT Object;
    KEVENT Event;

    EXPECT_EQUAL(ObReferenceObjectByHandle(File, 0, IoFileObjectType, KernelMode,
                                           (PVOID *)&Object, NULL),
                 STATUS_SUCCESS);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(Major, IoGetRelatedDeviceObject(Object), Buffer,
                                            Length, &Offset, &Event, &IoStatus);
    EXPECT(Irp != NULL);
    IoGetNextIrpStackLocation(Irp)->FileObject = Object;
    if (IofCallDriver(IoGetRelatedDeviceObject(Object), Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    ObDereferenceObject(Object);
    *Information = IoStatus.Information;
    return IoStatus.Status;
}

/* An offset below 0 is none, whatever the length would make of it. */
GUEST_TEST(mfs_packets_with_offsets_below_zero)
{
    static const LONGLONG Bad[] = {-16, -3, -4096, INT64_MIN, INT64_MIN + 1};
    CHAR Text[32] = "0123456789abcdef0123456789abcde";
    ULONG_PTR Information;
    HANDLE File;

    MfsTestWriteWhole(L"\\??\\C:\\below", "whole", 5);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\below", MFS_TEST_ACCESS, FILE_OPEN,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_WRITE, Text, sizeof(Text), Bad[i], &Information),
                     (ULONG)STATUS_INVALID_PARAMETER);
        EXPECT_EQUAL(Information, 0);
        EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_READ, Text, sizeof(Text), Bad[i], &Information),
                     (ULONG)STATUS_INVALID_PARAMETER);
    }
    EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_WRITE, Text, sizeof(Text), INT64_MAX, &Information),
                 (ULONG)STATUS_INVALID_PARAMETER); /* its end is behind the largest offset */
    EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_READ, Text, sizeof(Text), INT64_MAX, &Information),
                 (ULONG)STATUS_END_OF_FILE);
    EXPECT_EQUAL(MfsTestSize(File), 5);
    EXPECT_EQUAL(Transfer(File, IRP_MJ_READ, Text, sizeof(Text), 0, &Information),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Information, 5);
    EXPECT(RtlEqualMemory(Text, "whole", 5));
    ZwClose(File);
}

static NTSTATUS SetBasic(HANDLE File, const FILE_BASIC_INFORMATION *Basic)
{
    IO_STATUS_BLOCK IoStatus;
    return ZwSetInformationFile(File, &IoStatus, (PVOID)Basic, sizeof(*Basic),
                                FileBasicInformation);
}

static FILE_BASIC_INFORMATION QueryBasic(HANDLE File)
{
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = 0};
    IO_STATUS_BLOCK IoStatus;
    EXPECT_EQUAL(ZwQueryInformationFile(File, &IoStatus, &Basic, sizeof(Basic),
                                        FileBasicInformation),
                 STATUS_SUCCESS);
    return Basic;
}

/* One bad value, and none of the others is taken. */
GUEST_TEST(mfs_basic_information_is_set_whole_or_not)
{
    static const LARGE_INTEGER Good = {.QuadPart = 0x1234567}, Bad = {.QuadPart = -3};
    const FILE_BASIC_INFORMATION Cases[] = {
        {.CreationTime = Good, .LastWriteTime = Bad},
        {.CreationTime = Good, .LastAccessTime = Good, .LastWriteTime = Good, .ChangeTime = Bad},
        {.CreationTime = Good, .FileAttributes = FILE_ATTRIBUTE_DIRECTORY},
        {.CreationTime = Good, .FileAttributes = 0x80000000},
    };
    HANDLE File;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\basic",
                               MFS_TEST_ACCESS | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
                               FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE,
                               &File),
                 STATUS_SUCCESS);
    FILE_BASIC_INFORMATION Before = QueryBasic(File);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        EXPECT_EQUAL((ULONG)SetBasic(File, &Cases[i]), (ULONG)STATUS_INVALID_PARAMETER);
        FILE_BASIC_INFORMATION After = QueryBasic(File);
        EXPECT(RtlEqualMemory(&After, &Before, sizeof(Before)));
    }
    FILE_BASIC_INFORMATION All = {Good, Good, Good, Good, FILE_ATTRIBUTE_HIDDEN};
    EXPECT_EQUAL(SetBasic(File, &All), STATUS_SUCCESS);
    Before = QueryBasic(File);
    EXPECT(RtlEqualMemory(&All, &Before, sizeof(All)));
    ZwClose(File);
}

static NTSTATUS Rename(HANDLE File, HANDLE Directory, PCWSTR Name)
{
    UCHAR Room[sizeof(FILE_RENAME_INFORMATION) + 64 * sizeof(WCHAR)] = {0};
    PFILE_RENAME_INFORMATION Information = (PFILE_RENAME_INFORMATION)Room;
    IO_STATUS_BLOCK IoStatus;

    Information->RootDirectory = Directory;
    Information->FileNameLength = (ULONG)(wcslen(Name) * sizeof(WCHAR));
    RtlCopyMemory(Information->FileName, Name, Information->FileNameLength);
    return ZwSetInformationFile(File, &IoStatus, Information, sizeof(Room), FileRenameInformation);
}

/* Opens it if it is there. */
static HANDLE MakeDirectory(HANDLE Root, PCWSTR Name, NTSTATUS Expected)
{
    HANDLE Directory = NULL;
    EXPECT_EQUAL((ULONG)MfsTestCreateIn(Root, Name, FILE_LIST_DIRECTORY | DELETE, FILE_OPEN_IF,
                                        FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT,
                                        &Directory),
                 (ULONG)Expected);
    return NT_SUCCESS(Expected) ? Directory : NULL;
}

#define CHAIN_CHARACTERS (16 + 2 * MFS_DEPTH)

/* Levels directories, each in the one before. Path becomes the last one's. */
static VOID MakeChain(PUNICODE_STRING Path, PCWSTR First, ULONG Levels)
{
    HANDLE Here;
    Path->Length = 0;
    RtlAppendUnicodeToString(Path, First);
    for (ULONG i = 0; i < Levels; i++) {
        Path->Buffer[Path->Length / sizeof(WCHAR)] = 0;
        Here = MakeDirectory(NULL, Path->Buffer, STATUS_SUCCESS);
        ZwClose(Here);
        if (i != Levels - 1) {
            RtlAppendUnicodeToString(Path, L"\\d");
        }
    }
}

/* From the end of Path on, each directory, until the one directly below the volume's root. */
static VOID DeleteChain(PUNICODE_STRING Path)
{
    ULONG Characters = Path->Length / sizeof(WCHAR);
    while (Characters > RTL_NUMBER_OF(L"\\??\\C:\\") - 1) {
        Path->Buffer[Characters] = 0;
        EXPECT_EQUAL((ULONG)MfsTestDelete(Path->Buffer), STATUS_SUCCESS);
        while (Path->Buffer[--Characters] != L'\\') {
        }
    }
}

/* A directory that is moved takes what is in it along, which the limit counts too. */
GUEST_TEST(mfs_depth_is_bounded_after_a_move)
{
    const ULONG Half = MFS_DEPTH / 2;
    UNICODE_STRING Path, Deep;
    HANDLE Directory, Target;

    RtlInitEmptyUnicodeString(
        &Path, ExAllocatePoolWithTag(PagedPool, 2 * CHAIN_CHARACTERS * sizeof(WCHAR), 'tsfM'),
        CHAIN_CHARACTERS * sizeof(WCHAR));
    RtlInitEmptyUnicodeString(&Deep, Path.Buffer + CHAIN_CHARACTERS,
                              CHAIN_CHARACTERS * sizeof(WCHAR));
    MakeChain(&Path, L"\\??\\C:\\m", Half + 1);
    MakeChain(&Deep, L"\\??\\C:\\t", Half);
    Target = MakeDirectory(NULL, Deep.Buffer, STATUS_SUCCESS);
    Directory = MakeDirectory(NULL, L"\\??\\C:\\m", STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Rename(Directory, Target, L"d"), (ULONG)STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQUAL(Rename(Directory, NULL, L"n"), STATUS_SUCCESS); /* it is where it was */
    EXPECT_EQUAL(Rename(Directory, NULL, L"m"), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)MfsTestDelete(Path.Buffer), STATUS_SUCCESS); /* one level less */
    EXPECT_EQUAL(Rename(Directory, Target, L"d"), STATUS_SUCCESS);
    ZwClose(Directory);
    ZwClose(Target);
    MakeChain(&Deep, L"\\??\\C:\\t", MFS_DEPTH); /* all of it is there */
    Directory = MakeDirectory(NULL, Deep.Buffer, STATUS_SUCCESS);
    MakeDirectory(Directory, L"x", STATUS_OBJECT_NAME_INVALID);
    ZwClose(Directory);
    DeleteChain(&Deep);
    ExFreePoolWithTag(Path.Buffer, 'tsfM');
}

/* A directory shows the time of what is made in it, and of what goes. */
GUEST_TEST(mfs_directory_has_the_time_of_its_change)
{
    const FILE_BASIC_INFORMATION Old = {.LastWriteTime = {.QuadPart = 1},
                                        .ChangeTime = {.QuadPart = 1}};
    HANDLE Directory, File;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\times",
                               FILE_LIST_DIRECTORY | FILE_WRITE_ATTRIBUTES | DELETE, FILE_CREATE,
                               FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT |
                                   FILE_DELETE_ON_CLOSE,
                               &Directory),
                 STATUS_SUCCESS);
    for (ULONG Step = 0; Step < 3; Step++) {
        EXPECT_EQUAL(SetBasic(Directory, &Old), STATUS_SUCCESS);
        EXPECT_EQUAL(MfsTestCreateIn(Directory, L"x", MFS_TEST_ACCESS, FILE_OPEN_IF,
                                     FILE_SYNCHRONOUS_IO_NONALERT, &File),
                     STATUS_SUCCESS);
        if (Step == 1) {
            EXPECT_EQUAL(SetBasic(Directory, &Old), STATUS_SUCCESS);
            EXPECT_EQUAL(Rename(File, NULL, L"y"), STATUS_SUCCESS);
            EXPECT_EQUAL(Rename(File, NULL, L"x"), STATUS_SUCCESS);
        }
        if (Step == 2) {
            EXPECT_EQUAL(SetBasic(Directory, &Old), STATUS_SUCCESS);
            EXPECT_EQUAL(MfsTestDelete(L"\\??\\C:\\times\\x"), STATUS_SUCCESS);
        }
        ZwClose(File);
        FILE_BASIC_INFORMATION Now = QueryBasic(Directory);
        EXPECT(Now.LastWriteTime.QuadPart > 1);
        EXPECT_EQUAL(Now.ChangeTime.QuadPart, Now.LastWriteTime.QuadPart);
    }
    ZwClose(Directory);
}

/* NtCreateFile's page: a directory is not temporary; a component is not empty. */
GUEST_TEST(mfs_create_at_the_bounds_of_names)
{
    WCHAR Longest[8 + 256] = L"\\??\\C:\\";
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    UNICODE_STRING Name;
    HANDLE File;

    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\\\", FILE_LIST_DIRECTORY, FILE_OPEN, 0, &File),
                 (ULONG)STATUS_OBJECT_NAME_INVALID);
    for (ULONG i = 7; i < 7 + 255; i++) {
        Longest[i] = L'n';
    }
    EXPECT_EQUAL(MfsTestCreate(Longest, MFS_TEST_ACCESS, FILE_CREATE, FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    ZwClose(File);
    Longest[7 + 255] = L'n';
    Longest[7 + 256] = 0;
    EXPECT_EQUAL((ULONG)MfsTestCreate(Longest, MFS_TEST_ACCESS, FILE_CREATE, 0, &File),
                 (ULONG)STATUS_OBJECT_NAME_INVALID);
    RtlInitUnicodeString(&Name, L"\\??\\C:\\temporary");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL((ULONG)ZwCreateFile(&File, FILE_LIST_DIRECTORY | SYNCHRONIZE, &Attributes,
                                     &IoStatus, NULL, FILE_ATTRIBUTE_TEMPORARY, 0, FILE_CREATE,
                                     FILE_DIRECTORY_FILE, NULL, 0),
                 (ULONG)STATUS_INVALID_PARAMETER);
}

/* The position of a file without buffering is a multiple of the sector's bytes. */
GUEST_TEST(mfs_position_of_an_unbuffered_file)
{
    DECLSPEC_ALIGN(512) UCHAR Sector[MFS_SECTOR_BYTES] = {1};
    FILE_POSITION_INFORMATION Position;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Odd = {.QuadPart = 1}, Zero = {.QuadPart = 0};
    HANDLE File;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\unbuffered",
                               FILE_READ_DATA | FILE_WRITE_DATA | DELETE, FILE_CREATE,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_NO_INTERMEDIATE_BUFFERING |
                                   FILE_DELETE_ON_CLOSE,
                               &File),
                 STATUS_SUCCESS);
    Position.CurrentByteOffset.QuadPart = 1;
    EXPECT_EQUAL((ULONG)ZwSetInformationFile(File, &IoStatus, &Position, sizeof(Position),
                                             FilePositionInformation),
                 (ULONG)STATUS_INVALID_PARAMETER);
    Position.CurrentByteOffset.QuadPart = -512;
    EXPECT_EQUAL((ULONG)ZwSetInformationFile(File, &IoStatus, &Position, sizeof(Position),
                                             FilePositionInformation),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Sector, 511, &Zero, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Sector, 512, &Odd, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Sector, 512, &Zero, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestSize(File), 512);
    ZwClose(File);
}

/* MAXIMUM_ALLOWED of a read-only file is all but writing; who asks to write is refused as ever. */
GUEST_TEST(mfs_maximum_allowed_of_a_read_only_file)
{
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = FILE_ATTRIBUTE_READONLY};
    const ACCESS_MASK Writes = FILE_WRITE_DATA | FILE_APPEND_DATA;
    FILE_ACCESS_INFORMATION Access;
    IO_STATUS_BLOCK IoStatus;
    HANDLE File;

    MfsTestWriteWhole(L"\\??\\C:\\maximum", "text", 4);
    for (ULONG ReadOnly = 0; ReadOnly < 2; ReadOnly++) {
        EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\maximum", MAXIMUM_ALLOWED, FILE_OPEN, 0,
                                          &File),
                     STATUS_SUCCESS);
        EXPECT_EQUAL(ZwQueryInformationFile(File, &IoStatus, &Access, sizeof(Access),
                                            FileAccessInformation),
                     STATUS_SUCCESS);
        EXPECT_EQUAL(Access.AccessFlags, ReadOnly ? FILE_ALL_ACCESS & ~Writes : FILE_ALL_ACCESS);
        Basic.FileAttributes = ReadOnly ? FILE_ATTRIBUTE_NORMAL : FILE_ATTRIBUTE_READONLY;
        if (ReadOnly) {
            HANDLE Other;
            EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\maximum",
                                              MAXIMUM_ALLOWED | FILE_WRITE_DATA, FILE_OPEN, 0,
                                              &Other),
                         (ULONG)STATUS_ACCESS_DENIED);
        }
        EXPECT_EQUAL(SetBasic(File, &Basic), STATUS_SUCCESS);
        ZwClose(File);
    }
    EXPECT_EQUAL((ULONG)MfsTestDelete(L"\\??\\C:\\maximum"), STATUS_SUCCESS);
}
