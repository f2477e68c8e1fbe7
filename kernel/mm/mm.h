/* SPDX-License-Identifier: MIT */
/*
 * What Mm offers the other components of the kernel. What it offers drivers is in
 * include/nt/mm.h; its own internals are in kernel/mm/mi.h.
 */
#pragma once

#include "ke/ki.h"
#include "nt/mm.h"
#include "nt/pool.h"
#include "wire/control.h"

/*
 * System address layout (x64 NT before the randomised layouts of build 14316 and later; the
 * addresses WinDbg's documentation shows):
 *   FFFFF680`00000000  page tables, mapped onto themselves
 *   FFFFF700`00000000  physical memory (where NT has hyperspace): page by page access for Mm
 *   FFFFF780`00000000  KUSER_SHARED_DATA
 *   FFFFF800`00000000  kernel image
 *   FFFFF880`00000000  system PTEs: kernel stacks, device and MDL mappings, driver images
 *   FFFFF8A0`00000000  paged pool
 *   FFFFFA80`00000000  PFN database
 *   FFFFFAA0`00000000  nonpaged pool
 */
#define MM_PTE_BASE 0xFFFFF68000000000ull
#define MM_PHYSICAL_MAP LOADER_PHYSICAL_MAP
#define MM_SYSTEM_PTES_START 0xFFFFF88000000000ull
#define MM_SYSTEM_PTES_PAGES 0x20000ull /* 512 MB of addresses */
#define MM_IMAGES_START 0xFFFFF88200000000ull
#define MM_IMAGES_PAGES 0x80000ull /* 2 GB of addresses */
#define MM_PAGED_POOL_START 0xFFFFF8A000000000ull
#define MM_PAGED_POOL_PAGES 0x80000ull /* 2 GB of addresses */
#define MM_PFN_DATABASE 0xFFFFFA8000000000ull
#define MM_NONPAGED_POOL_START 0xFFFFFAA000000000ull
#define MM_NONPAGED_POOL_PAGES 0x40000ull /* 1 GB of addresses */
#define MM_HIGHEST_USER_ADDRESS 0x00007FFFFFFEFFFFull
#define MM_USER_PROBE_ADDRESS 0x00007FFFFFFF0000ull
#define MM_SYSTEM_RANGE_START 0xFFFF800000000000ull

#define MM_PHYSICAL_LIMIT 0x8000000000ull /* bytes that the map has addresses for */

/* Access to a physical address, for device registers under 4 GB and for RAM. Any IRQL. */
FORCEINLINE PVOID MmPhysicalAddressToVirtual(ULONG64 Physical)
{
    return (PVOID)(MM_PHYSICAL_MAP + Physical);
}

/* Phase 0, before pool: PFN database, free lists, system ranges. Single-threaded. */
VOID MmInitializeMemory(LOADER_BLOCK *Loader);
/* Phase 1, in the first system thread: paging file (absent disk: runs without), Mm's threads. */
NTSTATUS MmInitializePaging(VOID);

/*
 * Resolves a page fault. FaultCode is the processor's error code. Returns a success status when
 * the instruction may be retried; STATUS_ACCESS_VIOLATION, STATUS_IN_PAGE_ERROR,
 * STATUS_GUARD_PAGE_VIOLATION for the exception dispatcher; does not return when the law is
 * broken (bug check). Called with interrupts as the interrupted code had them.
 */
NTSTATUS MmAccessFault(ULONG_PTR FaultCode, PVOID Address, KPROCESSOR_MODE Mode,
                       PKTRAP_FRAME TrapFrame);

/* There is a page, valid or out, at Address. Any IRQL. */
BOOLEAN MmHasPage(PVOID Address);

/* Returns the stack's top, NULL when memory is short. KERNEL_STACK_SIZE bytes and a guard page. */
PVOID MmCreateKernelStack(VOID);
VOID MmDeleteKernelStack(PVOID StackTop); /* <= DISPATCH_LEVEL */
/* For a thread whose stack has left: every page is nonpaged again. PASSIVE_LEVEL */
VOID MmInPageKernelStack(PVOID StackTop);

/* Page tables and working set of a new process; fills Pcb.DirectoryTableBase. <= APC_LEVEL */
NTSTATUS MmCreateProcessAddressSpace(PEPROCESS Process);
/* Sizes of a process's memory; what is not counted stays as it is. */
struct _VM_COUNTERS;
VOID MmQueryProcessCounters(PEPROCESS Process, struct _VM_COUNTERS *Counters);
/* Frees every user page, VAD and table; no thread may be attached. PASSIVE_LEVEL */
VOID MmDeleteProcessAddressSpace(PEPROCESS Process);

/* Pool's source of pages. NULL when memory, addresses or commit are short. */
PVOID MiAllocatePoolPages(POOL_TYPE PoolType, SIZE_T Pages);
SIZE_T MiFreePoolPages(PVOID Va); /* returns the pages freed */
POOL_TYPE MiPoolTypeOfAddress(PVOID Va);

/*
 * Images. The file is a byte buffer (the boot archive); it is copied, so it may go afterwards.
 * The section's records, lock counts and page states: kernel/mm/image.h.
 */
typedef struct _MM_IMAGE *PMM_IMAGE;
/*
 * Loads, relocates, binds the imports (also against other images), makes PAGE sections pageable.
 * PASSIVE_LEVEL. On failure nothing remains; ErrorText (of ErrorSize bytes) names offset and rule.
 */
NTSTATUS MmLoadSystemImage(PCUNICODE_STRING FullName, const VOID *File, SIZE_T FileSize,
                           PMM_IMAGE *Image, PCHAR ErrorText, SIZE_T ErrorSize);
/* After DriverEntry (and Reinitialize) returned: INIT and the discardable tail are freed. */
VOID MmFreeImageInitialization(PMM_IMAGE Image);
VOID MmUnloadSystemImage(PMM_IMAGE Image);
PVOID MmImageBase(PMM_IMAGE Image);
ULONG MmImageSize(PMM_IMAGE Image);
PVOID MmImageEntryPoint(PMM_IMAGE Image); /* NULL: an image without entry point */
BOOLEAN MmImageForcesIntegrity(PMM_IMAGE Image); /* linked with /INTEGRITYCHECK */
/* Any IRQL; NULL when Address is in no driver. */
PMM_IMAGE MmFindImage(PVOID Address);
/* Rows for the sections of an image, headers first; returns how many there are. <= APC_LEVEL */
ULONG MmQueryImageSections(PMM_IMAGE Image, CONTROL_SECTION *Rows, ULONG Max);
/* What Address lies in, and its section's state, for a bug check's report. Any IRQL. */
VOID MmDescribeAddress(PVOID Address, CONTROL_BUG_CHECK *Report);
/* The same of what a driver gave as the handle of a section; only the section. Any IRQL. */
VOID MmDescribeSectionHandle(PVOID Handle, CONTROL_BUG_CHECK *Report);
/* The base and name of the unloaded driver that had Address; 0: none had. Any IRQL. */
ULONG_PTR MmFindUnloadedImage(ULONG_PTR Address, CHAR Name[64]);
/* Told each import that no image exports, at load. */
extern VOID (*MmMissingImportHook)(PCSTR Dll, PCSTR Name);
/* The loaded-module entry (LDR_DATA_TABLE_ENTRY) for DRIVER_OBJECT.DriverSection. */
PVOID MmImageLoaderEntry(PMM_IMAGE Image);
PUNICODE_STRING MmImageFullName(PMM_IMAGE Image);

/*
 * User memory of a process that the control agent drives. The current thread is attached to it.
 * *Base 0: Mm chooses. PASSIVE..APC_LEVEL.
 */
NTSTATUS MmAllocateUserMemory(PVOID *Base, SIZE_T Size, ULONG Protect);
NTSTATUS MmFreeUserMemory(PVOID Base);
/* ---- user_image.c, of the current process; PASSIVE_LEVEL; waits ---- */
/* Copies into user memory whatever its protection is. Bytes are resident or pageable. */
NTSTATUS MmFillUserMemory(PVOID Base, const VOID *Bytes, SIZE_T Size);
/* On failure what was mapped stays until the process goes. */
NTSTATUS MmMapUserImage(const VOID *File, SIZE_T Size, PVOID *Base, PVOID *EntryPoint);

/* Takes every unlocked pageable page out of its working set; Evict: also writes and frees it. */
VOID MmPageOutEverything(BOOLEAN Evict); /* PASSIVE_LEVEL; waits for the writes when Evict */
/*
 * The page of Address comes in and stays until it is released; *Frame is what to release, be it
 * that there is none. Any address is allowed; a failure says why not. <= APC_LEVEL; waits
 */
NTSTATUS MiDebuggerPageIn(PVOID Address, PULONG Frame);
VOID MiDebuggerReleasePage(ULONG Frame); /* <= DISPATCH_LEVEL */
/* What the debugger asked for by MiDebuggerPageOutAddress and ...Size. PASSIVE_LEVEL; waits */
VOID MiDebuggerPageOut(VOID);
/* The whole of Mm's structures checked against each other; returns the number of violations. */
ULONG MiVerifyAll(VOID); /* <= APC_LEVEL */

/* ---- debugger_memory.c: for Kd; interrupts off, any IRQL, never faults ---- */
#define MM_DEBUG_WRITE 1u
#define MM_DEBUG_PHYSICAL 2u   /* Address is a physical one */
#define MM_DEBUG_BREAKPOINT 4u /* with WRITE: the page does not become dirty */
/* Returns how many bytes there were, up to the first that is not resident. */
SIZE_T MmDbgCopyMemory(ULONG64 Address, PVOID Buffer, SIZE_T Size, ULONG Flags);
/* FALSE: Address is not resident in the current address space. */
BOOLEAN MmDbgTranslate(ULONG64 Address, PULONG64 Physical);

/* ---- physical_memory.c: which physical pages are RAM; ascending runs, not touching ---- */
typedef struct _PHYSICAL_MEMORY_RUN {
    ULONG64 BasePage;
    ULONG64 PageCount;
} PHYSICAL_MEMORY_RUN;

typedef struct _PHYSICAL_MEMORY_DESCRIPTOR {
    ULONG NumberOfRuns;
    ULONG64 NumberOfPages;
    PHYSICAL_MEMORY_RUN Run[LOADER_MAX_MEMORY];
} PHYSICAL_MEMORY_DESCRIPTOR, *PPHYSICAL_MEMORY_DESCRIPTOR;

extern PPHYSICAL_MEMORY_DESCRIPTOR MmPhysicalMemoryBlock;

typedef struct _MM_COUNTERS {
    ULONG64 TotalPages, FreePages, ZeroedPages, StandbyPages, ModifiedPages, ActivePages;
    ULONG64 CommittedPages, CommitLimit;
    ULONG64 PagingFileSlots, PagingFileSlotsUsed;
    ULONG64 KernelStackSlots; /* of those used: stacks of threads that wait, wherever they are */
    ULONG64 SystemWorkingSetPages;
    ULONG64 DemandZeroFaults, SoftFaults, HardFaults;
    ULONG64 PagesRead, PageReads, PagesWritten, PageWrites, PagesTrimmed;
} MM_COUNTERS;
VOID MmQueryCounters(MM_COUNTERS *Counters); /* <= DISPATCH_LEVEL */

/* ---- copy_memory.c: what an exception would say is the status; <= APC_LEVEL ---- */
NTSTATUS MmCopyGuarded(PVOID To, const VOID *From, SIZE_T Size);
NTSTATUS MmLockPagesGuarded(PMDL Mdl, KPROCESSOR_MODE Mode, LOCK_OPERATION Operation);

typedef enum _MM_PAGE_OUT_MODE {
    MmPageOutNever,
    MmPageOutPressure,
    MmPageOutAtRaise,
    MmPageOutAlways,
    MmPageOutRandom,
} MM_PAGE_OUT_MODE;
VOID MmSetPageOutMode(MM_PAGE_OUT_MODE Mode, BOOLEAN Evict, ULONG64 Seed);
/* Called by the exported raises and by DPC and interrupt delivery into drivers, before raising. */
VOID MmNotifyIrqlRaise(KIRQL NewIrql);
/* Called when an export that a driver called returns (mode always and random). */
VOID MmNotifyKernelCall(VOID);
