/* SPDX-License-Identifier: MIT */
/*
 * WMILIB.SYS: turns WMI requests into calls of a driver's routines. A routine may finish later, so
 * all that WmiCompleteRequest needs is in the request's own buffer: the lengths of the instances of
 * an IRP_MN_QUERY_ALL_DATA are where their descriptors will be.
 */
#include "io/wmip.h"

#define ROUND8(n) (((n) + 7) & ~7u)
#define WMIP_ALL_DATA_HEAD FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength)

static ULONG WmipDataOffset(ULONG Instances)
{
    return ROUND8(WMIP_ALL_DATA_HEAD + Instances * (ULONG)sizeof(OFFSETINSTANCEDATAANDLENGTH));
}

/* ---- the end of a request ---- */

/* A node that says how much room the answer takes. */
static NTSTATUS WmipTooSmall(PWNODE_TOO_SMALL Node, ULONG Size, ULONG Needed, PULONG Used)
{
    if (Size < sizeof(*Node)) {
        *Used = sizeof(ULONG);
        return STATUS_BUFFER_TOO_SMALL;
    }
    Node->WnodeHeader.BufferSize = sizeof(*Node);
    Node->WnodeHeader.Flags |= WNODE_FLAG_TOO_SMALL;
    Node->SizeNeeded = Needed;
    *Used = sizeof(*Node);
    return STATUS_SUCCESS;
}

/* From the last to the first: a length lies where an earlier instance's descriptor will. */
static VOID WmipDescribeInstances(PWNODE_ALL_DATA Node)
{
    ULONG *Lengths = (ULONG *)Node->OffsetInstanceDataAndLength;
    ULONG Offset = Node->DataBlockOffset;
    for (ULONG i = 0; i + 1 < Node->InstanceCount; i++) {
        Offset += ROUND8(Lengths[i]);
    }
    for (ULONG i = Node->InstanceCount; i-- != 0;) {
        ULONG Length = Lengths[i];
        Node->OffsetInstanceDataAndLength[i].OffsetInstanceData = Offset;
        Node->OffsetInstanceDataAndLength[i].LengthInstanceData = Length;
        Offset -= i != 0 ? ROUND8(Lengths[i - 1]) : 0;
    }
}

/* Queries and methods: the data are behind DataBlockOffset; *Used becomes the node's size. */
static NTSTATUS WmipFinishNode(PIO_STACK_LOCATION Stack, NTSTATUS Status, PULONG Used)
{
    PWNODE_HEADER Node = Stack->Parameters.WMI.Buffer;
    ULONG Size = Stack->Parameters.WMI.BufferSize;
    ULONG Offset;

    switch (Stack->MinorFunction) {
    case IRP_MN_QUERY_ALL_DATA:
        Offset = ((PWNODE_ALL_DATA)Node)->DataBlockOffset;
        break;
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        Offset = ((PWNODE_SINGLE_INSTANCE)Node)->DataBlockOffset;
        break;
    default:
        Offset = ((PWNODE_METHOD_ITEM)Node)->DataBlockOffset;
        break;
    }
    if (Status == STATUS_BUFFER_TOO_SMALL || (NT_SUCCESS(Status) && Offset + *Used > Size)) {
        return WmipTooSmall((PWNODE_TOO_SMALL)Node, Size, Offset + *Used, Used);
    }
    if (!NT_SUCCESS(Status)) {
        *Used = 0;
        return Status;
    }
    if (Stack->MinorFunction == IRP_MN_QUERY_ALL_DATA) {
        WmipDescribeInstances((PWNODE_ALL_DATA)Node);
    } else if (Stack->MinorFunction == IRP_MN_EXECUTE_METHOD) {
        ((PWNODE_METHOD_ITEM)Node)->SizeDataBlock = *Used;
    } else {
        ((PWNODE_SINGLE_INSTANCE)Node)->SizeDataBlock = *Used;
    }
    *Used += Offset;
    Node->BufferSize = *Used;
    return Status;
}

/* <= DISPATCH_LEVEL. BufferUsed: bytes of data, or with STATUS_BUFFER_TOO_SMALL those it takes. */
NTSTATUS WmiCompleteRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status,
                            ULONG BufferUsed, CCHAR PriorityBoost)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    switch (Stack->MinorFunction) {
    case IRP_MN_QUERY_ALL_DATA:
    case IRP_MN_QUERY_SINGLE_INSTANCE:
    case IRP_MN_EXECUTE_METHOD:
        Status = WmipFinishNode(Stack, Status, &BufferUsed);
        break;
    case IRP_MN_REGINFO:
    case IRP_MN_REGINFO_EX:
        break;
    default:
        BufferUsed = 0;
        break;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = BufferUsed;
    IofCompleteRequest(Irp, PriorityBoost);
    return Status;
}

/* ---- IRP_MN_REGINFO ---- */

typedef struct _WMIP_REGISTRATION {
    ULONG Flags;
    UNICODE_STRING InstanceName;
    PUNICODE_STRING RegistryPath;
    UNICODE_STRING MofResourceName;
    PDEVICE_OBJECT Pdo;
} WMIP_REGISTRATION;

/* A counted string at *Offset, which moves behind it. */
static VOID WmipPutString(PWMIREGINFO Info, PULONG Offset, PCUNICODE_STRING String)
{
    PUSHORT At = (PUSHORT)((PUCHAR)Info + *Offset);
    *At = String->Length;
    RtlCopyMemory(At + 1, String->Buffer, String->Length);
    *Offset += (ULONG)sizeof(*At) + String->Length;
}

static VOID WmipFillRegistration(PWMIREGINFO Info, const WMILIB_CONTEXT *Library,
                                 const WMIP_REGISTRATION *From, BOOLEAN Extended)
{
    static const UNICODE_STRING None = {0, 0, NULL};
    ULONG Offset = FIELD_OFFSET(WMIREGINFO, WmiRegGuid) +
                   Library->GuidCount * (ULONG)sizeof(WMIREGGUID);
    ULONG NameOffset = Offset;

    WmipPutString(Info, &Offset, &From->InstanceName);
    Info->GuidCount = Library->GuidCount;
    Info->NextWmiRegInfo = 0;
    Info->RegistryPath = Offset;
    WmipPutString(Info, &Offset, From->RegistryPath != NULL ? From->RegistryPath : &None);
    Info->MofResourceName = Offset;
    WmipPutString(Info, &Offset, &From->MofResourceName);
    Info->BufferSize = Offset;
    for (ULONG i = 0; i < Library->GuidCount; i++) {
        PWMIREGGUID Guid = &Info->WmiRegGuid[i];
        Guid->Guid = *Library->GuidList[i].Guid;
        Guid->InstanceCount = Library->GuidList[i].InstanceCount;
        Guid->Flags = Library->GuidList[i].Flags | From->Flags;
        Guid->InstanceInfo = NameOffset;
        if (Guid->Flags & WMIREG_FLAG_INSTANCE_PDO) {
            Guid->Pdo = (ULONG_PTR)From->Pdo;
            if (Extended) {
                ObfReferenceObject(From->Pdo); /* whoever asked gives it back */
            }
        }
    }
}

/* *Used: what is in Buffer. */
static NTSTATUS WmipRegistration(const WMILIB_CONTEXT *Library, PDEVICE_OBJECT Device,
                                 PIO_STACK_LOCATION Stack, PULONG Used)
{
    WMIP_REGISTRATION From = {0};
    BOOLEAN Extended = Stack->MinorFunction == IRP_MN_REGINFO_EX;
    NTSTATUS Status = Library->QueryWmiRegInfo(Device, &From.Flags, &From.InstanceName,
                                               &From.RegistryPath, &From.MofResourceName,
                                               &From.Pdo);
    *Used = 0;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ULONG Size = FIELD_OFFSET(WMIREGINFO, WmiRegGuid) +
                 Library->GuidCount * (ULONG)sizeof(WMIREGGUID) + 3 * (ULONG)sizeof(USHORT) +
                 From.InstanceName.Length + From.MofResourceName.Length +
                 (From.RegistryPath != NULL ? From.RegistryPath->Length : 0);
    if ((From.Flags & WMIREG_FLAG_INSTANCE_PDO) && From.Pdo == NULL) {
        Status = STATUS_INVALID_DEVICE_REQUEST;
    } else if (Stack->Parameters.WMI.BufferSize < Size) {
        *(PULONG)Stack->Parameters.WMI.Buffer = Size;
        *Used = sizeof(ULONG);
        Status = STATUS_BUFFER_TOO_SMALL;
    } else {
        WmipFillRegistration(Stack->Parameters.WMI.Buffer, Library, &From, Extended);
        *Used = Size;
    }
    if (From.InstanceName.Buffer != NULL) {
        ExFreePool(From.InstanceName.Buffer); /* documented: the routine hands it over */
    }
    return Status;
}

/* ---- the other requests ---- */

static BOOLEAN WmipFindGuid(const WMILIB_CONTEXT *Library, const GUID *Guid, PULONG Index)
{
    for (*Index = 0; *Index < Library->GuidCount; (*Index)++) {
        if (RtlCompareMemory(Library->GuidList[*Index].Guid, Guid, sizeof(*Guid)) ==
            sizeof(*Guid)) {
            return TRUE;
        }
    }
    return FALSE;
}

static NTSTATUS WmipQueryAll(const WMILIB_CONTEXT *Library, PDEVICE_OBJECT Device, PIRP Irp,
                             ULONG Index)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PWNODE_ALL_DATA Node = Stack->Parameters.WMI.Buffer;
    ULONG Size = Stack->Parameters.WMI.BufferSize;
    ULONG Count = Library->GuidList[Index].InstanceCount;
    ULONG Offset = WmipDataOffset(Count);

    if (Size < WMIP_ALL_DATA_HEAD) {
        return WmiCompleteRequest(Device, Irp, STATUS_BUFFER_TOO_SMALL, 0, IO_NO_INCREMENT);
    }
    Node->WnodeHeader.Flags |= WNODE_FLAG_STATIC_INSTANCE_NAMES;
    Node->DataBlockOffset = Offset;
    Node->InstanceCount = Count;
    Node->OffsetInstanceNameOffsets = 0;
    if (Size <= Offset) {
        return Library->QueryWmiDataBlock(Device, Irp, Index, 0, Count, NULL, 0, NULL);
    }
    RtlZeroMemory(Node->OffsetInstanceDataAndLength, Offset - WMIP_ALL_DATA_HEAD);
    return Library->QueryWmiDataBlock(Device, Irp, Index, 0, Count,
                                      (PULONG)Node->OffsetInstanceDataAndLength, Size - Offset,
                                      (PUCHAR)Node + Offset);
}

/* Where the data of the three single kinds of node are. FALSE: not within the buffer. */
static BOOLEAN WmipSingleData(PIO_STACK_LOCATION Stack, PULONG Offset, PULONG Length)
{
    PWNODE_METHOD_ITEM Item = Stack->Parameters.WMI.Buffer;
    PWNODE_SINGLE_INSTANCE Instance = Stack->Parameters.WMI.Buffer;
    ULONG Size = Stack->Parameters.WMI.BufferSize;
    BOOLEAN HasNumber = Stack->MinorFunction == IRP_MN_EXECUTE_METHOD ||
                        Stack->MinorFunction == IRP_MN_CHANGE_SINGLE_ITEM;
    if (Size < sizeof(*Item)) {
        return FALSE;
    }
    *Offset = HasNumber ? Item->DataBlockOffset : Instance->DataBlockOffset;
    *Length = HasNumber ? Item->SizeDataBlock : Instance->SizeDataBlock;
    return *Offset <= Size && *Length <= Size - *Offset;
}

static NTSTATUS WmipSingle(const WMILIB_CONTEXT *Library, PDEVICE_OBJECT Device, PIRP Irp,
                           ULONG Index, PSYSCTL_IRP_DISPOSITION Disposition)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PWNODE_SINGLE_INSTANCE Node = Stack->Parameters.WMI.Buffer;
    ULONG Offset, Length;

    *Disposition = IrpNotCompleted;
    if (!WmipSingleData(Stack, &Offset, &Length)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Node->InstanceIndex >= Library->GuidList[Index].InstanceCount) {
        return STATUS_WMI_INSTANCE_NOT_FOUND;
    }
    PUCHAR Data = (PUCHAR)Node + Offset;
    ULONG Room = Stack->Parameters.WMI.BufferSize - Offset;
    ULONG Number = ((PWNODE_METHOD_ITEM)Node)->MethodId;
    switch (Stack->MinorFunction) {
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        *Disposition = IrpProcessed;
        Node->WnodeHeader.Flags |= WNODE_FLAG_STATIC_INSTANCE_NAMES;
        return Library->QueryWmiDataBlock(Device, Irp, Index, Node->InstanceIndex, 1,
                                          &Node->SizeDataBlock, Room, Data);
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        if (Library->SetWmiDataBlock == NULL) {
            return STATUS_WMI_READ_ONLY;
        }
        *Disposition = IrpProcessed;
        return Library->SetWmiDataBlock(Device, Irp, Index, Node->InstanceIndex, Length, Data);
    case IRP_MN_CHANGE_SINGLE_ITEM:
        if (Library->SetWmiDataItem == NULL) {
            return STATUS_WMI_READ_ONLY;
        }
        *Disposition = IrpProcessed;
        return Library->SetWmiDataItem(Device, Irp, Index, Node->InstanceIndex, Number, Length,
                                       Data);
    default: /* IRP_MN_EXECUTE_METHOD */
        if (Library->ExecuteWmiMethod == NULL) {
            return STATUS_INVALID_DEVICE_REQUEST;
        }
        *Disposition = IrpProcessed;
        return Library->ExecuteWmiMethod(Device, Irp, Index, Node->InstanceIndex, Number, Length,
                                         Room, Data);
    }
}

static NTSTATUS WmipControl(const WMILIB_CONTEXT *Library, PDEVICE_OBJECT Device, PIRP Irp,
                            ULONG Index, UCHAR Minor)
{
    BOOLEAN Events = Minor == IRP_MN_ENABLE_EVENTS || Minor == IRP_MN_DISABLE_EVENTS;
    BOOLEAN Enable = Minor == IRP_MN_ENABLE_EVENTS || Minor == IRP_MN_ENABLE_COLLECTION;
    if (Library->WmiFunctionControl == NULL) {
        return WmiCompleteRequest(Device, Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
    }
    return Library->WmiFunctionControl(Device, Irp, Index,
                                       Events ? WmiEventControl : WmiDataBlockControl, Enable);
}

static NTSTATUS WmipDispatch(PWMILIB_CONTEXT Library, PDEVICE_OBJECT Device, PIRP Irp,
                             PSYSCTL_IRP_DISPOSITION Disposition)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    UCHAR Minor = Stack->MinorFunction;
    ULONG Index, Used;

    if (Minor == IRP_MN_REGINFO || Minor == IRP_MN_REGINFO_EX) {
        NTSTATUS Status = WmipRegistration(Library, Device, Stack, &Used);
        *Disposition = IrpProcessed;
        return WmiCompleteRequest(Device, Irp, Status, Used, IO_NO_INCREMENT);
    }
    if (!WmipFindGuid(Library, Stack->Parameters.WMI.DataPath, &Index)) {
        *Disposition = IrpNotCompleted;
        return STATUS_WMI_GUID_NOT_FOUND;
    }
    *Disposition = IrpProcessed;
    switch (Minor) {
    case IRP_MN_QUERY_ALL_DATA:
        return WmipQueryAll(Library, Device, Irp, Index);
    case IRP_MN_ENABLE_EVENTS:
    case IRP_MN_DISABLE_EVENTS:
    case IRP_MN_ENABLE_COLLECTION:
    case IRP_MN_DISABLE_COLLECTION:
        return WmipControl(Library, Device, Irp, Index, Minor);
    default:
        return WmipSingle(Library, Device, Irp, Index, Disposition);
    }
}

/* PASSIVE_LEVEL, or the level at which the request came. */
NTSTATUS WmiSystemControl(PWMILIB_CONTEXT WmiLibInfo, PDEVICE_OBJECT DeviceObject, PIRP Irp,
                          PSYSCTL_IRP_DISPOSITION IrpDisposition)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    UCHAR Minor = Stack->MinorFunction;

    if (Minor > IRP_MN_EXECUTE_METHOD && Minor != IRP_MN_REGINFO_EX) {
        *IrpDisposition = IrpNotWmi;
        return Irp->IoStatus.Status;
    }
    if (Stack->Parameters.WMI.ProviderId != (ULONG_PTR)DeviceObject) {
        *IrpDisposition = IrpForward;
        return Irp->IoStatus.Status;
    }
    NTSTATUS Status = WmipDispatch(WmiLibInfo, DeviceObject, Irp, IrpDisposition);
    if (*IrpDisposition == IrpNotCompleted) {
        Irp->IoStatus.Status = Status;
        Irp->IoStatus.Information = 0;
    }
    return Status;
}
