/* SPDX-License-Identifier: MIT */
/* NTSTATUS codes by name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define STATUS_NAME_SIZE 16

/* STATUS_SUCCESS and so on; an unknown code as 0x%08x, for which Out is the room. */
const char *StatusName(char Out[STATUS_NAME_SIZE], int32_t Status);
