/* SPDX-License-Identifier: MIT */
#include "kd_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 10000 /* far more than any answer takes, less than a test may */

static int Line = -1;
uint32_t WireNextId;
bool WireMayClose;
static uint8_t Buffer[65536]; /* received and not yet looked at: [Start, End) */
static size_t Start, End;

void Fail(const char *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    vfprintf(stderr, Format, Arguments);
    va_end(Arguments);
    fputc('\n', stderr);
    exit(1);
}

uint16_t Get16(const uint8_t *At) { return (uint16_t)(At[0] | At[1] << 8); }
uint32_t Get32(const uint8_t *At) { return Get16(At) | (uint32_t)Get16(At + 2) << 16; }
uint64_t Get64(const uint8_t *At) { return Get32(At) | (uint64_t)Get32(At + 4) << 32; }

void Put16(uint8_t *At, uint16_t Value)
{
    At[0] = (uint8_t)Value;
    At[1] = (uint8_t)(Value >> 8);
}

void Put32(uint8_t *At, uint32_t Value)
{
    Put16(At, (uint16_t)Value);
    Put16(At + 2, (uint16_t)(Value >> 16));
}

void Put64(uint8_t *At, uint64_t Value)
{
    Put32(At, (uint32_t)Value);
    Put32(At + 4, (uint32_t)(Value >> 32));
}

static void Sleep(int Milliseconds)
{
    struct timespec Time = {Milliseconds / 1000, Milliseconds % 1000 * 1000000L};
    nanosleep(&Time, NULL);
}

void WireConnect(const char *Path)
{
    struct sockaddr_un Address = {.sun_family = AF_UNIX};
    strncpy(Address.sun_path, Path, sizeof(Address.sun_path) - 1);
    for (int Try = 0; Try < 500; Try++) {
        Line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(Line, (struct sockaddr *)&Address, sizeof(Address)) == 0) {
            return;
        }
        close(Line);
        Sleep(20);
    }
    Fail("%s: %s", Path, strerror(errno));
}

void WireDisconnect(void)
{
    close(Line);
    Start = End = 0;
    Line = -1;
}

bool WireSecondIsRefused(const char *Path)
{
    int First = Line;
    uint8_t Byte;
    WireConnect(Path);
    struct pollfd Poll = {Line, POLLIN, 0};
    bool Refused = poll(&Poll, 1, 2000) == 1 && recv(Line, &Byte, 1, 0) == 0;
    close(Line);
    Line = First;
    return Refused;
}

void WireSendBytes(const void *Bytes, size_t Size)
{
    const uint8_t *Next = Bytes;
    while (Size != 0) {
        ssize_t Sent = send(Line, Next, Size, MSG_NOSIGNAL);
        if (Sent <= 0) {
            Fail("the line is closed (sending)");
        }
        Next += Sent;
        Size -= (size_t)Sent;
    }
}

static void WireUnread(void)
{
    Start--;
}

int WireByte(int Milliseconds)
{
    if (Start == End) {
        struct pollfd Poll = {Line, POLLIN, 0};
        if (poll(&Poll, 1, Milliseconds) <= 0) {
            return -1;
        }
        ssize_t Got = recv(Line, Buffer, sizeof(Buffer), 0);
        if (Got <= 0) {
            return -2;
        }
        Start = 0;
        End = (size_t)Got;
    }
    return Buffer[Start++];
}

static uint8_t ByteInPacket(void)
{
    int Byte = WireByte(ANSWER_MS);
    if (Byte < 0) {
        Fail("a packet ends in its middle (%d)", Byte);
    }
    return (uint8_t)Byte;
}

static uint32_t LastDataId; /* of the data packet that came last */

bool WireReceive(WIRE_PACKET *Packet, int Milliseconds)
{
    uint8_t Header[16];
    uint32_t Sum = 0;
    int First = WireByte(Milliseconds);
    if (First == -2 && !WireMayClose) {
        Fail("the line is closed (receiving)");
    }
    if (First < 0) {
        return false;
    }
    Header[0] = (uint8_t)First;
    for (int i = 1; i < 16; i++) {
        Header[i] = ByteInPacket();
    }
    Packet->Leader = Get32(Header);
    Packet->Type = Get16(Header + 4);
    Packet->Count = Get16(Header + 6);
    Packet->Id = Get32(Header + 8);
    if (Packet->Leader == 0x69696969) {
        CHECK(Packet->Count == 0 && Get32(Header + 12) == 0);
        return true;
    }
    if (Packet->Leader != 0x30303030) {
        Fail("leader %08x", Packet->Leader);
    }
    CHECK(Packet->Count <= WIRE_PAYLOAD);
    for (unsigned i = 0; i < Packet->Count; i++) {
        Packet->Payload[i] = ByteInPacket();
        Sum += Packet->Payload[i];
    }
    CHECK(ByteInPacket() == 0xaa);
    CHECK(Sum == Get32(Header + 12));
    LastDataId = Packet->Id;
    return true;
}

void WireExpectSilence(int Milliseconds)
{
    int Byte = WireByte(Milliseconds);
    if (Byte != -1) {
        Fail("byte %d where nothing may come", Byte);
    }
}

void WireSendControl(unsigned Type, uint32_t Id)
{
    uint8_t Packet[16] = {0x69, 0x69, 0x69, 0x69};
    Put16(Packet + 4, (uint16_t)Type);
    Put32(Packet + 8, Id);
    WireSendBytes(Packet, 16);
}

void WireSendData(unsigned Type, uint32_t Id, const void *First, size_t FirstSize,
                  const void *Second, size_t SecondSize)
{
    uint8_t Packet[16 + 65536 + 1] = {0x30, 0x30, 0x30, 0x30};
    uint32_t Sum = 0;
    size_t Count = FirstSize + SecondSize;
    Put16(Packet + 4, (uint16_t)Type);
    Put16(Packet + 6, (uint16_t)Count);
    Put32(Packet + 8, Id);
    memcpy(Packet + 16, First, FirstSize);
    if (SecondSize != 0) {
        memcpy(Packet + 16 + FirstSize, Second, SecondSize);
    }
    for (size_t i = 0; i < Count; i++) {
        Sum += Packet[16 + i];
    }
    Put32(Packet + 12, Sum);
    Packet[16 + Count] = 0xaa;
    WireSendBytes(Packet, 16 + Count + 1);
}

void WireExpectControl(unsigned Type, uint32_t Id)
{
    WIRE_PACKET Packet;
    if (!WireReceive(&Packet, ANSWER_MS)) {
        Fail("no control packet of type %u came", Type);
    }
    if (Packet.Leader != 0x69696969 || Packet.Type != Type || Packet.Id != Id) {
        Fail("leader %08x type %u id %08x instead of control type %u id %08x", Packet.Leader,
             Packet.Type, Packet.Id, Type, Id);
    }
}

void WireExpectData(WIRE_PACKET *Packet, unsigned Type)
{
    if (!WireReceive(Packet, ANSWER_MS)) {
        Fail("no data packet of type %u came", Type);
    }
    if (Packet->Leader != 0x30303030 || Packet->Type != Type) {
        Fail("leader %08x type %u id %08x instead of a data packet of type %u", Packet->Leader,
             Packet->Type, Packet->Id, Type);
    }
    WireSendControl(4, Packet->Id & ~0x800u);
}

/* Bytes sent before the target has set up its UART are lost: asked again every second. */
void WireReset(void)
{
    static const uint8_t Reset[16] = {0x69, 0x69, 0x69, 0x69, 6};
    for (int Try = 0; Try < 10; Try++) {
        WireSendBytes("b", 1);
        WireSendControl(6, 0);
        /* Before it, the rest of a packet to another client, and what is sent again. */
        uint8_t Last[16] = {0};
        for (int Byte; (Byte = WireByte(1000)) >= 0;) {
            memmove(Last, Last + 1, 15);
            Last[15] = (uint8_t)Byte;
            if (memcmp(Last, Reset, 16) == 0) {
                return;
            }
        }
    }
    Fail("no answer to RESET");
}

/* A print or a state change that is not for us. */
void WireServe(const WIRE_PACKET *State)
{
    CHECK(State->Leader == 0x30303030);
    WireSendControl(4, State->Id & ~0x800u);
    if (State->Type == 7) {
        WireContinue();
    } else {
        CHECK(State->Type == 3 && Get32(State->Payload) == 0x3230);
    }
}

void WireAttach(WIRE_PACKET *State)
{
    bool Synchronized = false;
    WireReset();
    for (int Try = 0; Try < 10; Try++) {
        while (WireReceive(State, 1000)) {
            CHECK(State->Leader == 0x30303030);
            /* The last of the old stream may come first, when it was sent before our RESET came. */
            if (!Synchronized && State->Id != 0x80800800) {
                WireSendControl(4, State->Id & ~0x800u);
                continue;
            }
            if (!Synchronized) {
                WireNextId = 0x80800000;
                Synchronized = true;
            }
            if (State->Type == 7 && Get32(State->Payload) == 0x3030) {
                WireSendControl(4, State->Id & ~0x800u);
                return;
            }
            WireServe(State);
        }
        WireSendBytes("b", 1); /* it was lost in the target's start */
    }
    Fail("no break after RESET");
}

void WireServeToEnd(void)
{
    WIRE_PACKET State;
    for (int Byte; (Byte = WireByte(ANSWER_MS)) != -2;) {
        CHECK(Byte >= 0);
        WireUnread();
        CHECK(WireReceive(&State, ANSWER_MS));
        WireServe(&State);
    }
}

void WireWaitForBreak(WIRE_PACKET *State)
{
    for (;;) {
        if (!WireReceive(State, ANSWER_MS)) {
            Fail("no state change came");
        }
        if (State->Type == 7 && Get32(State->Payload) == 0x3030) {
            WireSendControl(4, State->Id & ~0x800u);
            return;
        }
        WireServe(State);
    }
}

void WireNewRequest(uint8_t Request[56], uint32_t Api)
{
    memset(Request, 0, 56);
    Put32(Request, Api);
}

/*
 * On a busy host a packet may come too slowly and be forgotten: sent again, as the rules allow, and
 * the target may ask for that, or send again what was acknowledged too late.
 */
static void WireSendRequest(const uint8_t Request[56], const void *Data, size_t Size)
{
    WIRE_PACKET Packet;
    uint32_t Id = WireNextId & ~0x800u, Known = LastDataId;
    for (int Try = 0; Try < 4; Try++) {
        WireSendData(2, WireNextId, Request, 56, Data, Size);
        bool Came = WireReceive(&Packet, ANSWER_MS / 3);
        while (Came && Packet.Leader == 0x30303030 && ((Packet.Id ^ Known) & ~0x800u) == 0) {
            WireSendControl(4, Packet.Id & ~0x800u);
            Came = WireReceive(&Packet, ANSWER_MS / 3);
        }
        if (Came && !(Packet.Leader == 0x69696969 && Packet.Type == 5)) {
            CHECK(Packet.Leader == 0x69696969 && Packet.Type == 4 && Packet.Id == Id);
            WireNextId = Id ^ 1;
            return;
        }
    }
    Fail("request %08x is not acknowledged", Get32(Request));
}

void WireCommand(uint8_t Request[56])
{
    WireSendRequest(Request, NULL, 0);
}

void WireRequest(uint8_t Request[56], const void *Data, size_t Size, WIRE_PACKET *Answer)
{
    WireSendRequest(Request, Data, Size);
    WireExpectData(Answer, 2);
    CHECK(Answer->Count >= 56);
    CHECK(memcmp(Answer->Payload, Request, 8) == 0); /* api, level and processor come back */
}

void WireContinue(void)
{
    uint8_t Request[56];
    WireNewRequest(Request, 0x313c);
    Put32(Request + 0x10, 0x00010002);
    WireCommand(Request);
}

static uint32_t Read(uint32_t Api, uint64_t Address, void *Out, uint32_t Size, uint32_t *Actual)
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, Api);
    Put64(Request + 0x10, Address);
    Put32(Request + 0x18, Size);
    WireRequest(Request, NULL, 0, &Answer);
    *Actual = Get32(Answer.Payload + 0x1c);
    CHECK(Answer.Count == 56 + *Actual && *Actual <= Size);
    memcpy(Out, Answer.Payload + 56, *Actual);
    return Get32(Answer.Payload + 8);
}

uint32_t WireRead(uint64_t Address, void *Out, uint32_t Size, uint32_t *Actual)
{
    return Read(0x3130, Address, Out, Size, Actual);
}

uint32_t WireReadPhysical(uint64_t Address, void *Out, uint32_t Size, uint32_t *Actual)
{
    return Read(0x313d, Address, Out, Size, Actual);
}

uint32_t WireWrite(uint64_t Address, const void *In, uint32_t Size, uint32_t *Actual)
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x3131);
    Put64(Request + 0x10, Address);
    Put32(Request + 0x18, Size);
    WireRequest(Request, In, Size, &Answer);
    CHECK(Answer.Count == 56);
    *Actual = Get32(Answer.Payload + 0x1c);
    return Get32(Answer.Payload + 8);
}

uint64_t WireRead64(uint64_t Address)
{
    uint8_t Value[8];
    uint32_t Actual;
    if (WireRead(Address, Value, 8, &Actual) != 0 || Actual != 8) {
        Fail("%llx cannot be read", (unsigned long long)Address);
    }
    return Get64(Value);
}

void WireGetContext(uint8_t Context[0x4d0])
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x3132);
    WireRequest(Request, NULL, 0, &Answer);
    CHECK(Get32(Answer.Payload + 8) == 0 && Answer.Count == 56 + 0x4d0);
    memcpy(Context, Answer.Payload + 56, 0x4d0);
}

void WireSetContext(const uint8_t Context[0x4d0])
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x3133);
    WireRequest(Request, Context, 0x4d0, &Answer);
    CHECK(Get32(Answer.Payload + 8) == 0 && Answer.Count == 56);
}

uint64_t WireControlValue(uint64_t Selector)
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x3137);
    Put64(Request + 0x10, Selector);
    Put32(Request + 0x18, 8);
    WireRequest(Request, NULL, 0, &Answer);
    CHECK(Get32(Answer.Payload + 8) == 0 && Get32(Answer.Payload + 0x1c) == 8);
    CHECK(Answer.Count == 56 + 8);
    return Get64(Answer.Payload + 56);
}
