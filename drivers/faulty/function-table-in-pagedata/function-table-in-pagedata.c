/* SPDX-License-Identifier: MIT */
/* A table of functions in PAGEDATA is used by a DPC routine. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ModemUnload;
DRIVER_DISPATCH ModemCreate, ModemClose;
static KDEFERRED_ROUTINE ModemDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ModemUnload)
#pragma alloc_text(PAGE, ModemCreate)

typedef VOID MODEM_STEP(VOID);
static MODEM_STEP ModemReset, ModemDial, ModemTrain, ModemConnect;

/* The mistake: the routines are nonpaged, the table of their addresses is not. */
#pragma data_seg("PAGEDATA")
static MODEM_STEP *ModemSteps[] = {ModemReset, ModemDial, ModemTrain, ModemConnect};
#pragma data_seg()

static KDPC ModemDpcObject;
static KEVENT ModemReady;
static ULONG ModemState;

static NTSTATUS ModemComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID ModemReset(VOID)
{
    ModemState = 1;
}

static VOID ModemDial(VOID)
{
    ModemState = 2;
}

static VOID ModemTrain(VOID)
{
    ModemState = 3;
}

static VOID ModemConnect(VOID)
{
    ModemState = 0;
    KeSetEvent(&ModemReady, IO_NO_INCREMENT, FALSE);
}

/* One step of the state machine, as each interrupt of the line would ask for. */
static VOID ModemDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    do {
        ModemSteps[ModemState % RTL_NUMBER_OF(ModemSteps)]();
    } while (ModemState != 0);
}

NTSTATUS ModemCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeInsertQueueDpc(&ModemDpcObject, NULL, NULL);
    KeWaitForSingleObject(&ModemReady, Executive, KernelMode, FALSE, NULL);
    return ModemComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS ModemClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return ModemComplete(Irp, STATUS_SUCCESS);
}

VOID ModemUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Modem");
    KeInitializeDpc(&ModemDpcObject, ModemDpc, NULL);
    KeInitializeEvent(&ModemReady, SynchronizationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ModemCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ModemClose;
    DriverObject->DriverUnload = ModemUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
