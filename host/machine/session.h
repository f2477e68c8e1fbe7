/* SPDX-License-Identifier: MIT */
/*
 * The control channel seen from the host: one request at a time, events in between. The guest is
 * not trusted: whatever it sends, the session ends in one of the states below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/machine/kd_line.h"
#include "host/machine/machine.h"
#include "lib/control_codec.h"

typedef enum {
    SessionOpen,
    SessionShutDown,    /* the guest ended after we asked it to */
    SessionBugCheck,    /* the guest reported one */
    SessionTimeLimit,   /* the deadline passed */
    SessionInterrupted, /* SIGINT, SIGTERM or SIGHUP came; Signal says which */
    SessionBroken,      /* the guest broke the protocol; Error says how */
    SessionGuestGone,   /* QEMU ended by itself */
} SESSION_STATE;

typedef void SESSION_EVENT(void *Context, const CONTROL_MESSAGE *Message);

typedef struct {
    MACHINE *Machine;
    SESSION_EVENT *OnEvent;
    void *Context;
    SESSION_STATE State;
    const char *Error;
    int Signal;
    uint64_t Deadline;  /* of TextNow; put off by the time debuggers were connected to Kd */
    KD_LINE *Kd;        /* NULL: none; set after SessionInit */
    uint32_t Pending;   /* type of the request under way or the event awaited, 0: none */
    uint32_t PendingId;
    uint32_t NextId;
    uint64_t EventCount;
    bool Booted;
    bool Echo; /* the guest's log goes to the standard error as well */
    bool Replied;
    bool ShutDownSent;
    CONTROL_BOOTED Boot;
    CONTROL_REPLY Reply; /* of the last request that succeeded */
    uint8_t *ReplyData;
    uint8_t *Output; /* the frame being sent */
    size_t OutputSize, OutputUsed;
    uint8_t *Payload; /* of the parser */
    CONTROL_PARSER Parser;
} SESSION;

/* Signals are taken over from here on, for the whole process. False: memory or signalfd. */
bool SessionInit(SESSION *Session, MACHINE *Machine, uint64_t Deadline, SESSION_EVENT *OnEvent,
                 void *Context);
void SessionFree(SESSION *Session);

/* Waits for ControlBooted of the right version. False: State says why. */
bool SessionAwaitBoot(SESSION *Session);

/*
 * Sends a request and waits for its reply, which is then in Reply and ReplyData until the next
 * one. False: the session has ended, or was no longer open; State says why.
 */
bool SessionRequest(SESSION *Session, uint32_t Type, const void *Fixed, size_t FixedSize,
                    CONTROL_BYTES Data);
/* The number that the next request will have. */
uint32_t SessionNextId(const SESSION *Session);
/* Waits until an event has made *Done true; State says why not. Type: what is waited for. */
bool SessionAwait(SESSION *Session, uint32_t Type, const bool *Done);
/* Asks the guest to end and waits for it a short while. */
void SessionShutdown(SESSION *Session);
/* After the session: lets a debugger that is connected look until it leaves or the guest ends. */
void SessionServeDebugger(SESSION *Session);
/* Looks at everything once without waiting, for code that runs long between requests. */
void SessionPoll(SESSION *Session);
