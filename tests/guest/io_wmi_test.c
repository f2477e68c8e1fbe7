/* SPDX-License-Identifier: MIT */
/* IoWMIWriteEvent by its page: who gets the buffer, what is too large, what is no event. */
#include "nt/io.h"
#include "nt/rtl.h"
#include "nt/wmi.h"
#include "test.h"

#define EVENT_MOST 1024u /* the documented default */

static PWNODE_SINGLE_INSTANCE MakeNode(ULONG Size, ULONG Flags)
{
    PWNODE_SINGLE_INSTANCE Node = ExAllocatePoolWithTag(NonPagedPoolNx, Size, 'tseT');
    RtlZeroMemory(Node, Size);
    Node->WnodeHeader.BufferSize = Size;
    Node->WnodeHeader.Flags = Flags;
    return Node;
}

GUEST_TEST(io_wmi_event_is_handed_over)
{
    const ULONG Event = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM;
    PWNODE_SINGLE_INSTANCE Node = MakeNode(sizeof(*Node), WNODE_FLAG_SINGLE_INSTANCE);

    EXPECT_EQUAL((ULONG)IoWMIWriteEvent(Node), (ULONG)STATUS_UNSUCCESSFUL); /* no event */
    ExFreePoolWithTag(Node, 'tseT'); /* the caller's still */
    Node = MakeNode(EVENT_MOST + 1, Event);
    EXPECT_EQUAL((ULONG)IoWMIWriteEvent(Node), (ULONG)STATUS_BUFFER_OVERFLOW);
    ExFreePoolWithTag(Node, 'tseT');
    Node = MakeNode(sizeof(*Node), Event);
    EXPECT_EQUAL(IoWMIWriteEvent(Node), STATUS_SUCCESS); /* and freed: the pool is as before */
}
