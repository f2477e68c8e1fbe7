/* SPDX-License-Identifier: MIT */
/*
 * The PE side: kernel/se linked with the tests and with what it needs from Ke, done natively. Ends
 * with the tests that need more than the guest's macros: single-stepped unwinding, _local_unwind,
 * breakpoints, debugger hook, and damaged images and stacks between unreadable pages.
 */
#include "native.h"
#include "native_test.h"
#include "nt/pe.h"
#include "se/se_internal.h"

extern const UCHAR __ImageBase[];
extern VOID NativeTrapEntry(VOID);
NATIVE_TRAP NativeTrap;

static NATIVE_SERVICES *Services;
static int Failures;
static BOOLEAN ReplayActive; /* the damaged image and stack stand in for the real ones */
static ULONG ReplayTableRva;
static ULONG ReplayTableCount;

/* ---- what Ke and Rtl give in the kernel ---- */

void *memcpy(void *To, const void *From, size_t Count)
{
    void *Result = To;
    __asm__ volatile("rep movsb" : "+D"(To), "+S"(From), "+c"(Count) : : "memory");
    return Result;
}

void *memset(void *To, int Value, size_t Count)
{
    void *Result = To;
    __asm__ volatile("rep stosb" : "+D"(To), "+c"(Count) : "a"(Value) : "memory");
    return Result;
}

static VOID NativePrintNumber(ULONG64 Value)
{
    CHAR Text[20];
    ULONG At = sizeof(Text) - 1;

    Text[At] = 0;
    do {
        Text[--At] = "0123456789abcdef"[Value & 15];
        Value >>= 4;
    } while (Value != 0);
    Services->Print(" ");
    Services->Print(&Text[At]);
}

void NativeFail(const char *Condition, const char *File, int Line)
{
    Services->Print("FAILED ");
    Services->Print(File);
    NativePrintNumber((ULONG64)Line);
    Services->Print("h ");
    Services->Print(Condition);
    Services->Print("\n");
    Failures++;
}

DECLSPEC_NORETURN VOID KeBugCheckEx(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                    ULONG_PTR P4)
{
    Services->Print("bug check");
    NativePrintNumber(Code);
    NativePrintNumber(P1);
    NativePrintNumber(P2 - (ULONG_PTR)__ImageBase);
    NativePrintNumber(P3);
    NativePrintNumber(P4);
    Services->Print("\n");
    Services->Exit(2);
    __builtin_unreachable();
}

DECLSPEC_NORETURN VOID KiBugCheckTrap(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                      ULONG_PTR P4, PKTRAP_FRAME TrapFrame)
{
    UNREFERENCED_PARAMETER(TrapFrame);
    KeBugCheckEx(Code, P1, P2, P3, P4);
}

DECLSPEC_NORETURN VOID KiAssertionFailed(PCSTR Condition, PCSTR File, ULONG Line)
{
    NativeFail(Condition, File, (int)Line);
    Services->Exit(2);
    __builtin_unreachable();
}

BOOLEAN KiMayRead(ULONG_PTR Address)
{
    return TRUE;
}

BOOLEAN KiFindImage(ULONG_PTR Address, PULONG_PTR ImageBase, PULONG ImageSize,
                    PRUNTIME_FUNCTION *Table, PULONG TableCount)
{
    const IMAGE_DOS_HEADER *Dos = (const IMAGE_DOS_HEADER *)__ImageBase;
    const IMAGE_NT_HEADERS64 *Headers = (const IMAGE_NT_HEADERS64 *)(__ImageBase + Dos->e_lfanew);
    const IMAGE_DATA_DIRECTORY *Directory = &Headers->OptionalHeader.DataDirectory[3];

    if (ReplayActive && Address - Services->GuardedImage < Services->GuardedSize) {
        *ImageBase = Services->GuardedImage;
        *ImageSize = (ULONG)Services->GuardedSize;
        *Table = (PRUNTIME_FUNCTION)(Services->GuardedImage + ReplayTableRva);
        *TableCount = ReplayTableCount;
        return TRUE;
    }
    if (Address - (ULONG_PTR)__ImageBase >= Headers->OptionalHeader.SizeOfImage) {
        return FALSE;
    }
    *ImageBase = (ULONG_PTR)__ImageBase;
    *ImageSize = Headers->OptionalHeader.SizeOfImage;
    *Table = (PRUNTIME_FUNCTION)(__ImageBase + Directory->VirtualAddress);
    *TableCount = Directory->Size / sizeof(RUNTIME_FUNCTION);
    return TRUE;
}

BOOLEAN KiGetStackLimits(ULONG_PTR Address, PULONG_PTR Low, PULONG_PTR High)
{
    if (ReplayActive && Address - Services->GuardedStack < Services->GuardedSize) {
        *Low = Services->GuardedStack;
        *High = Services->GuardedStack + Services->GuardedSize;
        return TRUE;
    }
    *Low = Services->StackLow;
    *High = Services->StackHigh;
    return Address >= *Low && Address < *High;
}

/* ---- native-only tests ---- */

static ULONG64 NativeRandom(VOID)
{
    static ULONG64 State;

    if (State == 0) {
        State = Services->Seed * 0x9e3779b97f4a7c15ull | 1;
    }
    State ^= State << 13;
    State ^= State >> 7;
    State ^= State << 17;
    return State;
}

static volatile ULONG InnerRuns, OuterRuns;

VOID NativeInnerFinally(BOOLEAN Abnormal, PVOID Frame);
VOID NativeInnerFinally(BOOLEAN Abnormal, PVOID Frame)
{
    UNREFERENCED_PARAMETER(Frame);
    InnerRuns += Abnormal;
}

VOID NativeOuterFinally(BOOLEAN Abnormal, PVOID Frame);
VOID NativeOuterFinally(BOOLEAN Abnormal, PVOID Frame)
{
    UNREFERENCED_PARAMETER(Frame);
    OuterRuns += Abnormal;
}

ULONG NativeLocalUnwind(VOID);

GUEST_TEST(NativeLocalUnwindRunsInnerOnly)
{
    InnerRuns = OuterRuns = 0;
    EXPECT(NativeLocalUnwind() == 0x77);
    EXPECT(InnerRuns == 1);
    EXPECT(OuterRuns == 0);
}

static LONG NativeSkipBreakpoint(PEXCEPTION_POINTERS Pointers)
{
    EXPECT(*(const UCHAR *)Pointers->ContextRecord->Rip == 0xcc);
    EXPECT(Pointers->ExceptionRecord->ExceptionAddress == (PVOID)Pointers->ContextRecord->Rip);
    Pointers->ContextRecord->Rip++;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static volatile ULONG Reached;

static __attribute__((noinline)) VOID NativeBreak(VOID)
{
    __asm__ volatile("int3");
    Reached++;
}

GUEST_TEST(NativeBreakpointContinued)
{
    Reached = 0;
    __try {
        NativeBreak();
    } __except (NativeSkipBreakpoint(GetExceptionInformation())) {
        Reached = 100;
    }
    EXPECT(Reached == 1);
}

static ULONG DebuggerCalls;

static BOOLEAN NativeDebugger(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN SecondChance)
{
    DebuggerCalls++;
    EXPECT(SecondChance == (Record->ExceptionCode != STATUS_BREAKPOINT));
    if (Record->ExceptionCode == STATUS_BREAKPOINT) {
        Context->Rip++;
    } else {
        EXPECT(Record->ExceptionCode == STATUS_ACCESS_VIOLATION);
        EXPECT(Context->R12 == 0x1212);
        Context->R12 = 0x2121;
        Context->Rcx = (ULONG64)&Reached;
    }
    return TRUE;
}

GUEST_TEST(NativeDebuggerChances)
{
    ULONG64 Marked = 0;

    DebuggerCalls = 0;
    KiDebugRoutine = NativeDebugger;
    NativeBreak();
    EXPECT(DebuggerCalls == 1);
    /* unhandled: the second chance repairs it, and its changes of r12 and rcx arrive */
    __asm__ volatile("movl $0x1212, %%r12d; movl $0x10, %%ecx; movl (%%rcx), %%eax; movq %%r12, %0"
                     : "=r"(Marked)
                     :
                     : "rax", "rcx", "r12", "memory");
    EXPECT(Marked == 0x2121);
    EXPECT(DebuggerCalls == 2);
    KiDebugRoutine = NULL;
}

extern const UCHAR NativeEpilogueFunction[], NativeEpilogueStart[], NativeEpilogueEnd[];

/* Unwinds from every instruction boundary of the function, with the stack as it is there. */
GUEST_TEST(NativeUnwindFromEveryInstruction)
{
    /* offset of the instruction, and how far rsp is below its value at entry */
    static const struct { ULONG Offset; ULONG Depth; BOOLEAN FrameSet; } Points[] = {
        {0, 0, FALSE}, {1, 8, FALSE}, {3, 16, FALSE}, {4, 24, FALSE}, {11, 0x138, FALSE},
        {19, 0x138, TRUE}, {20, 0x138, TRUE}, {27, 24, TRUE}, {28, 16, TRUE}, {30, 8, TRUE},
        {31, 0, TRUE}};
    ULONG64 Stack[64];
    ULONG64 *Entry = &Stack[60];

    EXPECT(NativeEpilogueEnd - NativeEpilogueFunction == 32);
    EXPECT(NativeEpilogueStart - NativeEpilogueFunction == 20);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Points); Index++) {
        ULONG Depth = Points[Index].Depth;
        CONTEXT Context = {.Rbp = 0xb0, .R12 = 0xc0, .Rbx = 0xd0};
        UNWIND_STACK Limits = {.Low = (ULONG_PTR)Stack, .High = (ULONG_PTR)&Stack[64]};
        UNWIND_FRAME Frame;

        memset(Stack, 0, sizeof(Stack));
        Entry[0] = 0x1234567800;
        Entry[-1] = 0xb0;
        Entry[-2] = 0xc0;
        Entry[-3] = 0xd0;
        Context.Rip = (ULONG64)NativeEpilogueFunction + Points[Index].Offset;
        Context.Rsp = (ULONG64)Entry - Depth;
        Context.Rbx = Depth >= 24 ? 0xbad : 0xd0;
        Context.R12 = Depth >= 16 && Points[Index].Offset >= 20 ? 0xbad : 0xc0;
        if (Points[Index].FrameSet && Depth >= 8) {
            Context.Rbp = (ULONG64)Entry - 0x138 + 0x80;
        }
        EXPECT(RtlpUnwindFrame(&Context, &Limits, 0, FALSE, &Frame, NULL));
        EXPECT(Context.Rip == 0x1234567800);
        EXPECT(Context.Rsp == (ULONG64)&Entry[1]);
        EXPECT(Context.Rbp == 0xb0 && Context.R12 == 0xc0 && Context.Rbx == 0xd0);
    }
}

GUEST_TEST(NativeExportedUnwind)
{
    CONTEXT Context;
    ULONG64 ImageBase, Frame;
    PVOID HandlerData, Header;
    KNONVOLATILE_CONTEXT_POINTERS Pointers = {0};

    RtlCaptureContext(&Context);
    ULONG64 Rsp = Context.Rsp;
    PRUNTIME_FUNCTION Function = RtlLookupFunctionEntry(Context.Rip, &ImageBase, NULL);
    EXPECT(Function != NULL);
    EXPECT(ImageBase == (ULONG64)__ImageBase);
    EXPECT(RtlPcToFileHeader((PVOID)Context.Rip, &Header) == (PVOID)__ImageBase);
    EXPECT(RtlPcToFileHeader((PVOID)0x10, &Header) == NULL && Header == NULL);
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, ImageBase, Context.Rip, Function, &Context, &HandlerData,
                     &Frame, &Pointers);
    EXPECT(Context.Rsp > Rsp);
    EXPECT(Context.Rip == (ULONG64)__builtin_return_address(0));
    EXPECT(RtlLookupFunctionEntry(0x10, &ImageBase, NULL) == NULL && ImageBase == 0);
}

/* ---- hostile unwind data ---- */

#define REPLAY_ROUNDS 200000u
#define REPLAY_FUNCTIONS 32u

/* Unwind data that is mostly well formed, so that the walk gets deep, and then partly destroyed. */
static VOID NativeMakeImage(VOID)
{
    PUCHAR Image = (PUCHAR)Services->GuardedImage;
    ULONG Size = (ULONG)Services->GuardedSize;

    for (ULONG At = 0; At + 8 <= Size; At += 8) {
        *(ULONG64 *)(Image + At) = NativeRandom();
    }
    /* The table ends at the guard page half of the time; its count is sometimes a lie. */
    ULONG TableBytes = REPLAY_FUNCTIONS * sizeof(RUNTIME_FUNCTION);
    ReplayTableRva = (NativeRandom() & 1) != 0 ? Size - TableBytes : 0x40;
    ReplayTableCount = REPLAY_FUNCTIONS;
    PRUNTIME_FUNCTION Table = (PRUNTIME_FUNCTION)(Image + ReplayTableRva);
    for (ULONG Index = 0; Index < REPLAY_FUNCTIONS; Index++) {
        Table[Index].BeginAddress = Index * (Size / REPLAY_FUNCTIONS);
        Table[Index].EndAddress = (Index + 1) * (Size / REPLAY_FUNCTIONS);
        Table[Index].UnwindData = (ULONG)(NativeRandom() % Size) & ~3u;
        ULONG Info = Table[Index].UnwindData;
        if (Info < 0x400 || Info + 0x60 > ReplayTableRva) {
            continue;
        }
        Image[Info] = (UCHAR)(1 + (NativeRandom() & 1) + ((NativeRandom() & 7) << 3));
        Image[Info + 1] = (UCHAR)(NativeRandom() & 0x1f);
        Image[Info + 2] = (UCHAR)(NativeRandom() % 6);
        for (ULONG Code = 0; Code < 6; Code++) {
            static const UCHAR Operations[] = {0, 0, 2, 2, 2, 3, 4, 5, 8, 9, 10, 10, 1, 6};
            UCHAR Operation = Operations[NativeRandom() % sizeof(Operations)];
            Image[Info + 4 + 2 * Code] = (UCHAR)(NativeRandom() & 0x1f);
            Image[Info + 5 + 2 * Code] = (UCHAR)(Operation | (NativeRandom() & 3) << 4);
        }
        if ((Image[Info] >> 3 & UNW_FLAG_CHAININFO) != 0) {
            ULONG Tail = Info + 4 + ((Image[Info + 2] + 1u) & ~1u) * 2;
            *(PRUNTIME_FUNCTION)(Image + Tail) = Table[NativeRandom() % (Index + 1)];
        }
    }
    if ((NativeRandom() & 7) == 0) {
        ReplayTableCount = (ULONG)NativeRandom();
    }
    if ((NativeRandom() & 7) == 0) {
        ReplayTableRva = (ULONG)NativeRandom();
    }
}

static VOID NativeMakeStack(VOID)
{
    ULONG64 *Stack = (ULONG64 *)Services->GuardedStack;
    ULONG Count = (ULONG)(Services->GuardedSize / 8);

    for (ULONG Index = 0; Index < Count; Index++) {
        ULONG64 Random = NativeRandom();
        switch (Random & 7) {
        case 0:
            Stack[Index] = Random;
            break;
        case 1:
        case 2:
            Stack[Index] = Services->GuardedStack + (Random >> 8) % Services->GuardedSize;
            if ((Random & 0x80) != 0) {
                Stack[Index] &= ~7ull;
            }
            break;
        default:
            Stack[Index] = Services->GuardedImage + (Random >> 8) % Services->GuardedSize;
        }
    }
}

GUEST_TEST(NativeHostileUnwindData)
{
    ULONG Steps = 0, Deepest = 0, Trapped = 0;

    ReplayActive = TRUE;
    for (ULONG Round = 0; Round < REPLAY_ROUNDS; Round++) {
        CONTEXT Context;
        SE_WALK Walk;
        UNWIND_FRAME Frame;

        if (Round % 64 == 0) {
            NativeMakeImage();
            NativeMakeStack();
        }
        for (ULONG Register = 0; Register < 17; Register++) {
            ((PULONG64)&Context.Rax)[Register] =
                (NativeRandom() & 3) != 0
                    ? Services->GuardedStack + (NativeRandom() % Services->GuardedSize & ~7ull)
                    : NativeRandom();
        }
        Context.Rip = Services->GuardedImage + NativeRandom() % Services->GuardedSize;
        Context.Rsp = Services->GuardedStack + (NativeRandom() % Services->GuardedSize & ~7ull);
        ULONG Depth = 0;
        if (RtlpStartWalk(&Walk, &Context, (NativeRandom() & 1) != 0)) {
            while (RtlpWalkFrame(&Walk, &Context, UNW_FLAG_EHANDLER, &Frame)) {
                Depth++;
                Trapped += Frame.MachineFrame;
                if (Frame.Handler != NULL &&
                    (ULONG64)Frame.Handler - Frame.Image.Base >= Frame.Image.Size) {
                    EXPECT(FALSE);
                }
            }
        }
        Steps += Depth;
        Deepest = Depth > Deepest ? Depth : Deepest;
        if (Depth > 5 * Services->GuardedSize / 8) {
            EXPECT(FALSE);
            break;
        }
    }
    ReplayActive = FALSE;
    EXPECT(Deepest > 10); /* else this test tests nothing */
    EXPECT(Trapped > 20);
    Services->Print("  hostile unwind data: steps, deepest, trap frames:");
    NativePrintNumber(Steps);
    NativePrintNumber(Deepest);
    NativePrintNumber(Trapped);
    Services->Print(" (hex)\n");
}

/* A handler table that points outside the image or lies about its size is no handler. */
GUEST_TEST(NativeHostileScopeTable)
{
    EXCEPTION_RECORD Record = {.ExceptionCode = STATUS_ACCESS_VIOLATION};
    CONTEXT Context = {0};
    DISPATCHER_CONTEXT Dispatcher = {.ImageBase = Services->GuardedImage,
                                     .ControlPc = Services->GuardedImage + 0x100,
                                     .TargetIp = Services->GuardedImage + 0x100};
    PUCHAR Image = (PUCHAR)Services->GuardedImage;

    ReplayActive = TRUE;
    ReplayTableRva = 0;
    ReplayTableCount = 0;
    for (ULONG Round = 0; Round < 100000; Round++) {
        ULONG Rva = (ULONG)(NativeRandom() % (Services->GuardedSize + 64));
        Dispatcher.HandlerData = Image + Rva;
        Dispatcher.ScopeIndex = (ULONG)(NativeRandom() & 3);
        if ((Rva & 3) == 0 && Rva + 20 <= Services->GuardedSize) {
            PSCOPE_TABLE Table = (PSCOPE_TABLE)(Image + Rva);
            Table->Count = (NativeRandom() & 1) != 0 ? (ULONG)NativeRandom() : 1;
            Table->ScopeRecord[0].BeginAddress = 0;
            Table->ScopeRecord[0].EndAddress = MAXULONG;
            Table->ScopeRecord[0].HandlerAddress =
                (ULONG)Services->GuardedSize + (ULONG)(NativeRandom() & 0xffff);
            Table->ScopeRecord[0].JumpTarget = (NativeRandom() & 1) != 0 ? 0 : MAXULONG;
            if (Table->Count != 1) { /* all other records, should they be read: not in scope */
                Table->Count |= 0x10000000;
            }
        } else if ((Rva & 3) == 0) {
            continue; /* only the head fits: whatever is there */
        }
        Record.ExceptionFlags = (NativeRandom() & 1) != 0 ? EXCEPTION_UNWINDING : 0;
        EXPECT(__C_specific_handler(&Record, Image, &Context, &Dispatcher) ==
               ExceptionContinueSearch);
    }
    ReplayActive = FALSE;
}

/* ---- start ---- */

__attribute__((section("tests$a"))) static const NATIVE_TEST TestsBegin = {0};
__attribute__((section("tests$z"))) static const NATIVE_TEST TestsEnd = {0};

int NativeMain(NATIVE_SERVICES *Given, NATIVE_TRAP **Trap);
int NativeMain(NATIVE_SERVICES *Given, NATIVE_TRAP **Trap)
{
    ULONG Count = 0;

    Services = Given;
    Services->TrapEntry = (ULONG64)NativeTrapEntry;
    *Trap = &NativeTrap;
    for (const NATIVE_TEST *Test = &TestsBegin + 1; Test < &TestsEnd; Test++) {
        if (Test->Name == NULL) {
            continue;
        }
        int Before = Failures;
        Test->Run();
        Services->Print(Failures == Before ? "ok   " : "FAIL ");
        Services->Print(Test->Name);
        Services->Print("\n");
        Count++;
    }
    Services->Print("tests (hex):");
    NativePrintNumber(Count);
    Services->Print("\n");
    return Failures != 0 || Count == 0;
}
