/* SPDX-License-Identifier: MIT */
/* KeSetEvent with Wait TRUE from nonpaged code. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD HandoffUnload;
DRIVER_DISPATCH HandoffCreate, HandoffClose;
static KSTART_ROUTINE HandoffThread;
static VOID HandoffExchange(VOID);
static VOID HandoffEndThread(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, HandoffUnload)
#pragma alloc_text(PAGE, HandoffCreate)
#pragma alloc_text(PAGE, HandoffThread)
#pragma alloc_text(PAGE, HandoffEndThread)

static KEVENT HandoffRequest, HandoffReply;
static PVOID HandoffWorker;
static BOOLEAN HandoffStop;
static ULONG HandoffServed;

static NTSTATUS HandoffComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID HandoffThread(PVOID StartContext)
{
    PAGED_CODE();
    for (;;) {
        KeWaitForSingleObject(&HandoffRequest, Executive, KernelMode, FALSE, NULL);
        if (HandoffStop) {
            PsTerminateSystemThread(STATUS_SUCCESS);
        }
        HandoffServed++;
        KeSetEvent(&HandoffReply, IO_NO_INCREMENT, FALSE);
    }
}

/* Nonpaged: with Wait TRUE the call returns at DISPATCH_LEVEL, until the wait that follows. */
static DECLSPEC_NOINLINE VOID HandoffExchange(VOID)
{
    KeSetEvent(&HandoffRequest, IO_NO_INCREMENT, TRUE);
    KeWaitForSingleObject(&HandoffReply, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS HandoffCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    HandoffExchange();
    return HandoffComplete(Irp, STATUS_SUCCESS);
}

static VOID HandoffEndThread(VOID)
{
    PAGED_CODE();
    HandoffStop = TRUE;
    KeSetEvent(&HandoffRequest, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(HandoffWorker, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(HandoffWorker);
}

NTSTATUS HandoffClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return HandoffComplete(Irp, STATUS_SUCCESS);
}

VOID HandoffUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    HandoffEndThread();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Handoff");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = HandoffCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = HandoffClose;
    DriverObject->DriverUnload = HandoffUnload;
    HANDLE Thread;
    KeInitializeEvent(&HandoffRequest, SynchronizationEvent, FALSE);
    KeInitializeEvent(&HandoffReply, SynchronizationEvent, FALSE);
    NTSTATUS Status =
        PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, HandoffThread, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObReferenceObjectByHandle(Thread, THREAD_ALL_ACCESS, NULL, KernelMode, &HandoffWorker, NULL);
    ZwClose(Thread);
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
    if (!NT_SUCCESS(Status)) {
        HandoffEndThread();
    }
    return Status;
}
