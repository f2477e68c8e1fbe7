/* SPDX-License-Identifier: MIT */
/*
 * A process's handles. Handle n * 4 is entry n; entry 0 is never used. Entries live in pages that
 * are added as needed and never move, and free ones are chained by index through NextFree.
 * The table's lock covers all of it; an entry holds one pointer reference and one handle count.
 * When its process has ended a table takes no handles any more; it goes with the process object, as
 * threads that are attached may have come to the lock before.
 */
#include "ob/obp.h"

#define OBP_ENTRIES_IN_PAGE (PAGE_SIZE / sizeof(HANDLE_TABLE_ENTRY))
#define OBP_MAXIMUM_PAGES 256 /* 65,536 handles in a process */

typedef struct _HANDLE_TABLE {
    FAST_MUTEX Lock;
    PEPROCESS Process;
    ULONG FirstFree; /* 0: none */
    ULONG HandleCount;
    BOOLEAN Closed; /* takes no handles */
    ULONG PageCount;
    PHANDLE_TABLE_ENTRY Page[OBP_MAXIMUM_PAGES];
} HANDLE_TABLE;

VOID ObpDeleteHandleTable(PHANDLE_TABLE Table)
{
    NT_VERIFY(Table->HandleCount == 0);
    for (ULONG i = 0; i < Table->PageCount; i++) {
        ExFreePoolWithTag(Table->Page[i], OB_TAG_TABLE);
    }
    ExFreePoolWithTag(Table, OB_TAG_TABLE);
}

/* Lock held. NULL: Handle is not one of the table's. */
static PHANDLE_TABLE_ENTRY ObpEntryOf(PHANDLE_TABLE Table, HANDLE Handle)
{
    /* The low two bits are the caller's, as in NT. */
    ULONG_PTR Index = (ULONG_PTR)Handle >> 2;
    if (Index == 0 || Index >= Table->PageCount * OBP_ENTRIES_IN_PAGE) {
        return NULL;
    }
    PHANDLE_TABLE_ENTRY Entry =
        &Table->Page[Index / OBP_ENTRIES_IN_PAGE][Index % OBP_ENTRIES_IN_PAGE];
    return Entry->Header == NULL ? NULL : Entry;
}

/* Lock held. Adds a page; its entries are chained in ascending order. */
static BOOLEAN ObpGrowTable(PHANDLE_TABLE Table)
{
    if (Table->PageCount == OBP_MAXIMUM_PAGES) {
        return FALSE;
    }
    PHANDLE_TABLE_ENTRY Page = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, OB_TAG_TABLE);
    if (Page == NULL) {
        return FALSE;
    }
    RtlZeroMemory(Page, PAGE_SIZE);
    ULONG First = Table->PageCount * OBP_ENTRIES_IN_PAGE;
    for (ULONG i = OBP_ENTRIES_IN_PAGE; i-- > (First == 0 ? 1u : 0u);) {
        Page[i].NextFree = Table->FirstFree;
        Table->FirstFree = First + i;
    }
    Table->Page[Table->PageCount++] = Page;
    return TRUE;
}

/* With its first page, so that a process's first handle does not look like a leak of 4 KB. */
PHANDLE_TABLE ObpCreateHandleTable(PEPROCESS Process)
{
    PHANDLE_TABLE Table = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Table), OB_TAG_TABLE);
    if (Table == NULL) {
        return NULL;
    }
    RtlZeroMemory(Table, sizeof(*Table));
    ExInitializeFastMutex(&Table->Lock);
    Table->Process = Process;
    if (!ObpGrowTable(Table)) {
        ExFreePoolWithTag(Table, OB_TAG_TABLE);
        return NULL;
    }
    return Table;
}

/* The references that Entry stands for are the caller's and pass to the table. <= APC_LEVEL */
NTSTATUS ObpAllocateHandle(PHANDLE_TABLE Table, const HANDLE_TABLE_ENTRY *Entry, PHANDLE Handle)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ExAcquireFastMutex(&Table->Lock);
    if (Table->Closed) {
        Status = STATUS_PROCESS_IS_TERMINATING;
    } else if (Table->FirstFree == 0 && !ObpGrowTable(Table)) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        ULONG Index = Table->FirstFree;
        PHANDLE_TABLE_ENTRY Slot =
            &Table->Page[Index / OBP_ENTRIES_IN_PAGE][Index % OBP_ENTRIES_IN_PAGE];
        NT_ASSERT(Slot->Header == NULL);
        Table->FirstFree = Slot->NextFree;
        *Slot = *Entry;
        Table->HandleCount++;
        *Handle = (HANDLE)((ULONG_PTR)Index << 2);
    }
    ExReleaseFastMutex(&Table->Lock);
    return Status;
}

BOOLEAN ObpReferenceHandleEntry(PHANDLE_TABLE Table, HANDLE Handle, PHANDLE_TABLE_ENTRY Entry)
{
    ExAcquireFastMutex(&Table->Lock);
    PHANDLE_TABLE_ENTRY Slot = ObpEntryOf(Table, Handle);
    if (Slot != NULL) {
        *Entry = *Slot;
        ObfReferenceObject(ObpBodyOf(Slot->Header));
    }
    ExReleaseFastMutex(&Table->Lock);
    return Slot != NULL;
}

BOOLEAN ObpChangeEntry(PHANDLE_TABLE Table, HANDLE Handle, ULONG Attributes)
{
    ExAcquireFastMutex(&Table->Lock);
    PHANDLE_TABLE_ENTRY Slot = ObpEntryOf(Table, Handle);
    if (Slot != NULL) {
        Slot->Attributes = Attributes;
    }
    ExReleaseFastMutex(&Table->Lock);
    return Slot != NULL;
}

/* The entry's references pass to the caller. */
BOOLEAN ObpFreeHandle(PHANDLE_TABLE Table, HANDLE Handle, BOOLEAN Force,
                      PHANDLE_TABLE_ENTRY Entry)
{
    ExAcquireFastMutex(&Table->Lock);
    PHANDLE_TABLE_ENTRY Slot = ObpEntryOf(Table, Handle);
    if (Slot != NULL && !Force && (Slot->Attributes & OBJ_PROTECT_CLOSE)) {
        Entry->Header = NULL;
    } else if (Slot != NULL) {
        *Entry = *Slot;
        Slot->Header = NULL;
        Slot->GrantedAccess = 0;
        Slot->NextFree = Table->FirstFree;
        Table->FirstFree = (ULONG)((ULONG_PTR)Handle >> 2);
        Table->HandleCount--;
    }
    ExReleaseFastMutex(&Table->Lock);
    return Slot != NULL;
}

HANDLE ObpHandleToClose(PHANDLE_TABLE Table)
{
    HANDLE Handle = NULL;
    ExAcquireFastMutex(&Table->Lock);
    for (ULONG i = 1; i < Table->PageCount * OBP_ENTRIES_IN_PAGE; i++) {
        if (Table->Page[i / OBP_ENTRIES_IN_PAGE][i % OBP_ENTRIES_IN_PAGE].Header != NULL) {
            Handle = (HANDLE)((ULONG_PTR)i << 2);
            break;
        }
    }
    Table->Closed = Handle == NULL;
    ExReleaseFastMutex(&Table->Lock);
    return Handle;
}

ULONG ObGetProcessHandleCount(PEPROCESS Process)
{
    ULONG Count = 0;
    if (ExAcquireRundownProtection(&Process->RundownProtect)) { /* its table stays */
        Count = ((PHANDLE_TABLE)Process->ObjectTable)->HandleCount;
        ExReleaseRundownProtection(&Process->RundownProtect);
    }
    return Count;
}

static BOOLEAN ObpEnumerateTable(PHANDLE_TABLE Table, OB_HANDLE_ROUTINE *Routine, PVOID Context)
{
    BOOLEAN GoOn = TRUE;
    ExAcquireFastMutex(&Table->Lock);
    for (ULONG i = 1; GoOn && i < Table->PageCount * OBP_ENTRIES_IN_PAGE; i++) {
        PHANDLE_TABLE_ENTRY Entry = &Table->Page[i / OBP_ENTRIES_IN_PAGE][i % OBP_ENTRIES_IN_PAGE];
        if (Entry->Header != NULL) {
            GoOn = Routine((HANDLE)((ULONG_PTR)i << 2), Entry, Context);
        }
    }
    ExReleaseFastMutex(&Table->Lock);
    return GoOn;
}

BOOLEAN ObEnumerateHandles(PEPROCESS Process, OB_HANDLE_ROUTINE *Routine, PVOID Context)
{
    BOOLEAN GoOn = TRUE;
    if (ExAcquireRundownProtection(&Process->RundownProtect)) { /* its table stays */
        GoOn = ObpEnumerateTable(Process->ObjectTable, Routine, Context);
        ExReleaseRundownProtection(&Process->RundownProtect);
    }
    return GoOn;
}
