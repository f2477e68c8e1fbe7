/* SPDX-License-Identifier: MIT */
#include "host/symbols/driver_pdb.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/symbols/pdb_symbols.h"

DRIVER_PDB DriverFindPdb(const DRIVER_FILE *File, char *Path, size_t PathSize)
{
    PDB_IDENTITY Identity;
    PE_CODEVIEW CodeView;
    PE_ERROR Problem;
    char Error[512];

    Path[0] = 0;
    if (!PeImageCodeView(&File->Image, &CodeView, &Problem)) {
        return PdbNone;
    }
    const char *Name = CodeView.Path;
    for (const char *c = Name; *c != 0; c++) {
        Name = *c == '\\' || *c == '/' ? c + 1 : Name;
    }
    int Length = snprintf(Path, PathSize, "%.*s%s", (int)(File->Name - File->Path), File->Path,
                          Name);
    if (*Name == 0 || Length < 0 || (size_t)Length >= PathSize || access(Path, F_OK) != 0) {
        return PdbAbsent;
    }
    if (!PdbReadIdentity(Path, &Identity, Error, sizeof(Error))) {
        return PdbUnreadable;
    }
    return memcmp(Identity.Guid, CodeView.Guid, 16) == 0 ? PdbBeside : PdbOther;
}
