/* SPDX-License-Identifier: MIT */
/* An event on the stack is waited for with KernelMode, a nonpaged one with UserMode. README.md */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CorrectUnload;
DRIVER_DISPATCH CorrectCreate, CorrectClose;
static KDEFERRED_ROUTINE TimerDone;

#pragma alloc_text(INIT, DriverEntry)

static KTIMER Timer;
static KDPC TimerDpc;
static PKEVENT WaitedFor;
static volatile LONG TimersDone;
static KEVENT NonpagedEvent;

/* For a debugger: while Hold is set the waits go on. Who waits, and what it keeps on its stack. */
volatile LONG Hold;
PKTHREAD Waiter;
PULONG Kept;

static VOID TimerDone(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LARGE_INTEGER Soon = {.QuadPart = -200000}; /* 20 ms */
    if (Hold) {
        KeSetTimer(&Timer, Soon, &TimerDpc);
        return;
    }
    KeSetEvent(WaitedFor, IO_NO_INCREMENT, FALSE);
    InterlockedIncrement(&TimersDone);
}

static VOID WaitFor(PKEVENT Event, KPROCESSOR_MODE WaitMode)
{
    LARGE_INTEGER Soon = {.QuadPart = -200000};
    WaitedFor = Event;
    KeSetTimer(&Timer, Soon, &TimerDpc);
    KeWaitForSingleObject(Event, Executive, WaitMode, FALSE, NULL);
}

NTSTATUS CorrectCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KEVENT Event;
    ULONG Words[16];
    NTSTATUS Status = STATUS_SUCCESS;
    /* with KernelMode the stack stays, and the event on it */
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    WaitFor(&Event, KernelMode);
    /* with UserMode it may be out meanwhile, but nobody touches it then */
    for (ULONG i = 0; i < RTL_NUMBER_OF(Words); i++) {
        Words[i] = 0x57ac0000 + i;
    }
    Waiter = KeGetCurrentThread();
    Kept = Words;
    KeClearEvent(&NonpagedEvent);
    WaitFor(&NonpagedEvent, UserMode);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Words); i++) {
        if (((volatile ULONG *)Words)[i] != 0x57ac0000 + i) {
            Status = STATUS_DATA_ERROR;
        }
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS CorrectClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID CorrectUnload(PDRIVER_OBJECT DriverObject)
{
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\StackEventKernelWait");
    KeInitializeEvent(&NonpagedEvent, NotificationEvent, FALSE);
    KeInitializeTimer(&Timer);
    KeInitializeDpc(&TimerDpc, TimerDone, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CorrectCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CorrectClose;
    DriverObject->DriverUnload = CorrectUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
