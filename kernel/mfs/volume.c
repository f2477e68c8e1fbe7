/* SPDX-License-Identifier: MIT */
/*
 * The driver \Driver\Mfs: its start, its dispatch routine, its lock.
 *
 * Reads and writes of a file that was opened for asynchronous I/O are pending and done by a
 * system worker, as a disk's would be: the caller's buffer is locked into an MDL first. All else,
 * and what the caller waits for anyway, is done at once in the caller's thread.
 */
#include "mfs/mfs.h"

PDEVICE_OBJECT MfsDiskDevice, MfsVolumeDevice;
LARGE_INTEGER MfsVolumeTime;
static ERESOURCE MfsLock;

VOID MfsLockShared(VOID)
{
    ExEnterCriticalRegionAndAcquireResourceShared(&MfsLock);
}

VOID MfsLockExclusive(VOID)
{
    ExEnterCriticalRegionAndAcquireResourceExclusive(&MfsLock);
}

VOID MfsUnlock(VOID)
{
    ExReleaseResourceAndLeaveCriticalRegion(&MfsLock);
}

VOID MfsQueryTime(PLARGE_INTEGER Time)
{
    KeQuerySystemTimePrecise(Time);
}

NTSTATUS MfsControl(PMFS_REQUEST Request)
{
    return STATUS_INVALID_DEVICE_REQUEST; /* no control code is known yet */
}

static MFS_ROUTINE *const MfsRoutines[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_CREATE] = MfsCreate,
    [IRP_MJ_CLEANUP] = MfsCleanup,
    [IRP_MJ_CLOSE] = MfsClose,
    [IRP_MJ_READ] = MfsRead,
    [IRP_MJ_WRITE] = MfsWrite,
    [IRP_MJ_QUERY_INFORMATION] = MfsQuery,
    [IRP_MJ_SET_INFORMATION] = MfsSet,
    [IRP_MJ_FLUSH_BUFFERS] = MfsFlush,
    [IRP_MJ_QUERY_VOLUME_INFORMATION] = MfsQueryVolume,
    [IRP_MJ_SET_VOLUME_INFORMATION] = MfsSetVolume,
    [IRP_MJ_DIRECTORY_CONTROL] = MfsQueryDirectory,
    [IRP_MJ_FILE_SYSTEM_CONTROL] = MfsControl,
    [IRP_MJ_DEVICE_CONTROL] = MfsControl,
};

static NTSTATUS MfsComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    IofCompleteRequest(Irp, IO_DISK_INCREMENT);
    return Status;
}

NTSTATUS MfsCheckInformation(PMFS_REQUEST Request, ULONG Length, ULONG Least)
{
    if (Least == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Length < Least || Request->Irp->AssociatedIrp.SystemBuffer == NULL) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    return STATUS_SUCCESS;
}

/* Leaves the answer's Information in the packet. */
static NTSTATUS MfsPerform(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    MFS_REQUEST Request = {.Irp = Irp, .Stack = Stack, .File = Stack->FileObject};
    NTSTATUS Status = STATUS_INVALID_PARAMETER;

    if (Request.File != NULL && Stack->MajorFunction != IRP_MJ_CREATE) {
        Request.Node = Request.File->FsContext;
        Request.Open = Request.File->FsContext2;
    }
    if (Stack->MajorFunction == IRP_MJ_CREATE ||
        (Request.Node != NULL && Request.Node->Header.NodeTypeCode == MFS_NODE_TYPE)) {
        Status = MfsRoutines[Stack->MajorFunction](&Request);
    }
    Irp->IoStatus.Information = NT_ERROR(Status) ? 0 : Request.Information;
    return Status;
}

/* A request that a system worker performs. */
typedef struct _MFS_POSTED {
    WORK_QUEUE_ITEM Item;
    PIRP Irp;
    BOOLEAN OwnMdl; /* the packet's MDL is ours to give back */
} MFS_POSTED, *PMFS_POSTED;

static VOID MfsReleaseBuffer(PMFS_POSTED Posted)
{
    if (Posted->OwnMdl) {
        MmUnlockPages(Posted->Irp->MdlAddress);
        IoFreeMdl(Posted->Irp->MdlAddress);
        Posted->Irp->MdlAddress = NULL;
    }
    ExFreePoolWithTag(Posted, MFS_TAG);
}

static VOID MfsWorker(PVOID Context)
{
    PMFS_POSTED Posted = Context;
    PIRP Irp = Posted->Irp;
    NTSTATUS Status = MfsPerform(Irp);
    MfsReleaseBuffer(Posted);
    MfsComplete(Irp, Status);
}

/* The buffer of a read or write as another thread can reach it. */
static NTSTATUS MfsLockBuffer(PMFS_POSTED Posted, PIO_STACK_LOCATION Stack)
{
    PIRP Irp = Posted->Irp;
    if (Irp->MdlAddress != NULL) {
        return STATUS_SUCCESS;
    }
    PMDL Mdl = IoAllocateMdl(Irp->UserBuffer, Stack->Parameters.Read.Length, FALSE, FALSE, Irp);
    if (Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    LOCK_OPERATION Operation = Stack->MajorFunction == IRP_MJ_READ ? IoWriteAccess : IoReadAccess;
    NTSTATUS Status = MmLockPagesGuarded(Mdl, Irp->RequestorMode, Operation);
    if (NT_SUCCESS(Status)) {
        Posted->OwnMdl = TRUE;
    } else {
        IoFreeMdl(Mdl);
        Irp->MdlAddress = NULL;
    }
    return Status;
}

static NTSTATUS MfsPost(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    PMFS_POSTED Posted = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Posted), MFS_TAG);
    if (Posted == NULL) {
        return MfsComplete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    *Posted = (MFS_POSTED){.Irp = Irp};
    NTSTATUS Status = MfsLockBuffer(Posted, Stack);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Posted, MFS_TAG);
        return MfsComplete(Irp, Status);
    }
    IoMarkIrpPending(Irp);
    ExInitializeWorkItem(&Posted->Item, MfsWorker, Posted);
    ExQueueWorkItem(&Posted->Item, DelayedWorkQueue);
    return STATUS_PENDING;
}

static NTSTATUS MfsDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    UCHAR Major = Stack->MajorFunction;
    if (Device == MfsDiskDevice) {
        /* Opens of the disk itself; there are no sectors behind it. */
        BOOLEAN Good = Major == IRP_MJ_CREATE || Major == IRP_MJ_CLEANUP || Major == IRP_MJ_CLOSE;
        Irp->IoStatus.Information = Major == IRP_MJ_CREATE ? FILE_OPENED : 0;
        return MfsComplete(Irp, Good ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST);
    }
    if ((Major == IRP_MJ_READ || Major == IRP_MJ_WRITE) && Stack->FileObject != NULL &&
        Stack->Parameters.Read.Length != 0 && !IoIsOperationSynchronous(Irp)) {
        return MfsPost(Irp, Stack);
    }
    return MfsComplete(Irp, MfsPerform(Irp));
}

static NTSTATUS MfsDriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        if (MfsRoutines[i] != NULL) {
            Driver->MajorFunction[i] = MfsDispatch;
        }
    }
    RtlInitUnicodeString(&Name, L"\\Device\\HarddiskVolume1");
    NTSTATUS Status = IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_DISK, 0,
                                     FALSE, &MfsDiskDevice);
    if (NT_SUCCESS(Status)) {
        Status = IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE,
                                &MfsVolumeDevice);
    }
    return Status;
}

/* What mounting leaves behind: the disk's VPB names the volume. */
static VOID MfsMount(VOID)
{
    static const WCHAR Label[] = L"Pageable";
    PVPB Vpb = MfsDiskDevice->Vpb;
    Vpb->DeviceObject = MfsVolumeDevice;
    Vpb->SerialNumber = 0x50414745; /* any; the same in each run */
    Vpb->VolumeLabelLength = sizeof(Label) - sizeof(WCHAR);
    RtlCopyMemory(Vpb->VolumeLabel, Label, sizeof(Label) - sizeof(WCHAR));
    IopDeviceExtension(MfsVolumeDevice)->Vpb = Vpb;
    MfsVolumeDevice->SectorSize = MFS_SECTOR_BYTES;
    MfsVolumeDevice->StackSize = (CCHAR)(MfsDiskDevice->StackSize + 1);
    Vpb->Flags |= VPB_MOUNTED;
}

static VOID MfsCreateLinks(VOID)
{
    static const struct {
        PCWSTR Link, Target;
    } Links[] = {
        {L"\\??\\C:", L"\\Device\\HarddiskVolume1"},
        {L"\\SystemRoot", L"\\Device\\HarddiskVolume1\\Windows"},
        {L"\\Device\\BootDevice", L"\\Device\\HarddiskVolume1"},
    };
    UNICODE_STRING Link, Target;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Links); i++) {
        RtlInitUnicodeString(&Link, Links[i].Link);
        RtlInitUnicodeString(&Target, Links[i].Target);
        NT_VERIFY(NT_SUCCESS(ObpCreateSymbolicLink(&Link, &Target)));
    }
}

VOID MfsInitializeSystem(VOID)
{
    static const UNICODE_STRING Nameless = {0, 0, NULL};
    static const UNICODE_STRING DriverName = RTL_CONSTANT_STRING(L"\\Driver\\Mfs");

    NT_VERIFY(NT_SUCCESS(ExInitializeResourceLite(&MfsLock)));
    MfsQueryTime(&MfsVolumeTime);
    MfsLockExclusive();
    NT_VERIFY(NT_SUCCESS(MfsCreateNode(NULL, &Nameless, FILE_ATTRIBUTE_DIRECTORY, &MfsRoot)));
    NT_VERIFY(NT_SUCCESS(MfsCreateNode(NULL, &Nameless, 0, &MfsVolumeNode)));
    MfsRoot->Flags |= MFS_ROOT;
    MfsRoot->Attributes |= FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;
    MfsVolumeNode->Flags |= MFS_VOLUME;
    MfsTakeArchive();
    MfsUnlock();
    NT_VERIFY(NT_SUCCESS(IoCreateDriver((PUNICODE_STRING)&DriverName, MfsDriverEntry)));
    MfsMount();
    MfsCreateLinks();
}
