/* SPDX-License-Identifier: MIT */
/*
 * The verifier: checks what a driver asks of the kernel, when the kernel's command line has
 * `verify`. Its facts (names, IRQL ranges, rules) are the export tables of kernel/exports.
 *
 * A driver's import is bound to a stub that enters the gate (mm/kernel_call_gate.S), which calls
 * VfEnterKernelCall and goes on into the routine, or into the verifier's wrapper of it. A `mov
 * cr8` in the driver's code is replaced by an interrupt. Everything here is for any IRQL unless it
 * says otherwise, touches nonpaged memory only and takes no lock that a bug check could wait for.
 */
#pragma once

#include "ke/ki.h"
#include "mm/mm.h"
#include "vf/timeline.h"
#include "wire/control.h"

struct _PE_IMAGE;

typedef struct _VF_EXPORT {
    PCSTR Name;
    PCSTR Rules; /* names of DDI compliance rules, separated by blanks */
    UCHAR IrqlMin, IrqlMax;
} VF_EXPORT;

#define VF_RETURN_ADDRESS (-1)
/*
 * Arguments as on the stack of the called routine: [0] to [3] were in registers, and
 * [VF_RETURN_ADDRESS] is the driver's.
 */
typedef VOID VF_RULE(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument);

/* What a stub hands to the gate; layout known to kernel_call_gate.S and timeline_gate.S. */
typedef struct _VF_IMPORT {
    PVOID Target;
    const VF_EXPORT *Export; /* NULL: not a routine of the kernel */
    VF_RULE *Rule;           /* checks beyond the IRQL range, or NULL */
    PMM_IMAGE Miniport;      /* imports storport.sys, so this may be prohibited; else NULL */
    PVOID volatile FirstCall; /* of a prohibited one: the call site, or NULL */
    struct _VF_IMPORT *NextProhibited;
    BOOLEAN OnlyEntered; /* a recorded run does not see it return */
} VF_IMPORT, *PVF_IMPORT;
C_ASSERT(offsetof(VF_IMPORT, Target) == 0);
C_ASSERT(offsetof(VF_IMPORT, OnlyEntered) == 48);

/* Generated from kernel/exports, sorted by name. */
extern const VF_EXPORT VfExports[];
extern const ULONG VfExportCount;

/* What has no bug check is reported as a finding. */
#define VF_FINDING_PROHIBITED 0xC40001u
#define VF_FINDING_WAIT_TRUE 0xC40002u

/* ---- verifier.c ---- */
/* Drivers are verified, and the first is being loaded or was: for places passed often. */
extern BOOLEAN VfActive;
/* Whether drivers are verified. The first call, at PASSIVE_LEVEL, prepares everything. */
BOOLEAN VfIsEnabled(VOID);
/* NULL: no function of the kernel has that name. */
const VF_EXPORT *VfFindExport(PCSTR Name);
/* Routines with a calling convention of their own, or called by the unwinder: never gated. */
BOOLEAN VfIsCompilerRoutine(PCSTR Name);
/* Fills the record for an import; Name NULL: a routine of another driver. */
VOID VfDescribeImport(PVF_IMPORT Import, PCSTR Name, PVOID Target);
/* Called by the gate before the routine; Caller is in the driver. */
VOID VfEnterKernelCall(PVF_IMPORT Import, PVOID Caller, const ULONG64 *Argument);
/* timeline.c: called by the gate of a recorded run after it. Stack: as Argument was. */
VOID VfLeaveKernelCall(PVF_IMPORT Import, PVOID Caller, ULONG64 Result, ULONG_PTR Stack);

/* ---- irql_range.c ---- */
/* The documented range is violated: bug check 0xC4 (0xC9) with the sub-code for the routine. */
DECLSPEC_NORETURN VOID VfStopForIrql(const VF_EXPORT *Export, KIRQL Irql,
                                     const ULONG64 *Argument);
/* Bug check 0xC4 with a DDI compliance rule: Id, the violated condition as text, P3 and P4. */
DECLSPEC_NORETURN VOID VfStopForRule(ULONG Id, ULONG_PTR P3, ULONG_PTR P4, PCSTR Format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- rules.c ---- */
VF_RULE *VfFindRule(PCSTR Name); /* NULL: the range is all there is to check */
/* Paged pool, a pageable section that is not locked, or a user address. */
BOOLEAN VfIsPageable(PVOID Address);

/* ---- history.c ---- */
VOID VfLogCall(const VF_EXPORT *Export, PVOID Caller, ULONG64 Argument);
VOID VfLogIrqlWrite(PVOID Caller, KIRQL NewIrql);
/* A page fault that was not resolved at once. */
VOID VfLogFault(ULONG64 Rip, ULONG64 Address);
/* The last events of this processor, oldest first, to the debug console; called by a bug check. */
VOID VfPrintHistory(VOID);
/* Pages left memory, not for want of it but because the page-out mode or a request said so. */
VOID VfLogPageOut(ULONG64 Pages);
ULONG64 VfCountEvents(VOID); /* on this processor, since start */
/* This processor's last events, oldest first, as the host is told them; called by a bug check. */
const CONTROL_HISTORY *VfCollectHistory(PULONG Entries);

/* ---- irql_write.c ---- */
#define VF_IRQL_WRITE_VECTOR 0x20
/*
 * Replaces each `mov cr8, reg` in the executable sections of an image that is laid out at Base but
 * not yet protected; returns how many. <= APC_LEVEL: the memory may be pageable.
 */
ULONG VfPatchIrqlWrites(PUCHAR Base, const struct _PE_IMAGE *Pe);
/* From trap.S, interrupts off; Saved is r12 to r15. */
VOID VfIrqlWriteTrap(PKTRAP_FRAME Frame, const ULONG64 Saved[4]);
VOID VfStartIrqlWriteTraps(VOID);

/* ---- holding.c ---- */
typedef enum _VF_HOLDING_KIND { VfHoldingPool, VfHoldingPages } VF_HOLDING_KIND;
/* The wrapper to call in the place of a routine that gives something to hold; NULL: none. */
PVOID VfFindWrapper(PCSTR Name);
/* A block of pool was freed, or an MDL unlocked, by whomever. <= DISPATCH_LEVEL. */
VOID VfForget(VF_HOLDING_KIND Kind, PVOID Object);
/* The driver has returned from its Unload. Bug check 0xCB or 0xC4 (62) when it left something. */
VOID VfCheckUnload(PMM_IMAGE Image);

/* ---- spin_lock.c, held_lock.c ---- */
PVOID VfFindLockWrapper(PCSTR Name); /* as VfFindWrapper, VfFindRule */
VF_RULE *VfFindLockRule(PCSTR Name);
/* Before the IRQL is lowered: bug check 0xC4 (40009, 40007) if this processor holds a lock. */
VOID VfCheckLowering(KIRQL NewIrql);
/* Around a routine of a driver: a mark before it, and after it the check. Kind: "a DPC routine". */
ULONG64 VfMarkLocks(VOID);
VOID VfCheckLocksReleased(ULONG64 Mark, PCSTR Kind);
/* The same in words only, before the bug check about the routine's IRQL. */
VOID VfExplainHeldLock(ULONG64 Mark, PCSTR Kind);
/* The cancel lock was acquired, is about to be released. At DISPATCH_LEVEL. */
VOID VfEnterCancelLock(PKSPIN_LOCK SpinLock, PVOID ReturnAddress, KIRQL OldIrql);
VOID VfLeaveCancelLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql);
/* Bug check 0xC4 (40009) if a held lock lies there. */
VOID VfCheckFreedMemory(PVOID Start, SIZE_T Bytes);

/* ---- miniport.c ---- */
/* Image imports from storport.sys: watches the routine if the rule names it. PASSIVE_LEVEL. */
VOID VfWatchMiniport(PVF_IMPORT Import, PMM_IMAGE Image);
/* A call of a watched routine. */
VOID VfCallFromMiniport(PVF_IMPORT Import, PVOID ReturnAddress);
/* The driver of that code is a physical Storport miniport. PASSIVE_LEVEL. */
VOID VfDeclareMiniport(PVOID ReturnAddress);

/* ---- function_watch.c ---- */
/*
 * What is to be watched in the next image that is loaded: RVAs, ascending. PASSIVE_LEVEL.
 * STATUS_DEVICE_BUSY while an image is watched; STATUS_INVALID_PARAMETER: the order.
 */
NTSTATUS VfSetWatch(const ULONG *Rvas, ULONG Count);
/* The image is laid out and bound, and still writable. PASSIVE_LEVEL. */
VOID VfWatchImage(PUCHAR Base, const struct _PE_IMAGE *Pe);
VOID VfUnwatchImage(ULONG64 Base); /* no code of it runs any more */
/* From the traps, interrupts off. TRUE: it was ours, and the frame is ready to go on. */
BOOLEAN VfFunctionEntered(PKTRAP_FRAME Frame);
BOOLEAN VfFunctionStepped(PKTRAP_FRAME Frame);
ULONG VfQueryWatch(CONTROL_WATCHED *Rows, ULONG Most);

/* ---- dispatch.c ---- */
/* What a dispatch routine must leave as it found it. */
typedef struct _VF_DISPATCH {
    PKTHREAD Thread;
    ULONG64 Locks; /* VfMarkLocks */
    SHORT KernelApcDisable, SpecialApcDisable;
    BOOLEAN OwnsMutex;
} VF_DISPATCH;
VOID VfEnterDispatch(VF_DISPATCH *Before);
/* Bug check 0xC4 with 40003, 40009 or 4000E. */
VOID VfLeaveDispatch(const VF_DISPATCH *Before, PVOID Routine);
