/* SPDX-License-Identifier: MIT */
/* System services: what ring 3 may call. */
#pragma once

#include "ke/ki.h"
#include "wire/system_service.h"

#define KI_SERVICE_ARGUMENTS 11

/*
 * A service takes as many arguments as its prototype says and finds them where any function of that
 * many finds them; the further ones are there and are not looked at.
 */
typedef NTSTATUS KI_SERVICE_ROUTINE(ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64,
                                    ULONG64, ULONG64, ULONG64, ULONG64);

typedef struct _KI_SERVICE {
    KI_SERVICE_ROUTINE *Routine;
    ULONG Arguments;
} KI_SERVICE;

/* ---- user_apc.c ---- */
NTSTATUS NtContinue(PCONTEXT UserContext, BOOLEAN TestAlert);
NTSTATUS NtTestAlert(VOID);

/* ---- system_service_table.c: by number ---- */
extern KI_SERVICE KiServiceTable[SERVICE_COUNT];
