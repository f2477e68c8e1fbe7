/* SPDX-License-Identifier: MIT */
/* What the debugger's transcripts look at: a pageable routine, paged pool, a user buffer. */
#include <ntddk.h>

#define TOUR_TAG 'ruoT'
#define TOUR_WORDS (2 * PAGE_SIZE / sizeof(ULONG)) /* two pages: the pool gives whole ones */

/* Neither: adds up the input, which stays where the caller has it, and the driver's own words. */
#define IOCTL_TOUR_SUM CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TourUnload;
DRIVER_DISPATCH TourCreateClose, TourDeviceControl;
static ULONG TourSum(const ULONG *Words, ULONG Count);
ULONG TourLocked(ULONG Value);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TourUnload)
#pragma alloc_text(PAGE, TourCreateClose)
#pragma alloc_text(PAGE, TourSum)
#pragma alloc_text(PAGELK, TourLocked)

/* For the debugger, by name; nonpaged. */
PULONG TourPool;       /* paged pool */
PVOID TourUser;        /* the last request's input, in TourProcess's memory */
PEPROCESS TourProcess;
volatile ULONG TourHold; /* set by the debugger: a request waits, so that nothing moves */
ERESOURCE TourResource; /* held while a request is served */
PVOID TourHandle;      /* of section PAGELK, which stays locked */
UNICODE_STRING TourName = RTL_CONSTANT_STRING(L"\\Device\\Tour");

ULONG TourLocked(ULONG Value)
{
    return Value * 2654435761u;
}

static ULONG TourSum(const ULONG *Words, ULONG Count)
{
    ULONG Sum = 0;
    PAGED_CODE();
    for (ULONG i = 0; i < Count; i++) {
        Sum += Words[i];
    }
    return Sum;
}

NTSTATUS TourCreateClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    PAGED_CODE();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* Nonpaged: it is where the request is while the rest is out. */
DECLSPEC_NOINLINE VOID TourStop(VOID)
{
    LARGE_INTEGER Interval = {.QuadPart = -10 * 1000 * 10}; /* 10 ms */
    while (TourHold) {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
}

NTSTATUS TourDeviceControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    ULONG Sum = 0;
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_TOUR_SUM) {
        PULONG Words = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        TourUser = Words;
        TourProcess = IoGetCurrentProcess();
        KeEnterCriticalRegion();
        ExAcquireResourceExclusiveLite(&TourResource, TRUE);
        TourStop();
        Status = STATUS_SUCCESS;
        __try {
            ProbeForRead(Words, Length, sizeof(ULONG));
            Sum = TourSum(Words, Length / sizeof(ULONG)) + TourSum(TourPool, TOUR_WORDS);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Status = GetExceptionCode();
        }
        ExReleaseResourceLite(&TourResource);
        KeLeaveCriticalRegion();
    }
    DbgPrint("tour: the sum is %08x\n", TourLocked(Sum));
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID TourUnload(PDRIVER_OBJECT Driver)
{
    PAGED_CODE();
    MmUnlockPagableImageSection(TourHandle);
    ExDeleteResourceLite(&TourResource);
    ExFreePoolWithTag(TourPool, TOUR_TAG);
    IoDeleteDevice(Driver->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status =
        IoCreateDevice(Driver, 0, &TourName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    TourPool = ExAllocatePoolWithTag(PagedPool, TOUR_WORDS * sizeof(ULONG), TOUR_TAG);
    if (TourPool == NULL) {
        IoDeleteDevice(Device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONG i = 0; i < TOUR_WORDS; i++) {
        TourPool[i] = 0x70000000 + i;
    }
    ExInitializeResourceLite(&TourResource);
    TourHandle = MmLockPagableCodeSection((PVOID)(ULONG_PTR)TourLocked);
    Driver->DriverUnload = TourUnload;
    Driver->MajorFunction[IRP_MJ_CREATE] = TourCreateClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = TourCreateClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = TourDeviceControl;
    return STATUS_SUCCESS;
}
