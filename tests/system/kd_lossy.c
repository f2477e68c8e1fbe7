/* SPDX-License-Identifier: MIT */
/*
 * A line that drops, doubles and delays bytes in both directions, and a client that must get by on
 * acknowledgements, RESEND and RESET. Each connection attaches to the running target, reads what is
 * known, lets it go on and leaves. None may get stuck, and nothing may be read that is not so.
 * usage: kd_lossy SOCKET SEED CONNECTIONS
 */
#include "kd_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../lib/xorshift.h"

/*
 * The next fault comes that many bytes later: never two in a packet, as a byte that is dropped and
 * an equal one that is doubled would leave the sum as it was, which is all the protocol checks.
 */
#define FAULT_LEAST 4100u
#define FAULT_MORE 7000u
#define GAP_MS 100         /* a packet that stops that long is damaged */
#define ANSWER_MS 300      /* then it is asked again: the target sends again after 250 */
#define STUCK_MS 15000     /* no connection may take longer */
#define READ_SIZE 400u

static uint64_t Random;
static unsigned Dropped, Doubled, Delayed;

static uint64_t NextRandom(void)
{
    return Random = XorShift64(Random);
}

static uint64_t Now(void)
{
    struct timespec Time;
    clock_gettime(CLOCK_MONOTONIC, &Time);
    return (uint64_t)Time.tv_sec * 1000 + (uint64_t)Time.tv_nsec / 1000000;
}

/* How often a byte arrives; now and then late. */
static int Times(void)
{
    static uint64_t Until = FAULT_LEAST;
    if (--Until != 0) {
        return 1;
    }
    Until = FAULT_LEAST + NextRandom() % FAULT_MORE;
    uint64_t Fate = NextRandom() % 3;
    if (Fate == 2) {
        struct timespec Time = {0, (long)(1 + NextRandom() % 20) * 1000000};
        Delayed++;
        nanosleep(&Time, NULL);
        return 1;
    }
    Dropped += Fate == 0;
    Doubled += Fate == 1;
    return Fate == 0 ? 0 : 2;
}

static void LossySend(const uint8_t *Bytes, size_t Size)
{
    static uint8_t Out[2 * (17 + WIRE_PAYLOAD)];
    size_t Used = 0;
    for (size_t i = 0; i < Size; i++) {
        for (int Time = Times(); Time > 0; Time--) {
            Out[Used++] = Bytes[i];
        }
    }
    WireSendBytes(Out, Used);
}

static int LossyByte(int Milliseconds)
{
    static int Again = -1;
    int Byte = Again;
    Again = -1;
    while (Byte < 0) {
        Byte = WireByte(Milliseconds);
        if (Byte == -2) {
            Fail("the line is closed");
        }
        if (Byte < 0) {
            return -1;
        }
        int Arrives = Times();
        if (Arrives == 2) {
            Again = Byte;
        } else if (Arrives == 0) {
            Byte = -1;
        }
    }
    return Byte;
}

typedef enum { Nothing, Damaged, Control, Data } KIND;

/* Looks for a leader, then takes what follows as a packet. */
static KIND Receive(WIRE_PACKET *Packet, int Milliseconds)
{
    uint8_t Header[16];
    uint64_t Limit = Now() + (uint64_t)Milliseconds;
    int Equal = 0, Last = -1, Byte;
    while (Equal < 4) {
        uint64_t Time = Now();
        if (Time >= Limit || (Byte = LossyByte((int)(Limit - Time))) < 0) {
            return Nothing;
        }
        Equal = Byte != 0x30 && Byte != 0x69 ? 0 : Byte == Last ? Equal + 1 : 1;
        Last = Byte;
    }
    memset(Header, Last, 4);
    for (int i = 4; i < 16; i++) {
        if ((Byte = LossyByte(GAP_MS)) < 0) {
            return Damaged;
        }
        Header[i] = (uint8_t)Byte;
    }
    Packet->Type = Get16(Header + 4);
    Packet->Count = Get16(Header + 6);
    Packet->Id = Get32(Header + 8);
    if (Last == 0x69) {
        return Control;
    }
    uint32_t Sum = 0;
    if (Packet->Count > WIRE_PAYLOAD) {
        return Damaged;
    }
    for (unsigned i = 0; i <= Packet->Count; i++) {
        if ((Byte = LossyByte(GAP_MS)) < 0) {
            return Damaged;
        }
        Packet->Payload[i] = (uint8_t)Byte;
        Sum += i < Packet->Count ? (uint32_t)Byte : 0;
    }
    return Byte == 0xaa && Sum == Get32(Header + 12) ? Data : Damaged;
}

static uint32_t NextId, Expected;

static void SendControl(unsigned Type, uint32_t Id)
{
    uint8_t Packet[16] = {0x69, 0x69, 0x69, 0x69, (uint8_t)Type};
    Put32(Packet + 8, Id);
    LossySend(Packet, 16);
}

/* Acknowledges; true: it is the one that was due. SYNC: the target has begun anew. */
static bool Take(const WIRE_PACKET *Packet)
{
    uint32_t Id = Packet->Id & ~0x800u;
    if (Packet->Id & 0x800u) {
        Expected = Id;
        NextId = 0x80800000;
    }
    SendControl(4, Id);
    if (Id != Expected) {
        return false;
    }
    Expected ^= 1;
    return true;
}

/* False: the two have lost each other; RESET helps. */
static bool Ask(const uint8_t Request[56], const uint8_t *More, size_t Size, WIRE_PACKET *Answer)
{
    static uint8_t Packet[17 + WIRE_PAYLOAD] = {0x30, 0x30, 0x30, 0x30, 2};
    uint32_t Sum = 0;
    Put16(Packet + 6, (uint16_t)(56 + Size));
    Put32(Packet + 8, NextId);
    memcpy(Packet + 16, Request, 56);
    if (Size != 0) {
        memcpy(Packet + 72, More, Size);
    }
    for (size_t i = 0; i < 56 + Size; i++) {
        Sum += Packet[16 + i];
    }
    Put32(Packet + 12, Sum);
    Packet[72 + Size] = 0xaa;
    for (int Try = 0; Try < 6; Try++) {
        LossySend(Packet, 73 + Size);
        for (;;) {
            KIND Kind = Receive(Answer, ANSWER_MS);
            if (Kind == Nothing || (Kind == Control && Answer->Type == 5)) {
                break;
            }
            bool Acknowledged = Kind == Control && Answer->Type == 4 && Answer->Id == NextId;
            if (Acknowledged && Request[0] == 0x3c) {
                NextId ^= 1;
                return true; /* Continue2: the acknowledgement is all */
            }
            if (Kind == Control && Answer->Type == 6) {
                return false;
            }
            if (Kind == Damaged) {
                SendControl(5, 0);
            }
            if (Kind == Data && Take(Answer)) {
                NextId ^= 1;
                return Answer->Type == 2 && Get32(Answer->Payload) == Get32(Request);
            }
        }
    }
    return false;
}

/* Whether it has arrived shows at the next connection. */
static void Continue(void)
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x313c);
    Put32(Request + 0x10, 0x00010002);
    Ask(Request, NULL, 0, &Answer);
}

/* Until a state change of a break has come. */
static void Attach(uint64_t Limit)
{
    WIRE_PACKET Packet;
    while (Now() < Limit) {
        bool Reset = false;
        LossySend((const uint8_t *)"b", 1);
        SendControl(6, 0);
        uint64_t Again = Now() + 3 * ANSWER_MS;
        while (Now() < Again) {
            KIND Kind = Receive(&Packet, ANSWER_MS);
            bool Due = Kind == Data && Take(&Packet) && Reset && Packet.Type == 7;
            if (Kind == Control && Packet.Type == 6) {
                Reset = true;
            } else if (Kind == Damaged) {
                SendControl(5, 0);
            } else if (Due && Get32(Packet.Payload) == 0x3030) {
                return;
            } else if (Due) {
                Continue(); /* an image was loaded */
            }
        }
    }
    Fail("attaching: stuck");
}

static void MustAsk(const uint8_t Request[56], const uint8_t *More, size_t Size,
                    WIRE_PACKET *Answer, uint64_t Limit)
{
    while (!Ask(Request, More, Size, Answer)) {
        if (Now() >= Limit) {
            Fail("request %08x: stuck", Get32(Request));
        }
        Attach(Limit);
    }
}

static void Read(uint64_t Address, uint8_t *Out, uint64_t Limit)
{
    uint8_t Request[56];
    WIRE_PACKET Answer;
    WireNewRequest(Request, 0x3130);
    Put64(Request + 0x10, Address);
    Put32(Request + 0x18, READ_SIZE);
    MustAsk(Request, NULL, 0, &Answer, Limit);
    CHECK(Get32(Answer.Payload + 8) == 0 && Answer.Count == 56 + READ_SIZE);
    memcpy(Out, Answer.Payload + 56, READ_SIZE);
}

/* rip goes over the int3. After a loss in the middle the registers are got anew. */
static void StepOverBreak(uint64_t Limit)
{
    uint8_t Request[56], Context[0x4d0];
    WIRE_PACKET Answer;
    do {
        WireNewRequest(Request, 0x3132);
        MustAsk(Request, NULL, 0, &Answer, Limit);
        CHECK(Answer.Count == 56 + 0x4d0);
        memcpy(Context, Answer.Payload + 56, 0x4d0);
        Put64(Context + 0xf8, Get64(Context + 0xf8) + 1);
        WireNewRequest(Request, 0x3133);
    } while (!Ask(Request, Context, 0x4d0, &Answer) || Get32(Answer.Payload + 8) != 0);
}

int main(int Count, char **Arguments)
{
    uint8_t Request[56], Known[3][READ_SIZE], Bytes[READ_SIZE];
    WIRE_PACKET Answer;
    if (Count != 4) {
        Fail("usage: kd_lossy SOCKET SEED CONNECTIONS");
    }
    Random = strtoull(Arguments[2], NULL, 10) * 2654435761u + 1;
    uint64_t Slowest = 0;
    for (int Connection = 0; Connection < atoi(Arguments[3]); Connection++) {
        uint64_t Start = Now(), Limit = Start + STUCK_MS;
        WireConnect(Arguments[1]);
        Attach(Limit);
        WireNewRequest(Request, 0x3146);
        MustAsk(Request, NULL, 0, &Answer, Limit);
        uint64_t Base = Get64(Answer.Payload + 0x20);
        for (unsigned i = 0; i < 3; i++) {
            Read(Base + 0x1000 * i, Connection == 0 ? Known[i] : Bytes, Limit);
            if (Connection != 0 && memcmp(Bytes, Known[i], READ_SIZE) != 0) {
                Fail("connection %d: wrong bytes", Connection);
            }
        }
        StepOverBreak(Limit);
        Continue();
        WireDisconnect();
        Slowest = Now() - Start > Slowest ? Now() - Start : Slowest;
    }
    printf("seed %s: %u bytes dropped, %u doubled, %u late; the slowest connection took %llu ms\n",
           Arguments[2], Dropped, Doubled, Delayed, (unsigned long long)Slowest);
    if (Dropped + Doubled + Delayed < (unsigned)atoi(Arguments[3]) / 4) {
        Fail("too few faults for a test");
    }
    return 0;
}
