/* SPDX-License-Identifier: MIT */
/* The device, entry and end. See meter.h. */
#include "correct/meter/meter.h"

DRIVER_INITIALIZE DriverEntry;

static const WCHAR MeterDeviceName[] = L"\\Device\\Meter";
static const WCHAR MeterLinkName[] = L"\\DosDevices\\Meter";

static PAGE_CODE NTSTATUS MeterComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static PAGE_CODE NTSTATUS NTAPI MeterCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    PAGED_CODE();
    /* Who has started it and goes, stops it. */
    if (Stack->MajorFunction == IRP_MJ_CLEANUP && Stack->FileObject->FsContext != NULL) {
        Stack->FileObject->FsContext = NULL;
        MeterStop();
    }
    return MeterComplete(Irp, STATUS_SUCCESS, 0);
}

/* The newest samples, as many as fit. */
static PAGE_CODE ULONG MeterCopyHistory(PULONG To, ULONG Room)
{
    PAGED_CODE();
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Meter.Lock, TRUE);
    ULONG Count = Meter.Sums.Count < METER_HISTORY ? (ULONG)Meter.Sums.Count : METER_HISTORY;
    Count = Count < Room ? Count : Room;
    for (ULONG i = 0; i < Count; i++) {
        To[i] = Meter.History[(Meter.Sums.Count - Count + i) % METER_HISTORY];
    }
    ExReleaseResourceLite(&Meter.Lock);
    KeLeaveCriticalRegion();
    return Count;
}

static PAGE_CODE VOID MeterCopySums(METER_SUMS *Sums)
{
    PAGED_CODE();
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Meter.Lock, TRUE);
    *Sums = Meter.Sums;
    ExReleaseResourceLite(&Meter.Lock);
    KeLeaveCriticalRegion();
    Sums->Period = MeterPeriod;
}

static PAGE_CODE NTSTATUS MeterStartStop(PFILE_OBJECT File, BOOLEAN Start)
{
    PAGED_CODE();
    if (Start == (File->FsContext != NULL)) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    File->FsContext = Start ? &Meter : NULL;
    if (Start) {
        MeterStart();
    } else {
        MeterStop();
    }
    return STATUS_SUCCESS;
}

static PAGE_CODE NTSTATUS NTAPI MeterDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Input = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Output = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG_PTR Information = 0;
    NTSTATUS Status = STATUS_SUCCESS;
    PVOID Buffer;

    PAGED_CODE();
    switch (Code) {
    case IOCTL_METER_START:
    case IOCTL_METER_STOP:
        Status = MeterStartStop(Stack->FileObject, Code == IOCTL_METER_START);
        break;
    case IOCTL_METER_SUMS:
    case IOCTL_METER_ASK:
        if (Output < sizeof(METER_SUMS)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            break;
        }
        if (Code == IOCTL_METER_ASK) {
            Status = MeterAsk(Irp->AssociatedIrp.SystemBuffer);
        } else {
            MeterCopySums(Irp->AssociatedIrp.SystemBuffer);
        }
        Information = NT_SUCCESS(Status) ? sizeof(METER_SUMS) : 0;
        break;
    case IOCTL_METER_HISTORY:
        Buffer = Irp->MdlAddress == NULL
                     ? NULL
                     : MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
        if (Irp->MdlAddress != NULL && Buffer == NULL) {
            Status = STATUS_INSUFFICIENT_RESOURCES;
        } else if (Buffer != NULL) {
            Information = MeterCopyHistory(Buffer, Output / sizeof(ULONG)) * sizeof(ULONG);
        }
        break;
    case IOCTL_METER_LABEL:
        Status = MeterExchangeLabel(Stack->Parameters.DeviceIoControl.Type3InputBuffer, Input,
                                    Irp->UserBuffer, Output, &Information);
        break;
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return MeterComplete(Irp, Status, Information);
}

/* ---- entry and end ---- */

static PAGE_CODE VOID MeterDeleteDevice(VOID)
{
    PAGED_CODE();
    if (Meter.RegistryPath.Buffer != NULL) {
        ExFreePoolWithTag(Meter.RegistryPath.Buffer, METER_TAG);
    }
    IoDeleteDevice(Meter.Device);
}

static PAGE_CODE VOID NTAPI MeterUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link;

    PAGED_CODE();
    MeterEndThread();
    IoWMIRegistrationControl(Meter.Device, WMIREG_ACTION_DEREGISTER);
    MeterDeleteSampler();
    RtlInitUnicodeString(&Link, MeterLinkName);
    IoDeleteSymbolicLink(&Link);
    MeterDeleteDevice();
}

static INIT_CODE NTSTATUS MeterCopyPath(PUNICODE_STRING RegistryPath)
{
    Meter.RegistryPath.Buffer =
        ExAllocatePoolWithTag(PagedPool, RegistryPath->Length, METER_TAG);
    if (Meter.RegistryPath.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Meter.RegistryPath.MaximumLength = RegistryPath->Length;
    RtlCopyUnicodeString(&Meter.RegistryPath, RegistryPath);
    return STATUS_SUCCESS;
}

/* All or nothing. */
static INIT_CODE NTSTATUS MeterBegin(PUNICODE_STRING Link, PUNICODE_STRING Name)
{
    NTSTATUS Status = MeterInitializeSampler();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(Link, Name);
    if (NT_SUCCESS(Status)) {
        Status = IoWMIRegistrationControl(Meter.Device, WMIREG_ACTION_REGISTER);
        if (NT_SUCCESS(Status)) {
            Status = MeterStartThread();
            if (NT_SUCCESS(Status)) {
                return STATUS_SUCCESS;
            }
            IoWMIRegistrationControl(Meter.Device, WMIREG_ACTION_DEREGISTER);
        }
        IoDeleteSymbolicLink(Link);
    }
    MeterDeleteSampler();
    return Status;
}

INIT_CODE NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;

    RtlInitUnicodeString(&Name, MeterDeviceName);
    RtlInitUnicodeString(&Link, MeterLinkName);
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Meter.Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MeterCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = MeterCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MeterCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MeterDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = MeterSystemControl;
    DriverObject->DriverUnload = MeterUnload;
    Status = MeterCopyPath(RegistryPath);
    if (NT_SUCCESS(Status)) {
        Status = MeterBegin(&Link, &Name);
    }
    if (!NT_SUCCESS(Status)) {
        MeterDeleteDevice();
        return Status;
    }
    IoRegisterDriverReinitialization(DriverObject, MeterReinitialize, NULL);
    return STATUS_SUCCESS;
}
