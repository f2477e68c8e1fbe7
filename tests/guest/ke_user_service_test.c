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
