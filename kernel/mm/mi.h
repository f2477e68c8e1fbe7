/* SPDX-License-Identifier: MIT */
/*
 * Mm's internals: PTE forms, page frames, working sets, the paging file.
 *
 * One lock, MiPfnLock, guards every PTE of pageable memory, every page frame entry, the page
 * lists, the working sets and the paging file's slots. It is held for microseconds: whatever waits
 * (disk, free pages) drops it first. It is taken at DISPATCH_LEVEL, or by the fast fault path with
 * interrupts off. Alternatives rejected: a lock per working set and one for frames, as NT has it,
 * doubles the orders to get right and gains nothing on one processor.
 *
 * PTE forms (what !pte of a debugger shows; the bits are NT's):
 *   valid            bit 0 = 1                      the processor's
 *   transition       bit 0 = 0, bit 11 = 1          frame in bits 12-47, protection in bits 5-9
 *   paging file      bit 0 = 0, bit 11 = 0, 63:32   slot, protection in bits 5-9
 *   demand zero      bit 0 = 0, bit 11 = 0, slot 0, protection not 0
 *   nothing          all zero
 */
#pragma once

#include "io/paging_disk.h"
#include "mm/mm.h"
#include "nt/ex.h"
#include "nt/kd.h"
#include "vf/timeline.h"

typedef ULONG64 MMPTE, *PMMPTE;

#define MI_PTE_VALID 0x001ull
#define MI_PTE_WRITE 0x002ull
#define MI_PTE_USER 0x004ull
#define MI_PTE_WRITE_THROUGH 0x008ull
#define MI_PTE_CACHE_DISABLE 0x010ull
#define MI_PTE_ACCESSED 0x020ull
#define MI_PTE_DIRTY 0x040ull
#define MI_PTE_LARGE 0x080ull
#define MI_PTE_VIEW_HOLDS 0x200ull /* of a view: with a reference of its frame */
#define MI_PTE_VIEW 0x400ull       /* valid, of a page that somebody else keeps: view.c */
#define MI_PTE_NO_EXECUTE 0x8000000000000000ull
#define MI_PTE_FRAME_MASK 0x000ffffffffff000ull
#define MI_PTE_TRANSITION 0x800ull
#define MI_PTE_PROTECTION_SHIFT 5
#define MI_PTE_PROTECTION_MASK 0x3e0ull

/* Protection codes in a PTE that is not valid; NT's MM_ numbers. */
#define MI_READONLY 1u
#define MI_EXECUTE_READ 3u
#define MI_READWRITE 4u
#define MI_EXECUTE_READWRITE 6u
#define MI_GUARD 0x10u

#define MI_PTE_FRAME(pte) ((PFN_NUMBER)(((pte) & MI_PTE_FRAME_MASK) >> PAGE_SHIFT))
#define MI_PTE_PROTECTION(pte) \
    ((ULONG)(((pte) & MI_PTE_PROTECTION_MASK) >> MI_PTE_PROTECTION_SHIFT))
#define MI_PTE_SLOT(pte) ((ULONG)((pte) >> 32))
#define MI_SOFTWARE_PTE(protection, slot) \
    (((ULONG64)(slot) << 32) | ((ULONG64)(protection) << MI_PTE_PROTECTION_SHIFT))
#define MI_TRANSITION_PTE(protection, frame)                                   \
    (((ULONG64)(frame) << PAGE_SHIFT) | MI_PTE_TRANSITION |                    \
     ((ULONG64)(protection) << MI_PTE_PROTECTION_SHIFT))

/* The self-map: the PTE, PDE, PPE and PXE of an address, in the current address space. */
#define MI_PTE_OF(va) ((PMMPTE)(MM_PTE_BASE + ((((ULONG64)(va)) >> 9) & 0x7ffffffff8ull)))
#define MI_PDE_OF(va) MI_PTE_OF(MI_PTE_OF(va))
#define MI_PPE_OF(va) MI_PTE_OF(MI_PDE_OF(va))
#define MI_PXE_OF(va) MI_PTE_OF(MI_PPE_OF(va))
#define MI_VA_OF_PTE(pte) ((PVOID)((LONG64)((ULONG64)(pte) << 25) >> 16))

/* Page states; the numbers are NT's MMLISTS, as !pfn prints them. */
typedef enum _MI_PAGE_STATE {
    MiZeroed = 0,
    MiFree = 1,
    MiStandby = 2,
    MiModified = 3,
    MiBad = 5,
    MiActive = 6,
    MiTransition = 7,
} MI_PAGE_STATE;

#define MI_NO_PAGE 0xffffffffu

struct _MI_WORKING_SET;
struct _MI_IN_PAGE;

/*
 * A frame of RAM. 40 bytes, so that with its PTE a page costs 48 bytes.
 *
 * Flink/Blink link the page list of the state; while Active they link the working set, unless
 * Nonpaged (then unused). OriginalPte is what the PTE becomes when the page leaves: protection and
 * slot; a slot other than 0 there means that the slot holds this page's contents as of the last
 * time D was clear.
 */
typedef struct _MMPFN {
    ULONG Flink;
    ULONG Blink;
    PMMPTE PteAddress; /* in its address space */
    MMPTE OriginalPte;
    ULONG PteFrame; /* frame of the page table that holds the PTE */
    USHORT ReferenceCount; /* Active: 1 + locks; I/O adds 1 */
    UCHAR State : 3; /* MI_PAGE_STATE */
    UCHAR Nonpaged : 1;
    UCHAR ReadInProgress : 1;
    UCHAR WriteInProgress : 1;
    UCHAR Rewrite : 1; /* dirtied while being written: the slot's contents are old */
    UCHAR Delete : 1;  /* its owner went while it was being written */
    UCHAR Age : 7;
    UCHAR OnLockedList : 1; /* of its working set's two lists, the one of locked pages */
    union {
        struct _MI_WORKING_SET *WorkingSet; /* whose page it is, in all pageable states */
        struct _MI_IN_PAGE *InPage;         /* while ReadInProgress */
    };
} MMPFN, *PMMPFN;
C_ASSERT(sizeof(MMPFN) == 40);

#define MI_PFN(frame) (&((PMMPFN)MM_PFN_DATABASE)[frame])
#define MI_FRAME_OF_PFN(pfn) ((ULONG)((pfn) - (PMMPFN)MM_PFN_DATABASE))

typedef struct _MI_PAGE_LIST {
    ULONG Head;
    ULONG Tail;
    ULONG64 Count;
    MI_PAGE_STATE State;
} MI_PAGE_LIST;

/* Of one reader of the paging file. Under MiPfnLock. */
typedef struct _MI_READ_AHEAD {
    ULONG64 Next; /* the address that continues the last read; 0: none */
    ULONG Window; /* pages that the next sequential read brings, doubled first */
} MI_READ_AHEAD, *PMI_READ_AHEAD;

/* The pages of one address space that are valid and pageable. */
typedef struct _MI_WORKING_SET {
    MI_PAGE_LIST Pages;
    MI_PAGE_LIST Locked; /* those that a trim found locked, until they are unlocked */
    LIST_ENTRY Links; /* MiWorkingSets */
    PEPROCESS Process; /* NULL: the system's */
    FAST_MUTEX AddressLock; /* user: VADs and page tables */
    MI_READ_AHEAD ReadAhead; /* of all faults in this space */
    ULONG64 ViewPages;       /* user PTEs with MI_PTE_VIEW; under MiPfnLock */
} MI_WORKING_SET, *PMI_WORKING_SET;

/* One read from the paging file in flight; reader and waiters hold a reference each. */
typedef struct _MI_IN_PAGE {
    SINGLE_LIST_ENTRY Link; /* MiInPageFreeList */
    KEVENT Event;           /* the disk has answered */
    PMMPTE Pte;             /* of the page that was asked for, the first */
    PMI_WORKING_SET WorkingSet;
    ULONG References;    /* under MiPfnLock, as all that follows */
    BOOLEAN Finished;    /* the pages are valid, or free again; by whoever looked first */
    BOOLEAN FirstIsGood; /* when finished: the first page's CRC is its slot's */
    ULONG FirstCrc;
    PAGING_REQUEST Request;
} MI_IN_PAGE, *PMI_IN_PAGE;

/* Page-grained allocator of addresses and of slots: a bit per page, and one for the last page. */
typedef struct _MI_PAGE_RANGE {
    PULONG64 Bits;
    PULONG64 Ends; /* NULL: the owner knows the length */
    ULONG64 Start; /* address of page 0; 0 for slots */
    ULONG64 Pages;
    ULONG64 Used;
    ULONG64 Hint;
    KSPIN_LOCK Lock; /* not used for slots: MiPfnLock guards them */
} MI_PAGE_RANGE, *PMI_PAGE_RANGE;

/* ---- page_frame_database.c ---- */
extern KSPIN_LOCK MiPfnLock;
extern MI_PAGE_LIST MiZeroedList, MiFreeList, MiStandbyList, MiModifiedList;
VOID MiDescribePhysicalMemory(const LOADER_BLOCK *Loader); /* physical_memory.c; once */
extern ULONG64 MiHighestFrame;
extern ULONG64 MiPhysicalPages;
extern PHYSICAL_MEMORY_RANGE MiPhysicalRanges[LOADER_MAX_MEMORY + 1]; /* RAM; zeros end it */
#define MI_PHYSICAL_ADDRESS_BITS 46
extern KEVENT MiPagesAvailable; /* notification: set while pages can be had */

VOID MiInitializePageFrameDatabase(LOADER_BLOCK *Loader);
ULONG MiTakeBootPages(ULONG Pages); /* contiguous, before the lists exist */
/* MiPfnLock held. The page is removed from all lists, State MiTransition, ReferenceCount 0. */
ULONG MiRemovePage(BOOLEAN Zero); /* MI_NO_PAGE: none free or standby */
VOID MiInsertFreePage(ULONG Frame); /* contents dead; poisoned in checked builds */
VOID MiFreeStandbyPage(ULONG Frame); /* its PTE says from now on which slot it is in */
VOID MiInsertList(MI_PAGE_LIST *List, ULONG Frame); /* at the tail; sets State */
VOID MiLinkList(MI_PAGE_LIST *List, ULONG Frame);   /* as MiInsertList, State stays */
VOID MiUnlinkList(MI_PAGE_LIST *List, ULONG Frame);
MI_PAGE_LIST *MiListOf(PMMPFN Pfn); /* of Standby, Modified, Free, Zeroed pages */
ULONG64 MiAvailablePages(VOID); /* zeroed + free + standby */
PMMPTE MiPteOfPage(PMMPFN Pfn); /* through the physical map, in whichever address space */
VOID MiZeroPage(PVOID Page); /* zero_page.S: SSE stores, as rep stos is slow under TCG */
/*
 * Blocks until a page can be had. <= APC_LEVEL. Who holds the lock of tables or of an address space
 * may wait: those that make pages available, down to the disk, take neither.
 */
VOID MiWaitForPages(VOID);
VOID MiMarkNonpaged(ULONG64 Frame); /* of no list any more; MiPfnLock held, or at the start */
/* A page for nonpaged use, charged by the caller. MI_NO_PAGE: there is none now. */
ULONG MiAllocateNonpagedFrame(PMMPTE Pte, ULONG PteFrame, BOOLEAN Zero);
/* The same for what must be had: at <= APC_LEVEL it waits until there is a page. */
ULONG MiAllocateChargedFrame(PMMPTE Pte, ULONG PteFrame, BOOLEAN Zero);
VOID MiFreeNonpagedFrame(ULONG Frame);
/* The lowest free or zeroed frames from Low to High that follow each other; the first, or 0. For
   nonpaged use, charged by the caller, in no mapping; contents are what they are. io_space.c */
ULONG MiAllocateContiguousFrames(ULONG64 Pages, ULONG64 Low, ULONG64 High);

FORCEINLINE PVOID MiFrameToVirtual(ULONG64 Frame)
{
    return (PVOID)(MM_PHYSICAL_MAP + (Frame << PAGE_SHIFT));
}

FORCEINLINE VOID MiInvalidatePage(PVOID Va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(Va) : "memory");
}

/* ---- page_table.c ---- */
extern const ULONG64 MiProtectionToPte[32];
/* NULL when a level of the tables is missing. Any IRQL. */
PMMPTE MiWalk(PVOID Va, PMMPTE *BadEntry);
/* Every table for the range exists afterwards. System space; FALSE when memory is short. */
BOOLEAN MiMakeSystemTables(ULONG64 Va, ULONG64 Pages);
BOOLEAN MiMakeUserTables(ULONG64 Va); /* the current address space */
ULONG MiFrameOfTable(PMMPTE Pte); /* frame of the table that holds Pte (current space) */
MMPTE MiValidPte(ULONG Frame, ULONG Protection, BOOLEAN User);
ULONG MiProtectionOfPage(ULONG PageProtect);
ULONG MiPageOfProtection(ULONG Protection); /* the other way */ /* PAGE_x to MI_x; 0: invalid */

/* ---- page_range.c ---- */
VOID MiInitializeRange(PMI_PAGE_RANGE Range, ULONG64 Start, ULONG64 Pages, BOOLEAN Ends);
#define MI_RANGE_FULL (~0ull)
ULONG64 MiReserveRange(PMI_PAGE_RANGE Range, ULONG64 Pages); /* page index or MI_RANGE_FULL */
ULONG64 MiReleaseRange(PMI_PAGE_RANGE Range, ULONG64 Index); /* by the end bit; 0: not a start */
/* Slots in PTEs of the range, where page tables exist; MiPfnLock held (verify.c). */
ULONG64 MiCountRangeSlots(PMI_PAGE_RANGE Range);
ULONG64 MiQueryRange(PMI_PAGE_RANGE Range, ULONG64 Index); /* pages of the allocation, or 0 */
/* The first pages of an allocation, which then starts after them. */
VOID MiReleaseFront(PMI_PAGE_RANGE Range, ULONG64 Index, ULONG64 Pages);
VOID MiReleaseRun(PMI_PAGE_RANGE Range, ULONG64 Index, ULONG64 Pages);
ULONG64 MiFindRun(PMI_PAGE_RANGE Range, ULONG64 Pages); /* sets the bits; lock by the caller */

/* ---- commit.c ---- */
extern volatile LONG64 MiCommittedPages;
extern volatile LONG64 MiCommitLimit;
extern volatile LONG64 MiResidentAvailable; /* pages that nonpaged use may still take */
BOOLEAN MiChargeCommit(ULONG64 Pages);
VOID MiReturnCommit(ULONG64 Pages);
BOOLEAN MiChargeResident(ULONG64 Pages); /* also commit */
VOID MiReturnResident(ULONG64 Pages);

/* ---- system_pte.c: mapping of nonpaged memory ---- */
extern MI_PAGE_RANGE MiSystemPteRange, MiImageRange, MiPagedPoolRange, MiNonpagedPoolRange;
VOID MiInitializeSystemRanges(VOID);
BOOLEAN MiInRange(const MI_PAGE_RANGE *Range, ULONG64 Va);
ULONG64 MiReserveWithTables(PMI_PAGE_RANGE Range, ULONG64 Pages); /* MI_RANGE_FULL: none */
VOID MiReleaseWithTables(PMI_PAGE_RANGE Range, ULONG64 Index);
VOID MiLockSystemTables(VOID); /* no table of system space is freed meanwhile. <= APC_LEVEL */
VOID MiUnlockSystemTables(VOID);
/* Maps fresh zeroed or unzeroed nonpaged pages at Va (tables exist or are made). */
BOOLEAN MiMapNonpaged(ULONG64 Va, ULONG64 Pages, ULONG Protection, BOOLEAN Zero);
VOID MiUnmapNonpaged(ULONG64 Va, ULONG64 Pages); /* frees the frames */
/* Pageable pages: without contents yet (tables exist, commit is charged); and gone again, whatever
   their state, with their commit. <= APC_LEVEL */
VOID MiMapDemandZero(ULONG64 Va, ULONG64 Pages);
VOID MiFreePageablePages(ULONG64 Va, ULONG64 Pages);

/* ---- kernel_stack.c ---- */
/* MiPfnLock held. The stacks of waits with UserMode since that interrupt time, or before, leave;
   returns the pages. */
ULONG64 MiOutSwapKernelStacks(ULONG64 WaitsSince);

/* ---- working_set.c ---- */
extern MI_WORKING_SET MiSystemWorkingSet;
extern LIST_ENTRY MiWorkingSets;
VOID MiInitializeWorkingSet(PMI_WORKING_SET Set, PEPROCESS Process);
/* MiPfnLock held for all below. */
VOID MiInsertWorkingSet(PMI_WORKING_SET Set, ULONG Frame);
VOID MiRemoveWorkingSet(ULONG Frame);
BOOLEAN MiTrimPage(ULONG Frame); /* Active -> Standby/Modified; FALSE: locked, stays */
ULONG64 MiTrimWorkingSet(PMI_WORKING_SET Set); /* every page that may leave */
/* Ages up to Scan pages from the head, trims those at least MinimumAge old, at most Want. */
ULONG64 MiAgeWorkingSet(PMI_WORKING_SET Set, ULONG64 Scan, ULONG MinimumAge, ULONG64 Want);
/* Frees a pageable page and its slot whatever its state; the PTE becomes NewPte. May drop and
   retake the lock to wait for a read in progress; *OldIrql is kept up to date. */
VOID MiDeletePte(PMMPTE Pte, ULONG PteFrame, MMPTE NewPte, PKIRQL OldIrql);
/* Turns mapped nonpaged pages of system space into pageable ones, and back (brings them in first;
   a read error is bug check 0x7A). The caller lets nobody else do so to them. APC_LEVEL */
VOID MiMakePageable(ULONG64 Va, ULONG64 Pages);
VOID MiMakeResident(ULONG64 Va, ULONG64 Pages);

/* ---- page_fault.c ---- */
BOOLEAN MiFastFault(ULONG_PTR FaultCode, PVOID Address);
/* APC_LEVEL, no lock: as a touch of a user address would. */
NTSTATUS MiUserFault(PVOID Address, ULONG_PTR FaultCode);
/*
 * Makes the page of an existing PTE valid; it may be gone again on return. APC_LEVEL, no lock. An
 * I/O error is the caller's to report; a page whose CRC is wrong does not return.
 */
NTSTATUS MiResolvePte(PMMPTE Pte, ULONG64 Va, ULONG_PTR FaultCode, PMI_WORKING_SET Set,
                      PMI_READ_AHEAD Ahead);
/* Brings one page in and keeps it valid by a reference. <= APC_LEVEL. */
NTSTATUS MiLockPage(PVOID Va, KPROCESSOR_MODE Mode, BOOLEAN Write, PULONG Frame);
VOID MiUnlockPage(ULONG Frame); /* <= DISPATCH_LEVEL */

/* ---- paging_read.c ---- */
/* MiPfnLock held, *Pte in paging-file form; drops the lock. STATUS_PENDING: look at it again. */
NTSTATUS MiReadPages(PMMPTE Pte, ULONG64 Va, PMI_WORKING_SET Set, PMI_READ_AHEAD Ahead,
                     KIRQL Irql);
/* MiPfnLock held; drops it while the read of Pfn is under way, and takes it again. */
VOID MiWaitForRead(PMMPFN Pfn, PKIRQL Irql);

/* ---- paging_file.c ---- */
extern MI_PAGE_RANGE MiSlots;
extern ULONG64 MiBadSlots;
NTSTATUS MiOpenPagingFile(VOID);
ULONG MiAllocateSlots(ULONG Want, PULONG Got); /* first slot, 0: full; MiPfnLock held */
VOID MiFreeSlot(ULONG Slot); /* MiPfnLock held */
ULONG MiCrcOfPage(ULONG Frame);
VOID MiSetSlotCrc(ULONG Slot, ULONG Crc);
ULONG MiSlotCrc(ULONG Slot);
/* A free in-page block with one reference; NULL: all are in flight. MiPfnLock held. */
PMI_IN_PAGE MiTakeInPage(VOID);
VOID MiWaitForInPage(VOID); /* until one may be free. <= APC_LEVEL, no lock */
VOID MiDereferenceInPage(PMI_IN_PAGE InPage); /* MiPfnLock held */

/* ---- modified_page_writer.c, balance_set_manager.c ---- */
VOID MiStartModifiedPageWriter(VOID);
VOID MiWakeModifiedPageWriter(VOID); /* any lock state, <= DISPATCH_LEVEL */
/* Waits until the modified list is empty or the paging file is full. <= APC_LEVEL */
VOID MiFlushModifiedPages(VOID);
VOID MiStartBalanceSetManager(VOID);
VOID MiWakeBalanceSetManager(VOID);
/* Standby pages to the free list. Returns the count. <= DISPATCH_LEVEL */
ULONG64 MiPurgeStandby(VOID);

/* ---- counters ---- */
extern MM_COUNTERS MiCounters; /* the event counts; under MiPfnLock */
extern ULONG MiLowPages; /* the balance-set manager starts below this */

/* ---- address_space.c ---- */
typedef enum _MI_VAD_KIND {
    MiVadPrivate, /* pageable, the process's own */
    MiVadSection, /* a view of Section, referenced */
    MiVadMdl,     /* a view of an MDL's frames, each referenced */
} MI_VAD_KIND;
typedef struct _MI_VAD {
    struct _MI_VAD *Next; /* ascending */
    ULONG64 Start, End;   /* End: first address behind */
    ULONG Protection;     /* MI_x */
    MI_VAD_KIND Kind;
    PVOID Section;
    struct _MI_SECURE *Secured; /* ranges; the process cannot free or unmap it then */
} MI_VAD, *PMI_VAD;
#define MI_TAG_VAD 'daVM'
#define MI_ALLOCATION_GRANULARITY 0x10000ull
#define MI_USER_SHARED_DATA 0x7ffe0000ull /* the user's view, read only */
/* AddressLock held for these. MiInsertVad: at Base, or at the lowest gap when that is 0. */
PMI_VAD MiFindVad(PEPROCESS Process, ULONG64 Va);
BOOLEAN MiInsertVad(PEPROCESS Process, PMI_VAD New, ULONG64 Base, ULONG64 Size);
VOID MiRemoveVad(PEPROCESS Process, PMI_VAD Vad);
/*
 * Takes the lock itself: committed memory of the current process, at *Base or where it sets that.
 */
NTSTATUS MiAllocatePrivateVad(PULONG64 Base, SIZE_T Size, ULONG Protection);
/* virtual_protection.c */
ULONG MiProtectionOfAddress(const MI_VAD *Vad, ULONG64 Va); /* AddressLock held */
VOID MiFreeVad(PMI_VAD Vad); /* which is in no list any more */
/* virtual_memory.c */
NTSTATUS MiQueryVirtual(ULONG64 Va, PMEMORY_BASIC_INFORMATION Basic);
FORCEINLINE PEPROCESS MiCurrentProcess(VOID)
{
    return (PEPROCESS)KiCurrentProcess();
}

/* ---- view.c: user addresses for frames that somebody else keeps alive ---- */
typedef struct _MI_VIEW {
    const PFN_NUMBER *Frames; /* NULL: the frames from First on */
    PFN_NUMBER First;
    ULONG64 Pages;
    ULONG Protection; /* MI_x */
    MMPTE CacheBits;
    MI_VAD_KIND Kind;
    PVOID Section; /* a reference for the VAD, taken over on success */
} MI_VIEW;
/* In the current address space, all of it at once. *Base 0: Mm chooses. <= APC_LEVEL */
NTSTATUS MiMapView(PVOID *Base, const MI_VIEW *View);
/* Pages 0: the section's view that Base is in; else an MDL's that begins there and is so long. */
NTSTATUS MiUnmapView(ULONG64 Base, ULONG64 Pages);
VOID MiClearView(PMI_WORKING_SET Set, PMI_VAD Vad); /* PTEs and references, not the section's */
/* The frame is RAM in use, so that it may be referenced. MiPfnLock held */
BOOLEAN MiIsActiveFrame(PFN_NUMBER Frame);
/* The system process has no set of its own, only addresses for views. */
FORCEINLINE PMI_WORKING_SET MiAddressSpaceOf(PEPROCESS Process)
{
    return Process->MmWorkingSet != NULL ? Process->MmWorkingSet : &MiSystemWorkingSet;
}

/* ---- section.c ---- */
VOID MiInitializeSections(VOID); /* after Ob and Ps. PASSIVE_LEVEL */

/* ---- mdl.c: system addresses for frames that somebody else keeps alive ---- */
MMPTE MiCacheBits(MEMORY_CACHING_TYPE CacheType);
/* PAGE_x with PAGE_NOCACHE or PAGE_WRITECOMBINE to MI_x and cache bits. FALSE: invalid */
BOOLEAN MiSplitProtection(ULONG PageProtect, PULONG Protection, MMPTE *CacheBits);
/* Bits: beside valid, accessed and dirty. NULL: no addresses left. */
PVOID MiMapFrames(const PFN_NUMBER *Frames, ULONG64 First, ULONG64 Pages, MMPTE Bits);
/* The same in addresses that are reserved and have tables; and out again. Any IRQL */
VOID MiWriteFrames(ULONG64 Va, const PFN_NUMBER *Frames, ULONG64 First, ULONG64 Pages, MMPTE Bits);
VOID MiClearFrames(ULONG64 Va, ULONG64 Pages);
BOOLEAN MiUnmapFrames(ULONG64 Va, ULONG64 Pages); /* FALSE: not the start of such a mapping */

/* ---- timeline.c: what happens to pages of drivers, when it is recorded. MiPfnLock held ---- */
VOID MiRecordImagePage(TIMELINE_KIND Kind, PMMPTE Pte, TIMELINE_PAGE Detail);
FORCEINLINE VOID MiRecordPage(TIMELINE_KIND Kind, PMMPTE Pte, TIMELINE_PAGE Detail)
{
    if (VfTimelineOn) {
        MiRecordImagePage(Kind, Pte, Detail);
    }
}

/* ---- page_out_mode.c ---- */
BOOLEAN MiPageOutIsNever(VOID);
BOOLEAN MiKernelCallsPageOut(VOID); /* imports are bound through the gate */

/* ---- image.c: see image.h ---- */
