/* SPDX-License-Identifier: MIT */
/*
 * The table of bug checks: one source for the kernel's names, the host's reports, `pageable
 * explain` and docs/bug-checks.md. Included after BUG_CHECK is defined, as often as needed:
 *
 *   BUG_CHECK(NAME, cause, advice, example, P1, P2, P3, P4)
 *
 * NAME is a code of nt/bugcodes.h. cause and advice are a sentence each; example is the smallest
 * driver of drivers/faulty that ends in this code, or NULL. A parameter is P(words), or one whose
 * values have words too: P_IRQL, P_ACCESS (0 read, 1 write, 8 execute), P_FAULT (0x50: 0, 2, 10h),
 * P_STATUS(words), P_KIND (bug_check_cases.h has a row for each), P_NONPAGED_KIND, P_IRQL_CHANGE.
 * The order is that of the codes. Source: Microsoft's bug check reference.
 */

BUG_CHECK(APC_INDEX_MISMATCH, "A system call or worker returned with APCs still disabled.",
          "Leave each critical or guarded region on every path out of it.", "process-left-attached",
          P("address of the system call"), P("APC state index"), P("APC disable counts"), P_NONE)
BUG_CHECK(INVALID_PROCESS_ATTACH_ATTEMPT, "A thread attached to a process where it may not.",
          "Attach only below DISPATCH_LEVEL, to one process at a time, and detach before the "
          "thread ends.", NULL, P("process"), P("process attached to before"), P("APC state index"),
          P_NONE)
BUG_CHECK(INVALID_PROCESS_DETACH_ATTEMPT, "A thread detached from a process in a wrong state.",
          "Pair each KeStackAttachProcess with one KeUnstackDetachProcess in the same thread, with "
          "the same KAPC_STATE.", NULL, P("process"), P_NONE, P_NONE, P_NONE)
BUG_CHECK(IRQL_NOT_DISPATCH_LEVEL, "A routine that needs DISPATCH_LEVEL was called below it.",
          "Raise to DISPATCH_LEVEL first, or call the routine that raises by itself.", NULL, P_NONE,
          P_NONE, P_NONE, P_NONE)
BUG_CHECK(IRQL_NOT_GREATER_OR_EQUAL,
          "IRQL was not what the call needs: a raise went down, or code at DISPATCH_LEVEL waited.",
          "Raise only upwards, and wait only at APC_LEVEL or below.", NULL, P("IRQL or object"),
          P("IRQL"), P_NONE, P("caller"))
BUG_CHECK(IRQL_NOT_LESS_OR_EQUAL,
          "Kernel code touched pageable or invalid memory at DISPATCH_LEVEL or above, for a "
          "driver.",
          "Keep what is handed to the kernel at raised IRQL (locks, events, lists) in nonpaged "
          "memory.", "spin-lock-in-paged-pool", P("memory referenced"), P_IRQL, P_ACCESS,
          P("address that referenced it"))
BUG_CHECK(NO_EXCEPTION_HANDLING_SUPPORT, "An exception came where none can be handled.",
          "Look at the stack: an unwind asked for what this kernel does not do.", NULL,
          P_STATUS("exception code"), P("address"), P_NONE, P_NONE)
BUG_CHECK(MAXIMUM_WAIT_OBJECTS_EXCEEDED, "A wait named more objects than are allowed.",
          "Give KeWaitForMultipleObjects a wait block array for more than 3 objects, and at most "
          "64.", NULL, P("number of objects"), P("wait block array"), P_NONE, P_NONE)
BUG_CHECK(SPIN_LOCK_ALREADY_OWNED, "A spin lock was acquired by its owner.",
          "Release the lock before calling what takes it too, or split off a routine that expects "
          "it held.", "spin-lock-taken-twice", P("spin lock"), P_NONE, P_NONE, P_NONE)
BUG_CHECK(SPIN_LOCK_NOT_OWNED, "A spin lock was released that nobody held.",
          "Release a lock once for each acquisition, on each path.", "spin-lock-released-twice",
          P("spin lock"), P_NONE, P_NONE, P_NONE)
BUG_CHECK(THREAD_NOT_MUTEX_OWNER, "A mutex was released by a thread that does not own it.",
          "Release a mutex in the thread that waited for it.", NULL, P("thread"), P("mutex"),
          P_NONE, P_NONE)
BUG_CHECK(REFERENCE_BY_POINTER, "An object's reference count is wrong.",
          "Pair each ObReferenceObject with one ObDereferenceObject; somebody released too often.",
          NULL, P("object type"), P("object"), P("kind"), P("reference count"))
BUG_CHECK(BAD_POOL_HEADER, "A pool block's header was overwritten.",
          "Look for a write beyond the end of the block before this one, or to freed memory.",
          "pool-overrun", P_KIND, P("pool block"), P("what was found"), P("what was expected"))
BUG_CHECK(MEMORY_MANAGEMENT, "The memory manager was asked for, or found, what must not be.",
          "The first parameter says which rule was broken.", "unlock-twice", P_KIND, P_NONE, P_NONE,
          P_NONE)
BUG_CHECK(KMODE_EXCEPTION_NOT_HANDLED, "Kernel code raised an exception that nothing handled.",
          "Look at the routine at the exception address; put __try around what may raise.", NULL,
          P_STATUS("exception code"), P("exception address"), P("exception information 0"),
          P("exception information 1"))
BUG_CHECK(KERNEL_APC_PENDING_DURING_EXIT, "A thread ended with APCs pending or disabled.",
          "Leave each critical and guarded region, and lower IRQL, before the thread ends.", NULL,
          P("APC"), P("APC disable count"), P_IRQL, P_NONE)
BUG_CHECK(INCONSISTENT_IRP, "An IRP's fields contradict each other.",
          "Do not touch an IRP after it was completed, passed on or freed.", NULL, P("IRP"), P_NONE,
          P_NONE, P_NONE)
BUG_CHECK(NO_MORE_IRP_STACK_LOCATIONS, "An IRP was passed down with no stack location left.",
          "Allocate IRPs with the StackSize of the device they are sent to.", NULL, P("IRP"),
          P_NONE, P_NONE, P_NONE)
BUG_CHECK(SYSTEM_SERVICE_EXCEPTION, "A system service raised an exception that nothing handled.",
          "Probe user addresses and touch them inside __try; a failed PAGED_CODE or NT_ASSERT is "
          "one, too.", "paged-code-check", P_STATUS("exception code"), P("instruction address"),
          P("context record"), P_NONE)
BUG_CHECK(NO_MORE_SYSTEM_PTES, "No system address space was left.",
          "Unmap what was mapped: an MDL's pages, or memory of a device.", NULL, P("kind"),
          P("PTEs asked for"), P("free PTEs"), P("PTEs in all"))
BUG_CHECK(TARGET_MDL_TOO_SMALL, "IoBuildPartialMdl was given an MDL with too little room.",
          "Allocate the target MDL for the whole length that it is to describe.", NULL,
          P("target MDL"), P("pages needed"), P_NONE, P_NONE)
BUG_CHECK(MULTIPLE_IRP_COMPLETE_REQUESTS, "An IRP was completed twice.",
          "Complete an IRP once: the dispatch routine, a cancel routine or a DPC, not two of them.",
          "complete-twice", P("IRP"), P_NONE, P_NONE, P_NONE)
BUG_CHECK(CANCEL_STATE_IN_COMPLETED_IRP, "A completed IRP still had a cancel routine.",
          "Call IoSetCancelRoutine(Irp, NULL) before IoCompleteRequest.", NULL, P("IRP"),
          P("cancel routine"), P_NONE, P_NONE)
BUG_CHECK(IRQL_GT_ZERO_AT_SYSTEM_SERVICE, "A system call returned above PASSIVE_LEVEL.",
          "Release each lock, and lower IRQL, on every path out of the dispatch routine.", NULL,
          P("system routine"), P_IRQL, P_NONE, P_NONE)
BUG_CHECK(PFN_LIST_CORRUPT, "The page frame database is damaged.",
          "Unlock and free pages once; look for a driver that writes to pages it has given back.",
          NULL, P_KIND, P_NONE, P_NONE, P_NONE)
BUG_CHECK(PAGE_FAULT_IN_NONPAGED_AREA, "Memory was touched that does not exist.",
          "Look for a pointer to freed memory or discarded code (INIT is gone after DriverEntry).",
          "init-code-after-driver-entry", P("address referenced"), P_FAULT,
          P("address that referenced it"), P_NONPAGED_KIND)
BUG_CHECK(PROCESS_HAS_LOCKED_PAGES, "Locked pages and unlocks of them do not add up.",
          "Call MmUnlockPages once for each MmProbeAndLockPages, before the process ends.", NULL,
          P_KIND, P("process or MDL"), P("number of pages"), P("driver stacks"))
BUG_CHECK(KERNEL_STACK_INPAGE_ERROR, "A kernel stack's page could not be read.",
          "The paging disk failed; see --disk-fault.", NULL, P_STATUS("status or kind"),
          P("I/O status or value found"), P("paging file number"), P("offset or address"))
BUG_CHECK(PHASE0_EXCEPTION, "An exception came early in the kernel's start.",
          "This is a fault of Pageable, not of the driver.", NULL, P_NONE, P_NONE, P_NONE, P_NONE)
BUG_CHECK(KERNEL_DATA_INPAGE_ERROR, "A page of kernel data could not be read from the paging file.",
          "The paging disk failed, not the driver; what must survive that must be nonpaged.", NULL,
          P("PTE address or lock type"), P_STATUS("I/O status"), P("PTE contents"), P("address"))
BUG_CHECK(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
          "A system thread raised an exception that nothing handled.",
          "Look at the routine at the exception address; a failed PAGED_CODE or NT_ASSERT is one "
          "too.", NULL, P_STATUS("exception code"), P("exception address"),
          P("exception record"), P("context record"))
BUG_CHECK(UNEXPECTED_KERNEL_MODE_TRAP, "The processor raised a trap that the kernel cannot handle.",
          "The first parameter says which trap; 8 is nearly always a kernel stack used up.",
          "stack-overflow", P_KIND, P_NONE, P_NONE, P_NONE)
BUG_CHECK(NMI_HARDWARE_FAILURE, "A nonmaskable interrupt came.",
          "Nothing in this machine sends one by itself: look for code that triggers it.", NULL,
          P_NONE, P_NONE, P_NONE, P_NONE)
BUG_CHECK(KERNEL_MODE_EXCEPTION_NOT_HANDLED,
          "Kernel code raised an exception that nothing handled.",
          "Look at the routine at the exception address.", NULL, P_STATUS("exception code"),
          P("exception address"), P("trap frame"), P_NONE)
BUG_CHECK(MACHINE_CHECK_EXCEPTION, "The processor reported a machine check.",
          "An emulated processor has none of its own: this is the machine, not the driver.", NULL,
          P_NONE, P_NONE, P_NONE, P_NONE)
BUG_CHECK(ATTEMPTED_SWITCH_FROM_DPC, "A DPC routine tried to wait.",
          "Queue a work item and wait there; a DPC routine must never block.", NULL, P("thread"),
          P("next thread"), P("stack of the thread"), P("object waited for"))
BUG_CHECK(ATTEMPTED_WRITE_TO_READONLY_MEMORY, "Read-only memory was written to.",
          "Make the variable not const, or write to a copy.", "write-to-constant",
          P("address written"), P("PTE contents"), P_NONE, P_NONE)
BUG_CHECK(BAD_POOL_CALLER, "Pool was allocated or freed in a way that is not allowed.",
          "The first parameter says how; free each block once, by its own address, with its own "
          "tag.", "pool-freed-twice", P_KIND, P_NONE, P_NONE, P_NONE)
BUG_CHECK(DRIVER_VERIFIER_DETECTED_VIOLATION, "The driver broke a rule that is being verified.",
          "The first parameter names the rule; --no-verify shows what happens without the check.",
          "wait-at-dispatch", P_KIND, P_NONE, P_NONE, P_NONE)
BUG_CHECK(TIMER_OR_DPC_INVALID, "Memory was freed with a timer or DPC in it.",
          "Cancel the timer, and call KeFlushQueuedDpcs, before freeing its memory.", NULL, P_KIND,
          P("timer or DPC"), P("start of the range"), P("end of the range"))
BUG_CHECK(IRQL_UNEXPECTED_VALUE, "A callback returned at another IRQL than it was called at.",
          "Restore IRQL (release each lock) on every path out of the callback.",
          "dpc-returns-raised", P_IRQL_CHANGE, P("routine, or APCs disabled"),
          P("interrupt, APC or parameter"), P_NONE)
BUG_CHECK(DRIVER_VERIFIER_IOMANAGER_VIOLATION, "The driver broke a rule of the I/O manager.",
          "The first parameter names the rule.", "lock-not-released", P_KIND, P_NONE, P_NONE,
          P_NONE)
BUG_CHECK(DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS, "The driver was unloaded and left pages locked.",
          "Call MmUnlockPages and IoFreeMdl for each locked MDL before Unload returns.",
          "pages-left-locked", P("lock tracking structure"), P_NONE, P("MDL"), P("number of pages"))
BUG_CHECK(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
          "Code or data of a driver was used after its unload.",
          "Before Unload returns, cancel timers, wait for work items and threads, and take back "
          "callbacks.", "unload-with-queued-work", P("memory referenced"), P_ACCESS,
          P("address that referenced it"), P_NONE)
BUG_CHECK(DRIVER_IRQL_NOT_LESS_OR_EQUAL,
          "A driver touched pageable or invalid memory at DISPATCH_LEVEL or above.",
          "Take it out of the pageable section, or lock the section, or do it before IRQL is "
          "raised.", "paged-code-at-dispatch", P("memory referenced"), P_IRQL, P_ACCESS,
          P("address that referenced it"))
BUG_CHECK(DRIVER_PORTION_MUST_BE_NONPAGED,
          "The kernel touched a driver's pageable part at DISPATCH_LEVEL or above.",
          "Move what the kernel is given at raised IRQL out of PAGE sections, or lock its section.",
          "interlocked-list-in-pagedata", P("memory referenced"), P_IRQL, P_ACCESS,
          P("address that referenced it"))
BUG_CHECK(SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD,
          "Code or data of a driver was used after its unload, at DISPATCH_LEVEL or above.",
          "Cancel timers and call KeFlushQueuedDpcs before Unload returns; disconnect interrupts "
          "first.", "unload-with-running-timer", P("memory referenced"), P_IRQL, P_ACCESS,
          P("address that referenced it"))
BUG_CHECK(WORKER_THREAD_RETURNED_AT_BAD_IRQL, "A work item returned at a raised IRQL.",
          "Release each lock, and lower IRQL, before the work item's routine returns.",
          "work-item-returns-raised", P("worker routine"), P_IRQL, P("parameter"), P("work item"))
BUG_CHECK(MANUALLY_INITIATED_CRASH, "The crash was asked for.", "Nothing is to be mended.", NULL,
          P_NONE, P_NONE, P_NONE, P_NONE)
BUG_CHECK(RESOURCE_NOT_OWNED, "A resource was released by a thread that does not own it.",
          "Release an ERESOURCE in the thread that acquired it, once.", NULL, P("resource"),
          P("thread"), P("owner table"), P_NONE)
BUG_CHECK(WORKER_INVALID, "Memory was freed or queued with an active work item in it.",
          "Queue a work item again only after its routine has begun; free it only after it has "
          "run.", NULL, P_KIND, P("work item"), P_NONE, P_NONE)
BUG_CHECK(CRITICAL_PROCESS_DIED, "A process or thread ended that was marked as critical.",
          "Clear ProcessBreakOnTermination or ThreadBreakOnTermination before it ends.", NULL,
          P("process or thread"), P("0: a process, 1: a thread"), P_NONE, P_NONE)
BUG_CHECK(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY,
          "Memory was executed that holds no code, or user memory.",
          "Look for a function pointer that was overwritten or that a caller of user mode passed, "
          "or code made in nonexecutable pool.",
          "code-in-pool", P("address executed"), P("PTE contents"), P_NONE, P_NONE)
BUG_CHECK(DPC_WATCHDOG_VIOLATION,
          "The processor stayed at DISPATCH_LEVEL or above for too long.",
          "Do not wait at DISPATCH_LEVEL: leave long work to a work item, and what must be waited "
          "for to a thread.", "spin-at-dispatch", P_KIND, P_NONE, P_NONE, P_NONE)
BUG_CHECK(KERNEL_SECURITY_CHECK_FAILURE, "A check against corruption failed.",
          "Look for what overwrote the structure: a list entry used twice, or a write past a "
          "buffer.", NULL, P_KIND, P("trap frame"), P("exception record"), P_NONE)
