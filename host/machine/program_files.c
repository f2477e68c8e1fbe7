/* SPDX-License-Identifier: MIT */
#include "host/machine/program_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/text/text.h"

static bool ProgramFilesTry(PROGRAM_FILES *Files, const char *Directory, const char *KernelName)
{
    int Boot = snprintf(Files->Boot, sizeof(Files->Boot), "%s/boot.elf", Directory);
    int Kernel = snprintf(Files->Kernel, sizeof(Files->Kernel), "%s/%s", Directory, KernelName);
    return Boot > 0 && (size_t)Boot < sizeof(Files->Boot) && Kernel > 0 &&
           (size_t)Kernel < sizeof(Files->Kernel) && access(Files->Boot, R_OK) == 0 &&
           access(Files->Kernel, R_OK) == 0;
}

bool ProgramFilesFind(PROGRAM_FILES *Files, const char *KernelName, char *Error, size_t ErrorSize)
{
    static const char *const Places[] = {"", "/../lib/pageable"};
    char Directory[3072], Place[4096];
    const char *Override = getenv("PAGEABLE_LIBDIR");

    snprintf(Error, ErrorSize, "boot.elf and %s are not in", KernelName);
    if (Override != NULL && *Override != 0) {
        TextAppendFormat(Error, ErrorSize, " PAGEABLE_LIBDIR (%s)", Override);
        return ProgramFilesTry(Files, Override, KernelName);
    }
    ssize_t Length = readlink("/proc/self/exe", Directory, sizeof(Directory) - 1);
    if (Length <= 0) {
        snprintf(Error, ErrorSize, "/proc/self/exe cannot be read: is /proc mounted?");
        return false;
    }
    Directory[Length] = 0;
    char *Slash = strrchr(Directory, '/');
    if (Slash != NULL) {
        *Slash = 0;
    }
    for (size_t i = 0; i < sizeof(Places) / sizeof(Places[0]); i++) {
        snprintf(Place, sizeof(Place), "%s%s", Directory, Places[i]);
        if (ProgramFilesTry(Files, Place, KernelName)) {
            return true;
        }
        TextAppendFormat(Error, ErrorSize, "%s %s", i == 0 ? "" : " nor in", Place);
    }
    return false;
}
