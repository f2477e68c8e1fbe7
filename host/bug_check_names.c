/* SPDX-License-Identifier: MIT */
/* Codes, names and the meaning of parameters are those of Microsoft's bug check reference. */
#include "host/bug_check_names.h"

#include <stddef.h>
#include <string.h>

#include "bugcodes.h"

#define ENTRY(code, meaning, ...) {code, #code, {__VA_ARGS__}, meaning}

/* The layout that 0xA and its kin share. */
#define REFERENCE "memory referenced", "IRQL", "access", "address that referenced it"

static const BUG_CHECK_NAME BugCheckNames[] = {
    ENTRY(APC_INDEX_MISMATCH, "A system call or worker returned with APCs still disabled.",
          "address of the system call", "APC state index", "APCs disabled", NULL),
    ENTRY(INVALID_PROCESS_ATTACH_ATTEMPT, "A thread attached to a process where it may not.", NULL),
    ENTRY(INVALID_PROCESS_DETACH_ATTEMPT, "A thread detached from a process in a wrong state.",
          NULL),
    ENTRY(IRQL_NOT_DISPATCH_LEVEL, "A routine that needs DISPATCH_LEVEL was called below it.",
          NULL),
    ENTRY(IRQL_NOT_GREATER_OR_EQUAL, "IRQL was lower than the call needs.", NULL),
    ENTRY(IRQL_NOT_LESS_OR_EQUAL,
          "Memory that was not present was touched at an IRQL too high for a page fault.",
          REFERENCE),
    ENTRY(NO_EXCEPTION_HANDLING_SUPPORT, "An exception came where none can be handled.", NULL),
    ENTRY(MAXIMUM_WAIT_OBJECTS_EXCEEDED, "A wait named more objects than are allowed.", NULL),
    ENTRY(SPIN_LOCK_ALREADY_OWNED, "A spin lock was acquired by its owner.", "spin lock", NULL),
    ENTRY(SPIN_LOCK_NOT_OWNED, "A spin lock was released that nobody held.", "spin lock", NULL),
    ENTRY(THREAD_NOT_MUTEX_OWNER, "A mutex was released by a thread that does not own it.",
          "thread", "mutex", NULL),
    ENTRY(REFERENCE_BY_POINTER, "An object's reference count is wrong.", "object type", "object",
          "kind", NULL),
    ENTRY(BAD_POOL_HEADER, "A pool block's header was overwritten.", "kind", "pool block", NULL),
    ENTRY(MEMORY_MANAGEMENT, "The memory manager found something that must not be.", "kind", NULL),
    ENTRY(KMODE_EXCEPTION_NOT_HANDLED, "Kernel code raised an exception that nothing handled.",
          "exception code", "exception address", "exception information 0",
          "exception information 1"),
    ENTRY(KERNEL_APC_PENDING_DURING_EXIT, "A thread ended with APCs pending or disabled.", "APC",
          "APC disable count", "IRQL", NULL),
    ENTRY(INCONSISTENT_IRP, "An IRP's fields contradict each other.", "IRP", NULL),
    ENTRY(SYSTEM_SERVICE_EXCEPTION, "A system service raised an exception that nothing handled.",
          "exception code", "instruction address", "context record", NULL),
    ENTRY(NO_MORE_IRP_STACK_LOCATIONS, "An IRP was passed down with no stack location left.",
          "IRP", NULL),
    ENTRY(MULTIPLE_IRP_COMPLETE_REQUESTS, "An IRP was completed twice.", "IRP", NULL),
    ENTRY(NO_MORE_SYSTEM_PTES, "No system address space was left.", "kind", "PTEs asked for",
          "free PTEs", "PTEs in all"),
    ENTRY(CANCEL_STATE_IN_COMPLETED_IRP, "A completed IRP still had a cancel routine.", "IRP",
          "cancel routine", NULL),
    ENTRY(IRQL_GT_ZERO_AT_SYSTEM_SERVICE, "A system call returned above PASSIVE_LEVEL.",
          "system routine", "IRQL", NULL),
    ENTRY(PFN_LIST_CORRUPT, "The page frame database is damaged.", "kind", NULL),
    ENTRY(PAGE_FAULT_IN_NONPAGED_AREA, "Memory was touched that does not exist.",
          "address referenced", "access", "address that referenced it", "kind"),
    ENTRY(PROCESS_HAS_LOCKED_PAGES, "Pages stayed locked after their owner ended.", "kind",
          "process or MDL", "number of pages", "driver stacks"),
    ENTRY(KERNEL_STACK_INPAGE_ERROR, "A kernel stack's page could not be read.", "status or kind",
          "I/O status or value found", "paging file number", "offset or address"),
    ENTRY(PHASE0_EXCEPTION, "An exception came early in the kernel's start.", NULL),
    ENTRY(KERNEL_DATA_INPAGE_ERROR, "A page of kernel data could not be read from the disk.",
          "PTE address or lock type", "I/O status", "PTE contents", "address"),
    ENTRY(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
          "A system thread raised an exception that nothing handled.", "exception code",
          "exception address", "exception record", "context record"),
    ENTRY(UNEXPECTED_KERNEL_MODE_TRAP, "The processor raised a trap that the kernel cannot handle.",
          "trap number", NULL),
    ENTRY(KERNEL_MODE_EXCEPTION_NOT_HANDLED,
          "Kernel code raised an exception that nothing handled.", "exception code",
          "exception address", "trap frame", NULL),
    ENTRY(ATTEMPTED_SWITCH_FROM_DPC, "A DPC routine tried to wait.", "thread", NULL),
    ENTRY(ATTEMPTED_WRITE_TO_READONLY_MEMORY, "Read-only memory was written to.",
          "address written", "PTE contents", NULL),
    ENTRY(BAD_POOL_CALLER, "Pool was allocated or freed in a way that is not allowed.", "kind",
          NULL),
    ENTRY(DRIVER_VERIFIER_DETECTED_VIOLATION, "The driver broke a rule that is being verified.",
          "rule", NULL),
    ENTRY(TIMER_OR_DPC_INVALID, "Memory was freed with a timer or DPC in it.", "kind", "object",
          "start of the range", "end of the range"),
    ENTRY(IRQL_UNEXPECTED_VALUE, "A callback returned at another IRQL than it was called at.",
          "IRQLs and kind", NULL),
    ENTRY(DRIVER_VERIFIER_IOMANAGER_VIOLATION, "The driver broke a rule of the I/O manager.",
          "rule", NULL),
    ENTRY(DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS, "The driver left pages locked.",
          "lock tracking structure", NULL, "MDL", "number of pages"),
    ENTRY(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
          "Code or data of a driver was used after its unload.", "memory referenced", "access",
          "address that referenced it", NULL),
    ENTRY(DRIVER_IRQL_NOT_LESS_OR_EQUAL,
          "A driver touched memory that was not present at an IRQL too high for a page fault.",
          REFERENCE),
    ENTRY(DRIVER_PORTION_MUST_BE_NONPAGED,
          "The kernel touched a driver's paged-out part at an IRQL too high for a page fault.",
          REFERENCE),
    ENTRY(SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD,
          "A driver was unloaded with operations pending.", REFERENCE),
    ENTRY(WORKER_THREAD_RETURNED_AT_BAD_IRQL, "A work item returned at a raised IRQL.",
          "worker routine", "IRQL", "parameter", "work item"),
    ENTRY(MANUALLY_INITIATED_CRASH, "The crash was asked for.", NULL),
    ENTRY(RESOURCE_NOT_OWNED, "A resource was released by a thread that does not own it.",
          "resource", "thread", NULL),
    ENTRY(WORKER_INVALID, "Memory was freed or queued with an active work item in it.", "kind",
          "work item", NULL),
    ENTRY(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, "Memory that holds no code was executed.",
          "address executed", "PTE contents", NULL),
    ENTRY(KERNEL_SECURITY_CHECK_FAILURE, "A check against corruption failed.", "kind",
          "trap frame", "exception record", NULL),
};

const BUG_CHECK_NAME *BugCheckName(uint32_t Code)
{
    static const BUG_CHECK_NAME Unknown = {
        0, "(not a code this version knows)", {NULL, NULL, NULL, NULL}, "No meaning is known."};
    for (size_t i = 0; i < sizeof(BugCheckNames) / sizeof(BugCheckNames[0]); i++) {
        if (BugCheckNames[i].Code == Code) {
            return &BugCheckNames[i];
        }
    }
    return &Unknown;
}

static const char *BugCheckAccess(uint32_t Code, uint64_t Value)
{
    if (Code == PAGE_FAULT_IN_NONPAGED_AREA) {
        return Value == 0 ? "read" : Value == 2 ? "write" : Value == 0x10 ? "execute" : NULL;
    }
    switch (Value) {
    case 0: return "read";
    case 1: return "write";
    case 2:
    case 8: return "execute";
    default: return NULL;
    }
}

static const char *BugCheckPageFaultKind(uint64_t Value)
{
    switch (Value) {
    case 0: return "freed memory";
    case 2: return "no page table";
    case 4: return "not a canonical address";
    case 0xf: return "user address where none is allowed";
    default: return NULL;
    }
}

static const char *BugCheckMemoryKind(uint64_t Value)
{
    switch (Value) {
    case 0x3f: return "a page came back from the paging file with a wrong CRC";
    case 0x1010: return "a section was unlocked that is not locked";
    case 0x1234: return "a section was locked that does not exist";
    default: return NULL;
    }
}

const char *BugCheckValueName(uint32_t Code, unsigned Index, uint64_t Value)
{
    const char *Meaning = BugCheckName(Code)->Parameter[Index];
    if (Meaning == NULL) {
        return NULL;
    }
    if (strcmp(Meaning, "access") == 0) {
        return BugCheckAccess(Code, Value);
    }
    if (strcmp(Meaning, "IRQL") == 0) {
        return Value <= 15 || Value == IRQL_INTERRUPTS_OFF ? IrqlName((uint32_t)Value) : NULL;
    }
    if (strcmp(Meaning, "kind") == 0 && Code == PAGE_FAULT_IN_NONPAGED_AREA) {
        return BugCheckPageFaultKind(Value);
    }
    if (strcmp(Meaning, "kind") == 0 && Code == MEMORY_MANAGEMENT) {
        return BugCheckMemoryKind(Value);
    }
    return NULL;
}

const char *IrqlName(uint32_t Irql)
{
    static const char *const Names[] = {
        "PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL", "device", "device", "device",
        "device",        "device",    "device",         "device", "device", "device",
        "SYNCH_LEVEL",   "CLOCK_LEVEL", "IPI_LEVEL",    "HIGH_LEVEL",
    };
    if (Irql == IRQL_INTERRUPTS_OFF) {
        return "interrupts off";
    }
    return Irql < sizeof(Names) / sizeof(Names[0]) ? Names[Irql] : "no IRQL";
}
