/* SPDX-License-Identifier: MIT */
/*
 * What a kernel debugger and drivers know Ke by: trap frames, threads, processes, the processor's
 * control region. Offsets that drivers inline, or that a debugger reads by build number, are those
 * of Windows 10 build 18362 and are checked at the end; fields between them are ours.
 */
#pragma once

#include "nt/ex.h"
#include "nt/ke.h"
#include "nt/ps.h"
#include "nt/se.h"
#include "wire/kd.h"

/*
 * Built on the stack by every trap and interrupt entry (kernel/ke/trap.S). rbp points 0x80 into
 * it while trap code runs. Volatile registers, rbx, rdi, rsi, rbp and xmm0-5 are in it; r12-r15
 * and xmm6-15 stay live, as kernel code does not change them.
 */
typedef struct _KTRAP_FRAME {
    ULONG64 P1Home, P2Home, P3Home, P4Home, P5;
    KPROCESSOR_MODE PreviousMode;
    KIRQL PreviousIrql;
    UCHAR FaultIndicator;
    UCHAR ExceptionActive;
    ULONG MxCsr;
    ULONG64 Rax, Rcx, Rdx, R8, R9, R10, R11;
    ULONG64 GsBase;
    DECLSPEC_ALIGN(16) ULONG64 Xmm[6][2];
    ULONG64 FaultAddress;
    ULONG64 Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    ULONG64 DebugControl, LastBranchToRip, LastBranchFromRip, LastExceptionToRip,
        LastExceptionFromRip;
    USHORT SegDs, SegEs, SegFs, SegGs;
    ULONG64 TrapFrame;
    ULONG64 Rbx, Rdi, Rsi, Rbp;
    ULONG64 ErrorCode;
    ULONG64 Rip;
    USHORT SegCs;
    UCHAR Fill0;
    UCHAR Logging;
    USHORT Fill1[2];
    ULONG EFlags;
    ULONG Fill2;
    ULONG64 Rsp;
    USHORT SegSs;
    USHORT Fill3;
    ULONG Fill4;
} KTRAP_FRAME;

typedef enum _KTHREAD_STATE {
    Initialized,
    Ready,
    Running,
    Standby,
    Terminated,
    Waiting,
    Transition,
    DeferredReady,
} KTHREAD_STATE;

typedef struct _KPROCESS {
    DISPATCHER_HEADER Header;     /* 00 */
    LIST_ENTRY ProfileListHead;   /* 18 */
    ULONG_PTR DirectoryTableBase; /* 28: physical address of the PML4 */
    LIST_ENTRY ThreadListHead;    /* 30 */
    KSPIN_LOCK ProcessLock;       /* 40 */
    ULONG AttachCount;            /* threads attached to the address space */
    KPRIORITY BasePriority;
    UCHAR Fill[0x2e0 - 0x50];
} KPROCESS;

/* A structure of ours padded to the size build 18362 gives it. */
#define KI_PADDED(tag, bytes, ...)      \
    typedef struct _##tag {             \
        union {                         \
            struct {                    \
                __VA_ARGS__             \
            };                          \
            UCHAR tag##_Size[bytes];    \
        };                              \
    } tag

KI_PADDED(KTHREAD, 0x600,
    DISPATCHER_HEADER Header;    /* signalled at termination */
    PVOID SListFaultAddress;
    ULONG64 QuantumTarget;
    PVOID InitialStack;          /* 28: where calls begin; floating_state.c has what is above */
    PVOID volatile StackLimit;   /* 30: lowest usable address */
    PVOID StackBase;             /* 38: top of the kernel stack */
    KSPIN_LOCK ThreadLock;
    ULONG64 CycleTime;
    ULONG64 Reserved50;
    PVOID KernelStack;           /* 58: rsp while not running */
    KAPC_STATE ApcState;
    KAPC_STATE SavedApcState;    /* of the own process, while attached to another */
    PKPROCESS Process;           /* the process the thread belongs to */
    LONG_PTR WaitStatus;
    PKWAIT_BLOCK WaitBlockList;
    LIST_ENTRY WaitListEntry;    /* links the ready queue while Ready, else stack_swap.c */
    struct _KQUEUE *Queue;       /* the KQUEUE the thread serves */
    PVOID Teb;                   /* F0: the base of gs in user mode; NULL: it never goes there */
    KTIMER Timer;                /* for waits with a time-out */
    KWAIT_BLOCK WaitBlock[4];    /* the last is the timer's */
    LIST_ENTRY ThreadListEntry;  /* KPROCESS.ThreadListHead */
    LIST_ENTRY MutantListHead;   /* mutexes held */
    LIST_ENTRY ResourceListHead; /* Ex: for ERESOURCE */
    SHORT KernelApcDisable;      /* < 0: normal kernel APCs off */
    SHORT SpecialApcDisable;     /* < 0: all kernel APCs off */
    volatile UCHAR State;        /* KTHREAD_STATE */
    KIRQL WaitIrql;
    CCHAR WaitMode;
    UCHAR WaitReason;
    BOOLEAN WaitNext;            /* KeSet...(Wait TRUE): dispatcher lock is still held */
    BOOLEAN Alertable;
    BOOLEAN Alerted[MaximumMode];
    BOOLEAN ApcQueueable;
    BOOLEAN Preempted;
    BOOLEAN KernelStackResident;  /* stack_swap.c, with the next two */
    BOOLEAN EnableStackSwap;
    BOOLEAN InStackWaitList;     /* by WaitListEntry */
    UCHAR ApcStateIndex;
    SCHAR Priority;
    SCHAR BasePriority;
    SCHAR PriorityDecrement;
    CCHAR PreviousMode;
    LONG Quantum;                /* clock ticks left */
    ULONG ContextSwitches;
    LARGE_INTEGER WaitStart;     /* interrupt time, 100 ns */
    KSPIN_LOCK ApcQueueLock;
    KAPC SuspendApc;
    KSEMAPHORE SuspendSemaphore;
    LONG SuspendCount;
    PKTRAP_FRAME TrapFrame;      /* of the system call or kernel APC in progress */
    PKSTART_ROUTINE StartRoutine;
    PVOID StartContext;
    ULONG SystemThread;          /* 1: no user mode */
    LIST_ENTRY QueueListEntry;   /* KQUEUE.ThreadListHead */
    UCHAR WaitBlockCount;        /* blocks in WaitBlockList, without the timer's */
    BOOLEAN WaitTimerActive;     /* WaitBlock[3] is linked to Timer */
    KAFFINITY SystemAffinity;    /* set by KeSetSystemAffinityThread; 0: none */
    BOOLEAN Terminating;         /* the thread ends instead of going to user mode */
    ULONG64 ReadySince;          /* while Ready: interrupt time */
);

typedef struct _ETHREAD {
    KTHREAD Tcb;
    LARGE_INTEGER CreateTime;             /* 600 */
    LARGE_INTEGER ExitTime;
    NTSTATUS ExitStatus;
    UCHAR Fill1[0x648 - 0x614];
    CLIENT_ID Cid;                        /* 648 */
    UCHAR Fill2[0x678 - 0x658];
    ULONG64 ClientSecurity;               /* 678: Se: see se/impersonation.c */
    UCHAR Fill4[0x698 - 0x680];
    PVOID DeviceToVerify;                 /* 698: Io */
    PVOID Win32StartAddress;              /* 6A0 */
    struct _EPROCESS *ThreadsProcess;
    ULONG64 CrossThreadFlags;
    LIST_ENTRY ThreadListEntry;           /* 6B8: EPROCESS.ThreadListHead */
    LIST_ENTRY IrpList;
    KSPIN_LOCK IrpListLock;
    PKEVENT IrpListDrained;               /* Io: set when IrpList gets empty, or NULL */
    PVOID TopLevelIrp;
    NTSTATUS TerminationStatus;           /* Ps: given with Tcb.Terminating */
    ULONG PagePriority;                   /* Ps: as set; of no consequence */
    GUID ActivityId;                      /* Etw: of the events that it writes */
    UCHAR Fill3[0x800 - 0x708];
} ETHREAD;

typedef struct _EPROCESS {
    KPROCESS Pcb;
    ULONG64 ProcessLock;                  /* 2E0 */
    HANDLE UniqueProcessId;               /* 2E8 */
    LIST_ENTRY ActiveProcessLinks;        /* 2F0 */
    ULONG64 Reserved300;
    LARGE_INTEGER CreateTime;
    LARGE_INTEGER ExitTime;
    NTSTATUS ExitStatus;
    LONG ActiveThreads;
    PVOID MmWorkingSet;                   /* Mm: struct _MM_WORKING_SET */
    PVOID MmAddressSpaceLock;             /* Mm */
    LONG64 CommitCharge;                  /* pages */
    LONG64 LockedPages;                   /* by MDLs */
    BOOLEAN Terminating;                  /* Ps: it ends with its last thread */
    BOOLEAN Exited;                       /* it has: no thread that comes late ends it again */
    BOOLEAN EndReported;                  /* Io: the host knows why */
    PVOID UserApcDispatcher;              /* Ps: where user APCs go; NULL: nowhere */
    UCHAR Fill1[0x360 - 0x350];
    PVOID Token;                          /* 360: Se; the low bits, a count in NT, are 0 */
    UCHAR Fill6[0x3c8 - 0x368];
    PVOID SectionBaseAddress;             /* 3C8: of the program; NULL: there is none */
    UCHAR Fill7[0x3e8 - 0x3d0];
    HANDLE InheritedFromUniqueProcessId;  /* 3E8: whose process made it */
    UCHAR Fill8[0x3f8 - 0x3f0];
    PVOID Peb;                            /* 3F8 */
    UCHAR Fill2[0x418 - 0x400];
    PVOID ObjectTable;                    /* 418: Ob: the handle table */
    UCHAR Fill5a[0x450 - 0x420];
    CHAR ImageFileName[15];               /* 450 */
    UCHAR PriorityClass;
    UCHAR Fill3[0x468 - 0x460];
    PUNICODE_STRING SeAuditProcessCreationInfo; /* 468: name of the program; NULL: it has none */
    EX_RUNDOWN_REF RundownProtect;        /* from here on, until the handles are closed */
    ULONG BreakOnTermination;             /* 1: its end is bug check 0xEF */
    UCHAR Fill9[0x488 - 0x47c];
    LIST_ENTRY ThreadListHead;            /* 488 */
    UCHAR Fill4[0x658 - 0x498];
    PVOID VadRoot;                        /* 658 */
    UCHAR Fill5[0x880 - 0x660];
} EPROCESS;

/* The state of a processor that the debugger has stopped. */
typedef struct _KPROCESSOR_STATE {
    KSPECIAL_REGISTERS SpecialRegisters;
    CONTEXT ContextFrame; /* F0 */
} KPROCESSOR_STATE;

typedef struct _KPRCB {
    ULONG MxCsr;                          /* 000 */
    UCHAR LegacyNumber;
    UCHAR ReservedMustBeZero;
    UCHAR InterruptRequest;
    UCHAR IdleHalt;
    PKTHREAD CurrentThread;               /* 008: gs:[188h] */
    PKTHREAD NextThread;                  /* 010 */
    PKTHREAD IdleThread;                  /* 018 */
    UCHAR NestingLevel;                   /* 020 */
    UCHAR Fill1[3];
    ULONG Number;                         /* 024: gs:[1A4h] */
    ULONG64 RspBase;                      /* 028 */
    KSPIN_LOCK PrcbLock;                  /* 030 */
    ULONG64 Reserved38;
    UCHAR CpuType;                        /* 040 */
    UCHAR Fill2[3];
    ULONG MHz;                            /* 044 */
    UCHAR Fill3[0x100 - 0x48];
    KPROCESSOR_STATE ProcessorState;      /* 100 */
    UCHAR Fill4[0x700 - 0x6c0];
    /* From here on ours alone. */
    LIST_ENTRY DpcListHead;
    KSPIN_LOCK DpcLock;
    volatile LONG DpcQueueDepth;
    volatile BOOLEAN DpcRoutineActive;
    volatile BOOLEAN QuantumEnd;
    BOOLEAN ClockActive;
    ULONG DpcCount;
    ULONG DpcTimeCount, DpcWatchdogCount; /* clock ticks; dpc_watchdog.c */
    PVOID DpcStack;                       /* top */
    PVOID FaultStack;                     /* top: IST for double fault and NMI */
    ULONG ReadySummary;                   /* bit n: a thread of priority n is ready */
    LIST_ENTRY ReadyListHead[32];
    KSPIN_LOCK DispatcherReadyLock;
    ULONG64 InterruptCount;
    ULONG64 ContextSwitches;
    ULONG64 PageFaultCount;
    ULONG64 SoftFaultCount;
    ULONG64 HardFaultCount;
    ULONG64 DemandZeroCount;
    PVOID OwedSwitchThread;               /* terminated; given to the reaper after the switch */
    PCONTEXT Context;
    PVOID LastRaiseCaller;                /* who last raised to >= DISPATCH_LEVEL by an export */
    volatile BOOLEAN TimerRequest;        /* the clock saw a due timer */
    KIRQL DebuggerSavedIRQL;              /* Kd: before the stop, or the bug check before it */
    UCHAR VerifierSavedIrqls[3];          /* Vf: how many held locks have saved IRQL 0, 1, 2 */
} KPRCB, *PKPRCB;

typedef struct _KPCR {
    PVOID GdtBase;                        /* 00 */
    PVOID TssBase;                        /* 08 */
    ULONG64 UserRsp;                      /* 10 */
    struct _KPCR *Self;                   /* 18 */
    PKPRCB CurrentPrcb;                   /* 20 */
    PVOID LockArray;                      /* 28 */
    PVOID Used_Self;                      /* 30: the TEB */
    PVOID IdtBase;                        /* 38 */
    ULONG64 Unused[2];
    KIRQL Irql;                           /* 50: not used on x64; CR8 is the truth */
    UCHAR SecondLevelCacheAssociativity;
    UCHAR ObsoleteNumber;
    UCHAR Fill0;
    ULONG Unused0[3];
    USHORT MajorVersion;                  /* 60 */
    USHORT MinorVersion;
    ULONG StallScaleFactor;               /* 64: cycles in a microsecond */
    PVOID Unused1[3];
    UCHAR Fill1[0x108 - 0x80];
    PVOID KdVersionBlock;                 /* 108 */
    UCHAR Fill2[0x180 - 0x110];
    KPRCB Prcb;                           /* 180 */
} KPCR, *PKPCR;

C_ASSERT(sizeof(KTRAP_FRAME) == 0x190);
C_ASSERT(offsetof(KTRAP_FRAME, Xmm) == 0x70);
C_ASSERT(offsetof(KTRAP_FRAME, FaultAddress) == 0xd0);
C_ASSERT(offsetof(KTRAP_FRAME, SegDs) == 0x130);
C_ASSERT(offsetof(KTRAP_FRAME, Rbx) == 0x140);
C_ASSERT(offsetof(KTRAP_FRAME, ErrorCode) == 0x160);
C_ASSERT(offsetof(KTRAP_FRAME, EFlags) == 0x178);
C_ASSERT(offsetof(KTRAP_FRAME, SegSs) == 0x188);
C_ASSERT(sizeof(KPROCESS) == 0x2e0);
C_ASSERT(offsetof(KPROCESS, DirectoryTableBase) == 0x28);
C_ASSERT(sizeof(KTHREAD) == 0x600);
C_ASSERT(offsetof(KTHREAD, InitialStack) == 0x28);
C_ASSERT(offsetof(KTHREAD, KernelStack) == 0x58);
C_ASSERT(offsetof(KTHREAD, ApcState.Process) == 0x80); /* switch.S */
C_ASSERT(offsetof(KTHREAD, ApcState.UserApcPending) == 0x8a); /* trap.S */
C_ASSERT(offsetof(KTHREAD, Teb) == 0xf0); /* switch.S too */
C_ASSERT(offsetof(ETHREAD, Cid) == 0x648);
C_ASSERT(offsetof(ETHREAD, ClientSecurity) == 0x678);
C_ASSERT(offsetof(ETHREAD, Win32StartAddress) == 0x6a0);
C_ASSERT(offsetof(ETHREAD, ThreadListEntry) == 0x6b8);
C_ASSERT(offsetof(EPROCESS, UniqueProcessId) == 0x2e8);
C_ASSERT(offsetof(EPROCESS, ActiveProcessLinks) == 0x2f0);
C_ASSERT(offsetof(EPROCESS, Token) == 0x360);
C_ASSERT(offsetof(EPROCESS, SectionBaseAddress) == 0x3c8);
C_ASSERT(offsetof(EPROCESS, InheritedFromUniqueProcessId) == 0x3e8);
C_ASSERT(offsetof(EPROCESS, Peb) == 0x3f8);
C_ASSERT(offsetof(EPROCESS, ObjectTable) == 0x418);
C_ASSERT(offsetof(EPROCESS, ImageFileName) == 0x450);
C_ASSERT(offsetof(EPROCESS, SeAuditProcessCreationInfo) == 0x468);
C_ASSERT(offsetof(EPROCESS, ThreadListHead) == 0x488);
C_ASSERT(offsetof(EPROCESS, VadRoot) == 0x658);
C_ASSERT(offsetof(KPCR, Self) == 0x18);
C_ASSERT(offsetof(KPCR, Irql) == 0x50);
C_ASSERT(offsetof(KPCR, KdVersionBlock) == 0x108);
C_ASSERT(offsetof(KPCR, Prcb) == 0x180);
C_ASSERT(offsetof(KPCR, Prcb.CurrentThread) == 0x188);
C_ASSERT(offsetof(KPRCB, ProcessorState) == 0x100);
C_ASSERT(offsetof(KPRCB, ProcessorState.ContextFrame) == 0x1f0);
C_ASSERT(sizeof(KPROCESSOR_STATE) == 0x5c0);
