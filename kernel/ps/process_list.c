/* SPDX-License-Identifier: MIT */
/*
 * SystemProcessInformation: an entry for each process, its threads, then its name; entries begin at
 * multiples of 8. The idle process, which is no object, comes first with id 0.
 */
#include "ex/information.h"
#include "mm/mm.h"
#include "nt/process_information.h"
#include "nt/system_information.h"
#include "ps/psp.h"

typedef struct _PSP_PROCESS_LIST {
    PEX_QUERY Query;
    PSYSTEM_PROCESS_INFORMATION Last; /* written; NULL: none */
    BOOLEAN Short;                    /* the buffer ended */
} PSP_PROCESS_LIST;

static VOID PspDescribeThread(PETHREAD Thread, PSYSTEM_THREAD_INFORMATION Info)
{
    PKTHREAD Tcb = &Thread->Tcb;
    *Info = (SYSTEM_THREAD_INFORMATION){
        .CreateTime = Thread->CreateTime,
        .StartAddress = (PVOID)Tcb->StartRoutine,
        .ClientId = Thread->Cid,
        .Priority = Tcb->Priority,
        .BasePriority = Tcb->BasePriority,
        .ContextSwitches = Tcb->ContextSwitches,
        .ThreadState = Tcb->State,
        .WaitReason = Tcb->WaitReason,
    };
}

static VOID PspDescribeProcess(PEPROCESS Process, PSYSTEM_PROCESS_INFORMATION Entry)
{
    VM_COUNTERS Counters = {0};
    MmQueryProcessCounters(Process, &Counters);
    Entry->CreateTime = Process->CreateTime;
    Entry->BasePriority = Process->Pcb.BasePriority;
    Entry->UniqueProcessId = Process->UniqueProcessId;
    Entry->InheritedFromUniqueProcessId = Process->InheritedFromUniqueProcessId;
    Entry->HandleCount = ObGetProcessHandleCount(Process);
    Entry->VirtualSize = Counters.VirtualSize;
    Entry->WorkingSetSize = Counters.WorkingSetSize;
    Entry->WorkingSetPrivateSize.QuadPart = (LONG64)Counters.WorkingSetSize;
    Entry->PagefileUsage = Counters.PagefileUsage;
    Entry->PrivatePageCount = Counters.PagefileUsage;
}

/* Room for an entry of Size bytes, zeroed and linked; NULL: the buffer is too short for it. */
static PSYSTEM_PROCESS_INFORMATION PspNextEntry(PSP_PROCESS_LIST *List, ULONG Size)
{
    PEX_QUERY Query = List->Query;
    ULONG Offset = Query->Needed;
    Query->Needed += Size;
    List->Short = List->Short || Query->Needed > Query->Length;
    if (List->Short) {
        return NULL;
    }
    PSYSTEM_PROCESS_INFORMATION Entry = (PVOID)(Query->Buffer + Offset);
    RtlZeroMemory(Entry, Size);
    if (List->Last != NULL) {
        List->Last->NextEntryOffset = (ULONG)((PUCHAR)Entry - (PUCHAR)List->Last);
    }
    List->Last = Entry;
    return Entry;
}

static ULONG PspEntrySize(ULONG Threads, ULONG NameChars)
{
    ULONG Size = (ULONG)(sizeof(SYSTEM_PROCESS_INFORMATION) +
                         Threads * sizeof(SYSTEM_THREAD_INFORMATION) +
                         (NameChars + 1) * sizeof(WCHAR));
    return (Size + 7) & ~7u;
}

static VOID PspListIdleProcess(PSP_PROCESS_LIST *List)
{
    PSYSTEM_PROCESS_INFORMATION Entry = PspNextEntry(List, PspEntrySize(1, 0));
    if (Entry != NULL) {
        Entry->NumberOfThreads = 1;
        PspDescribeThread(&PspIdleThread, &Entry->Threads[0]);
    }
}

static NTSTATUS PspListProcess(PSP_PROCESS_LIST *List, PEPROCESS Process)
{
    ULONG Count;
    ULONG Chars = (ULONG)strnlen(Process->ImageFileName, sizeof(Process->ImageFileName));
    PETHREAD *Threads = PspSnapshotThreads(Process, &Count);
    if (Threads == NULL && Count != 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PSYSTEM_PROCESS_INFORMATION Entry = PspNextEntry(List, PspEntrySize(Count, Chars));
    if (Entry != NULL) {
        PWCHAR Name = (PWCHAR)&Entry->Threads[Count];
        PspDescribeProcess(Process, Entry);
        Entry->NumberOfThreads = Entry->NumberOfThreadsHighWatermark = Count;
        for (ULONG i = 0; i < Count; i++) {
            PspDescribeThread(Threads[i], &Entry->Threads[i]);
        }
        for (ULONG i = 0; i < Chars; i++) {
            Name[i] = (UCHAR)Process->ImageFileName[i];
        }
        Entry->ImageName.Length = (USHORT)(Chars * sizeof(WCHAR));
        Entry->ImageName.MaximumLength = (USHORT)(Entry->ImageName.Length + sizeof(WCHAR));
        Entry->ImageName.Buffer =
            (PWSTR)(List->Query->Target + (ULONG_PTR)((PUCHAR)Name - List->Query->Buffer));
    }
    PspFreeSnapshot((PVOID *)Threads, Count);
    return STATUS_SUCCESS;
}

NTSTATUS PsQueryProcessList(PEX_QUERY Query)
{
    PSP_PROCESS_LIST List = {.Query = Query};
    ULONG Count;
    NTSTATUS Status = STATUS_SUCCESS;
    PEPROCESS *Processes = PspSnapshotProcesses(&Count);

    if (Processes == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PspListIdleProcess(&List);
    for (ULONG i = 0; i < Count && NT_SUCCESS(Status); i++) {
        Status = PspListProcess(&List, Processes[i]);
    }
    PspFreeSnapshot((PVOID *)Processes, Count);
    if (NT_SUCCESS(Status) && List.Short) {
        Status = STATUS_INFO_LENGTH_MISMATCH;
    }
    Query->Written = NT_SUCCESS(Status) ? Query->Needed : 0;
    return Status;
}
