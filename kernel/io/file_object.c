/* SPDX-License-Identifier: MIT */
/*
 * File objects: an open of a device.
 *
 *   parse      \Device\X[\rest]: file object, IRP_MJ_CREATE to the top of the stack
 *   last handle closed   IRP_MJ_CLEANUP
 *   last reference gone  IRP_MJ_CLOSE, then the device's open count falls
 *
 * A file whose create failed gets neither: FILE_OBJECT.DeviceObject is NULL then.
 */
#include "io/iop.h"
#include "nt/security.h"
#include "ps/psp.h"

PDEVICE_OBJECT IopBaseOf(PFILE_OBJECT File)
{
    PVPB Vpb = File->Vpb;
    return Vpb != NULL && (Vpb->Flags & VPB_MOUNTED) ? Vpb->DeviceObject : File->DeviceObject;
}

PDEVICE_OBJECT IopReferenceTop(PFILE_OBJECT File)
{
    PIOP_FILE_EXTENSION Extension = File->FileObjectExtension;
    if (Extension != NULL && Extension->Hint != NULL) {
        ObfReferenceObject(Extension->Hint);
        return Extension->Hint;
    }
    return IoGetAttachedDeviceReference(IopBaseOf(File));
}

/* Any IRQL */
BOOLEAN IoIsFileObjectIgnoringSharing(PFILE_OBJECT FileObject)
{
    PIOP_FILE_EXTENSION Extension = FileObject->FileObjectExtension;
    return Extension != NULL && Extension->IgnoresSharing;
}

/* What a request of the system's own to a file says; the rest is the same for all. */
typedef struct _IOP_FILE_REQUEST {
    UCHAR MajorFunction;
    ULONG IrpFlags;
    PVOID Buffer; /* of a read or write, as are Length and Offset */
    ULONG Length;
    LONGLONG Offset;
} IOP_FILE_REQUEST;

/*
 * PASSIVE_LEVEL; waits. The packet carries IRP_CLOSE_OPERATION, so that completion does no more
 * than copy the status and set the event, and the packet is freed here.
 */
static IO_STATUS_BLOCK IopSendFileRequest(PFILE_OBJECT File, const IOP_FILE_REQUEST *Request)
{
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    PDEVICE_OBJECT Top = IopReferenceTop(File);
    PIRP Irp = IopAllocateIrpMustSucceed(Top->StackSize);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->UserEvent = &Event;
    Irp->UserIosb = &IoStatus;
    Irp->Flags = Request->IrpFlags | IRP_CLOSE_OPERATION;
    Irp->UserBuffer = Request->Buffer;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = File;
    Stack->MajorFunction = Request->MajorFunction;
    Stack->FileObject = File;
    Stack->Parameters.Read.Length = Request->Length;
    Stack->Parameters.Read.ByteOffset.QuadPart = Request->Offset;
    IopQueueThreadIrp(Irp);
    IofCallDriver(Top, Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    IopDequeueThreadIrp(Irp);
    IoFreeIrp(Irp);
    ObfDereferenceObject(Top);
    return IoStatus;
}

/* Cleanup or close: nobody hears the answer. PASSIVE_LEVEL; waits. */
static VOID IopEndFile(PFILE_OBJECT File, UCHAR MajorFunction)
{
    const IOP_FILE_REQUEST Request = {.MajorFunction = MajorFunction,
                                      .IrpFlags = IRP_SYNCHRONOUS_API};
    IopSendFileRequest(File, &Request);
}

/*
 * A paging read or write of a file, at no file position: Buffer is resident memory or, of a read,
 * paged pool. PASSIVE_LEVEL, waits. *Done: how many bytes.
 */
NTSTATUS IopPageFile(PFILE_OBJECT File, UCHAR MajorFunction, PVOID Buffer, ULONG Length,
                     LONGLONG Offset, PULONG_PTR Done)
{
    const IOP_FILE_REQUEST Request = {
        .MajorFunction = MajorFunction,
        .IrpFlags = IRP_PAGING_IO | IRP_NOCACHE | IRP_SYNCHRONOUS_PAGING_IO,
        .Buffer = Buffer,
        .Length = Length,
        .Offset = Offset,
    };
    IO_STATUS_BLOCK IoStatus = IopSendFileRequest(File, &Request);
    *Done = IoStatus.Information;
    return IoStatus.Status;
}

/* FO_* of an open's CreateOptions. */
static ULONG IopFileFlags(ULONG CreateOptions)
{
    static const struct {
        ULONG Option, Flag;
    } Table[] = {
        {FILE_SYNCHRONOUS_IO_ALERT, FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO},
        {FILE_SYNCHRONOUS_IO_NONALERT, FO_SYNCHRONOUS_IO},
        {FILE_WRITE_THROUGH, FO_WRITE_THROUGH},
        {FILE_NO_INTERMEDIATE_BUFFERING, FO_NO_INTERMEDIATE_BUFFERING},
        {FILE_SEQUENTIAL_ONLY, FO_SEQUENTIAL_ONLY},
        {FILE_RANDOM_ACCESS, FO_RANDOM_ACCESS},
    };
    ULONG Flags = 0;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Table); i++) {
        Flags |= (CreateOptions & Table[i].Option) ? Table[i].Flag : 0;
    }
    return Flags;
}

/* The hint must be a device of the stack that the file's requests go to, as documented. */
static NTSTATUS IopExtendFile(PFILE_OBJECT File, const IOP_OPEN_PACKET *Packet)
{
    if (!Packet->IgnoresSharing && Packet->Hint == NULL) {
        return STATUS_SUCCESS;
    }
    if (Packet->Hint != NULL) {
        KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
        PDEVICE_OBJECT Device = IopBaseOf(File);
        while (Device != NULL && Device != Packet->Hint) {
            Device = Device->AttachedDevice;
        }
        KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
        if (Device == NULL) {
            return STATUS_INVALID_DEVICE_OBJECT_PARAMETER;
        }
    }
    PIOP_FILE_EXTENSION Extension =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Extension), IO_TAG_EXTENSION);
    if (Extension == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Extension = (IOP_FILE_EXTENSION){Packet->IgnoresSharing, Packet->Hint};
    if (Packet->Hint != NULL) {
        ObfReferenceObject(Packet->Hint);
    }
    File->FileObjectExtension = Extension;
    return STATUS_SUCCESS;
}

/* A mounted volume cannot be dismounted while its files are there. */
static VOID IopSetVpb(PFILE_OBJECT File, PVPB Vpb)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    if (File->Vpb != NULL) {
        File->Vpb->ReferenceCount--;
    }
    File->Vpb = Vpb;
    if (Vpb != NULL) {
        Vpb->ReferenceCount++;
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
}

/* Name is copied. The device's open count is the caller's and passes to the file on success. */
static NTSTATUS IopCreateFileObject(PDEVICE_OBJECT Device, PFILE_OBJECT Related,
                                    PCUNICODE_STRING Name, ULONG CreateOptions,
                                    PFILE_OBJECT *NewFile)
{
    PFILE_OBJECT File;
    NTSTATUS Status =
        ObpAllocateObject(IoFileObjectType, NULL, sizeof(FILE_OBJECT), (PVOID *)&File);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpHeaderOf(File)->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    File->Type = IO_TYPE_FILE;
    File->Size = sizeof(FILE_OBJECT);
    KeInitializeEvent(&File->Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&File->Event, NotificationEvent, FALSE);
    KeInitializeSpinLock(&File->IrpListLock);
    InitializeListHead(&File->IrpList);
    File->Flags |= IopFileFlags(CreateOptions);
    if (Name->Length != 0) {
        File->FileName.Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Name->Length, IO_TAG_NAME);
        if (File->FileName.Buffer == NULL) {
            ObfDereferenceObject(File);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(File->FileName.Buffer, Name->Buffer, Name->Length);
        File->FileName.Length = File->FileName.MaximumLength = Name->Length;
    }
    if (Related != NULL) {
        ObfReferenceObject(Related);
        File->RelatedFileObject = Related;
    }
    ObfReferenceObject(Device);
    File->DeviceObject = Device;
    *NewFile = File;
    return STATUS_SUCCESS;
}

/* The create request. Waits; the packet's own status block and event are on this stack. */
static NTSTATUS IopSendCreate(PFILE_OBJECT File, POB_PARSE_PARAMETERS Parameters,
                              PIOP_OPEN_PACKET Packet)
{
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    ACCESS_STATE AccessState = {.RemainingDesiredAccess = Parameters->DesiredAccess,
                                .OriginalDesiredAccess = Parameters->DesiredAccess};
    IO_SECURITY_CONTEXT Security = {NULL, &AccessState, Parameters->DesiredAccess,
                                    Packet->CreateOptions};
    PDEVICE_OBJECT Top = IopReferenceTop(File);
    PIRP Irp = IoAllocateIrp(Top->StackSize, FALSE);
    if (Irp == NULL) {
        ObfDereferenceObject(Top);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    SeCaptureSubjectContext(&AccessState.SubjectSecurityContext);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->RequestorMode = Parameters->AccessMode;
    Irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API;
    Irp->UserIosb = &IoStatus;
    Irp->UserEvent = &Event;
    Irp->AssociatedIrp.SystemBuffer = Packet->EaBuffer;
    Irp->Overlay.AllocationSize = Packet->AllocationSize;
    Irp->Tail.Overlay.OriginalFileObject = File;
    Stack->MajorFunction = IRP_MJ_CREATE;
    Stack->FileObject = File;
    Stack->Flags = Packet->StackFlags;
    Stack->Parameters.Create.SecurityContext = &Security;
    Stack->Parameters.Create.Options =
        (Packet->Disposition << 24) | (Packet->CreateOptions & FILE_VALID_OPTION_FLAGS);
    Stack->Parameters.Create.FileAttributes = Packet->FileAttributes;
    Stack->Parameters.Create.ShareAccess = Packet->ShareAccess;
    Stack->Parameters.Create.EaLength = Packet->EaLength;
    /* Completion gives the packet's reference back. */
    ObfReferenceObject(File);
    IopQueueThreadIrp(Irp);
    IofCallDriver(Top, Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    SeReleaseSubjectContext(&AccessState.SubjectSecurityContext);
    ObfDereferenceObject(Top);
    if ((Parameters->DesiredAccess & MAXIMUM_ALLOWED) && AccessState.PreviouslyGrantedAccess != 0) {
        Parameters->DesiredAccess = AccessState.PreviouslyGrantedAccess; /* the driver's answer */
    }
    Packet->Information = IoStatus.Information;
    return IoStatus.Status;
}

/* A create that failed leaves a file that the driver never saw opened. */
static VOID IopDiscardFile(PFILE_OBJECT File)
{
    PDEVICE_OBJECT Device = File->DeviceObject;
    File->DeviceObject = NULL;
    ObfDereferenceObject(File);
    IopCloseDevice(Device);
    ObfDereferenceObject(Device);
}

/*
 * An open of a disk's name itself for no more than its attributes is one of the disk, not of the
 * volume on it, as documented (FO_DIRECT_DEVICE_OPEN).
 */
static BOOLEAN IopIsDirectOpen(POB_PARSE_PARAMETERS Parameters, PFILE_OBJECT Related)
{
    const ACCESS_MASK Harmless = SYNCHRONIZE | FILE_READ_ATTRIBUTES | READ_CONTROL | WRITE_DAC |
                                 WRITE_OWNER | ACCESS_SYSTEM_SECURITY;
    return Parameters->Remaining.Length == 0 && Related == NULL &&
           (Parameters->DesiredAccess & ~Harmless) == 0;
}

/*
 * The device's descriptor guards the device. A name below it is the driver's affair, unless the
 * device has FILE_DEVICE_SECURE_OPEN, as documented. The access becomes what is granted; the driver
 * sees MAXIMUM_ALLOWED where it decides.
 */
static NTSTATUS IopCheckOpen(PDEVICE_OBJECT Device, UCHAR StackFlags,
                             POB_PARSE_PARAMETERS Parameters)
{
    if (Parameters->Remaining.Length != 0 && !(Device->Characteristics & FILE_DEVICE_SECURE_OPEN)) {
        return STATUS_SUCCESS;
    }
    return ObpCheckAccess(Device, Parameters->DesiredAccess,
                          Parameters->Attributes |
                              (StackFlags & SL_FORCE_ACCESS_CHECK ? OBJ_FORCE_ACCESS_CHECK : 0),
                          Parameters->AccessMode, &Parameters->DesiredAccess);
}

/* The file type's security procedure: an open of a device is guarded as the device is. */
PSECURITY_DESCRIPTOR *IopFileSecurity(PVOID Object)
{
    PFILE_OBJECT File = Object;
    return File->DeviceObject != NULL ? IopDeviceSecurity(File->DeviceObject)
                                      : &ObpHeaderOf(File)->SecurityDescriptor;
}

static NTSTATUS IopOpenFileOn(PDEVICE_OBJECT Device, PFILE_OBJECT Related,
                              POB_PARSE_PARAMETERS Parameters, PVOID *Object)
{
    PIOP_OPEN_PACKET Packet = Parameters->Context;
    PFILE_OBJECT File;

    if (Packet == NULL || Packet->Type != IO_TYPE_OPEN_PACKET ||
        Packet->Size != sizeof(IOP_OPEN_PACKET)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    NTSTATUS Status = IopCheckOpen(Device, Packet->StackFlags, Parameters);
    if (NT_SUCCESS(Status)) {
        Status = IopOpenDevice(Device);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCreateFileObject(Device, Related, &Parameters->Remaining, Packet->CreateOptions,
                                 &File);
    if (!NT_SUCCESS(Status)) {
        IopCloseDevice(Device);
        return Status;
    }
    if (Device->Vpb != NULL && (Device->Vpb->Flags & VPB_MOUNTED)) {
        if (IopIsDirectOpen(Parameters, Related)) {
            File->Flags |= FO_DIRECT_DEVICE_OPEN;
        } else {
            IopSetVpb(File, Device->Vpb);
        }
    }
    Status = IopExtendFile(File, Packet);
    if (!NT_SUCCESS(Status)) {
        IopDiscardFile(File);
        return Status;
    }
    Status = IopSendCreate(File, Parameters, Packet);
    if (Status == STATUS_REPARSE) {
        /* Only file systems ask for another name to be tried. */
        Status = STATUS_IO_REPARSE_TAG_NOT_HANDLED;
    }
    Packet->FinalStatus = Status;
    if (!NT_SUCCESS(Status)) {
        IopDiscardFile(File);
        return Status;
    }
    File->Flags |= FO_FILE_OPEN;
    *Object = File;
    return STATUS_SUCCESS;
}

/* Who wants the device itself gets it; everybody else an open of it. */
NTSTATUS IopParseDevice(POB_PARSE_PARAMETERS Parameters, PVOID *Object)
{
    if (Parameters->Type == IoDeviceObjectType && Parameters->Remaining.Length == 0) {
        ObfReferenceObject(Parameters->Object);
        *Object = Parameters->Object;
        return STATUS_SUCCESS;
    }
    return IopOpenFileOn(Parameters->Object, NULL, Parameters, Object);
}

/* A name relative to an open file: the same device opens it. */
NTSTATUS IopParseFile(POB_PARSE_PARAMETERS Parameters, PVOID *Object)
{
    PFILE_OBJECT Related = Parameters->Object;
    return IopOpenFileOn(Related->DeviceObject, Related, Parameters, Object);
}

/* The type's close procedure. */
VOID IopCloseFile(PEPROCESS Process, PVOID Object, ACCESS_MASK GrantedAccess, LONG64 HandlesBefore)
{
    PFILE_OBJECT File = Object;
    if (HandlesBefore == 1 && File->DeviceObject != NULL) {
        IopEndFile(File, IRP_MJ_CLEANUP);
        File->Flags |= FO_CLEANUP_COMPLETE;
    }
}

/* The type's delete procedure. */
VOID IopDeleteFile(PVOID Object)
{
    PFILE_OBJECT File = Object;
    PDEVICE_OBJECT Device = File->DeviceObject;

    if (Device != NULL && (File->Flags & FO_FILE_OPEN)) {
        if (!(File->Flags & FO_CLEANUP_COMPLETE)) {
            IopEndFile(File, IRP_MJ_CLEANUP); /* no handle was ever made */
        }
        IopEndFile(File, IRP_MJ_CLOSE);
        IopCloseDevice(Device);
    }
    IopSetVpb(File, NULL);
    if (Device != NULL) {
        ObfDereferenceObject(Device);
    }
    PIOP_FILE_EXTENSION Extension = File->FileObjectExtension;
    if (Extension != NULL) {
        if (Extension->Hint != NULL) {
            ObfDereferenceObject(Extension->Hint);
        }
        ExFreePoolWithTag(Extension, IO_TAG_EXTENSION);
    }
    if (File->FileName.Buffer != NULL) {
        ExFreePoolWithTag(File->FileName.Buffer, IO_TAG_NAME);
    }
    if (File->RelatedFileObject != NULL) {
        ObfDereferenceObject(File->RelatedFileObject);
    }
}

#define IOP_USUAL_NAME 512u /* bytes */

/* The name as the file system tells it, in paged pool; NULL: it does not, or there is no memory. */
static PFILE_NAME_INFORMATION IopAskFileName(PFILE_OBJECT File, ULONG NameBytes)
{
    ULONG Length = sizeof(FILE_NAME_INFORMATION) + NameBytes, Used;
    PFILE_NAME_INFORMATION Name = ExAllocatePoolWithTag(PagedPool, Length, IO_TAG_NAME);
    if (Name == NULL) {
        return NULL;
    }
    Name->FileNameLength = 0;
    NTSTATUS Status = IoQueryFileInformation(File, FileNameInformation, Length, Name, &Used);
    ULONG Wanted = Name->FileNameLength;
    if (NT_SUCCESS(Status) && Wanted <= UNICODE_STRING_MAX_BYTES) {
        return Name;
    }
    ExFreePoolWithTag(Name, IO_TAG_NAME);
    return Status == STATUS_BUFFER_OVERFLOW && NameBytes == IOP_USUAL_NAME &&
                   Wanted > NameBytes && Wanted <= UNICODE_STRING_MAX_BYTES
               ? IopAskFileName(File, Wanted)
               : NULL;
}

/* The file system knows the name best: the file object's may be relative, or of before a rename. */
PVOID IopQueryFileName(PVOID Object, PVOID *Base, PUNICODE_STRING Suffix)
{
    PFILE_OBJECT File = Object;
    PFILE_NAME_INFORMATION Name = NULL;

    *Base = File->DeviceObject;
    *Suffix = File->FileName;
    if (File->Vpb != NULL && !(File->Flags & FO_VOLUME_OPEN)) {
        Name = IopAskFileName(File, IOP_USUAL_NAME);
    }
    if (Name != NULL) {
        Suffix->Buffer = Name->FileName;
        Suffix->Length = Suffix->MaximumLength = (USHORT)Name->FileNameLength;
    }
    return Name;
}

/* Waiters count themselves before they look once more, so that an unlock cannot miss them. */
VOID IopLockFile(PFILE_OBJECT File)
{
    if (InterlockedExchange(&File->Busy, 1) == 0) {
        return;
    }
    InterlockedIncrement(&File->Waiters);
    while (InterlockedExchange(&File->Busy, 1) != 0) {
        KeWaitForSingleObject(&File->Lock, Executive, KernelMode, FALSE, NULL);
    }
    InterlockedDecrement(&File->Waiters);
}

VOID IopUnlockFile(PFILE_OBJECT File)
{
    InterlockedExchange(&File->Busy, 0);
    if (File->Waiters != 0) {
        KeSetEvent(&File->Lock, 0, FALSE);
    }
}
