/* SPDX-License-Identifier: MIT */
/*
 * Services called from ring 3 with arguments that are good but for one: each pointer is probed,
 * each structure captured, each handle's access looked at.
 */
#include "nt/io.h"
#include "nt/security.h"
#include "ring3.h"
#include "wire/system_service.h"

extern const UCHAR Ring3Calls[];

#define KERNEL_ADDRESS 0xfffff78000000000ull /* it is there, and readable to the kernel */
#define READ_ONLY 0x7ffe0000ull
#define NOWHERE 0x1000ull

static RING3 Test;

/* An address of the page that ring 3 may write. */
static ULONG64 At(ULONG Offset)
{
    return (ULONG64)Test.Page + Offset;
}

static ULONG Call(ULONG Service, const ULONG64 *Arguments, ULONG Count)
{
    Ring3Put(&Test, 0, 1);
    Ring3Put(&Test, 0x10, Service);
    for (ULONG i = 0; i < Count; i++) {
        Ring3Put(&Test, 0x20 + 8 * i, Arguments[i]);
    }
    EXPECT_EQUAL(Ring3Run(&Test, Ring3Calls), RING3_EXIT);
    return (ULONG)Ring3Get(&Test, 0x18);
}

#define CALL(service, ...)                                          \
    Call(SERVICE_##service, (const ULONG64[]){__VA_ARGS__},         \
         (ULONG)(sizeof((const ULONG64[]){__VA_ARGS__}) / sizeof(ULONG64)))

static const ULONG64 Bad[] = {0, NOWHERE, READ_ONLY, KERNEL_ADDRESS, 0x7fffffff0000, ~7ull};

GUEST_TEST(ke_user_services_for_events)
{
    LARGE_INTEGER Now = {.QuadPart = 0};
    Ring3Create(&Test);
    EXPECT_EQUAL(CALL(NtCreateEvent, At(0x800), EVENT_ALL_ACCESS, 0, NotificationEvent, FALSE), 0);
    ULONG64 Event = Ring3Get(&Test, 0x800);
    EXPECT(Event != 0 && !ObIsKernelHandle((HANDLE)Event));
    Ring3Put(&Test, 0x808, (ULONG64)Now.QuadPart);
    EXPECT_EQUAL(CALL(NtWaitForSingleObject, Event, FALSE, At(0x808)), STATUS_TIMEOUT);
    EXPECT_EQUAL(CALL(NtSetEvent, Event, At(0x810)), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Ring3Get(&Test, 0x810), 0);
    EXPECT_EQUAL(CALL(NtWaitForSingleObject, Event, FALSE, At(0x808)), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL(CALL(NtCreateEvent, Bad[i], EVENT_ALL_ACCESS, 0, NotificationEvent, FALSE),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        if (Bad[i] != 0) {
            EXPECT_EQUAL(CALL(NtSetEvent, Event, Bad[i]), (ULONG)STATUS_ACCESS_VIOLATION);
        }
        if (Bad[i] != 0 && Bad[i] != READ_ONLY) {
            EXPECT_EQUAL(CALL(NtWaitForSingleObject, Event, FALSE, Bad[i]),
                         (ULONG)STATUS_ACCESS_VIOLATION);
            EXPECT_EQUAL(CALL(NtCreateEvent, At(0x800), EVENT_ALL_ACCESS, Bad[i],
                              NotificationEvent, FALSE),
                         (ULONG)STATUS_ACCESS_VIOLATION);
        }
    }
    EXPECT_EQUAL(CALL(NtSetEvent, Event, At(0x811)), (ULONG)STATUS_DATATYPE_MISALIGNMENT);
    EXPECT_EQUAL(CALL(NtClose, Event), STATUS_SUCCESS);
    EXPECT_EQUAL(CALL(NtClose, Event), (ULONG)STATUS_INVALID_HANDLE);
    Ring3Delete(&Test);
}

/* A handle's access counts for user mode, and a kernel handle is none. */
GUEST_TEST(ke_user_services_and_handles)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Kernel;
    Ring3Create(&Test);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Kernel, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, TRUE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(CALL(NtSetEvent, (ULONG64)Kernel, 0), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(CALL(NtClose, (ULONG64)Kernel), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(ZwClose(Kernel), STATUS_SUCCESS);
    EXPECT_EQUAL(CALL(NtCreateEvent, At(0x800), SYNCHRONIZE, 0, NotificationEvent, TRUE), 0);
    EXPECT_EQUAL(CALL(NtSetEvent, Ring3Get(&Test, 0x800), 0), (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(CALL(NtWaitForSingleObject, Ring3Get(&Test, 0x800), FALSE, 0), STATUS_SUCCESS);
    EXPECT_EQUAL(CALL(NtNextClientRequest, At(0x900)), (ULONG)STATUS_INVALID_DEVICE_REQUEST);
    Ring3Delete(&Test);
}

/* OBJECT_ATTRIBUTES at 900h of the page, its name's string at 940h, the name at 960h. */
static VOID PutAttributes(ULONG64 Length, ULONG64 NameString, ULONG64 NameLength, ULONG64 Name)
{
    Ring3Put(&Test, 0x900, Length);
    Ring3Put(&Test, 0x908, 0);
    Ring3Put(&Test, 0x910, NameString);
    Ring3Put(&Test, 0x918, OBJ_CASE_INSENSITIVE);
    Ring3Put(&Test, 0x920, 0);
    Ring3Put(&Test, 0x928, 0);
    Ring3Put(&Test, 0x940, NameLength | NameLength << 16);
    Ring3Put(&Test, 0x948, Name);
}

static ULONG OpenFile(VOID)
{
    return CALL(NtOpenFile, At(0x800), GENERIC_READ | SYNCHRONIZE, At(0x900), At(0x880),
                FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT);
}

GUEST_TEST(ke_user_services_capture_names)
{
    Ring3Create(&Test);
    PutAttributes(sizeof(OBJECT_ATTRIBUTES), At(0x940), 4, At(0x960));
    Ring3Put(&Test, 0x960, L'\\' | (ULONG64)L'?' << 16);
    EXPECT_EQUAL(OpenFile(), (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    PutAttributes(sizeof(OBJECT_ATTRIBUTES), At(0x940), 3, At(0x960));
    EXPECT_EQUAL(OpenFile(), (ULONG)STATUS_OBJECT_NAME_INVALID);
    PutAttributes(sizeof(OBJECT_ATTRIBUTES) - 1, At(0x940), 4, At(0x960));
    EXPECT_EQUAL(OpenFile(), (ULONG)STATUS_INVALID_PARAMETER);
    PutAttributes(sizeof(OBJECT_ATTRIBUTES), At(0x940), 0xfffe, At(0x960));
    EXPECT_EQUAL(OpenFile(), (ULONG)STATUS_ACCESS_VIOLATION);
    for (ULONG i = 1; i < RTL_NUMBER_OF(Bad); i++) {
        if (Bad[i] == READ_ONLY) {
            continue;
        }
        PutAttributes(sizeof(OBJECT_ATTRIBUTES), Bad[i], 4, At(0x960));
        EXPECT_EQUAL(OpenFile(), (ULONG)STATUS_ACCESS_VIOLATION);
        PutAttributes(sizeof(OBJECT_ATTRIBUTES), At(0x940), 4, Bad[i]);
        EXPECT_EQUAL(OpenFile(), (ULONG)STATUS_ACCESS_VIOLATION);
    }
    Ring3Delete(&Test);
}

GUEST_TEST(ke_user_services_for_tokens)
{
    Ring3Create(&Test);
    EXPECT_EQUAL(CALL(NtOpenProcessToken, ~0ull, TOKEN_QUERY, At(0x800)), STATUS_SUCCESS);
    ULONG64 Token = Ring3Get(&Test, 0x800);
    Ring3Put(&Test, 0x810, 0);
    EXPECT_EQUAL(CALL(NtQueryInformationToken, Token, TokenElevation, At(0x810), 4, At(0x818)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Ring3Get(&Test, 0x810), TRUE);
    EXPECT_EQUAL((ULONG)Ring3Get(&Test, 0x818), 4);
    EXPECT_EQUAL(CALL(NtQueryInformationToken, Token, TokenElevation, 0, 0, At(0x818)),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL(CALL(NtQueryInformationToken, Token, TokenElevation, Bad[i], 4, At(0x818)),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        EXPECT_EQUAL(CALL(NtQueryInformationToken, Token, TokenElevation, At(0x810), 4, Bad[i]),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        EXPECT_EQUAL(CALL(NtOpenProcessToken, ~0ull, TOKEN_QUERY, Bad[i]),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        EXPECT_EQUAL(CALL(NtQuerySecurityObject, Token, DACL_SECURITY_INFORMATION, At(0x810), 0,
                          Bad[i]),
                     (ULONG)STATUS_ACCESS_VIOLATION);
    }
    EXPECT_EQUAL(CALL(NtQueryInformationToken, Token, TokenElevation, At(0x810), 0xffffffff,
                      At(0x818)),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    Ring3Delete(&Test);
}

#define FILE_TO_USE "\\DosDevices\\C:\\ring3.txt"

/* What user mode asks of a file and tells it, by its handle at 800h of the page. */
static ULONG CreateTestFile(ULONG64 Access, ULONG64 EaLength)
{
    static const WCHAR Name[] = L"" FILE_TO_USE;
    Ring3Attach(&Test);
    __builtin_memcpy((PUCHAR)Test.Page + 0x960, Name, sizeof(Name) - sizeof(WCHAR));
    Ring3Detach(&Test);
    PutAttributes(sizeof(OBJECT_ATTRIBUTES), At(0x940), sizeof(Name) - sizeof(WCHAR), At(0x960));
    return CALL(NtCreateFile, At(0x800), Access, At(0x900), At(0x880), 0, FILE_ATTRIBUTE_NORMAL,
                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN_IF, 0,
                At(0xa00), EaLength);
}

#define QUERY(file, status, buffer, length, class) \
    CALL(NtQueryInformationFile, file, status, buffer, length, class)
#define SET(file, status, buffer, length, class) \
    CALL(NtSetInformationFile, file, status, buffer, length, class)

static VOID CheckQuery(ULONG64 File)
{
    const ULONG Length = sizeof(FILE_STANDARD_INFORMATION);
    EXPECT_EQUAL(QUERY(File, At(0x880), At(0xb00), Length, FileStandardInformation), 0);
    EXPECT_EQUAL(Ring3Get(&Test, 0x888), Length);
    EXPECT_EQUAL(QUERY(File, At(0x880), At(0xb00), sizeof(FILE_ALL_INFORMATION) + 64,
                       FileAllInformation),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(QUERY(File, At(0x880), At(0xb00), 4, FileModeInformation), STATUS_SUCCESS);
    EXPECT_EQUAL(QUERY(File, At(0x880), At(0xb00), Length - 1, FileStandardInformation),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(QUERY(File, At(0x880), At(0xb00), Length, 0x7fffffff),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    EXPECT_EQUAL(QUERY(0x1234, At(0x880), At(0xb00), Length, FileStandardInformation),
                 (ULONG)STATUS_INVALID_HANDLE);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL(QUERY(File, Bad[i], At(0xb00), Length, FileStandardInformation),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        EXPECT_EQUAL(QUERY(File, At(0x880), Bad[i], Length, FileStandardInformation),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        EXPECT_EQUAL(QUERY(File, At(0x880), Bad[i], 4, FileModeInformation),
                     (ULONG)STATUS_ACCESS_VIOLATION);
    }
}

static VOID CheckSet(ULONG64 File)
{
    Ring3Put(&Test, 0xb00, 100);
    EXPECT_EQUAL(SET(File, At(0x880), At(0xb00), 8, FileEndOfFileInformation), STATUS_SUCCESS);
    EXPECT_EQUAL(QUERY(File, At(0x880), At(0xb40), sizeof(FILE_STANDARD_INFORMATION),
                       FileStandardInformation),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Ring3Get(&Test, 0xb48), 100);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL(SET(File, Bad[i], At(0xb00), 8, FileEndOfFileInformation),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        if (Bad[i] != READ_ONLY) {
            EXPECT_EQUAL(SET(File, At(0x880), Bad[i], 8, FileEndOfFileInformation),
                         (ULONG)STATUS_ACCESS_VIOLATION);
        }
    }
    /* A rename below a directory by a handle of the kernel's: \a in no process's table. */
    HANDLE Kernel;
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Kernel, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, TRUE),
                 STATUS_SUCCESS);
    Ring3Put(&Test, 0xb00, 0);
    Ring3Put(&Test, 0xb08, (ULONG64)Kernel);
    Ring3Put(&Test, 0xb10, 2 | (ULONG64)L'a' << 32);
    EXPECT_EQUAL(SET(File, At(0x880), At(0xb00), 24, FileRenameInformation),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(ZwClose(Kernel), STATUS_SUCCESS);
}

/* The class's access, the requestor's addresses, both for real: previous mode is UserMode. */
GUEST_TEST(ke_user_services_for_file_information)
{
    Ring3Create(&Test);
    EXPECT_EQUAL(CreateTestFile(FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE, 0), 0);
    ULONG64 File = Ring3Get(&Test, 0x800);
    CheckQuery(File);
    CheckSet(File);
    EXPECT_EQUAL(CreateTestFile(SYNCHRONIZE, 0), STATUS_SUCCESS);
    ULONG64 Bare = Ring3Get(&Test, 0x800);
    EXPECT_EQUAL(QUERY(Bare, At(0x880), At(0xb00), sizeof(FILE_BASIC_INFORMATION),
                       FileBasicInformation),
                 (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(SET(Bare, At(0x880), At(0xb00), 8, FileEndOfFileInformation),
                 (ULONG)STATUS_ACCESS_DENIED);
    Ring3Put(&Test, 0xb00, TRUE);
    EXPECT_EQUAL(SET(Bare, At(0x880), At(0xb00), 1, FileDispositionInformation),
                 (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(SET(File, At(0x880), At(0xb00), 1, FileDispositionInformation), STATUS_SUCCESS);
    EXPECT_EQUAL(CALL(NtClose, Bare), STATUS_SUCCESS);
    EXPECT_EQUAL(CALL(NtClose, File), STATUS_SUCCESS);
    Ring3Delete(&Test);
}

/* A list of extended attributes is looked at before any file system sees it. */
GUEST_TEST(ke_user_services_check_attribute_lists)
{
    Ring3Create(&Test);
    /* Two entries: "A" with 1 byte of value at 0, "B" with none at 12. */
    Ring3Put(&Test, 0xa00, 12 | (ULONG64)1 << 40 | (ULONG64)1 << 48);
    Ring3Put(&Test, 0xa08, 'A' | 'x' << 16);
    Ring3Put(&Test, 0xa10, (ULONG64)1 << 8 | (ULONG64)'B' << 32);
    EXPECT_EQUAL(CreateTestFile(FILE_GENERIC_READ, 22), (ULONG)STATUS_EAS_NOT_SUPPORTED);
    EXPECT_EQUAL(CreateTestFile(FILE_GENERIC_READ, 21), (ULONG)STATUS_EA_LIST_INCONSISTENT);
    EXPECT_EQUAL(CreateTestFile(FILE_GENERIC_READ, 8), (ULONG)STATUS_EA_LIST_INCONSISTENT);
    Ring3Put(&Test, 0xa00, 14 | (ULONG64)1 << 40 | (ULONG64)1 << 48);
    EXPECT_EQUAL(CreateTestFile(FILE_GENERIC_READ, 24), (ULONG)STATUS_EA_LIST_INCONSISTENT);
    Ring3Put(&Test, 0xa00, 0xfffffffc | (ULONG64)1 << 40 | (ULONG64)1 << 48);
    EXPECT_EQUAL(CreateTestFile(FILE_GENERIC_READ, 24), (ULONG)STATUS_EA_LIST_INCONSISTENT);
    Ring3Delete(&Test);
}
