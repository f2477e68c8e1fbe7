/* SPDX-License-Identifier: MIT */
/* The .sys file as given: read whole and checked before anything is started. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/text/exit_codes.h"
#include "lib/pe_image.h"

typedef struct {
    const char *Path;
    const char *Name;   /* base name of Path */
    char GuestName[64]; /* the same in what the guest takes: up to 63 visible ASCII characters */
    void *Bytes;
    size_t Size;
    PE_IMAGE Image;
} DRIVER_FILE;

/*
 * ExitClean: good. Otherwise what to exit with, and Error is one line without the program's name:
 * ExitUsage for a file that cannot be read, ExitNotLoadable for one that is no x64 driver.
 */
EXIT_CODE DriverFileOpen(DRIVER_FILE *File, const char *Path, char *Error, size_t ErrorSize);
void DriverFileClose(DRIVER_FILE *File);

/* Reads a regular file whole. NULL: errno-like text is in Error. The result is malloc's. */
void *FileReadWhole(const char *Path, size_t Limit, size_t *Size, char *Error, size_t ErrorSize);
