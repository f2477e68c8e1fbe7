/* SPDX-License-Identifier: MIT */
/*
 * The last 1,000 calls, IRQL changes and faults of verified drivers, for each processor. An entry
 * is taken by an interlocked add, so that an interrupt between two stores writes one of its own;
 * only a bug check reads them, and then an entry that was not finished may be an old one.
 */
#include "vf/vf.h"

#include "ke/bug_check.h"
#include "mm/image.h"
#include "nt/rtl.h"

#define VF_EVENTS CONTROL_HISTORY_MOST
#define VF_PROCESSORS 4 /* of a processor beyond these nothing is kept */
#define VF_PRINTED 20

typedef struct _VF_EVENT {
    ULONG64 Caller;
    ULONG64 Value; /* first argument, new IRQL, or faulting address */
    const VF_EXPORT *Export;
    UCHAR Kind; /* CONTROL_HISTORY_KIND; 0: none yet */
    KIRQL Irql; /* before the event */
} VF_EVENT;

/* Named for the debugger's !verifier. */
static struct _VF_HISTORY {
    volatile LONG64 Count;
    VF_EVENT Event[VF_EVENTS];
} VfHistory[VF_PROCESSORS];

static VOID VfLog(CONTROL_HISTORY_KIND Kind, const VF_EXPORT *Export, ULONG64 Caller, ULONG64 Value)
{
    ULONG Number = KeGetCurrentPrcb()->Number;
    if (Number >= VF_PROCESSORS) {
        return;
    }
    ULONG64 Index = (ULONG64)InterlockedIncrement64(&VfHistory[Number].Count) - 1;
    VfHistory[Number].Event[Index % VF_EVENTS] =
        (VF_EVENT){Caller, Value, Export, (UCHAR)Kind, KiReadIrql()};
}

VOID VfLogCall(const VF_EXPORT *Export, PVOID Caller, ULONG64 Argument)
{
    VfLog(ControlHistoryCall, Export, (ULONG64)Caller, Argument);
}

VOID VfLogIrqlWrite(PVOID Caller, KIRQL NewIrql)
{
    VfLog(ControlHistoryIrqlWrite, NULL, (ULONG64)Caller, NewIrql);
    if (VfTimelineOn) {
        VfRecord(TimelineIrqlWrite, (ULONG64)Caller, NewIrql, 0, TIMELINE_NO_NAME, 0);
    }
}

VOID VfLogFault(ULONG64 Rip, ULONG64 Address)
{
    if (VfActive && (MmFindImage((PVOID)Rip) != NULL || MmFindImage((PVOID)Address) != NULL)) {
        VfLog(ControlHistoryFault, NULL, Rip, Address);
        if (VfTimelineOn) {
            VfRecord(TimelineFault, Rip, Address, 0, TIMELINE_NO_NAME, 0);
        }
    }
}

VOID VfLogPageOut(ULONG64 Pages)
{
    if (VfActive && Pages != 0) {
        VfLog(ControlHistoryPageOut, NULL, 0, Pages);
        if (VfTimelineOn) {
            VfRecord(TimelinePageOut, 0, Pages, 0, TIMELINE_NO_NAME, 0);
        }
    }
}

ULONG64 VfCountEvents(VOID)
{
    ULONG Number = KeGetCurrentPrcb()->Number;
    return Number < VF_PROCESSORS ? (ULONG64)VfHistory[Number].Count : 0;
}

/* "name.sys+1234 (section)"; an address outside of drivers as it is. */
static VOID VfNameAddress(ULONG64 Address, PCHAR Text, SIZE_T Size)
{
    PMM_IMAGE Image = MmFindImage((PVOID)Address);
    PMI_SECTION Section = MiFindSection((PVOID)Address);
    if (Image == NULL) {
        _snprintf(Text, Size - 1, "%016llX", Address);
    } else {
        _snprintf(Text, Size - 1, "%s+%llX (%s)", Image->Name, Address - Image->Base,
                  Section != NULL ? Section->Name : "?");
    }
    Text[Size - 1] = 0;
}

static VOID VfPrintEvent(const VF_EVENT *Event)
{
    CHAR Caller[96], Value[96];
    VfNameAddress(Event->Caller, Caller, sizeof(Caller));
    switch (Event->Kind) {
    case ControlHistoryCall:
        KiPrintDebug("  IRQL %2u  %-40s  calls %s(%llX, ...)\n", Event->Irql, Caller,
                     Event->Export->Name, Event->Value);
        break;
    case ControlHistoryIrqlWrite:
        KiPrintDebug("  IRQL %2u  %-40s  sets IRQL to %llu\n", Event->Irql, Caller, Event->Value);
        break;
    case ControlHistoryFault:
        VfNameAddress(Event->Value, Value, sizeof(Value));
        KiPrintDebug("  IRQL %2u  %-40s  faults on %s\n", Event->Irql, Caller, Value);
        break;
    case ControlHistoryPageOut:
        KiPrintDebug("  IRQL %2u  %llu pages leave\n", Event->Irql, Event->Value);
        break;
    }
}

VOID VfPrintHistory(VOID)
{
    ULONG Number = KeGetCurrentPrcb()->Number;
    ULONG64 Count = VfCountEvents();
    if (Count == 0) {
        return;
    }
    ULONG64 First = Count > VF_PRINTED ? Count - VF_PRINTED : 0;
    KiPrintDebug("What verified drivers did last, of %llu events on processor %u:\n", Count,
                 Number);
    for (ULONG64 Index = First; Index < Count; Index++) {
        VfPrintEvent(&VfHistory[Number].Event[Index % VF_EVENTS]);
    }
}

const CONTROL_HISTORY *VfCollectHistory(PULONG Entries)
{
    static CONTROL_HISTORY Report[VF_EVENTS]; /* there is one bug check only */
    ULONG Number = KeGetCurrentPrcb()->Number;
    ULONG64 Count = VfCountEvents();
    ULONG64 First = Count > VF_EVENTS ? Count - VF_EVENTS : 0;
    for (ULONG64 Index = First; Index < Count; Index++) {
        const VF_EVENT *Event = &VfHistory[Number].Event[Index % VF_EVENTS];
        CONTROL_HISTORY *Entry = &Report[Index - First];
        Entry->Number = Index + 1;
        Entry->Caller = Event->Caller;
        Entry->Value = Event->Value;
        Entry->Kind = Event->Kind;
        Entry->Irql = Event->Irql;
        if (Event->Kind == ControlHistoryCall && Event->Export != NULL) {
            strncpy(Entry->Name, Event->Export->Name, sizeof(Entry->Name) - 1);
        }
    }
    *Entries = (ULONG)(Count - First);
    return Report;
}
