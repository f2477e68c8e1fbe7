/* SPDX-License-Identifier: MIT */
/* Who asks, and what that means for pointers and handles. See README.md. */
#include <ntifs.h>

#define REQUESTOR_CODE(n, method) CTL_CODE(FILE_DEVICE_UNKNOWN, (n), (method), FILE_ANY_ACCESS)
/* Out: a REQUESTOR_VIEW. */
#define IOCTL_REQUESTOR_VIEW REQUESTOR_CODE(0x800, METHOD_BUFFERED)
/* In: bytes. Out: as many, each one more. Between probe and use the memory may leave. */
#define IOCTL_REQUESTOR_COUNT_UP REQUESTOR_CODE(0x801, METHOD_NEITHER)
/* Services that kernel code calls on behalf of user mode; out: a ULONG, how many were wrong. */
#define IOCTL_REQUESTOR_SERVICES REQUESTOR_CODE(0x802, METHOD_BUFFERED)
/* Out: the buffer is filled with a byte, whatever the caller keeps there. */
#define IOCTL_REQUESTOR_FILL REQUESTOR_CODE(0x803, METHOD_NEITHER)
/* Out: where the input buffer was. */
#define IOCTL_REQUESTOR_WHERE REQUESTOR_CODE(0x804, METHOD_NEITHER)

#define USER_LIMIT 0x7FFFFFFF0000ull

typedef struct _REQUESTOR_VIEW {
    ULONG Wrong; /* things that are not as in a user's request */
    ULONG Reserved;
    ULONG64 StatusBlock;
} REQUESTOR_VIEW, *PREQUESTOR_VIEW;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD RequestorUnload;
DRIVER_DISPATCH RequestorCreateClose, RequestorDeviceControl;
static ULONG RequestorLook(PIRP Irp);
static ULONG RequestorCallServices(VOID);
static NTSTATUS RequestorCountUp(PIRP Irp, PIO_STACK_LOCATION Stack);
static NTSTATUS RequestorFill(PIRP Irp, PIO_STACK_LOCATION Stack);
static NTSTATUS RequestorWhere(PIRP Irp, PIO_STACK_LOCATION Stack);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, RequestorUnload)
#pragma alloc_text(PAGE, RequestorCreateClose)
#pragma alloc_text(PAGE, RequestorDeviceControl)
#pragma alloc_text(PAGE, RequestorLook)
#pragma alloc_text(PAGE, RequestorCallServices)
#pragma alloc_text(PAGE, RequestorFill)
#pragma alloc_text(PAGE, RequestorWhere)

static PEPROCESS RequestorLoader; /* who called DriverEntry */
static KSPIN_LOCK RequestorLock;

static NTSTATUS RequestorComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_ERROR(Status) ? 0 : Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static ULONG RequestorLook(PIRP Irp)
{
    ULONG Wrong = 0;
    KAPC_STATE ApcState;
    PAGED_CODE();
    Wrong += Irp->RequestorMode != UserMode;
    Wrong += ExGetPreviousMode() != UserMode;
    Wrong += IoIsSystemThread(PsGetCurrentThread()) != FALSE;
    Wrong += PsGetCurrentProcess() == RequestorLoader;
    Wrong += IoGetRequestorProcess(Irp) != PsGetCurrentProcess();
    Wrong += KeGetCurrentIrql() != PASSIVE_LEVEL;
    Wrong += KeAreApcsDisabled() != FALSE;
    KeStackAttachProcess((PRKPROCESS)RequestorLoader, &ApcState);
    Wrong += PsGetCurrentProcess() != RequestorLoader;
    Wrong += ExGetPreviousMode() != UserMode; /* it is the thread's */
    KeUnstackDetachProcess(&ApcState);
    Wrong += PsGetCurrentProcess() != IoGetRequestorProcess(Irp);
    return Wrong;
}

/*
 * Zw services believe their caller. Nt services believe the thread's previous mode, which is user
 * mode's here: kernel addresses and kernel handles are not for it.
 */
static ULONG RequestorCallServices(VOID)
{
    static UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Event, Handle;
    LARGE_INTEGER Now = {.QuadPart = 0};
    ULONG Wrong = 0;
    PAGED_CODE();
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(
            ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, TRUE))) {
        return 1;
    }
    Wrong += ZwWaitForSingleObject(Event, FALSE, &Now) != STATUS_SUCCESS;
    Wrong += NtWaitForSingleObject(Event, FALSE, NULL) != STATUS_INVALID_HANDLE;
    Wrong += NtWaitForSingleObject(Event, FALSE, &Now) != STATUS_ACCESS_VIOLATION;
    Wrong += NtSetEvent(Event, NULL) != STATUS_INVALID_HANDLE;
    Wrong += NtClose(Event) != STATUS_INVALID_HANDLE;
    Wrong += NtCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, TRUE) !=
             STATUS_ACCESS_VIOLATION;
    RtlInitUnicodeString(&Name, L"\\Device\\RequestorMode");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    Wrong += NtOpenFile(&Handle, GENERIC_READ, &Attributes, &IoStatus, FILE_SHARE_READ, 0) !=
             STATUS_ACCESS_VIOLATION;
    Wrong += ExGetPreviousMode() != UserMode;
    Wrong += ZwClose(Event) != STATUS_SUCCESS;
    return Wrong;
}

/*
 * Nonpaged, as it holds a spin lock for a moment: whatever the caller has leaves memory then, so
 * that the probe says nothing about the touch.
 */
static DECLSPEC_NOINLINE NTSTATUS RequestorCountUp(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PUCHAR Input = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
    PUCHAR Output = Irp->UserBuffer;
    ULONG Length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    KIRQL OldIrql;
    __try {
        ProbeForRead(Input, Length, 1);
        ProbeForWrite(Output, Stack->Parameters.DeviceIoControl.OutputBufferLength, 1);
        KeAcquireSpinLock(&RequestorLock, &OldIrql);
        KeReleaseSpinLock(&RequestorLock, OldIrql);
        for (ULONG i = 0; i < Length; i++) {
            Output[i] = (UCHAR)(Input[i] + 1);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static DECLSPEC_NOINLINE NTSTATUS RequestorFill(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG Length = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PAGED_CODE();
    __try {
        ProbeForWrite(Irp->UserBuffer, Length, 1);
        RtlFillMemory(Irp->UserBuffer, Length, 0x41);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static DECLSPEC_NOINLINE NTSTATUS RequestorWhere(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PAGED_CODE();
    __try {
        ProbeForWrite(Irp->UserBuffer, sizeof(PVOID), sizeof(PVOID));
        *(PVOID *)Irp->UserBuffer = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS RequestorDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PAGED_CODE();
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_REQUESTOR_VIEW: {
        PREQUESTOR_VIEW View = Irp->AssociatedIrp.SystemBuffer;
        if (Length < sizeof(*View)) {
            return RequestorComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        View->Wrong = RequestorLook(Irp) + ((ULONG64)Irp->UserIosb >= USER_LIMIT);
        View->StatusBlock = (ULONG64)Irp->UserIosb;
        return RequestorComplete(Irp, STATUS_SUCCESS, sizeof(*View));
    }
    case IOCTL_REQUESTOR_SERVICES:
        if (Length < sizeof(ULONG)) {
            return RequestorComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = RequestorCallServices();
        return RequestorComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    case IOCTL_REQUESTOR_COUNT_UP:
        if (Length < Stack->Parameters.DeviceIoControl.InputBufferLength) {
            return RequestorComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        return RequestorComplete(Irp, RequestorCountUp(Irp, Stack),
                                 Stack->Parameters.DeviceIoControl.InputBufferLength);
    case IOCTL_REQUESTOR_FILL:
        return RequestorComplete(Irp, RequestorFill(Irp, Stack), Length);
    case IOCTL_REQUESTOR_WHERE:
        if (Length < sizeof(PVOID)) {
            return RequestorComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        return RequestorComplete(Irp, RequestorWhere(Irp, Stack), sizeof(PVOID));
    default:
        return RequestorComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* Cleanup and close may come from the end of the process; an open is the user's own. */
NTSTATUS RequestorCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN Create = IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE;
    PAGED_CODE();
    if (Create && RequestorLook(Irp) != 0) {
        return RequestorComplete(Irp, STATUS_UNSUCCESSFUL, 0);
    }
    return RequestorComplete(Irp, STATUS_SUCCESS, 0);
}

VOID RequestorUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RequestorLoader = PsGetCurrentProcess();
    KeInitializeSpinLock(&RequestorLock);
    RtlInitUnicodeString(&Name, L"\\Device\\RequestorMode");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = RequestorCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = RequestorCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = RequestorCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = RequestorDeviceControl;
    DriverObject->DriverUnload = RequestorUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
