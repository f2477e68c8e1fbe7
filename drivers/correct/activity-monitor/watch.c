/* SPDX-License-Identifier: MIT */
/* The callbacks. The system calls all of them at PASSIVE_LEVEL: they are pageable. */
#include "monitor.h"

static PAGE_DATA HANDLE MonitorProtected = NULL;

static PAGE_CODE VOID NTAPI MonitorProcess(PEPROCESS Process, HANDLE ProcessId,
                                           PPS_CREATE_NOTIFY_INFO Info)
{
    PAGED_CODE();
    if (Info != NULL) {
        MonitorRecord(MonitorProcessCreated, ProcessId, (ULONG_PTR)Info->ParentProcessId,
                      Info->ImageFileName);
    } else {
        MonitorRecord(MonitorProcessEnded, ProcessId, 0, NULL);
    }
}

static PAGE_CODE VOID NTAPI MonitorThread(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    PAGED_CODE();
    MonitorRecord(Create ? MonitorThreadCreated : MonitorThreadEnded, ProcessId,
                  (ULONG_PTR)ThreadId, NULL);
}

static PAGE_CODE VOID NTAPI MonitorImage(PUNICODE_STRING FullImageName, HANDLE ProcessId,
                                         PIMAGE_INFO Info)
{
    PAGED_CODE();
    MonitorRecord(MonitorImageLoaded, ProcessId, (ULONG_PTR)Info->ImageBase, FullImageName);
}

static PAGE_CODE NTSTATUS NTAPI MonitorRegistry(PVOID Context, PVOID Class, PVOID Argument)
{
    PREG_POST_OPERATION_INFORMATION Done = Argument;
    PREG_SET_VALUE_KEY_INFORMATION Set;
    PCUNICODE_STRING Name;

    PAGED_CODE();
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Class != RegNtPostSetValueKey || !NT_SUCCESS(Done->Status)) {
        return STATUS_SUCCESS;
    }
    Set = Done->PreInformation;
    if (NT_SUCCESS(CmCallbackGetKeyObjectID(&Monitor.RegistryCookie, Done->Object, NULL, &Name))) {
        MonitorRecord(MonitorValueSet, PsGetCurrentProcessId(), Set->Type, Name);
    }
    return STATUS_SUCCESS;
}

static PAGE_CODE OB_PREOP_CALLBACK_STATUS NTAPI
MonitorHandleBefore(PVOID Context, POB_PRE_OPERATION_INFORMATION Info)
{
    PACCESS_MASK Access = Info->Operation == OB_OPERATION_HANDLE_CREATE
                              ? &Info->Parameters->CreateHandleInformation.DesiredAccess
                              : &Info->Parameters->DuplicateHandleInformation.DesiredAccess;

    PAGED_CODE();
    if (PsGetProcessId(Info->Object) == MonitorProtected && MonitorProtected != NULL) {
        *Access &= ~(ACCESS_MASK)1; /* PROCESS_TERMINATE */
    }
    return OB_PREOP_SUCCESS;
}

static PAGE_CODE VOID NTAPI MonitorHandleAfter(PVOID Context, POB_POST_OPERATION_INFORMATION Info)
{
    PAGED_CODE();
    if (NT_SUCCESS(Info->ReturnStatus) && Info->Operation == OB_OPERATION_HANDLE_CREATE) {
        MonitorRecord(MonitorHandleOpened, PsGetProcessId(Info->Object),
                      Info->Parameters->CreateHandleInformation.GrantedAccess, NULL);
    }
}

PAGE_CODE VOID MonitorProtect(HANDLE Process)
{
    PAGED_CODE();
    MonitorProtected = Process;
}

static INIT_CODE NTSTATUS MonitorWatchHandles(VOID)
{
    OB_OPERATION_REGISTRATION Operation;
    OB_CALLBACK_REGISTRATION Registration;

    RtlZeroMemory(&Operation, sizeof(Operation));
    Operation.ObjectType = PsProcessType;
    Operation.Operations = OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE;
    Operation.PreOperation = MonitorHandleBefore;
    Operation.PostOperation = MonitorHandleAfter;
    RtlZeroMemory(&Registration, sizeof(Registration));
    Registration.Version = OB_FLT_REGISTRATION_VERSION;
    Registration.OperationRegistrationCount = 1;
    RtlInitUnicodeString(&Registration.Altitude, L"365123.5");
    Registration.OperationRegistration = &Operation;
    return ObRegisterCallbacks(&Registration, &Monitor.ObjectHandle);
}

/* All or nothing. */
INIT_CODE NTSTATUS MonitorStartWatching(VOID)
{
    UNICODE_STRING Altitude;

    RtlInitUnicodeString(&Altitude, L"365123.5");
    NTSTATUS Status = PsSetCreateProcessNotifyRoutineEx(MonitorProcess, FALSE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = PsSetCreateThreadNotifyRoutine(MonitorThread);
    if (NT_SUCCESS(Status)) {
        Status = PsSetLoadImageNotifyRoutine(MonitorImage);
        if (NT_SUCCESS(Status)) {
            Status = CmRegisterCallbackEx(MonitorRegistry, &Altitude, Monitor.Driver, NULL,
                                          &Monitor.RegistryCookie, NULL);
            if (NT_SUCCESS(Status)) {
                Status = MonitorWatchHandles();
                if (NT_SUCCESS(Status)) {
                    return STATUS_SUCCESS;
                }
                CmUnRegisterCallback(Monitor.RegistryCookie);
            }
            PsRemoveLoadImageNotifyRoutine(MonitorImage);
        }
        PsRemoveCreateThreadNotifyRoutine(MonitorThread);
    }
    PsSetCreateProcessNotifyRoutineEx(MonitorProcess, TRUE);
    return Status;
}

PAGE_CODE VOID MonitorStopWatching(VOID)
{
    PAGED_CODE();
    ObUnRegisterCallbacks(Monitor.ObjectHandle);
    CmUnRegisterCallback(Monitor.RegistryCookie);
    PsRemoveLoadImageNotifyRoutine(MonitorImage);
    PsRemoveCreateThreadNotifyRoutine(MonitorThread);
    PsSetCreateProcessNotifyRoutineEx(MonitorProcess, TRUE);
}
