/* SPDX-License-Identifier: MIT */
/* A driver in the dialect of mingw-w64: gcc, its DDK headers, sections by attribute. */
#include <ntddk.h>

#define GAUGE_TAG 'guaG'
#define GAUGE_SAMPLES 512
#define GAUGE_PERIOD_MS 2

/* Buffered: in, an index (ULONG); out, the sample (ULONG). */
#define IOCTL_GAUGE_READ CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS)
/* Out: how often the timer ran (ULONG); waits for the next time. */
#define IOCTL_GAUGE_WAIT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
/* Out: the sum of all samples (ULONG), read at DISPATCH_LEVEL in a locked section. */
#define IOCTL_GAUGE_SUM CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_READ_ACCESS)

#define INIT_CODE __attribute__((section("INIT")))
#define PAGE_CODE __attribute__((section("PAGE")))
/* gcc would inline these into their pageable callers: they run at DISPATCH_LEVEL. */
#define NONPAGED_CODE __attribute__((noinline))
#define PAGE_DATA __attribute__((section("PAGEDATA")))

typedef struct {
    KSPIN_LOCK Lock;
    KTIMER Timer;
    KDPC Dpc;
    KEVENT Ticked;
    ULONG Ticks; /* Lock */
    ULONG *Copy; /* paged pool: what the samples must be */
} GAUGE;

static PAGE_DATA ULONG GaugeSamples[GAUGE_SAMPLES] = {1};
static const WCHAR GaugeDeviceName[] = L"\\Device\\Gauge";
static const WCHAR GaugeLinkName[] = L"\\??\\Gauge";

DRIVER_INITIALIZE DriverEntry;

static VOID NTAPI GaugeTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    GAUGE *Gauge = Context;
    KeAcquireSpinLockAtDpcLevel(&Gauge->Lock);
    Gauge->Ticks++;
    KeReleaseSpinLockFromDpcLevel(&Gauge->Lock);
    KeSetEvent(&Gauge->Ticked, IO_NO_INCREMENT, FALSE);
}

/* Nonpaged, as it runs with the lock held; the caller has locked the samples' section. */
static NONPAGED_CODE ULONG GaugeSum(GAUGE *Gauge)
{
    KIRQL OldIrql;
    ULONG Sum = 0;
    KeAcquireSpinLock(&Gauge->Lock, &OldIrql);
    for (ULONG i = 0; i < GAUGE_SAMPLES; i++) {
        Sum += GaugeSamples[i];
    }
    KeReleaseSpinLock(&Gauge->Lock, OldIrql);
    return Sum;
}

static NONPAGED_CODE ULONG GaugeTicks(GAUGE *Gauge)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&Gauge->Lock, &OldIrql);
    ULONG Ticks = Gauge->Ticks;
    KeReleaseSpinLock(&Gauge->Lock, OldIrql);
    return Ticks;
}

static PAGE_CODE NTSTATUS GaugeComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static PAGE_CODE NTSTATUS NTAPI GaugeCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return GaugeComplete(Irp, STATUS_SUCCESS, 0);
}

static PAGE_CODE NTSTATUS GaugeRead(GAUGE *Gauge, ULONG Index, PULONG Out)
{
    if (Index >= GAUGE_SAMPLES) {
        return STATUS_INVALID_PARAMETER;
    }
    if (GaugeSamples[Index] != Gauge->Copy[Index]) {
        return STATUS_DATA_ERROR; /* a page did not come back as it went */
    }
    *Out = GaugeSamples[Index];
    return STATUS_SUCCESS;
}

static PAGE_CODE NTSTATUS GaugeWait(GAUGE *Gauge, PULONG Out)
{
    LARGE_INTEGER Limit;
    Limit.QuadPart = -10 * 1000 * 1000 * 10ll;
    KeClearEvent(&Gauge->Ticked);
    NTSTATUS Status = KeWaitForSingleObject(&Gauge->Ticked, Executive, KernelMode, FALSE, &Limit);
    *Out = GaugeTicks(Gauge);
    return Status == STATUS_SUCCESS ? STATUS_SUCCESS : STATUS_IO_TIMEOUT;
}

static PAGE_CODE NTSTATUS NTAPI GaugeDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    GAUGE *Gauge = DeviceObject->DeviceExtension;
    ULONG *Buffer = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return GaugeComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_GAUGE_READ:
        Status = Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG)
                     ? STATUS_INVALID_PARAMETER
                     : GaugeRead(Gauge, *Buffer, Buffer);
        break;
    case IOCTL_GAUGE_WAIT:
        Status = GaugeWait(Gauge, Buffer);
        break;
    case IOCTL_GAUGE_SUM: {
        PVOID Handle = MmLockPagableDataSection(GaugeSamples);
        *Buffer = GaugeSum(Gauge);
        MmUnlockPagableImageSection(Handle);
        Status = STATUS_SUCCESS;
        break;
    }
    }
    return GaugeComplete(Irp, Status, NT_SUCCESS(Status) ? sizeof(ULONG) : 0);
}

static PAGE_CODE VOID NTAPI GaugeUnload(PDRIVER_OBJECT DriverObject)
{
    GAUGE *Gauge = DriverObject->DeviceObject->DeviceExtension;
    UNICODE_STRING Link;

    PAGED_CODE();
    KeCancelTimer(&Gauge->Timer);
    KeFlushQueuedDpcs();
    RtlInitUnicodeString(&Link, GaugeLinkName);
    IoDeleteSymbolicLink(&Link);
    ExFreePoolWithTag(Gauge->Copy, GAUGE_TAG);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static INIT_CODE VOID GaugeFill(GAUGE *Gauge)
{
    ULONG State = 12345;
    for (ULONG i = 0; i < GAUGE_SAMPLES; i++) {
        State = State * 1664525u + 1013904223u;
        GaugeSamples[i] = Gauge->Copy[i] = State;
    }
}

static INIT_CODE VOID GaugeStart(GAUGE *Gauge)
{
    LARGE_INTEGER Due;
    Due.QuadPart = -10000;
    KeInitializeSpinLock(&Gauge->Lock);
    KeInitializeEvent(&Gauge->Ticked, NotificationEvent, FALSE);
    KeInitializeDpc(&Gauge->Dpc, GaugeTick, Gauge);
    KeInitializeTimer(&Gauge->Timer);
    KeSetTimerEx(&Gauge->Timer, Due, GAUGE_PERIOD_MS, &Gauge->Dpc);
}

INIT_CODE NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, GaugeDeviceName);
    RtlInitUnicodeString(&Link, GaugeLinkName);
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(GAUGE), &Name, FILE_DEVICE_UNKNOWN, 0,
                                     FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    GAUGE *Gauge = Device->DeviceExtension;
    Gauge->Copy = ExAllocatePoolWithTag(PagedPool, sizeof(GaugeSamples), GAUGE_TAG);
    Status = Gauge->Copy != NULL ? IoCreateSymbolicLink(&Link, &Name)
                                 : STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(Status)) {
        if (Gauge->Copy != NULL) {
            ExFreePoolWithTag(Gauge->Copy, GAUGE_TAG);
        }
        IoDeleteDevice(Device);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = GaugeCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GaugeCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = GaugeDeviceControl;
    DriverObject->DriverUnload = GaugeUnload;
    GaugeFill(Gauge);
    GaugeStart(Gauge);
    return STATUS_SUCCESS;
}
