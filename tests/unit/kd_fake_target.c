/* SPDX-License-Identifier: MIT */
#include "kd_fake_target.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACKNOWLEDGE_MS 60
#define INSIDE_MS 20

static uint32_t FakeRandom(FAKE_TARGET *Fake)
{
    Fake->Seed = Fake->Seed * 1664525u + 1013904223u;
    return Fake->Seed >> 8;
}

/*
 * Spoils bytes: drops some with an odd LossPerMillion, doubles some with an even one. Not both, and
 * none is changed: the protocol's sum does not notice two errors that make up for each other. Out
 * has room for two times Size. Returns how many are left.
 */
static size_t FakeSpoil(FAKE_TARGET *Fake, uint8_t *Out, const uint8_t *In, size_t Size)
{
    size_t Used = 0;
    for (size_t i = 0; i < Size; i++) {
        bool Bad = FakeRandom(Fake) % 1000000 < Fake->LossPerMillion;
        for (unsigned Copies = !Bad ? 1 : Fake->LossPerMillion % 2 ? 0 : 2; Copies != 0; Copies--) {
            Out[Used++] = In[i];
        }
    }
    return Used;
}

static void FakeWrite(FAKE_TARGET *Fake, const void *Bytes, size_t Size)
{
    static __thread uint8_t Spoiled[2 * KD_MAX_PACKET_BYTES];
    size_t Left = FakeSpoil(Fake, Spoiled, Bytes, Size);
    if (Left != 0 && send(Fake->Socket, Spoiled, Left, MSG_NOSIGNAL) != (ssize_t)Left) {
        Fake->Ended = true;
    }
}

static void FakeControl(FAKE_TARGET *Fake, uint16_t Type, uint32_t Id)
{
    KD_PACKET Packet;
    KdEncodeControl(&Packet, Type, Id);
    FakeWrite(Fake, &Packet, sizeof(Packet));
}

static KD_PARSE_RESULT FakeNext(FAKE_TARGET *Fake, int Milliseconds)
{
    uint8_t Raw[128];
    for (;;) {
        while (Fake->InputUsed < Fake->InputSize) {
            size_t Used;
            KD_PARSE_RESULT Result = KdParse(&Fake->Parser, Fake->Input + Fake->InputUsed,
                                             Fake->InputSize - Fake->InputUsed, &Used);
            Fake->InputUsed += Used;
            if (Result != KdNeedMore) {
                return Result;
            }
        }
        bool Inside = KdParserInPacket(&Fake->Parser);
        struct pollfd Poll = {Fake->Socket, POLLIN, 0};
        if (Fake->Ended || poll(&Poll, 1, Inside ? INSIDE_MS : Milliseconds) != 1) {
            if (Inside && !Fake->Ended) {
                KdInitializeParser(&Fake->Parser);
                return KdParsedBad;
            }
            return KdNeedMore;
        }
        ssize_t Got = read(Fake->Socket, Raw, sizeof(Raw));
        Fake->Ended = Got <= 0;
        Fake->InputUsed = 0;
        Fake->InputSize = Got > 0 ? FakeSpoil(Fake, Fake->Input, Raw, (size_t)Got) : 0;
    }
}

static void FakeReset(FAKE_TARGET *Fake)
{
    Fake->Resets++;
    Fake->CurrentId = KD_INITIAL_ID | KD_SYNC_ID;
    Fake->RemoteId = KD_INITIAL_ID;
    FakeControl(Fake, KdPacketReset, 0);
}

/* False: a RESET came meanwhile, what was sent is void; or the line is closed. */
static bool FakeSend(FAKE_TARGET *Fake, uint16_t Type, const void *First, size_t FirstSize,
                     const void *Second, size_t SecondSize)
{
    static __thread uint8_t Packet[KD_MAX_PACKET_BYTES];
    while (!Fake->Ended) {
        size_t Size = KdEncodeData(Packet, sizeof(Packet), Type, Fake->CurrentId, First, FirstSize,
                                   Second, SecondSize);
        FakeWrite(Fake, Packet, Size);
        for (bool Again = false; !Again && !Fake->Ended;) {
            switch (FakeNext(Fake, ACKNOWLEDGE_MS)) {
            case KdParsedControl:
                if (Fake->Parser.Header.Type == KdPacketAcknowledge &&
                    Fake->Parser.Header.Id == (Fake->CurrentId & ~KD_SYNC_ID)) {
                    Fake->CurrentId = (Fake->CurrentId & ~KD_SYNC_ID) ^ 1;
                    return true;
                }
                if (Fake->Parser.Header.Type == KdPacketReset) {
                    FakeReset(Fake);
                    return false;
                }
                Again = Fake->Parser.Header.Type == KdPacketResend;
                break;
            case KdParsedData:
                FakeControl(Fake, KdPacketResend, 0);
                Fake->CurrentId = (Fake->CurrentId & ~KD_SYNC_ID) ^ 1;
                return true;
            case KdParsedBad: FakeControl(Fake, KdPacketResend, 0); break;
            case KdParsedBreakIn: break;
            case KdNeedMore: Again = true; break;
            }
        }
    }
    return false;
}

static void FakeReply(FAKE_TARGET *Fake, DBGKD_MANIPULATE_STATE64 *State, const void *Data,
                      size_t Size)
{
    FakeSend(Fake, KdPacketManipulate, State, sizeof(*State), Data, Size);
}

static uint8_t *FakeAt(FAKE_TARGET *Fake, uint64_t Address, uint32_t *Count)
{
    uint64_t Offset = Address - FAKE_MEMORY_BASE;
    if (Offset >= FAKE_MEMORY_SIZE) {
        *Count = 0;
        return Fake->Memory;
    }
    if (*Count > FAKE_MEMORY_SIZE - Offset) {
        *Count = (uint32_t)(FAKE_MEMORY_SIZE - Offset);
    }
    return Fake->Memory + Offset;
}

static void FakeControlSpace(FAKE_TARGET *Fake, DBGKD_MANIPULATE_STATE64 *State)
{
    uint64_t Value = FAKE_MEMORY_BASE + 0x1000 * State->Memory.Address;
    bool Special = State->Memory.Address == KD_CONTROL_SPACE_SPECIAL;
    State->Memory.ActualBytes = Special ? sizeof(Fake->Special) : 8;
    FakeReply(Fake, State, Special ? (void *)&Fake->Special : &Value, State->Memory.ActualBytes);
}

/* True: the target goes on. */
static bool FakeServe(FAKE_TARGET *Fake)
{
    DBGKD_MANIPULATE_STATE64 State;
    const uint8_t *Data = Fake->Parser.Payload + sizeof(State);
    size_t DataSize = Fake->Parser.Header.ByteCount - sizeof(State);
    memcpy(&State, Fake->Parser.Payload, sizeof(State));
    uint32_t Count = State.Memory.TransferCount;
    uint8_t *Bytes;

    Fake->Requests++;
    State.ReturnStatus = 0;
    switch (State.ApiNumber) {
    case DbgKdReadVirtualMemoryApi:
    case DbgKdReadPhysicalMemoryApi:
        Bytes = FakeAt(Fake, State.Memory.Address, &Count);
        State.ReturnStatus = Count == State.Memory.TransferCount ? 0 : (int32_t)0xC0000001;
        State.Memory.ActualBytes = Count;
        FakeReply(Fake, &State, Bytes, Count);
        return false;
    case DbgKdWriteVirtualMemoryApi:
        Count = Count < DataSize ? Count : (uint32_t)DataSize;
        Bytes = FakeAt(Fake, State.Memory.Address, &Count);
        memcpy(Bytes, Data, Count);
        State.Memory.ActualBytes = Count;
        break;
    case DbgKdGetContextApi:
        FakeReply(Fake, &State, &Fake->Context, sizeof(Fake->Context));
        return false;
    case DbgKdSetContextApi:
        memcpy(&Fake->Context, Data, DataSize < sizeof(CONTEXT) ? DataSize : sizeof(CONTEXT));
        break;
    case DbgKdReadControlSpaceApi:
        FakeControlSpace(Fake, &State);
        return false;
    case DbgKdWriteControlSpaceApi:
        memcpy(&Fake->Special, Data, DataSize < 0xF0 ? DataSize : 0xF0);
        State.Memory.ActualBytes = 0xF0;
        break;
    case DbgKdWriteBreakPointApi:
        for (Count = 0; Count < KD_BREAKPOINT_MAX && Fake->Breakpoints[Count] != 0; Count++) {
        }
        State.WriteBreakPoint.Handle = Count < KD_BREAKPOINT_MAX ? Count + 1 : 0;
        State.ReturnStatus = Count < KD_BREAKPOINT_MAX ? 0 : (int32_t)0xC0000001;
        if (Count < KD_BREAKPOINT_MAX) {
            Fake->Breakpoints[Count] = State.WriteBreakPoint.Address;
        }
        break;
    case DbgKdRestoreBreakPointApi:
        Count = State.RestoreBreakPoint.Handle - 1;
        if (Count >= KD_BREAKPOINT_MAX || Fake->Breakpoints[Count] == 0) {
            State.ReturnStatus = (int32_t)0xC0000001;
        } else {
            Fake->Breakpoints[Count] = 0;
        }
        break;
    case DbgKdGetVersionApi:
        State.Version = (DBGKD_GET_VERSION64){.MajorVersion = 15, .MinorVersion = 18362,
                                              .ProtocolVersion = 6, .KdSecondaryVersion = 2,
                                              .Flags = 6, .MachineType = 0x8664,
                                              .KernBase = FAKE_MEMORY_BASE};
        break;
    case DbgKdContinueApi2:
        Fake->Continues++;
        Fake->Waiting = Fake->OnContinue == NULL || !Fake->OnContinue(Fake, &State);
        return true;
    default:
        State.ReturnStatus = (int32_t)0xC0000001;
        break;
    }
    FakeReply(Fake, &State, NULL, 0);
    return false;
}

/* The target stands until it is told to go on. */
static void FakeStop(FAKE_TARGET *Fake)
{
    size_t PathSize = Fake->State.NewState == DBGKD_LOAD_SYMBOLS_STATE_CHANGE
                          ? strlen(Fake->Path) + 1
                          : 0;
    bool Send = true, Done = false;
    while (!Done && !Fake->Ended) {
        if (Send) {
            Send = !FakeSend(Fake, KdPacketStateChange64, &Fake->State, sizeof(Fake->State),
                             Fake->Path, PathSize);
            continue;
        }
        switch (FakeNext(Fake, -1)) {
        case KdParsedControl:
            if (Fake->Parser.Header.Type == KdPacketReset) {
                FakeReset(Fake);
                Send = true;
            }
            break;
        case KdParsedData:
            FakeControl(Fake, KdPacketAcknowledge, Fake->Parser.Header.Id & ~KD_SYNC_ID);
            if ((Fake->Parser.Header.Id & ~KD_SYNC_ID) == Fake->RemoteId) {
                Fake->RemoteId ^= 1;
                uint32_t Resets = Fake->Resets;
                Done = FakeServe(Fake);
                Send = !Done && Fake->Resets != Resets;
            }
            break;
        case KdParsedBad: FakeControl(Fake, KdPacketResend, 0); break;
        default: break;
        }
    }
}

/* Runs until a break-in; what is sent again meanwhile is acknowledged again. */
static void FakeRun(FAKE_TARGET *Fake)
{
    for (bool Seen = false; !Seen && !Fake->Ended;) {
        KD_PARSE_RESULT Result = FakeNext(Fake, -1);
        Seen = Result == KdParsedBreakIn;
        if (Result == KdParsedData) {
            FakeControl(Fake, KdPacketAcknowledge, Fake->Parser.Header.Id & ~KD_SYNC_ID);
        } else if (Result == KdParsedBad) {
            FakeControl(Fake, KdPacketResend, 0);
        }
    }
    Fake->State.NewState = DBGKD_EXCEPTION_STATE_CHANGE;
    Fake->State.Exception.Record.ExceptionCode = KD_EXCEPTION_BREAKPOINT;
}

static void *FakeMain(void *Argument)
{
    FAKE_TARGET *Fake = Argument;
    while (!Fake->Ended) {
        if (Fake->Waiting) {
            FakeRun(Fake);
        }
        Fake->Waiting = false;
        FakeStop(Fake);
    }
    close(Fake->Socket);
    return NULL;
}

void FakePrint(FAKE_TARGET *Fake, const char *Text)
{
    DBGKD_DEBUG_IO Io = {.ApiNumber = DbgKdPrintStringApi, .Length = (uint32_t)strlen(Text)};
    FakeSend(Fake, KdPacketDebugIo, &Io, sizeof(Io), Text, strlen(Text));
}

int FakeStart(FAKE_TARGET *Fake)
{
    int Pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Pair) != 0) {
        abort();
    }
    Fake->Socket = Pair[0];
    Fake->CurrentId = KD_INITIAL_ID | KD_SYNC_ID;
    Fake->RemoteId = KD_INITIAL_ID;
    Fake->Waiting = Fake->WaitForBreakIn;
    Fake->State.NewState = DBGKD_EXCEPTION_STATE_CHANGE;
    Fake->State.NumberProcessors = 1;
    Fake->State.Thread = FAKE_MEMORY_BASE + 0x3000;
    Fake->State.ProgramCounter = FAKE_MEMORY_BASE;
    Fake->State.Exception.Record.ExceptionCode = KD_EXCEPTION_BREAKPOINT;
    Fake->State.Exception.FirstChance = 1;
    KdInitializeParser(&Fake->Parser);
    if (pthread_create(&Fake->Thread, NULL, FakeMain, Fake) != 0) {
        abort();
    }
    return Pair[1];
}

void FakeJoin(FAKE_TARGET *Fake)
{
    pthread_join(Fake->Thread, NULL);
}
