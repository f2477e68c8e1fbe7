/* SPDX-License-Identifier: MIT */
/* A system thread that serves a client as that client. See README.md. */
#include <ntifs.h>

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            DbgPrint("impersonation: line %d: not %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                                        \
        }                                                                      \
    } while (0)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD DeskUnload;
DRIVER_DISPATCH DeskCreate, DeskClose;
KSTART_ROUTINE DeskServe;
static NTSTATUS DeskOpenVault(VOID);
static NTSTATUS DeskLevels(VOID);
static NTSTATUS DeskPassOn(VOID);
static NTSTATUS DeskTokenHandle(VOID);
static NTSTATUS DeskSetToken(VOID);
static NTSTATUS DeskServeAs(PSECURITY_CLIENT_CONTEXT Client);
static NTSTATUS DeskGuard(PDEVICE_OBJECT Vault);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, DeskUnload)
#pragma alloc_text(PAGE, DeskCreate)
#pragma alloc_text(PAGE, DeskClose)
#pragma alloc_text(PAGE, DeskServe)
#pragma alloc_text(PAGE, DeskOpenVault)
#pragma alloc_text(PAGE, DeskLevels)
#pragma alloc_text(PAGE, DeskPassOn)
#pragma alloc_text(PAGE, DeskTokenHandle)
#pragma alloc_text(PAGE, DeskSetToken)
#pragma alloc_text(PAGE, DeskServeAs)
#pragma alloc_text(INIT, DeskGuard)

typedef struct _DESK_CALL {
    SECURITY_CLIENT_CONTEXT Client;
    NTSTATUS Status;
} DESK_CALL, *PDESK_CALL;

static PDEVICE_OBJECT Desk;

/* As the current subject may: kernel mode asks for the check that user mode gets. */
static NTSTATUS DeskOpenVault(VOID)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;

    PAGED_CODE();
    RtlInitUnicodeString(&Name, L"\\Device\\Vault");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_FORCE_ACCESS_CHECK,
                               NULL, NULL);
    NTSTATUS Status = ZwOpenFile(&Handle, GENERIC_READ, &Attributes, &IoStatus, FILE_SHARE_READ,
                                 0);
    if (NT_SUCCESS(Status)) {
        ZwClose(Handle);
    }
    return Status;
}

/* Below SecurityImpersonation a thread is not let in anywhere, whoever the client is. */
static NTSTATUS DeskLevels(VOID)
{
    PACCESS_TOKEN Own = PsReferencePrimaryToken(PsGetCurrentProcess()), Found;
    SECURITY_IMPERSONATION_LEVEL Level = SecurityDelegation;
    BOOLEAN CopyOnOpen = 2, EffectiveOnly = 2;
    SECURITY_SUBJECT_CONTEXT Subject;

    PAGED_CODE();
    CHECK(PsReferenceImpersonationToken(PsGetCurrentThread(), &CopyOnOpen, &EffectiveOnly,
                                        &Level) == NULL);
    CHECK(Level == SecurityDelegation && CopyOnOpen == 2 && EffectiveOnly == 2); /* not stored */
    CHECK(PsImpersonateClient(PsGetCurrentThread(), Own, FALSE, TRUE, SecurityIdentification) ==
          STATUS_SUCCESS);
    CHECK(DeskOpenVault() == STATUS_BAD_IMPERSONATION_LEVEL);
    CHECK(!SeSinglePrivilegeCheck(SeExports->SeLoadDriverPrivilege, UserMode));
    Found = PsReferenceImpersonationToken(PsGetCurrentThread(), &CopyOnOpen, &EffectiveOnly,
                                          &Level);
    CHECK(Found == Own && Level == SecurityIdentification && !CopyOnOpen && EffectiveOnly);
    PsDereferenceImpersonationToken(Found);
    SeCaptureSubjectContext(&Subject);
    CHECK(Subject.ClientToken == Own && Subject.ImpersonationLevel == SecurityIdentification);
    CHECK(SeQuerySubjectContextToken(&Subject) == Own);
    SeReleaseSubjectContext(&Subject);
    SeCaptureSubjectContextEx(NULL, PsGetCurrentProcess(), &Subject);
    CHECK(Subject.ClientToken == NULL && Subject.PrimaryToken == Own);
    SeReleaseSubjectContext(&Subject);
    /* The last one counts. NULL ends it, as PsRevertToSelf does, which may come twice. */
    CHECK(PsImpersonateClient(PsGetCurrentThread(), Own, TRUE, FALSE, SecurityImpersonation) ==
          STATUS_SUCCESS);
    CHECK(DeskOpenVault() == STATUS_SUCCESS);
    CHECK(PsImpersonateClient(PsGetCurrentThread(), NULL, FALSE, FALSE, SecurityAnonymous) ==
          STATUS_SUCCESS);
    PsRevertToSelf();
    CHECK(PsReferenceImpersonationToken(PsGetCurrentThread(), &CopyOnOpen, &EffectiveOnly,
                                        &Level) == NULL);
    PsDereferencePrimaryToken(Own);
    return STATUS_SUCCESS;
}

/* What a thread that impersonates may pass on to the next. */
static NTSTATUS DeskPassOn(VOID)
{
    SECURITY_QUALITY_OF_SERVICE Qos = {sizeof(Qos), SecurityImpersonation,
                                       SECURITY_STATIC_TRACKING, FALSE};
    PACCESS_TOKEN Own = PsReferencePrimaryToken(PsGetCurrentProcess());
    PETHREAD Thread = PsGetCurrentThread();
    SECURITY_CLIENT_CONTEXT Next;

    PAGED_CODE();
    PsImpersonateClient(Thread, Own, FALSE, FALSE, SecurityIdentification);
    CHECK(SeCreateClientSecurity(Thread, &Qos, FALSE, &Next) == STATUS_BAD_IMPERSONATION_LEVEL);
    PsImpersonateClient(Thread, Own, FALSE, FALSE, SecurityImpersonation);
    CHECK(SeCreateClientSecurity(Thread, &Qos, TRUE, &Next) == STATUS_BAD_IMPERSONATION_LEVEL);
    CHECK(SeCreateClientSecurity(Thread, &Qos, FALSE, &Next) == STATUS_SUCCESS);
    SeDeleteClientSecurity(&Next);
    Qos.ImpersonationLevel = SecurityDelegation;
    CHECK(SeCreateClientSecurity(Thread, &Qos, FALSE, &Next) == STATUS_BAD_IMPERSONATION_LEVEL);
    PsRevertToSelf();
    /* A primary token has every level. Dynamic tracking takes the token itself. */
    Qos.ContextTrackingMode = SECURITY_DYNAMIC_TRACKING;
    CHECK(SeCreateClientSecurity(Thread, &Qos, TRUE, &Next) == STATUS_SUCCESS);
    CHECK(Next.ClientToken == Own && Next.DirectlyAccessClientToken && Next.ServerIsRemote);
    CHECK(!Next.DirectAccessEffectiveOnly && Next.SecurityQos.Length == sizeof(Qos));
    SeDeleteClientSecurity(&Next);
    PsDereferencePrimaryToken(Own);
    return STATUS_SUCCESS;
}

/* Of the thread's token while it impersonates: a copy with its level. */
static NTSTATUS DeskTokenHandle(VOID)
{
    SECURITY_IMPERSONATION_LEVEL Level = SecurityAnonymous;
    PACCESS_TOKEN Own;
    TOKEN_TYPE Type = TokenPrimary;
    ULONG Length;
    HANDLE Token;

    PAGED_CODE();
    CHECK(ZwOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Token) == STATUS_SUCCESS);
    CHECK(ZwQueryInformationToken(Token, TokenType, &Type, sizeof(Type), &Length) ==
          STATUS_SUCCESS);
    CHECK(Type == TokenImpersonation);
    CHECK(ZwQueryInformationToken(Token, TokenImpersonationLevel, &Level, sizeof(Level),
                                  &Length) == STATUS_SUCCESS);
    CHECK(Level == SecurityImpersonation);
    CHECK(ZwClose(Token) == STATUS_SUCCESS);
    Own = PsReferencePrimaryToken(PsGetCurrentProcess());
    PsImpersonateClient(PsGetCurrentThread(), Own, FALSE, FALSE, SecurityAnonymous);
    PsDereferencePrimaryToken(Own);
    CHECK(ZwOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Token) ==
          STATUS_CANT_OPEN_ANONYMOUS);
    PsRevertToSelf();
    CHECK(ZwOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Token) == STATUS_NO_TOKEN);
    return STATUS_SUCCESS;
}

/* By handle: only an impersonation token. */
static NTSTATUS DeskSetToken(VOID)
{
    SECURITY_QUALITY_OF_SERVICE Qos = {sizeof(Qos), SecurityImpersonation,
                                       SECURITY_STATIC_TRACKING, FALSE};
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Primary, Copy, Weak, None = NULL;

    PAGED_CODE();
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwOpenProcessTokenEx(NtCurrentProcess(), TOKEN_ALL_ACCESS, OBJ_KERNEL_HANDLE,
                               &Primary) == STATUS_SUCCESS);
    CHECK(ZwSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &Primary,
                                 sizeof(Primary)) == STATUS_BAD_TOKEN_TYPE);
    CHECK(ZwDuplicateToken(Primary, 0, &Attributes, FALSE, (TOKEN_TYPE)3, &Copy) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwDuplicateToken((HANDLE)0x4444, 0, &Attributes, FALSE, TokenPrimary, &Copy) ==
          STATUS_INVALID_HANDLE);
    /* Without a level it is SecurityAnonymous, of which there is no more to be had. */
    CHECK(ZwDuplicateToken(Primary, 0, &Attributes, FALSE, TokenImpersonation, &Weak) ==
          STATUS_SUCCESS);
    Attributes.SecurityQualityOfService = &Qos;
    CHECK(ZwDuplicateToken(Weak, 0, &Attributes, FALSE, TokenImpersonation, &Copy) ==
          STATUS_BAD_IMPERSONATION_LEVEL);
    CHECK(ZwDuplicateToken(Weak, 0, &Attributes, FALSE, TokenPrimary, &Copy) ==
          STATUS_BAD_IMPERSONATION_LEVEL);
    ZwClose(Weak);
    CHECK(ZwDuplicateToken(Primary, 0, &Attributes, TRUE, TokenImpersonation, &Copy) ==
          STATUS_SUCCESS);
    CHECK(ZwSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &Copy,
                                 sizeof(Copy) - 1) == STATUS_INFO_LENGTH_MISMATCH);
    CHECK(ZwSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &Copy,
                                 sizeof(Copy)) == STATUS_SUCCESS);
    CHECK(DeskOpenVault() == STATUS_SUCCESS);
    CHECK(ZwSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &None,
                                 sizeof(None)) == STATUS_SUCCESS);
    CHECK(ZwOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Weak) == STATUS_NO_TOKEN);
    ZwClose(Copy);
    ZwClose(Primary);
    return STATUS_SUCCESS;
}

/* In the system process: its own self may open the vault, the client may not. */
static NTSTATUS DeskServeAs(PSECURITY_CLIENT_CONTEXT Client)
{
    PAGED_CODE();
    CHECK(DeskOpenVault() == STATUS_SUCCESS);
    CHECK(SeTokenType(Client->ClientToken) == TokenImpersonation);
    CHECK(!Client->DirectlyAccessClientToken);
    CHECK(SeImpersonateClientEx(Client, NULL) == STATUS_SUCCESS);
    CHECK(DeskOpenVault() == STATUS_ACCESS_DENIED);
    CHECK(!SeSinglePrivilegeCheck(SeExports->SeTcbPrivilege, UserMode));
    NTSTATUS Status = DeskTokenHandle();
    CHECK(Status == STATUS_SUCCESS);
    CHECK(DeskOpenVault() == STATUS_SUCCESS);
    Status = DeskLevels();
    Status = NT_SUCCESS(Status) ? DeskPassOn() : Status;
    Status = NT_SUCCESS(Status) ? DeskSetToken() : Status;
    SeImpersonateClient(Client, PsGetCurrentThread()); /* ends with the thread */
    return Status;
}

VOID DeskServe(PVOID Context)
{
    PDESK_CALL Call = Context;

    PAGED_CODE();
    Call->Status = DeskServeAs(&Call->Client);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS DeskComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS DeskCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    SECURITY_QUALITY_OF_SERVICE Qos = {sizeof(Qos), SecurityImpersonation,
                                       SECURITY_STATIC_TRACKING, FALSE};
    DESK_CALL Call = {.Status = STATUS_PENDING};
    HANDLE Thread;

    PAGED_CODE();
    if (DeviceObject != Desk) {
        return DeskComplete(Irp, STATUS_SUCCESS);
    }
    NTSTATUS Status = SeCreateClientSecurityFromSubjectContext(
        &Stack->Parameters.Create.SecurityContext->AccessState->SubjectSecurityContext, &Qos,
        FALSE, &Call.Client);
    if (NT_SUCCESS(Status)) {
        SeDeleteClientSecurity(&Call.Client);
        Status = SeCreateClientSecurity(PsGetCurrentThread(), &Qos, FALSE, &Call.Client);
    }
    if (!NT_SUCCESS(Status)) {
        return DeskComplete(Irp, Status);
    }
    Status = PsCreateSystemThread(&Thread, SYNCHRONIZE, NULL, NULL, NULL, DeskServe, &Call);
    if (NT_SUCCESS(Status)) {
        ZwWaitForSingleObject(Thread, FALSE, NULL);
        ZwClose(Thread);
        Status = Call.Status;
    }
    SeDeleteClientSecurity(&Call.Client);
    return DeskComplete(Irp, Status);
}

NTSTATUS DeskClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return DeskComplete(Irp, STATUS_SUCCESS);
}

VOID DeskUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    while (DriverObject->DeviceObject != NULL) {
        IoDeleteDevice(DriverObject->DeviceObject);
    }
}

/* D:P(A;;GA;;;SY) */
static NTSTATUS DeskGuard(PDEVICE_OBJECT Vault)
{
    SECURITY_DESCRIPTOR Descriptor;
    DECLSPEC_ALIGN(8) UCHAR Dacl[64];
    HANDLE Handle;

    RtlCreateSecurityDescriptor(&Descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateAcl((PACL)Dacl, sizeof(Dacl), ACL_REVISION);
    RtlAddAccessAllowedAce((PACL)Dacl, ACL_REVISION, GENERIC_ALL, SeExports->SeLocalSystemSid);
    RtlSetDaclSecurityDescriptor(&Descriptor, TRUE, (PACL)Dacl, FALSE);
    NTSTATUS Status = ObOpenObjectByPointer(Vault, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC,
                                            *IoDeviceObjectType, KernelMode, &Handle);
    if (NT_SUCCESS(Status)) {
        Status = ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, &Descriptor);
        ZwClose(Handle);
    }
    return Status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING DeskName, VaultName;
    PDEVICE_OBJECT Vault;

    RtlInitUnicodeString(&DeskName, L"\\Device\\Desk");
    RtlInitUnicodeString(&VaultName, L"\\Device\\Vault");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DeskCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = DeskClose;
    DriverObject->DriverUnload = DeskUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &VaultName, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Vault);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateDevice(DriverObject, 0, &DeskName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Desk);
    if (NT_SUCCESS(Status)) {
        Status = DeskGuard(Vault);
    }
    if (!NT_SUCCESS(Status)) {
        DeskUnload(DriverObject);
    }
    return Status;
}
