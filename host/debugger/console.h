/* SPDX-License-Identifier: MIT */
/* What `pageable kd` and `pageable debug` have in common: options, start, prompt, end. */
#pragma once

#include "host/debugger/debugger.h"
#include "host/text/exit_codes.h"

#define CONSOLE_MAX_COMMANDS 64u

typedef struct {
    const char *Commands[CONSOLE_MAX_COMMANDS]; /* -c */
    unsigned CommandCount;
    const char *CommandFile;                    /* NULL: none */
    const char *Symbols;                        /* more directories, NULL: none */
    const char *Dump;                           /* `kd`: a file instead of a socket */
    uint32_t TimeoutSeconds;                    /* to attach; 0: no limit */
} CONSOLE_OPTIONS;

/*
 * Takes one of the options above at Arguments[*Index], and its value. False: it is none of them,
 * and *Error is NULL; or *Error says what is wrong with it.
 */
bool ConsoleTakeOption(CONSOLE_OPTIONS *Options, int Count, char **Arguments, int *Index,
                       const char **Error);
/* A descriptor that gets readable by Ctrl-C, which does nothing else any more. */
int ConsoleCatchInterrupt(void);
/* Where symbols are looked for: the kernel's directory, that of Image (may be NULL), Symbols. */
void ConsoleSetSymbolPath(DEBUGGER *Debugger, const CONSOLE_OPTIONS *Options, const char *Image);
/*
 * Reads and runs lines until the user quits, the input ends or the target is gone. False: the
 * command file cannot be opened; it has been said.
 */
bool ConsoleRunPrompt(DEBUGGER *Debugger, const CONSOLE_OPTIONS *Options);

/* debug_command.c, kd_command.c */
EXIT_CODE KdCommand(int Count, char **Arguments);
EXIT_CODE DebugCommand(const char *Program, int Count, char **Arguments);
