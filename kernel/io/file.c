/* SPDX-License-Identifier: MIT */
/*
 * Read, write and control requests on handles: the common path of the services, for kernel mode and
 * user mode.
 *
 * A request that is waited for is deferred: when the driver completes it without pending, the
 * completion only says so in Deferred, and the last part (IopFinishRequest) is called from here,
 * at APC_LEVEL, instead of by an APC. Drivers that get the pending mark wrong are reported.
 */
#include "io/iop.h"
#include "ps/psp.h"

static ACCESS_MASK IopRequiredAccess(const IOP_REQUEST *Request, ACCESS_MASK Granted)
{
    switch (Request->MajorFunction) {
    case IRP_MJ_READ:
        return FILE_READ_DATA;
    case IRP_MJ_WRITE: /* either right to write is enough */
    case IRP_MJ_FLUSH_BUFFERS:
        return (Granted & FILE_APPEND_DATA) ? 0 : FILE_WRITE_DATA;
    case IRP_MJ_QUERY_INFORMATION:
    case IRP_MJ_SET_INFORMATION:
        return IopInformationAccess(Request->MajorFunction, (FILE_INFORMATION_CLASS)Request->Code);
    case IRP_MJ_DIRECTORY_CONTROL:
        return FILE_LIST_DIRECTORY;
    case IRP_MJ_QUERY_VOLUME_INFORMATION:
        return 0;
    default: {
        ULONG Access = (Request->Code >> 14) & 3;
        return ((Access & FILE_READ_ACCESS) ? FILE_READ_DATA : 0) |
               ((Access & FILE_WRITE_ACCESS) ? FILE_WRITE_DATA : 0);
    }
    }
}

/* References the file, and the event when there is one. */
static NTSTATUS IopReferenceRequest(const IOP_REQUEST *Request, PFILE_OBJECT *File, PKEVENT *Event)
{
    OBJECT_HANDLE_INFORMATION Information;

    *Event = NULL;
    if (Request->File != NULL) {
        ObfReferenceObject(Request->File);
        *File = Request->File;
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(Request->Handle, 0, IoFileObjectType,
                                                Request->Mode, (PVOID *)File, &Information);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Request->Mode != KernelMode &&
        (IopRequiredAccess(Request, Information.GrantedAccess) & ~Information.GrantedAccess)) {
        Status = STATUS_ACCESS_DENIED;
    }
    if (NT_SUCCESS(Status) && Request->Event != NULL) {
        Status = ObReferenceObjectByHandle(Request->Event, EVENT_MODIFY_STATE, ExEventObjectType,
                                           Request->Mode, (PVOID *)Event, NULL);
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(*File);
    }
    return Status;
}

/* The byte offset of a read or write; only synchronous files have a position of their own. */
static NTSTATUS IopResolveOffset(const IOP_REQUEST *Request, PFILE_OBJECT File,
                                 PLARGE_INTEGER Offset)
{
    const LARGE_INTEGER *Given = Request->Offset;
    BOOLEAN Position = Given == NULL || (Given->LowPart == FILE_USE_FILE_POINTER_POSITION &&
                                         Given->HighPart == -1);
    if (Position) {
        if (!(File->Flags & FO_SYNCHRONOUS_IO)) {
            return STATUS_INVALID_PARAMETER;
        }
        *Offset = File->CurrentByteOffset;
        return STATUS_SUCCESS;
    }
    BOOLEAN Append = Request->MajorFunction == IRP_MJ_WRITE && Given->HighPart == -1 &&
                     Given->LowPart == FILE_WRITE_TO_END_OF_FILE;
    if (Given->QuadPart < 0 && !Append) {
        return STATUS_INVALID_PARAMETER;
    }
    *Offset = *Given;
    return STATUS_SUCCESS;
}

static BOOLEAN IopIsTransfer(const IOP_REQUEST *Request)
{
    return Request->MajorFunction == IRP_MJ_READ || Request->MajorFunction == IRP_MJ_WRITE;
}

/* Requests other than transfers and controls: their parameters, and how their buffer travels. */
static NTSTATUS IopBuildOther(const IOP_REQUEST *Request, PDEVICE_OBJECT Top, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    KPROCESSOR_MODE Mode = Request->Mode; /* of the buffer */
    ULONG Flags = DO_BUFFERED_IO;
    BOOLEAN Write = FALSE;

    switch (Request->MajorFunction) {
    case IRP_MJ_QUERY_INFORMATION:
    case IRP_MJ_QUERY_VOLUME_INFORMATION: /* the two have the same parameters */
        Stack->Parameters.QueryFile.Length = Request->OutputLength;
        Stack->Parameters.QueryFile.FileInformationClass = (FILE_INFORMATION_CLASS)Request->Code;
        break;
    case IRP_MJ_SET_INFORMATION:
        Write = TRUE;
        Mode = KernelMode; /* it has been captured */
        Stack->Parameters.SetFile.Length = Request->OutputLength;
        Stack->Parameters.SetFile.FileInformationClass = (FILE_INFORMATION_CLASS)Request->Code;
        Stack->Parameters.SetFile.FileObject = Request->Target;
        Stack->Parameters.SetFile.ReplaceIfExists = Request->ReplaceIfExists;
        break;
    case IRP_MJ_DIRECTORY_CONTROL:
        Stack->MinorFunction = IRP_MN_QUERY_DIRECTORY;
        Stack->Flags = Request->StackFlags;
        Stack->Parameters.QueryDirectory.Length = Request->OutputLength;
        Stack->Parameters.QueryDirectory.FileName = Request->Pattern;
        Stack->Parameters.QueryDirectory.FileInformationClass =
            (FILE_INFORMATION_CLASS)Request->Code;
        Flags = Top->Flags;
        break;
    default:
        return STATUS_SUCCESS; /* a flush has nothing */
    }
    return IopSetUpTransferBuffers(Irp, Flags, Mode, Request->Output, Request->OutputLength,
                                   Write);
}

/* The packet with its buffers, ready to be sent. */
static NTSTATUS IopBuildRequest(const IOP_REQUEST *Request, PFILE_OBJECT File, PDEVICE_OBJECT Top,
                                PIRP *BuiltIrp)
{
    NTSTATUS Status;
    LARGE_INTEGER Offset = {.QuadPart = 0};
    if (IopIsTransfer(Request)) {
        Status = IopResolveOffset(Request, File, &Offset);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    PIRP Irp = IoAllocateIrp(Top->StackSize, FALSE);
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = Request->MajorFunction;
    Stack->FileObject = File;
    Irp->RequestorMode = Request->Mode;
    Irp->Tail.Overlay.OriginalFileObject = File;
    Irp->UserIosb = Request->IoStatus;
    if (IopIsTransfer(Request)) {
        BOOLEAN Write = Request->MajorFunction == IRP_MJ_WRITE;
        Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
        Irp->Flags |= (File->Flags & FO_NO_INTERMEDIATE_BUFFERING) ? IRP_NOCACHE : 0;
        Stack->Parameters.Read.Length = Request->OutputLength;
        Stack->Parameters.Read.Key = Request->Key;
        Stack->Parameters.Read.ByteOffset = Offset;
        Status = IopSetUpTransferBuffers(Irp, Top->Flags, Request->Mode, Request->Output,
                                         Request->OutputLength, Write);
    } else if (Request->MajorFunction == IRP_MJ_DEVICE_CONTROL ||
               Request->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL) {
        IOP_TRANSFER Transfer = {Request->Mode, Request->Input, Request->InputLength,
                                 Request->Output, Request->OutputLength};
        Status = IopSetUpControlBuffers(Irp, Request->Code, &Transfer);
    } else {
        Status = IopBuildOther(Request, Top, Irp);
    }
    if (!NT_SUCCESS(Status)) {
        IoFreeIrp(Irp);
        return Status;
    }
    *BuiltIrp = Irp;
    return STATUS_SUCCESS;
}

/*
 * Until the driver has completed it. As in NT the end of a user thread, or an alert where the file
 * was opened for that, cancels a request on a synchronous file; when it is over the driver says.
 * What completion writes to is on this stack, so the stack stays in memory.
 */
static VOID IopAwaitCompletion(PIRP Irp, PFILE_OBJECT File, KPROCESSOR_MODE Mode, PKEVENT Event)
{
    BOOLEAN Synchronous = (File->Flags & FO_SYNCHRONOUS_IO) != 0;
    BOOLEAN Swap = KeSetKernelStackSwapEnable(FALSE);
    NTSTATUS Status =
        KeWaitForSingleObject(Event, Executive, Synchronous ? Mode : KernelMode,
                              Synchronous && (File->Flags & FO_ALERTABLE_IO), NULL);

    KeSetKernelStackSwapEnable(Swap);
    if (Status == STATUS_SUCCESS) {
        return;
    }
    /* At APC_LEVEL the packet, when the event is not set yet, cannot go. */
    KIRQL OldIrql = KiRaiseIrql(APC_LEVEL);
    if (KeReadStateEvent(Event) == 0) {
        IoCancelIrp(Irp);
    }
    KiWriteIrql(OldIrql);
    KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, NULL);
}

/* Sends it and waits for the end. The packet is gone afterwards, its file reference too. */
static NTSTATUS IopCallAndWait(PIRP Irp, PDEVICE_OBJECT Top, PFILE_OBJECT File,
                               const IOP_REQUEST *Request)
{
    KEVENT Event;
    volatile BOOLEAN Deferred = FALSE;
    ULONG BufferLength = (ULONG)(ULONG_PTR)Irp->Tail.Overlay.AuxiliaryBuffer;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->UserEvent = &Event;
    Irp->Flags |= IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    Irp->Overlay.AsynchronousParameters.UserApcContext = (PVOID)&Deferred;
    IopQueueThreadIrp(Irp);
    NTSTATUS Status = IofCallDriver(Top, Irp);
    if (Status == STATUS_PENDING && Deferred) {
        IopReportFinding(IopFindingPendingNotMarked,
                         "a dispatch routine returned STATUS_PENDING without IoMarkIrpPending",
                         NULL);
    } else if (Status != STATUS_PENDING && !Deferred && KeReadStateEvent(&Event) == 0) {
        IopReportFinding(IopFindingNotCompleted,
                         "a dispatch routine returned a final status without completing", NULL);
    }
    /* Also when Deferred is set already: the completer may still be about to set the event. */
    IopAwaitCompletion(Irp, File, Request->Mode, &Event);
    if (Deferred) {
        KIRQL OldIrql = KiRaiseIrql(APC_LEVEL);
        IopFinishRequest(Irp, File, BufferLength);
        KiWriteIrql(OldIrql);
    }
    /* The requester's status block is not the kernel's to read, when it is user mode's. */
    return File->Flags & FO_SYNCHRONOUS_IO ? File->FinalStatus : Request->IoStatus->Status;
}

/* Returns at once; completion sets the caller's event or calls its APC routine. */
static NTSTATUS IopCallOnly(PIRP Irp, PDEVICE_OBJECT Top, PFILE_OBJECT File, PKEVENT Event,
                            const IOP_REQUEST *Request)
{
    if (Event != NULL) {
        KeClearEvent(Event);
    } else {
        KeClearEvent(&File->Event);
    }
    Irp->UserEvent = Event;
    Irp->Overlay.AsynchronousParameters.UserApcRoutine = Request->ApcRoutine;
    Irp->Overlay.AsynchronousParameters.UserApcContext = Request->ApcContext;
    IopQueueThreadIrp(Irp);
    return IofCallDriver(Top, Irp);
}

/*
 * PASSIVE_LEVEL, special kernel APCs enabled. A request that is waited for fills IoStatus in
 * every case; another one only when it gets as far as completion.
 */
NTSTATUS IopPerformRequest(PIOP_REQUEST Request)
{
    PFILE_OBJECT File;
    PKEVENT Event;
    PIRP Irp;

    NTSTATUS Status = IopReferenceRequest(Request, &File, &Event);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PKTHREAD Thread = KeGetCurrentThread();
    CCHAR PreviousMode = Thread->PreviousMode;
    Thread->PreviousMode = Request->Mode;
    BOOLEAN Synchronous = (File->Flags & FO_SYNCHRONOUS_IO) != 0;
    BOOLEAN Wait = Request->Wait || (Synchronous && Request->ApcRoutine == NULL);
    BOOLEAN Lock = Synchronous && !Request->Unlocked;
    if (Lock) {
        IopLockFile(File);
    }
    PDEVICE_OBJECT Top = IopReferenceTop(File);
    Status = IopBuildRequest(Request, File, Top, &Irp);
    if (NT_SUCCESS(Status)) {
        ObfReferenceObject(File); /* the packet's */
        if (Wait) {
            Status = IopCallAndWait(Irp, Top, File, Request);
            if (Event != NULL) {
                KeSetEvent(Event, EVENT_INCREMENT, FALSE);
            }
        } else {
            Status = IopCallOnly(Irp, Top, File, Event, Request);
            Event = NULL; /* completion gives that reference back */
        }
    } else if (Wait && Request->Mode == KernelMode) {
        Request->IoStatus->Status = Status;
        Request->IoStatus->Information = 0;
    }
    ObfDereferenceObject(Top);
    if (Lock) {
        IopUnlockFile(File);
    }
    Thread->PreviousMode = PreviousMode;
    if (Event != NULL) {
        ObfDereferenceObject(Event);
    }
    ObfDereferenceObject(File);
    return Status;
}

static NTSTATUS IopPerformForUser(PIOP_REQUEST Request)
{
    Request->Mode = UserMode;
    Request->Wait = TRUE;
    Request->IoStatus->Status = STATUS_PENDING;
    Request->IoStatus->Information = 0;
    NTSTATUS Status = IopPerformRequest(Request);
    Request->IoStatus->Status = Status;
    return Status;
}

NTSTATUS IopDeviceControlFile(HANDLE Handle, ULONG Code, PVOID Input, ULONG InputLength,
                              PVOID Output, ULONG OutputLength, PIO_STATUS_BLOCK IoStatus)
{
    IOP_REQUEST Request = {
        .Handle = Handle,
        .MajorFunction = IRP_MJ_DEVICE_CONTROL,
        .Code = Code,
        .Input = Input,
        .InputLength = InputLength,
        .Output = Output,
        .OutputLength = OutputLength,
        .IoStatus = IoStatus,
    };
    return IopPerformForUser(&Request);
}

static NTSTATUS IopTransferFile(UCHAR MajorFunction, HANDLE Handle, PVOID Buffer, ULONG Length,
                                PLARGE_INTEGER Offset, PIO_STATUS_BLOCK IoStatus)
{
    IOP_REQUEST Request = {
        .Handle = Handle,
        .MajorFunction = MajorFunction,
        .Output = Buffer,
        .OutputLength = Length,
        .Offset = Offset,
        .IoStatus = IoStatus,
    };
    return IopPerformForUser(&Request);
}

NTSTATUS IopReadFile(HANDLE Handle, PVOID Buffer, ULONG Length, PLARGE_INTEGER Offset,
                     PIO_STATUS_BLOCK IoStatus)
{
    return IopTransferFile(IRP_MJ_READ, Handle, Buffer, Length, Offset, IoStatus);
}

NTSTATUS IopWriteFile(HANDLE Handle, PVOID Buffer, ULONG Length, PLARGE_INTEGER Offset,
                      PIO_STATUS_BLOCK IoStatus)
{
    return IopTransferFile(IRP_MJ_WRITE, Handle, Buffer, Length, Offset, IoStatus);
}

NTSTATUS IopOpenFile(PCUNICODE_STRING Path, ACCESS_MASK DesiredAccess, KPROCESSOR_MODE Mode,
                     PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    IOP_OPEN_PACKET Packet = {
        .Type = IO_TYPE_OPEN_PACKET,
        .Size = sizeof(IOP_OPEN_PACKET),
        .CreateOptions = FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE,
        .Disposition = FILE_OPEN,
        .FileAttributes = FILE_ATTRIBUTE_NORMAL,
        .ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE,
    };
    PKTHREAD Thread = KeGetCurrentThread();
    CCHAR PreviousMode = Thread->PreviousMode;

    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)Path, OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    Thread->PreviousMode = Mode;
    NTSTATUS Status = ObOpenObjectByName(&Attributes, IoFileObjectType, Mode, NULL,
                                         DesiredAccess | SYNCHRONIZE, &Packet, Handle);
    Thread->PreviousMode = PreviousMode;
    return Status;
}
