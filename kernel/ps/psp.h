/* SPDX-License-Identifier: MIT */
/*
 * Ps's internals: the first process and thread, ids, creation and end.
 *
 * Lock order: PspActiveProcessLock and PspCidLock are spin locks, innermost; nothing is called
 * with them held, but the dispatcher's lock is taken inside the first. EPROCESS.ThreadListHead,
 * ActiveThreads and Terminating are under PspActiveProcessLock too.
 */
#pragma once

#include "ke/ki.h"
#include "nt/ex.h"
#include "nt/ps.h"
#include "nt/rtl.h"
#include "ob/obp.h"

/* ETHREAD.CrossThreadFlags, as in build 18362 */
#define PS_CROSS_THREAD_FLAGS_TERMINATED 0x1
#define PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER 0x4
#define PS_CROSS_THREAD_FLAGS_IMPERSONATING 0x8
#define PS_CROSS_THREAD_FLAGS_SYSTEM 0x10
#define PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION 0x20
#define PS_CROSS_THREAD_FLAGS_COPY_TOKEN_ON_OPEN 0x100
#define PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED 0x10000 /* of ours, as the one of _SYSTEM */

/* They exist before there is pool; their object headers are filled in by PsInitializeSystem. */
typedef struct _PSP_STATIC_PROCESS {
    OBJECT_HEADER Header;
    EPROCESS Body;
} PSP_STATIC_PROCESS;

typedef struct _PSP_STATIC_THREAD {
    OBJECT_HEADER Header;
    ETHREAD Body;
} PSP_STATIC_THREAD;

extern PSP_STATIC_PROCESS PspStaticSystemProcess;
extern PSP_STATIC_THREAD PspStaticIdleThread;
#define PspInitialSystemProcess (PspStaticSystemProcess.Body)
#define PspIdleThread (PspStaticIdleThread.Body)

extern LIST_ENTRY PsActiveProcessHead;
extern KSPIN_LOCK PspActiveProcessLock;

/* After ObInitializeSystem, on the boot stack; makes the boot thread an ETHREAD of id 0. */
VOID PsInitializeSystem(VOID);

/* ---- cid_table.c: ids are multiples of 4; <= DISPATCH_LEVEL ---- */
VOID PspInitializeCidTable(VOID);
NTSTATUS PspAllocateCid(PVOID Object, PHANDLE Id); /* <= APC_LEVEL */
VOID PspFreeCid(HANDLE Id);
/* References; NULL when Id is not of a live object of Type. */
PVOID PspReferenceCid(HANDLE Id, POBJECT_TYPE Type);

/* ---- thread.c ---- */
NTSTATUS PspCreateThread(PEPROCESS Process, PKSTART_ROUTINE StartRoutine, PVOID StartContext,
                         PETHREAD *Thread);
/* The steps of it: a thread that is not started, with its own reference; its start; its undoing. */
NTSTATUS PspAllocateThread(PEPROCESS Process, PKSTART_ROUTINE StartRoutine, PVOID StartContext,
                           PETHREAD *NewThread);
VOID PspStartThread(PETHREAD Thread);
VOID PspAbandonThread(PETHREAD Thread);
/* PASSIVE_LEVEL, in the thread that ends. */
DECLSPEC_NORETURN VOID PspExitThread(NTSTATUS Status);
/* Called with the dispatcher lock held by the switch away from a terminated thread. */
VOID PspQueueReaper(PKTHREAD Thread);
/* One of CrossThreadFlags, in one step. Any IRQL */
VOID PspSetThreadFlag(PETHREAD Thread, ULONG Flag, BOOLEAN Set);
VOID PspStartReaper(VOID);
OB_DELETE_METHOD PspDeleteThread;

/* ---- process.c ---- */
/* A process without threads: others attach to it. The caller gets a reference. PASSIVE_LEVEL */
NTSTATUS PspCreateProcess(PCSTR ImageName, PEPROCESS *Process);
/*
 * Ends it: its handles are closed (cleanup and close requests run in its context), its object is
 * signalled, its id is free. The address space goes with the last reference. PASSIVE_LEVEL, not
 * attached to it.
 */
VOID PspExitProcess(PEPROCESS Process, NTSTATUS ExitStatus);
OB_DELETE_METHOD PspDeleteProcess;

/* Of its program; empty for the system process. It stays as long as the process object. */
PCUNICODE_STRING PspImageName(PEPROCESS Process);

/* A thread of the kernel's own, which start-up cannot do without. PASSIVE_LEVEL */
VOID PsStartSystemThread(PKSTART_ROUTINE Routine);

/* ---- snapshot.c: PASSIVE_LEVEL, APC_LEVEL; NULL with a *Count: no memory ---- */
PEPROCESS *PspSnapshotProcesses(PULONG Count);
PETHREAD *PspSnapshotThreads(PEPROCESS Process, PULONG Count);
VOID PspFreeSnapshot(PVOID *Objects, ULONG Count);

/* ---- notify.c ---- */
/* The status of a creation that a routine refuses; else STATUS_SUCCESS. */
NTSTATUS PspCallProcessNotify(PEPROCESS Process, BOOLEAN Create);
/* Create: by who makes the thread; else by the thread, which ends. */
VOID PspCallThreadNotify(PETHREAD Thread, BOOLEAN Create);
VOID PspCallUserThreadNotify(VOID); /* by a thread that goes to user mode for the first time */
/* For every image that Io loads. PASSIVE_LEVEL */
VOID PsCallImageNotifyRoutines(PUNICODE_STRING FullImageName, HANDLE ProcessId,
                               PIMAGE_INFO ImageInfo);
VOID PspInitializeNotify(VOID);
