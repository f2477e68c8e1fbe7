/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_commands.c host/debugger/command.c host/debugger/command_table.c host/debugger/structure.c host/debugger/page_walk.c host/debugger/page_frame.c host/debugger/page_in.c host/debugger/object_name.c host/debugger/command_paging.c host/debugger/command_page.c host/debugger/command_pageable.c host/debugger/command_virtual_memory.c host/debugger/command_object.c host/debugger/command_driver.c host/debugger/command_thread.c host/debugger/command_system.c host/debugger/command_pool.c host/debugger/command_analyze.c host/text/bug_check_names.c host/text/status_names.c host/text/text.c */
/*
 * The ! commands on a target that lies: its memory, everywhere, is the input over and over again,
 * so that pointers, lists, counts and names are the input's; each name of a symbol, type or field
 * gives some place or size that is always the same. A command must end, touch nothing of ours, and
 * print what a terminal may get.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/debug_unwind.h"
#include "host/debugger/debugger.h"
#include "tests/fuzz/terminal_text.h"

#define MAX_READS 20000u /* then the user gets impatient */

static const uint8_t *Bytes;
static size_t ByteCount;
static unsigned Reads;

static uint64_t Hash(const char *Text, size_t Length)
{
    uint64_t Value = 14695981039346656037ull;
    for (size_t i = 0; i < Length; i++) {
        Value = (Value ^ (uint8_t)Text[i]) * 1099511628211ull;
    }
    return Value ^ Value >> 29;
}

/* Every eighth page is not there. */
static bool Get(uint64_t Address, void *Out, size_t Size)
{
    Reads++;
    if ((Address >> 12 & 7) == 7) {
        return false;
    }
    for (size_t i = 0; i < Size; i++) {
        ((uint8_t *)Out)[i] = Bytes[(Address + i) % ByteCount];
    }
    return true;
}

static bool ReadPhysical(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    *Done = Size;
    return Get(Address, Out, Size);
}

static bool Write(TARGET *Target, uint64_t Address, const void *In, size_t Size, size_t *Done)
{
    *Done = Size;
    return true;
}

static bool GetSpecial(TARGET *Target, KSPECIAL_REGISTERS *Special)
{
    return Get(0x100, Special, sizeof(*Special));
}

static bool ReadControl(TARGET *Target, uint64_t Selector, uint64_t *Value)
{
    return Get(Selector * 8, Value, sizeof(*Value));
}

static const TARGET_OPERATIONS Operations = {.ReadVirtual = ReadPhysical,
                                             .ReadPhysical = ReadPhysical,
                                             .WriteVirtual = Write,
                                             .GetSpecial = GetSpecial,
                                             .ReadControl = ReadControl};

/* ---- what the commands stand on ---- */

static void Print(const char *Format, va_list Values)
{
    static char Text[65536];
    int Length = vsnprintf(Text, sizeof(Text), Format, Values);
    RequireTerminalText(Text, (size_t)Length < sizeof(Text) ? (size_t)Length : 0);
}

void DebuggerPrint(DEBUGGER *Debugger, const char *Format, ...)
{
    va_list Values;
    va_start(Values, Format);
    Print(Format, Values);
    va_end(Values);
}

bool DebuggerError(DEBUGGER *Debugger, const char *Format, ...)
{
    va_list Values;
    va_start(Values, Format);
    Print(Format, Values);
    va_end(Values);
    return false;
}

const char *DebugAddressText(uint64_t Address, char Out[DEBUG_ADDRESS_SIZE])
{
    snprintf(Out, DEBUG_ADDRESS_SIZE, "%08x`%08x", (unsigned)(Address >> 32), (unsigned)Address);
    return Out;
}

bool DebuggerInterrupted(DEBUGGER *Debugger)
{
    return Reads > MAX_READS;
}

bool ExpressionEvaluate(DEBUGGER *Debugger, const char **Text, uint64_t *Value)
{
    char *End;
    *Value = strtoull(*Text, &End, 16);
    bool Good = End != *Text;
    *Text = End;
    return Good;
}

bool ExpressionEvaluateAll(DEBUGGER *Debugger, const char *Text, uint64_t *Value)
{
    return ExpressionEvaluate(Debugger, &Text, Value) && CommandEnd(Debugger, Text);
}

bool DebugRead(DEBUGGER *Debugger, uint64_t Address, void *Out, size_t Size)
{
    return Get(Address, Out, Size);
}

bool DebugWrite(DEBUGGER *Debugger, uint64_t Address, const void *In, size_t Size)
{
    return true;
}

bool DebugReadSized(DEBUGGER *Debugger, uint64_t Address, unsigned Size, uint64_t *Value)
{
    *Value = 0;
    return Size <= sizeof(*Value) && Get(Address, Value, Size);
}

bool DebugRead64(DEBUGGER *Debugger, uint64_t Address, uint64_t *Value)
{
    return DebugReadSized(Debugger, Address, 8, Value);
}

bool DebugTypeSize(DEBUGGER *Debugger, const char *Type, uint64_t *Size)
{
    *Size = 8 + Hash(Type, strlen(Type)) % 0x200;
    return true;
}

bool DebugFieldOffset(DEBUGGER *Debugger, const char *Type, const char *Field, uint64_t *Offset,
                      uint64_t *Size)
{
    uint64_t Value = Hash(Field, strlen(Field));
    *Offset = Value % 0x180;
    *Size = 1u << (Value >> 32) % 4;
    return true;
}

bool DebugFieldValue(DEBUGGER *Debugger, const void *In, size_t Size, const char *Type,
                     const char *Field, uint64_t *Value)
{
    uint64_t Offset, FieldSize;
    DebugFieldOffset(Debugger, Type, Field, &Offset, &FieldSize);
    *Value = 0;
    if (FieldSize > Size || Offset > Size - FieldSize) {
        return false;
    }
    memcpy(Value, (const uint8_t *)In + Offset, FieldSize);
    return true;
}

bool DebugReadField(DEBUGGER *Debugger, uint64_t Address, const char *Type, const char *Field,
                    uint64_t *Value)
{
    uint64_t Offset, Size;
    DebugFieldOffset(Debugger, Type, Field, &Offset, &Size);
    return DebugReadSized(Debugger, Address + Offset, (unsigned)Size, Value);
}

bool DebugSymbolAddress(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Address)
{
    *Address = Hash(Name, Length) & 0xff8;
    return true;
}

void DebugSymbolText(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity)
{
    snprintf(Out, Capacity, "symbol");
}

bool DebugSymbolLine(DEBUGGER *Debugger, uint64_t Address, bool IsReturn, char *File,
                     size_t Capacity, unsigned *Line)
{
    return false;
}

DEBUG_MODULE *DebugFindModule(DEBUGGER *Debugger, uint64_t Address)
{
    return NULL;
}

bool DebugCurrentProcess(DEBUGGER *Debugger, uint64_t *Process)
{
    return Get(0x40, Process, sizeof(*Process));
}

bool DebugCurrentThread(DEBUGGER *Debugger, uint64_t *Thread)
{
    return Get(0x48, Thread, sizeof(*Thread));
}

bool DebugThreadContext(DEBUGGER *Debugger, uint64_t Thread, CONTEXT *Context)
{
    return Get(Thread, Context, sizeof(*Context));
}

void DebugWalkStart(DEBUG_WALK *Walk, DEBUGGER *Debugger, const CONTEXT *Context)
{
    memset(Walk, 0, sizeof(*Walk));
}

bool DebugWalkNext(DEBUG_WALK *Walk)
{
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static const char *const Lines[] = {
        ".pagein 10", ".pagein /f fffff88000000010", ".pagein /p 40 10", ".kill 40", "!pte 10",
        "!pte 10 3000", "!pfn 1", "!vm", "!memusage", "!address 10", "!address fffff88000000010",
        "!pageable", "!pageable 10", "!pageout", "!pageout 10", "!object 80", "!object \\",
        "!object \\a\\b", "!drvobj 80 3", "!drvobj a 3", "!devobj 80", "!irp 80", "!process 0 7",
        "!process", "!process 40 7", "!thread", "!pool fffff8a000000010", "!pool 10", "!irql",
        "!pcr", "!prcb", "!idt", "!idt -a", "!dbgprint", "!verifier 8", "!locks 80", ".bugcheck",
        "!analyze -v"};
    TARGET Target = {.Operations = &Operations, .Kind = TargetLive, .Stopped = true};
    if (Size < 64) {
        return 0;
    }
    DEBUGGER *Debugger = calloc(1, sizeof(*Debugger));
    Debugger->Target = &Target;
    Debugger->Interrupt = -1;
    Debugger->DebuggerData = 0x200;
    Debugger->HasContext = true;
    Target.Version.MinorVersion = (uint16_t)Data[0] << 8;
    Bytes = Data + 1;
    ByteCount = Size - 1;
    for (unsigned i = 0; i < sizeof(Lines) / sizeof(Lines[0]); i++) {
        Reads = 0;
        DebuggerRunLine(Debugger, Lines[i]);
        Debugger->Context.Rcx = DBG_STATUS_WORKER;
        Target.State.NewState = DBGKD_EXCEPTION_STATE_CHANGE;
        Target.State.Exception.Record.ExceptionCode = KD_EXCEPTION_BREAKPOINT;
        DebugSymbolAddress(Debugger, "nt!DbgBreakPointWithStatus", 26,
                           &Target.State.ProgramCounter);
        PageInOnStop(Debugger);
    }
    free(Debugger);
    return 0;
}
