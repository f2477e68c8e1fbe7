/* SPDX-License-Identifier: MIT */
/* Every section that the DPC routine runs through is locked. See README.md. */
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

static PVOID SerialSection[2]; /* PAGESER and PAGESRP0, while the line is open */
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
    SerialFinish(); /* in PAGESRP0 */
}

NTSTATUS SerialCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    SerialSection[0] = MmLockPagableCodeSection((PVOID)(ULONG_PTR)SerialDpc);
    SerialSection[1] = MmLockPagableCodeSection((PVOID)(ULONG_PTR)SerialFinish);
    KeInsertQueueDpc(&SerialDpcObject, NULL, NULL);
    KeWaitForSingleObject(&SerialSent, Executive, KernelMode, FALSE, NULL);
    return SerialComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS SerialClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeFlushQueuedDpcs();
    MmUnlockPagableImageSection(SerialSection[0]);
    MmUnlockPagableImageSection(SerialSection[1]);
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
