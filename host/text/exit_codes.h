/* SPDX-License-Identifier: MIT */
/* What the command's exit status means; the numbers are an interface. */
#pragma once

typedef enum {
    ExitClean = 0,
    ExitFinding = 1,
    ExitUsage = 2,
    ExitNotLoadable = 3,
    ExitTimeLimit = 4,
    ExitEnvironment = 5,
    ExitSignal = 128, /* plus the signal's number */
} EXIT_CODE;
