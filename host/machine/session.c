/* SPDX-License-Identifier: MIT */
/*
 * One poll loop waits for everything at once: bytes on the control channel, the guest's log,
 * QEMU's messages, QEMU's end, our own signals, the deadline. Nothing else in the host waits for
 * the guest.
 *
 * Order at the end of QEMU: what is still in the sockets is read first, so that a bug check sent
 * just before the exit is not lost.
 */
#include "host/machine/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/text/text.h"

#define SESSION_MAX_EVENTS 1000000u
#define SHUTDOWN_LIMIT_MS 2000
#define DEBUGGER_LOOK_MS 100 /* whether it is still there */

static int SessionSignals = -1;

static void SessionEnd(SESSION *Session, SESSION_STATE State)
{
    if (Session->State == SessionOpen) {
        Session->State = State;
    }
}

static void SessionBreak(SESSION *Session, const char *Error)
{
    if (Session->State == SessionOpen) {
        Session->Error = Error;
        Session->State = SessionBroken;
    }
}

bool SessionInit(SESSION *Session, MACHINE *Machine, uint64_t Deadline, SESSION_EVENT *OnEvent,
                 void *Context)
{
    memset(Session, 0, sizeof(*Session));
    Session->Machine = Machine;
    Session->Deadline = Deadline;
    Session->OnEvent = OnEvent;
    Session->Context = Context;
    Session->Payload = malloc(CONTROL_MAX_PAYLOAD);
    Session->ReplyData = malloc(CONTROL_MAX_PAYLOAD);
    Session->Output = malloc(CONTROL_MAX_PAYLOAD + sizeof(CONTROL_HEADER));
    if (Session->Payload == NULL || Session->ReplyData == NULL || Session->Output == NULL) {
        SessionFree(Session);
        return false;
    }
    ControlInitializeParser(&Session->Parser, ControlFromGuest, Session->Payload,
                            CONTROL_MAX_PAYLOAD);
    if (SessionSignals < 0) {
        sigset_t Set;
        sigemptyset(&Set);
        sigaddset(&Set, SIGINT);
        sigaddset(&Set, SIGTERM);
        sigaddset(&Set, SIGHUP);
        sigprocmask(SIG_BLOCK, &Set, NULL);
        signal(SIGPIPE, SIG_IGN);
        SessionSignals = signalfd(-1, &Set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    return SessionSignals >= 0;
}

void SessionFree(SESSION *Session)
{
    free(Session->Payload);
    free(Session->ReplyData);
    free(Session->Output);
    Session->Payload = Session->ReplyData = Session->Output = NULL;
}

static void SessionTakeReply(SESSION *Session, const CONTROL_MESSAGE *Message)
{
    if (Session->Pending == 0 || Session->Replied || Message->Id != Session->PendingId) {
        SessionBreak(Session, "reply to a request that was not sent");
        return;
    }
    Session->Reply = Message->Reply;
    if (Message->First.Length != 0) {
        memcpy(Session->ReplyData, Message->First.Data, Message->First.Length);
    }
    Session->Replied = true;
}

static void SessionTakeFrame(SESSION *Session, const CONTROL_FRAME *Frame)
{
    CONTROL_MESSAGE Message;
    const char *Error = ControlDecode(Frame, &Message);
    if (Error != NULL) {
        SessionBreak(Session, Error);
        return;
    }
    if (Message.Type == ControlReply) {
        SessionTakeReply(Session, &Message);
        return;
    }
    if (++Session->EventCount > SESSION_MAX_EVENTS) {
        SessionBreak(Session, "more than a million events");
        return;
    }
    if (Message.Type == ControlBooted) {
        if (Message.Booted.Version != CONTROL_VERSION || Session->Booted) {
            SessionBreak(Session, Session->Booted ? "the guest booted twice"
                                                  : "the kernel speaks another control version");
            return;
        }
        Session->Booted = true;
        Session->Boot = Message.Booted;
    } else if (!Session->Booted && Message.Type != ControlBugCheck &&
               Message.Type != ControlDebugPrint) {
        SessionBreak(Session, "event before the guest had booted");
        return;
    }
    Session->OnEvent(Session->Context, &Message);
    if (Message.Type == ControlBugCheck) {
        SessionEnd(Session, SessionBugCheck);
    }
}

/* Reads what is there, at most 256 KB at once; true when there may be more. */
static bool SessionReceive(SESSION *Session)
{
    static uint8_t Bytes[16384];
    for (int Round = 0; Session->Machine->Control >= 0 && Round < 16; Round++) {
        ssize_t Got = read(Session->Machine->Control, Bytes, sizeof(Bytes));
        if (Got < 0 && errno == EINTR) {
            continue;
        }
        if (Got == 0 || (Got < 0 && errno != EAGAIN)) {
            close(Session->Machine->Control);
            Session->Machine->Control = -1;
        }
        size_t Offset = 0, Used;
        while (Got > 0 && Offset < (size_t)Got && Session->State == SessionOpen) {
            CONTROL_FRAME Frame;
            CONTROL_PARSE_RESULT Result = ControlParse(&Session->Parser, Bytes + Offset,
                                                       (size_t)Got - Offset, &Used, &Frame);
            Offset += Used;
            if (Result == ControlParsedFrame) {
                SessionTakeFrame(Session, &Frame);
            } else if (Result != ControlNeedMore) {
                SessionBreak(Session, Session->Parser.Error != NULL ? Session->Parser.Error
                                                                    : "frame without room");
            }
        }
        if (Got <= 0 || Session->State != SessionOpen) {
            return false;
        }
    }
    return Session->Machine->Control >= 0;
}

static void SessionSend(SESSION *Session)
{
    while (Session->OutputUsed < Session->OutputSize && Session->Machine->Control >= 0) {
        ssize_t Sent = send(Session->Machine->Control, Session->Output + Session->OutputUsed,
                            Session->OutputSize - Session->OutputUsed, MSG_NOSIGNAL);
        if (Sent < 0 && errno == EINTR) {
            continue;
        }
        if (Sent <= 0) {
            return; /* full, or closed, which the reading side notices */
        }
        Session->OutputUsed += (size_t)Sent;
    }
}

static void SessionCheckSignals(SESSION *Session)
{
    struct signalfd_siginfo Info;
    if (read(SessionSignals, &Info, sizeof(Info)) == sizeof(Info)) {
        Session->Signal = (int)Info.ssi_signo;
        SessionEnd(Session, SessionInterrupted);
    }
}

static void SessionCheckMachine(SESSION *Session)
{
    if (!MachineHasEnded(Session->Machine)) {
        return;
    }
    while (SessionReceive(Session)) {
    }
    MachineDrain(Session->Machine, Session->Echo);
    SessionEnd(Session, Session->ShutDownSent ? SessionShutDown : SessionGuestGone);
}

/* A debugger may keep the guest stopped for as long as it likes: the time limit waits for it. */
static uint64_t SessionDeadline(const SESSION *Session)
{
    return Session->Deadline + (Session->Kd != NULL ? KdLineAttachedTime(Session->Kd) : 0);
}

static bool SessionHasDebugger(const SESSION *Session)
{
    return Session->Kd != NULL && KdLineAttached(Session->Kd);
}

/* One round: waits up to LimitMs for anything to happen, and takes it. */
static void SessionPump(SESSION *Session, int LimitMs)
{
    MACHINE *Machine = Session->Machine;
    bool Unsent = Session->OutputUsed < Session->OutputSize;
    struct pollfd Poll[5] = {
        {Machine->Control, (short)(POLLIN | (Unsent ? POLLOUT : 0)), 0},
        {Machine->Log, POLLIN, 0},
        {Machine->Errors, POLLIN, 0},
        {Machine->PidDescriptor, POLLIN, 0},
        {SessionSignals, POLLIN, 0},
    };
    uint64_t Now = TextNow();
    uint64_t Rest = Now < SessionDeadline(Session) ? SessionDeadline(Session) - Now : 0;
    int Limit = LimitMs >= 0 && (uint64_t)LimitMs < Rest ? LimitMs : (int)Rest;
    if (Machine->PidDescriptor < 0 && Limit > 20) {
        Limit = 20; /* without pidfd_open QEMU's end is looked for */
    }
    poll(Poll, 5, Limit);
    SessionCheckSignals(Session);
    MachineDrain(Machine, Session->Echo);
    SessionSend(Session);
    SessionReceive(Session);
    SessionCheckMachine(Session);
    if (TextNow() >= SessionDeadline(Session)) {
        SessionEnd(Session, SessionTimeLimit);
    }
}

bool SessionAwaitBoot(SESSION *Session)
{
    while (Session->State == SessionOpen && !Session->Booted) {
        SessionPump(Session, -1);
    }
    return Session->State == SessionOpen;
}

uint32_t SessionNextId(const SESSION *Session)
{
    return Session->NextId == UINT32_MAX ? 1 : Session->NextId + 1;
}

bool SessionRequest(SESSION *Session, uint32_t Type, const void *Fixed, size_t FixedSize,
                    CONTROL_BYTES Data)
{
    const CONTROL_BYTES None = {NULL, 0};
    if (Session->State != SessionOpen) {
        return false;
    }
    Session->NextId = SessionNextId(Session);
    Session->OutputUsed = 0;
    Session->OutputSize =
        ControlEncode(Session->Output, CONTROL_MAX_PAYLOAD + sizeof(CONTROL_HEADER), Type,
                      Session->NextId, Fixed, FixedSize, Data, None);
    if (Session->OutputSize == 0) {
        SessionBreak(Session, "request too long"); /* callers check; this is the last line */
        return false;
    }
    Session->Pending = Type;
    Session->PendingId = Session->NextId;
    Session->Replied = false;
    SessionSend(Session);
    while (Session->State == SessionOpen && !Session->Replied) {
        SessionPump(Session, -1);
    }
    if (Session->State != SessionOpen) {
        return false; /* Pending stays: it says what was waited for */
    }
    Session->Pending = 0;
    return true;
}

bool SessionAwait(SESSION *Session, uint32_t Type, const bool *Done)
{
    Session->Pending = Type;
    Session->PendingId = 0; /* of no reply */
    while (Session->State == SessionOpen && !*Done) {
        SessionPump(Session, -1);
    }
    if (Session->State != SessionOpen) {
        return false;
    }
    Session->Pending = 0;
    return true;
}

void SessionShutdown(SESSION *Session)
{
    const CONTROL_BYTES None = {NULL, 0};
    if (Session->State != SessionOpen) {
        return;
    }
    Session->ShutDownSent = true;
    if (SessionRequest(Session, ControlShutdown, NULL, 0, None)) {
        uint64_t Limit = TextNow() + SHUTDOWN_LIMIT_MS;
        while (Session->State == SessionOpen &&
               (TextNow() < Limit || SessionHasDebugger(Session))) {
            SessionPump(Session, SHUTDOWN_LIMIT_MS);
        }
    }
    SessionEnd(Session, SessionShutDown);
}

void SessionServeDebugger(SESSION *Session)
{
    while (SessionHasDebugger(Session) && Session->Signal == 0 &&
           !MachineHasEnded(Session->Machine)) {
        SessionPump(Session, DEBUGGER_LOOK_MS);
    }
}

void SessionPoll(SESSION *Session)
{
    if (Session->State == SessionOpen) {
        SessionPump(Session, 0);
    }
}
