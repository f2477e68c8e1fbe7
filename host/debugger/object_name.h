/* SPDX-License-Identifier: MIT */
/* Objects of the target's object manager: their headers, types, names and directories. */
#pragma once

#include "host/debugger/structure.h"

typedef struct {
    uint64_t Object, Header;
    uint64_t PointerCount, HandleCount;
    char Type[STRUCTURE_NAME];
    char Name[STRUCTURE_NAME];   /* the last component, "": none */
    uint64_t NameStringAddress;  /* of the UNICODE_STRING, 0: none */
    uint64_t Directory;          /* that the name is in, 0: none */
} OBJECT_DESCRIPTION;

/* False, and said: Object is none, by its header. */
bool ObjectDescribe(DEBUGGER *Debugger, uint64_t Object, OBJECT_DESCRIPTION *Out);
/* "\Device\Notepad"; "" when it has no name. False: it could not be read. */
bool ObjectPath(DEBUGGER *Debugger, uint64_t Object, char *Out, size_t Capacity);
/* Looks a path up from the root directory. False, and said: there is no such object. */
bool ObjectFind(DEBUGGER *Debugger, const char *Path, uint64_t *Object);

typedef bool OBJECT_EACH(DEBUGGER *Debugger, void *Context, unsigned Bucket,
                         const OBJECT_DESCRIPTION *Entry);
/* The entries of a directory. False: one could not be read, or Each returned false. */
bool ObjectEachInDirectory(DEBUGGER *Debugger, uint64_t Directory, OBJECT_EACH *Each,
                           void *Context);
