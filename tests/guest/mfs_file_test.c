/* SPDX-License-Identifier: MIT */
/*
 * Files on the volume by the Zw services: what the WDK pages of NtCreateFile, ZwReadFile,
 * ZwWriteFile, ZwQueryInformationFile and ZwSetInformationFile say of results and limits. Each test
 * leaves the volume as it was.
 */
#include "io/iop.h"
#include "mfs_test.h"

GUEST_TEST(mfs_dispositions_do_as_documented)
{
    static const struct {
        ULONG Disposition;
        NTSTATUS There, NotThere;
        ULONG InfoThere, InfoNotThere;
    } Cases[] = {
        {FILE_SUPERSEDE, STATUS_SUCCESS, STATUS_SUCCESS, FILE_SUPERSEDED, FILE_CREATED},
        {FILE_OPEN, STATUS_SUCCESS, STATUS_OBJECT_NAME_NOT_FOUND, FILE_OPENED, 0},
        {FILE_CREATE, STATUS_OBJECT_NAME_COLLISION, STATUS_SUCCESS, 0, FILE_CREATED},
        {FILE_OPEN_IF, STATUS_SUCCESS, STATUS_SUCCESS, FILE_OPENED, FILE_CREATED},
        {FILE_OVERWRITE, STATUS_SUCCESS, STATUS_OBJECT_NAME_NOT_FOUND, FILE_OVERWRITTEN, 0},
        {FILE_OVERWRITE_IF, STATUS_SUCCESS, STATUS_SUCCESS, FILE_OVERWRITTEN, FILE_CREATED},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        for (ULONG There = 0; There < 2; There++) {
            HANDLE File;
            if (There) {
                MfsTestWriteWhole(L"\\??\\C:\\disposition", "before", 6);
            }
            NTSTATUS Status = MfsTestCreate(L"\\??\\C:\\disposition", MFS_TEST_ACCESS,
                                            Cases[i].Disposition, 0, &File);
            EXPECT_EQUAL((ULONG)Status, (ULONG)(There ? Cases[i].There : Cases[i].NotThere));
            if (NT_SUCCESS(Status)) {
                EXPECT_EQUAL(MfsTestInformation,
                             There ? Cases[i].InfoThere : Cases[i].InfoNotThere);
                BOOLEAN Kept = There && Cases[i].InfoThere == FILE_OPENED;
                EXPECT_EQUAL(MfsTestSize(File), Kept ? 6 : 0);
                ZwClose(File);
            }
            Status = MfsTestDelete(L"\\??\\C:\\disposition");
            EXPECT_EQUAL(NT_SUCCESS(Status), There || Cases[i].InfoNotThere != 0);
        }
    }
}

GUEST_TEST(mfs_names_have_their_statuses)
{
    static const struct {
        PCWSTR Path;
        ULONG Options;
        NTSTATUS Status;
    } Cases[] = {
        {L"\\SystemRoot\\System32\\ntoskrnl.exe", 0, STATUS_SUCCESS},
        {L"\\SystemRoot\\system32\\NTOSKRNL.EXE", FILE_NON_DIRECTORY_FILE, STATUS_SUCCESS},
        {L"\\DosDevices\\c:\\windows", 0, STATUS_SUCCESS},
        {L"\\??\\C:\\Windows\\", FILE_DIRECTORY_FILE, STATUS_SUCCESS},
        {L"\\??\\C:\\", 0, STATUS_SUCCESS},
        {L"\\??\\C:", 0, STATUS_SUCCESS},
        {L"\\Device\\HarddiskVolume1\\Windows\\Temp", 0, STATUS_SUCCESS},
        {L"\\??\\C:\\Windows", FILE_NON_DIRECTORY_FILE, STATUS_FILE_IS_A_DIRECTORY},
        {L"\\SystemRoot\\System32\\ntoskrnl.exe", FILE_DIRECTORY_FILE, STATUS_NOT_A_DIRECTORY},
        {L"\\SystemRoot\\System32\\ntoskrnl.exe\\", 0, STATUS_OBJECT_NAME_INVALID},
        {L"\\SystemRoot\\System32\\ntoskrnl.exe\\x", 0, STATUS_OBJECT_PATH_NOT_FOUND},
        {L"\\??\\C:\\nowhere", 0, STATUS_OBJECT_NAME_NOT_FOUND},
        {L"\\??\\C:\\nowhere\\x", 0, STATUS_OBJECT_PATH_NOT_FOUND},
        {L"\\??\\D:\\x", 0, STATUS_OBJECT_PATH_NOT_FOUND},
        {L"\\??\\C:\\a*b", 0, STATUS_OBJECT_NAME_INVALID},
        {L"\\??\\C:\\a:b", 0, STATUS_OBJECT_NAME_INVALID},
        {L"\\??\\C:\\\\Windows", 0, STATUS_OBJECT_NAME_INVALID},
        {L"\\??\\C:\\Windows\\\\Temp", 0, STATUS_OBJECT_NAME_INVALID},
        {L"\\??\\C:\\..\\x", 0, STATUS_OBJECT_NAME_INVALID},
        {L"C:\\Windows", 0, STATUS_OBJECT_PATH_SYNTAX_BAD},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        HANDLE File;
        NTSTATUS Status =
            MfsTestCreate(Cases[i].Path, FILE_READ_DATA, FILE_OPEN, Cases[i].Options, &File);
        EXPECT_EQUAL((ULONG)Status, (ULONG)Cases[i].Status);
        if (NT_SUCCESS(Status)) {
            ZwClose(File);
        }
    }
}

GUEST_TEST(mfs_create_refuses_bad_arguments)
{
    static const struct {
        ACCESS_MASK Access;
        ULONG Disposition, Options;
    } Cases[] = {
        {FILE_READ_DATA, FILE_OVERWRITE_IF + 1, 0},
        {FILE_READ_DATA, FILE_OPEN, FILE_VALID_OPTION_FLAGS + 1},
        {FILE_READ_DATA, FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE},
        {FILE_READ_DATA, FILE_OVERWRITE, FILE_DIRECTORY_FILE},
        {FILE_READ_DATA, FILE_SUPERSEDE, FILE_DIRECTORY_FILE},
        {SYNCHRONIZE, FILE_OPEN, FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT},
        {FILE_READ_DATA, FILE_OPEN, FILE_DELETE_ON_CLOSE},
        {FILE_APPEND_DATA, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING},
    };
    HANDLE File;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\SystemRoot\\System32\\ntoskrnl.exe",
                                          Cases[i].Access, Cases[i].Disposition, Cases[i].Options,
                                          &File),
                     (ULONG)STATUS_INVALID_PARAMETER);
    }
}

GUEST_TEST(mfs_position_offsets_and_append)
{
    HANDLE File;
    CHAR Text[32] = {0};
    FILE_POSITION_INFORMATION Position;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Here = {.LowPart = FILE_USE_FILE_POINTER_POSITION, .HighPart = -1};
    LARGE_INTEGER End = {.LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1};
    LARGE_INTEGER Offset = {.QuadPart = 2};
    LARGE_INTEGER Negative = {.QuadPart = -5};

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\position", MFS_TEST_ACCESS, FILE_CREATE,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, "abcdef", 6, NULL, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, "gh", 2, &Here, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, "XY", 2, &Offset, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwQueryInformationFile(File, &IoStatus, &Position, sizeof(Position),
                                        FilePositionInformation),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Position.CurrentByteOffset.QuadPart, 4);
    EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, "!", 1, &End, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, "!", 1, &Negative, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    Position.CurrentByteOffset.QuadPart = 1;
    EXPECT_EQUAL(ZwSetInformationFile(File, &IoStatus, &Position, sizeof(Position),
                                      FilePositionInformation),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Text, sizeof(Text), NULL, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Information, 8);
    EXPECT(RtlEqualMemory(Text, "bXYefgh!", 8));
    EXPECT_EQUAL((ULONG)ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Text, 1, NULL, NULL),
                 (ULONG)STATUS_END_OF_FILE);
    EXPECT_EQUAL(IoStatus.Information, 0);
    EXPECT_EQUAL(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Text, 0, NULL, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwFlushBuffersFile(File, &IoStatus), STATUS_SUCCESS);
    ZwClose(File);
    EXPECT_EQUAL((ULONG)MfsTestDelete(L"\\??\\C:\\position"),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
}

/* A file that is asynchronous: requests are pending, and told by event, status block and APC. */
static volatile LONG ApcCalls;

static VOID CountApc(PVOID Context, PIO_STATUS_BLOCK IoStatus, ULONG Reserved)
{
    EXPECT_EQUAL((ULONG_PTR)Context, 0x1234);
    EXPECT_EQUAL(IoStatus->Information, 5);
    ApcCalls++;
}

GUEST_TEST(mfs_asynchronous_files_are_pending)
{
    HANDLE File, Event;
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 77};
    LARGE_INTEGER Offset = {.QuadPart = 0};
    OBJECT_ATTRIBUTES Attributes;
    PCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 5, 'tseT');

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\async", MFS_TEST_ACCESS, FILE_CREATE,
                               FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, "x", 1, NULL, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    RtlCopyMemory(Buffer, "hello", 5);
    EXPECT_EQUAL(ZwWriteFile(File, Event, NULL, NULL, &IoStatus, Buffer, 5, &Offset, NULL),
                 STATUS_PENDING);
    EXPECT_EQUAL(ZwWaitForSingleObject(Event, FALSE, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Status, STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Information, 5);
    RtlZeroMemory(Buffer, 5);
    ApcCalls = 0;
    EXPECT_EQUAL(ZwReadFile(File, NULL, CountApc, (PVOID)0x1234, &IoStatus, Buffer, 5, &Offset,
                            NULL),
                 STATUS_PENDING);
    LARGE_INTEGER Long = {.QuadPart = -10000000};
    while (ApcCalls == 0 && KeDelayExecutionThread(KernelMode, TRUE, &Long) != STATUS_SUCCESS) {
    }
    EXPECT_EQUAL(ApcCalls, 1);
    EXPECT(RtlEqualMemory(Buffer, "hello", 5));
    Offset.QuadPart = 5;
    EXPECT_EQUAL(ZwReadFile(File, Event, NULL, NULL, &IoStatus, Buffer, 5, &Offset, NULL),
                 STATUS_PENDING);
    EXPECT_EQUAL(ZwWaitForSingleObject(Event, FALSE, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)IoStatus.Status, (ULONG)STATUS_END_OF_FILE);
    ZwClose(File);
    ZwClose(Event);
    ExFreePoolWithTag(Buffer, 'tseT');
}

GUEST_TEST(mfs_sharing_and_read_only)
{
    HANDLE First, Second;
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = FILE_ATTRIBUTE_READONLY};
    IO_STATUS_BLOCK IoStatus;

    MfsTestWriteWhole(L"\\??\\C:\\shared", "x", 1);
    MfsTestShare = FILE_SHARE_READ;
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\shared", FILE_READ_DATA, FILE_OPEN, 0, &First),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\shared", FILE_WRITE_DATA, FILE_OPEN, 0, &Second),
                 (ULONG)STATUS_SHARING_VIOLATION);
    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\shared", DELETE, FILE_OPEN, 0, &Second),
                 (ULONG)STATUS_SHARING_VIOLATION);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\shared", FILE_READ_ATTRIBUTES, FILE_OPEN, 0, &Second),
                 STATUS_SUCCESS);
    ZwClose(Second);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\shared", FILE_READ_DATA, FILE_OPEN, 0, &Second),
                 STATUS_SUCCESS);
    ZwClose(Second);
    MfsTestShare = 0;
    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\shared", FILE_READ_DATA, FILE_OPEN, 0, &Second),
                 (ULONG)STATUS_SHARING_VIOLATION);
    MfsTestShare = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    EXPECT_EQUAL(ZwSetInformationFile(First, &IoStatus, &Basic, sizeof(Basic),
                                      FileBasicInformation),
                 STATUS_SUCCESS);
    ZwClose(First);
    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\shared", FILE_WRITE_DATA, FILE_OPEN, 0, &Second),
                 (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL((ULONG)MfsTestDelete(L"\\??\\C:\\shared"), (ULONG)STATUS_CANNOT_DELETE);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\shared", FILE_WRITE_ATTRIBUTES, FILE_OPEN, 0, &First),
                 STATUS_SUCCESS);
    Basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    EXPECT_EQUAL(ZwSetInformationFile(First, &IoStatus, &Basic, sizeof(Basic),
                                      FileBasicInformation),
                 STATUS_SUCCESS);
    ZwClose(First);
    EXPECT_EQUAL(MfsTestDelete(L"\\??\\C:\\shared"), STATUS_SUCCESS);
}

/* Marked for deletion: no new opens, and gone with the last handle. */
GUEST_TEST(mfs_delete_waits_for_the_last_handle)
{
    HANDLE First, Second, Third;
    IO_STATUS_BLOCK IoStatus;
    FILE_DISPOSITION_INFORMATION Disposition = {TRUE};
    FILE_STANDARD_INFORMATION Standard;

    MfsTestWriteWhole(L"\\??\\C:\\gone", "x", 1);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\gone", MFS_TEST_ACCESS, FILE_OPEN, 0, &First),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\gone", FILE_READ_DATA, FILE_OPEN, 0, &Second),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwSetInformationFile(First, &IoStatus, &Disposition, sizeof(Disposition),
                                      FileDispositionInformation),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwQueryInformationFile(Second, &IoStatus, &Standard, sizeof(Standard),
                                        FileStandardInformation),
                 STATUS_SUCCESS);
    EXPECT(Standard.DeletePending && Standard.NumberOfLinks == 0);
    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\gone", FILE_READ_DATA, FILE_OPEN, 0, &Third),
                 (ULONG)STATUS_DELETE_PENDING);
    ZwClose(First);
    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\gone", FILE_READ_DATA, FILE_OPEN, 0, &Third),
                 (ULONG)STATUS_DELETE_PENDING);
    ZwClose(Second);
    EXPECT_EQUAL((ULONG)MfsTestCreate(L"\\??\\C:\\gone", FILE_READ_DATA, FILE_OPEN, 0, &Third),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
}

/* Random writes and cuts against a model, byte by byte. */
#define MODEL_BYTES 20000u
GUEST_TEST(mfs_content_follows_a_model)
{
    ULONG64 Random = TestRandomState(1);
    PUCHAR Model = ExAllocatePoolWithTag(PagedPool, 2 * MODEL_BYTES, 'tseT');
    PUCHAR Found = Model + MODEL_BYTES;
    ULONG Size = 0;
    HANDLE File;
    IO_STATUS_BLOCK IoStatus;

    RtlZeroMemory(Model, MODEL_BYTES);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\model", MFS_TEST_ACCESS, FILE_CREATE,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    for (ULONG Step = 0; Step < 300; Step++) {
        LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)(TestNextRandom(&Random) % MODEL_BYTES)};
        ULONG Length = (ULONG)(TestNextRandom(&Random) % 3000);
        Length = Length < MODEL_BYTES - Offset.LowPart ? Length : MODEL_BYTES - Offset.LowPart;
        if (TestNextRandom(&Random) % 4 == 0) {
            FILE_END_OF_FILE_INFORMATION End = {Offset};
            EXPECT_EQUAL(ZwSetInformationFile(File, &IoStatus, &End, sizeof(End),
                                              FileEndOfFileInformation),
                         STATUS_SUCCESS);
            Size = Offset.LowPart;
            RtlZeroMemory(Model + Size, MODEL_BYTES - Size);
        } else if (Length != 0) {
            RtlFillMemory(Model + Offset.LowPart, Length, (UCHAR)Step);
            EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Model + Offset.LowPart,
                                     Length, &Offset, NULL),
                         STATUS_SUCCESS);
            Size = Size > Offset.LowPart + Length ? Size : Offset.LowPart + Length;
        }
        EXPECT_EQUAL(MfsTestSize(File), Size);
    }
    LARGE_INTEGER Start = {.QuadPart = 0};
    RtlFillMemory(Found, MODEL_BYTES, 0xcc);
    NTSTATUS Status =
        ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Found, MODEL_BYTES, &Start, NULL);
    EXPECT_EQUAL((ULONG)Status, (ULONG)(Size == 0 ? STATUS_END_OF_FILE : STATUS_SUCCESS));
    EXPECT_EQUAL(IoStatus.Information, Size);
    EXPECT(RtlEqualMemory(Model, Found, Size));
    ZwClose(File);
    ExFreePoolWithTag(Model, 'tseT');
}
