/* SPDX-License-Identifier: MIT */
/* EX_TIMER: timers that the kernel allocates, as a driver sees them (wdm.h, Windows 8.1). */
#pragma once

#include "ntdef.h"

typedef struct _EX_TIMER *PEX_TIMER; /* can be waited for */

#define EX_TIMER_HIGH_RESOLUTION 4
#define EX_TIMER_NO_WAKE 8
#define EX_TIMER_NOTIFICATION (1u << 31)

/* At DISPATCH_LEVEL. */
typedef VOID EXT_CALLBACK(PEX_TIMER Timer, PVOID Context);
typedef EXT_CALLBACK *PEXT_CALLBACK;
/* The timer is gone. <= DISPATCH_LEVEL */
typedef VOID EXT_DELETE_CALLBACK(PVOID Context);
typedef EXT_DELETE_CALLBACK *PEXT_DELETE_CALLBACK;

typedef PVOID PEXT_CANCEL_PARAMETERS; /* NULL */

typedef struct _EXT_SET_PARAMETERS_V0 {
    ULONG Version;
    ULONG Reserved;
    LONGLONG NoWakeTolerance; /* 100 ns */
} EXT_SET_PARAMETERS, *PEXT_SET_PARAMETERS;

typedef struct _EXT_DELETE_PARAMETERS {
    ULONG Version;
    ULONG Reserved;
    PEXT_DELETE_CALLBACK DeleteCallback;
    PVOID DeleteContext;
} EXT_DELETE_PARAMETERS, *PEXT_DELETE_PARAMETERS;

#define EX_TIMER_UNLIMITED_TOLERANCE (-1ll)

FORCEINLINE VOID ExInitializeSetTimerParameters(PEXT_SET_PARAMETERS Parameters)
{
    *Parameters = (EXT_SET_PARAMETERS){.NoWakeTolerance = EX_TIMER_UNLIMITED_TOLERANCE};
}

FORCEINLINE VOID ExInitializeDeleteTimerParameters(PEXT_DELETE_PARAMETERS Parameters)
{
    *Parameters = (EXT_DELETE_PARAMETERS){0};
}
