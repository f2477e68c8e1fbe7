/* SPDX-License-Identifier: MIT */
/*
 * .reg files as Windows' registry editor writes them ("Windows Registry Editor Version 5.00"), in
 * UTF-16LE with its mark or in UTF-8. Hostile: each line that breaks a rule is an error which
 * names file, line and rule. docs/registry.md has the syntax.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/control.h"

#define REGISTRY_FILE_MOST (4u << 20) /* bytes */

/* Offsets into Bytes. A key's changes share its path. */
typedef struct {
    CONTROL_REGISTRY_OPERATION Operation;
    uint32_t Line;
    uint32_t Type;
    uint32_t Key, KeyLength;
    uint32_t Name, NameLength;
    uint32_t Data, DataLength;
} REGISTRY_CHANGE;

typedef struct {
    const char *Path;
    REGISTRY_CHANGE *Changes;
    size_t ChangeCount, ChangeRoom;
    uint8_t *Bytes;
    size_t ByteCount, ByteRoom;
} REGISTRY_FILE;

/* Path is for errors and stays the caller's. False: one line in Error; nothing is kept. */
bool RegistryFileParse(REGISTRY_FILE *File, const char *Path, const void *Text, size_t Size,
                       char *Error, size_t ErrorSize);
void RegistryFileFree(REGISTRY_FILE *File);

/* Bytes behind any request: a key, a name and data at their longest. */
#define REGISTRY_REQUEST_MOST \
    (CONTROL_REGISTRY_KEY_MOST + CONTROL_REGISTRY_NAME_MOST + CONTROL_REGISTRY_DATA_MOST)
_Static_assert(REGISTRY_REQUEST_MOST + sizeof(CONTROL_REGISTRY) <= CONTROL_MAX_PAYLOAD,
               "a registry request");

/* What makes the change in a guest: the request, and into TextAndData what follows it. */
CONTROL_REGISTRY RegistryChangeRequest(const REGISTRY_FILE *File, const REGISTRY_CHANGE *Change,
                                       uint8_t TextAndData[REGISTRY_REQUEST_MOST]);

/*
 * HKEY_LOCAL_MACHINE\... or HKLM\... as a path of \REGISTRY, into Out; one that begins with
 * \REGISTRY stays. Characters; 0: no such root, or too long.
 */
size_t RegistryFullPath(const uint16_t *Path, size_t Count, uint16_t *Out, size_t Room);
