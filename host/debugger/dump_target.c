/* SPDX-License-Identifier: MIT */
/* Crash dumps as a target; they cannot be opened yet. */
#include <stdio.h>

#include "host/debugger/target.h"

bool TargetOpenDump(TARGET *Target, const char *Path, char *Error, size_t ErrorSize)
{
    snprintf(Error, ErrorSize, "crash dumps cannot be opened yet");
    return false;
}
