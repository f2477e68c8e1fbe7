/* SPDX-License-Identifier: MIT */
/* See object_name.h. Names go up to the root and chains go down from a bucket: both are bounded. */
#include "host/debugger/object_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER "nt!_OBJECT_HEADER"
#define NAME_INFO "nt!_OBJECT_HEADER_NAME_INFO"
#define INFO_MASK_NAME 2u
#define BUCKETS 37u
#define MAX_TYPES 64u
#define MAX_DEPTH 16u
#define MAX_CHAIN 4096u

static bool NoObject(DEBUGGER *Debugger, uint64_t Object, const char *Why)
{
    char Text[DEBUG_ADDRESS_SIZE];
    return DebuggerError(Debugger, "%s is not an object: %s", DebugAddressText(Object, Text), Why);
}

/* The index is xored with a cookie and with the second byte of the header's address. */
static bool ReadTypeName(DEBUGGER *Debugger, OBJECT_DESCRIPTION *Out)
{
    uint64_t Encoded, Cookie, Table, Type, NameOffset;
    if (!StructureRead(Debugger, Out->Header, HEADER, "TypeIndex", &Encoded) ||
        !VariableRead(Debugger, "nt!ObHeaderCookie", 1, &Cookie) ||
        !VariableAddress(Debugger, "nt!ObTypeIndexTable", &Table) ||
        !StructureOffset(Debugger, "nt!_OBJECT_TYPE", "Name", &NameOffset)) {
        return false;
    }
    unsigned Index = (uint8_t)(Encoded ^ Cookie ^ Out->Header >> 8);
    if (Index >= MAX_TYPES || !DebugRead64(Debugger, Table + Index * 8, &Type) || Type == 0) {
        return NoObject(Debugger, Out->Object, "its header names no type");
    }
    return StructureString(Debugger, Type + NameOffset, Out->Type, sizeof(Out->Type));
}

static bool ReadName(DEBUGGER *Debugger, OBJECT_DESCRIPTION *Out)
{
    uint64_t Mask, Size, NameOffset;
    if (!StructureRead(Debugger, Out->Header, HEADER, "InfoMask", &Mask)) {
        return false;
    }
    if ((Mask & INFO_MASK_NAME) == 0) {
        return true;
    }
    if (!StructureSize(Debugger, NAME_INFO, &Size) ||
        !StructureOffset(Debugger, NAME_INFO, "Name", &NameOffset) ||
        !StructureRead(Debugger, Out->Header - Size, NAME_INFO, "Directory", &Out->Directory)) {
        return false;
    }
    Out->NameStringAddress = Out->Header - Size + NameOffset;
    return StructureString(Debugger, Out->NameStringAddress, Out->Name, sizeof(Out->Name));
}

bool ObjectDescribe(DEBUGGER *Debugger, uint64_t Object, OBJECT_DESCRIPTION *Out)
{
    uint64_t Size;
    memset(Out, 0, sizeof(*Out));
    Out->Object = Object;
    if (!StructureSize(Debugger, HEADER, &Size)) {
        return false;
    }
    Out->Header = Object - Size;
    return STRUCTURE_READ(Debugger, Out->Header, HEADER, {"PointerCount", &Out->PointerCount},
                          {"HandleCount", &Out->HandleCount}) &&
           ReadTypeName(Debugger, Out) && ReadName(Debugger, Out);
}

static bool RootDirectory(DEBUGGER *Debugger, uint64_t *Root)
{
    return VariableRead(Debugger, "nt!ObpRootDirectoryObject", 8, Root);
}

bool ObjectPath(DEBUGGER *Debugger, uint64_t Object, char *Out, size_t Capacity)
{
    uint64_t Root;
    char Tail[STRUCTURE_NAME] = "";
    Out[0] = 0;
    if (!RootDirectory(Debugger, &Root)) {
        return false;
    }
    if (Object == Root) {
        snprintf(Out, Capacity, "\\");
        return true;
    }
    for (unsigned Depth = 0; Object != Root && Depth < MAX_DEPTH; Depth++) {
        OBJECT_DESCRIPTION Description;
        if (!ObjectDescribe(Debugger, Object, &Description)) {
            return false;
        }
        if (Description.Name[0] == 0) {
            break;
        }
        snprintf(Out, Capacity, "\\%s%s", Description.Name, Tail);
        snprintf(Tail, sizeof(Tail), "%s", Out);
        if (Description.Directory == 0) {
            break; /* a name in no directory (any more) */
        }
        Object = Description.Directory;
    }
    return true;
}

static bool EachInBucket(DEBUGGER *Debugger, uint64_t Entry, unsigned Bucket, OBJECT_EACH *Each,
                         void *Context)
{
    for (unsigned Count = 0; Entry != 0; Count++) {
        OBJECT_DESCRIPTION Description;
        uint64_t Object, Next;
        if (Count == MAX_CHAIN || DebuggerInterrupted(Debugger)) {
            return DebuggerError(Debugger, Count == MAX_CHAIN ? "the directory has no end"
                                                              : "interrupted");
        }
        if (!STRUCTURE_READ(Debugger, Entry, "nt!_OBJECT_DIRECTORY_ENTRY", {"Object", &Object},
                            {"ChainLink", &Next}) ||
            !ObjectDescribe(Debugger, Object, &Description) ||
            !Each(Debugger, Context, Bucket, &Description)) {
            return false;
        }
        Entry = Next;
    }
    return true;
}

bool ObjectEachInDirectory(DEBUGGER *Debugger, uint64_t Directory, OBJECT_EACH *Each,
                           void *Context)
{
    for (unsigned Bucket = 0; Bucket < BUCKETS; Bucket++) {
        uint64_t Entry;
        if (!DebugRead64(Debugger, Directory + Bucket * 8, &Entry)) {
            return NoObject(Debugger, Directory, "its buckets cannot be read");
        }
        if (!EachInBucket(Debugger, Entry, Bucket, Each, Context)) {
            return false;
        }
    }
    return true;
}

typedef struct {
    const char *Name;
    size_t Length;
    OBJECT_DESCRIPTION Found;
} NAME_SEARCH;

/* False when found: nothing more is looked at. */
static bool CompareName(DEBUGGER *Debugger, void *Context, unsigned Bucket,
                        const OBJECT_DESCRIPTION *Entry)
{
    NAME_SEARCH *Search = Context;
    if (strlen(Entry->Name) != Search->Length ||
        strncasecmp(Entry->Name, Search->Name, Search->Length) != 0) {
        return true;
    }
    Search->Found = *Entry;
    return false;
}

bool ObjectFind(DEBUGGER *Debugger, const char *Path, uint64_t *Object)
{
    const char *Rest = Path;
    if (!RootDirectory(Debugger, Object)) {
        return false;
    }
    bool IsDirectory = true;
    while (*(Rest += strspn(Rest, "\\")) != 0) {
        NAME_SEARCH Search = {.Name = Rest, .Length = strcspn(Rest, "\\")};
        if (!IsDirectory || ObjectEachInDirectory(Debugger, *Object, CompareName, &Search)) {
            return DebuggerError(Debugger, "%s is not the path of an object", Path);
        }
        if (Search.Found.Object == 0) {
            return false; /* a directory could not be read */
        }
        *Object = Search.Found.Object;
        IsDirectory = strcmp(Search.Found.Type, "Directory") == 0;
        Rest += Search.Length;
    }
    return true;
}
