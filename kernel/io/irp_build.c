/* SPDX-License-Identifier: MIT */
/*
 * Requests that drivers build for other drivers. IoBuildDeviceIoControlRequest and
 * IoBuildSynchronousFsdRequest make packets of the current thread, which the I/O manager frees;
 * IoBuildAsynchronousFsdRequest makes one that its creator frees in a completion routine.
 */
#include "io/iop.h"
#include "ps/psp.h"

static PIRP IopDiscard(PIRP Irp)
{
    IoFreeIrp(Irp);
    return NULL;
}

/* PASSIVE_LEVEL. NULL: no memory, or a kernel-mode buffer that cannot be locked. */
PIRP IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                   PVOID InputBuffer, ULONG InputBufferLength,
                                   PVOID OutputBuffer, ULONG OutputBufferLength,
                                   BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                   PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_TRANSFER Transfer = {KernelMode, InputBuffer, InputBufferLength, OutputBuffer,
                             OutputBufferLength};
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    if (Irp == NULL) {
        return NULL;
    }
    IoGetNextIrpStackLocation(Irp)->MajorFunction =
        InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    if (!NT_SUCCESS(IopSetUpControlBuffers(Irp, IoControlCode, &Transfer))) {
        return IopDiscard(Irp);
    }
    Irp->UserIosb = IoStatusBlock;
    Irp->UserEvent = Event;
    IopQueueThreadIrp(Irp);
    return Irp;
}

PIRP IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                   ULONG Length, PLARGE_INTEGER StartingOffset,
                                   PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    if (Irp == NULL) {
        return NULL;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = (UCHAR)MajorFunction;
    if (MajorFunction == IRP_MJ_READ || MajorFunction == IRP_MJ_WRITE) {
        BOOLEAN Write = MajorFunction == IRP_MJ_WRITE;
        Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
        Stack->Parameters.Read.Length = Length;
        if (StartingOffset != NULL) {
            Stack->Parameters.Read.ByteOffset = *StartingOffset;
        }
        if (!NT_SUCCESS(IopSetUpTransferBuffers(Irp, DeviceObject->Flags, KernelMode, Buffer,
                                                Length, Write))) {
            return IopDiscard(Irp);
        }
    }
    Irp->UserIosb = IoStatusBlock;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    return Irp;
}

PIRP IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                  ULONG Length, PLARGE_INTEGER StartingOffset, PKEVENT Event,
                                  PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP Irp = IoBuildAsynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length,
                                             StartingOffset, IoStatusBlock);
    if (Irp != NULL) {
        Irp->UserEvent = Event;
        IopQueueThreadIrp(Irp);
    }
    return Irp;
}
