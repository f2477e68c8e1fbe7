/* SPDX-License-Identifier: MIT */
/*
 * Device stacks. AttachedDevice points up, the extension's AttachedTo points down; both are under
 * IopDatabaseLock, which also makes the walk to a top and a reference on it one step.
 */
#include "io/iop.h"

PDEVICE_OBJECT IopTopOfStack(PDEVICE_OBJECT Device)
{
    while (Device->AttachedDevice != NULL) {
        Device = Device->AttachedDevice;
    }
    return Device;
}

/*
 * Attaches Source above the top of Target's stack and returns that former top, or NULL when it is
 * going away. *Slot, when given, gets the same value before requests can arrive at Source.
 */
static PDEVICE_OBJECT IopAttach(PDEVICE_OBJECT Source, PDEVICE_OBJECT Target,
                                PDEVICE_OBJECT *Slot)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PDEVICE_OBJECT Top = IopTopOfStack(Target);
    if ((IopDeviceExtension(Top)->ExtensionFlags & DOE_DELETE_PENDING) ||
        (Top->Flags & DO_DEVICE_INITIALIZING) || Top->StackSize >= 127 ||
        IopDeviceExtension(Source)->AttachedTo != NULL) {
        Top = NULL;
    } else {
        Source->StackSize = (CCHAR)(Top->StackSize + 1);
        Source->AlignmentRequirement = Top->AlignmentRequirement;
        Source->SectorSize = Top->SectorSize;
        IopDeviceExtension(Source)->AttachedTo = Top;
        if (Slot != NULL) {
            *Slot = Top;
        }
        Top->AttachedDevice = Source;
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Top;
}

PDEVICE_OBJECT IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice,
                                           PDEVICE_OBJECT TargetDevice)
{
    return IopAttach(SourceDevice, TargetDevice, NULL);
}

NTSTATUS IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice,
                                         PDEVICE_OBJECT *AttachedToDeviceObject)
{
    return IopAttach(SourceDevice, TargetDevice, AttachedToDeviceObject) != NULL
               ? STATUS_SUCCESS
               : STATUS_NO_SUCH_DEVICE;
}

NTSTATUS IoAttachDeviceByPointer(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    return IopAttach(SourceDevice, TargetDevice, NULL) != NULL ? STATUS_SUCCESS
                                                               : STATUS_NO_SUCH_DEVICE;
}

/* PASSIVE_LEVEL */
NTSTATUS IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice,
                        PDEVICE_OBJECT *AttachedDevice)
{
    PFILE_OBJECT FileObject;
    PDEVICE_OBJECT Target;
    NTSTATUS Status =
        IoGetDeviceObjectPointer(TargetDevice, FILE_READ_ATTRIBUTES, &FileObject, &Target);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoAttachDeviceToDeviceStackSafe(SourceDevice, Target, AttachedDevice);
    ObfDereferenceObject(FileObject);
    return Status;
}

VOID IoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PDEVICE_OBJECT Upper = TargetDevice->AttachedDevice;
    NT_VERIFY(Upper != NULL);
    IopDeviceExtension(Upper)->AttachedTo = NULL;
    TargetDevice->AttachedDevice = NULL;
    BOOLEAN Delete = IopTryUnlinkDevice(TargetDevice);
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    if (Delete) {
        ObfDereferenceObject(TargetDevice);
    }
}

PDEVICE_OBJECT IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PDEVICE_OBJECT Top = IopTopOfStack(DeviceObject);
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Top;
}

PDEVICE_OBJECT IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PDEVICE_OBJECT Top = IopTopOfStack(DeviceObject);
    ObfReferenceObject(Top);
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Top;
}

/* Referenced; NULL: nothing is below. */
PDEVICE_OBJECT IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PDEVICE_OBJECT Lower = IopDeviceExtension(DeviceObject)->AttachedTo;
    if (Lower != NULL) {
        ObfReferenceObject(Lower);
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Lower;
}

/* Referenced */
PDEVICE_OBJECT IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    while (IopDeviceExtension(DeviceObject)->AttachedTo != NULL) {
        DeviceObject = IopDeviceExtension(DeviceObject)->AttachedTo;
    }
    ObfReferenceObject(DeviceObject);
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return DeviceObject;
}

/* Where the file's requests go. Not referenced. */
PDEVICE_OBJECT IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    PDEVICE_OBJECT Top = IopReferenceTop(FileObject);
    ObfDereferenceObject(Top); /* the open file keeps it */
    return Top;
}

PDEVICE_OBJECT IoGetBaseFileSystemDeviceObject(PFILE_OBJECT FileObject)
{
    return IopBaseOf(FileObject);
}

/*
 * Opens the object and closes the handle again, so that the driver sees a create and a cleanup;
 * the close comes when the caller dereferences the file. PASSIVE_LEVEL
 */
NTSTATUS IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                                  PFILE_OBJECT *FileObject, PDEVICE_OBJECT *DeviceObject)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;
    PFILE_OBJECT File;

    InitializeObjectAttributes(&Attributes, ObjectName, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = ZwOpenFile(&Handle, DesiredAccess, &Attributes, &IoStatus, 0,
                                 FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, 0, IoFileObjectType, KernelMode, (PVOID *)&File,
                                       NULL);
    if (NT_SUCCESS(Status)) {
        *FileObject = File;
        *DeviceObject = IoGetRelatedDeviceObject(File);
    }
    ZwClose(Handle);
    return Status;
}
