/* SPDX-License-Identifier: MIT */
/*
 * Events that drivers send through WMI. Nobody here subscribes to one; each goes to the host, which
 * tells it. <= DISPATCH_LEVEL
 */
#include "io/control_event.h"
#include "io/wmip.h"

#define WMIP_EVENT_MOST 1024u /* the documented default of a node's size */

NTSTATUS IoWMIWriteEvent(PVOID WnodeEventItem)
{
    PWNODE_HEADER Node = WnodeEventItem;
    if (!(Node->Flags & WNODE_FLAG_EVENT_ITEM) || Node->BufferSize < sizeof(*Node)) {
        return STATUS_UNSUCCESSFUL;
    }
    if (Node->BufferSize > WMIP_EVENT_MOST) {
        return STATUS_BUFFER_OVERFLOW;
    }
    CONTROL_WMI_EVENT Event = {.Flags = Node->Flags, .NodeLength = Node->BufferSize};
    RtlCopyMemory(Event.Guid, &Node->Guid, sizeof(Event.Guid));
    if ((Node->Flags & WNODE_FLAG_SINGLE_INSTANCE) &&
        Node->BufferSize >= FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData)) {
        Event.InstanceIndex = ((PWNODE_SINGLE_INSTANCE)Node)->InstanceIndex;
        Event.DataLength = ((PWNODE_SINGLE_INSTANCE)Node)->SizeDataBlock;
    }
    IopSendControl(ControlWmiEvent, 0, &Event, IopControlBytes(Node, Node->BufferSize),
                   CONTROL_NOTHING);
    ExFreePool(Node); /* it was handed over */
    return STATUS_SUCCESS;
}

/* EventData, in pool, is handed over in any case. */
NTSTATUS WmiFireEvent(PDEVICE_OBJECT DeviceObject, const GUID *Guid, ULONG InstanceIndex,
                      ULONG EventDataSize, PVOID EventData)
{
    const ULONG Offset = FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    PWNODE_SINGLE_INSTANCE Node = NULL;

    if (EventData == NULL) {
        EventDataSize = 0;
    }
    if (EventDataSize < WMIP_BUFFER_MOST) {
        Node = ExAllocatePoolWithTag(NonPagedPoolNx, Offset + EventDataSize, WMI_TAG);
    }
    if (Node != NULL) {
        RtlZeroMemory(Node, Offset);
        Node->WnodeHeader.BufferSize = Offset + EventDataSize;
        Node->WnodeHeader.Guid = *Guid;
        Node->WnodeHeader.Flags =
            WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_STATIC_INSTANCE_NAMES;
        KeQuerySystemTimePrecise(&Node->WnodeHeader.TimeStamp);
        Node->InstanceIndex = InstanceIndex;
        Node->DataBlockOffset = Offset;
        Node->SizeDataBlock = EventDataSize;
        RtlCopyMemory(Node->VariableData, EventData, EventDataSize);
        Status = IoWMIWriteEvent(Node);
        if (!NT_SUCCESS(Status)) {
            ExFreePoolWithTag(Node, WMI_TAG);
        }
    }
    if (EventData != NULL) {
        ExFreePool(EventData);
    }
    return Status;
}
