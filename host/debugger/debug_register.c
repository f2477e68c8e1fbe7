/* SPDX-License-Identifier: MIT */
/*
 * Registers by name. Those of CONTEXT come from the context that is shown; control registers and
 * the like from the special registers of the processor that stopped. What is written goes to the
 * target at once.
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "host/debugger/debugger.h"

#define KDBG_KTHREAD_APC_PROCESS 0x2A0u /* u16 in KDDEBUGGER_DATA64: offset in KTHREAD */

typedef enum { InContext, InSpecial, Pseudo } REGISTER_PLACE;

typedef struct {
    const char *Name;
    uint8_t Place;  /* REGISTER_PLACE */
    uint8_t Size;   /* bytes where it lies */
    uint8_t Shift;  /* bits */
    uint8_t Bits;   /* 0: all of Size */
    uint16_t Offset;
} REGISTER;

#define WORD(name, field) {name, InContext, sizeof(((CONTEXT *)0)->field), 0, 0, \
                           offsetof(CONTEXT, field)}
#define PART(name, field, shift, bits) {name, InContext, sizeof(((CONTEXT *)0)->field), shift, \
                                        bits, offsetof(CONTEXT, field)}
#define OLD(r, field) WORD("r" r, field), PART("e" r, field, 0, 32), PART(r, field, 0, 16)
#define NEW(r, field) WORD(r, field), PART(r "d", field, 0, 32), PART(r "w", field, 0, 16), \
                      PART(r "b", field, 0, 8)
#define FLAG(name, bit) PART(name, EFlags, bit, 1)
#define SPECIAL(name, field) {name, InSpecial, sizeof(((KSPECIAL_REGISTERS *)0)->field), 0, 0, \
                              offsetof(KSPECIAL_REGISTERS, field)}

static const REGISTER Registers[] = {
    OLD("ax", Rax), OLD("bx", Rbx), OLD("cx", Rcx), OLD("dx", Rdx), OLD("si", Rsi),
    OLD("di", Rdi), OLD("bp", Rbp), OLD("sp", Rsp), OLD("ip", Rip),
    PART("al", Rax, 0, 8), PART("ah", Rax, 8, 8), PART("bl", Rbx, 0, 8), PART("bh", Rbx, 8, 8),
    PART("cl", Rcx, 0, 8), PART("ch", Rcx, 8, 8), PART("dl", Rdx, 0, 8), PART("dh", Rdx, 8, 8),
    PART("sil", Rsi, 0, 8), PART("dil", Rdi, 0, 8), PART("bpl", Rbp, 0, 8),
    PART("spl", Rsp, 0, 8),
    NEW("r8", R8), NEW("r9", R9), NEW("r10", R10), NEW("r11", R11), NEW("r12", R12),
    NEW("r13", R13), NEW("r14", R14), NEW("r15", R15),
    WORD("cs", SegCs), WORD("ds", SegDs), WORD("es", SegEs), WORD("fs", SegFs),
    WORD("gs", SegGs), WORD("ss", SegSs), WORD("efl", EFlags), WORD("mxcsr", MxCsr),
    FLAG("cf", 0), FLAG("pf", 2), FLAG("af", 4), FLAG("zf", 6), FLAG("sf", 7), FLAG("tf", 8),
    FLAG("if", 9), FLAG("df", 10), FLAG("of", 11), PART("iopl", EFlags, 12, 2),
    SPECIAL("dr0", Dr0), SPECIAL("dr1", Dr1), SPECIAL("dr2", Dr2), SPECIAL("dr3", Dr3),
    SPECIAL("dr6", Dr6), SPECIAL("dr7", Dr7),
    SPECIAL("cr0", Cr0), SPECIAL("cr2", Cr2), SPECIAL("cr3", Cr3), SPECIAL("cr4", Cr4),
    SPECIAL("cr8", Cr8), SPECIAL("gdtr", GdtrBase), SPECIAL("gdtl", GdtrLimit),
    SPECIAL("idtr", IdtrBase), SPECIAL("idtl", IdtrLimit), SPECIAL("tr", Tr),
    SPECIAL("ldtr", Ldtr),
    {"$ip", InContext, 8, 0, 0, offsetof(CONTEXT, Rip)},
    {"$csp", InContext, 8, 0, 0, offsetof(CONTEXT, Rsp)},
    {"$retreg", InContext, 8, 0, 0, offsetof(CONTEXT, Rax)},
};

static const REGISTER *RegisterFind(const char *Name, size_t Length)
{
    for (size_t i = 0; i < sizeof(Registers) / sizeof(Registers[0]); i++) {
        if (strlen(Registers[i].Name) == Length &&
            strncasecmp(Registers[i].Name, Name, Length) == 0) {
            return &Registers[i];
        }
    }
    return NULL;
}

/* $t0 .. $t19, or NULL. */
static uint64_t *RegisterTemporary(DEBUGGER *Debugger, const char *Name, size_t Length)
{
    unsigned Number = 0;
    if (Length < 3 || Length > 4 || strncasecmp(Name, "$t", 2) != 0) {
        return NULL;
    }
    for (size_t i = 2; i < Length; i++) {
        if (Name[i] < '0' || Name[i] > '9') {
            return NULL;
        }
        Number = Number * 10 + (unsigned)(Name[i] - '0');
    }
    return Number < 20 ? &Debugger->Temporary[Number] : NULL;
}

static bool RegisterReadPseudo(DEBUGGER *Debugger, const char *Name, size_t Length,
                               uint64_t *Value)
{
    uint64_t *Temporary = RegisterTemporary(Debugger, Name, Length);
    if (Temporary != NULL) {
        *Value = *Temporary;
        return true;
    }
    if (Length == 3 && strncasecmp(Name, "$ra", 3) == 0 && Debugger->HasContext) {
        CONTEXT Caller = Debugger->Context;
        bool Good = DebugUnwind(Debugger, &Caller);
        *Value = Caller.Rip;
        return Good;
    }
    if (Length == 5 && strncasecmp(Name, "$proc", 5) == 0) {
        return DebugCurrentProcess(Debugger, Value);
    }
    if (Length == 7 && strncasecmp(Name, "$thread", 7) == 0) {
        return DebugCurrentThread(Debugger, Value);
    }
    return false;
}

bool RegisterRead(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Value)
{
    KSPECIAL_REGISTERS Special;
    const REGISTER *Register = RegisterFind(Name, Length);
    const uint8_t *From = (const uint8_t *)&Debugger->Context;

    if (Register == NULL) {
        return RegisterReadPseudo(Debugger, Name, Length, Value);
    }
    if (Register->Place == InSpecial) {
        TARGET *Target = Debugger->Target;
        if (!TargetCan(Target, GetSpecial) || !Target->Operations->GetSpecial(Target, &Special)) {
            return false;
        }
        From = (const uint8_t *)&Special;
    } else if (!Debugger->HasContext) {
        return false;
    }
    *Value = 0;
    memcpy(Value, From + Register->Offset, Register->Size);
    if (Register->Bits != 0) {
        *Value = *Value >> Register->Shift & ((1ull << Register->Bits) - 1);
    }
    return true;
}

/* A 32-bit name clears the upper half, as an instruction does; 16 and 8 bits leave the rest. */
static void RegisterStore(uint8_t *To, const REGISTER *Register, uint64_t Value)
{
    uint64_t Old = 0;
    if (Register->Bits != 0 && !(Register->Bits == 32 && Register->Size == 8)) {
        uint64_t Mask = ((1ull << Register->Bits) - 1) << Register->Shift;
        memcpy(&Old, To, Register->Size);
        Value = (Old & ~Mask) | (Value << Register->Shift & Mask);
    } else if (Register->Bits == 32) {
        Value &= 0xffffffff;
    }
    memcpy(To, &Value, Register->Size);
}

bool RegisterWrite(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t Value)
{
    TARGET *Target = Debugger->Target;
    KSPECIAL_REGISTERS Special;
    const REGISTER *Register = RegisterFind(Name, Length);
    uint64_t *Temporary = RegisterTemporary(Debugger, Name, Length);

    if (Temporary != NULL) {
        *Temporary = Value;
        return true;
    }
    if (Register == NULL) {
        return false;
    }
    if (Register->Place == InSpecial) {
        if (!TargetCan(Target, SetSpecial) || !Target->Operations->GetSpecial(Target, &Special)) {
            return false;
        }
        RegisterStore((uint8_t *)&Special + Register->Offset, Register, Value);
        return Target->Operations->SetSpecial(Target, &Special);
    }
    if (!Debugger->HasContext || !Debugger->ContextIsOfStop || !TargetCan(Target, SetContext)) {
        return false;
    }
    CONTEXT Changed = Debugger->Context;
    RegisterStore((uint8_t *)&Changed + Register->Offset, Register, Value);
    if (!Target->Operations->SetContext(Target, &Changed)) {
        return false;
    }
    Debugger->Context = Changed;
    return true;
}

unsigned RegisterDigits(const char *Name, size_t Length)
{
    const REGISTER *Register = RegisterFind(Name, Length);
    if (Register == NULL) {
        return 16;
    }
    return Register->Bits != 0 ? (Register->Bits + 3u) / 4 : 2u * Register->Size;
}

bool DebugCurrentThread(DEBUGGER *Debugger, uint64_t *Thread)
{
    TARGET *Target = Debugger->Target;
    *Thread = Debugger->ImplicitThread;
    if (*Thread == 0 && Target->Stopped) {
        *Thread = Target->State.Thread;
    }
    return *Thread != 0 ||
           (TargetCan(Target, ReadControl) &&
            Target->Operations->ReadControl(Target, KD_CONTROL_SPACE_THREAD, Thread)) ||
           DebuggerError(Debugger, "The current thread is not known");
}

bool DebugCurrentProcess(DEBUGGER *Debugger, uint64_t *Process)
{
    uint64_t Thread, Offset = 0;
    *Process = Debugger->ImplicitProcess;
    if (*Process != 0) {
        return true;
    }
    if (!DebugCurrentThread(Debugger, &Thread)) {
        return false;
    }
    if (Debugger->DebuggerData != 0 &&
        DebugReadSized(Debugger, Debugger->DebuggerData + KDBG_KTHREAD_APC_PROCESS, 2, &Offset) &&
        Offset != 0 && DebugRead64(Debugger, Thread + Offset, Process)) {
        return true;
    }
    return DebugReadField(Debugger, Thread, "nt!_KTHREAD", "ApcState.Process", Process) ||
           DebuggerError(Debugger, "The current process is not known");
}
