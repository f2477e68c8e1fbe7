/* SPDX-License-Identifier: MIT */
/* Kd's internals. */
#pragma once

#include "ke/ki.h"
#include "nt/kd.h"
#include "nt/rtl.h"

/* Called with each text printed; any IRQL, so it may only copy. NULL: nobody listens. */
extern VOID (*KdPrintHook)(PCSTR Text, ULONG Length);
