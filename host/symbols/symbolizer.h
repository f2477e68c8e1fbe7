/* SPDX-License-Identifier: MIT */
/* Runs llvm-symbolizer once for some addresses of one image. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SYMBOLIZER_MAX_ADDRESSES 64u

typedef struct {
    char Function[256]; /* "": not known */
    char File[384];
    uint32_t Line; /* 0: not known */
} SYMBOLIZER_ANSWER;

typedef enum {
    /* As the linker knows them: public symbols of a PDB, the image's own symbol table. */
    SymbolizerSymbolNames,
    /* As DWARF has them, "" where it has none: of several symbols at an address the routine's. */
    SymbolizerDebugNames,
} SYMBOLIZER_NAMES;

/*
 * False: the program is not there, failed, took too long, or its answer is not what it should be;
 * then no answer is filled in. $PAGEABLE_SYMBOLIZER names another program.
 */
bool SymbolizerRun(const char *ImagePath, SYMBOLIZER_NAMES Names, const uint64_t *Rva,
                   unsigned Count, SYMBOLIZER_ANSWER *Answers);
