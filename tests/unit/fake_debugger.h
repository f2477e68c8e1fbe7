/* SPDX-License-Identifier: MIT */
/*
 * A debugger for unit tests of commands: its target is memory that the test makes, its symbols and
 * types are tables that the test fills (offsets by offsetof of the kernel's own headers). It takes
 * the place of debug_symbols.c, debug_types.c, debug_memory.c, debug_register.c, debug_unwind.c.
 */
#pragma once

#include "host/debugger/debugger.h"

#define FAKE_ENTRIES 256u

DEBUGGER *FakeDebugger(void);     /* a new one, empty; the one before is freed */
TARGET *FakeTarget(void);
void FakeFree(void);
/* The target's memory at Address is these bytes, which stay the test's. */
void FakeVirtual(uint64_t Address, void *Bytes, size_t Size);
void FakePhysical(uint64_t Address, void *Bytes, size_t Size);
void FakeSymbol(const char *Name, uint64_t Address);
void FakeType(const char *Type, size_t Size);
void FakeTypeField(const char *Type, const char *Field, size_t Offset, size_t Size);
/* Of the byte at Offset. */
void FakeTypeBits(const char *Type, const char *Field, size_t Offset, unsigned BitStart,
                  unsigned BitCount);
#define FAKE_FIELD(type, field) \
    FakeTypeField("nt!" #type, #field, offsetof(struct type, field), \
                  sizeof(((struct type *)0)->field))
#define FAKE_TYPE(type) FakeType("nt!" #type, sizeof(struct type))
/* Runs a line, and returns what it printed; valid until the next call. */
const char *FakeRun(const char *Line, bool *Good);
/* What was printed since the last call. */
const char *FakeOutput(void);

extern KSPECIAL_REGISTERS FakeSpecial;
extern uint64_t FakeCurrentThread, FakeCurrentProcess;
