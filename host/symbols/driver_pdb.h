/* SPDX-License-Identifier: MIT */
/* The PDB that a driver names, beside the driver. */
#pragma once

#include "host/input/driver_file.h"

/* What became of the PDB that the image names. */
typedef enum { PdbNone, PdbAbsent, PdbBeside, PdbOther, PdbUnreadable } DRIVER_PDB;

/* Path is where it is, or would be; PdbOther: it is there, but of another build. */
DRIVER_PDB DriverFindPdb(const DRIVER_FILE *File, char *Path, size_t PathSize);
