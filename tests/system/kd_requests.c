/* SPDX-License-Identifier: MIT */
/* The manipulate requests, each with its answer or none; stepping, breakpoints, .pagein. */
#include "kd_client.h"

#include <string.h>

#define UNSUCCESSFUL 0xc0000001u

static uint8_t Request[56];
static WIRE_PACKET Answer;

/* Sends Request; returns the status. */
static uint32_t Ask(const void *Data, size_t Size)
{
    WireRequest(Request, Data, Size, &Answer);
    return Get32(Answer.Payload + 8);
}

/* By the page tables, read as physical memory. 0: not resident. */
static uint64_t PhysicalOf(uint64_t Address)
{
    WireNewRequest(Request, 0x3137);
    Put64(Request + 0x10, 2);
    Put32(Request + 0x18, 0xf0);
    CHECK(Ask(NULL, 0) == 0);
    uint64_t Table = Get64(Answer.Payload + 56 + 0x10); /* cr3 */
    for (int Shift = 39; Shift >= 12; Shift -= 9) {
        uint8_t Entry[8];
        uint32_t Actual;
        uint64_t At = (Table & 0xffffffffff000ull) + (Address >> Shift & 0x1ff) * 8;
        CHECK(WireReadPhysical(At, Entry, 8, &Actual) == 0 && Actual == 8);
        Table = Get64(Entry);
        if (!(Table & 1)) {
            return 0;
        }
        if (Shift > 12 && (Table & 0x80)) {
            uint64_t Span = 1ull << Shift;
            return (Table & 0xffffffffff000ull & ~(Span - 1)) | (Address & (Span - 1));
        }
    }
    return (Table & 0xffffffffff000ull) | (Address & 0xfff);
}

static void CheckMemory(uint64_t Pc)
{
    uint8_t First[4000], Second[4000];
    uint32_t Actual;
    CHECK(WireRead(Pc, First, 0, &Actual) == 0 && Actual == 0);
    CHECK(WireRead(Pc & ~0xfffull, First, 3944, &Actual) == 0 && Actual == 3944);
    CHECK(WireRead(Pc & ~0xfffull, Second, 4000, &Actual) == 0 && Actual == 3944); /* the most */
    CHECK(memcmp(First, Second, 3944) == 0);
    CHECK(WireReadPhysical(PhysicalOf(Pc & ~0xfffull), Second, 3944, &Actual) == 0);
    CHECK(Actual == 3944 && memcmp(First, Second, 3944) == 0);
    CHECK(WireRead(0x1000, First, 8, &Actual) == UNSUCCESSFUL && Actual == 0);
    CHECK(WireRead(0x8000000000000ull, First, 8, &Actual) == UNSUCCESSFUL && Actual == 0);
    CHECK(WireRead(~0ull - 3, First, 8, &Actual) == UNSUCCESSFUL && Actual == 0);
    /* The kernel's image ends, and nothing follows: as far as it goes. */
    uint64_t Base = KernelBase();
    uint64_t Size = (uint32_t)WireRead64(Base + (uint32_t)WireRead64(Base + 0x3c) + 0x50);
    CHECK(WireRead(Base + Size - 16, First, 64, &Actual) == UNSUCCESSFUL && Actual == 16);
    CHECK(WireReadPhysical(0x7ffffff000ull, First, 8, &Actual) == UNSUCCESSFUL && Actual == 0);

    /* Read-only code can be written, by both ways, and comes back as it was. */
    uint8_t Old, New = 0x90;
    CHECK(WireRead(Pc + 1, &Old, 1, &Actual) == 0);
    CHECK(WireWrite(Pc + 1, &New, 1, &Actual) == 0 && Actual == 1);
    CHECK((uint8_t)WireRead64(Pc + 1) == New);
    WireNewRequest(Request, 0x313e);
    Put64(Request + 0x10, PhysicalOf(Pc + 1));
    uint64_t At = Get64(Request + 0x10);
    WireNewRequest(Request, 0x313e);
    Put64(Request + 0x10, At);
    Put32(Request + 0x18, 1);
    CHECK(Ask(&Old, 1) == 0 && Get32(Answer.Payload + 0x1c) == 1 && Answer.Count == 56);
    CHECK((uint8_t)WireRead64(Pc + 1) == Old);
    CHECK(WireWrite(0x1000, &New, 1, &Actual) == UNSUCCESSFUL && Actual == 0);
    /* Fewer bytes than the header says */
    WireNewRequest(Request, 0x3131);
    Put64(Request + 0x10, Pc + 1);
    Put32(Request + 0x18, 100);
    CHECK(Ask(&Old, 1) == UNSUCCESSFUL && Get32(Answer.Payload + 0x1c) == 1);
}

static uint32_t Search(uint64_t Address, uint64_t Length, const void *Pattern, uint32_t Size)
{
    WireNewRequest(Request, 0x3156);
    Put64(Request + 0x10, Address);
    Put64(Request + 0x18, Length);
    Put32(Request + 0x20, Size);
    return Ask(Pattern, Size);
}

static void CheckSearchAndFill(uint64_t Scratch)
{
    uint8_t Text[64] = "................needle in the haystack..........................", Back[64];
    uint32_t Actual;
    CHECK(WireWrite(Scratch, Text, 64, &Actual) == 0 && Actual == 64);
    CHECK(Search(Scratch, 64, "needle", 6) == 0 && Get64(Answer.Payload + 0x10) == Scratch + 16);
    CHECK(Search(Scratch, 21, "needle", 6) == 0xc0000225);
    CHECK(Search(Scratch, 22, "needle", 6) == 0 && Answer.Count == 56);
    CHECK(Search(0x1000, 0x10000, "needle", 6) == 0xc0000225); /* nothing is there */
    CHECK(Search(Scratch, 64, "", 0) == 0xc000000d);
    CHECK(Search(Scratch, ~0ull, "needle", 6) == 0xc000000d);
    WireNewRequest(Request, 0x315b);
    Put64(Request + 0x10, Scratch + 3);
    Put32(Request + 0x18, 10);
    Put16(Request + 0x1c, 1);
    Put16(Request + 0x1e, 4);
    CHECK(Ask("abcd", 4) == 0 && Get32(Answer.Payload + 0x18) == 10);
    CHECK(WireRead(Scratch, Back, 64, &Actual) == 0);
    CHECK(memcmp(Back, "...abcdabcdab...needle", 22) == 0);
    Put16(Request + 0x1c, 2); /* physical */
    Put64(Request + 0x10, PhysicalOf(Scratch));
    uint64_t Physical = Get64(Request + 0x10);
    WireNewRequest(Request, 0x315b);
    Put64(Request + 0x10, Physical);
    Put32(Request + 0x18, 3);
    Put16(Request + 0x1c, 2);
    Put16(Request + 0x1e, 1);
    CHECK(Ask("z", 1) == 0);
    CHECK((WireRead64(Scratch) & 0xffffffff) == 0x617a7a7a); /* zzza */
    Put16(Request + 0x1c, 3);
    CHECK(Ask("z", 1) == 0xc000000d);
    Put16(Request + 0x1c, 1);
    Put16(Request + 0x1e, 2);
    CHECK(Ask("z", 1) == 0xc000000d); /* a pattern longer than the data */
    WireNewRequest(Request, 0x315c);
    Put64(Request + 0x10, Scratch);
    CHECK(Ask(NULL, 0) == 0 && Get32(Answer.Payload + 0x20) == 2);
    CHECK(Get32(Answer.Payload + 0x24) == 7);
    WireNewRequest(Request, 0x315c);
    Put64(Request + 0x10, 0x1000);
    CHECK(Ask(NULL, 0) == 0 && Get32(Answer.Payload + 0x20) == 0);
}

static void CheckContext(void)
{
    uint8_t Context[0x4d0], Again[0x4d0];
    WIRE_PACKET State;
    memset(Context, 0, sizeof(Context));
    WireSendControl(5, 0); /* the state change again: nothing was got since */
    WireExpectData(&State, 7);
    WireNewRequest(Request, 0x3133);
    CHECK(Ask(Context, sizeof(Context)) == UNSUCCESSFUL);
    WireGetContext(Context);
    Put64(Context + 0xb8, 0x123456789abcdef0); /* r8 */
    WireNewRequest(Request, 0x3133);
    CHECK(Ask(Context, 100) == UNSUCCESSFUL); /* not all of it */
    WireSetContext(Context);
    WireGetContext(Again);
    CHECK(memcmp(Context, Again, sizeof(Context)) == 0);
    /* In parts */
    WireNewRequest(Request, 0x315f);
    Put32(Request + 0x10, 0xb8);
    Put32(Request + 0x14, 8);
    CHECK(Ask(NULL, 0) == 0 && Get32(Answer.Payload + 0x18) == 8 && Answer.Count == 64);
    CHECK(Get64(Answer.Payload + 56) == 0x123456789abcdef0);
    Put32(Request + 0x10, 0x4d0);
    CHECK(Ask(NULL, 0) == UNSUCCESSFUL && Get32(Answer.Payload + 0x18) == 0);
    for (uint32_t Offset = 0; Offset < 0x4d0; Offset += 0x134) {
        WireNewRequest(Request, 0x3160);
        Put32(Request + 0x10, Offset);
        Put32(Request + 0x14, 0x134);
        Put32(Request + 0x18, 0x4d0);
        Put64(Context + 0xc0, 0x55); /* r9 */
        CHECK(Ask(Context + Offset, 0x134) == 0 && Get32(Answer.Payload + 0x18) == 0x134);
        WireGetContext(Again);
        CHECK((Get64(Again + 0xc0) == 0x55) == (Offset == 0x39c)); /* with the last part */
    }
    Put32(Request + 0x14, 0x7fffffff);
    CHECK(Ask(Context, 0x134) == UNSUCCESSFUL);
    WireNewRequest(Request, 0x3132);
    Put16(Request + 6, 1); /* a processor that is not there */
    CHECK(Ask(NULL, 0) == UNSUCCESSFUL && Answer.Count == 56);
}

static uint32_t ControlSpace(uint64_t Selector, uint32_t Size)
{
    WireNewRequest(Request, 0x3137);
    Put64(Request + 0x10, Selector);
    Put32(Request + 0x18, Size);
    return Ask(NULL, 0);
}

static void CheckControlSpace(void)
{
    uint8_t Special[0xf0];
    CHECK(ControlSpace(2, 0xf0) == 0 && Answer.Count == 56 + 0xf0);
    memcpy(Special, Answer.Payload + 56, sizeof(Special));
    CHECK(Get64(Special) >> 31 == 1 && Get64(Special + 0x58) != 0); /* paging is on; a GDT */
    CHECK(Get16(Special + 0x70) == 0x40);                           /* tr */
    Put64(Special + 0x20, 0x1234);                                  /* dr0 */
    WireNewRequest(Request, 0x3138);
    Put64(Request + 0x10, 2);
    Put32(Request + 0x18, 0xf0);
    CHECK(Ask(Special, 0xf0) == 0 && Get32(Answer.Payload + 0x1c) == 0xf0);
    CHECK(ControlSpace(2, 0x28) == 0 && Answer.Count == 56 + 0x28); /* fewer than there are */
    CHECK(Get64(Answer.Payload + 56 + 0x20) == 0x1234);
    CHECK(ControlSpace(2, 5000) == 0 && Answer.Count == 56 + 0xf0);
    CHECK(ControlSpace(4, 8) == UNSUCCESSFUL && Answer.Count == 56);
    WireNewRequest(Request, 0x3138);
    Put32(Request + 0x18, 8);
    CHECK(Ask(Special, 8) == UNSUCCESSFUL); /* selector 0 */
    Put64(Request + 0x10, 2);
    Put32(Request + 0x18, 0xf8);
    CHECK(Ask(Special, 0xf0) == UNSUCCESSFUL); /* too long */
}

static void CheckPorts(void)
{
    WireNewRequest(Request, 0x3139);
    Put64(Request + 0x10, 0x3fd); /* our own line's status: it can take a byte */
    Put32(Request + 0x18, 1);
    CHECK(Ask(NULL, 0) == 0 && (Get32(Answer.Payload + 0x1c) & 0x20));
    Put32(Request + 0x18, 3);
    CHECK(Ask(NULL, 0) != 0);
    Put64(Request + 0x10, 0x10000);
    Put32(Request + 0x18, 1);
    CHECK(Ask(NULL, 0) != 0);
    WireNewRequest(Request, 0x313a);
    Put64(Request + 0x10, 0x3ff); /* the UART's scratch register */
    Put32(Request + 0x18, 1);
    Put32(Request + 0x1c, 0x3c);
    CHECK(Ask(NULL, 0) == 0);
    WireNewRequest(Request, 0x3144);
    Put32(Request + 0x10, 1);
    Put32(Request + 0x14, 1); /* Isa */
    Put32(Request + 0x1c, 1);
    Put64(Request + 0x20, 0x3ff);
    CHECK(Ask(NULL, 0) == 0 && Get32(Answer.Payload + 0x28) == 0x3c);
    Put32(Request + 0x18, 7); /* no such bus */
    CHECK(Ask(NULL, 0) != 0);
    WireNewRequest(Request, 0x3152);
    Put32(Request + 0x10, 0xc0000101); /* gs base */
    CHECK(Ask(NULL, 0) == 0);
    CHECK(((uint64_t)Get32(Answer.Payload + 0x18) << 32 | Get32(Answer.Payload + 0x14)) ==
          WireControlValue(0));
}

static void TestManipulate(void)
{
    static const uint32_t Refused[] = {0, 0x312f, 0x313f, 0x3140, 0x3141, 0x3142, 0x3143, 0x3147,
                                       0x3148, 0x3151, 0x3154, 0x3155, 0x3157, 0x3158, 0x315d,
                                       0x315e, 0x3161, 0x3170, 0xffffffff};
    WIRE_PACKET State;
    WireAttach(&State);
    uint64_t Pc = ExpectBreak(&State, 0x80000003);
    CheckMemory(Pc);
    CheckSearchAndFill(WireRead64(DataBlock() + 0x1e0) + 0x4000); /* KdPrintCircularBuffer */
    CheckContext();
    CheckControlSpace();
    CheckPorts();
    for (size_t i = 0; i < sizeof(Refused) / sizeof(Refused[0]); i++) {
        WireNewRequest(Request, Refused[i]);
        memset(Request + 0x10, 0x5a, 40);
        CHECK(Ask("data", 4) == UNSUCCESSFUL && Answer.Count == 56);
        CHECK(memcmp(Answer.Payload + 0x10, Request + 0x10, 40) == 0);
    }
    WireNewRequest(Request, 0x3159);
    CHECK(Ask(NULL, 0) == 0);
    WireNewRequest(Request, 0x315a); /* must get no answer */
    WireCommand(Request);
    WireExpectSilence(200);
    WireNewRequest(Request, 0x3150); /* a state change is the answer */
    WireCommand(Request);
    WireExpectData(&State, 7);
    CHECK(ExpectBreak(&State, 0x80000007) == Pc);
    StepOverBreak(1);
    WireNewRequest(Request, 0x3136); /* the short way to go on */
    Put32(Request + 0x10, 0x00010001);
    WireCommand(Request);
    WireServeToEnd();
}

static void Trace(uint64_t Dr7)
{
    WireNewRequest(Request, 0x313c);
    Put32(Request + 0x10, 0x00010002);
    Put32(Request + 0x14, Dr7 == 0);
    Put64(Request + 0x18, Dr7);
    WireCommand(Request);
}

static uint32_t SetBreakpoint(uint64_t Address)
{
    WireNewRequest(Request, 0x3134);
    Put64(Request + 0x10, Address);
    uint32_t Status = Ask(NULL, 0);
    uint32_t Handle = Get32(Answer.Payload + 0x18);
    CHECK((Status == 0) == (Handle >= 1 && Handle <= 32) && (Status == 0) == (Handle != 0));
    return Handle;
}

static void TestStep(void)
{
    WIRE_PACKET State;
    uint8_t Special[0xf0], Context[0x4d0];
    WireAttach(&State);
    uint64_t Pc = ExpectBreak(&State, 0x80000003);
    StepOverBreak(1);
    WireGetContext(Context);
    uint64_t Return = WireRead64(Get64(Context + 0x98));
    Trace(0);
    WireWaitForBreak(&State);
    CHECK(ExpectBreak(&State, 0x80000004) == Return); /* the ret was executed, no more */
    CHECK(Get64(State.Payload + 0xc0) & 0x4000);      /* dr6: single step */
    CHECK(Pc + 1 != Return);
    /* A hardware breakpoint on code that runs a hundred times a second. */
    uint64_t Tick = Symbol("KeUpdateSystemTime");
    CHECK(ControlSpace(2, 0xf0) == 0);
    memcpy(Special, Answer.Payload + 56, sizeof(Special));
    Put64(Special + 0x20, Tick);
    WireNewRequest(Request, 0x3138);
    Put64(Request + 0x10, 2);
    Put32(Request + 0x18, 0xf0);
    CHECK(Ask(Special, 0xf0) == 0);
    Trace(0x402);
    WireWaitForBreak(&State);
    CHECK(ExpectBreak(&State, 0x80000004) == Tick && (Get64(State.Payload + 0xc0) & 1));
    CHECK(Get64(State.Payload + 0xc8) & 2); /* dr7 */
    /* Off again; a breakpoint there, taken away by the stop itself. */
    uint32_t Handle = SetBreakpoint(Tick + 16);
    CHECK(Handle != 0 && SetBreakpoint(Tick + 16) == 0);
    CHECK((uint8_t)WireRead64(Tick + 16) == 0xcc);
    WireNewRequest(Request, 0x3135);
    Put32(Request + 0x10, Handle);
    CHECK(Ask(NULL, 0) == 0 && (uint8_t)WireRead64(Tick + 16) != 0xcc);
    WireContinue();
    WireSendBytes("b", 1);
    WireWaitForBreak(&State);
    StepOverBreak(1);
    uint8_t Original = (uint8_t)WireRead64(Tick);
    CHECK(SetBreakpoint(Tick) != 0);
    WireContinue();
    WireWaitForBreak(&State);
    CHECK(ExpectBreak(&State, 0x80000003) == Tick); /* not behind it */
    CHECK(State.Payload[0xd8] == Original && (uint8_t)WireRead64(Tick) == Original);
    CHECK(SetBreakpoint(0x8000000000000ull) == 0);
    WireContinue();
    WireExpectSilence(200); /* it is gone */
}

/* A page of the driver's image that is pageable, and out: owed, .pagein, set, reached. */
static uint64_t RequestPageIn(uint64_t Process, uint64_t Address, WIRE_PACKET *State)
{
    uint8_t Value[8];
    uint32_t Actual;
    CHECK((uint32_t)WireRead64(Symbol("ExpDebuggerWork")) == 0);
    Put64(Value, Process);
    CHECK(WireWrite(Symbol("ExpDebuggerProcessAttach"), Value, 8, &Actual) == 0);
    Put64(Value, Address);
    CHECK(WireWrite(Symbol("ExpDebuggerPageIn"), Value, 8, &Actual) == 0);
    Put64(Value, 1);
    CHECK(WireWrite(Symbol("ExpDebuggerWork"), Value, 4, &Actual) == 0);
    WireContinue();
    WireWaitForBreak(State);
    uint64_t Pc = ExpectBreak(State, 0x80000003);
    CHECK(Pc == WireRead64(DataBlock() + 0x20)); /* DbgBreakPointWithStatus */
    CHECK((uint32_t)WireRead64(Symbol("ExpDebuggerWork")) == 0);
    StepOverBreak(7);
    return Pc;
}

static void TestPageIn(void)
{
    WIRE_PACKET State;
    uint8_t Byte;
    uint32_t Actual;
    WireAttach(&State);
    ExpectBreak(&State, 0x80000003);
    StepOverBreak(1);
    /* The second module is the driver; its PAGE section is out (the scenario has evicted it). */
    uint64_t List = WireRead64(DataBlock() + 0x48);
    uint64_t Base = WireRead64(WireRead64(WireRead64(List)) + 0x30);
    uint64_t Header = Base + (uint32_t)WireRead64(Base + 0x3c);
    uint64_t Section = Header + 24 + (WireRead64(Header + 20) & 0xffff);
    while (memcmp((uint64_t[]){WireRead64(Section)}, "PAGE\0\0\0", 8) != 0) {
        Section += 40;
        CHECK(Section < Base + 0x1000);
    }
    uint64_t Page = Base + (uint32_t)WireRead64(Section + 12);
    CHECK(PhysicalOf(Page) == 0);
    CHECK(WireRead(Page, &Byte, 1, &Actual) == UNSUCCESSFUL && Actual == 0);
    CHECK(WireWrite(Page, &Byte, 1, &Actual) == UNSUCCESSFUL && Actual == 0);
    uint32_t Handle = SetBreakpoint(Page);
    CHECK(Handle != 0 && PhysicalOf(Page) == 0); /* owed, and it touched nothing */
    RequestPageIn(0, Page, &State);
    CHECK(PhysicalOf(Page) != 0);
    CHECK(WireRead(Page, &Byte, 1, &Actual) == 0 && Byte == 0xcc); /* it came with the page */
    RequestPageIn(0, Page, &State);                                /* resident already */
    CHECK(WireRead(Page, &Byte, 1, &Actual) == 0 && Byte == 0xcc);
    WireNewRequest(Request, 0x3135);
    Put32(Request + 0x10, Handle);
    CHECK(Ask(NULL, 0) == 0);
    CHECK(WireRead(Page, &Byte, 1, &Actual) == 0 && Byte != 0xcc);
    /* Addresses that cannot be valid only break in. */
    RequestPageIn(0, 0x1000, &State);
    RequestPageIn(0, 0x8000000000000ull, &State);
    RequestPageIn(0, 0xfffff8a07ffff000, &State);
    RequestPageIn(0x1234, 0, &State); /* no such process */
    /* .process /i: the process, System, is the current one at the stop */
    uint64_t Process = WireRead64(WireRead64(DataBlock() + 0x50)) - 0x2f0;
    RequestPageIn(Process, 0, &State);
    CHECK(WireRead64(WireControlValue(3) + 0x80) == Process);
    WireContinue();
    WireExpectSilence(200);
}

/* DbgPrompt: asked again after RESEND; the answer is cut to the room there is. */
static void TestPrompt(void)
{
    WIRE_PACKET State;
    uint8_t Io[16] = {0};
    unsigned Asked = 0;
    WireAttach(&State);
    StepOverBreak(1);
    WireContinue();
    while (Asked < 2) {
        CHECK(WireReceive(&State, 10000) && State.Leader == 0x30303030);
        if (State.Type == 3 && Get32(State.Payload) == 0x3231) {
            CHECK(Get32(State.Payload + 8) == 31 && Get32(State.Payload + 12) == 16);
            CHECK(State.Count == 16 + 31);
            CHECK(memcmp(State.Payload + 16, "debugger-prompt: which colour? ", 31) == 0);
            WireSendControl(4, State.Id & ~0x800u);
            if (Asked++ == 0) {
                WireSendControl(5, 0);
            }
        } else {
            WireServe(&State);
        }
    }
    Put32(Io, 0x3231);
    Put32(Io + 12, 20);
    WireSendData(3, WireNextId, Io, 16, "blue, or 16 bytes of", 20);
    WireExpectControl(4, WireNextId);
    WireNextId ^= 1;
    CHECK(WireReceive(&State, 10000) && State.Type == 3 && Get32(State.Payload) == 0x3230);
    State.Payload[State.Count] = 0;
    CHECK(strcmp((char *)State.Payload + 16,
                 "debugger-prompt: 16 bytes: blue, or 16 byte\n") == 0);
    WireServe(&State);
    WireServeToEnd();
}

/* .crash: no answer, and the bug check that it asks for. */
static void TestCrash(void)
{
    WIRE_PACKET State;
    WireAttach(&State);
    StepOverBreak(1);
    WireNewRequest(Request, 0x3149);
    WireCommand(Request);
    WireWaitForBreak(&State);
    ExpectBreak(&State, 0x80000003);
    CHECK(WireRead64(WireRead64(DataBlock() + 0x88)) == 0xe2);
    StepOverBreak(3);
    WireContinue();
    WireWaitForBreak(&State);
    StepOverBreak(4);
    WireContinue();
    WireServeToEnd();
}

static void TestReboot(void)
{
    WIRE_PACKET State;
    WireAttach(&State);
    WireNewRequest(Request, 0x313b);
    WireCommand(Request);
    CHECK(WireByte(10000) == -2);
}

static void TestVersion(void)
{
    WIRE_PACKET State;
    WireAttach(&State);
    KernelBase();
    WireNewRequest(Request, 0x3146);
    CHECK(Ask(NULL, 0) == 0 && Get16(Answer.Payload + 0x12) == 2600);
    uint8_t Bytes[4000];
    uint32_t Actual;
    CHECK(WireRead(KernelBase(), Bytes, 2048, &Actual) == 0 && Actual == 1992); /* for r2 */
    StepOverBreak(1);
    WireContinue();
    WireServeToEnd();
}

const KD_TEST RequestTests[] = {
    {"manipulate", TestManipulate}, {"step", TestStep},     {"page-in", TestPageIn},
    {"crash", TestCrash},           {"reboot", TestReboot}, {"version", TestVersion},
    {"prompt", TestPrompt},
    {NULL, NULL},
};
