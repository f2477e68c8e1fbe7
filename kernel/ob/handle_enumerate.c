/* SPDX-License-Identifier: MIT */
/*
 * ExEnumHandleTable, for drivers that walk another process's handles. They know the entry's layout
 * of build 18362 and write to it (the lock bit, the granted access); they get a copy in that
 * layout, and a changed access is taken over. The table is a process's EPROCESS.ObjectTable.
 */
#include "nt/ex.h"
#include "ob/obp.h"
#include "ps/psp.h"

#define OBP_ENTRY_UNLOCKED 1ull
#define OBP_ENTRY_OBJECT_SHIFT 20
#define OBP_ENTRY_ATTRIBUTES_SHIFT 17
#define OBP_ENTRY_ACCESS_MASK 0x1ffffffull

typedef struct _OBP_PUBLIC_ENTRY {
    volatile LONG64 Low;   /* unlocked, references, attributes, header's address >> 4 */
    volatile ULONG64 High; /* granted access */
} OBP_PUBLIC_ENTRY;

typedef BOOLEAN (*OBP_ENUMERATE_ROUTINE)(PVOID HandleTable, OBP_PUBLIC_ENTRY *Entry, HANDLE Handle,
                                         PVOID Context);

typedef struct _OBP_ENUMERATION {
    PVOID Table;
    OBP_ENUMERATE_ROUTINE Routine;
    PVOID Context;
    HANDLE Found; /* what Routine said TRUE to */
} OBP_ENUMERATION;

static BOOLEAN ObpEnumerateOne(HANDLE Handle, PHANDLE_TABLE_ENTRY Entry, PVOID Context)
{
    OBP_ENUMERATION *Enumeration = Context;
    OBP_PUBLIC_ENTRY Public = {
        (LONG64)((ULONG64)Entry->Header >> 4 << OBP_ENTRY_OBJECT_SHIFT |
                 (ULONG64)Entry->Attributes << OBP_ENTRY_ATTRIBUTES_SHIFT),
        Entry->GrantedAccess & OBP_ENTRY_ACCESS_MASK,
    };
    BOOLEAN Stop = Enumeration->Routine(Enumeration->Table, &Public, Handle, Enumeration->Context);
    Entry->GrantedAccess = (ACCESS_MASK)((Entry->GrantedAccess & ~OBP_ENTRY_ACCESS_MASK) |
                                         (Public.High & OBP_ENTRY_ACCESS_MASK));
    if (Stop) {
        Enumeration->Found = Handle;
    }
    return !Stop;
}

/* <= APC_LEVEL. TRUE: Routine said so of *Handle. What is no process's table has no handles. */
BOOLEAN ExEnumHandleTable(PVOID HandleTable, PVOID EnumHandleProcedure, PVOID EnumParameter,
                          PHANDLE Handle)
{
    OBP_ENUMERATION Enumeration = {HandleTable, (OBP_ENUMERATE_ROUTINE)EnumHandleProcedure,
                                   EnumParameter, NULL};
    ULONG Count;
    PEPROCESS *Processes = PspSnapshotProcesses(&Count);
    for (ULONG i = 0; Processes != NULL && i < Count; i++) {
        if (Processes[i]->ObjectTable == HandleTable && HandleTable != NULL) {
            ObEnumerateHandles(Processes[i], ObpEnumerateOne, &Enumeration);
        }
    }
    PspFreeSnapshot((PVOID *)Processes, Count);
    if (Handle != NULL) {
        *Handle = Enumeration.Found;
    }
    return Enumeration.Found != NULL;
}

/* Wakes who waits for an entry of a handle table to be unlocked: nobody does here. */
VOID ExfUnblockPushLock(PVOID PushLock, PVOID WaitBlock)
{
}
