/* SPDX-License-Identifier: MIT */
/*
 * Files that the guest's volume holds when the driver is loaded: those of --file, and those of a
 * scenario's `files` table. They travel in the boot archive, under volume/, and the guest's file
 * system finds them there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/machine/machine.h"

#define GUEST_FILES_MOST 64u
#define GUEST_FILES_PATH 1024u /* bytes of a path, with the NUL */

typedef struct {
    MACHINE_FILE Files[GUEST_FILES_MOST]; /* names and bytes are ours */
    char *HostPaths[GUEST_FILES_MOST];    /* NULL: bytes of a scenario */
    unsigned Count;
    uint64_t Bytes; /* of all */
} GUEST_FILES;

/*
 * A path as Windows has it, C:\a\b, \??\C:\a\b, \SystemRoot\a or a\b, also with slashes, becomes
 * volume/a/b. False: Error says what is wrong with it.
 */
bool GuestFilesName(const char *Path, char Name[GUEST_FILES_PATH], char *Error, size_t ErrorSize);
/* Bytes are copied. A name that is there already gets the new content. */
bool GuestFilesAdd(GUEST_FILES *Files, const char *Path, const void *Bytes, size_t Size,
                   char *Error, size_t ErrorSize);
/* GUESTPATH=HOSTPATH */
bool GuestFilesAddOption(GUEST_FILES *Files, const char *Option, char *Error, size_t ErrorSize);
/*
 * A file in Directory or below it, reached without a symbolic link and without "..": what a
 * scenario may name.
 */
bool GuestFilesAddBelow(GUEST_FILES *Files, const char *Path, const char *Directory,
                        const char *Below, char *Error, size_t ErrorSize);
/* The file of the host that became this one of the guest's; NULL: none. */
const char *GuestFilesHostPath(const GUEST_FILES *Files, const char *Path);
/* They are part of the machine's memory. False: too much of it. */
bool GuestFilesFit(const GUEST_FILES *Files, uint64_t Memory, char *Error, size_t ErrorSize);
void GuestFilesFree(GUEST_FILES *Files);
