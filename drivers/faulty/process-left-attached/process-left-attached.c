/* SPDX-License-Identifier: MIT */
/* A thread attaches to the system process and stays there. See README.md. */
#include <ntifs.h>

#define IOCTL_VISITOR_GO CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD VisitorUnload;
DRIVER_DISPATCH VisitorCreateClose, VisitorDeviceControl;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, VisitorUnload)
#pragma alloc_text(PAGE, VisitorCreateClose)

static NTSTATUS VisitorComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static PEPROCESS VisitorLoader; /* the system process */

/* The mistake: ApcState goes out of scope with the thread still attached. */
static DECLSPEC_NOINLINE HANDLE VisitorGo(VOID)
{
    KAPC_STATE ApcState;
    KeStackAttachProcess((PRKPROCESS)VisitorLoader, &ApcState);
    HANDLE Id = PsGetProcessId(PsGetCurrentProcess());
    if (Id != PsGetProcessId(VisitorLoader)) {
        KeUnstackDetachProcess(&ApcState);
    }
    return Id;
}

NTSTATUS VisitorDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_VISITOR_GO) {
        return VisitorComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    VisitorGo();
    return VisitorComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS VisitorCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return VisitorComplete(Irp, STATUS_SUCCESS, 0);
}

VOID VisitorUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Visitor");
    VisitorLoader = PsGetCurrentProcess();
    DriverObject->MajorFunction[IRP_MJ_CREATE] = VisitorCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = VisitorCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = VisitorDeviceControl;
    DriverObject->DriverUnload = VisitorUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
