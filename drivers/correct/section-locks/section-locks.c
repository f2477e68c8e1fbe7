/* SPDX-License-Identifier: MIT */
/* Locks pageable sections, pages itself whole, and checks what each call must do. See README.md. */
#include <ntddk.h>

/* In: a ULONG, which step. Out: SECTION_REPLY. */
#define IOCTL_SECTION_STEP CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

enum {
    StepLockCode = 1, /* by address */
    StepLockData,
    StepLockCodeByHandle,
    StepLockDataByHandle,
    StepUnlockCode,
    StepUnlockData,
    StepPageEntire, /* Value: what it returned, less the image's base */
    StepReset,
    StepProbe,       /* from nonpaged code, at DISPATCH_LEVEL: Value has the bits below */
    StepProbeLocked, /* the same from PAGELKC, with all its data in PAGELKD */
};

#define VALID_CODE 1u
#define VALID_DATA 2u
#define VALID_TEXT 4u
#define VALID_IDLE 8u

typedef struct _SECTION_REPLY {
    ULONG64 Value;
    ULONG CodeLocks, DataLocks; /* as the driver has counted */
    ULONG Calls;                /* of the locked routine */
    ULONG Reserved;
} SECTION_REPLY, *PSECTION_REPLY;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SectionUnload;
DRIVER_DISPATCH SectionCreateClose, SectionDeviceControl;
static PVOID SectionRoutine(PCWSTR Name);
static ULONG SectionProbeLocked(VOID);
static ULONG SectionSecond(ULONG Value);
static NTSTATUS SectionStep(ULONG Step, PSECTION_REPLY Reply);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(INIT, SectionRoutine)
#pragma alloc_text(PAGE, SectionUnload)
#pragma alloc_text(PAGE, SectionCreateClose)
#pragma alloc_text(PAGE, SectionDeviceControl)
#pragma alloc_text(PAGELKC, SectionProbeLocked)
#pragma alloc_text(PAGELKC, SectionSecond)

/*
 * All that SectionProbeLocked needs at DISPATCH_LEVEL. The kernel's routines are called through
 * here: while the whole driver is paged, its import table and the jumps through it are out.
 */
typedef struct _SECTION_LOCKED {
    KIRQL (*volatile Raise)(VOID);
    VOID (*volatile Lower)(KIRQL NewIrql);
    BOOLEAN (*volatile IsValid)(PVOID VirtualAddress);
    PVOID volatile Text;
    PVOID volatile Idle;
    volatile ULONG Calls;
} SECTION_LOCKED;

#pragma data_seg("PAGELKD")
static SECTION_LOCKED SectionLocked = {.Calls = 1};
#pragma data_seg("PAGEIDLE")
static volatile ULONG SectionIdle[2048] = {1}; /* never locked, never touched */
#pragma data_seg()

static PVOID SectionBase;
static PVOID CodeHandle, DataHandle;
static ULONG CodeLocks, DataLocks;
static BOOLEAN WholePaged;

static ULONG SectionProbeLocked(VOID)
{
    ULONG Valid = VALID_CODE; /* this runs */
    KIRQL OldIrql = SectionLocked.Raise();
    Valid |= SectionLocked.IsValid((PVOID)&SectionLocked) ? VALID_DATA : 0;
    Valid |= SectionLocked.IsValid(SectionLocked.Text) ? VALID_TEXT : 0;
    Valid |= SectionLocked.IsValid(SectionLocked.Idle) ? VALID_IDLE : 0;
    SectionLocked.Calls++;
    SectionLocked.Lower(OldIrql);
    return Valid;
}

/* Another routine of the section: its address locks the same section. */
static ULONG SectionSecond(ULONG Value)
{
    return Value * 2 + 1;
}

/* Nonpaged unless the whole driver is paged. */
static ULONG SectionProbe(VOID)
{
    ULONG Valid = VALID_TEXT;
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    Valid |= MmIsAddressValid((PVOID)SectionProbeLocked) ? VALID_CODE : 0;
    Valid |= MmIsAddressValid((PVOID)&SectionLocked) ? VALID_DATA : 0;
    Valid |= MmIsAddressValid((PVOID)SectionIdle) ? VALID_IDLE : 0;
    if (DataLocks != 0) {
        SectionLocked.Calls++;
    }
    KeLowerIrql(OldIrql);
    return Valid;
}

static NTSTATUS SectionCheckProbe(ULONG Valid)
{
    if ((CodeLocks != 0 && !(Valid & VALID_CODE)) || (DataLocks != 0 && !(Valid & VALID_DATA)) ||
        (!WholePaged && !(Valid & VALID_TEXT))) {
        return STATUS_DATA_ERROR; /* a locked section was not resident at DISPATCH_LEVEL */
    }
    return STATUS_SUCCESS;
}

static VOID SectionCount(PVOID *Handle, PULONG Locks, PVOID NewHandle)
{
    if (NewHandle != NULL) {
        *Handle = NewHandle;
    }
    (*Locks)++;
}

static NTSTATUS SectionStep(ULONG Step, PSECTION_REPLY Reply)
{
    NTSTATUS Status = STATUS_SUCCESS;
    switch (Step) {
    case StepLockCode:
        SectionCount(&CodeHandle, &CodeLocks,
                     MmLockPagableCodeSection(CodeLocks & 1 ? (PVOID)SectionSecond
                                                            : (PVOID)SectionProbeLocked));
        Reply->Value = CodeHandle != NULL;
        break;
    case StepLockData:
        SectionCount(&DataHandle, &DataLocks, MmLockPagableDataSection((PVOID)&SectionLocked));
        Reply->Value = DataHandle != NULL && DataHandle != CodeHandle;
        break;
    case StepLockCodeByHandle:
        MmLockPagableSectionByHandle(CodeHandle);
        SectionCount(&CodeHandle, &CodeLocks, NULL);
        break;
    case StepLockDataByHandle:
        MmLockPagableSectionByHandle(DataHandle);
        SectionCount(&DataHandle, &DataLocks, NULL);
        break;
    case StepUnlockCode:
        CodeLocks--;
        MmUnlockPagableImageSection(CodeHandle);
        break;
    case StepUnlockData:
        DataLocks--;
        MmUnlockPagableImageSection(DataHandle);
        break;
    case StepPageEntire:
        Reply->Value = (ULONG64)MmPageEntireDriver((PVOID)DriverEntry) - (ULONG64)SectionBase;
        WholePaged = TRUE;
        break;
    case StepReset:
        MmResetDriverPaging((PVOID)SectionStep);
        WholePaged = FALSE;
        break;
    case StepProbe:
        if (WholePaged) {
            return STATUS_INVALID_DEVICE_STATE; /* this code would leave under its own feet */
        }
        Reply->Value = SectionProbe();
        Status = SectionCheckProbe((ULONG)Reply->Value);
        break;
    case StepProbeLocked:
        if (CodeLocks == 0 || DataLocks == 0) {
            return STATUS_INVALID_DEVICE_STATE;
        }
        Reply->Value = SectionProbeLocked();
        Status = SectionCheckProbe((ULONG)Reply->Value);
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    Reply->CodeLocks = CodeLocks;
    Reply->DataLocks = DataLocks;
    Reply->Calls = SectionLocked.Calls;
    return Status;
}

NTSTATUS SectionDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    SECTION_REPLY Reply = {0};
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_SECTION_STEP) {
        Status = STATUS_BUFFER_TOO_SMALL;
        if (Stack->Parameters.DeviceIoControl.InputBufferLength >= sizeof(ULONG) &&
            Stack->Parameters.DeviceIoControl.OutputBufferLength >= sizeof(Reply)) {
            Status = SectionStep(*(PULONG)Irp->AssociatedIrp.SystemBuffer, &Reply);
            RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &Reply, sizeof(Reply));
        }
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_SUCCESS(Status) ? sizeof(Reply) : 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS SectionCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID SectionUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

static PVOID SectionRoutine(PCWSTR Name)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    return MmGetSystemRoutineAddress(&String);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\SectionLocks");
    SectionBase = DriverObject->DriverStart;
    SectionLocked.Raise = (KIRQL(*)(VOID))SectionRoutine(L"KeRaiseIrqlToDpcLevel");
    SectionLocked.Lower = (VOID(*)(KIRQL))SectionRoutine(L"KeLowerIrql");
    SectionLocked.IsValid = (BOOLEAN(*)(PVOID))SectionRoutine(L"MmIsAddressValid");
    if (SectionLocked.Raise == NULL || SectionLocked.Lower == NULL ||
        SectionLocked.IsValid == NULL) {
        return STATUS_PROCEDURE_NOT_FOUND;
    }
    SectionLocked.Text = (PVOID)SectionProbe;
    SectionLocked.Idle = (PVOID)SectionIdle;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SectionCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SectionCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SectionDeviceControl;
    DriverObject->DriverUnload = SectionUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
