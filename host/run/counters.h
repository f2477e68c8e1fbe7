/* SPDX-License-Identifier: MIT */
/* The fields of CONTROL_COUNTERS by name: for JSON, for scenarios, for comparing two of them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire/control.h"

typedef struct {
    const char *Name; /* snake_case */
    size_t Offset;
} COUNTER_FIELD;

extern const COUNTER_FIELD CounterFields[];
extern const size_t CounterFieldCount;

uint64_t CounterValue(const CONTROL_COUNTERS *Counters, const COUNTER_FIELD *Field);
