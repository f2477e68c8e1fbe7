/* SPDX-License-Identifier: MIT */
/*
 * The buffers of a request: how the requester's memory reaches the driver.
 *
 *   method      input                          output
 *   buffered    copied to a system buffer      same system buffer, copied back at completion
 *   in direct   copied to a system buffer      MDL, locked for reading
 *   out direct  copied to a system buffer      MDL, locked for writing
 *   neither     Type3InputBuffer, untouched    UserBuffer, untouched
 *
 * Addresses from user mode are hostile: a range is checked against the user limit before it is
 * touched, and touched under SEH only, as another thread may change the mapping at any time.
 */
#include "io/iop.h"

/* Input is not touched here: the copy under SEH finds out. */
__attribute__((noinline)) NTSTATUS IopProbeRange(PVOID Address, SIZE_T Length, BOOLEAN Write)
{
    __try {
        if (Write) {
            ProbeForWrite(Address, Length, 1);
        } else {
            ProbeForRead(Address, Length, 1);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS IopSetUpSystemBuffer(PIRP Irp, PVOID Input, ULONG InputLength, ULONG Length)
{
    PVOID Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Length, IO_TAG_BUFFER);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    NTSTATUS Status = MmCopyGuarded(Buffer, Input, InputLength);
    if (NT_SUCCESS(Status)) {
        /* What the driver does not write must not show the requester old pool content. */
        RtlZeroMemory((PCHAR)Buffer + InputLength, Length - InputLength);
    }
    return Status;
}

static NTSTATUS IopSetUpMdl(PIRP Irp, PVOID Buffer, ULONG Length, KPROCESSOR_MODE Mode,
                            LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, Irp);
    if (Mdl == NULL) {
        /* An address range that wraps round is the caller's fault, not lack of memory. */
        return (ULONG_PTR)Buffer + Length < (ULONG_PTR)Buffer ? STATUS_ACCESS_VIOLATION
                                                              : STATUS_INSUFFICIENT_RESOURCES;
    }
    return MmLockPagesGuarded(Mdl, Mode, Operation);
}

VOID IopReleaseBuffers(PIRP Irp)
{
    if (Irp->Flags & IRP_DEALLOCATE_BUFFER) {
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
        Irp->AssociatedIrp.SystemBuffer = NULL;
        Irp->Flags &= ~(ULONG)IRP_DEALLOCATE_BUFFER;
    }
    while (Irp->MdlAddress != NULL) {
        PMDL Mdl = Irp->MdlAddress;
        Irp->MdlAddress = Mdl->Next;
        if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
            MmUnlockPages(Mdl);
        }
        IoFreeMdl(Mdl);
    }
}

static NTSTATUS IopSetUpBuffered(PIRP Irp, const IOP_TRANSFER *Transfer)
{
    ULONG Length = Transfer->InputLength > Transfer->OutputLength ? Transfer->InputLength
                                                                  : Transfer->OutputLength;
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    Irp->UserBuffer = Transfer->Output;
    if (Transfer->OutputLength != 0) {
        Irp->Flags |= IRP_INPUT_OPERATION;
        IopSetBufferLength(Irp, Transfer->OutputLength);
    }
    return IopSetUpSystemBuffer(Irp, Transfer->Input, Transfer->InputLength, Length);
}

static NTSTATUS IopSetUpDirect(PIRP Irp, const IOP_TRANSFER *Transfer, LOCK_OPERATION Operation)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (Transfer->InputLength != 0) {
        Status = IopSetUpSystemBuffer(Irp, Transfer->Input, Transfer->InputLength,
                                      Transfer->InputLength);
    }
    if (NT_SUCCESS(Status) && Transfer->OutputLength != 0) {
        Irp->UserBuffer = Transfer->Output;
        Status = IopSetUpMdl(Irp, Transfer->Output, Transfer->OutputLength, Transfer->Mode,
                             Operation);
    }
    return Status;
}

NTSTATUS IopSetUpControlBuffers(PIRP Irp, ULONG Code, const IOP_TRANSFER *Transfer)
{
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    ULONG Method = METHOD_FROM_CTL_CODE(Code);
    NTSTATUS Status = STATUS_SUCCESS;

    Stack->Parameters.DeviceIoControl.OutputBufferLength = Transfer->OutputLength;
    Stack->Parameters.DeviceIoControl.InputBufferLength = Transfer->InputLength;
    Stack->Parameters.DeviceIoControl.IoControlCode = Code;
    if (Method == METHOD_NEITHER) {
        Stack->Parameters.DeviceIoControl.Type3InputBuffer = Transfer->Input;
        Irp->UserBuffer = Transfer->Output;
        return STATUS_SUCCESS;
    }
    if (Transfer->Mode != KernelMode) {
        Status = IopProbeRange(Transfer->Input, Transfer->InputLength, FALSE);
        if (NT_SUCCESS(Status) && Method == METHOD_BUFFERED) {
            Status = IopProbeRange(Transfer->Output, Transfer->OutputLength, TRUE);
        }
    }
    if (NT_SUCCESS(Status)) {
        Status = Method == METHOD_BUFFERED
                     ? IopSetUpBuffered(Irp, Transfer)
                     : IopSetUpDirect(Irp, Transfer, Method == METHOD_IN_DIRECT ? IoReadAccess
                                                                                : IoWriteAccess);
    }
    if (!NT_SUCCESS(Status)) {
        IopReleaseBuffers(Irp);
    }
    return Status;
}

NTSTATUS IopSetUpTransferBuffers(PIRP Irp, ULONG DeviceFlags, KPROCESSOR_MODE Mode, PVOID Buffer,
                                 ULONG Length, BOOLEAN Write)
{
    NTSTATUS Status = STATUS_SUCCESS;

    Irp->UserBuffer = Buffer;
    if (Mode != KernelMode) {
        /* A read writes the buffer. */
        Status = IopProbeRange(Buffer, Length, !Write);
    }
    if (NT_SUCCESS(Status) && Length != 0) {
        if (DeviceFlags & DO_BUFFERED_IO) {
            if (!Write) {
                Irp->Flags |= IRP_INPUT_OPERATION;
                IopSetBufferLength(Irp, Length);
            }
            Status = IopSetUpSystemBuffer(Irp, Buffer, Write ? Length : 0, Length);
        } else if (DeviceFlags & DO_DIRECT_IO) {
            Status = IopSetUpMdl(Irp, Buffer, Length, Mode, Write ? IoReadAccess : IoWriteAccess);
        }
    }
    if (!NT_SUCCESS(Status)) {
        IopReleaseBuffers(Irp);
    }
    return Status;
}
