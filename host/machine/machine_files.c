/* SPDX-License-Identifier: MIT */
/* What the machine starts from: the boot archive, the paging disk, the rules for disk faults. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/machine/machine.h"
#include "lib/cpio.h"
#include "lib/crc32c.h"
#include "wire/paging_file.h"

#define PAGE_BYTES 4096u

static void MachineWriteArchive(CPIO_WRITER *Writer, const MACHINE_FILE *Files, unsigned Count)
{
    for (unsigned i = 0; i < Count; i++) {
        CpioWriteEntry(Writer, Files[i].Name, CPIO_MODE_FILE, Files[i].Bytes,
                       (uint32_t)Files[i].Size);
    }
    CpioWriteTrailer(Writer);
}

int MachineCreateArchive(const MACHINE_FILE *Files, unsigned Count, char *Error, size_t ErrorSize)
{
    CPIO_WRITER Writer;

    CpioWriterInit(&Writer, NULL, 0);
    MachineWriteArchive(&Writer, Files, Count);
    size_t Size = Writer.Used;
    int File = memfd_create("pageable-boot", MFD_CLOEXEC);
    void *Bytes = MAP_FAILED;
    if (File >= 0 && ftruncate(File, (off_t)Size) == 0) {
        Bytes = mmap(NULL, Size, PROT_READ | PROT_WRITE, MAP_SHARED, File, 0);
    }
    if (Bytes == MAP_FAILED) {
        snprintf(Error, ErrorSize, "the boot archive (%zu bytes): %s", Size, strerror(errno));
        if (File >= 0) {
            close(File);
        }
        return -1;
    }
    CpioWriterInit(&Writer, Bytes, Size);
    MachineWriteArchive(&Writer, Files, Count);
    munmap(Bytes, Size);
    if (Writer.Used != Size) {
        snprintf(Error, ErrorSize, "a file does not fit into the boot archive");
        close(File);
        return -1;
    }
    return File;
}

/* A file without a name in a directory; O_TMPFILE where the file system has it. */
static int MachineOpenNameless(const char *Directory)
{
    char Path[4096];
    int File = open(Directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (File >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return File;
    }
    snprintf(Path, sizeof(Path), "%s/pageable-XXXXXX", Directory);
    File = mkostemp(Path, O_CLOEXEC);
    if (File >= 0) {
        unlink(Path);
    }
    return File;
}

int MachineCreatePagingFile(uint64_t Bytes, char *Error, size_t ErrorSize)
{
    const char *Chosen = getenv("TMPDIR");
    const char *Places[] = {Chosen != NULL && *Chosen != 0 ? Chosen : "/var/tmp", "/tmp"};
    PAGING_FILE_HEADER Header = {
        .Magic = PAGING_FILE_MAGIC,
        .Version = PAGING_FILE_VERSION,
        .PageSize = PAGE_BYTES,
        .PageCount = Bytes / PAGE_BYTES,
    };
    int File = -1;

    Header.Crc = Crc32c(0, &Header, offsetof(PAGING_FILE_HEADER, Crc));
    for (unsigned i = 0; i < 2 && File < 0; i++) {
        File = MachineOpenNameless(Places[i]);
    }
    if (File < 0) {
        snprintf(Error, ErrorSize, "no paging file can be made in %s or /tmp: %s", Places[0],
                 strerror(errno));
        return -1;
    }
    if (ftruncate(File, (off_t)Bytes) != 0 ||
        pwrite(File, &Header, sizeof(Header), 0) != (ssize_t)sizeof(Header)) {
        snprintf(Error, ErrorSize, "the paging file of %llu bytes in %s: %s",
                 (unsigned long long)Bytes, Places[0], strerror(errno));
        close(File);
        return -1;
    }
    return File;
}

uint64_t MachineFlipPagingFile(int PagingFile)
{
    uint64_t Flipped = 0;
    off_t Data = PAGE_BYTES; /* the header stays good */

    while ((Data = lseek(PagingFile, Data, SEEK_DATA)) >= 0) {
        off_t Hole = lseek(PagingFile, Data, SEEK_HOLE);
        for (; Data < Hole; Data += PAGE_BYTES) {
            uint8_t Byte;
            if (pread(PagingFile, &Byte, 1, Data + 1000) == 1) {
                Byte ^= 0x10;
                Flipped += pwrite(PagingFile, &Byte, 1, Data + 1000) == 1;
            }
        }
    }
    return Flipped;
}

/*
 * blkdebug is a small state machine: each good request moves it one state on, and in the last
 * state every request fails. A read fault lets the paging file's header pass as well.
 */
int MachineCreateFaultRules(DISK_FAULT Fault, uint32_t After)
{
    if (Fault != DiskFaultRead && Fault != DiskFaultWrite) {
        return -1;
    }
    int File = memfd_create("pageable-blkdebug", 0);
    if (File < 0) {
        return -1;
    }
    const char *Event = Fault == DiskFaultRead ? "read_aio" : "write_aio";
    uint32_t Last = After + (Fault == DiskFaultRead ? 1 : 0) + 1;
    for (uint32_t State = 1; State < Last; State++) {
        dprintf(File, "[set-state]\nevent = \"%s\"\nstate = \"%u\"\nnew_state = \"%u\"\n\n", Event,
                State, State + 1);
    }
    dprintf(File, "[inject-error]\nevent = \"%s\"\niotype = \"%s\"\n", Event,
            Fault == DiskFaultRead ? "read" : "write");
    dprintf(File, "state = \"%u\"\nerrno = \"5\"\n", Last);
    return File;
}
