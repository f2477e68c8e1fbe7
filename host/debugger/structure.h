/* SPDX-License-Identifier: MIT */
/*
 * The kernel's variables, structures and lists, read by name. Everything here prints what could not
 * be read and returns false, so that a command can say `return StructureRead(...)`; nothing here
 * trusts what it reads: lists are checked link by link and are bounded, strings are cleaned.
 */
#pragma once

#include "host/debugger/debugger.h"
#include "wire/kd_data.h"

#define STRUCTURE_NAME 260u /* bytes of a name that commands print, with its NUL */
#define LIST_MAX_ENTRIES 65536u

/* "nt!PsActiveProcessHead" */
bool VariableAddress(DEBUGGER *Debugger, const char *Name, uint64_t *Address);
/* Of 1 to 8 bytes, zero-extended. */
bool VariableRead(DEBUGGER *Debugger, const char *Name, unsigned Size, uint64_t *Value);
bool VariableWrite(DEBUGGER *Debugger, const char *Name, unsigned Size, uint64_t Value);

/* The variable whose address the kernel's KDDEBUGGER_DATA64 gives at Offset; needs no symbols. Name
   is for the message. */
bool DataBlockVariable(DEBUGGER *Debugger, size_t Offset, const char *Name, uint64_t *Value);
#define DATA_BLOCK_VARIABLE(Debugger, Name, Value) \
    DataBlockVariable(Debugger, offsetof(KDDEBUGGER_DATA64, Name), #Name, Value)

/* A field of up to 8 bytes, zero-extended: ("nt!_KTHREAD", "ApcState.Process"). */
bool StructureRead(DEBUGGER *Debugger, uint64_t Address, const char *Type, const char *Field,
                   uint64_t *Value);
bool StructureOffset(DEBUGGER *Debugger, const char *Type, const char *Field, uint64_t *Offset);
bool StructureSize(DEBUGGER *Debugger, const char *Type, uint64_t *Size);

/* Several fields of one structure, read in one go. */
typedef struct {
    const char *Field;
    uint64_t *Value;
} STRUCTURE_FIELD;
bool StructureReadFields(DEBUGGER *Debugger, uint64_t Address, const char *Type,
                         const STRUCTURE_FIELD *Fields, unsigned Count);
#define STRUCTURE_READ(Debugger, Address, Type, ...)                                          \
    StructureReadFields(Debugger, Address, Type, (const STRUCTURE_FIELD[]){__VA_ARGS__},      \
                        sizeof((const STRUCTURE_FIELD[]){__VA_ARGS__}) / sizeof(STRUCTURE_FIELD))

/* A field of a structure that has been read: of its first Size bytes. */
bool StructureValue(DEBUGGER *Debugger, const void *Bytes, size_t Size, const char *Type,
                    const char *Field, uint64_t *Value);

/* Of a UNICODE_STRING at Address; cut and cleaned. */
bool StructureString(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity);
/* At most Size bytes of a char array, to its NUL; cleaned. */
bool StructureChars(DEBUGGER *Debugger, uint64_t Address, unsigned Size, char *Out,
                    size_t Capacity);

/*
 * A doubly linked list: each entry's Blink must lead back, so that no cycle is walked twice.
 *
 *   LIST_WALK Walk = ListBegin(Debugger, Head);
 *   while (ListNext(&Walk)) { ... Walk.Entry ... }
 *   return !Walk.Failed;
 */
typedef struct {
    DEBUGGER *Debugger;
    uint64_t Head, Entry;
    unsigned Count;
    bool Failed; /* broken, unreadable or interrupted; it has been said */
} LIST_WALK;
LIST_WALK ListBegin(DEBUGGER *Debugger, uint64_t Head);
bool ListNext(LIST_WALK *Walk);

/* Process is in PsActiveProcessHead's list. When not, *Listed tells whether the whole list could be
   walked; if not so, it has been said why. */
bool ProcessIsActive(DEBUGGER *Debugger, uint64_t Process, bool *Listed);
