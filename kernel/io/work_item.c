/* SPDX-License-Identifier: MIT */
/*
 * Work items of drivers: run by Ex's worker threads at PASSIVE_LEVEL. While one is queued or
 * running it holds a reference on its device or driver object.
 */
#include "io/iop.h"

typedef struct _IO_WORKITEM {
    WORK_QUEUE_ITEM WorkItem;
    PIO_WORKITEM_ROUTINE Routine; /* NULL: RoutineEx */
    PIO_WORKITEM_ROUTINE_EX RoutineEx;
    PVOID IoObject; /* a device or driver object */
    PVOID Context;
    volatile LONG Queued;
} IO_WORKITEM;

static VOID IopRunWorkItem(PVOID Parameter)
{
    PIO_WORKITEM Item = Parameter;
    IO_WORKITEM Copy = *Item;

    /* From here on the routine may free the item or queue it once more. */
    InterlockedExchange(&Item->Queued, 0);
    if (Copy.Routine != NULL) {
        Copy.Routine(Copy.IoObject, Copy.Context);
    } else {
        Copy.RoutineEx(Copy.IoObject, Copy.Context, Item);
    }
    ObfDereferenceObject(Copy.IoObject);
}

ULONG IoSizeofWorkItem(VOID)
{
    return sizeof(IO_WORKITEM);
}

VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    RtlZeroMemory(IoWorkItem, sizeof(*IoWorkItem));
    IoWorkItem->IoObject = IoObject;
    ExInitializeWorkItem(&IoWorkItem->WorkItem, IopRunWorkItem, IoWorkItem);
}

VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    NT_VERIFY(IoWorkItem->Queued == 0);
}

/* <= DISPATCH_LEVEL */
PIO_WORKITEM IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM Item = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Item), IO_TAG_WORK);
    if (Item != NULL) {
        IoInitializeWorkItem(DeviceObject, Item);
    }
    return Item;
}

VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    NT_VERIFY(IoWorkItem->Queued == 0);
    ExFreePoolWithTag(IoWorkItem, IO_TAG_WORK);
}

/* FALSE: it is queued already. */
static BOOLEAN IopQueueWorkItem(PIO_WORKITEM Item, PIO_WORKITEM_ROUTINE Routine,
                                PIO_WORKITEM_ROUTINE_EX RoutineEx, WORK_QUEUE_TYPE QueueType,
                                PVOID Context)
{
    if (InterlockedExchange(&Item->Queued, 1) != 0) {
        return FALSE;
    }
    ObfReferenceObject(Item->IoObject);
    Item->Routine = Routine;
    Item->RoutineEx = RoutineEx;
    Item->Context = Context;
    ExInitializeWorkItem(&Item->WorkItem, IopRunWorkItem, Item);
    ExQueueWorkItem(&Item->WorkItem, QueueType);
    return TRUE;
}

VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                     WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    if (!IopQueueWorkItem(IoWorkItem, WorkerRoutine, NULL, QueueType, Context)) {
        /* 0xE4, 1: the item is queued already */
        KeBugCheckEx(WORKER_INVALID, 1, (ULONG_PTR)IoWorkItem, 0, 0);
    }
}

VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                       WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    if (!IopQueueWorkItem(IoWorkItem, NULL, WorkerRoutine, QueueType, Context)) {
        KeBugCheckEx(WORKER_INVALID, 1, (ULONG_PTR)IoWorkItem, 0, 0);
    }
}

BOOLEAN IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    return IopQueueWorkItem(IoWorkItem, NULL, WorkerRoutine, QueueType, Context);
}
