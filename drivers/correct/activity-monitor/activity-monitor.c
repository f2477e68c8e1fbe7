/* SPDX-License-Identifier: MIT */
/* The device: who opens it, what is asked of it, entry and end. See monitor.h. */
#include "monitor.h"

DRIVER_INITIALIZE DriverEntry;

static const WCHAR MonitorDeviceName[] = L"\\Device\\ActivityMonitor";
static const WCHAR MonitorLinkName[] = L"\\DosDevices\\ActivityMonitor";

static PAGE_CODE NTSTATUS MonitorComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static PAGE_CODE NTSTATUS NTAPI MonitorCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    ExAcquireFastMutex(&Monitor.OpenLock);
    if (Monitor.Opens++ == 0) {
        MmLockPagableSectionByHandle(Monitor.QueueCode);
        ExReInitializeRundownProtection(&Monitor.Listening);
    }
    ExReleaseFastMutex(&Monitor.OpenLock);
    return MonitorComplete(Irp, STATUS_SUCCESS, 0);
}

static PAGE_CODE NTSTATUS NTAPI MonitorCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MonitorCancelRequests(IoGetCurrentIrpStackLocation(Irp)->FileObject);
    return MonitorComplete(Irp, STATUS_SUCCESS, 0);
}

static PAGE_CODE NTSTATUS NTAPI MonitorClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    ExAcquireFastMutex(&Monitor.OpenLock);
    if (--Monitor.Opens == 0) {
        ExWaitForRundownProtectionRelease(&Monitor.Listening);
        MonitorForget();
        MmUnlockPagableImageSection(Monitor.QueueCode);
    }
    ExReleaseFastMutex(&Monitor.OpenLock);
    return MonitorComplete(Irp, STATUS_SUCCESS, 0);
}

/* ---- IOCTL_MONITOR_STIR ---- */

static PAGE_CODE VOID NTAPI MonitorIdleThread(PVOID Context)
{
    PAGED_CODE();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static PAGE_CODE NTSTATUS MonitorStirThread(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Thread;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, &Attributes, NULL, NULL,
                                           MonitorIdleThread, NULL);
    if (NT_SUCCESS(Status)) {
        ZwWaitForSingleObject(Thread, FALSE, NULL);
        ZwClose(Thread);
    }
    return Status;
}

static PAGE_CODE NTSTATUS MonitorStirRegistry(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Service, Name;
    HANDLE Key;
    ULONG One = 1;

    RtlInitUnicodeString(&Service, Monitor.ServiceKey);
    RtlInitUnicodeString(&Name, L"Stirred");
    InitializeObjectAttributes(&Attributes, &Service, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
                               NULL, NULL);
    NTSTATUS Status = ZwOpenKey(&Key, KEY_SET_VALUE, &Attributes);
    if (NT_SUCCESS(Status)) {
        Status = ZwSetValueKey(Key, &Name, 0, REG_DWORD, &One, sizeof(One));
        if (NT_SUCCESS(Status)) {
            Status = ZwDeleteValueKey(Key, &Name);
        }
        ZwClose(Key);
    }
    return Status;
}

/* A handle to the program that asks, with the right to end it, as far as it is granted. */
static PAGE_CODE NTSTATUS MonitorStirHandle(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    CLIENT_ID Client;
    HANDLE Process;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Client.UniqueProcess = PsGetCurrentProcessId();
    Client.UniqueThread = NULL;
    NTSTATUS Status = ZwOpenProcess(&Process, 0x1001, &Attributes, &Client);
    if (NT_SUCCESS(Status)) {
        ZwClose(Process);
    }
    return Status;
}

static PAGE_CODE NTSTATUS MonitorStir(VOID)
{
    PAGED_CODE();
    NTSTATUS Status = MonitorStirThread();
    if (NT_SUCCESS(Status)) {
        Status = MonitorStirRegistry();
    }
    return NT_SUCCESS(Status) ? MonitorStirHandle() : Status;
}

/* ---- requests ---- */

static PAGE_CODE NTSTATUS NTAPI MonitorDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Input = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Output = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;

    PAGED_CODE();
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_MONITOR_NEXT:
        if (Output < sizeof(MONITOR_EVENT)) {
            return MonitorComplete(Irp, STATUS_BUFFER_TOO_SMALL, sizeof(MONITOR_EVENT));
        }
        return MonitorNext(Irp);
    case IOCTL_MONITOR_SELECT:
        if (Input != sizeof(ULONG)) {
            return MonitorComplete(Irp, STATUS_INVALID_PARAMETER, 0);
        }
        MonitorSelect(*(PULONG)Buffer);
        return MonitorComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_MONITOR_PROTECT:
        if (Input != sizeof(ULONG64)) {
            return MonitorComplete(Irp, STATUS_INVALID_PARAMETER, 0);
        }
        MonitorProtect((HANDLE)(ULONG_PTR)*(PULONG64)Buffer);
        return MonitorComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_MONITOR_COUNTS:
        if (Output < sizeof(MONITOR_COUNTS)) {
            return MonitorComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        MonitorQueryCounts(Buffer);
        return MonitorComplete(Irp, STATUS_SUCCESS, sizeof(MONITOR_COUNTS));
    case IOCTL_MONITOR_STIR:
        return MonitorComplete(Irp, MonitorStir(), 0);
    }
    return MonitorComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

/* ---- entry and end ---- */

static PAGE_CODE VOID MonitorFree(VOID)
{
    PAGED_CODE();
    if (Monitor.ServiceKey != NULL) {
        ExFreePoolWithTag(Monitor.ServiceKey, MONITOR_TAG);
    }
    if (Monitor.Ring != NULL) {
        ExFreePoolWithTag(Monitor.Ring, MONITOR_TAG);
    }
    IoDeleteDevice(Monitor.Device);
}

static PAGE_CODE VOID NTAPI MonitorUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link;

    PAGED_CODE();
    MonitorStopWatching();
    RtlInitUnicodeString(&Link, MonitorLinkName);
    IoDeleteSymbolicLink(&Link);
    MonitorFree();
}

/* PAGEMON is locked once by address, for its handle, and is pageable until the first open. */
static INIT_CODE NTSTATUS MonitorPrepare(PUNICODE_STRING RegistryPath)
{
    Monitor.QueueCode = MmLockPagableCodeSection(MonitorPost);
    MmUnlockPagableImageSection(Monitor.QueueCode);
    ExInitializeFastMutex(&Monitor.OpenLock);
    ExInitializeRundownProtection(&Monitor.Listening);
    ExWaitForRundownProtectionRelease(&Monitor.Listening); /* nobody listens yet */
    Monitor.ServiceKey = ExAllocatePoolWithTag(
        PagedPool, RegistryPath->Length + sizeof(WCHAR), MONITOR_TAG);
    if (Monitor.ServiceKey == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Monitor.ServiceKey, RegistryPath->Buffer, RegistryPath->Length);
    Monitor.ServiceKey[RegistryPath->Length / sizeof(WCHAR)] = 0;
    return MonitorInitializeQueue();
}

INIT_CODE NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;

    RtlInitUnicodeString(&Name, MonitorDeviceName);
    RtlInitUnicodeString(&Link, MonitorLinkName);
    Monitor.Driver = DriverObject;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Monitor.Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MonitorCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = MonitorCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MonitorClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MonitorDeviceControl;
    DriverObject->DriverUnload = MonitorUnload;
    Status = MonitorPrepare(RegistryPath);
    if (NT_SUCCESS(Status)) {
        Status = IoCreateSymbolicLink(&Link, &Name);
        if (NT_SUCCESS(Status)) {
            Status = MonitorStartWatching();
            if (NT_SUCCESS(Status)) {
                return STATUS_SUCCESS;
            }
            IoDeleteSymbolicLink(&Link);
        }
    }
    MonitorFree();
    return Status;
}
