/* SPDX-License-Identifier: MIT */
/*
 * The routines of a driver: from its PDB where there is the right one, and from .pdata, which leaf
 * routines need not be in. With what their code refers to. The file is hostile, so all is bounded.
 */
#pragma once

#include "host/input/driver_file.h"
#include "wire/control.h"

#define FUNCTION_LIST_MOST CONTROL_WATCH_MOST /* of more the rest is left out */

typedef struct {
    uint32_t Rva, Size; /* bytes */
    uint32_t Section;   /* number */
    uint32_t RaiseRva;  /* of an instruction behind which IRQL may be DISPATCH_LEVEL or above */
    const char *Raise;  /* the routine called there, or the instruction; NULL: there is none */
    const char *NeedsDispatch; /* what it calls, to be called at DISPATCH_LEVEL; or NULL */
    uint32_t TakenRva;  /* of an instruction that takes the routine's address; 0: none known */
    bool Lowers;        /* the IRQL, or may */
    bool ReturnsRaised; /* or may */
    bool CallsUnknown;  /* through a pointer: what that does is not known */
} DRIVER_FUNCTION;

typedef struct {
    DRIVER_FUNCTION *Functions; /* by Rva, none overlaps the next */
    uint32_t Count, Capacity;
    bool FromPdb;
} FUNCTION_LIST;

/* False: no memory. Driver must stay while names in the list are used. */
bool FunctionListOpen(FUNCTION_LIST *List, const DRIVER_FILE *Driver);
void FunctionListClose(FUNCTION_LIST *List);
/* The routine whose code holds Rva; NULL: none. */
DRIVER_FUNCTION *FunctionListFind(const FUNCTION_LIST *List, uint32_t Rva);
