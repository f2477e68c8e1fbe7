/* SPDX-License-Identifier: MIT */
/*
 * Requests: allocation and the list of those a thread has in flight.
 *
 * A close request must not fail for want of memory, so one packet of IOP_RESERVE_STACK locations
 * is kept back for it; who finds the pool empty waits until the reserve is free.
 */
#include "io/iop.h"
#include "ps/psp.h"

#define IOP_RESERVE_STACK 32

static struct {
    KEVENT Free; /* synchronization event */
    PIRP Irp;
} IopReserve;

VOID IopInitializeIrpReserve(VOID)
{
    KeInitializeEvent(&IopReserve.Free, SynchronizationEvent, TRUE);
    IopReserve.Irp = ExAllocatePoolWithTag(NonPagedPoolNx, IoSizeOfIrp(IOP_RESERVE_STACK),
                                           IO_TAG_IRP);
    NT_VERIFY(IopReserve.Irp != NULL);
}

VOID IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    RtlZeroMemory(Irp, PacketSize);
    Irp->Type = IO_TYPE_IRP;
    Irp->Size = PacketSize;
    Irp->StackCount = StackSize;
    Irp->CurrentLocation = (CCHAR)(StackSize + 1);
    Irp->ApcEnvironment = (CCHAR)KiCurrentThread()->ApcStateIndex;
    InitializeListHead(&Irp->ThreadListEntry);
    Irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
}

PIRP IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    if (StackSize <= 0) {
        return NULL;
    }
    USHORT Size = IoSizeOfIrp(StackSize);
    PIRP Irp = ExAllocatePoolWithTag(NonPagedPoolNx, Size, IO_TAG_IRP);
    if (Irp != NULL) {
        IoInitializeIrp(Irp, Size, StackSize);
    }
    return Irp;
}

PIRP IopAllocateIrpMustSucceed(CCHAR StackSize)
{
    PIRP Irp = IoAllocateIrp(StackSize, FALSE);
    if (Irp == NULL) {
        NT_VERIFY(StackSize <= IOP_RESERVE_STACK);
        KeWaitForSingleObject(&IopReserve.Free, Executive, KernelMode, FALSE, NULL);
        Irp = IopReserve.Irp;
        IoInitializeIrp(Irp, IoSizeOfIrp(IOP_RESERVE_STACK), StackSize);
    }
    return Irp;
}

VOID IoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    UCHAR AllocationFlags = Irp->AllocationFlags;
    NT_VERIFY(IsListEmpty(&Irp->ThreadListEntry));
    IoInitializeIrp(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = AllocationFlags;
    Irp->IoStatus.Status = Status;
}

/* Bug check 0x44 for a packet that was freed before, 0xC9 for one a thread still has in flight. */
VOID IoFreeIrp(PIRP Irp)
{
    if (Irp->Type != IO_TYPE_IRP) {
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, __LINE__, 0, 0);
    }
    if (!IsListEmpty(&Irp->ThreadListEntry)) {
        KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x2, (ULONG_PTR)Irp, 0, 0);
    }
    Irp->Type = 0;
    if (Irp == IopReserve.Irp) {
        KeSetEvent(&IopReserve.Free, 0, FALSE);
    } else {
        ExFreePoolWithTag(Irp, IO_TAG_IRP);
    }
}

/* The new packet is completed into Irp, whose AssociatedIrp.IrpCount the caller sets. */
PIRP IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize)
{
    PIRP New = IoAllocateIrp(StackSize, FALSE);
    if (New != NULL) {
        New->Flags |= IRP_ASSOCIATED_IRP;
        New->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
        New->AssociatedIrp.MasterIrp = Irp;
    }
    return New;
}

VOID IopQueueThreadIrp(PIRP Irp)
{
    PETHREAD Thread = PsGetCurrentThread();
    Irp->Tail.Overlay.Thread = Thread;
    KIRQL OldIrql = KiAcquireSpinLock(&Thread->IrpListLock);
    InsertHeadList(&Thread->IrpList, &Irp->ThreadListEntry);
    KiReleaseSpinLock(&Thread->IrpListLock, OldIrql);
}

/* In the thread itself: Tail.Overlay.Thread is overlaid by the APC by now. */
VOID IopDequeueThreadIrp(PIRP Irp)
{
    PETHREAD Thread = PsGetCurrentThread();
    KIRQL OldIrql = KiAcquireSpinLock(&Thread->IrpListLock);
    RemoveEntryList(&Irp->ThreadListEntry);
    InitializeListHead(&Irp->ThreadListEntry);
    if (IsListEmpty(&Thread->IrpList) && Thread->IrpListDrained != NULL) {
        KeSetEvent(Thread->IrpListDrained, 0, FALSE);
    }
    KiReleaseSpinLock(&Thread->IrpListLock, OldIrql);
}

/* The next request to cancel, NULL: all are cancelled. The list is the current thread's. */
static PIRP IopFindUncancelled(PETHREAD Thread)
{
    PIRP Found = NULL;
    KIRQL OldIrql = KiAcquireSpinLock(&Thread->IrpListLock);
    for (PLIST_ENTRY Entry = Thread->IrpList.Flink; Entry != &Thread->IrpList;
         Entry = Entry->Flink) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, ThreadListEntry);
        if (!Irp->Cancel) {
            Found = Irp;
            break;
        }
    }
    KiReleaseSpinLock(&Thread->IrpListLock, OldIrql);
    return Found;
}

VOID IopCancelCurrentThreadIrps(VOID)
{
    PIRP Irp;

    /* At APC_LEVEL no completion APC can take a packet away between finding and cancelling it. */
    NT_VERIFY(KeGetCurrentIrql() == APC_LEVEL);
    while ((Irp = IopFindUncancelled(PsGetCurrentThread())) != NULL) {
        IoCancelIrp(Irp);
    }
}

VOID IopCancelThreadIo(PETHREAD Thread)
{
    KEVENT Drained;
    KIRQL OldIrql;

    NT_VERIFY(Thread == PsGetCurrentThread());
    OldIrql = KiRaiseIrql(APC_LEVEL);
    IopCancelCurrentThreadIrps();
    KiWriteIrql(OldIrql);

    KeInitializeEvent(&Drained, NotificationEvent, FALSE);
    OldIrql = KiAcquireSpinLock(&Thread->IrpListLock);
    BOOLEAN Empty = IsListEmpty(&Thread->IrpList);
    Thread->IrpListDrained = Empty ? NULL : &Drained;
    KiReleaseSpinLock(&Thread->IrpListLock, OldIrql);
    if (!Empty) {
        KeWaitForSingleObject(&Drained, Executive, KernelMode, FALSE, NULL);
        Thread->IrpListDrained = NULL;
    }
}

BOOLEAN IoIsOperationSynchronous(PIRP Irp)
{
    PFILE_OBJECT FileObject = Irp->Tail.Overlay.OriginalFileObject;
    return (Irp->Flags & (IRP_SYNCHRONOUS_API | IRP_SYNCHRONOUS_PAGING_IO)) != 0 ||
           (FileObject != NULL && (FileObject->Flags & FO_SYNCHRONOUS_IO));
}

PEPROCESS IoGetRequestorProcess(PIRP Irp)
{
    PETHREAD Thread = Irp->Tail.Overlay.Thread;
    if (Thread == NULL) {
        return NULL;
    }
    /* A request made while attached belongs to the process it was attached to. */
    if (Irp->ApcEnvironment == OriginalApcEnvironment) {
        return Thread->ThreadsProcess;
    }
    return CONTAINING_RECORD(Thread->Tcb.ApcState.Process, EPROCESS, Pcb);
}

ULONG IoGetRequestorProcessId(PIRP Irp)
{
    PEPROCESS Process = IoGetRequestorProcess(Irp);
    return Process == NULL ? 0 : (ULONG)(ULONG_PTR)Process->UniqueProcessId;
}

/* There are no 32-bit processes. */
BOOLEAN IoIs32bitProcess(PIRP Irp)
{
    return FALSE;
}

PIRP IoGetTopLevelIrp(VOID)
{
    return PsGetCurrentThread()->TopLevelIrp;
}

VOID IoSetTopLevelIrp(PIRP Irp)
{
    PsGetCurrentThread()->TopLevelIrp = Irp;
}
