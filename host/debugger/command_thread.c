/* SPDX-License-Identifier: MIT */
/* !process, !thread. */
#include "host/debugger/debugger.h"

#include <string.h>
#include <strings.h>

#include "host/debugger/debug_unwind.h"
#include "host/debugger/object_name.h"

#define THREAD "nt!_KTHREAD"
#define ETHREAD_TYPE "nt!_ETHREAD"
#define PROCESS "nt!_EPROCESS"
#define DISPATCHER_PROCESS 3u /* DISPATCHER_HEADER.Type */
#define DISPATCHER_THREAD 6u
#define MAX_WAIT_OBJECTS 64u
#define MAX_IRPS 1024u

/* Flags of !process and !thread, as WinDbg has them */
#define SHOW_TIMES 1u
#define SHOW_THREADS 2u
#define SHOW_STACKS 4u
#define SHOW_DEFAULT (SHOW_TIMES | SHOW_THREADS)
#define SHOW_THREAD_DEFAULT (SHOW_DEFAULT | SHOW_STACKS)

/* KTHREAD.State */
enum { Initialized, Ready, Running, Standby, Terminated, Waiting, StateTransition, DeferredReady };

static const char *WaitReasonName(uint64_t Reason)
{
    static const char *const Names[] = {
        "Executive", "FreePage", "PageIn", "PoolAllocation", "DelayExecution", "Suspended",
        "UserRequest", "WrExecutive", "WrFreePage", "WrPageIn", "WrPoolAllocation",
        "WrDelayExecution", "WrSuspended", "WrUserRequest", "WrEventPair", "WrQueue",
        "WrLpcReceive", "WrLpcReply", "WrVirtualMemory", "WrPageOut", "WrRendezvous", NULL,
        "WrTerminated", NULL, NULL, NULL, NULL, "WrResource", NULL, "WrMutex", "WrQuantumEnd",
        NULL, "WrPreempted"};
    bool Known = Reason < sizeof(Names) / sizeof(Names[0]) && Names[Reason] != NULL;
    return Known ? Names[Reason] : "Unknown";
}

static const char *DispatcherTypeName(uint64_t Type)
{
    static const char *const Names[] = {
        "NotificationEvent", "SynchronizationEvent", "Mutant", "ProcessObject", "QueueObject",
        "Semaphore", "Thread", NULL, "NotificationTimer", "SynchronizationTimer"};
    bool Known = Type < sizeof(Names) / sizeof(Names[0]) && Names[Type] != NULL;
    return Known ? Names[Type] : "Unknown";
}

static bool IsDispatcher(DEBUGGER *Debugger, uint64_t Address, uint64_t Type, const char *What)
{
    uint64_t Found;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!StructureRead(Debugger, Address, "nt!_DISPATCHER_HEADER", "Type", &Found)) {
        return false;
    }
    return Found == Type || DebuggerError(Debugger, "%s is not a %s: its type is %llu, not %llu",
                                          DebugAddressText(Address, Text), What,
                                          (unsigned long long)Found, (unsigned long long)Type);
}

static bool ProcessName(DEBUGGER *Debugger, uint64_t Process, char *Out, size_t Capacity)
{
    uint64_t Offset;
    return StructureOffset(Debugger, PROCESS, "ImageFileName", &Offset) &&
           StructureChars(Debugger, Process + Offset, 15, Out, Capacity);
}

/* What a thread waits for: its wait blocks, without the timer's. */
static bool PrintWaitObjects(DEBUGGER *Debugger, uint64_t Thread)
{
    uint64_t Block, Count, Size, Object, Type;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!STRUCTURE_READ(Debugger, Thread, THREAD, {"WaitBlockList", &Block},
                        {"WaitBlockCount", &Count}) ||
        !StructureSize(Debugger, "nt!_KWAIT_BLOCK", &Size)) {
        return false;
    }
    if (Count > MAX_WAIT_OBJECTS) {
        return DebuggerError(Debugger, "the thread waits for %llu objects, which cannot be",
                             (unsigned long long)Count);
    }
    for (uint64_t i = 0; i < Count; i++) {
        if (!StructureRead(Debugger, Block + i * Size, "nt!_KWAIT_BLOCK", "Object", &Object) ||
            !StructureRead(Debugger, Object, "nt!_DISPATCHER_HEADER", "Type", &Type)) {
            return false;
        }
        DebuggerPrint(Debugger, "    %s  %s\n", DebugAddressText(Object, Text),
                      DispatcherTypeName(Type));
    }
    return true;
}

static bool PrintThreadState(DEBUGGER *Debugger, uint64_t Thread, uint64_t *State)
{
    static const char *const Names[] = {"INITIALIZED", "READY",      "RUNNING on processor 0",
                                        "STANDBY",     "TERMINATED", "WAIT",
                                        "TRANSITION",  "DEFERRED READY"};
    uint64_t Reason, Mode, Alertable, Teb, Process, Id;
    char Text[DEBUG_ADDRESS_SIZE], TebText[DEBUG_ADDRESS_SIZE];
    if (!STRUCTURE_READ(Debugger, Thread, THREAD, {"State", State}, {"WaitReason", &Reason},
                        {"WaitMode", &Mode}, {"Alertable", &Alertable}, {"Teb", &Teb}) ||
        !STRUCTURE_READ(Debugger, Thread, ETHREAD_TYPE, {"Cid.UniqueProcess", &Process},
                        {"Cid.UniqueThread", &Id})) {
        return false;
    }
    DebuggerPrint(Debugger, "THREAD %s  Cid %04llx.%04llx  Teb: %s Win32Thread: 00000000`00000000 "
                  "%s", DebugAddressText(Thread, Text), (unsigned long long)Process,
                  (unsigned long long)Id, DebugAddressText(Teb, TebText),
                  *State < sizeof(Names) / sizeof(Names[0]) ? Names[*State] : "UNKNOWN");
    if (*State == Waiting) {
        DebuggerPrint(Debugger, ": (%s) %s %s", WaitReasonName(Reason),
                      Mode == 0 ? "KernelMode" : "UserMode",
                      Alertable ? "Alertable" : "Non-Alertable");
    }
    DebuggerPrint(Debugger, "\n");
    return true;
}

/* Whom the thread acts as: a token, with the level in the low bits (build 18362). */
static bool PrintImpersonation(DEBUGGER *Debugger, uint64_t Thread)
{
    static const char *const Levels[] = {"Anonymous", "Identification", "Impersonation",
                                         "Delegation"};
    uint64_t Security;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!STRUCTURE_READ(Debugger, Thread, ETHREAD_TYPE, {"ClientSecurity", &Security})) {
        return false;
    }
    if (Security == 0) {
        DebuggerPrint(Debugger, "Not impersonating\n");
    } else {
        DebuggerPrint(Debugger, "Impersonation token:  %s (Level %s)\n",
                      DebugAddressText(Security & ~7ull, Text), Levels[Security & 3]);
    }
    return true;
}

static bool PrintThreadDetails(DEBUGGER *Debugger, uint64_t Thread)
{
    uint64_t Owner, Attached, Start, Init, Current, Base, Limit, Priority, BasePriority, Decrement;
    uint64_t Switches;
    char Text[4][DEBUG_ADDRESS_SIZE], Name[64], Symbol[400];
    if (!STRUCTURE_READ(Debugger, Thread, THREAD, {"Process", &Owner},
                        {"ApcState.Process", &Attached}, {"StartRoutine", &Start},
                        {"InitialStack", &Init}, {"KernelStack", &Current}, {"StackBase", &Base},
                        {"StackLimit", &Limit}, {"Priority", &Priority},
                        {"BasePriority", &BasePriority}, {"PriorityDecrement", &Decrement},
                        {"ContextSwitches", &Switches}) ||
        !PrintImpersonation(Debugger, Thread) ||
        !ProcessName(Debugger, Owner, Name, sizeof(Name))) {
        return false;
    }
    DebuggerPrint(Debugger, "Owning Process            %s       Image:         %s\n",
                  DebugAddressText(Owner, Text[0]), Name);
    if (Attached == Owner) {
        DebuggerPrint(Debugger, "Attached Process          N/A            Image:         N/A\n");
    } else if (!ProcessName(Debugger, Attached, Name, sizeof(Name))) {
        return false;
    } else {
        DebuggerPrint(Debugger, "Attached Process          %s       Image:         %s\n",
                      DebugAddressText(Attached, Text[0]), Name);
    }
    DebuggerPrint(Debugger, "Context Switch Count      %llu\n", (unsigned long long)Switches);
    DebugSymbolText(Debugger, Start, Symbol, sizeof(Symbol));
    DebuggerPrint(Debugger, "Start Address %s (%s)\n", Symbol, DebugAddressText(Start, Text[0]));
    DebuggerPrint(Debugger, "Stack Init %s Current %s Base %s Limit %s\n",
                  DebugAddressText(Init, Text[0]), DebugAddressText(Current, Text[1]),
                  DebugAddressText(Base, Text[2]), DebugAddressText(Limit, Text[3]));
    DebuggerPrint(Debugger, "Priority %lld BasePriority %lld PriorityDecrement %lld\n",
                  (long long)(int8_t)Priority, (long long)(int8_t)BasePriority,
                  (long long)(int8_t)Decrement);
    return true;
}

/* The thread's stack, as k prints it; of one that is swapped out, that it is. */
static bool PrintThreadStack(DEBUGGER *Debugger, uint64_t Thread)
{
    CONTEXT Saved = Debugger->Context;
    bool HadContext = Debugger->HasContext, OfStop = Debugger->ContextIsOfStop;
    uint64_t Resident;
    if (!StructureRead(Debugger, Thread, THREAD, "KernelStackResident", &Resident)) {
        return false;
    }
    if ((Resident & 0xff) == 0) {
        DebuggerPrint(Debugger, "Kernel stack not resident.\n");
        return true;
    }
    if (!DebugThreadContext(Debugger, Thread, &Debugger->Context)) {
        Debugger->Context = Saved;
        return DebuggerError(Debugger, "the thread's registers cannot be read: %s",
                             Debugger->Target->Error);
    }
    Debugger->HasContext = true;
    Debugger->ContextIsOfStop = false;
    bool Good = DebuggerRunLine(Debugger, "k");
    Debugger->Context = Saved;
    Debugger->HasContext = HadContext;
    Debugger->ContextIsOfStop = OfStop;
    return Good;
}

static bool PrintIrps(DEBUGGER *Debugger, uint64_t Thread)
{
    uint64_t Head, Link, Size;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!StructureOffset(Debugger, ETHREAD_TYPE, "IrpList", &Head) ||
        !StructureOffset(Debugger, "nt!_IRP", "ThreadListEntry", &Link)) {
        return false;
    }
    LIST_WALK Walk = ListBegin(Debugger, Thread + Head);
    while (ListNext(&Walk) && Walk.Count <= MAX_IRPS) {
        if (Walk.Count == 1) {
            DebuggerPrint(Debugger, "IRP List:\n");
        }
        if (!StructureRead(Debugger, Walk.Entry - Link, "nt!_IRP", "Size", &Size)) {
            return false;
        }
        DebuggerPrint(Debugger, "    %s: (0006,%04llx)\n",
                      DebugAddressText(Walk.Entry - Link, Text), (unsigned long long)Size);
    }
    return !Walk.Failed;
}

static bool PrintThread(DEBUGGER *Debugger, uint64_t Thread, uint64_t Flags)
{
    uint64_t State;
    if (!IsDispatcher(Debugger, Thread, DISPATCHER_THREAD, "thread") ||
        !PrintThreadState(Debugger, Thread, &State)) {
        return false;
    }
    if ((Flags & SHOW_THREADS) != 0 && State == Waiting && !PrintWaitObjects(Debugger, Thread)) {
        return false;
    }
    if ((Flags & SHOW_TIMES) != 0 &&
        (!PrintIrps(Debugger, Thread) || !PrintThreadDetails(Debugger, Thread))) {
        return false;
    }
    if ((Flags & SHOW_STACKS) != 0 && State != Initialized && State != Terminated) {
        bool Good = PrintThreadStack(Debugger, Thread);
        DebuggerPrint(Debugger, "\n");
        return Good;
    }
    return true;
}

/* !thread [Thread [Flags]] */
static bool ThreadCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Thread = 0, Flags = SHOW_THREAD_DEFAULT;
    if (*Arguments != 0 && !ExpressionEvaluate(Debugger, &Arguments, &Thread)) {
        return false;
    }
    Arguments += strspn(Arguments, " \t,");
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Flags)) {
        return false;
    }
    if (Thread == 0 && !DebugCurrentThread(Debugger, &Thread)) {
        return false;
    }
    return PrintThread(Debugger, Thread, Flags);
}

static bool PrintProcessHead(DEBUGGER *Debugger, uint64_t Process, const char *Name)
{
    uint64_t Id, Peb, Directory, Table, Handles = 0;
    char Text[3][DEBUG_ADDRESS_SIZE];
    if (!STRUCTURE_READ(Debugger, Process, PROCESS, {"UniqueProcessId", &Id}, {"Peb", &Peb},
                        {"Pcb.DirectoryTableBase", &Directory}, {"ObjectTable", &Table}) ||
        (Table != 0 &&
         !StructureRead(Debugger, Table, "nt!_HANDLE_TABLE", "HandleCount", &Handles))) {
        return false;
    }
    DebuggerPrint(Debugger, "PROCESS %s\n    SessionId: none  Cid: %04llx    Peb: %s\n",
                  DebugAddressText(Process, Text[0]), (unsigned long long)Id,
                  DebugAddressText(Peb, Text[1]));
    DebuggerPrint(Debugger, "    DirBase: %08llx  ObjectTable: %s  HandleCount: %llu.\n"
                  "    Image: %s\n\n", (unsigned long long)Directory,
                  DebugAddressText(Table, Text[2]), (unsigned long long)Handles, Name);
    return true;
}

static bool PrintProcessDetails(DEBUGGER *Debugger, uint64_t Process)
{
    uint64_t Vad, Set, Commit, Locked, Active, Base, Count = 0;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!STRUCTURE_READ(Debugger, Process, PROCESS, {"VadRoot", &Vad}, {"MmWorkingSet", &Set},
                        {"CommitCharge", &Commit}, {"LockedPages", &Locked},
                        {"ActiveThreads", &Active}, {"Pcb.BasePriority", &Base}) ||
        (Set != 0 &&
         !StructureRead(Debugger, Set, "nt!_MI_WORKING_SET", "Pages.Count", &Count))) {
        return false;
    }
    DebuggerPrint(Debugger, "    VadRoot %s\n    Active threads            %llu\n",
                  DebugAddressText(Vad, Text), (unsigned long long)Active);
    DebuggerPrint(Debugger, "    Working Set Size          %llu (%lluKB)\n",
                  (unsigned long long)Count, (unsigned long long)Count * 4);
    DebuggerPrint(Debugger, "    CommitCharge              %llu\n"
                  "    Locked pages              %llu\n    BasePriority              %llu\n\n",
                  (unsigned long long)Commit, (unsigned long long)Locked,
                  (unsigned long long)Base);
    return true;
}

static bool PrintProcessThreads(DEBUGGER *Debugger, uint64_t Process, uint64_t Flags)
{
    uint64_t Head, Link;
    if (!StructureOffset(Debugger, PROCESS, "ThreadListHead", &Head) ||
        !StructureOffset(Debugger, ETHREAD_TYPE, "ThreadListEntry", &Link)) {
        return false;
    }
    LIST_WALK Walk = ListBegin(Debugger, Process + Head);
    while (ListNext(&Walk)) {
        if (!PrintThread(Debugger, Walk.Entry - Link, Flags)) {
            return false;
        }
        DebuggerPrint(Debugger, "\n");
    }
    if (Walk.Count == 0) {
        DebuggerPrint(Debugger, "No active threads\n\n");
    }
    return !Walk.Failed;
}

static bool PrintProcess(DEBUGGER *Debugger, uint64_t Process, uint64_t Flags, const char *Name)
{
    return PrintProcessHead(Debugger, Process, Name) &&
           ((Flags & SHOW_TIMES) == 0 || PrintProcessDetails(Debugger, Process)) &&
           ((Flags & (SHOW_THREADS | SHOW_STACKS)) == 0 ||
            PrintProcessThreads(Debugger, Process, Flags));
}

/* Wanted: an image's name, "": all. */
static bool PrintProcesses(DEBUGGER *Debugger, uint64_t Flags, const char *Wanted)
{
    uint64_t Head, Link;
    char Name[64];
    if (!VariableAddress(Debugger, "nt!PsActiveProcessHead", &Head) ||
        !StructureOffset(Debugger, PROCESS, "ActiveProcessLinks", &Link)) {
        return false;
    }
    DebuggerPrint(Debugger, "**** NT ACTIVE PROCESS DUMP ****\n");
    LIST_WALK Walk = ListBegin(Debugger, Head);
    while (ListNext(&Walk)) {
        uint64_t Process = Walk.Entry - Link;
        if (!ProcessName(Debugger, Process, Name, sizeof(Name))) {
            return false;
        }
        if ((Wanted[0] == 0 || strcasecmp(Wanted, Name) == 0) &&
            !PrintProcess(Debugger, Process, Flags, Name)) {
            return false;
        }
    }
    return !Walk.Failed;
}

/* !process [Process [Flags [Image]]]; 0: all; nothing: the current one; -1: the current one */
static bool ProcessCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Process = ~0ull, Flags = SHOW_DEFAULT;
    char Name[64] = "";
    if (strncmp(Arguments, "/s", 2) == 0 || strncmp(Arguments, "/m", 2) == 0) {
        return DebuggerError(Debugger, "!process: there are no sessions and no user modules here");
    }
    if (*Arguments != 0 && !ExpressionEvaluate(Debugger, &Arguments, &Process)) {
        return false;
    }
    Arguments += strspn(Arguments, " \t,");
    if (*Arguments != 0 && !ExpressionEvaluate(Debugger, &Arguments, &Flags)) {
        return false;
    }
    Arguments += strspn(Arguments, " \t,");
    if (*Arguments != 0 && !CommandWord(&Arguments, Name, sizeof(Name))) {
        return DebuggerError(Debugger, "!process: the image's name is too long");
    }
    if (!CommandEnd(Debugger, Arguments)) {
        return false;
    }
    if (Process == 0) {
        return PrintProcesses(Debugger, Flags, Name);
    }
    if (Process == ~0ull && !DebugCurrentProcess(Debugger, &Process)) {
        return false;
    }
    return IsDispatcher(Debugger, Process, DISPATCHER_PROCESS, "process") &&
           ProcessName(Debugger, Process, Name, sizeof(Name)) &&
           PrintProcess(Debugger, Process, Flags, Name);
}

const DEBUGGER_COMMAND CommandsThread[] = {
    {"!process", ProcessCommand, "!process [Process | 0 [Flags [Image]]]",
     "A process, or all: 1 details, 2 threads and what they wait for, 4 their stacks.", false},
    {"!thread", ThreadCommand, "!thread [Thread [Flags]]", "A thread, and its stack.", false},
    {0},
};
