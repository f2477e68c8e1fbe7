/* SPDX-License-Identifier: MIT */
/* Who may open what: descriptors of devices and events, asked for the system and for the client. */
#include "io_test_driver.h"
#include "ps/psp.h"
#include "se/sep.h"

/* Sets the object's list to one entry, which gives Sid that access. */
static NTSTATUS SeTestAllow(PVOID Object, PSID Sid, ACCESS_MASK Access)
{
    SECURITY_DESCRIPTOR Descriptor;
    DECLSPEC_ALIGN(8) UCHAR Dacl[64];

    RtlCreateSecurityDescriptor(&Descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl((PACL)Dacl, sizeof(Dacl), ACL_REVISION);
    RtlAddAccessAllowedAce((PACL)Dacl, ACL_REVISION, Access, Sid);
    RtlSetDaclSecurityDescriptor(&Descriptor, TRUE, (PACL)Dacl, FALSE);
    return ObSetSecurityObjectByPointer(Object, DACL_SECURITY_INFORMATION, &Descriptor);
}

static NTSTATUS SeTestAllowOnly(PSID Sid)
{
    return SeTestAllow(IoTest.Device, Sid, GENERIC_ALL);
}

/* Opens as a process with the client's token does from user mode. */
static NTSTATUS SeTestOpenAsClient(PEPROCESS Client, PCWSTR Path)
{
    UNICODE_STRING Name;
    KAPC_STATE ApcState;
    HANDLE Handle;

    RtlInitUnicodeString(&Name, Path);
    KeStackAttachProcess(&Client->Pcb, &ApcState);
    NTSTATUS Status = IopOpenFile(&Name, GENERIC_READ | GENERIC_WRITE, UserMode, &Handle);
    if (NT_SUCCESS(Status)) {
        ObCloseHandle(Handle, UserMode);
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

GUEST_TEST(se_device_opens_for_whom_its_list_names)
{
    PEPROCESS Client;
    ULONG Denied = (ULONG)STATUS_ACCESS_DENIED;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    EXPECT_EQUAL(PspCreateProcess("client", &Client), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestOpenAsClient(Client, IO_TEST_DEVICE), STATUS_SUCCESS); /* by default */
    EXPECT_EQUAL(SeTestAllowOnly(SeExports->SeLocalSystemSid), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)SeTestOpenAsClient(Client, IO_TEST_DEVICE), Denied);
    EXPECT_EQUAL(SeTestOpenAsClient(PsInitialSystemProcess, IO_TEST_DEVICE), STATUS_SUCCESS);
    /* A name below the device is checked with FILE_DEVICE_SECURE_OPEN only. */
    EXPECT_EQUAL(SeTestOpenAsClient(Client, IO_TEST_DEVICE L"\\x"), STATUS_SUCCESS);
    IoTest.Device->Characteristics |= FILE_DEVICE_SECURE_OPEN;
    EXPECT_EQUAL((ULONG)SeTestOpenAsClient(Client, IO_TEST_DEVICE L"\\x"), Denied);
    EXPECT_EQUAL(SeTestAllowOnly(SeExports->SeAliasAdminsSid), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestOpenAsClient(Client, IO_TEST_DEVICE L"\\x"), STATUS_SUCCESS);
    PspExitProcess(Client, STATUS_SUCCESS);
    ObDereferenceObject(Client);
    IoTestUnload();
}

static ACCESS_MASK SeTestGranted(HANDLE Handle)
{
    OBJECT_HANDLE_INFORMATION Information = {.GrantedAccess = 0};
    PVOID Object;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, 0, NULL, UserMode, &Object, &Information);
    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    if (NT_SUCCESS(Status)) {
        ObDereferenceObject(Object);
        ObCloseHandle(Handle, UserMode);
    }
    return Information.GrantedAccess;
}

/* The client is of the group that owns both objects: reading and changing the list is its right. */
#define SE_TEST_OWNER (READ_CONTROL | WRITE_DAC)

/* MAXIMUM_ALLOWED is the rights that the descriptor gives, not all that there are. */
GUEST_TEST(se_maximum_allowed_is_what_the_list_gives)
{
    UNICODE_STRING Device = RTL_CONSTANT_STRING(IO_TEST_DEVICE);
    UNICODE_STRING Below = RTL_CONSTANT_STRING(IO_TEST_DEVICE L"\\x");
    UNICODE_STRING EventName = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\SeMaximum");
    OBJECT_ATTRIBUTES Attributes;
    PEPROCESS Client;
    KAPC_STATE ApcState;
    HANDLE Event, Handle;
    PKEVENT Object;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    EXPECT_EQUAL(PspCreateProcess("client", &Client), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestAllow(IoTest.Device, SeExports->SeWorldSid, GENERIC_READ), STATUS_SUCCESS);
    InitializeObjectAttributes(&Attributes, &EventName, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Event, 0, ExEventObjectType, KernelMode,
                                           (PVOID *)&Object, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestAllow(Object, SeExports->SeWorldSid, EVENT_QUERY_STATE), STATUS_SUCCESS);
    KeStackAttachProcess(&Client->Pcb, &ApcState);
    EXPECT_EQUAL(IopOpenFile(&Device, MAXIMUM_ALLOWED, UserMode, &Handle), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestGranted(Handle), FILE_GENERIC_READ | SE_TEST_OWNER);
    /* Below the device it is the driver who decides. */
    EXPECT_EQUAL(IopOpenFile(&Below, MAXIMUM_ALLOWED, UserMode, &Handle), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestGranted(Handle), FILE_ALL_ACCESS);
    EXPECT_EQUAL(ObOpenObjectByPointer(Object, 0, NULL, MAXIMUM_ALLOWED, ExEventObjectType,
                                       UserMode, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestGranted(Handle), EVENT_QUERY_STATE | SE_TEST_OWNER);
    Attributes.Attributes = 0;
    EXPECT_EQUAL(ObOpenObjectByName(&Attributes, ExEventObjectType, UserMode, NULL,
                                    MAXIMUM_ALLOWED, NULL, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestGranted(Handle), EVENT_QUERY_STATE | SE_TEST_OWNER);
    EXPECT_EQUAL(ObOpenObjectByName(&Attributes, ExEventObjectType, KernelMode, NULL,
                                    MAXIMUM_ALLOWED, NULL, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestGranted(Handle), EVENT_ALL_ACCESS);
    PVOID Found = NULL;
    EXPECT_EQUAL((ULONG)ObReferenceObjectByName(&EventName, 0, NULL, EVENT_MODIFY_STATE,
                                                ExEventObjectType, UserMode, NULL, &Found),
                 (ULONG)STATUS_ACCESS_DENIED);
    EXPECT(Found == NULL);
    EXPECT_EQUAL(ObReferenceObjectByName(&EventName, 0, NULL, EVENT_QUERY_STATE, NULL, UserMode,
                                         NULL, &Found),
                 STATUS_SUCCESS);
    EXPECT(Found == Object);
    KeUnstackDetachProcess(&ApcState);
    ObDereferenceObject(Found);
    ObDereferenceObject(Object);
    ZwClose(Event);
    PspExitProcess(Client, STATUS_SUCCESS);
    ObDereferenceObject(Client);
    IoTestUnload();
}

static NTSTATUS SeTestCreate(KPROCESSOR_MODE PreviousMode, ULONG Options)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(IO_TEST_DEVICE);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    KiCurrentThread()->PreviousMode = PreviousMode;
    NTSTATUS Status = IoCreateFile(&Handle, GENERIC_READ | SYNCHRONIZE, &Attributes, &IoStatus,
                                   NULL, 0, FILE_SHARE_READ, FILE_OPEN, 0, NULL, 0,
                                   0, NULL, Options);
    KiCurrentThread()->PreviousMode = KernelMode;
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
    }
    return Status;
}

/* IoCreateFile is for the previous mode, unless its options say otherwise. */
GUEST_TEST(se_io_create_file_is_for_whom_it_is_told)
{
    const ULONG Trusted = IO_NO_PARAMETER_CHECKING;
    PEPROCESS Client;
    KAPC_STATE ApcState;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    EXPECT_EQUAL(PspCreateProcess("client", &Client), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestAllowOnly(SeExports->SeLocalSystemSid), STATUS_SUCCESS);
    KeStackAttachProcess(&Client->Pcb, &ApcState);
    EXPECT_EQUAL(SeTestCreate(KernelMode, 0), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)SeTestCreate(KernelMode, IO_FORCE_ACCESS_CHECK),
                 (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL((ULONG)SeTestCreate(UserMode, 0), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(SeTestCreate(UserMode, Trusted), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)SeTestCreate(UserMode, Trusted | IO_FORCE_ACCESS_CHECK),
                 (ULONG)STATUS_ACCESS_DENIED);
    KeUnstackDetachProcess(&ApcState);
    PspExitProcess(Client, STATUS_SUCCESS);
    ObDereferenceObject(Client);
    IoTestUnload();
}

GUEST_TEST(se_named_event_has_the_makers_descriptor)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\SeTest");
    OBJECT_ATTRIBUTES Attributes;
    SECURITY_DESCRIPTOR Explicit;
    DECLSPEC_ALIGN(8) UCHAR Empty[sizeof(ACL)];
    HANDLE Event, Again;

    RtlCreateSecurityDescriptor(&Explicit, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl((PACL)Empty, sizeof(Empty), ACL_REVISION); /* nobody */
    RtlSetDaclSecurityDescriptor(&Explicit, TRUE, (PACL)Empty, FALSE);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, &Explicit);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwOpenEvent(&Again, EVENT_ALL_ACCESS, &Attributes), STATUS_SUCCESS);
    ZwClose(Again);
    Attributes.Attributes |= OBJ_FORCE_ACCESS_CHECK;
    EXPECT_EQUAL((ULONG)ZwOpenEvent(&Again, EVENT_ALL_ACCESS, &Attributes),
                 (ULONG)STATUS_ACCESS_DENIED);
    /* The owner may read and change the list, whatever is in it. */
    EXPECT_EQUAL(ZwOpenEvent(&Again, READ_CONTROL | WRITE_DAC, &Attributes), STATUS_SUCCESS);
    ZwClose(Again);
    ZwClose(Event);
}

/* An offset that leads out of the bytes, a SID and a list that lie about their length. */
GUEST_TEST(se_capture_refuses_damaged_descriptors)
{
    struct {
        SECURITY_DESCRIPTOR_RELATIVE Header;
        ULONG Part[16];
    } User = {{SECURITY_DESCRIPTOR_REVISION, 0, SE_SELF_RELATIVE | SE_DACL_PRESENT, 0, 0, 0, 20},
              {0}};
    PSECURITY_DESCRIPTOR Captured;
    PACL Dacl = (PACL)User.Part;

    RtlCreateAcl(Dacl, sizeof(User.Part), ACL_REVISION);
    EXPECT_EQUAL(SeCaptureSecurityDescriptor(&User, KernelMode, PagedPool, TRUE, &Captured),
                 STATUS_SUCCESS);
    SeReleaseSecurityDescriptor(Captured, KernelMode, TRUE);
    /* The same bytes as a user-mode caller's: they are not in its half of the address space. */
    EXPECT_EQUAL((ULONG)SeCaptureSecurityDescriptor(&User, UserMode, PagedPool, TRUE, &Captured),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    Dacl->AceCount = 1; /* there is none */
    EXPECT_EQUAL((ULONG)SeCaptureSecurityDescriptor(&User, KernelMode, PagedPool, TRUE, &Captured),
                 (ULONG)STATUS_INVALID_ACL);
    User.Header.Control = SE_SELF_RELATIVE;
    User.Header.Owner = 20;
    EXPECT_EQUAL((ULONG)SeCaptureSecurityDescriptor(&User, KernelMode, PagedPool, TRUE, &Captured),
                 (ULONG)STATUS_INVALID_SID);
    User.Header.Revision = 2;
    EXPECT_EQUAL((ULONG)SeCaptureSecurityDescriptor(&User, KernelMode, PagedPool, TRUE, &Captured),
                 (ULONG)STATUS_UNKNOWN_REVISION);
    EXPECT(Captured == NULL);
}

static NTSTATUS SeTestAssign(PSID Owner, KPROCESSOR_MODE Mode)
{
    SECURITY_DESCRIPTOR Explicit;
    SECURITY_SUBJECT_CONTEXT Subject;
    PSECURITY_DESCRIPTOR New = NULL;

    RtlCreateSecurityDescriptor(&Explicit, SECURITY_DESCRIPTOR_REVISION);
    RtlSetOwnerSecurityDescriptor(&Explicit, Owner, FALSE);
    SeCaptureSubjectContext(&Subject);
    KiCurrentThread()->PreviousMode = Mode;
    NTSTATUS Status = SeAssignSecurity(NULL, &Explicit, &New, FALSE, &Subject,
                                       IoGetFileObjectGenericMapping(), PagedPool);
    KiCurrentThread()->PreviousMode = KernelMode;
    SeReleaseSubjectContext(&Subject);
    EXPECT_EQUAL(New != NULL, NT_SUCCESS(Status));
    SeDeassignSecurity(&New);
    return Status;
}

/* SeAssignSecurity's page, STATUS_INVALID_OWNER: not one that the caller may make the owner. */
GUEST_TEST(se_owner_is_the_maker_or_a_group_that_may)
{
    PEPROCESS Client;
    KAPC_STATE ApcState;

    EXPECT_EQUAL(SeTestAssign(SeExports->SeLocalSystemSid, KernelMode), STATUS_SUCCESS);
    EXPECT_EQUAL(PspCreateProcess("client", &Client), STATUS_SUCCESS);
    KeStackAttachProcess(&Client->Pcb, &ApcState);
    EXPECT_EQUAL(SeTestAssign(NULL, UserMode), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestAssign(SepClientUserSid, UserMode), STATUS_SUCCESS);
    EXPECT_EQUAL(SeTestAssign(SeExports->SeAliasAdminsSid, UserMode), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)SeTestAssign(SeExports->SeAliasUsersSid, UserMode),
                 (ULONG)STATUS_INVALID_OWNER); /* a group of its, but none that owns */
    EXPECT_EQUAL((ULONG)SeTestAssign(SeExports->SeLocalSystemSid, UserMode),
                 (ULONG)STATUS_INVALID_OWNER);
    EXPECT_EQUAL(SeTestAssign(SeExports->SeLocalSystemSid, KernelMode), STATUS_SUCCESS);
    KeUnstackDetachProcess(&ApcState);
    PspExitProcess(Client, STATUS_SUCCESS);
    ObDereferenceObject(Client);
}
