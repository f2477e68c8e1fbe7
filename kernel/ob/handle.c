/* SPDX-License-Identifier: MIT */
/*
 * Handles to objects: create, reference, duplicate, close.
 *
 * A kernel handle is one of the system process's table with KERNEL_HANDLE_BIT set (all bits above
 * it too); it is valid in every process context, from kernel mode only. Kernel mode gets the access
 * it asks for, user mode what the object's descriptor allows (object_security.c); a handle then
 * grants user-mode callers no more than that.
 */
#include "nt/ob_callback.h"
#include "ob/obp.h"
#include "ps/psp.h"

#define KERNEL_HANDLE_BIT 0xffffffff80000000ull

BOOLEAN ObIsKernelHandle(HANDLE Handle)
{
    return ((ULONG_PTR)Handle & KERNEL_HANDLE_BIT) == KERNEL_HANDLE_BIT &&
           Handle != NtCurrentProcess() && Handle != NtCurrentThread();
}

/* NULL: Mode may not use Handle. A process that has ended has an empty table. */
static PHANDLE_TABLE ObpTableOfHandle(PHANDLE Handle, KPROCESSOR_MODE Mode)
{
    if (ObIsKernelHandle(*Handle)) {
        if (Mode != KernelMode) {
            return NULL;
        }
        *Handle = (HANDLE)((ULONG_PTR)*Handle & ~KERNEL_HANDLE_BIT);
        return PsInitialSystemProcess->ObjectTable;
    }
    return PsGetCurrentProcess()->ObjectTable;
}

/* References Object for the handle; the caller keeps its own reference. PASSIVE_LEVEL */
static NTSTATUS ObpInsertHandle(PVOID Object, ACCESS_MASK GrantedAccess, ULONG Attributes,
                                PHANDLE Handle)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    POBJECT_TYPE Type = ObpTypeOf(Header);
    HANDLE_TABLE_ENTRY Entry = {Header, GrantedAccess, {Attributes & OBJ_INHERIT}};
    BOOLEAN Kernel = (Attributes & OBJ_KERNEL_HANDLE) != 0;
    PHANDLE_TABLE Table = Kernel ? PsInitialSystemProcess->ObjectTable
                                 : PsGetCurrentProcess()->ObjectTable;

    if (Table == NULL) {
        return STATUS_PROCESS_IS_TERMINATING;
    }
    ObfReferenceObject(Object);
    InterlockedIncrement64(&Header->HandleCount);
    NTSTATUS Status = ObpAllocateHandle(Table, &Entry, Handle);
    if (!NT_SUCCESS(Status)) {
        InterlockedDecrement64(&Header->HandleCount);
        ObpDeleteNameCheck(Object);
        ObfDereferenceObject(Object);
        return Status;
    }
    LONG Total = InterlockedIncrement(&Type->TotalNumberOfHandles);
    if (Total > Type->HighWaterNumberOfHandles) {
        Type->HighWaterNumberOfHandles = Total;
    }
    if (Kernel) {
        *Handle = (HANDLE)((ULONG_PTR)*Handle | KERNEL_HANDLE_BIT);
    }
    return STATUS_SUCCESS;
}

/* Processes and threads have callbacks, which may leave less of the access. */
static NTSTATUS ObpCreateHandleFor(POBP_HANDLE_OPERATION Operation, PVOID Object,
                                   ACCESS_MASK Access, ULONG Attributes, PHANDLE Handle)
{
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    if (Type != PsProcessType && Type != PsThreadType) {
        return ObpInsertHandle(Object, Access, Attributes, Handle);
    }
    Access = ObpCallPreOperation(Operation, Object, Access, (Attributes & OBJ_KERNEL_HANDLE) != 0);
    NTSTATUS Status = ObpInsertHandle(Object, Access, Attributes, Handle);
    ObpCallPostOperation(Operation, Object, Status, Access);
    return Status;
}

NTSTATUS ObpCreateHandle(PVOID Object, ACCESS_MASK GrantedAccess, ULONG Attributes,
                         PHANDLE Handle)
{
    OBP_HANDLE_OPERATION Operation = {.Operation = OB_OPERATION_HANDLE_CREATE};
    return ObpCreateHandleFor(&Operation, Object, GrantedAccess, Attributes, Handle);
}

/* Ends what a handle stood for: close procedure, name, count, reference. PASSIVE_LEVEL */
static VOID ObpCloseEntry(PHANDLE_TABLE_ENTRY Entry)
{
    PVOID Object = ObpBodyOf(Entry->Header);
    POBJECT_TYPE Type = ObpTypeOf(Entry->Header);
    LONG64 Before = InterlockedExchangeAdd64(&Entry->Header->HandleCount, -1);

    if (Type->TypeInfo.CloseProcedure != NULL) {
        Type->TypeInfo.CloseProcedure(PsGetCurrentProcess(), Object, Entry->GrantedAccess, Before);
    }
    InterlockedDecrement(&Type->TotalNumberOfHandles);
    if (Before == 1) {
        ObpDeleteNameCheck(Object);
    }
    ObfDereferenceObject(Object);
}

NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    HANDLE_TABLE_ENTRY Entry;
    if (Handle == NtCurrentProcess() || Handle == NtCurrentThread()) {
        return STATUS_SUCCESS;
    }
    PHANDLE_TABLE Table = ObpTableOfHandle(&Handle, PreviousMode);
    if (Table == NULL || !ObpFreeHandle(Table, Handle, FALSE, &Entry)) {
        return STATUS_INVALID_HANDLE;
    }
    if (Entry.Header == NULL) {
        return STATUS_HANDLE_NOT_CLOSABLE;
    }
    ObpCloseEntry(&Entry);
    return STATUS_SUCCESS;
}

NTSTATUS ObpSetHandleAttributes(HANDLE Handle, KPROCESSOR_MODE Mode, ULONG Attributes)
{
    PHANDLE_TABLE Table = ObpTableOfHandle(&Handle, Mode);
    return Table != NULL && ObpChangeEntry(Table, Handle, Attributes) ? STATUS_SUCCESS
                                                                      : STATUS_INVALID_HANDLE;
}

NTSTATUS ZwClose(HANDLE Handle)
{
    return ObCloseHandle(Handle, KernelMode);
}

NTSTATUS NtClose(HANDLE Handle)
{
    return ObCloseHandle(Handle, (KPROCESSOR_MODE)KeGetCurrentThread()->PreviousMode);
}

/* NtCurrentProcess() and NtCurrentThread(). */
static NTSTATUS ObpReferencePseudoHandle(HANDLE Handle, POBJECT_TYPE ObjectType, PVOID *Object,
                                         PHANDLE_TABLE_ENTRY Entry)
{
    BOOLEAN Process = Handle == NtCurrentProcess();
    if (ObjectType != NULL && ObjectType != (Process ? PsProcessType : PsThreadType)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    *Object = Process ? (PVOID)PsGetCurrentProcess() : (PVOID)PsGetCurrentThread();
    ObfReferenceObject(*Object);
    Entry->GrantedAccess = Process ? PROCESS_ALL_ACCESS : THREAD_ALL_ACCESS;
    Entry->Attributes = 0;
    return STATUS_SUCCESS;
}

NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                   POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                   PVOID *Object, POBJECT_HANDLE_INFORMATION HandleInformation)
{
    HANDLE_TABLE_ENTRY Entry;
    NTSTATUS Status = STATUS_SUCCESS;

    *Object = NULL;
    if (Handle == NtCurrentProcess() || Handle == NtCurrentThread()) {
        Status = ObpReferencePseudoHandle(Handle, ObjectType, Object, &Entry);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    } else {
        PHANDLE_TABLE Table = ObpTableOfHandle(&Handle, AccessMode);
        if (Table == NULL || !ObpReferenceHandleEntry(Table, Handle, &Entry)) {
            return STATUS_INVALID_HANDLE;
        }
        *Object = ObpBodyOf(Entry.Header);
        if (ObjectType != NULL && ObpTypeOf(Entry.Header) != ObjectType) {
            Status = STATUS_OBJECT_TYPE_MISMATCH;
        }
    }
    if (NT_SUCCESS(Status) && AccessMode != KernelMode && (DesiredAccess & ~Entry.GrantedAccess)) {
        Status = STATUS_ACCESS_DENIED;
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(*Object);
        *Object = NULL;
        return Status;
    }
    if (HandleInformation != NULL) {
        HandleInformation->GrantedAccess = Entry.GrantedAccess;
        HandleInformation->HandleAttributes = Entry.Attributes;
    }
    return STATUS_SUCCESS;
}

NTSTATUS ObReferenceObjectByHandleWithTag(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                          POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                          ULONG Tag, PVOID *Object,
                                          POBJECT_HANDLE_INFORMATION HandleInformation)
{
    return ObReferenceObjectByHandle(Handle, DesiredAccess, ObjectType, AccessMode, Object,
                                     HandleInformation);
}

NTSTATUS ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE AccessState,
                               ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                               KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    *Handle = NULL;
    if (ObjectType != NULL && Type != ObjectType) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ACCESS_MASK Granted;
    NTSTATUS Status =
        ObpCheckAccess(Object, DesiredAccess, HandleAttributes, AccessMode, &Granted);
    return NT_SUCCESS(Status) ? ObpCreateHandle(Object, Granted, HandleAttributes, Handle)
                              : Status;
}

/* The object of a handle of Source, referenced; DUPLICATE_CLOSE_SOURCE closes the handle. */
static NTSTATUS ObpTakeSource(PEPROCESS Source, HANDLE Handle, ULONG Options, PVOID *Object,
                              POBJECT_HANDLE_INFORMATION Information)
{
    KAPC_STATE ApcState;

    KeStackAttachProcess(&Source->Pcb, &ApcState);
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, Object, Information);
    if (NT_SUCCESS(Status) && (Options & DUPLICATE_CLOSE_SOURCE)) {
        ObCloseHandle(Handle, KernelMode);
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

/* TargetProcessHandle may be NULL with DUPLICATE_CLOSE_SOURCE, which then is all that is done. */
NTSTATUS ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle,
                           HANDLE TargetProcessHandle, PHANDLE TargetHandle,
                           ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
    PEPROCESS Source, Target = NULL;
    KAPC_STATE ApcState;
    PVOID Object = NULL;
    OBJECT_HANDLE_INFORMATION Information;
    HANDLE New = NULL;

    NTSTATUS Status = ObReferenceObjectByHandle(SourceProcessHandle, PROCESS_DUP_HANDLE,
                                                PsProcessType, KernelMode, (PVOID *)&Source, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (TargetProcessHandle != NULL || !(Options & DUPLICATE_CLOSE_SOURCE)) {
        Status = ObReferenceObjectByHandle(TargetProcessHandle, PROCESS_DUP_HANDLE, PsProcessType,
                                           KernelMode, (PVOID *)&Target, NULL);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpTakeSource(Source, SourceHandle, Options, &Object, &Information);
    }
    if (NT_SUCCESS(Status) && Target != NULL) {
        ACCESS_MASK Access = (Options & DUPLICATE_SAME_ACCESS)
                                 ? Information.GrantedAccess
                                 : ObpMapAccess(ObGetObjectType(Object), DesiredAccess);
        ULONG Attributes = (Options & DUPLICATE_SAME_ATTRIBUTES) ? Information.HandleAttributes
                                                                 : HandleAttributes;
        OBP_HANDLE_OPERATION Operation = {.Operation = OB_OPERATION_HANDLE_DUPLICATE,
                                          .Source = Source, .Target = Target};
        KeStackAttachProcess(&Target->Pcb, &ApcState);
        Status = ObpCreateHandleFor(&Operation, Object, Access, Attributes, &New);
        KeUnstackDetachProcess(&ApcState);
        if (TargetHandle != NULL) {
            *TargetHandle = New;
        }
    }
    if (Object != NULL) {
        ObfDereferenceObject(Object);
    }
    if (Target != NULL) {
        ObfDereferenceObject(Target);
    }
    ObfDereferenceObject(Source);
    return Status;
}

NTSTATUS ObInitializeProcess(PEPROCESS Process)
{
    Process->ObjectTable = ObpCreateHandleTable(Process);
    return Process->ObjectTable == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

VOID ObKillProcess(PEPROCESS Process)
{
    PHANDLE_TABLE Table = Process->ObjectTable;
    HANDLE Handle;

    while ((Handle = ObpHandleToClose(Table)) != NULL) {
        HANDLE_TABLE_ENTRY Entry;
        if (ObpFreeHandle(Table, Handle, TRUE, &Entry)) {
            ObpCloseEntry(&Entry);
        }
    }
}

VOID ObDeleteProcess(PEPROCESS Process)
{
    if (Process->ObjectTable != NULL) {
        ObKillProcess(Process);
        ObpDeleteHandleTable(Process->ObjectTable);
        Process->ObjectTable = NULL;
    }
}
