/* SPDX-License-Identifier: MIT */
#include "vf/vf.h"

#include "ex/pool.h"
#include "io/control_event.h"
#include "ke/command_line.h"
#include "nt/kd.h"
#include "nt/rtl.h"

#define VF_TAG_TIMELINE 'lTfV'
#define RFLAGS_INTERRUPT 0x200
#define VF_RING_ENTRIES 16384u /* a power of two; one batch holds them all */

C_ASSERT((VF_RING_ENTRIES & (VF_RING_ENTRIES - 1)) == 0);
C_ASSERT(sizeof(TIMELINE_BATCH) + VF_RING_ENTRIES * sizeof(TIMELINE_ENTRY) <= CONTROL_MAX_PAYLOAD);

BOOLEAN VfTimelineOn;

/* Entry n is in Ring[n % VF_RING_ENTRIES]; those from Sent up to Recorded are still to be sent. */
static struct {
    TIMELINE_ENTRY *Ring;
    volatile ULONG64 Recorded;
    volatile ULONG64 Sent;
    volatile ULONG64 Lost;
    KSPIN_LOCK SendLock;
} VfTimeline;

VOID VfRecord(TIMELINE_KIND Kind, ULONG64 Address, ULONG64 Value, ULONG Detail, USHORT Name,
              ULONG_PTR Stack)
{
    ULONG Thread = (ULONG)(ULONG_PTR)((PETHREAD)KiCurrentThread())->Cid.UniqueThread;
    ULONG64 Flags = KiDisableInterrupts();
    if (VfTimeline.Recorded - VfTimeline.Sent >= VF_RING_ENTRIES) {
        VfTimeline.Lost++;
    } else {
        VfTimeline.Ring[VfTimeline.Recorded % VF_RING_ENTRIES] = (TIMELINE_ENTRY){
            .Time = KiReadTimeStampCounter(),
            .Address = Address,
            .Value = Value,
            .Thread = Thread,
            .Stack = (ULONG)Stack,
            .Detail = Detail,
            .Name = Name,
            .Kind = (UCHAR)Kind,
            .Irql = KiReadIrql(),
        };
        VfTimeline.Recorded++;
    }
    KiRestoreInterrupts(Flags);
}

VOID VfRecordDriverRoutine(TIMELINE_KIND Kind, TIMELINE_ROUTINE What, PVOID Routine,
                           ULONG64 Value)
{
    if (MmFindImage(Routine) != NULL) {
        VfRecord(Kind, (ULONG64)Routine, Value, What, TIMELINE_NO_NAME, 0);
    }
}

VOID VfLeaveKernelCall(PVF_IMPORT Import, PVOID Caller, ULONG64 Result, ULONG_PTR Stack)
{
    VfRecord(TimelineReturn, (ULONG64)Caller, Result, 0, (USHORT)(Import->Export - VfExports),
             Stack);
    VfSendTimeline(FALSE);
}

/*
 * Entries that come meanwhile are left for the next batch. Sent moves on after the batch is with
 * the device: a bug check in between sends it again, and the host knows by its number.
 */
static VOID VfSendBatch(BOOLEAN Polled)
{
    ULONG64 First = VfTimeline.Sent;
    ULONG Count = (ULONG)(VfTimeline.Recorded - First);
    ULONG Start = (ULONG)(First % VF_RING_ENTRIES);
    ULONG Run = Count < VF_RING_ENTRIES - Start ? Count : VF_RING_ENTRIES - Start;
    TIMELINE_BATCH Batch = {TIMELINE_VERSION, Count * (ULONG)sizeof(TIMELINE_ENTRY), First,
                            VfTimeline.Lost};
    if (Count == 0) {
        return;
    }
    IoReportTimeline(&Batch, &VfTimeline.Ring[Start], Run * sizeof(TIMELINE_ENTRY),
                     VfTimeline.Ring, (Count - Run) * sizeof(TIMELINE_ENTRY), Polled);
    VfTimeline.Sent = First + Count;
}

/*
 * At DISPATCH_LEVEL, so that no thread is switched to and the order of what the driver under test
 * sees is the one without a timeline: the console then spins until the host has read.
 */
VOID VfSendTimeline(BOOLEAN All)
{
    ULONG64 Waiting = VfTimeline.Recorded - VfTimeline.Sent;
    if (!VfTimelineOn || Waiting == 0 || (!All && Waiting < VF_RING_ENTRIES / 2)) {
        return;
    }
    ULONG64 Flags = KiDisableInterrupts();
    KiRestoreInterrupts(Flags);
    if (KiReadIrql() > DISPATCH_LEVEL || !(Flags & RFLAGS_INTERRUPT)) {
        return;
    }
    KIRQL Irql = KiAcquireSpinLock(&VfTimeline.SendLock);
    VfSendBatch(FALSE);
    KiReleaseSpinLock(&VfTimeline.SendLock, Irql);
}

VOID VfEndTimeline(ULONG Code, ULONG_PTR Address)
{
    if (VfTimelineOn) {
        VfRecord(TimelineBugCheck, Address, Code, 0, TIMELINE_NO_NAME, 0);
        VfTimelineOn = FALSE;
        VfSendBatch(TRUE);
    }
}

/* The names of all exports, in the order of their numbers. */
static VOID VfSendNames(VOID)
{
    ULONG Length = 0;
    for (ULONG i = 0; i < VfExportCount; i++) {
        Length += (ULONG)strlen(VfExports[i].Name) + 1;
    }
    PCHAR Names = ExAllocatePoolWithTag(NonPagedPoolNx, Length, VF_TAG_TIMELINE);
    if (Names == NULL) {
        return; /* the host has numbers instead */
    }
    PCHAR Next = Names;
    for (ULONG i = 0; i < VfExportCount; i++) {
        SIZE_T Size = strlen(VfExports[i].Name) + 1;
        RtlCopyMemory(Next, VfExports[i].Name, Size);
        Next += Size;
    }
    IoReportTimelineNames(Names, Length);
    ExFreePoolWithTag(Names, VF_TAG_TIMELINE);
}

VOID VfStartTimeline(VOID)
{
    if (!KiQueryCommandLine("timeline", NULL, 0) || !KiQueryCommandLine("verify", NULL, 0)) {
        return;
    }
    NT_VERIFY(VfExportCount < TIMELINE_NO_NAME);
    VfTimeline.Ring = ExAllocatePoolWithTag(
        NonPagedPoolNx, VF_RING_ENTRIES * sizeof(TIMELINE_ENTRY), VF_TAG_TIMELINE);
    if (VfTimeline.Ring == NULL) {
        DbgPrint("no memory for a timeline\n");
        return;
    }
    VfSendNames();
    VfTimelineOn = TRUE;
}
