/* SPDX-License-Identifier: MIT */
/*
 * Etw's internals: providers that drivers register, one session, which is the host's, and the
 * events that reach it.
 *
 * A provider is an entry of a nonpaged table, so that events may be written at any IRQL without a
 * lock: a handle is the entry's number and its generation, which a later registration raises. What
 * a session wants of a GUID is kept whether a provider of it is registered or not. EtwpLock, an
 * event so that callbacks run with APCs on, guards registrations and what is wanted; it is held
 * while a callback runs, which may write events, and must not register or unregister.
 */
#pragma once

#include "ke/ki.h"
#include "nt/etw.h"

#define ETWP_PROVIDERS 128u
#define ETWP_WANTED 32u
#define ETWP_NAME 64u

typedef struct _ETWP_PROVIDER {
    volatile ULONG Generation; /* odd: registered */
    BOOLEAN Enabled;
    UCHAR Level;
    CHAR Name[ETWP_NAME]; /* from its traits; empty: not known */
    ULONGLONG MatchAny, MatchAll;
    GUID Guid;
    PETWENABLECALLBACK Callback;
    PVOID Context;
    PVOID Caller; /* who registered */
    PVOID Handle; /* where he got the handle: compared, never touched */
} ETWP_PROVIDER, *PETWP_PROVIDER;

VOID EtwpInitialize(VOID);
/* NULL: no handle of a provider that is registered. Any IRQL. */
PETWP_PROVIDER EtwpReferenceHandle(REGHANDLE Handle);
/* Does its session want an event like that? Any IRQL. */
BOOLEAN EtwpWants(const ETWP_PROVIDER *Provider, UCHAR Level, ULONGLONG Keyword);
/* The host's session; a provider that is registered is told. STATUS_INSUFFICIENT_RESOURCES: the
   session follows ETWP_WANTED GUIDs already. PASSIVE_LEVEL */
NTSTATUS EtwpEnable(const GUID *Guid, BOOLEAN Enable, UCHAR Level, ULONGLONG MatchAny,
                    ULONGLONG MatchAll);
/* Of a driver that is being unloaded: a finding for each, which is unregistered. PASSIVE_LEVEL */
VOID EtwpReportLeftProviders(PDRIVER_OBJECT Driver);
