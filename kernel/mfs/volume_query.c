/* SPDX-License-Identifier: MIT */
/* IRP_MJ_QUERY_VOLUME_INFORMATION and IRP_MJ_SET_VOLUME_INFORMATION: what the volume is. */
#include "mfs/mfs.h"

static const WCHAR MfsName[] = L"MFS";

/* Text behind the fixed part, as much as fits. */
static NTSTATUS MfsPutText(PMFS_REQUEST Request, PVOID To, ULONG Head, ULONG Length,
                           const VOID *Text, ULONG Bytes)
{
    ULONG Fits = Bytes < Length - Head ? Bytes : Length - Head;
    RtlCopyMemory(To, Text, Fits);
    Request->Information = Head + Fits;
    return Fits == Bytes ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static NTSTATUS MfsFillVolume(PMFS_REQUEST Request, PFILE_FS_VOLUME_INFORMATION Volume,
                              ULONG Length)
{
    PVPB Vpb = MfsDiskDevice->Vpb;
    Volume->VolumeCreationTime = MfsVolumeTime;
    Volume->VolumeSerialNumber = Vpb->SerialNumber;
    Volume->VolumeLabelLength = Vpb->VolumeLabelLength;
    Volume->SupportsObjects = FALSE;
    return MfsPutText(Request, Volume->VolumeLabel,
                      offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel), Length, Vpb->VolumeLabel,
                      Vpb->VolumeLabelLength);
}

static NTSTATUS MfsFillAttribute(PMFS_REQUEST Request, PFILE_FS_ATTRIBUTE_INFORMATION Attribute,
                                 ULONG Length)
{
    Attribute->FileSystemAttributes = FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK;
    Attribute->MaximumComponentNameLength = MFS_NAME_BYTES / sizeof(WCHAR);
    Attribute->FileSystemNameLength = sizeof(MfsName) - sizeof(WCHAR);
    return MfsPutText(Request, Attribute->FileSystemName,
                      offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName), Length, MfsName,
                      sizeof(MfsName) - sizeof(WCHAR));
}

static VOID MfsFillSize(PFILE_FS_FULL_SIZE_INFORMATION Full)
{
    Full->TotalAllocationUnits.QuadPart = MFS_CLUSTERS;
    Full->CallerAvailableAllocationUnits.QuadPart = MFS_CLUSTERS - MfsUsedClusters;
    Full->ActualAvailableAllocationUnits = Full->CallerAvailableAllocationUnits;
    Full->SectorsPerAllocationUnit = MFS_CLUSTER_BYTES / MFS_SECTOR_BYTES;
    Full->BytesPerSector = MFS_SECTOR_BYTES;
}

static VOID MfsFillSectorSize(PFILE_FS_SECTOR_SIZE_INFORMATION Sector)
{
    *Sector = (FILE_FS_SECTOR_SIZE_INFORMATION){
        .LogicalBytesPerSector = MFS_SECTOR_BYTES,
        .PhysicalBytesPerSectorForAtomicity = MFS_SECTOR_BYTES,
        .PhysicalBytesPerSectorForPerformance = MFS_SECTOR_BYTES,
        .FileSystemEffectivePhysicalBytesPerSectorForAtomicity = MFS_SECTOR_BYTES,
    };
}

/* MfsLock held shared; Length is at least what the class's structure takes. */
static NTSTATUS MfsQueryVolumeLocked(PMFS_REQUEST Request, PVOID Buffer, ULONG Length)
{
    FS_INFORMATION_CLASS Class = Request->Stack->Parameters.QueryVolume.FsInformationClass;
    FILE_FS_FULL_SIZE_INFORMATION Full;

    Request->Information = IopQueryVolumeLength(Class);
    switch (Class) {
    case FileFsVolumeInformation:
        return MfsFillVolume(Request, Buffer, Length);
    case FileFsAttributeInformation:
        return MfsFillAttribute(Request, Buffer, Length);
    case FileFsFullSizeInformation:
        MfsFillSize(Buffer);
        return STATUS_SUCCESS;
    case FileFsSizeInformation:
        MfsFillSize(&Full);
        *(PFILE_FS_SIZE_INFORMATION)Buffer = (FILE_FS_SIZE_INFORMATION){
            Full.TotalAllocationUnits, Full.ActualAvailableAllocationUnits,
            Full.SectorsPerAllocationUnit, Full.BytesPerSector};
        return STATUS_SUCCESS;
    case FileFsDeviceInformation:
        *(PFILE_FS_DEVICE_INFORMATION)Buffer = (FILE_FS_DEVICE_INFORMATION){
            MfsDiskDevice->DeviceType, MfsDiskDevice->Characteristics};
        return STATUS_SUCCESS;
    case FileFsSectorSizeInformation:
        MfsFillSectorSize(Buffer);
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS MfsQueryVolume(PMFS_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.QueryVolume.Length;
    ULONG Least = IopQueryVolumeLength(Request->Stack->Parameters.QueryVolume.FsInformationClass);
    NTSTATUS Status = MfsCheckInformation(Request, Length, Least);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MfsLockShared();
    Status = MfsQueryVolumeLocked(Request, Request->Irp->AssociatedIrp.SystemBuffer, Length);
    MfsUnlock();
    return Status;
}

/* The label stays what it is. */
NTSTATUS MfsSetVolume(PMFS_REQUEST Request)
{
    return STATUS_NOT_SUPPORTED;
}
