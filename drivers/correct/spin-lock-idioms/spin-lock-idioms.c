/* SPDX-License-Identifier: MIT */
/* What looks like a mistake with spin locks and is none. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD IdiomUnload;
DRIVER_DISPATCH IdiomCreate, IdiomClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, IdiomUnload)

static KSPIN_LOCK IdiomFirst, IdiomSecond, IdiomThird;
static EX_SPIN_LOCK IdiomReaders;
static ULONG IdiomCount;

/* Released in the order of acquisition: so the saved IRQLs change places. */
static VOID IdiomSwap(VOID)
{
    KIRQL FirstIrql, SecondIrql;
    KeAcquireSpinLock(&IdiomFirst, &FirstIrql);
    KeAcquireSpinLock(&IdiomSecond, &SecondIrql);
    IdiomCount++;
    KeReleaseSpinLock(&IdiomFirst, SecondIrql);
    IdiomCount++;
    KeReleaseSpinLock(&IdiomSecond, FirstIrql);
}

/* Hand over hand along a chain of locks: the last restores what the first has saved. */
static VOID IdiomCouple(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&IdiomFirst, &OldIrql);
    KeAcquireSpinLockAtDpcLevel(&IdiomSecond);
    KeReleaseSpinLockFromDpcLevel(&IdiomFirst);
    KeAcquireSpinLockAtDpcLevel(&IdiomThird);
    KeReleaseSpinLockFromDpcLevel(&IdiomSecond);
    IdiomCount++;
    KeReleaseSpinLock(&IdiomThird, OldIrql);
}

/* The cancel lock first, the driver's own second, released in that order. */
static VOID IdiomCancel(VOID)
{
    KIRQL CancelIrql, OwnIrql;
    IoAcquireCancelSpinLock(&CancelIrql);
    KeAcquireSpinLock(&IdiomFirst, &OwnIrql);
    IoReleaseCancelSpinLock(OwnIrql);
    IdiomCount++;
    KeReleaseSpinLock(&IdiomFirst, CancelIrql);
}

/* Readers may come in twice; a lock that is refused is not held. */
static VOID IdiomReadAndTry(VOID)
{
    KIRQL OuterIrql = ExAcquireSpinLockShared(&IdiomReaders);
    KIRQL InnerIrql = ExAcquireSpinLockShared(&IdiomReaders);
    if (KeTryToAcquireSpinLockAtDpcLevel(&IdiomFirst)) {
        if (KeTryToAcquireSpinLockAtDpcLevel(&IdiomFirst)) {
            IdiomCount = 0; /* cannot be */
        }
        IdiomCount++;
        KeReleaseSpinLockFromDpcLevel(&IdiomFirst);
    }
    ExReleaseSpinLockShared(&IdiomReaders, InnerIrql);
    ExReleaseSpinLockShared(&IdiomReaders, OuterIrql);
    OuterIrql = ExAcquireSpinLockShared(&IdiomReaders);
    if (ExTryConvertSharedSpinLockExclusive(&IdiomReaders)) {
        ExReleaseSpinLockExclusive(&IdiomReaders, OuterIrql);
    } else {
        ExReleaseSpinLockShared(&IdiomReaders, OuterIrql);
    }
}

/* A queued lock inside an ordinary one, and an interlocked operation with a lock that is free. */
static VOID IdiomQueue(VOID)
{
    KLOCK_QUEUE_HANDLE Handle;
    KIRQL OldIrql;
    KeAcquireSpinLock(&IdiomFirst, &OldIrql);
    KeAcquireInStackQueuedSpinLock(&IdiomSecond, &Handle);
    ExInterlockedAddUlong(&IdiomCount, 1, &IdiomThird);
    KeReleaseInStackQueuedSpinLock(&Handle);
    KeReleaseSpinLock(&IdiomFirst, OldIrql);
}

static NTSTATUS IdiomComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS IdiomCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    for (ULONG Round = 0; Round < 40; Round++) {
        IdiomSwap();
        IdiomCouple();
        IdiomCancel();
        IdiomReadAndTry();
        IdiomQueue();
    }
    DbgPrint("spin locks: %u turns", IdiomCount);
    return IdiomComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS IdiomClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IdiomComplete(Irp, STATUS_SUCCESS);
}

VOID IdiomUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\SpinLockIdioms");
    KeInitializeSpinLock(&IdiomFirst);
    KeInitializeSpinLock(&IdiomSecond);
    KeInitializeSpinLock(&IdiomThird);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = IdiomCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = IdiomClose;
    DriverObject->DriverUnload = IdiomUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
