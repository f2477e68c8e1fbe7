/* SPDX-License-Identifier: MIT */
/*
 * Each query into buffers of each length, from nothing to more than enough: what is behind the
 * buffer stays as it is, the length that is needed is always the same one, an answer in part is
 * the beginning of the whole one, and from the needed length on the answer is whole.
 */
#include "cm/cmp.h"
#include "mfs_test.h"
#include "nt/process_information.h"
#include "se/sep.h"

#define BOUNDS_MOST 2048u
#define BOUNDS_TAG 'dnuB'
#define BOUNDS_GUARD 0xee

/*
 * *Needed: bytes that the answer takes, or 0 where the routine does not say. Those of files say how
 * many were written, in BoundsWritten.
 */
typedef NTSTATUS BOUNDS_QUERY(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length,
                              PULONG Needed);

static ULONG BoundsWritten;

typedef struct _BOUNDS_BUFFERS {
    UCHAR Whole[BOUNDS_MOST], Part[BOUNDS_MOST];
} BOUNDS_BUFFERS;

/* Answers with pointers into themselves are alike, as they are made in the same buffer. */
static VOID CheckLength(BOUNDS_BUFFERS *Buffers, ULONG Length, ULONG Full, NTSTATUS Status,
                        ULONG Needed, ULONG Class)
{
    for (ULONG i = Length; i < BOUNDS_MOST; i++) {
        if (Buffers->Part[i] != BOUNDS_GUARD) {
            GuestTestFail(__FILE__, __LINE__, "class %u, %u bytes: byte %u is written", Class,
                          Length, i);
            break;
        }
    }
    if (Needed != 0 && Needed != Full) {
        GuestTestFail(__FILE__, __LINE__, "class %u, %u bytes: %u are needed and not %u", Class,
                      Length, Needed, Full);
    }
    if (Length >= Full ? !NT_SUCCESS(Status) : NT_SUCCESS(Status)) {
        GuestTestFail(__FILE__, __LINE__, "class %u, %u of %u bytes: status %08x", Class, Length,
                      Full, Status);
    }
}

/* Exact: the class wants its own length and no other. */
static VOID CheckAllLengths(BOUNDS_QUERY *Query, HANDLE Handle, ULONG Class, BOOLEAN Exact)
{
    BOUNDS_BUFFERS *Buffers = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Buffers), BOUNDS_TAG);
    ULONG Full = 0, Needed = 0;

    EXPECT(Buffers != NULL);
    /* The shortest buffer that takes all of it. */
    for (;; Full++) {
        if (Full == BOUNDS_MOST || NT_SUCCESS(Query(Handle, Class, Buffers->Part, Full, &Needed))) {
            break;
        }
    }
    EXPECT(Full < BOUNDS_MOST);
    RtlFillMemory(Buffers->Part, BOUNDS_MOST, BOUNDS_GUARD);
    Query(Handle, Class, Buffers->Part, Full, &Needed);
    RtlCopyMemory(Buffers->Whole, Buffers->Part, BOUNDS_MOST);
    for (ULONG Length = 0; Length <= Full + (Exact ? 0 : 16); Length++) {
        RtlFillMemory(Buffers->Part, BOUNDS_MOST, BOUNDS_GUARD);
        Needed = 0;
        BoundsWritten = Length;
        NTSTATUS Status = Query(Handle, Class, Buffers->Part, Length, &Needed);
        CheckLength(Buffers, Length, Full, Status, Needed, Class);
        ULONG Compared = Status == STATUS_BUFFER_OVERFLOW ? BoundsWritten
                         : NT_SUCCESS(Status)             ? Full
                                                          : 0;
        if (!RtlEqualMemory(Buffers->Part, Buffers->Whole, Compared)) {
            GuestTestFail(__FILE__, __LINE__, "class %u, %u bytes: another answer", Class, Length);
        }
    }
    ExFreePoolWithTag(Buffers, BOUNDS_TAG);
}

/* ---- files and volumes ---- */

static NTSTATUS QueryFile(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    NTSTATUS Status = ZwQueryInformationFile(Handle, &IoStatus, Buffer, Length,
                                             (FILE_INFORMATION_CLASS)Class);
    EXPECT(IoStatus.Information <= Length);
    BoundsWritten = (ULONG)IoStatus.Information;
    return Status;
}

static NTSTATUS QueryVolume(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    NTSTATUS Status = ZwQueryVolumeInformationFile(Handle, &IoStatus, Buffer, Length,
                                                   (FS_INFORMATION_CLASS)Class);
    EXPECT(IoStatus.Information <= Length);
    BoundsWritten = (ULONG)IoStatus.Information;
    return Status;
}

GUEST_TEST(mfs_queries_into_each_length)
{
    static const FILE_INFORMATION_CLASS Classes[] = {
        FileBasicInformation, FileStandardInformation, FileInternalInformation,
        FileEaInformation, FileAccessInformation, FileNameInformation, FilePositionInformation,
        FileModeInformation, FileAlignmentInformation, FileAllInformation, FileStreamInformation,
        FileNetworkOpenInformation, FileAttributeTagInformation};
    static const FS_INFORMATION_CLASS Volume[] = {
        FileFsVolumeInformation, FileFsSizeInformation, FileFsDeviceInformation,
        FileFsAttributeInformation, FileFsFullSizeInformation, FileFsSectorSizeInformation};
    HANDLE File;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\a-name-of-some-length.txt",
                               FILE_READ_DATA | FILE_READ_ATTRIBUTES | DELETE, FILE_CREATE,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Classes); i++) {
        CheckAllLengths(QueryFile, File, Classes[i], FALSE);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Volume); i++) {
        CheckAllLengths(QueryVolume, File, Volume[i], FALSE);
    }
    ZwClose(File);
}

#define LISTED 9u

/* A directory whose names have 1, 3, 5 ... characters, read with buffers of Length bytes. */
static VOID ListWhole(HANDLE Directory, FILE_INFORMATION_CLASS Class, ULONG NameOffset,
                      ULONG Length, PUCHAR Buffer)
{
    const ULONG NameLengthOffset = Class == FileNamesInformation
                                       ? offsetof(FILE_NAMES_INFORMATION, FileNameLength)
                                       : offsetof(FILE_DIRECTORY_INFORMATION, FileNameLength);
    ULONG Found = 0;
    BOOLEAN First = TRUE;
    for (;;) {
        IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
        RtlFillMemory(Buffer, BOUNDS_MOST, BOUNDS_GUARD);
        NTSTATUS Status = ZwQueryDirectoryFile(Directory, NULL, NULL, NULL, &IoStatus, Buffer,
                                               Length, Class, FALSE, NULL, First);
        First = FALSE;
        for (ULONG i = (ULONG)IoStatus.Information; i < BOUNDS_MOST; i++) {
            EXPECT_EQUAL(Buffer[i], BOUNDS_GUARD);
        }
        if (Status == STATUS_NO_MORE_FILES) {
            break;
        }
        EXPECT_EQUAL((ULONG)Status, STATUS_SUCCESS);
        if (!NT_SUCCESS(Status)) {
            break;
        }
        for (ULONG At = 0;;) {
            ULONG Next = *(PULONG)(Buffer + At), Name = *(PULONG)(Buffer + At + NameLengthOffset);
            EXPECT(At + NameOffset + Name <= IoStatus.Information && Name != 0);
            Found++;
            if (Next == 0) {
                break;
            }
            EXPECT(Next % 8 == 0 && Next >= NameOffset + Name);
            At += Next;
        }
    }
    EXPECT_EQUAL(Found, LISTED + 2); /* . and .. */
}

GUEST_TEST(mfs_directory_into_each_length)
{
    static const struct {
        FILE_INFORMATION_CLASS Class;
        ULONG Name;
    } Classes[] = {
        {FileDirectoryInformation, offsetof(FILE_DIRECTORY_INFORMATION, FileName)},
        {FileFullDirectoryInformation, offsetof(FILE_FULL_DIR_INFORMATION, FileName)},
        {FileBothDirectoryInformation, offsetof(FILE_BOTH_DIR_INFORMATION, FileName)},
        {FileNamesInformation, offsetof(FILE_NAMES_INFORMATION, FileName)},
        {FileIdBothDirectoryInformation, offsetof(FILE_ID_BOTH_DIR_INFORMATION, FileName)},
        {FileIdFullDirectoryInformation, offsetof(FILE_ID_FULL_DIR_INFORMATION, FileName)},
    };
    const ULONG Longest = (2 * LISTED - 1) * sizeof(WCHAR);
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, BOUNDS_MOST, BOUNDS_TAG);
    HANDLE Directory, File;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\listed", FILE_LIST_DIRECTORY, FILE_CREATE,
                               FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, &Directory),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < LISTED; i++) {
        WCHAR Name[2 * LISTED] = {0};
        for (ULONG Character = 0; Character < 2 * i + 1; Character++) {
            Name[Character] = (WCHAR)(L'a' + i);
        }
        EXPECT_EQUAL(MfsTestCreateIn(Directory, Name, FILE_READ_DATA, FILE_CREATE, 0, &File),
                     STATUS_SUCCESS);
        ZwClose(File);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Classes); i++) {
        for (ULONG More = 0; More < 200; More += More < 24 ? 1 : 13) {
            ListWhole(Directory, Classes[i].Class, Classes[i].Name,
                      Classes[i].Name + Longest + More, Buffer);
        }
    }
    ZwClose(Directory);
    ExFreePoolWithTag(Buffer, BOUNDS_TAG);
    MfsTestEmptyVolume();
}

/* ---- objects, tokens, the system ---- */

static NTSTATUS QueryObject(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwQueryObject(Handle, (OBJECT_INFORMATION_CLASS)Class, Buffer, Length, Needed);
}

static NTSTATUS QuerySecurity(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length,
                              PULONG Needed)
{
    return ZwQuerySecurityObject(Handle, Class, Buffer, Length, Needed);
}

static NTSTATUS QueryToken(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwQueryInformationToken(Handle, (TOKEN_INFORMATION_CLASS)Class, Buffer, Length, Needed);
}

GUEST_TEST(ob_queries_into_each_length)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\Bounds");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Event;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    CheckAllLengths(QueryObject, Event, ObjectBasicInformation, TRUE);
    CheckAllLengths(QueryObject, Event, ObjectNameInformation, FALSE);
    CheckAllLengths(QueryObject, Event, ObjectTypeInformation, FALSE);
    CheckAllLengths(QueryObject, Event, ObjectHandleFlagInformation, TRUE);
    for (ULONG Parts = 0; Parts < 8; Parts++) { /* owner, group, list */
        CheckAllLengths(QuerySecurity, Event, Parts, FALSE);
    }
    ZwClose(Event);
}

GUEST_TEST(se_token_queries_into_each_length)
{
    static const TOKEN_INFORMATION_CLASS Classes[] = {
        TokenUser, TokenGroups, TokenPrivileges, TokenOwner, TokenPrimaryGroup, TokenDefaultDacl,
        TokenSource, TokenType, TokenStatistics, TokenRestrictedSids, TokenSessionId,
        TokenElevationType, TokenElevation, TokenIntegrityLevel};
    HANDLE Token;

    EXPECT_EQUAL(ZwOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY | TOKEN_QUERY_SOURCE,
                                      OBJ_KERNEL_HANDLE, &Token),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Classes); i++) {
        CheckAllLengths(QueryToken, Token, Classes[i], FALSE);
    }
    ZwClose(Token);
}

static NTSTATUS QueryProcess(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwQueryInformationProcess(Handle, (PROCESSINFOCLASS)Class, Buffer, Length, Needed);
}

GUEST_TEST(ps_process_queries_into_each_length)
{
    CheckAllLengths(QueryProcess, NtCurrentProcess(), ProcessBasicInformation, TRUE);
    CheckAllLengths(QueryProcess, NtCurrentProcess(), ProcessImageFileName, FALSE);
    CheckAllLengths(QueryProcess, NtCurrentProcess(), ProcessWow64Information, TRUE);
}

/* ---- the registry ---- */

static NTSTATUS QueryKey(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwQueryKey(Handle, (KEY_INFORMATION_CLASS)Class, Buffer, Length, Needed);
}

static NTSTATUS EnumerateKey(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwEnumerateKey(Handle, 0, (KEY_INFORMATION_CLASS)Class, Buffer, Length, Needed);
}

static NTSTATUS QueryValue(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Value");
    return ZwQueryValueKey(Handle, &Name, (KEY_VALUE_INFORMATION_CLASS)Class, Buffer, Length,
                           Needed);
}

static NTSTATUS EnumerateValue(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length,
                               PULONG Needed)
{
    return ZwEnumerateValueKey(Handle, 0, (KEY_VALUE_INFORMATION_CLASS)Class, Buffer, Length,
                               Needed);
}

GUEST_TEST(cm_queries_into_each_length)
{
    static const KEY_INFORMATION_CLASS Keys[] = {KeyBasicInformation, KeyNodeInformation,
                                                 KeyFullInformation};
    static const KEY_VALUE_INFORMATION_CLASS Values[] = {
        KeyValueBasicInformation, KeyValueFullInformation, KeyValuePartialInformation,
        KeyValueFullInformationAlign64, KeyValuePartialInformationAlign64};
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\Software\\Bounds");
    UNICODE_STRING Below = RTL_CONSTANT_STRING(L"Below"), Class = RTL_CONSTANT_STRING(L"Class");
    UNICODE_STRING Value = RTL_CONSTANT_STRING(L"Value");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key, SubKey;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, &Class, 0, NULL),
                 STATUS_SUCCESS);
    InitializeObjectAttributes(&Attributes, &Below, OBJ_KERNEL_HANDLE, Key, NULL);
    EXPECT_EQUAL(ZwCreateKey(&SubKey, KEY_ALL_ACCESS, &Attributes, 0, &Class, 0, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwSetValueKey(Key, &Value, 0, REG_BINARY, "eleven chars", 11), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Keys); i++) {
        CheckAllLengths(QueryKey, Key, Keys[i], FALSE);
        CheckAllLengths(EnumerateKey, Key, Keys[i], FALSE);
    }
    CheckAllLengths(QueryKey, Key, KeyNameInformation, FALSE);
    CheckAllLengths(QueryKey, Key, KeyCachedInformation, FALSE);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Values); i++) {
        CheckAllLengths(QueryValue, Key, Values[i], FALSE);
        CheckAllLengths(EnumerateValue, Key, Values[i], FALSE);
    }
    ZwDeleteKey(SubKey);
    ZwClose(SubKey);
    ZwDeleteKey(Key);
    ZwClose(Key);
}
