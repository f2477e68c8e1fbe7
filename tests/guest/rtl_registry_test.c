/* SPDX-License-Identifier: MIT */
/* The registry routines of Rtl: tables with each flag, defaults, places that are too small. */
#include "nt/cm.h"
#include "nt/pool.h"
#include "nt/rtl.h"
#include "test.h"

#define SERVICE L"CmRtlTest"

static ULONG Calls;
static ULONG LastBytes;

static NTSTATUS CountCall(PWSTR Name, ULONG Type, PVOID Data, ULONG Bytes, PVOID Context,
                          PVOID EntryContext)
{
    Calls++;
    LastBytes = Bytes;
    EXPECT_EQUAL((ULONG_PTR)Context, 0x55);
    return EntryContext == NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static VOID MakeKey(VOID)
{
    static const WCHAR Text[] = L"one", Many[] = L"a\0bc\0", Path[] = L"%Root%\\x%none%";
    ULONG Number = 7, Long[3] = {1, 2, 3};
    EXPECT_EQUAL(RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, SERVICE), STATUS_SUCCESS);
    EXPECT_EQUAL(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, SERVICE), STATUS_SUCCESS);
    EXPECT_EQUAL(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, SERVICE, L"Text", REG_SZ,
                                       (PVOID)Text, sizeof(Text)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, SERVICE, L"Many", REG_MULTI_SZ,
                                       (PVOID)Many, sizeof(Many)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, SERVICE, L"Path", REG_EXPAND_SZ,
                                       (PVOID)Path, sizeof(Path)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, SERVICE, L"Number", REG_DWORD,
                                       &Number, 4),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, SERVICE, L"Long", REG_BINARY, Long,
                                       12),
                 STATUS_SUCCESS);
}

static VOID DeleteKey(VOID)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;
    RtlInitUnicodeString(&Name, L"\\Registry\\Machine\\System\\ControlSet001\\Services\\" SERVICE);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwOpenKey(&Key, DELETE, &Attributes), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS);
    ZwClose(Key);
    EXPECT_EQUAL((ULONG)RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, SERVICE),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
}

static NTSTATUS Query(ULONG Flags, PWSTR Name, PRTL_QUERY_REGISTRY_ROUTINE Routine, PVOID Place,
                      ULONG DefaultType, PVOID DefaultData, ULONG DefaultLength)
{
    RTL_QUERY_REGISTRY_TABLE Table[2] = {
        {Routine, Flags, Name, Place, DefaultType, DefaultData, DefaultLength}, {0}};
    return RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, SERVICE, Table, (PVOID)0x55,
                                  L"Other=1\0ROOT=C:\\Windows\0");
}

GUEST_TEST(rtl_registry_direct_places)
{
    const ULONG Direct = RTL_QUERY_REGISTRY_DIRECT, Typed = RTL_QUERY_REGISTRY_TYPECHECK;
    ULONG Number = 0, Default = 9;
    LONG Place[5];
    WCHAR Text[16];
    UNICODE_STRING String = {0, sizeof(Text), Text};

    MakeKey();
    EXPECT_EQUAL(Query(Direct, L"Number", NULL, &Number, REG_NONE, NULL, 0), STATUS_SUCCESS);
    EXPECT_EQUAL(Number, 7);
    EXPECT_EQUAL(Query(Direct, L"None", NULL, &Number, REG_DWORD, &Default, 4), STATUS_SUCCESS);
    EXPECT_EQUAL(Number, 9);
    EXPECT_EQUAL((ULONG)Query(Direct | RTL_QUERY_REGISTRY_REQUIRED, L"None", NULL, &Number,
                              REG_DWORD, &Default, 4),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL((ULONG)Query(Direct | Typed, L"Text", NULL, &Number,
                              REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT, NULL, 0),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL(Query(Direct | Typed, L"Text", NULL, &String,
                       REG_SZ << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT(String.Length == 6 && RtlEqualMemory(Text, L"one", 8));
    String.MaximumLength = 6;
    EXPECT_EQUAL((ULONG)Query(Direct, L"Text", NULL, &String, REG_NONE, NULL, 0),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    String = (UNICODE_STRING){0, 0, NULL};
    EXPECT_EQUAL(Query(Direct, L"Path", NULL, &String, REG_NONE, NULL, 0), STATUS_SUCCESS);
    EXPECT(String.Buffer != NULL && wcscmp(String.Buffer, L"C:\\Windows\\x%none%") == 0);
    RtlFreeUnicodeString(&String);
    EXPECT_EQUAL(Query(Direct | RTL_QUERY_REGISTRY_NOEXPAND, L"Many", NULL, &String, REG_NONE,
                       NULL, 0),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(String.Length, 12);
    RtlFreeUnicodeString(&String);
    Place[0] = -8;
    EXPECT_EQUAL((ULONG)Query(Direct, L"Long", NULL, Place, REG_NONE, NULL, 0),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    Place[0] = -12;
    EXPECT_EQUAL(Query(Direct, L"Long", NULL, Place, REG_NONE, NULL, 0), STATUS_SUCCESS);
    EXPECT(Place[0] == 1 && Place[2] == 3);
    Place[0] = sizeof(Place);
    EXPECT_EQUAL(Query(Direct, L"Long", NULL, Place, REG_NONE, NULL, 0), STATUS_SUCCESS);
    EXPECT(Place[0] == 12 && Place[1] == REG_BINARY && Place[4] == 3);
    DeleteKey();
}

GUEST_TEST(rtl_registry_routines_are_called)
{
    RTL_QUERY_REGISTRY_TABLE Sub[3] = {
        {NULL, RTL_QUERY_REGISTRY_SUBKEY, SERVICE, NULL, 0, NULL, 0},
        {CountCall, RTL_QUERY_REGISTRY_REQUIRED, L"Number", NULL, 0, NULL, 0},
        {0}};
    MakeKey();
    Calls = 0;
    EXPECT_EQUAL(Query(0, L"Many", CountCall, NULL, REG_NONE, NULL, 0), STATUS_SUCCESS);
    EXPECT(Calls == 2 && LastBytes == 6);
    EXPECT_EQUAL(Query(RTL_QUERY_REGISTRY_NOEXPAND, L"Many", CountCall, NULL, REG_NONE, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT(Calls == 3 && LastBytes == 12);
    EXPECT_EQUAL(Query(0, L"None", CountCall, NULL, REG_SZ, L"four", 0), STATUS_SUCCESS);
    EXPECT(Calls == 4 && LastBytes == 10);
    EXPECT_EQUAL(Query(0, L"None", CountCall, NULL, REG_NONE, NULL, 0), STATUS_SUCCESS);
    EXPECT_EQUAL(Calls, 4);
    EXPECT_EQUAL((ULONG)Query(0, L"Text", CountCall, &Calls, REG_NONE, NULL, 0),
                 (ULONG)STATUS_UNSUCCESSFUL);
    EXPECT_EQUAL((ULONG)Query(RTL_QUERY_REGISTRY_DIRECT, NULL, NULL, &Calls, 0, NULL, 0),
                 (ULONG)STATUS_INVALID_PARAMETER);
    Calls = 0;
    EXPECT_EQUAL(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, NULL, Sub, (PVOID)0x55, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Calls, 1);
    EXPECT_EQUAL(Query(RTL_QUERY_REGISTRY_NOEXPAND | RTL_QUERY_REGISTRY_DELETE, NULL, CountCall,
                       NULL, REG_NONE, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Calls, 6);
    EXPECT_EQUAL((ULONG)Query(RTL_QUERY_REGISTRY_REQUIRED, NULL, CountCall, NULL, 0, NULL, 0),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL((ULONG)RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, SERVICE, L"Text"),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL((ULONG)RtlCheckRegistryKey(RTL_REGISTRY_MAXIMUM, SERVICE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"No\\Where"),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    DeleteKey();
}
