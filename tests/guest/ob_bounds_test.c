/* SPDX-License-Identifier: MIT */
/*
 * The services of objects with bad arguments and at their bounds: each buffer one byte too short
 * and just long enough, handles that are none, of another type, closed. Expected values: the page
 * of each routine in the Windows Driver Kit's reference.
 */
#include "nt/io.h"
#include "ob/obp.h"
#include "se/sep.h"
#include "test.h"

#define NO_HANDLE ((HANDLE)0x7ff0) /* none of the system process's */

static OBJECT_ATTRIBUTES Named(PUNICODE_STRING Name, PCWSTR Path)
{
    OBJECT_ATTRIBUTES Attributes;
    RtlInitUnicodeString(Name, Path);
    InitializeObjectAttributes(&Attributes, Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return Attributes;
}

static HANDLE MakeEvent(PCWSTR Path, EVENT_TYPE Type)
{
    UNICODE_STRING Name;
    HANDLE Event = NULL;
    OBJECT_ATTRIBUTES Attributes = Named(&Name, Path);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, Type, FALSE),
                 STATUS_SUCCESS);
    return Event;
}

GUEST_TEST(ob_link_is_read_into_just_enough)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\ObBounds");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\Device\\Target");
    WCHAR Text[32];
    UNICODE_STRING Read = {0, 0, Text}, Name;
    OBJECT_ATTRIBUTES Attributes = Named(&Name, Link.Buffer);
    HANDLE Handle, Event = MakeEvent(L"\\BaseNamedObjects\\ObBounds", NotificationEvent);
    ULONG Length = 0;

    EXPECT_EQUAL(IoCreateSymbolicLink(&Link, &Target), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwOpenSymbolicLinkObject(&Handle, SYMBOLIC_LINK_QUERY, &Attributes),
                 STATUS_SUCCESS);
    for (USHORT Room = 0; Room <= Target.Length + 2; Room++) {
        Read = (UNICODE_STRING){0, Room, Text};
        RtlFillMemory(Text, sizeof(Text), 0xee);
        NTSTATUS Expected = Room < Target.Length ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
        EXPECT_EQUAL((ULONG)ZwQuerySymbolicLinkObject(Handle, &Read, Room & 1 ? NULL : &Length),
                     (ULONG)Expected);
        EXPECT_EQUAL(Read.Length, NT_SUCCESS(Expected) ? Target.Length : 0);
        EXPECT_EQUAL(((PUCHAR)Text)[Room], 0xee); /* nothing behind the room */
    }
    EXPECT_EQUAL(Length, Target.Length);
    EXPECT_EQUAL((ULONG)ZwQuerySymbolicLinkObject(Event, &Read, &Length),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL((ULONG)ZwQuerySymbolicLinkObject(NO_HANDLE, &Read, &Length),
                 (ULONG)STATUS_INVALID_HANDLE);
    ZwClose(Handle);
    EXPECT_EQUAL(IoDeleteSymbolicLink(&Link), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwOpenSymbolicLinkObject(&Handle, GENERIC_READ, &Attributes),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(Handle == NULL);
    ZwClose(Event);
}

GUEST_TEST(ob_open_by_name_of_other_types_and_none)
{
    typedef NTSTATUS OPEN(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);
    static OPEN *const Opens[] = {ZwOpenSection, ZwOpenEvent, ZwOpenDirectoryObject,
                                  ZwOpenSymbolicLinkObject};
    static const struct {
        PCWSTR Path;
        NTSTATUS Status[RTL_NUMBER_OF(Opens)];
    } Cases[] = {
#define ALL(status) {status, status, status, status}
        {L"\\BaseNamedObjects\\ObNothing", ALL(STATUS_OBJECT_NAME_NOT_FOUND)},
        {L"\\ObNothing\\x", ALL(STATUS_OBJECT_PATH_NOT_FOUND)},
        {L"ObRelative", ALL(STATUS_OBJECT_PATH_SYNTAX_BAD)},
        {L"", ALL(STATUS_OBJECT_PATH_SYNTAX_BAD)},
        {L"\\BaseNamedObjects\\\\x", ALL(STATUS_OBJECT_NAME_INVALID)},
        {L"\\ObjectTypes\\Event", ALL(STATUS_OBJECT_TYPE_MISMATCH)},
        {L"\\BaseNamedObjects",
         {STATUS_OBJECT_TYPE_MISMATCH, STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS,
          STATUS_OBJECT_TYPE_MISMATCH}},
        {L"\\Device\\PhysicalMemory",
         {STATUS_SUCCESS, STATUS_OBJECT_TYPE_MISMATCH, STATUS_OBJECT_TYPE_MISMATCH,
          STATUS_OBJECT_TYPE_MISMATCH}},
        {L"\\??\\C:",
         {STATUS_OBJECT_TYPE_MISMATCH, STATUS_OBJECT_TYPE_MISMATCH, STATUS_OBJECT_TYPE_MISMATCH,
          STATUS_SUCCESS}},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        for (ULONG Open = 0; Open < RTL_NUMBER_OF(Opens); Open++) {
            UNICODE_STRING Name;
            OBJECT_ATTRIBUTES Attributes = Named(&Name, Cases[i].Path);
            HANDLE Handle = NULL;
            EXPECT_EQUAL((ULONG)Opens[Open](&Handle, GENERIC_READ, &Attributes),
                         (ULONG)Cases[i].Status[Open]);
            EXPECT_EQUAL(Handle != NULL, NT_SUCCESS(Cases[i].Status[Open]));
            if (Handle != NULL) {
                ZwClose(Handle);
            }
            Attributes.Length--;
            EXPECT_EQUAL((ULONG)Opens[Open](&Handle, GENERIC_READ, &Attributes),
                         (ULONG)STATUS_INVALID_PARAMETER);
            Attributes.Length++;
            Attributes.RootDirectory = NO_HANDLE;
            EXPECT_EQUAL((ULONG)Opens[Open](&Handle, GENERIC_READ, &Attributes),
                         (ULONG)STATUS_INVALID_HANDLE);
        }
    }
}

GUEST_TEST(ob_event_services_by_bad_handles)
{
    HANDLE Event = MakeEvent(L"\\BaseNamedObjects\\ObBounds", SynchronizationEvent);
    LARGE_INTEGER Zero = {.QuadPart = 0};
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes = Named(&Name, L"\\BaseNamedObjects");
    HANDLE Directory;
    LONG Previous = -1;

    EXPECT_EQUAL(ZwOpenDirectoryObject(&Directory, DIRECTORY_QUERY, &Attributes), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWaitForSingleObject(Event, FALSE, &Zero), STATUS_TIMEOUT);
    EXPECT_EQUAL(ZwSetEvent(Event, &Previous), STATUS_SUCCESS);
    EXPECT_EQUAL(Previous, 0);
    EXPECT_EQUAL(ZwSetEvent(Event, &Previous), STATUS_SUCCESS);
    EXPECT_EQUAL(Previous, 1);
    EXPECT_EQUAL(ZwWaitForSingleObject(Event, FALSE, &Zero), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWaitForSingleObject(Event, FALSE, &Zero), STATUS_TIMEOUT); /* once */
    Previous = -1;
    EXPECT_EQUAL((ULONG)ZwSetEvent(Directory, &Previous), (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL((ULONG)ZwSetEvent(NO_HANDLE, &Previous), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwSetEvent(NULL, &Previous), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwSetEvent(NtCurrentProcess(), &Previous),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL(Previous, -1);
    EXPECT_EQUAL((ULONG)ZwWaitForSingleObject(NO_HANDLE, FALSE, &Zero),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwMakeTemporaryObject(NO_HANDLE), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(ZwMakeTemporaryObject(Event), STATUS_SUCCESS); /* it is already */
    EXPECT_EQUAL((ULONG)ZwCreateEvent(&Directory, EVENT_ALL_ACCESS, NULL, (EVENT_TYPE)-1, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER_4);
    ZwClose(Directory);
    ZwClose(Event);
    EXPECT_EQUAL((ULONG)ZwSetEvent(Event, NULL), (ULONG)STATUS_INVALID_HANDLE);
}

/* ZwQueryObject: each class one byte short and as long as it says. */
GUEST_TEST(ob_query_object_into_just_enough)
{
    static const OBJECT_INFORMATION_CLASS Classes[] = {
        ObjectBasicInformation, ObjectNameInformation, ObjectTypeInformation,
        ObjectHandleFlagInformation};
    HANDLE Event = MakeEvent(L"\\BaseNamedObjects\\ObBounds", NotificationEvent);
    DECLSPEC_ALIGN(8) UCHAR Buffer[512];
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {FALSE, TRUE};

    for (ULONG i = 0; i < RTL_NUMBER_OF(Classes); i++) {
        ULONG Needed = 0, Again = 0;
        EXPECT_EQUAL((ULONG)ZwQueryObject(Event, Classes[i], Buffer, 0, &Needed),
                     (ULONG)STATUS_INFO_LENGTH_MISMATCH);
        EXPECT(Needed != 0 && Needed < sizeof(Buffer));
        RtlFillMemory(Buffer, sizeof(Buffer), 0xee);
        EXPECT_EQUAL((ULONG)ZwQueryObject(Event, Classes[i], Buffer, Needed - 1, &Again),
                     (ULONG)STATUS_INFO_LENGTH_MISMATCH);
        EXPECT_EQUAL(Again, Needed);
        EXPECT_EQUAL(Buffer[Needed - 1], 0xee);
        EXPECT_EQUAL(ZwQueryObject(Event, Classes[i], Buffer, Needed, NULL), STATUS_SUCCESS);
        EXPECT_EQUAL(Buffer[Needed], 0xee);
        EXPECT_EQUAL((ULONG)ZwQueryObject(NO_HANDLE, Classes[i], Buffer, Needed, &Again),
                     (ULONG)STATUS_INVALID_HANDLE);
    }
    EXPECT_EQUAL((ULONG)ZwQueryObject(Event, (OBJECT_INFORMATION_CLASS)99, Buffer, 512, NULL),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    EXPECT_EQUAL((ULONG)ZwSetInformationObject(Event, ObjectBasicInformation, &Flags,
                                               sizeof(Flags)),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    EXPECT_EQUAL((ULONG)ZwSetInformationObject(Event, ObjectHandleFlagInformation, &Flags,
                                               sizeof(Flags) + 1),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL((ULONG)ZwSetInformationObject(NO_HANDLE, ObjectHandleFlagInformation, &Flags,
                                               sizeof(Flags)),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(ZwSetInformationObject(Event, ObjectHandleFlagInformation, &Flags,
                                        sizeof(Flags)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwClose(Event), (ULONG)STATUS_HANDLE_NOT_CLOSABLE);
    Flags.ProtectFromClose = FALSE;
    EXPECT_EQUAL(ObSetHandleAttributes(Event, &Flags, KernelMode), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ObSetHandleAttributes(Event, &Flags, UserMode),
                 (ULONG)STATUS_INVALID_HANDLE); /* a kernel handle */
    EXPECT_EQUAL(ZwClose(Event), STATUS_SUCCESS);
}

/* ZwQuerySecurityObject, ZwSetSecurityObject: lengths, parts that are none, bad descriptors. */
GUEST_TEST(ob_security_services_at_their_bounds)
{
    HANDLE Event = MakeEvent(L"\\BaseNamedObjects\\ObBounds", NotificationEvent);
    DECLSPEC_ALIGN(8) UCHAR Buffer[512];
    PISECURITY_DESCRIPTOR_RELATIVE Relative = (PISECURITY_DESCRIPTOR_RELATIVE)Buffer;
    SECURITY_DESCRIPTOR Empty;
    const SECURITY_INFORMATION All = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                                     DACL_SECURITY_INFORMATION;
    static const SECURITY_INFORMATION Parts[] = {0, OWNER_SECURITY_INFORMATION,
                                                 GROUP_SECURITY_INFORMATION,
                                                 DACL_SECURITY_INFORMATION, All};
    ULONG Needed, Again;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Parts); i++) {
        EXPECT_EQUAL((ULONG)ZwQuerySecurityObject(Event, Parts[i], NULL, 0, &Needed),
                     (ULONG)STATUS_BUFFER_TOO_SMALL);
        RtlFillMemory(Buffer, sizeof(Buffer), 0xee);
        EXPECT_EQUAL((ULONG)ZwQuerySecurityObject(Event, Parts[i], Buffer, Needed - 1, &Again),
                     (ULONG)STATUS_BUFFER_TOO_SMALL);
        EXPECT_EQUAL(Again, Needed);
        EXPECT_EQUAL(Buffer[0], 0xee);
        EXPECT_EQUAL(ZwQuerySecurityObject(Event, Parts[i], Buffer, Needed, &Again),
                     STATUS_SUCCESS);
        EXPECT_EQUAL(Buffer[Needed], 0xee);
        EXPECT(RtlValidRelativeSecurityDescriptor(Relative, Needed, Parts[i]));
        EXPECT_EQUAL(Relative->Owner != 0, (Parts[i] & OWNER_SECURITY_INFORMATION) != 0);
        EXPECT_EQUAL(Relative->Group != 0, (Parts[i] & GROUP_SECURITY_INFORMATION) != 0);
        EXPECT_EQUAL(Relative->Dacl != 0, (Parts[i] & DACL_SECURITY_INFORMATION) != 0);
    }
    EXPECT_EQUAL((ULONG)ZwQuerySecurityObject(NO_HANDLE, All, Buffer, 512, &Needed),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwSetSecurityObject(Event, All, NULL), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL((ULONG)ZwSetSecurityObject(NO_HANDLE, All, Relative),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(ZwSetSecurityObject(Event, All, Relative), STATUS_SUCCESS);
    Relative->Revision = 2;
    EXPECT_EQUAL((ULONG)ZwSetSecurityObject(Event, All, Relative), (ULONG)STATUS_UNKNOWN_REVISION);
    RtlCreateSecurityDescriptor(&Empty, SECURITY_DESCRIPTOR_REVISION);
    EXPECT_EQUAL((ULONG)ZwSetSecurityObject(Event, OWNER_SECURITY_INFORMATION, &Empty),
                 (ULONG)STATUS_INVALID_OWNER);
    EXPECT_EQUAL((ULONG)ZwSetSecurityObject(Event, GROUP_SECURITY_INFORMATION, &Empty),
                 (ULONG)STATUS_INVALID_PRIMARY_GROUP);
    EXPECT_EQUAL(ZwQuerySecurityObject(Event, All, Buffer, sizeof(Buffer), &Needed),
                 STATUS_SUCCESS);
    EXPECT(Relative->Owner != 0 && Relative->Group != 0); /* as they were */
    ZwClose(Event);
}

/* ObQueryNameString: one byte short, just enough, no name, the root. */
GUEST_TEST(ob_name_string_into_just_enough)
{
    HANDLE Event = MakeEvent(L"\\BaseNamedObjects\\ObBounds", NotificationEvent), Unnamed = NULL;
    DECLSPEC_ALIGN(8) UCHAR Buffer[128];
    POBJECT_NAME_INFORMATION Name = (POBJECT_NAME_INFORMATION)Buffer;
    const ULONG Text = sizeof(L"\\BaseNamedObjects\\ObBounds");
    ULONG Needed = 0;
    PVOID Object;

    EXPECT_EQUAL(ObReferenceObjectByHandle(Event, 0, NULL, KernelMode, &Object, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ObQueryNameString(Object, NULL, 0, &Needed),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Needed, sizeof(*Name) + Text);
    EXPECT_EQUAL((ULONG)ObQueryNameString(Object, Name, Needed - 1, &Needed),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    RtlFillMemory(Buffer, sizeof(Buffer), 0xee);
    EXPECT_EQUAL(ObQueryNameString(Object, Name, Needed, &Needed), STATUS_SUCCESS);
    EXPECT_EQUAL(Buffer[Needed], 0xee);
    EXPECT_EQUAL(Name->Name.MaximumLength, Text);
    EXPECT(wcscmp(Name->Name.Buffer, L"\\BaseNamedObjects\\ObBounds") == 0);
    ObDereferenceObject(Object);
    ZwClose(Event);
    EXPECT_EQUAL(ZwCreateEvent(&Unnamed, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Unnamed, 0, NULL, KernelMode, &Object, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ObQueryNameString(Object, Name, sizeof(*Name) - 1, &Needed),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(ObQueryNameString(Object, Name, sizeof(*Name), &Needed), STATUS_SUCCESS);
    EXPECT(Needed == sizeof(*Name) && Name->Name.Buffer == NULL && Name->Name.Length == 0 &&
           Name->Name.MaximumLength == 0);
    ObDereferenceObject(Object);
    ZwClose(Unnamed);
    EXPECT_EQUAL(ObQueryNameString(ObpRootDirectoryObject, Name, sizeof(Buffer), &Needed),
                 STATUS_SUCCESS);
    EXPECT(wcscmp(Name->Name.Buffer, L"\\") == 0);
}
