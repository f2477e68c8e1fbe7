/* SPDX-License-Identifier: MIT */
/* r, rm. */
#include <ctype.h>
#include <string.h>

#include "host/debugger/execution.h"
#include "host/text/text.h"

#define MASK_INTEGER 1u
#define MASK_SEGMENTS 8u
#define MASK_DEBUG 0x20u
#define MASK_SSE 0x40u
#define MASK_CONTROL 0x80u
#define MASK_TABLES 0x100u
#define MASK_ALL (MASK_INTEGER | MASK_SEGMENTS | MASK_DEBUG | MASK_SSE | MASK_CONTROL | MASK_TABLES)

static const char *const MaskNames[][2] = {
    {"1", "integer registers"},  {"8", "flags and segments"}, {"20", "debug registers"},
    {"40", "XMM registers"},     {"80", "CR0 to CR8"},        {"100", "descriptor tables"},
};

static void PrintIntegers(DEBUGGER *Debugger, const CONTEXT *Context)
{
    const struct {
        const char *Name;
        uint64_t Value;
    } Values[] = {
        {"rax", Context->Rax}, {"rbx", Context->Rbx}, {"rcx", Context->Rcx},
        {"rdx", Context->Rdx}, {"rsi", Context->Rsi}, {"rdi", Context->Rdi},
        {"rip", Context->Rip}, {"rsp", Context->Rsp}, {"rbp", Context->Rbp},
        {" r8", Context->R8},  {" r9", Context->R9},  {"r10", Context->R10},
        {"r11", Context->R11}, {"r12", Context->R12}, {"r13", Context->R13},
        {"r14", Context->R14}, {"r15", Context->R15},
    };
    size_t Count = sizeof(Values) / sizeof(Values[0]);
    for (size_t i = 0; i < Count; i++) {
        DebuggerPrint(Debugger, "%s=%016llx%c", Values[i].Name, (unsigned long long)Values[i].Value,
                      i % 3 == 2 || i + 1 == Count ? '\n' : ' ');
    }
}

static void PrintFlagsAndSegments(DEBUGGER *Debugger, const CONTEXT *Context)
{
    static const struct {
        unsigned Bit;
        const char *Clear, *Set;
    } Flags[] = {{11, "nv", "ov"}, {10, "up", "dn"}, {9, "di", "ei"}, {7, "pl", "ng"},
                 {6, "nz", "zr"},  {4, "na", "ac"},  {2, "po", "pe"}, {0, "nc", "cy"}};
    DebuggerPrint(Debugger, "iopl=%x        ", Context->EFlags >> 12 & 3);
    for (size_t i = 0; i < sizeof(Flags) / sizeof(Flags[0]); i++) {
        DebuggerPrint(Debugger, " %s",
                      Context->EFlags >> Flags[i].Bit & 1 ? Flags[i].Set : Flags[i].Clear);
    }
    DebuggerPrint(Debugger,
                  "\ncs=%04x  ss=%04x  ds=%04x  es=%04x  fs=%04x  gs=%04x             efl=%08x\n",
                  Context->SegCs, Context->SegSs, Context->SegDs, Context->SegEs, Context->SegFs,
                  Context->SegGs, Context->EFlags);
}

static void PrintVectors(DEBUGGER *Debugger, const CONTEXT *Context)
{
    for (int i = 0; i < 16; i++) {
        const M128A *Vector = &Context->FltSave.XmmRegisters[i];
        DebuggerPrint(Debugger, "xmm%d=%016llx%016llx\n", i, (unsigned long long)Vector->High,
                      (unsigned long long)Vector->Low);
    }
}

static bool PrintSpecial(DEBUGGER *Debugger, uint64_t Mask)
{
    TARGET *Target = Debugger->Target;
    KSPECIAL_REGISTERS S;
    if ((Mask & (MASK_DEBUG | MASK_CONTROL | MASK_TABLES)) == 0) {
        return true;
    }
    if (!TargetCan(Target, GetSpecial) || !Target->Operations->GetSpecial(Target, &S)) {
        return DebuggerError(Debugger, "The special registers cannot be read: %s", Target->Error);
    }
    if (Mask & MASK_DEBUG) {
        DebuggerPrint(Debugger, "dr0=%016llx dr1=%016llx dr2=%016llx\n"
                                "dr3=%016llx dr6=%016llx dr7=%016llx\n",
                      (unsigned long long)S.Dr0, (unsigned long long)S.Dr1,
                      (unsigned long long)S.Dr2, (unsigned long long)S.Dr3,
                      (unsigned long long)S.Dr6, (unsigned long long)S.Dr7);
    }
    if (Mask & MASK_CONTROL) {
        DebuggerPrint(Debugger, "cr0=%016llx cr2=%016llx cr3=%016llx\n"
                                "cr4=%016llx cr8=%016llx\n",
                      (unsigned long long)S.Cr0, (unsigned long long)S.Cr2,
                      (unsigned long long)S.Cr3, (unsigned long long)S.Cr4,
                      (unsigned long long)S.Cr8);
    }
    if (Mask & MASK_TABLES) {
        DebuggerPrint(Debugger, "gdtr=%016llx   gdtl=%04x idtr=%016llx   idtl=%04x tr=%04x "
                                "ldtr=%04x\n",
                      (unsigned long long)S.GdtrBase, S.GdtrLimit,
                      (unsigned long long)S.IdtrBase, S.IdtrLimit, S.Tr, S.Ldtr);
    }
    return true;
}

static bool PrintAll(DEBUGGER *Debugger, uint64_t Mask)
{
    if (!Debugger->HasContext) {
        return DebuggerError(Debugger, "The registers are not known");
    }
    if (Mask & MASK_INTEGER) {
        PrintIntegers(Debugger, &Debugger->Context);
    }
    if (Mask & MASK_SEGMENTS) {
        PrintFlagsAndSegments(Debugger, &Debugger->Context);
    }
    if (Mask & MASK_SSE) {
        PrintVectors(Debugger, &Debugger->Context);
    }
    if (!PrintSpecial(Debugger, Mask)) {
        return false;
    }
    StopReportPosition(Debugger);
    return true;
}

/* One of "rax", "@rax = 5", up to a comma. */
static bool OneRegister(DEBUGGER *Debugger, char *Text)
{
    char Clean[64];
    uint64_t Value;
    Text += *Text == '@';
    size_t Length = strcspn(Text, " \t=");
    char *Rest = Text + Length + strspn(Text + Length, " \t");

    TextClean(Clean, sizeof(Clean), Text, Length);
    if (*Rest == '=') {
        if (!ExpressionEvaluateAll(Debugger, Rest + 1, &Value)) {
            return false;
        }
        return RegisterWrite(Debugger, Text, Length, Value) ||
               DebuggerError(Debugger, "%s cannot be set%s", Clean,
                             RegisterRead(Debugger, Text, Length, &Value)
                                 ? Debugger->ContextIsOfStop ? "" : ": it is not the stop's own"
                                 : ": no such register");
    }
    if (!CommandEnd(Debugger, Rest)) {
        return false;
    }
    if (!RegisterRead(Debugger, Text, Length, &Value)) {
        return DebuggerError(Debugger, "Bad register error at '%s'", Clean);
    }
    DebuggerPrint(Debugger, "%s=%0*llx\n", Clean, (int)RegisterDigits(Text, Length),
                  (unsigned long long)Value);
    return true;
}

static bool CommandR(DEBUGGER *Debugger, const char *Arguments)
{
    char Line[1024];
    if (*Arguments == 0) {
        return PrintAll(Debugger, Debugger->RegisterMask);
    }
    if (strlen(Arguments) >= sizeof(Line)) {
        return DebuggerError(Debugger, "r: the line is too long");
    }
    strcpy(Line, Arguments);
    for (char *Next = Line; *Next != 0;) {
        size_t Length = strcspn(Next, ",");
        bool More = Next[Length] == ',';
        Next[Length] = 0;
        if (!OneRegister(Debugger, Next)) {
            return false;
        }
        Next += Length + More;
        Next += strspn(Next, " \t");
    }
    return true;
}

static bool TakeMask(DEBUGGER *Debugger, const char *Arguments, uint64_t *Mask)
{
    return ExpressionEvaluateAll(Debugger, Arguments, Mask) &&
           ((*Mask & ~(uint64_t)MASK_ALL) == 0 ||
            DebuggerError(Debugger, "The mask's bits are 1, 8, 20, 40, 80 and 100"));
}

static bool CommandRm(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Mask = Debugger->RegisterMask;
    if (*Arguments != 0 && !TakeMask(Debugger, Arguments, &Mask)) {
        return false;
    }
    Debugger->RegisterMask = (unsigned)Mask;
    if (*Arguments != 0) {
        return true;
    }
    DebuggerPrint(Debugger, "Register output mask is %llx:\n", (unsigned long long)Mask);
    for (size_t i = 0; i < sizeof(MaskNames) / sizeof(MaskNames[0]); i++) {
        DebuggerPrint(Debugger, "%5s - %s\n", MaskNames[i][0], MaskNames[i][1]);
    }
    return true;
}

static bool CommandRM(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Mask;
    return TakeMask(Debugger, Arguments, &Mask) && PrintAll(Debugger, Mask);
}

const DEBUGGER_COMMAND CommandsRegister[] = {
    {"r", CommandR, "r [Register[=Value], ...]", "shows or sets registers", false},
    {"rM", CommandRM, "rM Mask", "shows the registers of a mask, as rm lists them", false},
    {"rm", CommandRm, "rm [Mask]", "which registers r shows", false},
    {0},
};
