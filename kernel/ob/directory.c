/* SPDX-License-Identifier: MIT */
/*
 * Object directories: 37 chains hashed by the upper-case name. All of it under ObpNamespaceLock.
 * Names compare without case, as NT does since its object manager is case-insensitive by default.
 */
#include "ob/obp.h"

static ULONG ObpHashName(PCUNICODE_STRING Name)
{
    ULONG Hash = 0;
    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++) {
        Hash = Hash * 33 + RtlUpcaseUnicodeChar(Name->Buffer[i]);
    }
    return Hash;
}

static POBJECT_DIRECTORY_ENTRY *ObpFindEntry(POBJECT_DIRECTORY Directory, PCUNICODE_STRING Name)
{
    ULONG Hash = ObpHashName(Name);
    POBJECT_DIRECTORY_ENTRY *Link = &Directory->HashBuckets[Hash % OBJ_NUMBER_HASH_BUCKETS];
    for (; *Link != NULL; Link = &(*Link)->ChainLink) {
        POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(ObpHeaderOf((*Link)->Object));
        if ((*Link)->HashValue == Hash &&
            RtlEqualUnicodeString(Name, &NameInfo->Name, TRUE)) {
            return Link;
        }
    }
    return NULL;
}

/* Not referenced: the caller does so before it releases the lock. */
PVOID ObpLookupDirectory(POBJECT_DIRECTORY Directory, PCUNICODE_STRING Name)
{
    POBJECT_DIRECTORY_ENTRY *Link = ObpFindEntry(Directory, Name);
    return Link == NULL ? NULL : (*Link)->Object;
}

/* The object has its name already; the directory must not. References object and directory. */
NTSTATUS ObpInsertDirectory(POBJECT_DIRECTORY Directory, PVOID Object)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(ObpHeaderOf(Object));
    NT_VERIFY(NameInfo != NULL && NameInfo->Directory == NULL);
    POBJECT_DIRECTORY_ENTRY Entry =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Entry), OB_TAG_DIRECTORY);
    if (Entry == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NT_ASSERT(ObpFindEntry(Directory, &NameInfo->Name) == NULL);
    Entry->Object = Object;
    Entry->HashValue = ObpHashName(&NameInfo->Name);
    POBJECT_DIRECTORY_ENTRY *Bucket =
        &Directory->HashBuckets[Entry->HashValue % OBJ_NUMBER_HASH_BUCKETS];
    Entry->ChainLink = *Bucket;
    *Bucket = Entry;
    NameInfo->Directory = Directory;
    ObfReferenceObject(Object);
    ObfReferenceObject(Directory);
    return STATUS_SUCCESS;
}

/* FALSE: it was not there. The caller drops both references after it released the lock. */
BOOLEAN ObpRemoveDirectory(POBJECT_DIRECTORY Directory, PVOID Object)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(ObpHeaderOf(Object));
    POBJECT_DIRECTORY_ENTRY *Link = ObpFindEntry(Directory, &NameInfo->Name);
    if (Link == NULL || (*Link)->Object != Object) {
        return FALSE;
    }
    POBJECT_DIRECTORY_ENTRY Entry = *Link;
    *Link = Entry->ChainLink;
    ExFreePoolWithTag(Entry, OB_TAG_DIRECTORY);
    NameInfo->Directory = NULL;
    return TRUE;
}
