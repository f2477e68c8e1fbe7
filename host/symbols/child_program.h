/* SPDX-License-Identifier: MIT */
/*
 * Runs a program that reads untrusted files for us (llvm-symbolizer, llvm-pdbutil): its output in
 * memory, with limits on its time, address space and how much it may write. It gets no terminal
 * and no messages of its own reach the user; it dies with us.
 */
#pragma once

#include <stddef.h>

typedef struct {
    const char *Variable;        /* of the environment: names another program, when set */
    const char *const *Programs; /* names to try, up to a NULL */
    char **Words;                /* up to a NULL; Words[0] is filled in */
    int TimeMs;                  /* from start to end, and of processor time */
    size_t OutputLimit;          /* bytes */
} CHILD_PROGRAM;

/*
 * Everything the program wrote, malloc's, with a NUL behind it; its end is waited for. NULL: it
 * could not be started, took too long or wrote too much. A program that is not there, or that
 * fails, has written little or nothing: the caller looks at what it got.
 */
char *ChildProgramRun(const CHILD_PROGRAM *Program, size_t *Size);
