/* SPDX-License-Identifier: MIT */
/*
 * A target at the other end of a KD line. A request is one packet of manipulate state and, where
 * the protocol has one, one packet in answer; every length in an answer is checked against what
 * was asked, and against the packet.
 *
 * The target may begin anew at any time: it was reset, or saw a RESET twice. Its state change then
 * comes with KD_SYNC_ID where an answer was due. If it is the same stop, the request is sent
 * again; if not, the request fails and the next Wait reports the stop.
 */
#include "host/debugger/kd_target.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/text/text.h"

#define ANSWER_LIMIT_MS 20000u
#define DOUBT_RESETS 8u
#define MAX_RESTARTS 8 /* of one request */

/*
 * How long something is waited for before a RESET asks for it. Each time longer: where the answer
 * is slow to come, a RESET sent before it is there only begins the wait anew.
 */
#define PATIENCE_MS 1000u
#define PATIENCE_DOUBLES 4u

static uint64_t KdPatience(unsigned Resets)
{
    return PATIENCE_MS << (Resets < PATIENCE_DOUBLES ? Resets : PATIENCE_DOUBLES);
}

bool KdFail(TARGET *Target, const char *Text)
{
    snprintf(Target->Error, sizeof(Target->Error), "%s", Text);
    return false;
}

/* Takes a state change from the link; false when it is shorter than it must be. */
static bool KdTakeState(TARGET *Target)
{
    KD_TARGET *Kd = Target->Private;
    const KD_LINK *Link = &Kd->Link;
    if (Link->Header.ByteCount < sizeof(Target->State)) {
        return false;
    }
    memcpy(&Target->State, Link->Payload, sizeof(Target->State));
    Target->Path[0] = 0;
    if (Target->State.NewState == DBGKD_LOAD_SYMBOLS_STATE_CHANGE) {
        size_t Rest = Link->Header.ByteCount - sizeof(Target->State);
        size_t Length = Target->State.LoadSymbols.PathNameLength;
        Length = Length < Rest ? Length : Rest;
        Length = Length < sizeof(Target->Path) - 1 ? Length : sizeof(Target->Path) - 1;
        memcpy(Target->Path, Link->Payload + sizeof(Target->State), Length);
        Target->Path[Length] = 0;
    }
    Target->Stopped = true;
    Kd->Link.Troubles = 0;
    return true;
}

/* A state change where an answer was due. True: it is the stop we know; ask again. */
static bool KdIsSameStop(TARGET *Target)
{
    KD_TARGET *Kd = Target->Private;
    DBGKD_ANY_WAIT_STATE_CHANGE Before = Target->State;
    if (!KdTakeState(Target)) {
        return true; /* rubbish: the request is sent again, a bounded number of times */
    }
    if (Before.NewState == Target->State.NewState && Before.Thread == Target->State.Thread &&
        Before.ProgramCounter == Target->State.ProgramCounter) {
        return true;
    }
    Kd->StopPending = true;
    return false;
}

/*
 * An answer can be lost for good: a target takes any data packet, also a repeated request, as the
 * acknowledgement of what it has sent. So after a while both streams are begun anew, and the stop
 * that the target then sends again makes the caller ask again.
 */
typedef enum {
    KdAnswered,
    KdAskAgain,
    KdNoAnswer, /* Error is set */
} KD_ANSWER;

static KD_ANSWER KdAwaitAnswer(TARGET *Target, const DBGKD_MANIPULATE_STATE64 *Request)
{
    KD_TARGET *Kd = Target->Private;
    uint64_t Limit = TextNow() + ANSWER_LIMIT_MS;
    unsigned Resets = 0;
    DBGKD_MANIPULATE_STATE64 Answer;

    while (TextNow() < Limit) {
        switch (KdLinkReceive(&Kd->Link, (int)KdPatience(Resets), -1)) {
        case KdLinkPacket:
            break;
        case KdLinkClosed:
            KdFail(Target, "the target closed the line");
            return KdNoAnswer;
        case KdLinkNothing:
            KdLinkSendReset(&Kd->Link);
            Resets++;
            continue;
        default:
            continue;
        }
        if (Kd->Link.Header.Type == KdPacketStateChange64) {
            if (KdIsSameStop(Target)) {
                return KdAskAgain;
            }
            KdFail(Target, "the target has stopped anew");
            return KdNoAnswer;
        }
        if (Kd->Link.Header.Type != KdPacketManipulate ||
            Kd->Link.Header.ByteCount < sizeof(Answer)) {
            continue;
        }
        memcpy(&Answer, Kd->Link.Payload, sizeof(Answer));
        if (Answer.ApiNumber == Request->ApiNumber) {
            return KdAnswered;
        }
    }
    KdFail(Target, "the target does not answer");
    return KdNoAnswer;
}

bool KdExchange(TARGET *Target, DBGKD_MANIPULATE_STATE64 *State, const void *Data, size_t DataSize,
                bool Answer, void *Out, size_t Capacity, size_t *OutSize)
{
    KD_TARGET *Kd = Target->Private;
    KD_LINK *Link = &Kd->Link;

    if (!Target->Stopped || Kd->StopPending) {
        return KdFail(Target, Kd->StopPending ? "the target has stopped anew"
                                              : "the target is running");
    }
    Target->Error[0] = 0;
    State->Processor = Target->State.Processor;
    State->ProcessorLevel = Target->State.ProcessorLevel;
    for (int Try = 0; Try <= MAX_RESTARTS; Try++) {
        Kd->Repeats += Try != 0;
        bool Settled = !Link->ResetAsked; /* else the stop comes first, and then it is asked */
        if (Settled &&
            !KdLinkSend(Link, KdPacketManipulate, State, sizeof(*State), Data, DataSize)) {
            return KdFail(Target, Link->Socket < 0 ? "the target closed the line"
                                                   : "the target does not take what is sent");
        }
        if (Settled && !Answer) {
            return true;
        }
        KD_ANSWER Result = KdAwaitAnswer(Target, State);
        if (Result == KdNoAnswer) {
            return false;
        }
        if (Result == KdAnswered) {
            size_t Size = Link->Header.ByteCount - sizeof(*State);
            memcpy(State, Link->Payload, sizeof(*State));
            *OutSize = Size < Capacity ? Size : Capacity;
            if (*OutSize != 0) {
                memcpy(Out, Link->Payload + sizeof(*State), *OutSize);
            }
            return true;
        }
    }
    return KdFail(Target, "the target begins anew instead of answering");
}

bool KdRequest(TARGET *Target, DBGKD_MANIPULATE_STATE64 *State, const void *Data, size_t DataSize)
{
    uint8_t None[1];
    size_t Size;
    if (!KdExchange(Target, State, Data, DataSize, true, None, 0, &Size)) {
        return false;
    }
    if (State->ReturnStatus < 0) {
        snprintf(Target->Error, sizeof(Target->Error), "the target refuses (status %08x)",
                 (unsigned)State->ReturnStatus);
        return false;
    }
    return true;
}

/* The target asks for a file of ours; it gets none. */
static void KdRefuseFile(KD_LINK *Link)
{
    uint8_t Answer[0x40] = {0};
    const int32_t Status = (int32_t)STATUS_NO_SUCH_FILE;
    memcpy(Answer, Link->Payload,
           Link->Header.ByteCount < 4 ? Link->Header.ByteCount : 4); /* the request's number */
    memcpy(Answer + 4, &Status, sizeof(Status));
    KdLinkSend(Link, KdPacketFileIo, Answer, sizeof(Answer), NULL, 0);
}

static TARGET_EVENT KdTakeText(TARGET *Target)
{
    KD_TARGET *Kd = Target->Private;
    const KD_LINK *Link = &Kd->Link;
    DBGKD_DEBUG_IO Io;
    if (Link->Header.ByteCount < sizeof(Io)) {
        return TargetEventNothing;
    }
    memcpy(&Io, Link->Payload, sizeof(Io));
    size_t Rest = Link->Header.ByteCount - sizeof(Io);
    Target->TextLength = Io.Length < Rest ? Io.Length : Rest;
    memcpy(Target->Text, Link->Payload + sizeof(Io), Target->TextLength);
    Target->Text[Target->TextLength] = 0;
    return Io.ApiNumber == DbgKdPrintStringApi ? TargetEventPrint
           : Io.ApiNumber == DbgKdGetStringApi ? TargetEventPrompt
                                               : TargetEventNothing;
}

/* What a stream begun anew asks for. *Reset: another kernel than before answers. */
static bool KdGetVersion(TARGET *Target, bool *Reset)
{
    KD_TARGET *Kd = Target->Private;
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdGetVersionApi};
    if (!KdRequest(Target, &State, NULL, 0)) {
        return false;
    }
    *Reset = Kd->HasVersion && State.Version.KernBase != Target->Version.KernBase;
    Target->Version = State.Version;
    Kd->HasVersion = true;
    return true;
}

static TARGET_EVENT KdTakeStop(TARGET *Target)
{
    KD_TARGET *Kd = Target->Private;
    bool Reset = false;
    if (!Kd->HasVersion || Kd->Link.Restarted) {
        Kd->Link.Restarted = false;
        if (!KdGetVersion(Target, &Reset) && Kd->Link.Socket < 0) {
            return TargetEventGone;
        }
    }
    Kd->StopPending = Reset;
    return Reset ? TargetEventReset : TargetEventStopped;
}

/*
 * On a line that has lost something a stop can be lost too: each side then waits for the other. A
 * RESET makes a target that stands say so again, and means nothing to one that runs. A RESET that
 * was sent must be answered, or nothing that the target says counts.
 */
TARGET_EVENT KdWait(TARGET *Target, int Milliseconds, int Interrupt)
{
    KD_TARGET *Kd = Target->Private;
    unsigned Resets = 0;
    uint64_t Limit = TextNow() + (uint64_t)(Milliseconds < 0 ? 0 : Milliseconds);

    if (Kd->StopPending) {
        Kd->StopPending = false;
        return KdTakeStop(Target);
    }
    for (;;) {
        uint64_t Now = TextNow();
        int Rest = Milliseconds < 0 ? -1 : Now < Limit ? (int)(Limit - Now) : 0;
        int Patience = (int)KdPatience(Resets);
        bool Doubtful = (Kd->Link.ResetAsked ||
                         (Kd->Link.Troubles != 0 && Resets < DOUBT_RESETS)) &&
                        (Rest < 0 || Rest > Patience);
        TARGET_EVENT Event = TargetEventNothing;
        switch (KdLinkReceive(&Kd->Link, Doubtful ? Patience : Rest, Interrupt)) {
        case KdLinkClosed:
            KdFail(Target, "the target closed the line");
            return TargetEventGone;
        case KdLinkNothing:
            if (Doubtful) {
                KdLinkSendReset(&Kd->Link);
                Resets++;
                continue;
            }
            return TargetEventNothing;
        case KdLinkInterrupted:
            return TargetEventNothing;
        case KdLinkReset:
            continue;
        case KdLinkPacket:
            break;
        }
        if (Kd->Link.Header.Type == KdPacketStateChange64 && KdTakeState(Target)) {
            Event = KdTakeStop(Target);
        } else if (Kd->Link.Header.Type == KdPacketDebugIo) {
            Event = KdTakeText(Target);
        } else if (Kd->Link.Header.Type == KdPacketFileIo) {
            KdRefuseFile(&Kd->Link);
        }
        if (Event != TargetEventNothing) {
            return Event;
        }
    }
}

void KdClose(TARGET *Target)
{
    KD_TARGET *Kd = Target->Private;
    if (Kd != NULL) {
        KdLinkClose(&Kd->Link);
        free(Kd);
        Target->Private = NULL;
    }
}

bool TargetOpenKd(TARGET *Target, int Socket, char *Error, size_t ErrorSize)
{
    KD_TARGET *Kd = calloc(1, sizeof(*Kd));
    memset(Target, 0, sizeof(*Target));
    if (Kd == NULL) {
        snprintf(Error, ErrorSize, "not enough memory");
        close(Socket);
        return false;
    }
    KdLinkInitialize(&Kd->Link, Socket);
    Target->Operations = &KdOperations;
    Target->Kind = TargetLive;
    Target->Private = Kd;
    return true;
}

/* What a debugger that died may have left in the target. */
static void KdClearAllBreakpoints(TARGET *Target)
{
    for (uint32_t Handle = 1; Handle <= KD_BREAKPOINT_MAX && Target->Stopped; Handle++) {
        KdClearBreakpoint(Target, Handle);
    }
    Target->Error[0] = 0;
}

/*
 * A target that stood in the debugger already may be in the middle of anything, so the streams are
 * begun anew: after the RESET it sends its stop again. One that runs first sees the break-in.
 */
TARGET_EVENT TargetAttachKd(TARGET *Target, bool BreakIn, int Milliseconds, int Interrupt)
{
    KD_TARGET *Kd = Target->Private;
    uint64_t Limit = Milliseconds < 0 ? UINT64_MAX : TextNow() + (uint64_t)Milliseconds;

    unsigned Tries = 0;
    for (uint64_t Now = TextNow(); Now < Limit; Now = TextNow()) {
        uint64_t Patience = KdPatience(Tries++);
        uint64_t Try = Limit - Now < Patience ? Limit - Now : Patience;
        struct pollfd Poll = {Interrupt, POLLIN, 0};
        if (BreakIn) {
            KdLinkSendBreakIn(&Kd->Link);
            KdLinkSendReset(&Kd->Link);
        }
        TARGET_EVENT Event = KdWait(Target, (int)Try, Interrupt);
        if (Event == TargetEventStopped && BreakIn) {
            KdClearAllBreakpoints(Target);
        }
        if (Event == TargetEventStopped || Event == TargetEventGone) {
            return Event;
        }
        if (poll(&Poll, 1, 0) == 1) {
            break;
        }
    }
    KdFail(Target, "the target does not answer");
    return TargetEventNothing;
}
