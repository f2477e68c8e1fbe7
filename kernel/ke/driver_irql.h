/* SPDX-License-Identifier: MIT */
/* Raises made for a driver by an export: checked, announced to Mm, and remembered. */
#pragma once

#include "ke/ki.h"

/*
 * Raises to Irql and returns the old level. When that takes the processor from below
 * DISPATCH_LEVEL to it or above, Mm is told first (page-out at raise) and Caller is kept in
 * Prcb.LastRaiseCaller. A level below the current one: bug check 0x09 (current, Irql, 0, Caller).
 */
KIRQL KiRaiseIrqlForDriver(KIRQL Irql, PVOID Caller);
/* Bug check 0x0A (Irql, current, 0, Caller) when the level is above the current one. */
VOID KiLowerIrqlForDriver(KIRQL Irql, PVOID Caller);
