/* SPDX-License-Identifier: MIT */
/* Questions about processes, threads, handles and the system. See README.md. */
#include <ntifs.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD InformationUnload;
DRIVER_DISPATCH InformationCreateClose;

#pragma alloc_text(INIT, DriverEntry)

#define TAG 'ofnI'
#pragma code_seg("PAGE")
/* The line that does not hold is printed; the run's expected.txt has no such line. */
#define CHECK(condition)                                          \
    do {                                                          \
        if (!(condition)) {                                       \
            DbgPrint("line %u: %s\n", __LINE__, #condition);      \
            return STATUS_UNSUCCESSFUL;                           \
        }                                                         \
    } while (0)

/* The program's name begins with a backslash and ends with what !process shows. */
static NTSTATUS InformationImageName(VOID)
{
    ULONG Length = 0, Again = 0;

    PAGED_CODE();
    CHECK(ZwQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName, NULL, 0, &Length) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(Length > sizeof(UNICODE_STRING));
    PUNICODE_STRING Name = ExAllocatePoolWithTag(PagedPool, Length, TAG);
    CHECK(Name != NULL);
    NTSTATUS Short = ZwQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName, Name,
                                               Length - 1, &Again);
    NTSTATUS Status = ZwQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName, Name,
                                                Length, NULL);
    BOOLEAN Good = NT_SUCCESS(Status) && Name->Buffer == (PWSTR)(Name + 1) &&
                   Name->Length + sizeof(UNICODE_STRING) <= Length && Name->Buffer[0] == L'\\' &&
                   Name->Buffer[Name->Length / sizeof(WCHAR)] == 0;
    ExFreePoolWithTag(Name, TAG);
    CHECK(Short == STATUS_INFO_LENGTH_MISMATCH && Again == Length);
    CHECK(Good);
    return STATUS_SUCCESS;
}

static NTSTATUS InformationProcess(VOID)
{
    PROCESS_BASIC_INFORMATION Basic;
    KERNEL_USER_TIMES Times;
    VM_COUNTERS Counters;
    PROCESS_PRIORITY_CLASS Class;
    ULONG_PTR Pointer = 1;
    ULONG Number = 0, Length = 0;
    HANDLE Self = NtCurrentProcess();

    PAGED_CODE();
    CHECK(ZwQueryInformationProcess(Self, ProcessBasicInformation, &Basic, sizeof(Basic) - 1,
                                    &Length) == STATUS_INFO_LENGTH_MISMATCH);
    CHECK(Length == sizeof(Basic));
    CHECK(ZwQueryInformationProcess(Self, ProcessBasicInformation, &Basic, sizeof(Basic),
                                    &Length) == STATUS_SUCCESS);
    CHECK(Basic.UniqueProcessId == (ULONG_PTR)PsGetCurrentProcessId());
    CHECK(Basic.ExitStatus == STATUS_PENDING && Basic.AffinityMask == KeQueryActiveProcessors());
    CHECK(Basic.BasePriority == 8 && Basic.InheritedFromUniqueProcessId ==
          (ULONG_PTR)PsGetProcessInheritedFromUniqueProcessId(PsGetCurrentProcess()));
    CHECK(ZwQueryInformationProcess(Self, ProcessTimes, &Times, sizeof(Times), NULL) ==
          STATUS_SUCCESS);
    CHECK(Times.CreateTime.QuadPart == PsGetProcessCreateTimeQuadPart(PsGetCurrentProcess()));
    CHECK(ZwQueryInformationProcess(Self, ProcessVmCounters, &Counters, sizeof(Counters), NULL) ==
          STATUS_SUCCESS);
    CHECK(ZwQueryInformationProcess(Self, ProcessPriorityClass, &Class, sizeof(Class), NULL) ==
          STATUS_SUCCESS);
    CHECK(Class.PriorityClass == PROCESS_PRIORITY_CLASS_NORMAL);
    CHECK(ZwQueryInformationProcess(Self, ProcessHandleCount, &Number, sizeof(Number), NULL) ==
          STATUS_SUCCESS);
    CHECK(ZwQueryInformationProcess(Self, ProcessWow64Information, &Pointer, sizeof(Pointer),
                                    NULL) == STATUS_SUCCESS && Pointer == 0);
    CHECK(ZwQueryInformationProcess(Self, ProcessDebugPort, &Pointer, sizeof(Pointer), NULL) ==
          STATUS_SUCCESS && Pointer == 0);
    CHECK(ZwQueryInformationProcess(Self, (PROCESSINFOCLASS)9999, &Number, 4, &Length) ==
          STATUS_INVALID_INFO_CLASS);
    CHECK(ZwQueryInformationProcess((HANDLE)0x7ffc, ProcessHandleCount, &Number, 4, NULL) ==
          STATUS_INVALID_HANDLE);
    CHECK(ZwQueryInformationProcess(NtCurrentThread(), ProcessHandleCount, &Number, 4, NULL) ==
          STATUS_OBJECT_TYPE_MISMATCH);
    return STATUS_SUCCESS;
}

/* Set, looked at, and set back. */
static NTSTATUS InformationSetProcess(VOID)
{
    HANDLE Self = NtCurrentProcess();
    KPRIORITY Priority = 6;
    PROCESS_PRIORITY_CLASS Class = {FALSE, PROCESS_PRIORITY_CLASS_HIGH};
    PROCESS_BASIC_INFORMATION Basic;
    KAFFINITY Affinity = KeQueryActiveProcessors();

    PAGED_CODE();
    CHECK(ZwSetInformationProcess(Self, ProcessPriorityClass, &Class, sizeof(Class)) ==
          STATUS_SUCCESS);
    CHECK(ZwQueryInformationProcess(Self, ProcessBasicInformation, &Basic, sizeof(Basic), NULL) ==
          STATUS_SUCCESS && Basic.BasePriority == 13);
    CHECK(ZwSetInformationProcess(Self, ProcessBasePriority, &Priority, 4) == STATUS_SUCCESS);
    CHECK(ZwQueryInformationProcess(Self, ProcessBasicInformation, &Basic, sizeof(Basic), NULL) ==
          STATUS_SUCCESS && Basic.BasePriority == 6);
    Class.PriorityClass = PROCESS_PRIORITY_CLASS_NORMAL;
    CHECK(ZwSetInformationProcess(Self, ProcessPriorityClass, &Class, sizeof(Class)) ==
          STATUS_SUCCESS);
    Class.PriorityClass = 7;
    CHECK(ZwSetInformationProcess(Self, ProcessPriorityClass, &Class, sizeof(Class)) ==
          STATUS_INVALID_PARAMETER);
    Priority = 32;
    CHECK(ZwSetInformationProcess(Self, ProcessBasePriority, &Priority, 4) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwSetInformationProcess(Self, ProcessBasePriority, &Priority, 3) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(ZwSetInformationProcess(Self, ProcessAffinityMask, &Affinity, sizeof(Affinity)) ==
          STATUS_SUCCESS);
    Affinity = 0;
    CHECK(ZwSetInformationProcess(Self, ProcessAffinityMask, &Affinity, sizeof(Affinity)) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwSetInformationProcess(Self, ProcessBasicInformation, &Basic, sizeof(Basic)) ==
          STATUS_INVALID_INFO_CLASS);
    return STATUS_SUCCESS;
}

static NTSTATUS InformationThread(VOID)
{
    HANDLE Self = NtCurrentThread(), Opened;
    THREAD_BASIC_INFORMATION Basic;
    OBJECT_ATTRIBUTES Attributes;
    CLIENT_ID ClientId = {NULL, PsGetCurrentThreadId()};
    LONG Number = 2;
    UCHAR Hidden = 9;

    PAGED_CODE();
    CHECK(ZwQueryInformationThread(Self, ThreadBasicInformation, &Basic, sizeof(Basic), NULL) ==
          STATUS_SUCCESS);
    CHECK(Basic.ClientId.UniqueThread == PsGetCurrentThreadId());
    CHECK(Basic.ClientId.UniqueProcess == PsGetCurrentProcessId());
    LONG Before = Basic.BasePriority;
    CHECK(ZwSetInformationThread(Self, ThreadBasePriority, &Number, 4) == STATUS_SUCCESS);
    CHECK(ZwQueryInformationThread(Self, ThreadBasicInformation, &Basic, sizeof(Basic), NULL) ==
          STATUS_SUCCESS && Basic.BasePriority == 2);
    Number = 3;
    CHECK(ZwSetInformationThread(Self, ThreadBasePriority, &Number, 4) ==
          STATUS_INVALID_PARAMETER);
    Number = INT32_MIN;
    CHECK(ZwSetInformationThread(Self, ThreadBasePriority, &Number, 4) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwSetInformationThread(Self, ThreadBasePriority, &Before, 4) == STATUS_SUCCESS);
    Number = 0;
    CHECK(ZwSetInformationThread(Self, ThreadPriority, &Number, 4) == STATUS_INVALID_PARAMETER);
    CHECK(ZwSetInformationThread(Self, ThreadPriority, &Number, 8) == STATUS_INFO_LENGTH_MISMATCH);
    CHECK(ZwSetInformationThread(Self, ThreadBasicInformation, &Basic, sizeof(Basic)) ==
          STATUS_INVALID_INFO_CLASS);
    CHECK(ZwSetInformationThread((HANDLE)0x7ffc, ThreadBasePriority, &Number, 4) ==
          STATUS_INVALID_HANDLE);
    CHECK(ZwQueryInformationThread(Self, ThreadHideFromDebugger, &Hidden, 1, NULL) ==
          STATUS_SUCCESS && Hidden == FALSE);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwOpenThread(&Opened, THREAD_QUERY_INFORMATION, &Attributes, &ClientId) ==
          STATUS_SUCCESS);
    CHECK(ZwQueryInformationThread(Opened, ThreadIsTerminated, &Number, 4, NULL) ==
          STATUS_SUCCESS && Number == 0);
    CHECK(ZwClose(Opened) == STATUS_SUCCESS);
    ClientId.UniqueProcess = (HANDLE)0x7ffc;
    CHECK(ZwOpenThread(&Opened, THREAD_QUERY_INFORMATION, &Attributes, &ClientId) ==
          STATUS_INVALID_CID);
    return STATUS_SUCCESS;
}

/* Finds this process, and System with its name, in the list of all. */
static NTSTATUS InformationProcessList(VOID)
{
    ULONG Length = 0, Found = 0, Threads = 0;

    PAGED_CODE();
    CHECK(ZwQuerySystemInformation(SystemProcessInformation, NULL, 0, &Length) ==
          STATUS_INFO_LENGTH_MISMATCH);
    Length += 4096; /* for what begins in between */
    PUCHAR List = ExAllocatePoolWithTag(PagedPool, Length, TAG);
    CHECK(List != NULL);
    NTSTATUS Status = ZwQuerySystemInformation(SystemProcessInformation, List, Length, &Length);
    for (ULONG Offset = 0; NT_SUCCESS(Status);) {
        PSYSTEM_PROCESS_INFORMATION Entry = (PVOID)(List + Offset);
        if (Entry->UniqueProcessId == PsGetCurrentProcessId()) {
            Found |= 1;
            for (ULONG i = 0; i < Entry->NumberOfThreads; i++) {
                Threads += Entry->Threads[i].ClientId.UniqueThread == PsGetCurrentThreadId();
            }
        }
        if (Entry->UniqueProcessId == (HANDLE)4 && Entry->ImageName.Length == 12 &&
            _wcsnicmp(Entry->ImageName.Buffer, L"System", 6) == 0) {
            Found |= 2;
        }
        if (Entry->NextEntryOffset == 0) {
            break;
        }
        Offset += Entry->NextEntryOffset;
    }
    ExFreePoolWithTag(List, TAG);
    CHECK(Status == STATUS_SUCCESS && Found == 3 && Threads == 1);
    return STATUS_SUCCESS;
}

/* The system's SID in DriverEntry, that of an account in a program. [MS-DTYP 2.4.2.4] */
static NTSTATUS InformationUserKey(VOID)
{
    UNICODE_STRING System = RTL_CONSTANT_STRING(L"\\REGISTRY\\USER\\S-1-5-18");
    UNICODE_STRING Account = RTL_CONSTANT_STRING(L"\\REGISTRY\\USER\\S-1-5-21-");
    UNICODE_STRING Path;

    PAGED_CODE();
    CHECK(RtlFormatCurrentUserKeyPath(&Path) == STATUS_SUCCESS);
    BOOLEAN Good = PsGetCurrentProcess() == PsInitialSystemProcess
                       ? RtlEqualUnicodeString(&Path, &System, TRUE)
                       : RtlPrefixUnicodeString(&Account, &Path, TRUE);
    RtlFreeUnicodeString(&Path);
    CHECK(Good);
    return STATUS_SUCCESS;
}

static NTSTATUS InformationSystem(VOID)
{
    SYSTEM_CODEINTEGRITY_INFORMATION Integrity = {sizeof(Integrity), 0};
    SYSTEM_TIMEOFDAY_INFORMATION Time;
    ULONG Length = 0;

    PAGED_CODE();
    CHECK(ZwQuerySystemInformation(SystemCodeIntegrityInformation, &Integrity, sizeof(Integrity),
                                   &Length) == STATUS_SUCCESS);
    CHECK(Integrity.CodeIntegrityOptions & CODEINTEGRITY_OPTION_ENABLED);
    CHECK(ZwQuerySystemInformation(SystemTimeOfDayInformation, &Time, sizeof(Time), &Length) ==
          STATUS_SUCCESS);
    CHECK(Time.BootTime.QuadPart < Time.CurrentTime.QuadPart);
    CHECK(ZwSetSystemInformation(SystemTimeOfDayInformation, &Time, sizeof(Time)) ==
          STATUS_INVALID_INFO_CLASS);
    CHECK(ZwQuerySystemInformation(SystemTimeOfDayInformation, &Time, sizeof(Time) + 1, NULL) ==
          STATUS_INFO_LENGTH_MISMATCH);
    /* The Nt routine takes the addresses for its caller's, who may be in user mode. */
    CHECK(NtQuerySystemInformation(9999, &Time, sizeof(Time), NULL) ==
          (ExGetPreviousMode() == KernelMode ? STATUS_INVALID_INFO_CLASS
                                             : STATUS_ACCESS_VIOLATION));
    return STATUS_SUCCESS;
}

/* A handle to an event: what it is, its flags, and that a protected one stays. */
static NTSTATUS InformationObject(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    OBJECT_BASIC_INFORMATION Basic;
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {FALSE, TRUE};
    UCHAR Buffer[200];
    OBJECT_TYPE_INFORMATION *Type = (PVOID)Buffer;
    HANDLE Event;
    ULONG Length = 0;

    PAGED_CODE();
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE) ==
          STATUS_SUCCESS);
    CHECK(ZwQueryObject(Event, ObjectBasicInformation, &Basic, sizeof(Basic), &Length) ==
          STATUS_SUCCESS);
    CHECK(Basic.HandleCount == 1 && Basic.PointerCount == 2 - 1);
    CHECK(Basic.GrantedAccess == EVENT_ALL_ACCESS);
    CHECK(ZwQueryObject(Event, ObjectTypeInformation, Buffer, sizeof(Buffer), &Length) ==
          STATUS_SUCCESS);
    CHECK(Type->TypeName.Length == 10 && _wcsnicmp(Type->TypeName.Buffer, L"Event", 6) == 0);
    CHECK(ZwQueryObject(Event, ObjectTypeInformation, Buffer, 104, &Length) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(ZwQueryObject(Event, ObjectNameInformation, Buffer, sizeof(Buffer), &Length) ==
          STATUS_SUCCESS && ((PUNICODE_STRING)Buffer)->Length == 0);
    CHECK(ZwSetInformationObject(Event, ObjectHandleFlagInformation, &Flags, sizeof(Flags)) ==
          STATUS_SUCCESS);
    CHECK(ZwClose(Event) == STATUS_HANDLE_NOT_CLOSABLE);
    Flags.ProtectFromClose = FALSE;
    CHECK(ObSetHandleAttributes(Event, &Flags, KernelMode) == STATUS_SUCCESS);
    CHECK(ZwQueryObject(Event, ObjectHandleFlagInformation, &Flags, sizeof(Flags), NULL) ==
          STATUS_SUCCESS && !Flags.ProtectFromClose && !Flags.Inherit);
    CHECK(ZwClose(Event) == STATUS_SUCCESS);
    CHECK(ZwQueryObject(Event, ObjectBasicInformation, &Basic, sizeof(Basic), &Length) ==
          STATUS_INVALID_HANDLE);
    return STATUS_SUCCESS;
}

static VOID InformationNotify(PEPROCESS Process, HANDLE ProcessId,
                              PPS_CREATE_NOTIFY_INFO CreateInfo)
{
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(ProcessId);
    UNREFERENCED_PARAMETER(CreateInfo);
}

static NTSTATUS InformationSystemProcess(VOID)
{
    PUNICODE_STRING Name;
    HANDLE System;
    CLIENT_ID ClientId = {(HANDLE)4, NULL};
    OBJECT_ATTRIBUTES Attributes;

    PAGED_CODE();
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwOpenProcess(&System, PROCESS_ALL_ACCESS, &Attributes, &ClientId) == STATUS_SUCCESS);
    CHECK(ZwTerminateProcess(System, STATUS_SUCCESS) == STATUS_ACCESS_DENIED);
    CHECK(ZwClose(System) == STATUS_SUCCESS);
    CHECK(ZwTerminateProcess(System, STATUS_SUCCESS) == STATUS_INVALID_HANDLE);
    CHECK(ZwTerminateProcess(NtCurrentThread(), STATUS_SUCCESS) == STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(SeLocateProcessImageName(PsInitialSystemProcess, &Name) == STATUS_SUCCESS);
    CHECK(Name->Length == 0);
    ExFreePool(Name);
    CHECK(PsAcquireProcessExitSynchronization(PsInitialSystemProcess) == STATUS_SUCCESS);
    PsReleaseProcessExitSynchronization(PsInitialSystemProcess);
    /* The image is not linked with /INTEGRITYCHECK. */
    CHECK(PsSetCreateProcessNotifyRoutineEx(InformationNotify, FALSE) == STATUS_ACCESS_DENIED);
    CHECK(PsSetCreateProcessNotifyRoutineEx(InformationNotify, TRUE) == STATUS_INVALID_PARAMETER);
    return STATUS_SUCCESS;
}

static NTSTATUS InformationAll(VOID)
{
    static NTSTATUS (*const Questions[])(VOID) = {
        InformationProcess, InformationThread, InformationProcessList,
        InformationSystem,  InformationObject, InformationSystemProcess,
    };
    NTSTATUS Status = STATUS_SUCCESS;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Questions) && NT_SUCCESS(Status); i++) {
        Status = Questions[i]();
    }
    return Status;
}

NTSTATUS InformationCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        Status = InformationAll();
        if (NT_SUCCESS(Status)) {
            Status = InformationImageName(); /* this is a process with a program */
        }
        if (NT_SUCCESS(Status)) {
            Status = InformationUserKey();
        }
        if (NT_SUCCESS(Status)) {
            Status = InformationSetProcess();
        }
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID InformationUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, L"\\Device\\ProcessInformation");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = InformationCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = InformationCreateClose;
    DriverObject->DriverUnload = InformationUnload;
    NTSTATUS Status = InformationAll();
    if (NT_SUCCESS(Status)) {
        Status = InformationUserKey();
    }
    if (NT_SUCCESS(Status)) {
        Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN,
                                FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    }
    return Status;
}
