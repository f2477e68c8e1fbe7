/* SPDX-License-Identifier: MIT */
/* SystemHandleInformation and SystemExtendedHandleInformation: each handle of each process. */
#include "ex/information.h"
#include "nt/system_information.h"
#include "ob/obp.h"
#include "ps/psp.h"

typedef struct _OBP_HANDLE_LIST {
    PEX_QUERY Query;
    BOOLEAN Extended;
    ULONG Count;
    ULONG Room;
    ULONG_PTR ProcessId;
} OBP_HANDLE_LIST;

/* In the short form process ids and handles are cut to 16 bits, as they are on Windows. */
static BOOLEAN ObpListHandle(HANDLE Handle, PHANDLE_TABLE_ENTRY Entry, PVOID Context)
{
    OBP_HANDLE_LIST *List = Context;
    ULONG Index = List->Count++;
    PVOID Object = ObpBodyOf(Entry->Header);
    UCHAR Type = ObpTypeOf(Entry->Header)->Index;

    if (Index >= List->Room) {
        return TRUE;
    }
    if (List->Extended) {
        ((SYSTEM_HANDLE_INFORMATION_EX *)List->Query->Buffer)->Handles[Index] =
            (SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX){.Object = Object,
                                                .UniqueProcessId = List->ProcessId,
                                                .HandleValue = (ULONG_PTR)Handle,
                                                .GrantedAccess = Entry->GrantedAccess,
                                                .ObjectTypeIndex = Type,
                                                .HandleAttributes = Entry->Attributes};
    } else {
        ((SYSTEM_HANDLE_INFORMATION *)List->Query->Buffer)->Handles[Index] =
            (SYSTEM_HANDLE_TABLE_ENTRY_INFO){.UniqueProcessId = (USHORT)List->ProcessId,
                                             .ObjectTypeIndex = Type,
                                             .HandleAttributes = (UCHAR)Entry->Attributes,
                                             .HandleValue = (USHORT)(ULONG_PTR)Handle,
                                             .Object = Object,
                                             .GrantedAccess = Entry->GrantedAccess};
    }
    return TRUE;
}

NTSTATUS ObQueryHandles(PEX_QUERY Query, BOOLEAN Extended)
{
    ULONG Head = Extended ? sizeof(SYSTEM_HANDLE_INFORMATION_EX)
                          : sizeof(SYSTEM_HANDLE_INFORMATION);
    ULONG Size = Extended ? sizeof(SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX)
                          : sizeof(SYSTEM_HANDLE_TABLE_ENTRY_INFO);
    OBP_HANDLE_LIST List = {.Query = Query, .Extended = Extended};
    ULONG Count;
    PEPROCESS *Processes = PspSnapshotProcesses(&Count);

    if (Processes == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    List.Room = Query->Length < Head ? 0 : (Query->Length - Head) / Size;
    for (ULONG i = 0; i < Count; i++) {
        List.ProcessId = (ULONG_PTR)Processes[i]->UniqueProcessId;
        ObEnumerateHandles(Processes[i], ObpListHandle, &List);
    }
    PspFreeSnapshot((PVOID *)Processes, Count);
    Query->Needed = Head + List.Count * Size;
    if (Query->Length < Head) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlZeroMemory(Query->Buffer, Head);
    *(PULONG)Query->Buffer = List.Count;
    Query->Written = Head + (List.Count < List.Room ? List.Count : List.Room) * Size;
    return List.Count > List.Room ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}
