/* SPDX-License-Identifier: MIT */
/*
 * Lists of processes and threads as they were at one moment: they are under a spin lock, and what
 * is done with each may wait. Every object in a snapshot is referenced; it may have ended since.
 */
#include "ps/psp.h"

#define PSP_TAG_SNAPSHOT 0x6e537350u /* 'PsSn' */

typedef struct _PSP_SNAPSHOT {
    PLIST_ENTRY Head;
    SIZE_T LinkOffset; /* of the link in the object */
    ULONG Count;
    ULONG Room;
    PVOID *Objects;
} PSP_SNAPSHOT;

/* FALSE: there are more than Room; Count says how many. */
static BOOLEAN PspTakeSnapshot(PSP_SNAPSHOT *Snapshot)
{
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    PLIST_ENTRY Link;
    Snapshot->Count = 0;
    for (Link = Snapshot->Head->Flink; Link != Snapshot->Head; Link = Link->Flink) {
        Snapshot->Count++;
    }
    BOOLEAN Fits = Snapshot->Count <= Snapshot->Room;
    ULONG i = 0;
    for (Link = Snapshot->Head->Flink; Fits && Link != Snapshot->Head; Link = Link->Flink) {
        Snapshot->Objects[i] = (PUCHAR)Link - Snapshot->LinkOffset;
        ObfReferenceObject(Snapshot->Objects[i++]);
    }
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    return Fits;
}

/* NULL with a Count: no memory. */
static PVOID *PspSnapshotList(PLIST_ENTRY Head, SIZE_T LinkOffset, PULONG Count)
{
    PSP_SNAPSHOT Snapshot = {.Head = Head, .LinkOffset = LinkOffset};
    while (!PspTakeSnapshot(&Snapshot)) {
        if (Snapshot.Objects != NULL) {
            ExFreePoolWithTag(Snapshot.Objects, PSP_TAG_SNAPSHOT);
        }
        Snapshot.Room = Snapshot.Count + 4;
        Snapshot.Objects = ExAllocatePoolWithTag(NonPagedPoolNx, Snapshot.Room * sizeof(PVOID),
                                                 PSP_TAG_SNAPSHOT);
        if (Snapshot.Objects == NULL) {
            break;
        }
    }
    *Count = Snapshot.Count;
    return Snapshot.Objects;
}

PEPROCESS *PspSnapshotProcesses(PULONG Count)
{
    return (PEPROCESS *)PspSnapshotList(&PsActiveProcessHead,
                                        offsetof(EPROCESS, ActiveProcessLinks), Count);
}

PETHREAD *PspSnapshotThreads(PEPROCESS Process, PULONG Count)
{
    return (PETHREAD *)PspSnapshotList(&Process->ThreadListHead,
                                       offsetof(ETHREAD, ThreadListEntry), Count);
}

VOID PspFreeSnapshot(PVOID *Objects, ULONG Count)
{
    if (Objects == NULL) {
        return;
    }
    for (ULONG i = 0; i < Count; i++) {
        ObfDereferenceObject(Objects[i]);
    }
    ExFreePoolWithTag(Objects, PSP_TAG_SNAPSHOT);
}
