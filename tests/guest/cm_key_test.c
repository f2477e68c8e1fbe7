/* SPDX-License-Identifier: MIT */
/* Keys and values by the Zw services: statuses, lengths, links, deletion, limits. */
#include "cm/cmp.h"
#include "test.h"

#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"

static NTSTATUS Create(HANDLE Root, PCWSTR Path, ULONG Options, PHANDLE Key, PULONG Disposition)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root,
                               NULL);
    return ZwCreateKey(Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, Options, Disposition);
}

static NTSTATUS Open(HANDLE Root, PCWSTR Path, PHANDLE Key)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, Root, NULL);
    return ZwOpenKey(Key, KEY_READ, &Attributes);
}

static VOID DeleteAndClose(HANDLE Key)
{
    EXPECT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwClose(Key), STATUS_SUCCESS);
}

GUEST_TEST(cm_keys_have_a_type)
{
    HANDLE Key;
    PVOID Object = NULL;

    EXPECT_EQUAL(Open(NULL, SERVICES, &Key), STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Key, KEY_READ, CmKeyObjectType, KernelMode, &Object,
                                           NULL),
                 STATUS_SUCCESS);
    EXPECT(ObGetObjectType(Object) == CmKeyObjectType);
    ObDereferenceObject(Object);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByHandle(Key, 0, ExEventObjectType, KernelMode, &Object,
                                                  NULL),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    ZwClose(Key);
}

GUEST_TEST(cm_keys_are_found_through_the_link)
{
    HANDLE Key, Same, Sub;
    ULONG Disposition = 0, Length;
    UCHAR Buffer[256];
    PKEY_NAME_INFORMATION Name = (PKEY_NAME_INFORMATION)Buffer;
    static const WCHAR Real[] = L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\CmTest";

    EXPECT_EQUAL(Create(NULL, SERVICES L"\\CmTest", 0, &Key, &Disposition), STATUS_SUCCESS);
    EXPECT_EQUAL(Disposition, REG_CREATED_NEW_KEY);
    EXPECT_EQUAL(Create(NULL, SERVICES L"\\CMTEST", 0, &Same, &Disposition), STATUS_SUCCESS);
    EXPECT_EQUAL(Disposition, REG_OPENED_EXISTING_KEY);
    EXPECT_EQUAL(ZwQueryKey(Same, KeyNameInformation, Buffer, sizeof(Buffer), &Length),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Name->NameLength, sizeof(Real) - sizeof(WCHAR));
    EXPECT(RtlEqualMemory(Name->Name, Real, sizeof(Real) - sizeof(WCHAR)));
    EXPECT_EQUAL(Create(Key, L"Parameters", 0, &Sub, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwDeleteKey(Key), (ULONG)STATUS_CANNOT_DELETE);
    DeleteAndClose(Sub);
    EXPECT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwDeleteKey(Same), (ULONG)STATUS_KEY_DELETED);
    EXPECT_EQUAL((ULONG)ZwQueryKey(Same, KeyNameInformation, Buffer, sizeof(Buffer), &Length),
                 (ULONG)STATUS_KEY_DELETED);
    EXPECT_EQUAL((ULONG)Open(Same, L"Parameters", &Sub), (ULONG)STATUS_KEY_DELETED);
    ZwClose(Key);
    ZwClose(Same);
    EXPECT_EQUAL((ULONG)Open(NULL, SERVICES L"\\CmTest", &Key),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
}

GUEST_TEST(cm_bad_paths_have_their_statuses)
{
    static WCHAR Long[300];
    static const struct {
        PCWSTR Path;
        NTSTATUS Status;
    } Cases[] = {
        {L"Registry\\Machine", STATUS_OBJECT_PATH_SYNTAX_BAD},
        {L"\\Registry\\Nowhere", STATUS_OBJECT_NAME_NOT_FOUND},
        {L"\\Registry\\Machine\\System\\No\\Where", STATUS_OBJECT_NAME_NOT_FOUND},
        {L"\\Device", STATUS_OBJECT_TYPE_MISMATCH},
        {SERVICES L"\\", STATUS_SUCCESS},
        {L"\\REGISTRY", STATUS_SUCCESS},
    };
    HANDLE Key, Services;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        NTSTATUS Status = Open(NULL, Cases[i].Path, &Key);
        EXPECT_EQUAL((ULONG)Status, (ULONG)Cases[i].Status);
        if (NT_SUCCESS(Status)) {
            ZwClose(Key);
        } else {
            EXPECT(Key == NULL);
        }
    }
    EXPECT_EQUAL(Open(NULL, SERVICES, &Services), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Open(Services, L"\\Sub", &Key), (ULONG)STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQUAL((ULONG)Create(Services, L"No\\Where", 0, &Key, NULL),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL((ULONG)Create(Services, L"X", 0x80, &Key, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)Create(NULL, L"\\Registry\\Machine\\X", 0, &Key, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    for (ULONG i = 0; i < 256; i++) {
        Long[i] = L'k';
    }
    EXPECT_EQUAL((ULONG)Create(Services, Long, 0, &Key, NULL), (ULONG)STATUS_INVALID_PARAMETER);
    Long[255] = 0;
    EXPECT_EQUAL(Create(Services, Long, 0, &Key, NULL), STATUS_SUCCESS);
    DeleteAndClose(Key);
    ZwClose(Services);
}

GUEST_TEST(cm_values_are_cut_to_the_buffer)
{
    HANDLE Key;
    UNICODE_STRING Name;
    ULONG Length = 0, Data = 0x12345678;
    UCHAR Buffer[64];
    PKEY_VALUE_PARTIAL_INFORMATION Partial = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;

    EXPECT_EQUAL(Create(NULL, SERVICES L"\\CmTest", 0, &Key, NULL), STATUS_SUCCESS);
    RtlInitUnicodeString(&Name, L"Number");
    EXPECT_EQUAL((ULONG)ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer, 64,
                                        &Length),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL(ZwSetValueKey(Key, &Name, 0, REG_DWORD, &Data, 4), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, NULL, 0, &Length),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(Length, 16);
    RtlFillMemory(Buffer, sizeof(Buffer), 0xee);
    EXPECT_EQUAL((ULONG)ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer, 14,
                                        &Length),
                 (ULONG)STATUS_BUFFER_OVERFLOW);
    EXPECT_EQUAL(Length, 16);
    EXPECT_EQUAL(Partial->DataLength, 4);
    EXPECT(Buffer[13] == 0x56 && Buffer[14] == 0xee);
    RtlInitUnicodeString(&Name, L"NUMBER");
    EXPECT_EQUAL(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer, 16, &Length),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Partial->Type, REG_DWORD);
    EXPECT_EQUAL(*(PULONG)Partial->Data, Data);
    EXPECT_EQUAL((ULONG)ZwQueryValueKey(Key, &Name, MaxKeyValueInfoClass, Buffer, 64, &Length),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(ZwDeleteValueKey(Key, &Name), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwDeleteValueKey(Key, &Name), (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    DeleteAndClose(Key);
}

GUEST_TEST(cm_enumeration_has_an_order_and_an_end)
{
    static const PCWSTR Names[] = {L"b", L"A", L"c"};
    static const WCHAR Sorted[] = L"Abc";
    HANDLE Key, Sub[3];
    UCHAR Buffer[128];
    ULONG Length, Index;
    PKEY_BASIC_INFORMATION Basic = (PKEY_BASIC_INFORMATION)Buffer;
    PKEY_FULL_INFORMATION Full = (PKEY_FULL_INFORMATION)Buffer;
    PKEY_VALUE_FULL_INFORMATION Value = (PKEY_VALUE_FULL_INFORMATION)Buffer;

    EXPECT_EQUAL(Create(NULL, SERVICES L"\\CmTest", 0, &Key, NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < 3; i++) {
        UNICODE_STRING Name;
        RtlInitUnicodeString(&Name, Names[i]);
        EXPECT_EQUAL(Create(Key, Names[i], 0, &Sub[i], NULL), STATUS_SUCCESS);
        EXPECT_EQUAL(ZwSetValueKey(Key, &Name, 0, REG_BINARY, &i, 2 + i), STATUS_SUCCESS);
    }
    for (Index = 0; Index < 3; Index++) {
        EXPECT_EQUAL(ZwEnumerateKey(Key, Index, KeyBasicInformation, Buffer, 128, &Length),
                     STATUS_SUCCESS);
        EXPECT(Basic->NameLength == 2 && Basic->Name[0] == Sorted[Index]);
        EXPECT_EQUAL(ZwEnumerateValueKey(Key, Index, KeyValueFullInformation, Buffer, 128, &Length),
                     STATUS_SUCCESS);
        EXPECT(Value->NameLength == 2 && Value->Name[0] == Names[Index][0]);
        EXPECT_EQUAL(Value->DataOffset, 24);
        EXPECT_EQUAL(Length, 24 + 2 + Index);
    }
    EXPECT_EQUAL((ULONG)ZwEnumerateKey(Key, 3, KeyBasicInformation, Buffer, 128, &Length),
                 (ULONG)STATUS_NO_MORE_ENTRIES);
    EXPECT_EQUAL((ULONG)ZwEnumerateValueKey(Key, 3, KeyValueFullInformation, Buffer, 128, &Length),
                 (ULONG)STATUS_NO_MORE_ENTRIES);
    EXPECT_EQUAL(ZwQueryKey(Key, KeyFullInformation, Buffer, 128, &Length), STATUS_SUCCESS);
    EXPECT(Full->SubKeys == 3 && Full->Values == 3);
    EXPECT(Full->MaxNameLen == 2 && Full->MaxValueNameLen == 2 && Full->MaxValueDataLen == 4);
    for (ULONG i = 0; i < 3; i++) {
        DeleteAndClose(Sub[i]);
    }
    DeleteAndClose(Key);
}

GUEST_TEST(cm_limits_hold)
{
    HANDLE Key, Child;
    UNICODE_STRING Name = {0, 0, NULL};
    ULONG Bytes = (1u << 20), Length;
    PUCHAR Data = ExAllocatePoolWithTag(PagedPool, Bytes + 1, 'tsTC');
    KEY_VALUE_BASIC_INFORMATION Basic;

    EXPECT(Data != NULL);
    if (Data == NULL) {
        return;
    }
    RtlZeroMemory(Data, Bytes + 1);
    EXPECT_EQUAL(Create(NULL, SERVICES L"\\CmTest", REG_OPTION_VOLATILE, &Key, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Create(Key, L"Kept", 0, &Child, NULL),
                 (ULONG)STATUS_CHILD_MUST_BE_VOLATILE);
    EXPECT_EQUAL((ULONG)ZwSetValueKey(Key, &Name, 0, REG_BINARY, Data, Bytes + 1),
                 (ULONG)STATUS_REGISTRY_QUOTA_LIMIT);
    EXPECT_EQUAL(ZwSetValueKey(Key, NULL, 0, REG_BINARY, Data, Bytes), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwQueryValueKey(Key, &Name, KeyValueBasicInformation, &Basic, sizeof(Basic),
                                 &Length),
                 STATUS_SUCCESS);
    DeleteAndClose(Key);
    ExFreePoolWithTag(Data, 'tsTC');
}

GUEST_TEST(cm_links_end)
{
    static const WCHAR Target[] = L"\\Registry\\Machine\\System\\ControlSet001\\Services\\CmLoop";
    UNICODE_STRING Name, Value;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Link, Key;

    EXPECT_EQUAL(Create(NULL, SERVICES L"\\CmLoop", REG_OPTION_CREATE_LINK, &Link, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Open(NULL, SERVICES L"\\CmLoop", &Key),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    RtlInitUnicodeString(&Value, L"SymbolicLinkValue");
    EXPECT_EQUAL(ZwSetValueKey(Link, &Value, 0, REG_LINK, (PVOID)Target, sizeof(Target) - 2),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Open(NULL, SERVICES L"\\CmLoop", &Key),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    RtlInitUnicodeString(&Name, SERVICES L"\\CmLoop");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL((ULONG)ZwOpenKeyEx(&Key, KEY_READ, &Attributes, 0x1),
                 (ULONG)STATUS_INVALID_PARAMETER_4);
    EXPECT_EQUAL(ZwOpenKeyEx(&Key, KEY_READ, &Attributes, REG_OPTION_OPEN_LINK), STATUS_SUCCESS);
    ZwClose(Key);
    DeleteAndClose(Link);
}
