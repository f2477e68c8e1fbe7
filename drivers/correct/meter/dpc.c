/* SPDX-License-Identifier: MIT */
/* The timer's DPC. */
#include "correct/meter/meter.h"

SAMPLE_CODE VOID NTAPI MeterTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    /* The scale that was copied when the timer was started. */
    MeterKeep((ULONG)(KeQueryInterruptTime() / 10000 % 100) * Meter.Scale);
}
