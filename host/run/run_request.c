/* SPDX-License-Identifier: MIT */
/*
 * Requests on handles that were opened overlapped. The list has those that somebody may still wait
 * for; the guest tells the end of each by an event, which may come before the reply is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "host/run/run.h"

#define STATUS_PENDING_VALUE 0x103

static void RunBreak(RUN *Run, const char *Error)
{
    Run->Session.State = SessionBroken;
    Run->Session.Error = Error;
}

/* False: no memory, and the session is over. */
static bool RunComplete(RUN *Run, RUN_REQUEST *Request, int32_t Status, uint64_t Information,
                        const uint8_t *Data, uint32_t Length)
{
    if (Length != 0) {
        Request->Data = malloc(Length);
        if (Request->Data == NULL) {
            RunBreak(Run, "not enough memory for a request's data");
            return false;
        }
        memcpy(Request->Data, Data, Length);
    }
    Request->DataLength = Length;
    Request->Status = Status;
    Request->Information = Information;
    Request->Completed = true;
    return true;
}

void RunOnCompleted(RUN *Run, const CONTROL_MESSAGE *Message)
{
    RUN_REQUEST *Request = Run->Requests;
    while (Request != NULL && Request->Id != Message->Completed.Request) {
        Request = Request->Next;
    }
    if (Request == NULL || Request->Completed) {
        RunBreak(Run, "the end of a request that is not pending");
        return;
    }
    RunComplete(Run, Request, Message->Completed.Status, Message->Completed.Information,
                Message->First.Data, Message->First.Length);
}

RUN_REQUEST *RunStart(RUN *Run, uint32_t Type, const void *Fixed, size_t FixedSize,
                      CONTROL_BYTES Data)
{
    SESSION *Session = &Run->Session;
    RUN_REQUEST *Request = calloc(1, sizeof(*Request));
    if (Request == NULL) {
        RunBreak(Run, "not enough memory for a request");
        return NULL;
    }
    Request->Id = SessionNextId(Session);
    Request->Type = Type;
    Request->Next = Run->Requests;
    Run->Requests = Request;
    if (!SessionRequest(Session, Type, Fixed, FixedSize, Data)) {
        return NULL;
    }
    if (Session->Reply.Status != STATUS_PENDING_VALUE &&
        !RunComplete(Run, Request, Session->Reply.Status, Session->Reply.Information,
                     Session->ReplyData, Session->Reply.DataLength)) {
        return NULL;
    }
    return Request;
}

bool RunAwait(RUN *Run, const RUN_REQUEST *Request)
{
    return SessionAwait(&Run->Session, ControlCompleted, &Request->Completed);
}

bool RunCancel(RUN *Run, const RUN_REQUEST *Request, int32_t *Status)
{
    const CONTROL_BYTES None = {NULL, 0};
    CONTROL_CANCEL Cancel = {Request->Id};
    if (!SessionRequest(&Run->Session, ControlCancel, &Cancel, sizeof(Cancel), None)) {
        return false;
    }
    *Status = Run->Session.Reply.Status;
    return true;
}

void RunFreeRequest(RUN *Run, RUN_REQUEST *Request)
{
    RUN_REQUEST **Link = &Run->Requests;
    while (*Link != Request) {
        Link = &(*Link)->Next;
    }
    *Link = Request->Next;
    free(Request->Data);
    free(Request);
}

bool RunCancelAll(RUN *Run)
{
    bool Good = true;
    int32_t Status;
    for (RUN_REQUEST *Request = Run->Requests; Good && Request != NULL; Request = Request->Next) {
        Good = Request->Completed || RunCancel(Run, Request, &Status);
    }
    while (Good && Run->Requests != NULL) {
        Good = RunAwait(Run, Run->Requests);
        if (Good) {
            RunFreeRequest(Run, Run->Requests);
        }
    }
    return Good;
}
