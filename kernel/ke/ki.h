/* SPDX-License-Identifier: MIT */
/*
 * Ke's internals: the contracts between the trap code, the dispatcher, Mm and the rest. Threads,
 * processes, trap frames and the processor's control region are in structures.h.
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

#include "ke/structures.h"
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
