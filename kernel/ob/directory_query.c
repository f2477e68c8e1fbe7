/* SPDX-License-Identifier: MIT */
/*
 * ZwQueryDirectoryObject, as the documentation of NtQueryDirectoryObject has it: an array of
 * OBJECT_DIRECTORY_INFORMATION that an empty one ends, and behind it the names.
 *
 *   all that remain fit             STATUS_SUCCESS
 *   some fit                        STATUS_MORE_ENTRIES
 *   not even one fits               STATUS_BUFFER_TOO_SMALL; *ReturnLength: what one takes
 *   none remains                    STATUS_NO_MORE_ENTRIES
 *
 * *Context counts the entries that were given. The order is that of the directory's chains, so what
 * is created or deleted between two queries may be given twice or be missed, as on Windows.
 */
#include "ob/obp.h"

/* How far a walk through a directory has come. */
typedef struct _OBP_CURSOR {
    POBJECT_DIRECTORY Directory;
    ULONG Bucket;
    POBJECT_DIRECTORY_ENTRY Entry; /* the next one; NULL: the bucket is done */
} OBP_CURSOR;

/* The next object, or NULL; ObpNamespaceLock held, as from the walk's begin on. */
static PVOID ObpNextObject(OBP_CURSOR *Cursor)
{
    while (Cursor->Entry == NULL) {
        if (Cursor->Bucket == OBJ_NUMBER_HASH_BUCKETS) {
            return NULL;
        }
        Cursor->Entry = Cursor->Directory->HashBuckets[Cursor->Bucket++];
    }
    PVOID Object = Cursor->Entry->Object;
    Cursor->Entry = Cursor->Entry->ChainLink;
    return Object;
}

static PCUNICODE_STRING ObpNameOf(PVOID Object)
{
    return &ObpNameInfoOf(ObpHeaderOf(Object))->Name;
}

static PCUNICODE_STRING ObpTypeNameOf(PVOID Object)
{
    return &ObpTypeOf(ObpHeaderOf(Object))->Name;
}

static ULONG ObpEntryBytes(PVOID Object)
{
    return (ULONG)(sizeof(OBJECT_DIRECTORY_INFORMATION) + 2 * sizeof(WCHAR)) +
           ObpNameOf(Object)->Length + ObpTypeNameOf(Object)->Length;
}

/* A string at *At of the copy, whose address will be that of the caller's buffer. */
static VOID ObpPutString(PUNICODE_STRING String, PCUNICODE_STRING From, PUCHAR Copy, PVOID Buffer,
                         PULONG At)
{
    RtlCopyMemory(Copy + *At, From->Buffer, From->Length);
    *(PWCHAR)(Copy + *At + From->Length) = 0;
    String->Buffer = (PWCHAR)((PUCHAR)Buffer + *At);
    String->Length = From->Length;
    String->MaximumLength = (USHORT)(From->Length + sizeof(WCHAR));
    *At += String->MaximumLength;
}

/* ObpNamespaceLock held. Copy has Length bytes, zeros; *Used how many of them were needed. */
static NTSTATUS ObpFillEntries(OBP_CURSOR Cursor, BOOLEAN Single, PUCHAR Copy, PVOID Buffer,
                               ULONG Length, PULONG Given, PULONG Used)
{
    OBP_CURSOR Ahead = Cursor;
    ULONG Count = 0, Bytes = sizeof(OBJECT_DIRECTORY_INFORMATION); /* the empty one */
    NTSTATUS Status = STATUS_SUCCESS;
    PVOID Object;

    while ((Object = ObpNextObject(&Ahead)) != NULL && !(Single && Count == 1)) {
        if (ObpEntryBytes(Object) > Length || Bytes > Length - ObpEntryBytes(Object)) {
            Status = Count == 0 ? STATUS_BUFFER_TOO_SMALL : STATUS_MORE_ENTRIES;
            *Used = Bytes + ObpEntryBytes(Object);
            break;
        }
        Bytes += ObpEntryBytes(Object);
        Count++;
    }
    if (Count == 0) {
        return Status == STATUS_SUCCESS ? STATUS_NO_MORE_ENTRIES : Status;
    }
    POBJECT_DIRECTORY_INFORMATION Entry = (POBJECT_DIRECTORY_INFORMATION)Copy;
    ULONG At = (Count + 1) * (ULONG)sizeof(*Entry);
    for (ULONG i = 0; i < Count; i++, Entry++) {
        Object = ObpNextObject(&Cursor);
        ObpPutString(&Entry->Name, ObpNameOf(Object), Copy, Buffer, &At);
        ObpPutString(&Entry->TypeName, ObpTypeNameOf(Object), Copy, Buffer, &At);
    }
    NT_VERIFY(At == Bytes);
    *Given = Count;
    *Used = Bytes;
    return Status;
}

#define OBP_QUERY_BYTES 0x10000u /* more is not given at once */

NTSTATUS ZwQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer, ULONG Length,
                                BOOLEAN ReturnSingleEntry, BOOLEAN RestartScan, PULONG Context,
                                PULONG ReturnLength)
{
    PVOID Directory;
    ULONG Given = 0, Used = 0, Skip = RestartScan ? 0 : *Context;
    NTSTATUS Status = ObReferenceObjectByHandle(DirectoryHandle, DIRECTORY_QUERY,
                                                ObpDirectoryObjectType, KernelMode, &Directory,
                                                NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Length = Length < OBP_QUERY_BYTES ? Length : OBP_QUERY_BYTES;
    PUCHAR Copy = ExAllocatePoolWithTag(NonPagedPoolNx, Length + 1, OB_TAG_DIRECTORY);
    if (Copy == NULL) {
        ObfDereferenceObject(Directory);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Copy, Length);
    OBP_CURSOR Cursor = {Directory, 0, NULL};
    ExAcquireFastMutex(&ObpNamespaceLock);
    for (ULONG i = 0; i < Skip && ObpNextObject(&Cursor) != NULL; i++) {
    }
    Status = ObpFillEntries(Cursor, ReturnSingleEntry, Copy, Buffer, Length, &Given, &Used);
    ExReleaseFastMutex(&ObpNamespaceLock);
    if (Given != 0) {
        RtlCopyMemory(Buffer, Copy, Used);
        *Context = Skip + Given;
    }
    if (ReturnLength != NULL) {
        *ReturnLength = Used;
    }
    ExFreePoolWithTag(Copy, OB_TAG_DIRECTORY);
    ObfDereferenceObject(Directory);
    return Status;
}
