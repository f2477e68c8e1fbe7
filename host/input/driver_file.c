/* SPDX-License-Identifier: MIT */
#include "host/input/driver_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/text/text.h"

#define DRIVER_FILE_LIMIT (256u << 20)

/* A file that is not there or is a directory fails here; a FIFO must not block the open. */
void *FileReadWhole(const char *Path, size_t Limit, size_t *Size, char *Error, size_t ErrorSize)
{
    char Name[512];
    struct stat Stat;
    uint8_t *Bytes = NULL;
    size_t Used = 0;
    const char *Problem = NULL;

    TextCleanString(Name, sizeof(Name), Path);
    int File = open(Path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (File < 0 || fstat(File, &Stat) != 0) {
        Problem = strerror(errno);
    } else if (S_ISDIR(Stat.st_mode)) {
        Problem = "is a directory";
    } else if (!S_ISREG(Stat.st_mode)) {
        Problem = "is not a regular file";
    } else if ((uint64_t)Stat.st_size > Limit) {
        Problem = "is larger than the limit";
    } else if ((Bytes = malloc((size_t)Stat.st_size + 1)) == NULL) {
        Problem = "there is not enough memory to read it";
    }
    while (Problem == NULL && Used < (size_t)Stat.st_size) {
        ssize_t Got = read(File, Bytes + Used, (size_t)Stat.st_size - Used);
        if (Got < 0 && errno != EINTR) {
            Problem = strerror(errno);
        } else if (Got == 0) {
            break; /* it shrank: what is there counts */
        } else if (Got > 0) {
            Used += (size_t)Got;
        }
    }
    if (File >= 0) {
        close(File);
    }
    if (Problem != NULL) {
        free(Bytes);
        snprintf(Error, ErrorSize, "%s: %s", Name, Problem);
        return NULL;
    }
    Bytes[Used] = 0;
    *Size = Used;
    return Bytes;
}

/* A longer name keeps its end, which has the extension. */
static void DriverFileMakeGuestName(DRIVER_FILE *File)
{
    size_t Length = strlen(File->Name);
    const char *Start = Length < sizeof(File->GuestName)
                            ? File->Name
                            : File->Name + Length - sizeof(File->GuestName) + 1;
    snprintf(File->GuestName, sizeof(File->GuestName), "%s", Start);
    for (char *c = File->GuestName; *c != 0; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '\\') {
            *c = '_';
        }
    }
}

EXIT_CODE DriverFileOpen(DRIVER_FILE *File, const char *Path, char *Error, size_t ErrorSize)
{
    PE_ERROR PeError;
    char Name[512];

    memset(File, 0, sizeof(*File));
    File->Path = Path;
    File->Name = TextBaseName(Path);
    File->Bytes = FileReadWhole(Path, DRIVER_FILE_LIMIT, &File->Size, Error, ErrorSize);
    if (File->Bytes == NULL) {
        return ExitUsage;
    }
    TextCleanString(Name, sizeof(Name), Path);
    DriverFileMakeGuestName(File);
    if ( strcasecmp(File->GuestName, "ntoskrnl.exe") == 0) {
        snprintf(Error, ErrorSize, "%s: a driver cannot have this name", Name);
        DriverFileClose(File);
        return ExitUsage;
    }
    if (!PeImageOpen(&File->Image, File->Bytes, File->Size, &PeError)) {
        snprintf(Error, ErrorSize, "%s: offset 0x%llx: %s", Name,
                 (unsigned long long)PeError.Offset, PeError.Rule);
        DriverFileClose(File);
        return ExitNotLoadable;
    }
    return ExitClean;
}

void DriverFileClose(DRIVER_FILE *File)
{
    free(File->Bytes);
    File->Bytes = NULL;
}
