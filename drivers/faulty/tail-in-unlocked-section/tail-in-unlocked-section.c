/* SPDX-License-Identifier: MIT */
/* A routine in a locked section goes on in one that is not locked. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SerialUnload;
DRIVER_DISPATCH SerialCreate, SerialClose;
static KDEFERRED_ROUTINE SerialDpc;
static VOID SerialFinish(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SerialUnload)
#pragma alloc_text(PAGE, SerialCreate)
#pragma alloc_text(PAGE, SerialClose)
#pragma alloc_text(PAGESER, SerialDpc)
#pragma alloc_text(PAGESRP0, SerialFinish)

static PVOID SerialSection; /* PAGESER, locked while the line is open */
static KDPC SerialDpcObject;
static KEVENT SerialSent;
static ULONG SerialBytes;

static NTSTATUS SerialComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static DECLSPEC_NOINLINE VOID SerialFinish(VOID)
{
    SerialBytes++;
    KeSetEvent(&SerialSent, IO_NO_INCREMENT, FALSE);
}

static VOID SerialDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                      PVOID SystemArgument2)
{
    SerialBytes += 16;
    SerialFinish(); /* the mistake: it is in PAGESRP0, and only PAGESER is locked */
}

NTSTATUS SerialCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    SerialSection = MmLockPagableCodeSection((PVOID)(ULONG_PTR)SerialDpc);
    KeInsertQueueDpc(&SerialDpcObject, NULL, NULL);
    KeWaitForSingleObject(&SerialSent, Executive, KernelMode, FALSE, NULL);
    return SerialComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS SerialClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeFlushQueuedDpcs();
    MmUnlockPagableImageSection(SerialSection);
    return SerialComplete(Irp, STATUS_SUCCESS);
}

VOID SerialUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\SerialLine");
    KeInitializeDpc(&SerialDpcObject, SerialDpc, NULL);
    KeInitializeEvent(&SerialSent, SynchronizationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SerialCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SerialClose;
    DriverObject->DriverUnload = SerialUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
}
