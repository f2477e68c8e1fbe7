/* SPDX-License-Identifier: MIT */
/*
 * Ke's internals: processor control region, threads, processes, trap frames, and the contracts
 * between the trap code, the dispatcher, Mm and the rest.
 *
 * Offsets that drivers inline, or that a kernel debugger reads by build number, are those of
 * Windows 10 build 18362 and are checked at the end; fields between them are ours.
 *
 * Lock order, outermost first (IRQL at which each is held in brackets):
 *   object locks of Io/Ob/Ps (fast mutexes, ERESOURCEs)      [PASSIVE, APC]
 *   MmSystemLoadLock (one image loads or unloads at a time)  [PASSIVE]
 *   process address-space lock                               [APC]
 *   paged pool lock                                          [APC]
 *   nonpaged pool lock, system PTE lock                      [DISPATCH]
 *   PFN lock (Mm: all PTEs of pageable memory, all lists)    [DISPATCH, or interrupts off]
 *   dispatcher lock KiDispatcherLock (threads, waits, timers)[DISPATCH]
 *   DPC queue lock, device locks                             [HIGH / DIRQL]
 */
#pragma once

#include "nt/bugcodes.h"
#include "nt/ex.h"
#include "nt/ke.h"
#include "nt/ps.h"
#include "nt/se.h"
#include "wire/kd.h"
#include "wire/loader_block.h"

#define KGDT64_NULL 0x00
#define KGDT64_R0_CODE 0x10
#define KGDT64_R0_DATA 0x18
#define KGDT64_R3_CMCODE 0x20
#define KGDT64_R3_DATA 0x28
#define KGDT64_R3_CODE 0x30
#define KGDT64_SYS_TSS 0x40
#define KGDT64_R3_CMTEB 0x50

#define KERNEL_STACK_SIZE 0x6000u
#define KI_CLOCK_INTERVAL_100NS 100000u /* 10 ms: the time increment and scheduling tick */
#define KI_USER_SHARED_DATA 0xFFFFF78000000000ull
#define KI_RFLAGS_TRAP 0x100u /* a trap after the next instruction */

/* Interrupt vectors: IRQL == vector >> 4. */
#define APC_VECTOR 0x1f
#define DISPATCH_VECTOR 0x2f
#define DEVICE_VECTOR_BASE 0x50 /* device IRQLs 5..11 */
#define CLOCK_VECTOR 0xd1
#define IPI_VECTOR 0xe1
#define SPURIOUS_VECTOR 0xdf


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

/* The current processor's blocks. The Prcb must not be kept across a point that may switch. */
FORCEINLINE PKPCR KeGetPcr(VOID)
{
    PKPCR Pcr;
    __asm__ volatile("movq %%gs:0x18, %0" : "=r"(Pcr));
    return Pcr;
}

FORCEINLINE PKPRCB KeGetCurrentPrcb(VOID)
{
    PKPRCB Prcb;
    __asm__ volatile("movq %%gs:0x20, %0" : "=r"(Prcb));
    return Prcb;
}

FORCEINLINE PKTHREAD KiCurrentThread(VOID)
{
    PKTHREAD Thread;
    __asm__ volatile("movq %%gs:0x188, %0" : "=r"(Thread));
    return Thread;
}

/* The process whose address space is in CR3: the thread's own, or the one it is attached to. */
FORCEINLINE PKPROCESS KiCurrentProcess(VOID)
{
    return KiCurrentThread()->ApcState.Process;
}

/*
 * The kernel's own raise and lower: CR8 only, no page-out hook. Lowering delivers pending DPC and
 * APC interrupts, because the local APIC holds back vectors whose upper nibble is <= CR8.
 */
FORCEINLINE KIRQL KiReadIrql(VOID)
{
    return KeGetCurrentIrql();
}

FORCEINLINE VOID KiWriteIrql(KIRQL Irql)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"((ULONG_PTR)Irql) : "memory");
}

FORCEINLINE KIRQL KiRaiseIrql(KIRQL Irql)
{
    KIRQL Old = KiReadIrql();
    KiWriteIrql(Irql);
    return Old;
}

FORCEINLINE VOID KiAcquireSpinLockRaw(PKSPIN_LOCK Lock)
{
    while (__atomic_exchange_n((volatile ULONG_PTR *)Lock, 1, __ATOMIC_ACQUIRE) != 0) {
        while (*(volatile ULONG_PTR *)Lock != 0) {
            __builtin_ia32_pause();
        }
    }
}

FORCEINLINE VOID KiReleaseSpinLockRaw(PKSPIN_LOCK Lock)
{
    __atomic_store_n((volatile ULONG_PTR *)Lock, 0, __ATOMIC_RELEASE);
}

FORCEINLINE KIRQL KiAcquireSpinLock(PKSPIN_LOCK Lock)
{
    KIRQL Old = KiRaiseIrql(DISPATCH_LEVEL);
    KiAcquireSpinLockRaw(Lock);
    return Old;
}

FORCEINLINE VOID KiReleaseSpinLock(PKSPIN_LOCK Lock, KIRQL OldIrql)
{
    KiReleaseSpinLockRaw(Lock);
    KiWriteIrql(OldIrql);
}

FORCEINLINE ULONG64 KiDisableInterrupts(VOID)
{
    ULONG64 Flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(Flags) : : "memory");
    return Flags;
}

FORCEINLINE VOID KiRestoreInterrupts(ULONG64 Flags)
{
    if (Flags & 0x200) {
        __asm__ volatile("sti" : : : "memory");
    }
}

FORCEINLINE ULONG64 KiReadTimeStampCounter(VOID)
{
    ULONG Low, High;
    __asm__ volatile("rdtsc" : "=a"(Low), "=d"(High));
    return ((ULONG64)High << 32) | Low;
}

FORCEINLINE VOID KiOutByte(USHORT Port, UCHAR Value)
{
    __asm__ volatile("outb %0, %1" : : "a"(Value), "Nd"(Port));
}

FORCEINLINE UCHAR KiInByte(USHORT Port)
{
    UCHAR Value;
    __asm__ volatile("inb %1, %0" : "=a"(Value) : "Nd"(Port));
    return Value;
}

/*
 * The return address of the routine that asks. The gate of a recorded run (mm/timeline_gate.S)
 * calls a routine from a frame of its own; the driver's return address is behind that frame.
 */
extern const UCHAR MiTimelineGateReturn[];
#define KI_TIMELINE_GATE_FRAME 0xd8
/* Both gates, from their first byte to behind their last: no stack that is reported has them. */
extern const UCHAR MiTimelineGate[], MiTimelineGateEnd[];
extern const UCHAR MiKernelCallGate[], MiKernelCallGateEnd[];
PVOID _AddressOfReturnAddress(VOID);
FORCEINLINE PVOID KiDriverReturnAddress(PVOID *Slot)
{
    if (*Slot == (PVOID)MiTimelineGateReturn) {
        Slot = (PVOID *)((PUCHAR)(Slot + 1) + KI_TIMELINE_GATE_FRAME);
    }
    return *Slot;
}
#define KI_RETURN_ADDRESS() KiDriverReturnAddress((PVOID *)_AddressOfReturnAddress())

/* An address in the call that a return address follows: a finding names its place so. */
#define KI_CALL_SITE(return_address) ((PVOID)((ULONG_PTR)(return_address)-1))

/* Two strengths of assertion: always, and in debug builds only. Both name the place. */
DECLSPEC_NORETURN VOID KiAssertionFailed(PCSTR Condition, PCSTR File, ULONG Line);
#define NT_VERIFY(e) ((e) ? (VOID)0 : KiAssertionFailed(#e, __FILE__, __LINE__))
#if DBG
#define NT_ASSERT(e) NT_VERIFY(e)
#else
#define NT_ASSERT(e) ((VOID)0)
#endif
#define KI_ASSERT_IRQL_AT_MOST(irql) NT_ASSERT(KeGetCurrentIrql() <= (irql))

/* ---- trap.S, interrupt.c, processor.c, bug_check.c, exception (kernel/ke, kernel/hal) ---- */

extern KPCR KiInitialPcr;
extern LOADER_BLOCK *KeLoaderBlock;
extern ULONG64 KeTimeStampFrequency; /* rdtsc ticks in a second */

/* Descriptor tables, CR0/CR4/EFER, GS base of this processor. Before anything else. */
VOID KiInitializeProcessor(PKPCR Pcr, PVOID DpcStackTop, PVOID FaultStackTop);

/* Called by a device or clock vector at its IRQL, interrupts enabled. */
typedef VOID KI_VECTOR_ROUTINE(PKTRAP_FRAME TrapFrame, PVOID Context);
VOID KiConnectVector(UCHAR Vector, KI_VECTOR_ROUTINE *Routine, PVOID Context);
VOID KiDisconnectVector(UCHAR Vector);

/* Puts DISPATCH_VECTOR or APC_VECTOR in the local APIC's request register. Any IRQL. */
VOID HalRequestSoftwareInterrupt(KIRQL Irql);
VOID HalInitializeInterruptController(VOID);          /* local APIC, I/O APIC, legacy PIC off */
VOID HalRouteInterrupt(ULONG Gsi, UCHAR Vector, BOOLEAN Level, BOOLEAN Masked);
VOID HalStartClock(VOID);                             /* periodic, CLOCK_VECTOR */
VOID HalWriteDebugString(PCSTR Text, SIZE_T Length);  /* debug console port, any IRQL */
DECLSPEC_NORETURN VOID HalExitMachine(UCHAR Code);    /* isa-debug-exit, then halt */

/* ---- processor.c, trap.S ---- */
/* What gs is in Thread's user mode; NULL: Thread does not go there (any more). Any IRQL */
VOID KiSetUserGsBase(PKTHREAD Thread, PVOID Teb);
/* Frame, on the thread's kernel stack, is the state to begin with. PASSIVE_LEVEL */
DECLSPEC_NORETURN VOID KiReturnToUserMode(PKTRAP_FRAME Frame);

/* ---- processor_state.c: interrupts off. The save turns hardware breakpoints off. ---- */
VOID KiSaveProcessorControlState(KPROCESSOR_STATE *State, KIRQL Irql);
VOID KiRestoreProcessorControlState(const KPROCESSOR_STATE *State);

VOID KiDispatchException(PEXCEPTION_RECORD Record, PKTRAP_FRAME TrapFrame,
                         KPROCESSOR_MODE PreviousMode, BOOLEAN FirstChance);
/*
 * Ps: an exception of user mode that is not a debugger's. TRUE: it is dealt with, the thread may go
 * on at Context, which may be changed.
 */
extern BOOLEAN (*KiUserExceptionRoutine)(PEXCEPTION_RECORD Record, PCONTEXT Context,
                                         BOOLEAN FirstChance);
/* Lock-free, any IRQL: the loaded image (kernel or driver) that contains Address. */
BOOLEAN KiFindImage(ULONG_PTR Address, PULONG_PTR ImageBase, PULONG ImageSize,
                    struct _RUNTIME_FUNCTION **Table, PULONG TableCount);
DECLSPEC_NORETURN VOID KiBugCheckTrap(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                      ULONG_PTR P4, PKTRAP_FRAME TrapFrame);

/*
 * A Zw service is the Nt service of the same name called with previous mode KernelMode: the
 * caller's addresses and handles are trusted. call is evaluated once.
 */
#define KE_CALL_AS_KERNEL(call)                      \
    ({                                               \
        PKTHREAD Caller_ = KiCurrentThread();        \
        CCHAR PreviousMode_ = Caller_->PreviousMode; \
        Caller_->PreviousMode = KernelMode;          \
        NTSTATUS Status_ = (call);                   \
        Caller_->PreviousMode = PreviousMode_;       \
        Status_;                                     \
    })

/* ---- dispatcher (thread.c, wait.c, ...) ---- */

extern KSPIN_LOCK KiDispatcherLock;

/* The boot thread becomes the idle thread's successor: thread 0 of process 0. */
VOID KiInitializeDispatcher(PKPROCESS SystemProcess, PKTHREAD IdleThread, PVOID IdleStackTop);
/* From now on the lengths of time slices follow from Seed; until then all are the same. */
VOID KiSeedQuanta(ULONG64 Seed);
VOID KeInitializeProcess(PKPROCESS Process, KPRIORITY BasePriority, ULONG_PTR DirectoryTableBase);
/* StackTop comes from MmCreateKernelStack. The thread starts at Routine(Context), PASSIVE_LEVEL. */
VOID KeInitializeThread(PKTHREAD Thread, PVOID StackTop, PKSTART_ROUTINE Routine, PVOID Context,
                        PKPROCESS Process);
VOID KeStartThread(PKTHREAD Thread);
/* Never returns; the reaper (Ps) frees thread and stack after the switch. */
DECLSPEC_NORETURN VOID KeTerminateThread(KPRIORITY Increment);
/*
 * Thread ends when it is about to return to user mode; a wait of it with WaitMode UserMode ends
 * now, with STATUS_USER_APC. It must have a user mode. <= DISPATCH_LEVEL
 */
VOID KeEndUserThread(PKTHREAD Thread);
/* Called by the clock vector, at CLOCK_LEVEL, once a tick. */
VOID KeUpdateSystemTime(PKTRAP_FRAME TrapFrame);
/* DISPATCH_VECTOR: DPCs, expired timers, quantum end, thread switch. At DISPATCH_LEVEL. */
VOID KiDispatchInterrupt(VOID);
/* APC_VECTOR: at APC_LEVEL. */
VOID KiDeliverApc(KPROCESSOR_MODE Mode, PKTRAP_FRAME TrapFrame);
/* user_apc.c: at APC_LEVEL, the thread goes on in NormalRoutine when it is back in user mode. */
VOID KiInitializeUserApc(PKTRAP_FRAME TrapFrame, PKNORMAL_ROUTINE NormalRoutine,
                         PVOID NormalContext, PVOID SystemArgument1, PVOID SystemArgument2);
/* Saves the non-volatile state of Old, loads New's; dispatcher lock held (switch.S). */
VOID KiSwapContext(PKTHREAD Old, PKTHREAD New);
DECLSPEC_NORETURN VOID KiIdleLoop(VOID);

/* ---- stack_swap.c ---- */
VOID KiStartSwapThread(VOID); /* once there are threads and a paging file */
BOOLEAN KiAnyStackMayLeave(VOID);
/* The top of one stack that has been waiting since then or longer; NULL: none. MiPfnLock held. Its
   thread does not run until MmInPageKernelStack has had it. */
PVOID KiTakeStackToLeave(ULONG64 WaitsSince);
