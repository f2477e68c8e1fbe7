/* SPDX-License-Identifier: MIT */
/* Names: directories, links, queries, permanence. */
#include "nt/io.h"
#include "ob/obp.h"
#include "test.h"

static NTSTATUS OpenByName(PCWSTR Path, POBJECT_TYPE Type, PVOID *Object)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OB_PARSE_PARAMETERS Parameters = {.Type = Type, .AccessMode = KernelMode};
    return ObpLookupObjectName(NULL, &Name, NULL, &Parameters, Object);
}

static NTSTATUS CreateEvent(PCWSTR Path, ULONG Attributes, PHANDLE Handle)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES ObjectAttributes;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&ObjectAttributes, &Name, Attributes | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    return ZwCreateEvent(Handle, EVENT_ALL_ACCESS, &ObjectAttributes, NotificationEvent, FALSE);
}

GUEST_TEST(ob_names_are_found_without_case)
{
    static const PCWSTR Paths[] = {L"\\Device", L"\\DEVICE", L"\\ObjectTypes\\event",
                                   L"\\??", L"\\DosDevices\\Global", L"\\Callback"};
    PVOID Object;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Paths); i++) {
        EXPECT_EQUAL(OpenByName(Paths[i], NULL, &Object), STATUS_SUCCESS);
        if (Object != NULL) {
            ObDereferenceObject(Object);
        }
    }
    EXPECT_EQUAL(OpenByName(L"\\ObjectTypes\\Event", ObpTypeObjectType, &Object), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Object, (ULONG_PTR)ExEventObjectType);
    ObDereferenceObject(Object);
}

GUEST_TEST(ob_bad_paths_have_their_statuses)
{
    static const struct {
        PCWSTR Path;
        NTSTATUS Status;
    } Cases[] = {
        {L"", STATUS_OBJECT_PATH_SYNTAX_BAD},
        {L"Device", STATUS_OBJECT_PATH_SYNTAX_BAD},
        {L"\\Device\\", STATUS_OBJECT_NAME_INVALID},
        {L"\\\\Device", STATUS_OBJECT_NAME_INVALID},
        {L"\\Nowhere", STATUS_OBJECT_NAME_NOT_FOUND},
        {L"\\Nowhere\\Thing", STATUS_OBJECT_PATH_NOT_FOUND},
        {L"\\ObjectTypes\\Event\\Thing", STATUS_OBJECT_TYPE_MISMATCH},
    };
    PVOID Object;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        EXPECT_EQUAL((ULONG)OpenByName(Cases[i].Path, NULL, &Object), (ULONG)Cases[i].Status);
        EXPECT(Object == NULL);
    }
}

GUEST_TEST(ob_temporary_name_goes_with_the_last_handle)
{
    HANDLE First, Second;
    PVOID Object;
    PCWSTR Path = L"\\BaseNamedObjects\\ObTestEvent";

    EXPECT_EQUAL(CreateEvent(Path, 0, &First), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)CreateEvent(Path, 0, &Second), (ULONG)STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQUAL(CreateEvent(Path, OBJ_OPENIF, &Second), STATUS_OBJECT_NAME_EXISTS);
    EXPECT_EQUAL(ZwClose(First), STATUS_SUCCESS);
    EXPECT_EQUAL(OpenByName(Path, ExEventObjectType, &Object), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwClose(Second), STATUS_SUCCESS);
    PVOID Gone;
    EXPECT_EQUAL((ULONG)OpenByName(Path, NULL, &Gone), (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    ObDereferenceObject(Object);
}

/* What has the name is of another type: it is taken, and OBJ_OPENIF does not open it. */
GUEST_TEST(ob_name_is_taken_by_another_type)
{
    static const PCWSTR Taken[] = {L"\\BaseNamedObjects", L"\\ObjectTypes\\Event",
                                   L"\\Device\\HarddiskVolume1"};
    HANDLE Handle;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Taken); i++) {
        EXPECT_EQUAL((ULONG)CreateEvent(Taken[i], 0, &Handle),
                     (ULONG)STATUS_OBJECT_NAME_COLLISION);
        EXPECT_EQUAL((ULONG)CreateEvent(Taken[i], OBJ_OPENIF, &Handle),
                     (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    }
}

GUEST_TEST(ob_symbolic_links_are_followed_and_bounded)
{
    UNICODE_STRING Link, Target;
    PVOID Object;

    RtlInitUnicodeString(&Link, L"\\??\\ObTestLink");
    RtlInitUnicodeString(&Target, L"\\ObjectTypes");
    EXPECT_EQUAL(IoCreateSymbolicLink(&Link, &Target), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)IoCreateSymbolicLink(&Link, &Target), (ULONG)STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQUAL(OpenByName(L"\\DosDevices\\obtestlink\\Event", NULL, &Object), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Object, (ULONG_PTR)ExEventObjectType);
    ObDereferenceObject(Object);
    EXPECT_EQUAL(OpenByName(L"\\??\\GLOBALROOT\\ObjectTypes\\Event", NULL, &Object),
                 STATUS_SUCCESS);
    ObDereferenceObject(Object);
    EXPECT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)IoDeleteSymbolicLink(&Link), (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);

    /* A link to itself ends. */
    EXPECT_EQUAL(IoCreateSymbolicLink(&Link, &Link), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)OpenByName(L"\\??\\ObTestLink\\x", NULL, &Object),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS);
}

GUEST_TEST(ob_link_target_can_be_read)
{
    UNICODE_STRING Link, Target;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    WCHAR Text[16];
    UNICODE_STRING Read = {0, 4, Text};
    ULONG Length = 0;

    RtlInitUnicodeString(&Link, L"\\??\\ObTestLink");
    RtlInitUnicodeString(&Target, L"\\Device\\X");
    EXPECT_EQUAL(IoCreateSymbolicLink(&Link, &Target), STATUS_SUCCESS);
    InitializeObjectAttributes(&Attributes, &Link, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwOpenSymbolicLinkObject(&Handle, GENERIC_READ, &Attributes), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwQuerySymbolicLinkObject(Handle, &Read, &Length),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(Length, Target.Length);
    Read.MaximumLength = sizeof(Text);
    EXPECT_EQUAL(ZwQuerySymbolicLinkObject(Handle, &Read, &Length), STATUS_SUCCESS);
    EXPECT(RtlEqualUnicodeString(&Read, &Target, FALSE));
    ZwClose(Handle);
    IoDeleteSymbolicLink(&Link);
}

GUEST_TEST(ob_query_name_gives_the_path)
{
    UCHAR Buffer[256];
    POBJECT_NAME_INFORMATION Information = (POBJECT_NAME_INFORMATION)Buffer;
    UNICODE_STRING Expected;
    ULONG Length = 0;

    RtlInitUnicodeString(&Expected, L"\\ObjectTypes\\Event");
    EXPECT_EQUAL((ULONG)ObQueryNameString(ExEventObjectType, Information, 20, &Length),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Length, sizeof(*Information) + Expected.Length + sizeof(WCHAR));
    EXPECT_EQUAL(ObQueryNameString(ExEventObjectType, Information, sizeof(Buffer), &Length),
                 STATUS_SUCCESS);
    EXPECT(RtlEqualUnicodeString(&Information->Name, &Expected, FALSE));
    EXPECT_EQUAL(ObQueryNameString(KeGetCurrentThread(), Information, sizeof(Buffer), &Length),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Information->Name.Length, 0);
}
