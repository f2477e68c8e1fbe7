/* SPDX-License-Identifier: MIT */
/* A routine of the caller's choice is called in kernel mode. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FoldUnload;
DRIVER_DISPATCH FoldCreateClose, FoldDeviceControl;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FoldUnload)
#pragma alloc_text(PAGE, FoldCreateClose)
#pragma alloc_text(PAGE, FoldDeviceControl)

/* Buffered: in, a FOLD_REQUEST; out, the result, a ULONG. */
#define IOCTL_FOLD CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef ULONG FOLD_ROUTINE(ULONG Left, ULONG Right);

typedef struct _FOLD_REQUEST {
    FOLD_ROUTINE *Routine;
    ULONG Values[2];
} FOLD_REQUEST, *PFOLD_REQUEST;

static NTSTATUS FoldComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static DECLSPEC_NOINLINE NTSTATUS FoldValues(const FOLD_REQUEST *Request, PULONG Result)
{
    NTSTATUS Status = STATUS_SUCCESS;
    __try {
        /* The mistake: whoever opens the device says what the kernel executes. */
        *Result = Request->Routine(Request->Values[0], Request->Values[1]);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

NTSTATUS FoldDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Result = 0;
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_FOLD ||
        Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(FOLD_REQUEST) ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return FoldComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    NTSTATUS Status = FoldValues(Irp->AssociatedIrp.SystemBuffer, &Result);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = Result;
    return FoldComplete(Irp, Status, NT_SUCCESS(Status) ? sizeof(ULONG) : 0);
}

NTSTATUS FoldCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return FoldComplete(Irp, STATUS_SUCCESS, 0);
}

VOID FoldUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Fold");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FoldCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FoldCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FoldDeviceControl;
    DriverObject->DriverUnload = FoldUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
