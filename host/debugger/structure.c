/* SPDX-License-Identifier: MIT */
/* See structure.h. */
#include "host/debugger/structure.h"

#include <stdio.h>
#include <string.h>

#include "host/text/text.h"

#define MAX_STRING_BYTES 1024u
#define MAX_STRUCTURE_BYTES 0x2000u

bool VariableAddress(DEBUGGER *Debugger, const char *Name, uint64_t *Address)
{
    if (DebugSymbolAddress(Debugger, Name, strlen(Name), Address)) {
        return true;
    }
    return DebuggerError(Debugger,
                         "%s is not found: the kernel's symbols are needed (see .sympath, "
                         ".reload)", Name);
}

/* Target->Error names the address. */
static bool CannotRead(DEBUGGER *Debugger, const char *Name)
{
    return DebuggerError(Debugger, "%s: %s", Name, Debugger->Target->Error);
}

bool VariableRead(DEBUGGER *Debugger, const char *Name, unsigned Size, uint64_t *Value)
{
    uint64_t Address;
    if (!VariableAddress(Debugger, Name, &Address)) {
        return false;
    }
    return DebugReadSized(Debugger, Address, Size, Value) || CannotRead(Debugger, Name);
}

bool VariableWrite(DEBUGGER *Debugger, const char *Name, unsigned Size, uint64_t Value)
{
    uint64_t Address;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!VariableAddress(Debugger, Name, &Address)) {
        return false;
    }
    return DebugWrite(Debugger, Address, &Value, Size) ||
           DebuggerError(Debugger, "%s at %s cannot be written: %s", Name,
                         DebugAddressText(Address, Text), Debugger->Target->Error);
}

bool DataBlockVariable(DEBUGGER *Debugger, size_t Offset, const char *Name, uint64_t *Value)
{
    uint64_t Address = 0;
    if (Debugger->DebuggerData == 0 ||
        !DebugRead64(Debugger, Debugger->DebuggerData + Offset, &Address) || Address == 0) {
        return DebuggerError(Debugger, "the target does not say where %s is", Name);
    }
    return DebugRead64(Debugger, Address, Value) || CannotRead(Debugger, Name);
}

static bool NoType(DEBUGGER *Debugger, const char *Type, const char *Field)
{
    return DebuggerError(Debugger, "%s%s%s is not in the symbols of its module", Type,
                         Field[0] != 0 ? "." : "", Field);
}

bool StructureSize(DEBUGGER *Debugger, const char *Type, uint64_t *Size)
{
    return DebugTypeSize(Debugger, Type, Size) || NoType(Debugger, Type, "");
}

bool StructureOffset(DEBUGGER *Debugger, const char *Type, const char *Field, uint64_t *Offset)
{
    uint64_t Size;
    return DebugFieldOffset(Debugger, Type, Field, Offset, &Size) ||
           NoType(Debugger, Type, Field);
}

bool StructureRead(DEBUGGER *Debugger, uint64_t Address, const char *Type, const char *Field,
                   uint64_t *Value)
{
    return STRUCTURE_READ(Debugger, Address, Type, {Field, Value});
}

bool StructureReadFields(DEBUGGER *Debugger, uint64_t Address, const char *Type,
                         const STRUCTURE_FIELD *Fields, unsigned Count)
{
    uint64_t Size;
    uint8_t Bytes[MAX_STRUCTURE_BYTES];
    if (!StructureSize(Debugger, Type, &Size)) {
        return false;
    }
    /* A large structure may lie on a page that is out where the fields are not. */
    bool Whole = Size <= sizeof(Bytes) && DebugRead(Debugger, Address, Bytes, Size);
    for (unsigned i = 0; i < Count; i++) {
        uint64_t Offset, FieldSize;
        *Fields[i].Value = 0;
        if (!DebugFieldOffset(Debugger, Type, Fields[i].Field, &Offset, &FieldSize)) {
            return NoType(Debugger, Type, Fields[i].Field);
        }
        if (Whole ? !DebugFieldValue(Debugger, Bytes, Size, Type, Fields[i].Field, Fields[i].Value)
                  : !DebugReadField(Debugger, Address, Type, Fields[i].Field, Fields[i].Value)) {
            return CannotRead(Debugger, Type);
        }
    }
    return true;
}

bool StructureValue(DEBUGGER *Debugger, const void *Bytes, size_t Size, const char *Type,
                    const char *Field, uint64_t *Value)
{
    return DebugFieldValue(Debugger, Bytes, Size, Type, Field, Value) ||
           NoType(Debugger, Type, Field);
}

bool StructureString(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity)
{
    uint64_t Length, Buffer;
    uint16_t Wide[MAX_STRING_BYTES / 2];
    char Narrow[MAX_STRING_BYTES];
    Out[0] = 0;
    if (!DebugReadSized(Debugger, Address, 2, &Length) ||
        !DebugRead64(Debugger, Address + 8, &Buffer)) {
        return CannotRead(Debugger, "the string");
    }
    Length = Length > sizeof(Wide) ? sizeof(Wide) : Length & ~1ull;
    if (Length != 0 && !DebugRead(Debugger, Buffer, Wide, Length)) {
        return CannotRead(Debugger, "the string's text");
    }
    for (unsigned i = 0; i < Length / 2; i++) {
        Narrow[i] = Wide[i] < 0x7f ? (char)Wide[i] : '?';
    }
    TextClean(Out, Capacity, Narrow, Length / 2);
    return true;
}

bool StructureChars(DEBUGGER *Debugger, uint64_t Address, unsigned Size, char *Out,
                    size_t Capacity)
{
    char Bytes[MAX_STRING_BYTES];
    Size = Size > sizeof(Bytes) ? sizeof(Bytes) : Size;
    Out[0] = 0;
    if (!DebugRead(Debugger, Address, Bytes, Size)) {
        return CannotRead(Debugger, "the name");
    }
    TextClean(Out, Capacity, Bytes, strnlen(Bytes, Size));
    return true;
}

LIST_WALK ListBegin(DEBUGGER *Debugger, uint64_t Head)
{
    return (LIST_WALK){.Debugger = Debugger, .Head = Head, .Entry = Head};
}

static bool ListBroken(LIST_WALK *Walk, const char *Why)
{
    char Text[DEBUG_ADDRESS_SIZE], Head[DEBUG_ADDRESS_SIZE];
    Walk->Failed = true;
    return DebuggerError(Walk->Debugger, "the list at %s %s at entry %s",
                         DebugAddressText(Walk->Head, Head), Why,
                         DebugAddressText(Walk->Entry, Text));
}

bool ListNext(LIST_WALK *Walk)
{
    uint64_t Next, Back;
    if (Walk->Failed) {
        return false;
    }
    if (!DebugRead64(Walk->Debugger, Walk->Entry, &Next)) {
        return ListBroken(Walk, "cannot be read");
    }
    if (Next == Walk->Head) {
        return false;
    }
    if (!DebugRead64(Walk->Debugger, Next + 8, &Back)) {
        Walk->Entry = Next;
        return ListBroken(Walk, "cannot be read");
    }
    if (Back != Walk->Entry) {
        Walk->Entry = Next;
        return ListBroken(Walk, "is corrupt: Blink does not lead back");
    }
    Walk->Entry = Next;
    if (++Walk->Count > LIST_MAX_ENTRIES) {
        return ListBroken(Walk, "is too long");
    }
    if (DebuggerInterrupted(Walk->Debugger)) {
        Walk->Failed = true;
        return DebuggerError(Walk->Debugger, "interrupted");
    }
    return true;
}

bool ProcessIsActive(DEBUGGER *Debugger, uint64_t Process, bool *Listed)
{
    uint64_t Head, Offset;
    *Listed = false;
    if (!VariableAddress(Debugger, "nt!PsActiveProcessHead", &Head) ||
        !StructureOffset(Debugger, "nt!_EPROCESS", "ActiveProcessLinks", &Offset)) {
        return false;
    }
    LIST_WALK Walk = ListBegin(Debugger, Head);
    while (ListNext(&Walk)) {
        if (Walk.Entry - Offset == Process) {
            *Listed = true;
            return true;
        }
    }
    *Listed = !Walk.Failed;
    return false;
}
