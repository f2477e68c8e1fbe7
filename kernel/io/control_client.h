/* SPDX-License-Identifier: MIT */
/* Requests on open devices; see control_client.c. */
#pragma once

#include "io/control_event.h"
#include "nt/io.h"

#define CONTROL_TAG 'lrtC'

/* A request from the host, in nonpaged pool; whoever replies to it frees it. */
typedef struct _CONTROL_REQUEST {
    LIST_ENTRY Link;
    CONTROL_MESSAGE Message; /* First and Second point into Payload */
    DECLSPEC_ALIGN(16) UCHAR Payload[];
} CONTROL_REQUEST, *PCONTROL_REQUEST;

/* Makes the client process. PASSIVE_LEVEL */
NTSTATUS IopInitializeClients(VOID);
/* Takes the request: it is replied to and freed, here or by a client thread. PASSIVE_LEVEL */
VOID IopQueueClientRequest(PCONTROL_REQUEST Request);

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
