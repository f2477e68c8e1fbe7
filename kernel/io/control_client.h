/* SPDX-License-Identifier: MIT */
/* Requests on open devices; see control_client.c and control_request.c. */
#pragma once

#include "io/control_event.h"
#include "nt/io.h"
#include "wire/client_request.h"

#define CONTROL_TAG 'lrtC'

/* A request from the host, in nonpaged pool; whoever replies to it frees it. */
typedef struct _CONTROL_REQUEST {
    LIST_ENTRY Link;
    BOOLEAN Pending; /* the host has been told so, and awaits ControlCompleted */
    CONTROL_MESSAGE Message; /* First and Second point into Payload */
    DECLSPEC_ALIGN(16) UCHAR Payload[];
} CONTROL_REQUEST, *PCONTROL_REQUEST;

/* ---- control_request.c: one request; in the thread of the client ---- */

/* A buffer of the request in the client's user memory, or the address the host chose instead. */
typedef struct _USER_BUFFER {
    PVOID Base;
    BOOLEAN Allocated;
} USER_BUFFER;

typedef struct _CLIENT_BUFFERS {
    USER_BUFFER Input, Output; /* Input also has the path of an open */
} CLIENT_BUFFERS, *PCLIENT_BUFFERS;

/* What the host is told of a request; Data is nonpaged pool. */
typedef struct _CLIENT_ANSWER {
    NTSTATUS Status;
    ULONG Length;
    ULONG64 Information;
    PVOID Data;
} CLIENT_ANSWER, *PCLIENT_ANSWER;

/* Makes the buffers; Next is what ring 3 gets to see, but for the file. They are to be freed, also
   after a failure. */
NTSTATUS IopPrepareClientRequest(const CONTROL_MESSAGE *Message, PCLIENT_BUFFERS Buffers,
                                 PCLIENT_REQUEST Next);
VOID IopFreeClientBuffers(PCLIENT_BUFFERS Buffers);
/* Done: what ring 3, or the lack of memory, made of the request. */
VOID IopMakeClientAnswer(const CONTROL_MESSAGE *Message, const CLIENT_REQUEST *Done,
                         const CLIENT_BUFFERS *Buffers, PCLIENT_ANSWER Answer);
/* The last word on a request: it and the answer's data are freed. */
VOID IopSendClientAnswer(PCONTROL_REQUEST Request, const CLIENT_ANSWER *Answer);

/* ---- control_client.c ---- */

/* Makes the client process. PASSIVE_LEVEL */
NTSTATUS IopInitializeClients(VOID);
/* Takes the request: it is replied to and freed, here or by a client thread. PASSIVE_LEVEL */
VOID IopQueueClientRequest(PCONTROL_REQUEST Request);
/*
 * Ends the client process, as NtTerminateProcess would, and waits until its handles are closed;
 * the next open makes a new one. PASSIVE_LEVEL
 */
VOID IopEndClientProcess(VOID);
/* Cancels the pending request with that Id. STATUS_NOT_FOUND: none is. PASSIVE_LEVEL */
NTSTATUS IopCancelClientRequest(ULONG Id);

/* ---- control_driver.c, on the agent thread ---- */

VOID IopControlLoad(PCONTROL_REQUEST Request);
VOID IopControlUnload(PCONTROL_REQUEST Request);
VOID IopControlSections(PCONTROL_REQUEST Request);
/* The driver under test, NULL: none is loaded. */
PDRIVER_OBJECT IopDriverUnderTest(VOID);

/* ---- control_pnp.c, on the agent thread ---- */

VOID IopControlTrace(PCONTROL_REQUEST Request);
VOID IopControlPnp(PCONTROL_REQUEST Request);

/* ---- control_registry.c, on the agent thread ---- */

VOID IopControlRegistry(PCONTROL_REQUEST Request);
