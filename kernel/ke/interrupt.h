/* SPDX-License-Identifier: MIT */
/* The vector table beyond what ki.h offers everyone. */
#pragma once

#include "ke/ki.h"

/*
 * FALSE: the vector is taken, or is none that a device can have. OfDriver: the routine leads to
 * code of a driver, so pages leave before it, as at every raise. Any IRQL.
 */
BOOLEAN KiTryConnectVector(UCHAR Vector, KI_VECTOR_ROUTINE *Routine, PVOID Context,
                           BOOLEAN OfDriver);

extern ULONG64 KiUnexpectedInterrupts;
