/* SPDX-License-Identifier: MIT */
/*
 * IoWMIWriteEvent by its page: who gets the buffer, what is too large, what is no event. And
 * registrations that change while the driver is still being asked.
 */
#include "io_test_driver.h"
#include "nt/rtl.h"
#include "nt/wmi.h"

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

static KEVENT AskGo; /* lets the driver answer */
static volatile LONG Asks, Answers;

/* It has no blocks, and takes its time to say so. */
static NTSTATUS AnswerSlowly(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction == IRP_MN_REGINFO_EX) {
        Asks++;
        KeWaitForSingleObject(&AskGo, Executive, KernelMode, FALSE, NULL);
        Answers++;
    }
    return IoTestComplete(Irp, STATUS_NOT_SUPPORTED, 0);
}

typedef struct _WMI_CHANGE {
    ULONG Action;
    LONG Increment; /* of the priority; above 4: above that of the worker that asks */
    volatile BOOLEAN Done;
} WMI_CHANGE;

static VOID Change(PVOID Context)
{
    WMI_CHANGE *Wmi = Context;
    KeSetBasePriorityThread(KeGetCurrentThread(), Wmi->Increment);
    EXPECT_EQUAL(IoWMIRegistrationControl(IoTest.Device, Wmi->Action), STATUS_SUCCESS);
    Wmi->Done = TRUE;
}

/* A device whose registration is under way, the driver asked and silent. */
static BOOLEAN RegisterSlowly(EVENT_TYPE Type)
{
    KeInitializeEvent(&AskGo, Type, FALSE);
    Asks = Answers = 0;
    if (!IoTestLoad(0, FALSE)) {
        return FALSE;
    }
    IoTest.Handle = AnswerSlowly;
    EXPECT_EQUAL(IoWMIRegistrationControl(IoTest.Device, WMIREG_ACTION_REGISTER), STATUS_SUCCESS);
    TestSettle();
    EXPECT_EQUAL(Asks, 1);
    return TRUE;
}

/* Two updates wait for the driver's answer: it is asked again for the one, then for the other. */
GUEST_TEST(io_wmi_updates_take_turns)
{
    WMI_CHANGE Update = {WMIREG_ACTION_UPDATE_GUIDS, 6, FALSE};

    if (!RegisterSlowly(NotificationEvent)) {
        return;
    }
    PKTHREAD First = TestStartThread(Change, &Update);
    PKTHREAD Second = TestStartThread(Change, &Update);
    TestSettle();
    EXPECT(!Update.Done);
    KeSetEvent(&AskGo, 0, FALSE);
    TestJoinThread(First);
    TestJoinThread(Second);
    EXPECT_EQUAL(IoWMIRegistrationControl(IoTest.Device, WMIREG_ACTION_DEREGISTER),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Asks, 3);
    EXPECT_EQUAL(Answers, 3);
    IoTestUnload();
}

/* An update that was there before the deregistration has the driver asked once more. */
GUEST_TEST(io_wmi_deregistration_waits_for_an_update)
{
    WMI_CHANGE Update = {WMIREG_ACTION_UPDATE_GUIDS, 0, FALSE};
    WMI_CHANGE Deregister = {WMIREG_ACTION_DEREGISTER, 1, FALSE};

    if (!RegisterSlowly(SynchronizationEvent)) {
        return;
    }
    PKTHREAD First = TestStartThread(Change, &Update);
    TestSettle();
    PKTHREAD Second = TestStartThread(Change, &Deregister);
    TestSettle();
    KeSetEvent(&AskGo, 0, FALSE);
    TestSettle();
    EXPECT(Update.Done && !Deregister.Done);
    EXPECT_EQUAL(Asks, 2);
    KeSetEvent(&AskGo, 0, FALSE);
    TestJoinThread(First);
    TestJoinThread(Second);
    EXPECT_EQUAL(Answers, 2);
    IoTestUnload();
}
