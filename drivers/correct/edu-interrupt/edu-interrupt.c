/* SPDX-License-Identifier: MIT */
/* A driver of a PCI device with a level-triggered interrupt. See README.md. */
#include <ntddk.h>

#include "devices/edu.h"

#define LAST_BIT 1 /* of the interrupt that says that the device has stopped */
#define PATIENCE (-5 * 10000000LL) /* 5 s: a device that has not answered then never does */

/* Buffered: in, ULONG; out, ULONG. */
#define IOCTL_EDU_RAISE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_EDU_FACTORIAL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _EDU_DEVICE {
    PUCHAR Registers; /* BAR 0, mapped */
    ULONG Line;
    PKINTERRUPT Interrupt;
    volatile LONG Raised; /* bits that the ISR has seen and no DPC has taken */
    ULONG Taken;          /* by the last DPC */
    KDPC Dpc;
    KEVENT Done;
    FAST_MUTEX Lock; /* one request at a time */
} EDU_DEVICE, *PEDU_DEVICE;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD EduUnload;
DRIVER_DISPATCH EduCreate, EduClose, EduDeviceControl;
static KSERVICE_ROUTINE EduIsr;
static KDEFERRED_ROUTINE EduDpc;
static BOOLEAN EduFind(PULONG Slot);
static NTSTATUS EduMap(PEDU_DEVICE Device, ULONG Slot);
static NTSTATUS EduConnect(PEDU_DEVICE Device);
static VOID EduDisconnect(PEDU_DEVICE Device);
static NTSTATUS EduAwait(PEDU_DEVICE Device);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(INIT, EduFind)
#pragma alloc_text(INIT, EduMap)
#pragma alloc_text(PAGE, EduUnload)
#pragma alloc_text(PAGE, EduCreate)
#pragma alloc_text(PAGE, EduClose)
#pragma alloc_text(PAGE, EduDeviceControl)
#pragma alloc_text(PAGE, EduConnect)
#pragma alloc_text(PAGE, EduDisconnect)
#pragma alloc_text(PAGE, EduAwait)

static ULONG EduRead(PEDU_DEVICE Device, ULONG Register)
{
    return READ_REGISTER_ULONG((volatile ULONG *)(Device->Registers + Register));
}

static VOID EduWrite(PEDU_DEVICE Device, ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((volatile ULONG *)(Device->Registers + Register), Value);
}

static NTSTATUS EduComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Nonpaged: it runs at the IRQL of the device. The line may be another device's too. */
BOOLEAN EduIsr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    PEDU_DEVICE Device = ServiceContext;
    ULONG Bits = EduRead(Device, EDU_INTERRUPT_STATUS);
    if (Bits == 0) {
        return FALSE;
    }
    EduWrite(Device, EDU_INTERRUPT_ACKNOWLEDGE, Bits); /* else the line stays up */
    InterlockedOr(&Device->Raised, Bits);
    KeInsertQueueDpc(&Device->Dpc, NULL, NULL);
    return TRUE;
}

static VOID EduDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PEDU_DEVICE Device = DeferredContext;
    Device->Taken = (ULONG)InterlockedExchange(&Device->Raised, 0);
    KeSetEvent(&Device->Done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS EduConnect(PEDU_DEVICE Device)
{
    KIRQL Irql;
    KAFFINITY Affinity;
    PAGED_CODE();
    ULONG Vector =
        HalGetInterruptVector(PCIBus, 0, Device->Line, Device->Line, &Irql, &Affinity);
    return IoConnectInterrupt(&Device->Interrupt, EduIsr, Device, NULL, Vector, Irql, Irql,
                              LevelSensitive, TRUE, Affinity, FALSE);
}

static VOID EduDisconnect(PEDU_DEVICE Device)
{
    PAGED_CODE();
    IoDisconnectInterrupt(Device->Interrupt);
    KeFlushQueuedDpcs();
}

/* Until the DPC routine has run for the device's interrupt. */
static NTSTATUS EduAwait(PEDU_DEVICE Device)
{
    LARGE_INTEGER Patience;
    PAGED_CODE();
    Patience.QuadPart = PATIENCE;
    NTSTATUS Status =
        KeWaitForSingleObject(&Device->Done, Executive, KernelMode, FALSE, &Patience);
    return Status == STATUS_TIMEOUT ? STATUS_IO_TIMEOUT : Status;
}

/* The device is used: the driver gets its link-time pageability back, and then interrupts. */
NTSTATUS EduCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MmResetDriverPaging((PVOID)(ULONG_PTR)EduIsr);
    return EduComplete(Irp, EduConnect(DeviceObject->DeviceExtension), 0);
}

/* The device is not used any more: nothing of the driver needs to stay in memory. */
NTSTATUS EduClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEDU_DEVICE Device = DeviceObject->DeviceExtension;
    PAGED_CODE();
    EduWrite(Device, EDU_INTERRUPT_RAISE, LAST_BIT);
    NTSTATUS Status = EduAwait(Device);
    EduDisconnect(Device);
    MmPageEntireDriver((PVOID)(ULONG_PTR)EduIsr); /* after the disconnect, not before */
    return EduComplete(Irp, Status, 0);
}

/* What the interrupt said, or the factorial. */
NTSTATUS EduDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEDU_DEVICE Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    PULONG Value = Irp->AssociatedIrp.SystemBuffer;
    PAGED_CODE();
    if (Code != IOCTL_EDU_RAISE && Code != IOCTL_EDU_FACTORIAL) {
        return EduComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(*Value) ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Value)) {
        return EduComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    if (*Value == 0 && Code == IOCTL_EDU_RAISE) {
        return EduComplete(Irp, STATUS_INVALID_PARAMETER, 0); /* no bit, no interrupt */
    }
    ExAcquireFastMutex(&Device->Lock);
    KeClearEvent(&Device->Done);
    if (Code == IOCTL_EDU_RAISE) {
        EduWrite(Device, EDU_INTERRUPT_RAISE, *Value);
    } else {
        EduWrite(Device, EDU_STATUS, EDU_STATUS_INTERRUPT);
        EduWrite(Device, EDU_FACTORIAL, *Value);
    }
    NTSTATUS Status = EduAwait(Device);
    *Value = Code == IOCTL_EDU_RAISE ? Device->Taken : EduRead(Device, EDU_FACTORIAL);
    ExReleaseFastMutex(&Device->Lock);
    return EduComplete(Irp, Status, NT_SUCCESS(Status) ? sizeof(*Value) : 0);
}

/* Looks for the device on bus 0, function 0 of each slot. */
static BOOLEAN EduFind(PULONG Slot)
{
    for (ULONG Number = 0; Number < PCI_MAX_DEVICES; Number++) {
        PCI_SLOT_NUMBER Address = {.u.bits.DeviceNumber = Number};
        USHORT Id[2];
        *Slot = Address.u.AsULONG;
        if (HalGetBusDataByOffset(PCIConfiguration, 0, *Slot, Id, 0, sizeof(Id)) == sizeof(Id) &&
            Id[0] == EDU_VENDOR_ID && Id[1] == EDU_DEVICE_ID) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The registers and the interrupt line, as configuration space says. */
static NTSTATUS EduMap(PEDU_DEVICE Device, ULONG Slot)
{
    PCI_COMMON_CONFIG Configuration;
    PHYSICAL_ADDRESS Bus, Physical;
    ULONG Space = 0;
    if (HalGetBusData(PCIConfiguration, 0, Slot, &Configuration, PCI_COMMON_HDR_LENGTH) !=
        PCI_COMMON_HDR_LENGTH) {
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    Bus.QuadPart =
        Configuration.u.type0.BaseAddresses[0] & PCI_ADDRESS_MEMORY_ADDRESS_MASK;
    if (Bus.QuadPart == 0 || !HalTranslateBusAddress(PCIBus, 0, Bus, &Space, &Physical) ||
        Space != 0) {
        return STATUS_DEVICE_NOT_READY;
    }
    Device->Line = Configuration.u.type0.InterruptLine;
    Device->Registers = MmMapIoSpace(Physical, EDU_REGISTERS_SIZE, MmNonCached);
    if (Device->Registers == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    EduWrite(Device, EDU_LIVENESS, Slot);
    if (EduRead(Device, EDU_LIVENESS) != ~Slot) {
        MmUnmapIoSpace(Device->Registers, EDU_REGISTERS_SIZE);
        return STATUS_DEVICE_DOES_NOT_EXIST;
    }
    return STATUS_SUCCESS;
}

VOID EduUnload(PDRIVER_OBJECT DriverObject)
{
    PEDU_DEVICE Device = DriverObject->DeviceObject->DeviceExtension;
    PAGED_CODE();
    MmUnmapIoSpace(Device->Registers, EDU_REGISTERS_SIZE);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT DeviceObject;
    ULONG Slot;
    if (!EduFind(&Slot)) {
        DbgPrint("edu-interrupt: there is no edu device\n");
        return STATUS_NO_SUCH_DEVICE;
    }
    RtlInitUnicodeString(&Name, L"\\Device\\Edu");
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(EDU_DEVICE), &Name, FILE_DEVICE_UNKNOWN,
                                     0, TRUE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PEDU_DEVICE Device = DeviceObject->DeviceExtension;
    KeInitializeDpc(&Device->Dpc, EduDpc, Device);
    KeInitializeEvent(&Device->Done, SynchronizationEvent, FALSE);
    ExInitializeFastMutex(&Device->Lock);
    Status = EduMap(Device, Slot);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }
    DbgPrint("edu-interrupt: device %08x in slot %u\n", EduRead(Device, EDU_IDENTIFICATION), Slot);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = EduCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = EduClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = EduDeviceControl;
    DriverObject->DriverUnload = EduUnload;
    MmPageEntireDriver((PVOID)(ULONG_PTR)DriverEntry); /* until the first open */
    return STATUS_SUCCESS;
}
