/* SPDX-License-Identifier: MIT */
/* The driver is pageable as a whole while no interrupt is connected. See README.md. */
#include <ntddk.h>

#include "devices/real_time_clock.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ClockUnload;
DRIVER_DISPATCH ClockCreate, ClockClose;
static KSERVICE_ROUTINE ClockIsr;
static KDEFERRED_ROUTINE ClockDpc;
static VOID ClockSetPeriodic(BOOLEAN On);
static NTSTATUS ClockConnect(VOID);
static VOID ClockDisconnect(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ClockUnload)
#pragma alloc_text(PAGE, ClockCreate)
#pragma alloc_text(PAGE, ClockClose)
#pragma alloc_text(PAGE, ClockSetPeriodic)
#pragma alloc_text(PAGE, ClockConnect)
#pragma alloc_text(PAGE, ClockDisconnect)

static PKINTERRUPT ClockInterrupt;
static KDPC ClockDpcObject;
static KEVENT ClockTicked;
static ULONG ClockTicks;

static NTSTATUS ClockComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Nonpaged by its section. */
BOOLEAN ClockIsr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    WRITE_PORT_UCHAR(RTC_INDEX, RTC_STATUS_C);
    if (!(READ_PORT_UCHAR(RTC_DATA) & STATUS_C_INTERRUPT)) {
        return FALSE;
    }
    if (ClockTicks++ == 0) { /* the first of an open: whoever opened waits for it */
        KeInsertQueueDpc(&ClockDpcObject, NULL, NULL);
    }
    return TRUE;
}

static VOID ClockDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KeSetEvent(&ClockTicked, IO_NO_INCREMENT, FALSE);
}

/* The clock's periodic interrupt, 1,024 times a second. */
static VOID ClockSetPeriodic(BOOLEAN On)
{
    UCHAR Value;
    PAGED_CODE();
    HalGetBusDataByOffset(Cmos, 0, 0, &Value, RTC_STATUS_B, 1);
    Value = On ? Value | STATUS_B_PERIODIC : Value & ~STATUS_B_PERIODIC;
    HalSetBusDataByOffset(Cmos, 0, 0, &Value, RTC_STATUS_B, 1);
    HalGetBusDataByOffset(Cmos, 0, 0, &Value, RTC_STATUS_C, 1); /* none is left from before */
}

static NTSTATUS ClockConnect(VOID)
{
    KIRQL Irql;
    KAFFINITY Affinity;
    PAGED_CODE();
    ULONG Vector = HalGetInterruptVector(Isa, 0, RTC_LINE, RTC_LINE, &Irql, &Affinity);
    NTSTATUS Status = IoConnectInterrupt(&ClockInterrupt, ClockIsr, NULL, NULL, Vector, Irql, Irql,
                                         Latched, FALSE, Affinity, FALSE);
    if (NT_SUCCESS(Status)) {
        ClockSetPeriodic(TRUE);
    }
    return Status;
}

static VOID ClockDisconnect(VOID)
{
    PAGED_CODE();
    ClockSetPeriodic(FALSE);
    IoDisconnectInterrupt(ClockInterrupt);
    KeFlushQueuedDpcs();
}

/* The device is used: the driver gets its link-time pageability back, and then interrupts. */
NTSTATUS ClockCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MmResetDriverPaging((PVOID)(ULONG_PTR)ClockIsr);
    ClockTicks = 0;
    NTSTATUS Status = ClockConnect();
    if (NT_SUCCESS(Status)) {
        KeWaitForSingleObject(&ClockTicked, Executive, KernelMode, FALSE, NULL); /* it runs */
    }
    return ClockComplete(Irp, Status);
}

/* The device is not used any more: nothing of the driver needs to stay in memory. */
NTSTATUS ClockClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LARGE_INTEGER Settle;
    PAGED_CODE();
    Settle.QuadPart = -20 * 10000LL; /* the device's minimum between its last use and its stop */
    KeDelayExecutionThread(KernelMode, FALSE, &Settle);
    ClockDisconnect();
    MmPageEntireDriver((PVOID)(ULONG_PTR)ClockIsr); /* after the disconnect, not before */
    return ClockComplete(Irp, STATUS_SUCCESS);
}

VOID ClockUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\RtcWhole");
    KeInitializeDpc(&ClockDpcObject, ClockDpc, NULL);
    KeInitializeEvent(&ClockTicked, SynchronizationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ClockCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ClockClose;
    DriverObject->DriverUnload = ClockUnload;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
    if (NT_SUCCESS(Status)) {
        MmPageEntireDriver((PVOID)(ULONG_PTR)DriverEntry); /* until the first open */
    }
    return Status;
}
