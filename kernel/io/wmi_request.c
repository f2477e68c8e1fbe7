/* SPDX-License-Identifier: MIT */
/* IRP_MJ_SYSTEM_CONTROL requests of the kernel's, to the top of a device's stack. */
#include "io/wmip.h"

#define WMIP_FIRST_NODE 512u /* bytes of room for the first try */

NTSTATUS WmipSendRequest(PWMIP_PROVIDER Provider, UCHAR MinorFunction, PVOID DataPath,
                         ULONG BufferSize, PVOID Buffer, PULONG_PTR Information)
{
    *Information = 0;
    if (Provider->Blocked || Provider->Device == NULL) {
        return STATUS_WMI_GUID_DISCONNECTED;
    }
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(Provider->Device);
    PIRP Irp = IopAllocateIrpMustSucceed(Top->StackSize);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);

    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Stack->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    Stack->MinorFunction = MinorFunction;
    Stack->Parameters.WMI.ProviderId = (ULONG_PTR)Provider->Device;
    Stack->Parameters.WMI.DataPath = DataPath;
    Stack->Parameters.WMI.BufferSize = BufferSize;
    Stack->Parameters.WMI.Buffer = Buffer;
    NTSTATUS Status = IopSendAndWait(Top, Irp, Information);
    ObfDereferenceObject(Top);
    return Status;
}

/*
 * What the driver left in Node: STATUS_BUFFER_TOO_SMALL and the size it needs; or a node whose
 * BufferSize holds and is not more than was written.
 */
static NTSTATUS WmipCheckNode(PWMIP_PROVIDER Provider, NTSTATUS Status, PWNODE_HEADER Node,
                              ULONG Size, ULONG_PTR Information, PULONG Needed)
{
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Information >= sizeof(WNODE_TOO_SMALL) && (Node->Flags & WNODE_FLAG_TOO_SMALL)) {
        *Needed = ((PWNODE_TOO_SMALL)Node)->SizeNeeded;
        return STATUS_BUFFER_TOO_SMALL;
    }
    /* A request that only sets answers without a node. */
    if (Information != 0 && (Information > Size || Node->BufferSize > Information ||
                             Node->BufferSize < sizeof(WNODE_HEADER))) {
        IopReportFinding(IopFindingWmiRegistration,
                         "a WMI request was answered by a node whose size is wrong",
                         KI_CALL_SITE(Provider->Caller));
        return STATUS_INVALID_BUFFER_SIZE;
    }
    return STATUS_SUCCESS;
}

NTSTATUS WmipAskNode(PWMIP_PROVIDER Provider, UCHAR MinorFunction, const WNODE_HEADER *Head,
                     PWNODE_HEADER *Node)
{
    ULONG Size = Head->BufferSize > WMIP_FIRST_NODE ? Head->BufferSize : WMIP_FIRST_NODE;
    NTSTATUS Status = STATUS_BUFFER_TOO_SMALL;

    *Node = NULL;
    for (ULONG Try = 0; Try < 4 && Status == STATUS_BUFFER_TOO_SMALL; Try++) {
        ULONG_PTR Information;
        ULONG Needed = 0;
        PWNODE_HEADER Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Size, WMI_TAG);
        if (Buffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlZeroMemory(Buffer, Size);
        RtlCopyMemory(Buffer, Head, Head->BufferSize);
        Buffer->BufferSize = Size;
        KeQuerySystemTimePrecise(&Buffer->TimeStamp);
        Status = WmipSendRequest(Provider, MinorFunction, &Buffer->Guid, Size, Buffer,
                                 &Information);
        Status = WmipCheckNode(Provider, Status, Buffer, Size, Information, &Needed);
        if (NT_SUCCESS(Status)) {
            *Node = Buffer;
            return Status;
        }
        ExFreePoolWithTag(Buffer, WMI_TAG);
        if (Needed <= Size || Needed > WMIP_BUFFER_MOST) {
            break;
        }
        Size = Needed;
    }
    return Status;
}
