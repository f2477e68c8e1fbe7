/* SPDX-License-Identifier: MIT */
/* The timer's DPC reads a setting in PAGEDATA. See README.md. */
#include "correct/meter/meter.h"

SAMPLE_CODE VOID NTAPI MeterTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    /* The mistake: MeterScale is in PAGEDATA; only this code's section is locked. */
    MeterKeep((ULONG)(KeQueryInterruptTime() / 10000 % 100) * MeterScale);
}
