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

/*
 * Cleanup and close: requests that nobody hears the answer of. PASSIVE_LEVEL; waits. The packet
 * carries IRP_CLOSE_OPERATION, so completion does no more than set the event.
 */
static VOID IopSendFileRequest(PFILE_OBJECT FileObject, UCHAR MajorFunction)
{
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus;
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(FileObject->DeviceObject);
    PIRP Irp = IopAllocateIrpMustSucceed(Top->StackSize);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->UserEvent = &Event;
    Irp->UserIosb = &IoStatus;
    Irp->Flags = IRP_SYNCHRONOUS_API | IRP_CLOSE_OPERATION;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = FileObject;
    Stack->MajorFunction = MajorFunction;
    Stack->FileObject = FileObject;
    IopQueueThreadIrp(Irp);
    IofCallDriver(Top, Irp);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    IopDequeueThreadIrp(Irp);
    IoFreeIrp(Irp);
    ObfDereferenceObject(Top);
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
    if (CreateOptions & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) {
        File->Flags |= FO_SYNCHRONOUS_IO;
        File->Flags |= (CreateOptions & FILE_SYNCHRONOUS_IO_ALERT) ? FO_ALERTABLE_IO : 0;
    }
    if (CreateOptions & FILE_WRITE_THROUGH) {
        File->Flags |= FO_WRITE_THROUGH;
    }
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
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(File->DeviceObject);
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
    Irp->Tail.Overlay.OriginalFileObject = File;
    Stack->MajorFunction = IRP_MJ_CREATE;
    Stack->FileObject = File;
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
 * The device's descriptor guards the device. A name below it is the driver's affair, unless the
 * device has FILE_DEVICE_SECURE_OPEN, as documented.
 */
static NTSTATUS IopCheckOpen(PDEVICE_OBJECT Device, POB_PARSE_PARAMETERS Parameters)
{
    if (Parameters->Remaining.Length != 0 && !(Device->Characteristics & FILE_DEVICE_SECURE_OPEN)) {
        return STATUS_SUCCESS;
    }
    return ObpCheckAccess(Device, Parameters->DesiredAccess, Parameters->Attributes,
                          Parameters->AccessMode);
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
    NTSTATUS Status = IopCheckOpen(Device, Parameters);
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

NTSTATUS IopParseDevice(POB_PARSE_PARAMETERS Parameters, PVOID *Object)
{
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
        IopSendFileRequest(File, IRP_MJ_CLEANUP);
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
            IopSendFileRequest(File, IRP_MJ_CLEANUP); /* no handle was ever made */
        }
        IopSendFileRequest(File, IRP_MJ_CLOSE);
        IopCloseDevice(Device);
    }
    if (Device != NULL) {
        ObfDereferenceObject(Device);
    }
    if (File->FileName.Buffer != NULL) {
        ExFreePoolWithTag(File->FileName.Buffer, IO_TAG_NAME);
    }
    if (File->RelatedFileObject != NULL) {
        ObfDereferenceObject(File->RelatedFileObject);
    }
}

VOID IopQueryFileName(PVOID Object, PVOID *Base, PUNICODE_STRING Suffix)
{
    PFILE_OBJECT File = Object;
    *Base = File->DeviceObject;
    *Suffix = File->FileName;
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
