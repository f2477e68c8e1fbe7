/* SPDX-License-Identifier: MIT */
/* Where the guest's files lie: boot.elf, the kernel and its PDB. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char Boot[4096];
    char Kernel[4096];
} PROGRAM_FILES;

/*
 * $PAGEABLE_LIBDIR when set; else the directory of the executable (a build tree) or
 * ../lib/pageable beside it (an installation). False: Error names each place that was tried.
 */
bool ProgramFilesFind(PROGRAM_FILES *Files, const char *KernelName, char *Error, size_t ErrorSize);
