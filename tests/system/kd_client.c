/* SPDX-License-Identifier: MIT */
/*
 * What a kernel debugger may meet at the target's end of the line, byte by byte: attaching, ids,
 * retries, rubbish, stops. kd_requests.c has the requests one by one.
 * usage: kd_client SOCKET TEST [SYMBOL=RVA ...]
 */
#include "kd_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int SymbolCount;
static char **Symbols;

uint64_t KernelBase(void)
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x3146);
    WireRequest(Request, NULL, 0, &Answer);
    return Get64(Answer.Payload + 0x20);
}

uint64_t Symbol(const char *Name)
{
    size_t Length = strlen(Name);
    for (int i = 0; i < SymbolCount; i++) {
        if (strncmp(Symbols[i], Name, Length) == 0 && Symbols[i][Length] == '=') {
            return KernelBase() + strtoull(Symbols[i] + Length + 1, NULL, 10);
        }
    }
    Fail("no address of %s was given", Name);
}

uint64_t DataBlock(void)
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x3146);
    WireRequest(Request, NULL, 0, &Answer);
    return WireRead64(Get64(Answer.Payload + 0x30));
}

uint64_t ExpectBreak(const WIRE_PACKET *State, uint32_t Code)
{
    CHECK(State->Type == 7 && State->Count == 240 && Get32(State->Payload) == 0x3030);
    if (Get32(State->Payload + 0x20) != Code) {
        Fail("exception %08x instead of %08x", Get32(State->Payload + 0x20), Code);
    }
    return Get64(State->Payload + 0x18);
}

/* DbgBreakPointWithStatus, with that status in rcx; leaves rip behind the int3. */
void StepOverBreak(uint64_t Status)
{
    uint8_t Context[0x4d0];
    WireGetContext(Context);
    CHECK(Get64(Context + 0x80) == Status);
    Put64(Context + 0xf8, Get64(Context + 0xf8) + 1);
    WireSetContext(Context);
}

/* As r2 does: break-in, RESET, version, the data block, four reads. */
static void TestAttach(void)
{
    WIRE_PACKET State, Answer;
    uint8_t Request[56], Context[0x4d0];
    WireAttach(&State);
    uint64_t Pc = ExpectBreak(&State, 0x80000003);
    CHECK(Get32(State.Payload + 0xb8) == 1);        /* first chance */
    CHECK(Get32(State.Payload + 8) == 1);           /* processors */
    CHECK(Pc == Get64(State.Payload + 0x30));       /* PC is at the CC */
    CHECK(State.Payload[0xd8] == 0xcc && Get16(State.Payload + 0xd4) == 16);
    CHECK(Get16(State.Payload + 0xe8) == 0x10 && Get16(State.Payload + 0xd6) == 3);

    WireNewRequest(Request, 0x3146);
    WireRequest(Request, NULL, 0, &Answer);
    const uint8_t *Version = Answer.Payload + 0x10;
    CHECK(Answer.Count == 56 && Get32(Answer.Payload + 8) == 0);
    CHECK((Get16(Version) & 0xff) == 0x0f || (Get16(Version) & 0xff) == 0x0c);
    CHECK(Get16(Version + 2) == 18362 && Version[4] == 6 && Version[5] == 2);
    CHECK((Get16(Version + 6) & 6) == 6 && Get16(Version + 8) == 0x8664);
    CHECK(Version[0xa] == 0x0c && Version[0xb] == 3 && Version[0xc] == 0x31);
    uint64_t Base = Get64(Version + 0x10), List = Get64(Version + 0x18);
    uint64_t Block = WireRead64(Get64(Version + 0x20));
    CHECK((WireRead64(Base) & 0xffff) == 0x5a4d); /* MZ */
    CHECK((uint32_t)WireRead64(Block + 0x10) == 0x4742444b);
    CHECK(WireRead64(Block + 0x10) >> 32 == 0x380);
    CHECK(WireRead64(Block + 0x18) == Base && WireRead64(Block + 0x48) == List);
    CHECK((WireRead64(Block + 0x36) & 1) == 1);                  /* PAE */
    CHECK((uint32_t)WireRead64(WireRead64(Block + 0x268)) == 0); /* no service pack */
    CHECK(WireRead64(WireRead64(List) + 0x30) == Base); /* the first module is the kernel */
    CHECK(WireRead64(Block + 0x20) == Pc);              /* DbgBreakPointWithStatus */
    /* PsActiveProcessHead: the first process is 4, System, by the offsets of build 18362 */
    uint64_t Process = WireRead64(WireRead64(Block + 0x50)) - 0x2f0;
    CHECK(WireRead64(Process + 0x2e8) == 4);
    CHECK(memcmp((uint64_t[]){WireRead64(Process + 0x450)}, "System\0", 7) == 0);

    WireGetContext(Context);
    CHECK(Get64(Context + 0xf8) == Pc);
    CHECK((Get32(Context + 0x30) & 0x10001f) == 0x10001f);
    CHECK(WireControlValue(0) + 0x180 == WireControlValue(1));
    CHECK(WireControlValue(3) == Get64(State.Payload + 0x10));
    CHECK(WireRead64(WireRead64(Block + 0x218)) == WireControlValue(1)); /* KiProcessorBlock */
    CHECK(WireRead64(WireControlValue(0) + 0x108) != 0);                 /* KdVersionBlock */
    StepOverBreak(1);
    WireContinue();
    WireServeToEnd();
}

/* As ntoseye does: only listens; a stopped target sends again by itself, and no RESET is needed. */
static void TestListen(void)
{
    WIRE_PACKET State, Answer;
    uint8_t Request[56];
    WireExpectData(&State, 7);
    CHECK(State.Id == 0x80800800 && Get32(State.Payload) == 0x3031);
    CHECK(State.Count == 240 + Get32(State.Payload + 0x20)); /* the path, with its NUL */
    CHECK(strcmp((char *)State.Payload + 240, "ntoskrnl.exe") == 0);
    CHECK(Get64(State.Payload + 0x30) == ~0ull && State.Payload[0x40] == 0);
    uint64_t Base = Get64(State.Payload + 0x28);
    WireNextId = 0x80800000;
    WireContinue();
    WireExpectData(&State, 7);
    CHECK(State.Id == 0x80800001);
    ExpectBreak(&State, 0x80000003);
    CHECK(KernelBase() == Base);
    for (uint32_t Handle = 0; Handle <= 33; Handle++) {
        WireNewRequest(Request, 0x3135);
        Put32(Request + 0x10, Handle);
        WireRequest(Request, NULL, 0, &Answer);
        CHECK(Get32(Answer.Payload + 8) == 0xc0000001); /* no debugger left any */
    }
    StepOverBreak(1);
    WireContinue();
    WireServeToEnd();
}

/* Sent again every quarter of a second, for ever, until the right acknowledgement comes. */
static void TestRetransmit(void)
{
    WIRE_PACKET State, Again, Answer;
    uint8_t Request[56];
    WireAttach(&State);
    WireNewRequest(Request, 0x313f); /* answered by its header */
    uint32_t Id = (State.Id & ~0x800u) ^ 1;
    WireSendData(2, WireNextId, Request, 56, NULL, 0);
    WireExpectControl(4, WireNextId);
    for (int i = 0; i < 25; i++) { /* more often than a print would be */
        CHECK(WireReceive(&Answer, 5000) && Answer.Type == 2 && Answer.Id == Id);
        CHECK(Get32(Answer.Payload + 8) == 0xc0000001);
        WireSendControl(4, Id ^ 1); /* of another packet */
    }
    /* The same request once more: acknowledged once more, and nothing is done twice. */
    WireSendData(2, WireNextId, Request, 56, NULL, 0);
    do {
        CHECK(WireReceive(&Again, 5000));
    } while (Again.Leader == 0x30303030 && Again.Id == Id);
    CHECK(Again.Leader == 0x69696969 && Again.Type == 4 && Again.Id == WireNextId);
    /* A new request instead of the acknowledgement: RESEND, and then it is served. */
    WireNextId ^= 1;
    WireSendData(2, WireNextId, Request, 56, NULL, 0);
    do {
        CHECK(WireReceive(&Again, 5000));
    } while (Again.Leader == 0x30303030);
    CHECK(Again.Type == 5);
    WireRequest(Request, NULL, 0, &Answer);
    CHECK(Answer.Id == (Id ^ 1));
    /* And that one again, long after it was served. */
    WireSendData(2, WireNextId ^ 1, Request, 56, NULL, 0);
    WireExpectControl(4, WireNextId ^ 1);
    WireExpectSilence(200);
    StepOverBreak(1);
    WireContinue();
    WireServeToEnd();
}

/* RESEND and RESET in the middle: the state change comes again, with the ids that go with it. */
static void TestReset(void)
{
    WIRE_PACKET State, Again;
    WireAttach(&State);
    for (int i = 0; i < 3; i++) {
        KernelBase();
        WireSendControl(5, 0);
        WireExpectData(&Again, 7);
        CHECK(memcmp(Again.Payload, State.Payload, 240) == 0);
        KernelBase();
        WireSendControl(6, 0);
        WireExpectControl(6, 0);
        WireExpectData(&Again, 7);
        CHECK(Again.Id == 0x80800800 && memcmp(Again.Payload, State.Payload, 240) == 0);
        WireNextId = 0x80800000;
    }
    /* A client that begins anew with SYNC in its first id, without RESET. */
    WireNextId = 0x80800800;
    KernelBase();
    KernelBase();
    StepOverBreak(1);
    WireContinue();
    WireServeToEnd();
}

static void ExpectResend(void)
{
    WireExpectControl(5, 0);
    KernelBase(); /* and all is well */
}

static void TestRubbish(void)
{
    WIRE_PACKET State;
    uint8_t Request[56], Bytes[4000];
    uint32_t Seed = 12345;
    WireAttach(&State);
    for (size_t i = 0; i < sizeof(Bytes); i++) {
        Seed = Seed * 1103515245 + 12345;
        Bytes[i] = (uint8_t)(Seed >> 16);
        if (Bytes[i] == 0x30 || Bytes[i] == 0x69) {
            Bytes[i] = 0x31; /* no leader can come of it */
        }
    }
    WireSendBytes(Bytes, sizeof(Bytes));
    WireExpectSilence(100);
    KernelBase();
    WireNewRequest(Request, 0x3146);
    uint8_t Packet[73] = {0x30, 0x30, 0x30, 0x30, 2, 0, 56};
    Put32(Packet + 8, WireNextId);
    memcpy(Packet + 16, Request, 56);
    Packet[12] = 0x46 + 0x31 + 1; /* checksum one too high */
    Packet[72] = 0xaa;
    WireSendBytes(Packet, 73);
    ExpectResend();
    Packet[12] = 0x46 + 0x31;
    Put32(Packet + 8, WireNextId);
    Packet[72] = 0xab; /* no AA */
    WireSendBytes(Packet, 73);
    ExpectResend();
    Put16(Packet + 6, 4001); /* longer than there is */
    WireSendBytes(Packet, 16);
    ExpectResend();
    WireSendData(2, WireNextId, Request, 55, NULL, 0); /* shorter than its header */
    ExpectResend();
    WireSendData(2, WireNextId, Request, 0, NULL, 0);
    ExpectResend();
    Put16(Packet + 6, 56);
    WireSendBytes(Packet, 40); /* cut off: forgotten after a while */
    WireExpectSilence(1000);
    KernelBase();
    WireSendControl(9, 0x12345678); /* control packets of no known type */
    WireSendControl(4, 0x80800000);
    WireExpectSilence(100);
    KernelBase();
    WireSendData(9, WireNextId, Request, 56, NULL, 0); /* trace data, which nobody waits for */
    WireExpectControl(4, WireNextId);
    WireNextId ^= 1;
    WireExpectSilence(100);
    StepOverBreak(1);
    WireContinue();
    WireServeToEnd();
}

static const char *SocketPath;

/* The line goes away in the middle of an answer; who comes next finds the target as it was. */
static void TestReconnect(void)
{
    WIRE_PACKET State, Again;
    uint8_t Request[56];
    WireAttach(&State);
    for (int i = 0; i < 5; i++) {
        WireNewRequest(Request, 0x3130);
        Put64(Request + 0x10, Get64(State.Payload + 0x18) & ~0xfffull);
        Put32(Request + 0x18, 3944);
        WireSendData(2, WireNextId, Request, 56, NULL, 0);
        WireExpectControl(4, WireNextId);
        CHECK(WireByte(5000) == 0x30);
        WireDisconnect();
        WireConnect(SocketPath);
        WireAttach(&Again);
        CHECK(memcmp(Again.Payload, State.Payload, 240) == 0);
    }
    CHECK(WireSecondIsRefused(SocketPath));
    KernelBase();
    StepOverBreak(1);
    WireContinue();
    WireServeToEnd();
}

/* Of a target that runs. */
static void TestBreakIn(void)
{
    WIRE_PACKET State;
    WireAttach(&State);
    for (int i = 0; i < 5; i++) {
        uint64_t Pc = ExpectBreak(&State, 0x80000003);
        CHECK(WireRead64(DataBlock() + 0x20) == Pc);
        StepOverBreak(1);
        WireContinue();
        WireExpectSilence(100);
        WireSendBytes("b", 1);
        WireWaitForBreak(&State);
    }
    WireSendBytes("bbb", 3); /* while it is stopped: not kept for later */
    KernelBase();
    StepOverBreak(1);
    WireContinue();
    WireExpectSilence(300);
}

/* A print that nobody acknowledges: twenty times, then the target goes on without a debugger. */
static void TestPrints(void)
{
    WIRE_PACKET State, Print;
    WireAttach(&State);
    StepOverBreak(1);
    WireContinue();
    for (;;) {
        CHECK(WireReceive(&Print, 10000) && Print.Leader == 0x30303030);
        if (Print.Type == 3) {
            break;
        }
        WireSendControl(4, Print.Id & ~0x800u);
        WireContinue();
    }
    CHECK(Get32(Print.Payload) == 0x3230 && Print.Count == 16 + Get32(Print.Payload + 8));
    unsigned Times = 1;
    WireMayClose = true; /* the run is soon over when it goes on */
    for (WIRE_PACKET Again; WireReceive(&Again, 1500); Times++) {
        CHECK(Again.Type == 3 && Again.Id == Print.Id && Again.Count == Print.Count);
    }
    if (Times != 20) {
        Fail("sent %u times", Times);
    }
}

/* Bug check: the text, a break with 3, the data, a break with 4, the end. */
static void TestBugCheck(void)
{
    WIRE_PACKET State;
    uint32_t Code = 0;
    WireAttach(&State);
    StepOverBreak(1);
    WireContinue();
    for (;;) {
        CHECK(WireReceive(&State, 10000));
        WireSendControl(4, State.Id & ~0x800u);
        if (State.Type == 7 && Get32(State.Payload) == 0x3030) {
            break;
        }
        if (State.Type == 7) {
            WireContinue();
            continue;
        }
        State.Payload[State.Count] = 0;
        char *Text = strstr((char *)State.Payload + 16, "*** Fatal System Error: ");
        Code = Text != NULL ? (uint32_t)strtoul(Text + 24, NULL, 16) : Code;
    }
    CHECK(Code == 0xd1);
    ExpectBreak(&State, 0x80000003);
    CHECK(WireRead64(WireRead64(DataBlock() + 0x88)) == 0xd1);
    StepOverBreak(3);
    WireContinue();
    WireWaitForBreak(&State);
    ExpectBreak(&State, 0x80000003);
    StepOverBreak(4);
    WireContinue();
    WireServeToEnd();
}

/* Loads and unloads of the driver, as state changes with its path. */
static void TestImages(void)
{
    WIRE_PACKET State;
    uint64_t Base = 0;
    bool Unloaded = false;
    WireAttach(&State);
    StepOverBreak(1);
    WireContinue();
    while (!Unloaded) {
        CHECK(WireReceive(&State, 10000));
        WireSendControl(4, State.Id & ~0x800u);
        if (State.Type != 7) {
            continue;
        }
        CHECK(Get32(State.Payload) == 0x3031);
        CHECK(strstr((char *)State.Payload + 240, "notepad.sys") != NULL);
        if (Base == 0) {
            Base = Get64(State.Payload + 0x28);
            CHECK((WireRead64(Base) & 0xffff) == 0x5a4d && State.Payload[0x40] == 0);
            CHECK(Get32(State.Payload + 0x3c) != 0); /* SizeOfImage */
        } else {
            CHECK(Get64(State.Payload + 0x28) == Base && State.Payload[0x40] == 1);
            Unloaded = true;
        }
        WireContinue();
    }
    WireServeToEnd();
}

/* The next state change; prints before it are taken. */
static void NextChange(WIRE_PACKET *State)
{
    do {
        CHECK(WireReceive(State, 10000));
        if (State->Id != 0x80800800 || State->Type != 7) {
            WireSendControl(4, State->Id & ~0x800u);
        }
    } while (State->Type != 7);
}

/* Who attaches while a load is being reported has that stop, and no break-in is owed to him. */
static void TestAttachAtLoad(void)
{
    WIRE_PACKET State;
    WireAttach(&State);
    StepOverBreak(1);
    WireContinue();
    NextChange(&State);
    CHECK(Get32(State.Payload) == 0x3031 && State.Payload[0x40] == 0);
    WireReset(); /* the break-in, and RESET */
    WireNextId = 0x80800000;
    do {
        CHECK(WireReceive(&State, 10000));
    } while (State.Id != 0x80800800);
    CHECK(State.Type == 7 && Get32(State.Payload) == 0x3031);
    WireSendControl(4, State.Id & ~0x800u);
    WireContinue();
    NextChange(&State);
    CHECK(Get32(State.Payload) == 0x3031 && State.Payload[0x40] == 1); /* not a break-in */
    WireContinue();
    WireServeToEnd();
}

/* The time limit of this run is shorter than this stop. */
static void TestStays(void)
{
    WIRE_PACKET State;
    WireAttach(&State);
    WireExpectSilence(4000);
    KernelBase();
}

extern const KD_TEST RequestTests[];
static const KD_TEST LineTests[] = {
    {"attach", TestAttach},
    {"listen", TestListen},
    {"retransmit", TestRetransmit},
    {"reset", TestReset},
    {"rubbish", TestRubbish},
    {"reconnect", TestReconnect},
    {"break-in", TestBreakIn},
    {"prints", TestPrints},
    {"bug-check", TestBugCheck},
    {"images", TestImages},
    {"attach-at-load", TestAttachAtLoad},
    {"stays", TestStays},
    {NULL, NULL},
};

int main(int Count, char **Arguments)
{
    const KD_TEST *const Tables[] = {LineTests, RequestTests};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (Count < 3) {
        Fail("usage: kd_client SOCKET TEST [SYMBOL=RVA ...]");
    }
    SymbolCount = Count - 3;
    Symbols = Arguments + 3;
    SocketPath = Arguments[1];
    for (size_t Table = 0; Table < 2; Table++) {
        for (const KD_TEST *Test = Tables[Table]; Test->Name != NULL; Test++) {
            if (strcmp(Test->Name, Arguments[2]) == 0) {
                WireConnect(SocketPath);
                Test->Run();
                printf("%s: as described\n", Arguments[2]);
                return 0;
            }
        }
    }
    Fail("no test %s", Arguments[2]);
}
