/* SPDX-License-Identifier: MIT */
/* WMI: a block with the sums, and an event for each new largest sample. */
#include "correct/meter/meter.h"

static PAGE_DATA GUID MeterSumsGuid = {
    0x2c8e91d4, 0x7a60, 0x4b1f, {0xa3, 0x55, 0x08, 0x4e, 0xc7, 0x19, 0x6d, 0xb2}};
static PAGE_DATA GUID MeterEventGuid = {
    0x2c8e91d5, 0x7a60, 0x4b1f, {0xa3, 0x55, 0x08, 0x4e, 0xc7, 0x19, 0x6d, 0xb2}};
static PAGE_DATA WMIGUIDREGINFO MeterGuids[] = {
    {&MeterSumsGuid, 1, 0},
    {&MeterEventGuid, 1, WMIREG_FLAG_EVENT_ONLY_GUID},
};

static PAGE_CODE NTSTATUS NTAPI MeterQueryRegInfo(PDEVICE_OBJECT DeviceObject, PULONG RegFlags,
                                                  PUNICODE_STRING InstanceName,
                                                  PUNICODE_STRING *RegistryPath,
                                                  PUNICODE_STRING MofResourceName,
                                                  PDEVICE_OBJECT *Pdo)
{
    static const WCHAR Name[] = L"Meter";

    PAGED_CODE();
    InstanceName->Buffer = ExAllocatePoolWithTag(PagedPool, sizeof(Name), METER_TAG);
    if (InstanceName->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(InstanceName->Buffer, Name, sizeof(Name));
    InstanceName->Length = sizeof(Name) - sizeof(WCHAR);
    InstanceName->MaximumLength = sizeof(Name);
    *RegFlags = WMIREG_FLAG_INSTANCE_BASENAME;
    *RegistryPath = &Meter.RegistryPath;
    return STATUS_SUCCESS;
}

static PAGE_CODE NTSTATUS NTAPI MeterQueryBlock(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                ULONG GuidIndex, ULONG InstanceIndex,
                                                ULONG InstanceCount, PULONG InstanceLengthArray,
                                                ULONG BufferAvail, PUCHAR Buffer)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (GuidIndex != 0 || InstanceIndex != 0 || InstanceCount != 1) {
        Status = STATUS_WMI_GUID_NOT_FOUND;
    } else if (BufferAvail < sizeof(METER_SUMS)) {
        Status = STATUS_BUFFER_TOO_SMALL;
    } else {
        KeEnterCriticalRegion();
        ExAcquireResourceSharedLite(&Meter.Lock, TRUE);
        *(METER_SUMS *)Buffer = Meter.Sums;
        ExReleaseResourceLite(&Meter.Lock);
        KeLeaveCriticalRegion();
        ((METER_SUMS *)Buffer)->Period = MeterPeriod;
        InstanceLengthArray[0] = sizeof(METER_SUMS);
    }
    return WmiCompleteRequest(DeviceObject, Irp, Status, sizeof(METER_SUMS), IO_NO_INCREMENT);
}

static PAGE_CODE NTSTATUS NTAPI MeterSetBlock(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                              ULONG GuidIndex, ULONG InstanceIndex,
                                              ULONG BufferSize, PUCHAR Buffer)
{
    PAGED_CODE();
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_WMI_READ_ONLY, 0, IO_NO_INCREMENT);
}

static PAGE_DATA WMILIB_CONTEXT MeterLibrary = {
    RTL_NUMBER_OF(MeterGuids), MeterGuids, MeterQueryRegInfo, MeterQueryBlock,
    MeterSetBlock,             NULL,       NULL,              NULL,
};

PAGE_CODE NTSTATUS NTAPI MeterSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SYSCTL_IRP_DISPOSITION Disposition;

    PAGED_CODE();
    NTSTATUS Status = WmiSystemControl(&MeterLibrary, DeviceObject, Irp, &Disposition);
    switch (Disposition) {
    case IrpProcessed:
        break;
    case IrpNotCompleted:
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        break;
    default: /* there is no driver below */
        Status = Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        break;
    }
    return Status;
}

/* As another driver would ask: for all instances, by name of the block. */
PAGE_CODE NTSTATUS MeterAsk(METER_SUMS *Sums)
{
    UCHAR Buffer[sizeof(WNODE_ALL_DATA) + sizeof(METER_SUMS) + 64] __attribute__((aligned(8)));
    PWNODE_ALL_DATA Node = (PVOID)Buffer;
    ULONG Size = sizeof(Buffer);
    PVOID Block;

    PAGED_CODE();
    NTSTATUS Status = IoWMIOpenBlock(&MeterSumsGuid, WMIGUID_QUERY, &Block);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoWMIQueryAllData(Block, &Size, Node);
    if (NT_SUCCESS(Status)) {
        ULONG Offset = (Node->WnodeHeader.Flags & WNODE_FLAG_FIXED_INSTANCE_SIZE)
                           ? Node->DataBlockOffset
                           : Node->OffsetInstanceDataAndLength[0].OffsetInstanceData;
        Status = Node->InstanceCount == 1 && Offset <= Size && Size - Offset >= sizeof(*Sums)
                     ? STATUS_SUCCESS
                     : STATUS_INVALID_BUFFER_SIZE;
        if (NT_SUCCESS(Status)) {
            RtlCopyMemory(Sums, Buffer + Offset, sizeof(*Sums));
        }
    }
    IoWMICloseBlock(Block);
    return Status;
}

/* WMI frees the data. */
PAGE_CODE VOID MeterFire(ULONG Value)
{
    PULONG Data = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Data), METER_TAG);

    PAGED_CODE();
    if (Data != NULL) {
        *Data = Value;
        WmiFireEvent(Meter.Device, &MeterEventGuid, 0, sizeof(*Data), Data);
    }
}
