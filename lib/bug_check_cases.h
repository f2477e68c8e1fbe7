/* SPDX-License-Identifier: MIT */
/*
 * What the first parameter of a bug check says, for the codes where it is P_KIND in bug_checks.h.
 * Included after BUG_CHECK_CASE is defined:
 *
 *   BUG_CHECK_CASE(NAME, value of P1, cause, advice, example, P2, P3, P4)
 *
 * advice NULL: that of the code. Sorted by code, then by value. Source: Microsoft's bug check
 * reference; for codes from 20000h on the pages of the DDI compliance rules.
 */

#define MEMORY(...) BUG_CHECK_CASE(MEMORY_MANAGEMENT, __VA_ARGS__)
#define TRAP(...) BUG_CHECK_CASE(UNEXPECTED_KERNEL_MODE_TRAP, __VA_ARGS__)
#define POOL(...) BUG_CHECK_CASE(BAD_POOL_CALLER, __VA_ARGS__)
#define VERIFIER(...) BUG_CHECK_CASE(DRIVER_VERIFIER_DETECTED_VIOLATION, __VA_ARGS__)
#define IO_VERIFIER(...) BUG_CHECK_CASE(DRIVER_VERIFIER_IOMANAGER_VIOLATION, __VA_ARGS__)

BUG_CHECK_CASE(BAD_POOL_HEADER, 0x3, "the list of free blocks is broken", NULL, NULL,
               P("list entry"), P("its Flink"), P("its Blink"))
BUG_CHECK_CASE(BAD_POOL_HEADER, 0x20, "the sizes in two neighbouring headers contradict", NULL,
               "pool-overrun", P("block"), P("next block"), P("header"))

MEMORY(0x3f, "a page came back from the paging file with a wrong CRC",
       "The paging disk changed a page; see --disk-fault=flip.", NULL,
       P("offset in the paging file"), P("CRC of the page"), P("CRC expected"))
MEMORY(0x1010, "a section was unlocked that is not locked",
       "Unlock a section once for each time it was locked: count opens and closes alike.",
       "unlock-twice", P("section handle"), P_NONE, P_NONE)
MEMORY(0x1233, "an MDL was mapped whose pages are not locked",
       "Call MmProbeAndLockPages (or MmBuildMdlForNonPagedPool) before mapping the MDL.", NULL,
       P("page frame"), P_NONE, P_NONE)
MEMORY(0x1234, "a section was locked that does not exist",
       "Lock an address inside the driver's own image, or the handle that a lock returned.",
       "lock-address-in-no-image", P("address or handle"), P_NONE, P_NONE)
MEMORY(0x1235, "memory was unmapped that is not mapped so",
       "Unmap once, with the address and the length that the mapping had.", NULL, P("address"),
       P("bytes or MDL"), P_NONE)
MEMORY(0x1236, "an MDL with a page that is not locked was used", NULL, NULL, P("MDL"),
       P("its page array"), P("page frame"))
MEMORY(0x1240, "an MDL was built for memory that is not resident",
       "For pageable memory call MmProbeAndLockPages, not MmBuildMdlForNonPagedPool.",
       "mdl-of-paged-pool", P("MDL"), P("PTE"), P_NONE)
MEMORY(0x3451, "the kernel has no memory for what it cannot do without",
       "Give the machine more memory: --memory=.", NULL, P("pages"), P_NONE, P_NONE)
MEMORY(0x3452, "no memory for a page table at start", NULL, NULL, P("address"), P_NONE, P_NONE)
MEMORY(0x41287, "a fault came while the memory manager held its lock", NULL, NULL, P("address"),
       P_NONE, P_NONE)

BUG_CHECK_CASE(PROCESS_HAS_LOCKED_PAGES, 0x0, "a process ended with pages locked", NULL, NULL,
               P("process"), P("pages locked"), P("driver stacks"))
BUG_CHECK_CASE(PROCESS_HAS_LOCKED_PAGES, 0x1, "an MDL was unlocked whose pages are not locked",
               "Call MmUnlockPages once for each MmProbeAndLockPages.", NULL, P("MDL"),
               P("pages locked"), P("driver stacks"))

TRAP(0x0, "division by zero, or a quotient too large", "Check the divisor.", NULL, P("error code"),
     P_NONE, P_NONE)
TRAP(0x1, "debug trap", "Take the hardware breakpoint or the trap flag back.", NULL, P_NONE, P_NONE,
     P_NONE)
TRAP(0x3, "breakpoint with no debugger", NULL, NULL, P_NONE, P_NONE, P_NONE)
TRAP(0x4, "overflow trap", NULL, NULL, P_NONE, P_NONE, P_NONE)
TRAP(0x6, "an instruction that does not exist",
     "Look for a wrong function pointer, or for code that was overwritten.", NULL, P("error code"),
     P_NONE, P_NONE)
TRAP(0x7, "floating point where it is not allowed",
     "Call KeSaveExtendedProcessorState before using it.", NULL, P_NONE, P_NONE, P_NONE)
TRAP(0x8, "double fault: the kernel stack is used up",
     "Bound the recursion, and move large variables from the stack to pool.", "stack-overflow",
     P_NONE, P_NONE, P_NONE)
TRAP(0xa, "corrupt TSS", NULL, NULL, P("error code"), P_NONE, P_NONE)
TRAP(0xb, "segment not present", NULL, NULL, P("error code"), P_NONE, P_NONE)
TRAP(0xc, "stack segment fault",
     "Look for an address that is not canonical, used through RSP or RBP.", NULL, P("error code"),
     P_NONE, P_NONE)
TRAP(0xd, "general protection fault",
     "Look for an address that is not canonical, or a wrong privileged instruction.", NULL,
     P("error code"), P_NONE, P_NONE)
TRAP(0x10, "x87 floating-point error", NULL, NULL, P_NONE, P_NONE, P_NONE)
TRAP(0x11, "alignment check", NULL, NULL, P_NONE, P_NONE, P_NONE)

POOL(0x7, "a block was freed twice",
     "Set the pointer to NULL after the free, and find the second owner of the block.",
     "pool-freed-twice", P_NONE, P("pool header"), P("block"))
POOL(0x8, "pool was allocated at too high an IRQL",
     "Allocate before the lock, or allocate nonpaged pool at DISPATCH_LEVEL.",
     "paged-lookaside-at-dispatch", P_IRQL, P("pool type"), P("bytes"))
POOL(0x9, "pool was freed at too high an IRQL", "Free paged pool after the lock is released.",
     "paged-pool-freed-at-dispatch", P_IRQL, P("pool type"), P("block"))
POOL(0xa, "a block was freed with another tag than it was allocated with",
     "Free with the tag of the allocation.", NULL, P("block"), P("tag it has"), P("tag given"))
POOL(0x40, "a user address was freed as pool", NULL, NULL, P("address"), P("start of system space"),
     P_NONE)
POOL(0x42, "an address was freed that is in no pool",
     "Free what ExAllocatePool... returned, not a static, a stack or an MDL address.", NULL,
     P("address"), P_NONE, P_NONE)
POOL(0x44, "an address was freed that is not allocated", NULL, NULL, P("address"), P_NONE, P_NONE)
POOL(0x46, "an address inside a block was freed", "Free the address that the allocation returned.",
     NULL, P("address"), P_NONE, P_NONE)
POOL(0x50, "a paged address was freed that is not allocated", NULL, NULL, P("address"),
     P("page in paged pool"), P("size of paged pool"))
POOL(0x9a, "an allocation of must-succeed pool failed",
     "Do not use must-succeed pool; handle the failure.", NULL, P("pool type"), P("bytes"),
     P("tag"))

VERIFIER(0x1, "paged pool was allocated above APC_LEVEL",
         "Allocate nonpaged pool, or allocate before IRQL is raised.", "pool-paged-at-dispatch",
         P_IRQL, P("pool type or flags"), P("bytes"))
VERIFIER(0x2, "pool was allocated above DISPATCH_LEVEL",
         "Allocate outside of the interrupt service routine: in its DPC, or beforehand.", NULL,
         P_IRQL, P("pool type or flags"), P("bytes"))
VERIFIER(0x11, "paged pool was freed above APC_LEVEL", "Free it after the lock is released.",
         "paged-pool-freed-at-dispatch", P_IRQL, P("pool type"), P("block"))
VERIFIER(0x12, "pool was freed above DISPATCH_LEVEL", "Free it in the DPC of the interrupt.", NULL,
         P_IRQL, P("pool type"), P("block"))
VERIFIER(0x30, "a raise that goes down, or to no IRQL",
         "Raise only to a higher level; lower with KeLowerIrql to the level saved.", NULL, P_IRQL,
         P_IRQL_ASKED, P_NONE)
VERIFIER(0x31, "a lowering that goes up, or below DISPATCH_LEVEL in a DPC routine",
         "Lower to the level that KeRaiseIrql or the acquisition of the lock has saved.",
         "lower-above-current", P_IRQL, P_IRQL_ASKED, P("1: in a DPC routine"))
VERIFIER(0x32, "a spin lock was released at an IRQL other than DISPATCH_LEVEL",
         "Release each lock once, at the level at which it was acquired.",
         "spin-lock-released-twice", P_IRQL, P("spin lock"), P_NONE)
VERIFIER(0x33, "a fast mutex was acquired above APC_LEVEL",
         "Use a spin lock where IRQL is DISPATCH_LEVEL.", NULL, P_IRQL, P("fast mutex"), P_NONE)
VERIFIER(0x34, "a fast mutex was released not at APC_LEVEL",
         "Do not change IRQL between acquisition and release.", NULL, P_IRQL,
         P("APC disable count"), P("fast mutex"))
VERIFIER(0x35, "a spin lock was released at an IRQL other than DISPATCH_LEVEL", NULL, NULL, P_IRQL,
         P("spin lock"), P_IRQL_ASKED)
VERIFIER(0x36, "a queued spin lock was released at an IRQL other than DISPATCH_LEVEL", NULL, NULL,
         P_IRQL, P("number of the lock"), P_IRQL_ASKED)
VERIFIER(0x37, "a resource was acquired while normal kernel APCs can come",
         "Call KeEnterCriticalRegion before, and KeLeaveCriticalRegion after the release.", NULL,
         P_IRQL, P("APC disable count"), P("resource"))
VERIFIER(0x38, "a resource was released while normal kernel APCs can come",
         "Leave the critical region after the release, not before.", NULL, P_IRQL,
         P("APC disable count"), P("resource"))
VERIFIER(0x39, "a fast mutex was acquired 'unsafe' at a wrong IRQL", NULL, NULL, P_IRQL,
         P("APC disable count"), P("fast mutex"))
VERIFIER(0x3a, "a fast mutex was released 'unsafe' at a wrong IRQL", NULL, NULL, P_IRQL,
         P("APC disable count"), P("fast mutex"))
VERIFIER(0x3b, "a wait with a time-out that is not zero, at DISPATCH_LEVEL or above",
         "Release the lock before the wait, or wait with a time-out of zero.", "wait-at-dispatch",
         P_IRQL, P("object"), P("time-out"))
VERIFIER(0x3e, "KeLeaveCriticalRegion outside of a critical region",
         "Pair each KeEnterCriticalRegion with one KeLeaveCriticalRegion.", NULL, P_NONE, P_NONE,
         P_NONE)
VERIFIER(0x40, "KeAcquireSpinLockAtDpcLevel was called below DISPATCH_LEVEL",
         "Call KeAcquireSpinLock, which raises IRQL.", NULL, P_IRQL, P("spin lock"), P_NONE)
VERIFIER(0x41, "KeReleaseSpinLockFromDpcLevel was called below DISPATCH_LEVEL",
         "Release with the routine that belongs to the acquisition.", NULL, P_IRQL, P("spin lock"),
         P_NONE)
VERIFIER(0x42, "KeAcquireSpinLock was called above DISPATCH_LEVEL",
         "Share data with an interrupt service routine by KeSynchronizeExecution, not by a spin "
         "lock.", NULL, P_IRQL, P("spin lock"), P_NONE)
VERIFIER(0x62, "the driver was unloaded with pool still allocated",
         "Free every block before Unload returns.", "pool-left-at-unload", P("driver's name"),
         P_NONE, P("blocks"))
VERIFIER(0x70, "MmProbeAndLockPages was called at too high an IRQL",
         "Lock buffers at APC_LEVEL or below, in the thread that owns them.", NULL, P_IRQL,
         P("MDL"), P("mode"))
VERIFIER(0x71, "MmProbeAndLockProcessPages was called at too high an IRQL", NULL, NULL, P_IRQL,
         P("MDL"), P("process"))
VERIFIER(0x72, "MmProbeAndLockSelectedPages was called at too high an IRQL", NULL, NULL, P_IRQL,
         P("MDL"), P("process"))
VERIFIER(0x73, "MmMapIoSpace was called at too high an IRQL",
         "Map the device's memory when it starts.", NULL, P_IRQL, P("physical address"), P("bytes"))
VERIFIER(0x74, "MmMapLockedPages was called above DISPATCH_LEVEL", NULL, NULL, P_IRQL, P("MDL"),
         P("mode"))
VERIFIER(0x75, "MmMapLockedPages for user mode was called above APC_LEVEL", NULL, NULL, P_IRQL,
         P("MDL"), P("mode"))
VERIFIER(0x76, "MmMapLockedPagesSpecifyCache was called above DISPATCH_LEVEL", NULL, NULL, P_IRQL,
         P("MDL"), P("mode"))
VERIFIER(0x77, "MmMapLockedPagesSpecifyCache for user mode was called above APC_LEVEL", NULL, NULL,
         P_IRQL, P("MDL"), P("mode"))
VERIFIER(0x78, "MmUnlockPages was called above DISPATCH_LEVEL", NULL, NULL, P_IRQL, P("MDL"),
         P_NONE)
VERIFIER(0x79, "MmUnmapLockedPages was called above DISPATCH_LEVEL", NULL, NULL, P_IRQL,
         P("address"), P("MDL"))
VERIFIER(0x7a, "MmUnmapLockedPages for a user address was called above APC_LEVEL", NULL, NULL,
         P_IRQL, P("address"), P("MDL"))
VERIFIER(0x7b, "MmUnmapIoSpace was called at too high an IRQL", NULL, NULL, P_IRQL, P("address"),
         P("bytes"))
VERIFIER(0x7c, "MmUnlockPages for an MDL whose pages were never locked",
         "Call MmUnlockPages once for each MmProbeAndLockPages.", NULL, P("MDL"), P("MDL flags"),
         P_NONE)
VERIFIER(0x7d, "MmUnlockPages for an MDL of nonpaged pool",
         "Only MDLs locked by MmProbeAndLockPages are unlocked.", NULL, P("MDL"), P("MDL flags"),
         P_NONE)
VERIFIER(0x7e, "MmAllocatePagesForMdl was called at too high an IRQL", NULL, NULL, P_IRQL,
         P_IRQL_ASKED, P_NONE)
VERIFIER(0x7f, "MmBuildMdlForNonPagedPool for paged pool",
         "Call MmProbeAndLockPages for pageable memory.", "mdl-of-paged-pool", P_IRQL, P("MDL"),
         P("MDL flags"))
VERIFIER(0x80, "KeSetEvent was called above DISPATCH_LEVEL",
         "Set the event in the DPC of the interrupt.", NULL, P_IRQL, P("event"), P_NONE)
VERIFIER(0xb0, "MmProbeAndLockPages for an MDL that describes pages already",
         "Lock an MDL once, and never one of nonpaged pool.", NULL, P("MDL"), P("MDL flags"),
         P("wrong flags"))
VERIFIER(0xb1, "MmProbeAndLockProcessPages for an MDL that describes pages already", NULL, NULL,
         P("MDL"), P("MDL flags"), P("wrong flags"))
VERIFIER(0xdf, "a synchronization object is in session space", NULL, NULL, P("object"), P_NONE,
         P_NONE)
VERIFIER(0xe1, "a synchronization object is in pageable memory",
         "Put it into nonpaged pool, a device extension, or a nonpaged section.",
         "event-in-pageable-data", P("object"), P_NONE, P_NONE)
VERIFIER(0xe5, "a routine was called at a wrong IRQL",
         "Call it where IRQL is in its documented range: `pageable exports NAME`.", NULL, P_IRQL,
         P_NONE, P_NONE)
VERIFIER(0xe6, "a Zw routine was called above PASSIVE_LEVEL, or with special APCs disabled",
         "Do it in a work item, or before the lock.", NULL, P_IRQL, P_NONE, P_NONE)
VERIFIER(0xea, "a push lock was acquired while normal kernel APCs can come",
         "Call KeEnterCriticalRegion before.", "push-lock-with-apcs", P_IRQL,
         P("APC disable count"), P("push lock"))
VERIFIER(0xeb, "a push lock was released while normal kernel APCs can come",
         "Leave the critical region after the release.", NULL, P_IRQL, P("APC disable count"),
         P("push lock"))
VERIFIER(0xfa, "a completion routine returned at another IRQL",
         "Release each lock before it returns.", "completion-routine-returns-raised",
         P("completion routine"), P_IRQL, P_IRQL_AFTER)
VERIFIER(0x111, "an interrupt service routine returned at another IRQL",
         "Lower IRQL to what it was, before the routine returns.", "isr-returns-raised",
         P("service routine"), P_IRQL, P_IRQL_AFTER)
VERIFIER(0x11a, "KeEnterCriticalRegion was called above APC_LEVEL",
         "At DISPATCH_LEVEL no APC can come: no region is needed.", NULL, P_IRQL, P_NONE, P_NONE)
VERIFIER(0x11b, "KeLeaveCriticalRegion was called above APC_LEVEL", "Release the lock first.", NULL,
         P_IRQL, P_NONE, P_NONE)
VERIFIER(0x120, "a wait at too high an IRQL", NULL, NULL, P("address of the IRQL"), P("object"),
         P("time-out"))
VERIFIER(0x121, "a wait for several at too high an IRQL", NULL, NULL, P("address of the IRQL"),
         P("object"), P("time-out"))
VERIFIER(0x122, "a delay at too high an IRQL", NULL, NULL, P("address of the IRQL"), P("object"),
         P("time-out"))
VERIFIER(0x131, "a work item is in pageable memory",
         "Put it into nonpaged pool or a device extension.", NULL, P("work item"), P_NONE, P_NONE)
VERIFIER(0x140, "MmBuildMdlForNonPagedPool for pageable memory",
         "Call MmProbeAndLockPages for pageable memory.", NULL, P_IRQL, P("MDL"), P("address"))
VERIFIER(0x2003, "the image has a section that is writable and executable", NULL, NULL, P_NONE,
         P_NONE, P_NONE)
VERIFIER(0x2004, "the image has an unaligned section", NULL, NULL, P_NONE, P_NONE, P_NONE)

/* The DDI compliance rules about IRQL differ in the routines that they name alone. */
#define IRQL_RULE(Id, Rule, Level, Example) \
    VERIFIER(Id, Rule ": a routine that must be called at " Level, \
             "Call it before the lock is taken or IRQL is raised, or in a work item.", Example, \
             P("text of the violated condition"), P_NONE, P_NONE)
IRQL_RULE(0x20002, "IrqlApcLte", "APC_LEVEL or below", NULL)
IRQL_RULE(0x20003, "IrqlDispatch", "DISPATCH_LEVEL", NULL)
IRQL_RULE(0x20004, "IrqlExAllocatePool", "DISPATCH_LEVEL or below (paged pool: APC_LEVEL)", NULL)
IRQL_RULE(0x20005, "IrqlExApcLte1", "APC_LEVEL or below", NULL)
IRQL_RULE(0x20006, "IrqlExApcLte2", "APC_LEVEL or below", NULL)
IRQL_RULE(0x20007, "IrqlExApcLte3", "APC_LEVEL or below", NULL)
IRQL_RULE(0x20008, "IrqlExPassive", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x20009, "IrqlIoApcLte", "APC_LEVEL or below", NULL)
IRQL_RULE(0x2000a, "IrqlIoPassive1", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2000b, "IrqlIoPassive2", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2000c, "IrqlIoPassive3", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2000d, "IrqlIoPassive4", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2000e, "IrqlIoPassive5", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2000f, "IrqlKeApcLte1", "APC_LEVEL or below", NULL)
IRQL_RULE(0x20010, "IrqlKeApcLte2", "APC_LEVEL or below", NULL)
IRQL_RULE(0x20011, "IrqlKeDispatchLte", "DISPATCH_LEVEL or below", NULL)
VERIFIER(0x20015, "IrqlKeReleaseSpinLock: a spin lock is released to an IRQL that nobody saved",
         "Save the IRQL in a variable of its own for each acquisition, on the stack.",
         "saved-irql-shared", P("text of the violated condition"), P("spin lock"),
         P("call that acquired it"))
IRQL_RULE(0x20016, "IrqlKeSetEvent", "DISPATCH_LEVEL or below (Wait TRUE: APC_LEVEL)", NULL)
IRQL_RULE(0x20019, "IrqlMmApcLte", "APC_LEVEL or below", "page-entire-at-dispatch")
IRQL_RULE(0x2001a, "IrqlMmDispatch", "DISPATCH_LEVEL or below", NULL)
IRQL_RULE(0x2001b, "IrqlObPassive", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2001c, "IrqlPsPassive", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2001d, "IrqlReturn", "the IRQL of its entry, when it returns", NULL)
IRQL_RULE(0x2001e, "IrqlRtlPassive", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x2001f, "IrqlZwPassive", "PASSIVE_LEVEL", "zw-close-at-apc")
IRQL_RULE(0x20022, "IrqlIoDispatch", "DISPATCH_LEVEL or below", NULL)
IRQL_RULE(0x20023, "IrqlIoRtlZwPassive", "PASSIVE_LEVEL", NULL)
IRQL_RULE(0x20024, "IrqlNtifsApcPassive", "PASSIVE_LEVEL or APC_LEVEL", NULL)

VERIFIER(0x40003, "CriticalRegions: critical regions are entered and left in pairs",
         "Leave the region on every path out of the dispatch routine.", "critical-region-left-open",
         P("text of the violated condition"), P_NONE, P_NONE)
/* P3 and P4: undocumented but as optional state; this verifier says which lock. */
#define LOCK_RULE(Id, Words, Advice, Example) \
    VERIFIER(Id, Words, Advice, Example, P("text of the violated condition"), P("spin lock"), \
             P("call that acquired it"))
LOCK_RULE(0x40006, "QueuedSpinLock: a held in-stack queued spin lock, or its handle, is used again",
          "Release the lock before acquiring it again; one handle for each lock.",
          "queued-lock-handle-reused")
LOCK_RULE(0x40007, "QueuedSpinLockRelease: an in-stack queued lock is not released, or not held",
          "Release the lock once, on every path, before IRQL goes below DISPATCH_LEVEL.", NULL)
LOCK_RULE(0x40009, "SpinLock: a held spin lock is acquired again, left held, or freed",
          "Release the lock before acquiring it again, and on every path out of the routine.",
          "dpc-keeps-lock")
LOCK_RULE(0x4000a, "SpinlockRelease: a spin lock is released that nobody holds",
          "Release the lock that was acquired, once.", "wrong-lock-released")
VERIFIER(0x4000e, "GuardedRegions: guarded regions are entered and left in pairs",
         "Leave the region on every path out of the dispatch routine.", NULL,
         P("text of the violated condition"), P_NONE, P_NONE)

BUG_CHECK_CASE(TIMER_OR_DPC_INVALID, 0x0, "a timer",
               "Call KeCancelTimer before the memory is freed.", NULL, P("timer"),
               P("start of the range"), P("end of the range"))
BUG_CHECK_CASE(TIMER_OR_DPC_INVALID, 0x1, "a DPC",
               "Call KeRemoveQueueDpc or KeFlushQueuedDpcs before the memory is freed.", NULL,
               P("DPC"), P("start of the range"), P("end of the range"))

IO_VERIFIER(0x1, "IoFreeIrp for what is no IRP", NULL, NULL, P("IRP"), P_NONE, P_NONE)
IO_VERIFIER(0x2, "IoFreeIrp for an IRP that is still in a thread's list",
            "Do not free an IRP that the I/O manager made for a thread: complete it.", NULL,
            P("IRP"), P_NONE, P_NONE)
IO_VERIFIER(0x3, "IoCallDriver with what is no IRP",
            "Do not pass on an IRP that was completed or freed.", NULL, P("IRP"), P_NONE, P_NONE)
IO_VERIFIER(0x4, "a device object that is none, or deleted",
            "Do not use a device object after IoDeleteDevice, and delete it once.", NULL,
            P("device object"), P_NONE, P_NONE)
IO_VERIFIER(0x5, "a dispatch routine changed IRQL", NULL, NULL, P("device object"), P_IRQL,
            P_IRQL_AFTER)
IO_VERIFIER(0xe, "IoCompleteRequest was called above DISPATCH_LEVEL",
            "Complete the request in the DPC of the interrupt.", NULL, P_IRQL, P("IRP"), P_NONE)
IO_VERIFIER(0x10, "IoCallDriver was called above DISPATCH_LEVEL",
            "Pass the request on in the DPC of the interrupt.", NULL, P_IRQL, P_NONE, P_NONE)
IO_VERIFIER(0x11, "a fast I/O routine changed IRQL", NULL, NULL, P("routine"), P_IRQL, P_IRQL_AFTER)
IO_VERIFIER(0x12, "a dispatch routine, DriverEntry, AddDevice or Unload changed IRQL",
            "Release each lock on every path out of the routine, error paths too.",
            "lock-not-released", P("routine"), P_IRQL, P_IRQL_AFTER)
IO_VERIFIER(0x23a, "a request was sent on at DISPATCH_LEVEL that must be sent below it",
            "Release the lock first; only reads, writes, controls and power requests may be sent.",
            "flush-sent-at-dispatch", P_IRQL, P("IRP"), P_NONE)

BUG_CHECK_CASE(WORKER_INVALID, 0x0, "an active work item was freed or queued again", NULL, NULL,
               P("work item"), P_NONE, P_NONE)
BUG_CHECK_CASE(WORKER_INVALID, 0x1, "an active work item was queued again", NULL, NULL,
               P("work item"), P_NONE, P_NONE)

BUG_CHECK_CASE(DPC_WATCHDOG_VIOLATION, 0x0, "a DPC routine did not return in the time allotted",
               "Leave long work to a work item: KeInsertQueueDpc and IoQueueWorkItem from the DPC.",
               "dpc-never-returns", P("ticks it has run"), P("ticks allotted"), P_NONE)
BUG_CHECK_CASE(DPC_WATCHDOG_VIOLATION, 0x1,
               "the processor did not come below DISPATCH_LEVEL in the time allotted", NULL,
               "spin-at-dispatch", P("ticks allotted"), P_NONE, P_NONE)

BUG_CHECK_CASE(KERNEL_SECURITY_CHECK_FAILURE, 0x2, "a stack cookie was overwritten",
               "Look for a write past an array on the stack of the routine.", NULL, P("trap frame"),
               P("exception record"), P_NONE)
BUG_CHECK_CASE(KERNEL_SECURITY_CHECK_FAILURE, 0x3, "a LIST_ENTRY is corrupt",
               "Look for an entry that was removed twice, or freed while it was in a list.", NULL,
               P("trap frame"), P("exception record"), P_NONE)
BUG_CHECK_CASE(KERNEL_SECURITY_CHECK_FAILURE, 0x5, "an invalid argument", NULL, NULL,
               P("trap frame"), P("exception record"), P_NONE)
BUG_CHECK_CASE(KERNEL_SECURITY_CHECK_FAILURE, 0x8, "an index is out of range", NULL, NULL,
               P("trap frame"), P("exception record"), P_NONE)
BUG_CHECK_CASE(KERNEL_SECURITY_CHECK_FAILURE, 0xa,
               "a call to what is no function (control flow guard)", NULL, NULL, P("trap frame"),
               P("exception record"), P_NONE)

#undef MEMORY
#undef TRAP
#undef POOL
#undef VERIFIER
#undef IO_VERIFIER
#undef IRQL_RULE
#undef LOCK_RULE
