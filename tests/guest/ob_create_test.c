/* SPDX-License-Identifier: MIT */
/*
 * Objects made, named, referenced and duplicated as drivers do it. Expected values: the page of
 * each routine in the Windows Driver Kit's reference; ObCreateObject and ObInsertObject have no
 * page: what drivers rely on.
 */
#include "nt/io.h"
#include "ob/obp.h"
#include "ps/psp.h"
#include "se/sep.h"
#include "test_thread.h"

static VOID Named(POBJECT_ATTRIBUTES Attributes, PUNICODE_STRING Name, PCWSTR Path, ULONG Flags)
{
    RtlInitUnicodeString(Name, Path);
    InitializeObjectAttributes(Attributes, Name, Flags | OBJ_KERNEL_HANDLE, NULL, NULL);
}

static LONG64 References(PVOID Object)
{
    return ObpHeaderOf(Object)->PointerCount;
}

GUEST_TEST(ob_object_is_created_inserted_and_found)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    PKEVENT Event = NULL, Found = NULL;
    HANDLE Handle = NULL, Second = NULL;

    Named(&Attributes, &Name, L"\\BaseNamedObjects\\ObCreate", 0);
    EXPECT_EQUAL(ObCreateObject(KernelMode, ExEventObjectType, &Attributes, KernelMode, NULL,
                                sizeof(KEVENT), 0, 0, (PVOID *)&Event),
                 STATUS_SUCCESS);
    KeInitializeEvent(Event, NotificationEvent, TRUE);
    EXPECT(ObGetObjectType(Event) == ExEventObjectType);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByName(&Name, 0, NULL, 0, ExEventObjectType, KernelMode,
                                                NULL, (PVOID *)&Found),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND); /* not before it is inserted */
    ObReferenceObject(Event);
    EXPECT_EQUAL(ObInsertObject(Event, NULL, EVENT_ALL_ACCESS, 0, NULL, &Handle), STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByName(&Name, 0, NULL, 0, ExEventObjectType, KernelMode, NULL,
                                         (PVOID *)&Found),
                 STATUS_SUCCESS);
    EXPECT(Found == Event);
    ObDereferenceObject(Found);
    EXPECT_EQUAL(ObOpenObjectByName(&Attributes, ExEventObjectType, KernelMode, NULL,
                                    EVENT_QUERY_STATE, NULL, &Second),
                 STATUS_SUCCESS);
    ZwClose(Second);
    EXPECT_EQUAL((ULONG)ObOpenObjectByName(&Attributes, IoFileObjectType, KernelMode, NULL, 0, NULL,
                                           &Second),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL((ULONG)ObOpenObjectByName(NULL, ExEventObjectType, KernelMode, NULL, 0, NULL,
                                           &Second),
                 (ULONG)STATUS_INVALID_PARAMETER);
    Attributes.Length = 1;
    EXPECT_EQUAL((ULONG)ObCreateObject(KernelMode, ExEventObjectType, &Attributes, KernelMode, NULL,
                                       sizeof(KEVENT), 0, 0, (PVOID *)&Found),
                 (ULONG)STATUS_INVALID_PARAMETER);
    ZwClose(Handle);
    ObDereferenceObjectDeferDelete(Event);
}

/* A second object of that name is refused, and is gone by that. */
GUEST_TEST(ob_insertion_under_a_taken_name)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    PKEVENT Second;
    HANDLE First, Handle = NULL;

    Named(&Attributes, &Name, L"\\BaseNamedObjects\\ObTaken", 0);
    EXPECT_EQUAL(ZwCreateEvent(&First, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObCreateObject(KernelMode, ExEventObjectType, &Attributes, KernelMode, NULL,
                                sizeof(KEVENT), 0, 0, (PVOID *)&Second),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ObInsertObject(Second, NULL, 0, 0, NULL, &Handle),
                 (ULONG)STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQUAL((ULONG)ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, (EVENT_TYPE)2, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER_4); /* no event type */
    ZwClose(First);
}

GUEST_TEST(ob_permanent_objects_are_made_temporary)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Directory, Again;
    PVOID Object;

    Named(&Attributes, &Name, L"\\ObDirectory", OBJ_PERMANENT);
    EXPECT_EQUAL(ZwCreateDirectoryObject(&Directory, DIRECTORY_ALL_ACCESS, &Attributes),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwCreateDirectoryObject(&Again, DIRECTORY_ALL_ACCESS, &Attributes),
                 (ULONG)STATUS_OBJECT_NAME_COLLISION);
    ZwClose(Directory);
    Attributes.Attributes = OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE;
    EXPECT_EQUAL(ZwOpenDirectoryObject(&Directory, DIRECTORY_ALL_ACCESS, &Attributes),
                 STATUS_SUCCESS); /* it is still there */
    EXPECT_EQUAL(ZwMakeTemporaryObject(Directory), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwMakeTemporaryObject(NULL), (ULONG)STATUS_INVALID_HANDLE);
    ZwClose(Directory);
    EXPECT_EQUAL((ULONG)ZwOpenDirectoryObject(&Directory, DIRECTORY_QUERY, &Attributes),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);

    Named(&Attributes, &Name, L"\\BaseNamedObjects\\ObPermanent", OBJ_PERMANENT);
    EXPECT_EQUAL(ZwCreateEvent(&Again, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Again, 0, NULL, KernelMode, &Object, NULL),
                 STATUS_SUCCESS);
    ZwClose(Again);
    EXPECT_EQUAL(ZwOpenEvent(&Again, EVENT_ALL_ACCESS, &Attributes), STATUS_SUCCESS);
    ZwClose(Again);
    ObMakeTemporaryObject(Object);
    EXPECT_EQUAL((ULONG)ZwOpenEvent(&Again, EVENT_ALL_ACCESS, &Attributes),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    ObDereferenceObject(Object);
}

GUEST_TEST(ob_reference_by_pointer_checks_the_type)
{
    PEPROCESS System = PsInitialSystemProcess;
    LONG64 Before = References(System);

    EXPECT_EQUAL(ObReferenceObjectByPointer(System, 0, PsProcessType, UserMode), STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByPointer(System, 0, NULL, KernelMode), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByPointer(System, 0, PsThreadType, KernelMode),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByPointer(System, 0, NULL, UserMode),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL(References(System), Before + 2);
    EXPECT_EQUAL(ObReferenceObject(System), Before + 3); /* the new count */
    EXPECT_EQUAL(ObDereferenceObject(System), Before + 2);
    ObDereferenceObject(System);
    ObDereferenceObject(System);
}

static HANDLE UnnamedEvent(ACCESS_MASK Access)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle = NULL;
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Handle, Access, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    return Handle;
}

static ACCESS_MASK AccessOf(HANDLE Handle, PVOID *Object)
{
    OBJECT_HANDLE_INFORMATION Information = {0, 0};
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, Object, &Information),
                 STATUS_SUCCESS);
    ObDereferenceObject(*Object);
    return Information.GrantedAccess;
}

GUEST_TEST(ob_handles_are_duplicated)
{
    const HANDLE Self = NtCurrentProcess();
    HANDLE Event = UnnamedEvent(EVENT_ALL_ACCESS), Copy = NULL;
    PVOID Object, Other;

    EXPECT_EQUAL(ZwDuplicateObject(Self, Event, Self, &Copy, EVENT_QUERY_STATE, OBJ_KERNEL_HANDLE,
                                   0),
                 STATUS_SUCCESS);
    EXPECT(Copy != Event);
    EXPECT_EQUAL(AccessOf(Copy, &Other), EVENT_QUERY_STATE);
    EXPECT_EQUAL(AccessOf(Event, &Object), EVENT_ALL_ACCESS);
    EXPECT(Object == Other);
    ZwClose(Copy);
    EXPECT_EQUAL(ZwDuplicateObject(Self, Event, Self, &Copy, 0, OBJ_KERNEL_HANDLE,
                                   DUPLICATE_SAME_ACCESS),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(AccessOf(Copy, &Other), EVENT_ALL_ACCESS);
    ZwClose(Copy);
    EXPECT_EQUAL((ULONG)ZwDuplicateObject(Self, NULL, Self, &Copy, 0, 0, DUPLICATE_SAME_ACCESS),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwDuplicateObject(Event, Event, Self, &Copy, 0, 0, DUPLICATE_SAME_ACCESS),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH); /* no process */
    EXPECT_EQUAL(ZwDuplicateObject(Self, Event, Self, &Copy, 0, OBJ_KERNEL_HANDLE,
                                   DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
                 STATUS_SUCCESS);
    AccessOf(Copy, &Other);
    EXPECT_EQUAL(ObpHeaderOf(Other)->HandleCount, 1); /* the source is closed */
    /* Without a target the source is closed, and that is all. */
    EXPECT_EQUAL(ZwDuplicateObject(Self, Copy, NULL, NULL, 0, 0, DUPLICATE_CLOSE_SOURCE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByHandle(Copy, 0, NULL, KernelMode, &Object, NULL),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwDuplicateObject(Self, Copy, NULL, NULL, 0, 0, DUPLICATE_CLOSE_SOURCE),
                 (ULONG)STATUS_INVALID_HANDLE);
}

GUEST_TEST(ob_handle_goes_to_another_process)
{
    HANDLE Event = UnnamedEvent(EVENT_ALL_ACCESS), Process = NULL, There = NULL;
    PEPROCESS Target;
    PVOID Object, Original;
    KAPC_STATE ApcState;

    EXPECT_EQUAL(PspCreateProcess("target", &Target), STATUS_SUCCESS);
    EXPECT_EQUAL(ObOpenObjectByPointer(Target, OBJ_KERNEL_HANDLE, NULL, PROCESS_ALL_ACCESS,
                                       PsProcessType, KernelMode, &Process),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwDuplicateObject(NtCurrentProcess(), Event, Process, &There, 0, 0,
                                   DUPLICATE_SAME_ACCESS),
                 STATUS_SUCCESS);
    AccessOf(Event, &Original);
    KeStackAttachProcess(&Target->Pcb, &ApcState);
    EXPECT_EQUAL(AccessOf(There, &Object), EVENT_ALL_ACCESS);
    KeUnstackDetachProcess(&ApcState);
    EXPECT(Object == Original);
    ZwClose(Process);
    ZwClose(Event);
    PspExitProcess(Target, STATUS_SUCCESS); /* closes the other */
    ObDereferenceObject(Target);
}

GUEST_TEST(ob_named_events_of_drivers)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ObNamedEvent");
    UNICODE_STRING Bad = RTL_CONSTANT_STRING(L"\\Nowhere\\ObNamedEvent");
    HANDLE First = NULL, Second = NULL;

    PKEVENT Event = IoCreateNotificationEvent(&Name, &First);
    EXPECT(Event != NULL && KeReadStateEvent(Event) != 0); /* created signalled */
    KeClearEvent(Event);
    EXPECT(IoCreateNotificationEvent(&Name, &Second) == Event); /* opened as it is */
    EXPECT_EQUAL(KeReadStateEvent(Event), 0);
    ZwClose(Second);
    ZwClose(First);
    Event = IoCreateSynchronizationEvent(&Name, &First);
    EXPECT(Event != NULL);
    EXPECT_EQUAL(TestPoll(Event), STATUS_SUCCESS);
    EXPECT_EQUAL(TestPoll(Event), STATUS_TIMEOUT); /* the wait has reset it */
    ZwClose(First);
    EXPECT(IoCreateSynchronizationEvent(&Bad, &First) == NULL);
    EXPECT(IoCreateNotificationEvent(&Bad, &First) == NULL);
}

/* ---- descriptors through handles and pointers ---- */

GUEST_TEST(ob_security_of_an_object)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    SECURITY_DESCRIPTOR New;
    DECLSPEC_ALIGN(8) UCHAR Dacl[64], Buffer[256];
    PSECURITY_DESCRIPTOR Descriptor = NULL;
    BOOLEAN Allocated = FALSE, Present = FALSE, Defaulted;
    ULONG Needed = 0;
    HANDLE Event, Weak;
    PVOID Object;
    PACL Found = NULL;

    Named(&Attributes, &Name, L"\\BaseNamedObjects\\ObSecurity", 0);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwOpenEvent(&Weak, EVENT_QUERY_STATE, &Attributes), STATUS_SUCCESS);
    AccessOf(Event, &Object);
    EXPECT_EQUAL(ObGetObjectSecurity(Object, &Descriptor, &Allocated), STATUS_SUCCESS);
    EXPECT(Descriptor != NULL && Allocated && RtlValidSecurityDescriptor(Descriptor));
    ObReleaseObjectSecurity(Descriptor, Allocated);
    ObReleaseObjectSecurity(NULL, FALSE);

    RtlCreateSecurityDescriptor(&New, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl((PACL)Dacl, sizeof(Dacl), ACL_REVISION);
    RtlAddAccessAllowedAce((PACL)Dacl, ACL_REVISION, EVENT_QUERY_STATE, SeExports->SeWorldSid);
    RtlSetDaclSecurityDescriptor(&New, TRUE, (PACL)Dacl, FALSE);
    EXPECT_EQUAL((ULONG)NtSetSecurityObject(Weak, DACL_SECURITY_INFORMATION, &New),
                 (ULONG)STATUS_ACCESS_DENIED); /* no WRITE_DAC */
    EXPECT_EQUAL((ULONG)NtSetSecurityObject(NULL, DACL_SECURITY_INFORMATION, &New),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)NtSetSecurityObject(Event, DACL_SECURITY_INFORMATION, NULL),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(NtSetSecurityObject(Event, DACL_SECURITY_INFORMATION, &New), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)NtQuerySecurityObject(Event, DACL_SECURITY_INFORMATION, NULL, 0, &Needed),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT(Needed != 0 && Needed <= sizeof(Buffer));
    EXPECT_EQUAL(NtQuerySecurityObject(Event, DACL_SECURITY_INFORMATION, Buffer, Needed, &Needed),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(RtlGetDaclSecurityDescriptor(Buffer, &Present, &Found, &Defaulted),
                 STATUS_SUCCESS);
    EXPECT(Present && Found != NULL && Found->AceCount == 1);
    EXPECT_EQUAL((ULONG)NtQuerySecurityObject(Weak, DACL_SECURITY_INFORMATION, Buffer,
                                              sizeof(Buffer), &Needed),
                 (ULONG)STATUS_ACCESS_DENIED); /* no READ_CONTROL */
    ((PACL)Dacl)->AclSize = 4; /* smaller than its header */
    EXPECT_EQUAL((ULONG)NtSetSecurityObject(Event, DACL_SECURITY_INFORMATION, &New),
                 (ULONG)STATUS_INVALID_ACL);
    ZwClose(Weak);
    ZwClose(Event);
}
