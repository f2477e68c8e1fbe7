/* SPDX-License-Identifier: MIT */
/* A caller's buffer is written after the spin lock was released. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SurveyUnload;
DRIVER_DISPATCH SurveyCreate, SurveyClose, SurveyDeviceControl;
static NTSTATUS SurveyGet(PIRP Irp);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SurveyUnload)
#pragma alloc_text(PAGE, SurveyCreate)

/* Neither: out, a SURVEY. */
#define IOCTL_SURVEY_GET CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

typedef struct _SURVEY {
    ULONG Opens, Questions;
} SURVEY, *PSURVEY;

static KSPIN_LOCK SurveyLock;
static SURVEY SurveyNow;

static NTSTATUS SurveyComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* In the caller's context: its buffer may be used as it is, under __try. */
static DECLSPEC_NOINLINE NTSTATUS SurveyGet(PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL OldIrql;
    __try {
        if (Irp->RequestorMode != KernelMode) {
            ProbeForWrite(Irp->UserBuffer, sizeof(SURVEY), sizeof(ULONG));
        }
        KeAcquireSpinLock(&SurveyLock, &OldIrql);
        SurveyNow.Questions++;
        SURVEY Copy = SurveyNow;
        KeReleaseSpinLock(&SurveyLock, OldIrql);
        *(volatile SURVEY *)Irp->UserBuffer = Copy;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

NTSTATUS SurveyDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_SURVEY_GET) {
        Status = Stack->Parameters.DeviceIoControl.OutputBufferLength >= sizeof(SURVEY)
                     ? SurveyGet(Irp)
                     : STATUS_BUFFER_TOO_SMALL;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_SUCCESS(Status) ? sizeof(SURVEY) : 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS SurveyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    InterlockedIncrement((PLONG)&SurveyNow.Opens);
    return SurveyComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS SurveyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return SurveyComplete(Irp, STATUS_SUCCESS);
}

VOID SurveyUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Survey");
    KeInitializeSpinLock(&SurveyLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SurveyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SurveyClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SurveyDeviceControl;
    DriverObject->DriverUnload = SurveyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
