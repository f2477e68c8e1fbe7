/* SPDX-License-Identifier: MIT */
/* A device with a descriptor of its own, tokens and access checks. See README.md. */
#include <ntifs.h>

#define TAG 'ceSP'
#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            DbgPrint("security-device: line %d: not %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                                          \
        }                                                                        \
    } while (0)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SecurityUnload;
DRIVER_DISPATCH SecurityCreateClose;
static NTSTATUS SecurityGuardDevice(PDEVICE_OBJECT Device);
static NTSTATUS SecurityReadBack(HANDLE Handle);
static NTSTATUS SecuritySystemToken(VOID);
static NTSTATUS SecurityClientAccess(PACCESS_STATE State);
static NTSTATUS SecurityTokenHandle(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SecurityUnload)
#pragma alloc_text(PAGE, SecurityCreateClose)
#pragma alloc_text(PAGE, SecurityGuardDevice)
#pragma alloc_text(PAGE, SecurityReadBack)
#pragma alloc_text(PAGE, SecuritySystemToken)
#pragma alloc_text(PAGE, SecurityClientAccess)
#pragma alloc_text(PAGE, SecurityTokenHandle)

static GENERIC_MAPPING FileMapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE,
                                      FILE_ALL_ACCESS};

/* D:P(A;;GA;;;SY)(A;;GRGW;;;BA): the path of wdmsec's IoCreateDeviceSecure. */
static NTSTATUS SecurityGuardDevice(PDEVICE_OBJECT Device)
{
    SECURITY_DESCRIPTOR Absolute;
    UCHAR AclBytes[128];
    PACL Dacl = (PACL)AclBytes;
    PSECURITY_DESCRIPTOR Relative, Captured;
    ULONG Length = 0;
    HANDLE Handle;

    PAGED_CODE();
    CHECK(RtlCreateSecurityDescriptor(&Absolute, SECURITY_DESCRIPTOR_REVISION) == STATUS_SUCCESS);
    CHECK(RtlCreateAcl(Dacl, sizeof(AclBytes), ACL_REVISION) == STATUS_SUCCESS);
    CHECK(RtlAddAccessAllowedAce(Dacl, ACL_REVISION, GENERIC_ALL, SeExports->SeLocalSystemSid) ==
          STATUS_SUCCESS);
    CHECK(RtlAddAccessAllowedAce(Dacl, ACL_REVISION, GENERIC_READ | GENERIC_WRITE,
                                 SeExports->SeAliasAdminsSid) == STATUS_SUCCESS);
    CHECK(RtlSetDaclSecurityDescriptor(&Absolute, TRUE, Dacl, FALSE) == STATUS_SUCCESS);
    CHECK(RtlAbsoluteToSelfRelativeSD(&Absolute, NULL, &Length) == STATUS_BUFFER_TOO_SMALL);
    Relative = ExAllocatePoolWithTag(PagedPool, Length, TAG);
    CHECK(Relative != NULL);
    CHECK(RtlAbsoluteToSelfRelativeSD(&Absolute, Relative, &Length) == STATUS_SUCCESS);
    CHECK(RtlLengthSecurityDescriptor(Relative) == Length);
    CHECK(SeCaptureSecurityDescriptor(Relative, KernelMode, PagedPool, TRUE, &Captured) ==
          STATUS_SUCCESS);
    ExFreePoolWithTag(Relative, TAG);

    /* A handle that may only read the descriptor cannot change it. */
    CHECK(ObOpenObjectByPointer(Device, OBJ_KERNEL_HANDLE, NULL, READ_CONTROL,
                                *IoDeviceObjectType, KernelMode, &Handle) == STATUS_SUCCESS);
    CHECK(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, Captured) ==
          STATUS_ACCESS_DENIED);
    CHECK(ZwClose(Handle) == STATUS_SUCCESS);
    CHECK(ObOpenObjectByPointer(Device, OBJ_KERNEL_HANDLE, NULL, READ_CONTROL | WRITE_DAC,
                                *IoDeviceObjectType, KernelMode, &Handle) == STATUS_SUCCESS);
    CHECK(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, Captured) == STATUS_SUCCESS);
    SeReleaseSecurityDescriptor(Captured, KernelMode, TRUE);
    NTSTATUS Status = SecurityReadBack(Handle);
    ZwClose(Handle);
    CHECK(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, &Absolute) ==
          STATUS_INVALID_HANDLE);
    return Status;
}

/* Two entries, with the rights of files where generic ones were set; the owner stayed. */
static NTSTATUS SecurityReadBack(HANDLE Handle)
{
    PSECURITY_DESCRIPTOR Descriptor;
    ULONG Length = 0, Again = 0;
    BOOLEAN Present, Defaulted;
    PACCESS_ALLOWED_ACE Ace;
    PACL Dacl;
    PSID Owner;

    PAGED_CODE();
    CHECK(ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION,
                                NULL, 0, &Length) == STATUS_ACCESS_DENIED);
    CHECK(ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION,
                                NULL, 0, &Length) == STATUS_BUFFER_TOO_SMALL);
    Descriptor = ExAllocatePoolWithTag(PagedPool, Length, TAG);
    CHECK(Descriptor != NULL);
    CHECK(ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION,
                                Descriptor, Length, &Again) == STATUS_SUCCESS);
    CHECK(Again == Length && RtlValidRelativeSecurityDescriptor(
                                 Descriptor, Length, DACL_SECURITY_INFORMATION));
    CHECK(RtlGetDaclSecurityDescriptor(Descriptor, &Present, &Dacl, &Defaulted) == STATUS_SUCCESS);
    CHECK(Present && Dacl->AceCount == 2 && !Defaulted);
    CHECK(RtlGetAce(Dacl, 0, (PVOID *)&Ace) == STATUS_SUCCESS && Ace->Mask == FILE_ALL_ACCESS);
    CHECK(RtlGetAce(Dacl, 1, (PVOID *)&Ace) == STATUS_SUCCESS);
    CHECK(Ace->Mask == (FILE_GENERIC_READ | FILE_GENERIC_WRITE));
    CHECK(RtlEqualSid(&Ace->SidStart, SeExports->SeAliasAdminsSid));
    CHECK(RtlGetAce(Dacl, 2, (PVOID *)&Ace) == STATUS_INVALID_PARAMETER);
    CHECK(RtlGetOwnerSecurityDescriptor(Descriptor, &Owner, &Defaulted) == STATUS_SUCCESS);
    CHECK(Owner != NULL && RtlValidSid(Owner));
    ExFreePoolWithTag(Descriptor, TAG);
    return STATUS_SUCCESS;
}

/* DriverEntry runs in the system process: its token is LocalSystem's. */
static NTSTATUS SecuritySystemToken(VOID)
{
    PACCESS_TOKEN Token = PsReferencePrimaryToken(PsGetCurrentProcess());
    UNICODE_STRING Text;
    PTOKEN_USER User;
    LUID Luid;
    PVOID Nothing;

    PAGED_CODE();
    CHECK(SeTokenIsAdmin(Token) && SeTokenType(Token) == TokenPrimary);
    CHECK(!SeTokenIsRestricted(Token));
    CHECK(SeQueryInformationToken(Token, TokenUser, (PVOID *)&User) == STATUS_SUCCESS);
    CHECK(RtlEqualSid(User->User.Sid, SeExports->SeLocalSystemSid));
    CHECK(RtlConvertSidToUnicodeString(&Text, User->User.Sid, TRUE) == STATUS_SUCCESS);
    CHECK(Text.Length == 16 && Text.Buffer[7] == '8'); /* S-1-5-18 */
    RtlFreeUnicodeString(&Text);
    ExFreePool(User);
    CHECK(SeQueryInformationToken(Token, (TOKEN_INFORMATION_CLASS)999, &Nothing) ==
          STATUS_INVALID_INFO_CLASS);
    CHECK(SeQueryAuthenticationIdToken(Token, &Luid) == STATUS_SUCCESS);
    CHECK(Luid.LowPart == 0x3e7 && Luid.HighPart == 0); /* SYSTEM_LUID */
    PsDereferencePrimaryToken(Token);
    CHECK(SeSinglePrivilegeCheck(SeExports->SeLoadDriverPrivilege, UserMode));
    Luid.LowPart = 4711; /* no privilege */
    CHECK(!SeSinglePrivilegeCheck(Luid, UserMode));
    CHECK(SeSinglePrivilegeCheck(Luid, KernelMode));
    return STATUS_SUCCESS;
}

/* The caller of the create request: an administrator with the privileges of one. */
static NTSTATUS SecurityClientAccess(PACCESS_STATE State)
{
    PSECURITY_SUBJECT_CONTEXT Subject = &State->SubjectSecurityContext;
    SECURITY_SUBJECT_CONTEXT Own;
    SECURITY_DESCRIPTOR Descriptor;
    PRIVILEGE_SET Set = {1, PRIVILEGE_SET_ALL_NECESSARY,
                         {{SeExports->SeChangeNotifyPrivilege, 0}}};
    UCHAR AclBytes[128];
    PACL Dacl = (PACL)AclBytes;
    PPRIVILEGE_SET Used;
    ACCESS_MASK Granted;
    NTSTATUS Why;

    PAGED_CODE();
    CHECK(Subject->ClientToken == NULL && SeTokenIsAdmin(Subject->PrimaryToken));
    CHECK(SePrivilegeCheck(&Set, Subject, UserMode));
    CHECK(Set.Privilege[0].Attributes & SE_PRIVILEGE_USED_FOR_ACCESS);
    Set.Privilege[0].Luid = SeExports->SeTcbPrivilege;
    CHECK(!SePrivilegeCheck(&Set, Subject, UserMode));
    CHECK(SePrivilegeCheck(&Set, Subject, KernelMode));

    /* Everyone may read, administrators are denied writing before everyone is let write. */
    RtlCreateSecurityDescriptor(&Descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl(Dacl, sizeof(AclBytes), ACL_REVISION);
    RtlAddAccessDeniedAce(Dacl, ACL_REVISION, FILE_WRITE_DATA, SeExports->SeAliasAdminsSid);
    RtlAddAccessAllowedAce(Dacl, ACL_REVISION, FILE_READ_DATA | FILE_WRITE_DATA,
                           SeExports->SeWorldSid);
    RtlSetDaclSecurityDescriptor(&Descriptor, TRUE, Dacl, FALSE);
    SeLockSubjectContext(Subject);
    BOOLEAN Read = SeAccessCheck(&Descriptor, Subject, TRUE, FILE_READ_DATA, 0, &Used,
                                 &FileMapping, UserMode, &Granted, &Why);
    SeUnlockSubjectContext(Subject);
    CHECK(Read && Granted == FILE_READ_DATA && Why == STATUS_SUCCESS && Used == NULL);
    CHECK(!SeAccessCheck(&Descriptor, Subject, FALSE, FILE_READ_DATA | FILE_WRITE_DATA, 0, &Used,
                         &FileMapping, UserMode, &Granted, &Why));
    CHECK(Granted == 0 && Why == STATUS_ACCESS_DENIED);
    CHECK(SeAccessCheck(&Descriptor, Subject, FALSE, MAXIMUM_ALLOWED, 0, &Used, &FileMapping,
                        UserMode, &Granted, &Why));
    CHECK(Granted == FILE_READ_DATA);
    CHECK(!SeAccessCheck(&Descriptor, Subject, FALSE, ACCESS_SYSTEM_SECURITY, 0, &Used,
                         &FileMapping, UserMode, &Granted, &Why));
    CHECK(Why == STATUS_PRIVILEGE_NOT_HELD);
    CHECK(SeAccessCheck(&Descriptor, Subject, FALSE, GENERIC_WRITE, 0, &Used, &FileMapping,
                        KernelMode, &Granted, &Why));
    CHECK(Granted == FILE_GENERIC_WRITE);
    /* No list at all lets everybody do everything; no descriptor nobody anything. */
    RtlSetDaclSecurityDescriptor(&Descriptor, TRUE, NULL, FALSE);
    CHECK(SeAccessCheck(&Descriptor, Subject, FALSE, DELETE, 0, &Used, &FileMapping, UserMode,
                        &Granted, &Why));
    CHECK(!SeAccessCheck(NULL, Subject, FALSE, DELETE, 0, &Used, &FileMapping, UserMode, &Granted,
                         &Why));
    SeCaptureSubjectContext(&Own);
    CHECK(Own.PrimaryToken != NULL && Own.ClientToken == NULL);
    SeReleaseSubjectContext(&Own);
    return STATUS_SUCCESS;
}

static NTSTATUS SecurityTokenHandle(VOID)
{
    HANDLE Token;
    ULONG Length, Session;
    TOKEN_STATISTICS Statistics;

    PAGED_CODE();
    CHECK(ZwOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Token) == STATUS_NO_TOKEN);
    CHECK(ZwOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY, OBJ_KERNEL_HANDLE, &Token) ==
          STATUS_SUCCESS);
    CHECK(ZwQueryInformationToken(Token, TokenStatistics, &Statistics, sizeof(Statistics) - 1,
                                  &Length) == STATUS_BUFFER_TOO_SMALL);
    CHECK(Length == sizeof(Statistics));
    CHECK(ZwQueryInformationToken(Token, TokenStatistics, &Statistics, sizeof(Statistics),
                                  &Length) == STATUS_SUCCESS);
    CHECK(Statistics.TokenType == TokenPrimary && Statistics.GroupCount > 0);
    CHECK(ZwQueryInformationToken(Token, TokenSessionId, &Session, sizeof(Session), &Length) ==
          STATUS_SUCCESS);
    CHECK(ZwQueryInformationToken(Token, (TOKEN_INFORMATION_CLASS)0, &Session, 4, &Length) ==
          STATUS_INVALID_INFO_CLASS);
    CHECK(ZwClose(Token) == STATUS_SUCCESS);
    CHECK(ZwOpenProcessToken((HANDLE)0x4444, TOKEN_QUERY, &Token) == STATUS_INVALID_HANDLE);
    return STATUS_SUCCESS;
}

NTSTATUS SecurityCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (Stack->MajorFunction == IRP_MJ_CREATE) {
        Status = SecurityClientAccess(Stack->Parameters.Create.SecurityContext->AccessState);
        if (NT_SUCCESS(Status)) {
            Status = SecurityTokenHandle();
        }
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID SecurityUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, L"\\Device\\SecurityDevice");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SecurityCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SecurityCreateClose;
    DriverObject->DriverUnload = SecurityUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = SecurityGuardDevice(Device);
    if (NT_SUCCESS(Status)) {
        Status = SecuritySystemToken();
    }
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
    }
    return Status;
}
