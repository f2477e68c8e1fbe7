/* SPDX-License-Identifier: MIT */
/* Right, but with more nonpaged memory and more locks than it needs. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD AdvisableUnload;
DRIVER_DISPATCH AdvisableCreate, AdvisableClose;

static ULONG AdvisableLockedNeedlessly(ULONG Value);
static ULONG AdvisableLockedForGood(ULONG Value);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, AdvisableUnload)
#pragma alloc_text(PAGELK, AdvisableLockedNeedlessly)
#pragma alloc_text(PAGEHOT, AdvisableLockedForGood)

static KSPIN_LOCK AdvisableLock;
static volatile ULONG AdvisableCount;

/* Fills code, as a long routine does. */
#define LONG_ROUTINE() __asm__ volatile(".skip 5000, 0x90")

/* Runs at PASSIVE_LEVEL only: could be pageable, and is longer than a page. */
static __attribute__((noinline)) ULONG AdvisableFormat(ULONG Value)
{
    LONG_ROUTINE();
    return Value * 3 + AdvisableCount;
}

/* As long, but it raises. */
static __attribute__((noinline)) ULONG AdvisableGuarded(ULONG Value)
{
    KIRQL OldIrql;
    LONG_ROUTINE();
    KeAcquireSpinLock(&AdvisableLock, &OldIrql);
    AdvisableCount += Value;
    KeReleaseSpinLock(&AdvisableLock, OldIrql);
    return AdvisableCount;
}

/* Returns raised: so its callers must be resident as well. */
static __attribute__((noinline)) VOID AdvisableEnter(PKIRQL OldIrql)
{
    KeAcquireSpinLock(&AdvisableLock, OldIrql);
    AdvisableCount++;
}

static __attribute__((noinline)) VOID AdvisableLeave(KIRQL OldIrql)
{
    AdvisableCount++;
    KeReleaseSpinLock(&AdvisableLock, OldIrql);
}

static __attribute__((noinline)) ULONG AdvisableIndirect(ULONG Value)
{
    KIRQL OldIrql;
    LONG_ROUTINE();
    AdvisableEnter(&OldIrql);
    Value += AdvisableLockedForGood(Value);
    AdvisableLeave(OldIrql);
    return Value;
}

static ULONG AdvisableLockedNeedlessly(ULONG Value)
{
    return Value + AdvisableCount;
}

static ULONG AdvisableLockedForGood(ULONG Value)
{
    return Value ^ AdvisableCount;
}

static NTSTATUS AdvisableComplete(PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS AdvisableCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID Needless = MmLockPagableCodeSection((PVOID)AdvisableLockedNeedlessly);
    PVOID Needed = MmLockPagableCodeSection((PVOID)AdvisableLockedForGood);
    ULONG Value = AdvisableFormat(1) + AdvisableGuarded(2) + AdvisableIndirect(3);
    AdvisableCount += AdvisableLockedNeedlessly(Value);
    MmUnlockPagableImageSection(Needed);
    MmUnlockPagableImageSection(Needless);
    return AdvisableComplete(Irp);
}

NTSTATUS AdvisableClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return AdvisableComplete(Irp);
}

VOID AdvisableUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Advisable");
    PDEVICE_OBJECT Device;
    KeInitializeSpinLock(&AdvisableLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = AdvisableCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = AdvisableClose;
    DriverObject->DriverUnload = AdvisableUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
