/* SPDX-License-Identifier: MIT */
/* Takes a right away from handles to the system process, by a callback. See README.md. */
#include <ntifs.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CallbacksUnload;

#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

static ULONG CallbacksPre, CallbacksPost, CallbacksOrder;

#pragma code_seg("PAGE")

static OB_PREOP_CALLBACK_STATUS CallbacksPreOperation(PVOID Context,
                                                      POB_PRE_OPERATION_INFORMATION Information)
{
    PAGED_CODE();
    CallbacksPre++;
    CallbacksOrder = CallbacksOrder * 10 + (ULONG)(ULONG_PTR)Context;
    Information->Parameters->CreateHandleInformation.DesiredAccess &=
        ~(ACCESS_MASK)PROCESS_TERMINATE;
    Information->CallContext = Context;
    return OB_PREOP_SUCCESS;
}

static VOID CallbacksPostOperation(PVOID Context, POB_POST_OPERATION_INFORMATION Information)
{
    PAGED_CODE();
    if (Information->CallContext == Context && NT_SUCCESS(Information->ReturnStatus) &&
        !(Information->Parameters->CreateHandleInformation.GrantedAccess & PROCESS_TERMINATE)) {
        CallbacksPost++;
    }
}

static NTSTATUS CallbacksRegister(PCWSTR Altitude, ULONG Context, PVOID *Handle)
{
    OB_OPERATION_REGISTRATION Operation = {
        PsProcessType, OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE,
        CallbacksPreOperation, CallbacksPostOperation};
    OB_CALLBACK_REGISTRATION Registration = {ObGetFilterVersion(), 1, {0, 0, NULL},
                                             (PVOID)(ULONG_PTR)Context, &Operation};

    PAGED_CODE();
    RtlInitUnicodeString(&Registration.Altitude, Altitude);
    return ObRegisterCallbacks(&Registration, Handle);
}

static NTSTATUS CallbacksOpen(PACCESS_MASK Access)
{
    CLIENT_ID ClientId = {(HANDLE)4, NULL};
    OBJECT_ATTRIBUTES Attributes;
    OBJECT_BASIC_INFORMATION Basic;
    HANDLE Handle;

    PAGED_CODE();
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = ZwOpenProcess(&Handle, PROCESS_TERMINATE | PROCESS_VM_READ, &Attributes,
                                    &ClientId);
    if (NT_SUCCESS(Status)) {
        Status = ZwQueryObject(Handle, ObjectBasicInformation, &Basic, sizeof(Basic), NULL);
        *Access = Basic.GrantedAccess;
        ZwClose(Handle);
    }
    return Status;
}

static NTSTATUS CallbacksRefused(VOID)
{
    OB_OPERATION_REGISTRATION Operation = {ExEventObjectType, OB_OPERATION_HANDLE_CREATE,
                                           CallbacksPreOperation, NULL};
    OB_CALLBACK_REGISTRATION Registration = {OB_FLT_REGISTRATION_VERSION, 1,
                                             RTL_CONSTANT_STRING(L"1"), NULL, &Operation};
    PVOID Handle;

    PAGED_CODE();
    CHECK(ObRegisterCallbacks(&Registration, &Handle) == STATUS_INVALID_PARAMETER);
    Operation.ObjectType = PsProcessType;
    Registration.Version = 0x200;
    CHECK(ObRegisterCallbacks(&Registration, &Handle) == STATUS_INVALID_PARAMETER);
    Registration.Version = OB_FLT_REGISTRATION_VERSION;
    Registration.OperationRegistrationCount = 0;
    CHECK(ObRegisterCallbacks(&Registration, &Handle) == STATUS_INVALID_PARAMETER);
    CHECK(CallbacksRegister(L"high", 1, &Handle) == STATUS_INVALID_PARAMETER);
    return STATUS_SUCCESS;
}

static VOID CallbacksProcess(PEPROCESS Process, HANDLE ProcessId, PPS_CREATE_NOTIFY_INFO Info)
{
    PAGED_CODE();
}

static NTSTATUS CallbacksTry(VOID)
{
    PVOID Low, High, Same;
    ACCESS_MASK Access;

    PAGED_CODE();
    CHECK(CallbacksRefused() == STATUS_SUCCESS);
    CHECK(CallbacksRegister(L"9.5", 1, &Low) == STATUS_SUCCESS);
    CHECK(CallbacksRegister(L"370030", 2, &High) == STATUS_SUCCESS);
    CHECK(CallbacksRegister(L"0370030.0", 3, &Same) == STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    CHECK(CallbacksOpen(&Access) == STATUS_SUCCESS && Access == PROCESS_VM_READ);
    ObUnRegisterCallbacks(High);
    ObUnRegisterCallbacks(Low);
    CHECK(CallbacksPre == 2 && CallbacksPost == 2 && CallbacksOrder == 21);
    CHECK(CallbacksOpen(&Access) == STATUS_SUCCESS);
    CHECK(Access == (PROCESS_TERMINATE | PROCESS_VM_READ) && CallbacksPre == 2);
    /* The image is linked with /INTEGRITYCHECK, so this is allowed as well. */
    CHECK(PsSetCreateProcessNotifyRoutineEx(CallbacksProcess, FALSE) == STATUS_SUCCESS);
    CHECK(PsSetCreateProcessNotifyRoutineEx(CallbacksProcess, FALSE) == STATUS_INVALID_PARAMETER);
    CHECK(PsSetCreateProcessNotifyRoutineEx(CallbacksProcess, TRUE) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

VOID CallbacksUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = CallbacksUnload;
    return CallbacksTry();
}
