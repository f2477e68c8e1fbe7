/* SPDX-License-Identifier: MIT */
#include "host/machine/guest_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/input/driver_file.h"
#include "host/text/text.h"

#define FILE_LIMIT (64u << 20)
#define NAME_UNITS 255u /* of UTF-16, in one component */
#define MEMORY_SHARE 4u /* the files may take that part of the memory */

static bool GuestFilesFail(char *Error, size_t ErrorSize, const char *Path, const char *Rule)
{
    char Clean[512];
    TextCleanString(Clean, sizeof(Clean), Path);
    snprintf(Error, ErrorSize, "%s: %s", Clean, Rule);
    return false;
}

/* What stands before the path on the volume, in any case of letters. */
static const struct {
    const char *Prefix, *Becomes;
} GuestPrefixes[] = {
    {"/\?\?/c:/", ""}, {"/dosdevices/c:/", ""}, {"c:/", ""}, {"/systemroot/", "Windows/"},
    {"/device/harddiskvolume1/", ""}, {"/", ""},
};

/* NULL: the component is one that the guest's file system takes. */
static const char *GuestFilesCheckComponent(const char *Component, size_t Length)
{
    char Text[GUEST_FILES_PATH], Clean[4 * GUEST_FILES_PATH];
    size_t Units = 0;

    memcpy(Text, Component, Length);
    Text[Length] = 0;
    if (Length == 0) {
        return "a part of the path is empty";
    }
    if (strcmp(Text, ".") == 0 || strcmp(Text, "..") == 0) {
        return "a guest path has no . and no ..";
    }
    if (strpbrk(Text, "*?<>\"|:") != NULL) {
        return "a file's name has none of * ? < > \" | :";
    }
    TextCleanString(Clean, sizeof(Clean), Text);
    if (strcmp(Clean, Text) != 0) {
        return "a file's name is UTF-8 without control characters";
    }
    for (const char *c = Text; *c != 0; c++) {
        Units += ((unsigned char)*c & 0xc0) == 0x80 ? 0 : (unsigned char)*c >= 0xf0 ? 2 : 1;
    }
    return Units > NAME_UNITS ? "a file's name has at most 255 characters" : NULL;
}

bool GuestFilesName(const char *Path, char Name[GUEST_FILES_PATH], char *Error, size_t ErrorSize)
{
    char Slashed[GUEST_FILES_PATH];
    const char *Rest = Slashed, *Becomes = "";
    size_t Length = strlen(Path);

    if (Length >= sizeof(Slashed) - sizeof("volume/Windows/")) {
        return GuestFilesFail(Error, ErrorSize, Path, "a guest path is at most 1000 bytes");
    }
    for (size_t i = 0; i <= Length; i++) {
        Slashed[i] = Path[i] == '\\' ? '/' : Path[i];
    }
    for (size_t i = 0; i < sizeof(GuestPrefixes) / sizeof(GuestPrefixes[0]); i++) {
        size_t Prefix = strlen(GuestPrefixes[i].Prefix);
        if (strncasecmp(Slashed, GuestPrefixes[i].Prefix, Prefix) == 0) {
            Rest += Prefix;
            Becomes = GuestPrefixes[i].Becomes;
            break;
        }
    }
    for (const char *Part = Rest;; Part++) {
        size_t PartLength = strcspn(Part, "/");
        const char *Rule = GuestFilesCheckComponent(Part, PartLength);
        if (Rule != NULL) {
            return GuestFilesFail(Error, ErrorSize, Path, Rule);
        }
        Part += PartLength;
        if (*Part == 0) {
            break;
        }
    }
    snprintf(Name, GUEST_FILES_PATH, "volume/%s%s", Becomes, Rest);
    return true;
}

/* Takes Bytes. HostPath: "" for none. */
static bool GuestFilesTake(GUEST_FILES *Files, const char *Path, const char *HostPath, void *Bytes,
                           size_t Size, char *Error, size_t ErrorSize)
{
    char Name[GUEST_FILES_PATH];
    bool Good = GuestFilesName(Path, Name, Error, ErrorSize);
    char *Copy = Good ? strdup(Name) : NULL;

    if (Good && Files->Count == GUEST_FILES_MOST) {
        Good = GuestFilesFail(Error, ErrorSize, Path, "there are 64 files already");
    } else if (Good && Copy == NULL) {
        Good = GuestFilesFail(Error, ErrorSize, Path, "not enough memory");
    }
    if (!Good) {
        free(Copy);
        free(Bytes);
        return false;
    }
    Files->HostPaths[Files->Count] = HostPath[0] != 0 ? strdup(HostPath) : NULL;
    Files->Files[Files->Count++] = (MACHINE_FILE){Copy, Bytes, Size};
    Files->Bytes += Size;
    return true;
}

bool GuestFilesAdd(GUEST_FILES *Files, const char *Path, const void *Bytes, size_t Size,
                   char *Error, size_t ErrorSize)
{
    void *Copy = Size <= FILE_LIMIT ? malloc(Size + 1) : NULL;
    if (Copy == NULL) {
        return GuestFilesFail(Error, ErrorSize, Path, "is larger than the limit, or than memory");
    }
    memcpy(Copy, Bytes, Size);
    return GuestFilesTake(Files, Path, "", Copy, Size, Error, ErrorSize);
}

bool GuestFilesAddOption(GUEST_FILES *Files, const char *Option, char *Error, size_t ErrorSize)
{
    const char *Equals = strchr(Option, '=');
    char Path[GUEST_FILES_PATH];
    size_t Size;

    if (Equals == NULL || Equals == Option || Equals[1] == 0 ||
        (size_t)(Equals - Option) >= sizeof(Path)) {
        return GuestFilesFail(Error, ErrorSize, Option,
                              "--file takes GUESTPATH=HOSTPATH, such as C:\\data.bin=data.bin");
    }
    snprintf(Path, sizeof(Path), "%.*s", (int)(Equals - Option), Option);
    void *Bytes = FileReadWhole(Equals + 1, FILE_LIMIT, &Size, Error, ErrorSize);
    return Bytes != NULL &&
           GuestFilesTake(Files, Path, Equals + 1, Bytes, Size, Error, ErrorSize);
}

bool GuestFilesAddBelow(GUEST_FILES *Files, const char *Path, const char *Directory,
                        const char *Below, char *Error, size_t ErrorSize)
{
    struct open_how How = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    char Descriptor[64], HostPath[PATH_MAX];
    size_t Size;
    int Folder = open(Directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int File = Folder < 0 ? -1 : (int)syscall(SYS_openat2, Folder, Below, &How, sizeof(How));
    int Problem = errno;

    if (Folder >= 0) {
        close(Folder);
    }
    if (File < 0) {
        return GuestFilesFail(Error, ErrorSize, Below,
                              Problem == EXDEV || Problem == ELOOP
                                  ? "is not below the scenario's folder"
                                  : strerror(Problem));
    }
    snprintf(Descriptor, sizeof(Descriptor), "/proc/self/fd/%d", File);
    void *Bytes = FileReadWhole(Descriptor, FILE_LIMIT, &Size, Error, ErrorSize);
    close(File);
    TextFormat(HostPath, sizeof(HostPath), "%s/%s", Directory, Below);
    return Bytes != NULL && GuestFilesTake(Files, Path, HostPath, Bytes, Size, Error, ErrorSize);
}

const char *GuestFilesHostPath(const GUEST_FILES *Files, const char *Path)
{
    char Name[GUEST_FILES_PATH], Error[256];

    if (!GuestFilesName(Path, Name, Error, sizeof(Error))) {
        return NULL;
    }
    for (unsigned i = Files->Count; i-- > 0;) {
        if (strcasecmp(Files->Files[i].Name, Name) == 0) {
            return Files->HostPaths[i];
        }
    }
    return NULL;
}

bool GuestFilesFit(const GUEST_FILES *Files, uint64_t Memory, char *Error, size_t ErrorSize)
{
    char Bytes[TEXT_NUMBER], Most[TEXT_NUMBER];
    if (Files->Bytes <= Memory / MEMORY_SHARE) {
        return true;
    }
    snprintf(Error, ErrorSize,
             "the files for the guest are %s bytes; a quarter of the machine's memory, %s, is the "
             "most (--memory)",
             TextGroups(Bytes, Files->Bytes), TextGroups(Most, Memory / MEMORY_SHARE));
    return false;
}

void GuestFilesFree(GUEST_FILES *Files)
{
    for (unsigned i = 0; i < Files->Count; i++) {
        free((void *)Files->Files[i].Name);
        free((void *)Files->Files[i].Bytes);
        free(Files->HostPaths[i]);
    }
    Files->Count = 0;
}
