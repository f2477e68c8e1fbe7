/* SPDX-License-Identifier: MIT */
/*
 * Why a driver cannot be loaded: what it imports is in a module that nothing here stands in for, or
 * is named by ordinal. A name that ntoskrnl.exe lacks is no reason: the driver loads, and a call of
 * it is reported. `run`, `inspect` and `exports --missing` say the same sentences, and exit with 3.
 */
#pragma once

#include "lib/pe_image.h"

#define LOAD_REFUSALS_MOST 8u /* modules that are told one by one */

typedef struct {
    unsigned Count;                     /* 0: the driver can be loaded */
    char Text[LOAD_REFUSALS_MOST][400]; /* a line each, clean, without the driver's name */
} LOAD_REFUSALS;

/* Pure. Image was opened by PeImageOpen. */
void LoadRefusals(LOAD_REFUSALS *Out, const PE_IMAGE *Image);
