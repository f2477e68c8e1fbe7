/* SPDX-License-Identifier: MIT */
#include "host/debugger/dump_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/text/text.h"

#define USER_DUMP 0x504d444du /* the bytes MDMP: a process's minidump */
#define VALID_32_BIT DUMP_BITMAP_VALID /* PAGE DUMP */
#define BITMAP_PIECE 4096u

typedef struct {
    const char *Path;
    uint64_t Size; /* bytes of the file */
    DUMP_HEADER64 *Header;
    PHYSICAL_FILE *Memory;
    char *Error;
    size_t ErrorSize;
} DUMP_OPEN;

__attribute__((format(printf, 3, 4)))
static bool DumpFail(DUMP_OPEN *Open, uint64_t Offset, const char *Format, ...)
{
    char Path[512], Text[300];
    va_list Values;
    va_start(Values, Format);
    vsnprintf(Text, sizeof(Text), Format, Values);
    va_end(Values);
    TextCleanString(Path, sizeof(Path), Open->Path);
    snprintf(Open->Error, Open->ErrorSize, "%s: offset 0x%llx: %s", Path,
             (unsigned long long)Offset, Text);
    return false;
}

#define DUMP_FIELD(member) offsetof(DUMP_HEADER64, member)

static bool DumpReadAt(DUMP_OPEN *Open, uint64_t Offset, void *Out, size_t Size)
{
    size_t Done = 0;
    while (Done < Size) {
        ssize_t Got = pread(Open->Memory->File, (char *)Out + Done, Size - Done,
                            (off_t)(Offset + Done));
        if (Got == 0 || (Got < 0 && errno != EINTR)) {
            return DumpFail(Open, Offset + Done, "%s", Got == 0 ? "the file ends here"
                                                                : strerror(errno));
        }
        Done += Got > 0 ? (size_t)Got : 0;
    }
    return true;
}

static const char *DumpTypeName(uint32_t Type)
{
    static const char *const Names[] = {
        [2] = "kernel summary", [3] = "header only", [4] = "small (triage)", [6] = "kernel bitmap",
        [7] = "automatic",
    };
    return Type < sizeof(Names) / sizeof(Names[0]) && Names[Type] != NULL ? Names[Type] : "unknown";
}

static bool DumpCheckHeader(DUMP_OPEN *Open)
{
    const DUMP_HEADER64 *Header = Open->Header;
    if (Header->Signature != DUMP_SIGNATURE) {
        return DumpFail(Open, 0, "%s", Header->Signature == USER_DUMP
                                           ? "a minidump of a process, no kernel crash dump"
                                           : "no crash dump: it does not begin with PAGE");
    }
    if (Header->ValidDump != DUMP_VALID) {
        return DumpFail(Open, DUMP_FIELD(ValidDump), "%s",
                        Header->ValidDump == VALID_32_BIT ? "a dump of a 32-bit system"
                                                          : "DU64 must stand here");
    }
    if (Header->MachineImageType != DUMP_MACHINE_AMD64) {
        return DumpFail(Open, DUMP_FIELD(MachineImageType),
                        "a machine of type %x; x64 (8664) is read", Header->MachineImageType);
    }
    if (Header->NumberProcessors == 0 || Header->NumberProcessors > DUMP_MAX_PROCESSORS) {
        return DumpFail(Open, DUMP_FIELD(NumberProcessors), "%u processors; 1 to %u can be",
                        Header->NumberProcessors, DUMP_MAX_PROCESSORS);
    }
    if (Header->DumpType != DUMP_TYPE_FULL && Header->DumpType != DUMP_TYPE_BITMAP_FULL) {
        return DumpFail(Open, DUMP_FIELD(DumpType),
                        "a dump of type %u (%s); full ones, 1 and 5, are read", Header->DumpType,
                        DumpTypeName(Header->DumpType));
    }
    return true;
}

static bool DumpReadRuns(DUMP_OPEN *Open)
{
    const DUMP_HEADER64 *Header = Open->Header;
    uint64_t Offset = DUMP_HEADER_BYTES, Total = 0;

    if (Header->NumberOfRuns == 0 || Header->NumberOfRuns > DUMP_MAX_RUNS) {
        return DumpFail(Open, DUMP_FIELD(NumberOfRuns), "%u runs of memory; 1 to %u can be",
                        Header->NumberOfRuns, DUMP_MAX_RUNS);
    }
    for (uint32_t i = 0; i < Header->NumberOfRuns; i++) {
        PHYSICAL_RUN Run = {Header->Run[i].BasePage, Header->Run[i].PageCount, Offset};
        uint64_t At = DUMP_FIELD(Run) + i * sizeof(DUMP_MEMORY_RUN);
        if (Run.PageCount > (Open->Size - Offset) / PHYSICAL_PAGE) {
            return DumpFail(Open, At, "the run's %llu pages go beyond the end of the file",
                            (unsigned long long)Run.PageCount);
        }
        if (!PhysicalFileAdd(Open->Memory, Run)) {
            return DumpFail(Open, At, "the run is empty, or not above the one before it");
        }
        Offset += Run.PageCount * PHYSICAL_PAGE;
        Total += Run.PageCount;
    }
    if (Total != Header->NumberOfPages) {
        return DumpFail(Open, DUMP_FIELD(NumberOfPages), "%llu pages, but the runs have %llu",
                        (unsigned long long)Header->NumberOfPages, (unsigned long long)Total);
    }
    return true;
}

/* The pages whose bit is set in one piece of the bitmap. *Offset: of the next one in the file. */
static bool DumpAddPiece(DUMP_OPEN *Open, const uint8_t *Bits, uint64_t FirstPage, uint64_t Count,
                         uint64_t *Offset)
{
    for (uint64_t i = 0; i < Count; i++) {
        if ((Bits[i / 8] >> (i % 8) & 1) == 0) {
            continue;
        }
        PHYSICAL_RUN Run = {FirstPage + i, 1, *Offset};
        if (Open->Size - *Offset < PHYSICAL_PAGE) {
            return DumpFail(Open, *Offset, "page %llx of the bitmap goes beyond the file's end",
                            (unsigned long long)Run.BasePage);
        }
        if (!PhysicalFileAdd(Open->Memory, Run)) {
            return DumpFail(Open, *Offset, "the bitmap has too many pieces for memory");
        }
        *Offset += PHYSICAL_PAGE;
    }
    return true;
}

static bool DumpReadBitmap(DUMP_OPEN *Open)
{
    const uint64_t Base = DUMP_HEADER_BYTES, Bits = Base + sizeof(DUMP_BITMAP_HEADER);
    DUMP_BITMAP_HEADER Bitmap;
    uint8_t Piece[BITMAP_PIECE];

    if (!DumpReadAt(Open, Base, &Bitmap, sizeof(Bitmap))) {
        return false;
    }
    if ((Bitmap.Signature != DUMP_BITMAP_SIGNATURE &&
         Bitmap.Signature != DUMP_BITMAP_FULL_SIGNATURE) || Bitmap.ValidDump != DUMP_BITMAP_VALID) {
        return DumpFail(Open, Base, "SDMPDUMP or FDMPDUMP must stand here");
    }
    if (Bitmap.FirstPage < Bits || Bitmap.FirstPage > Open->Size) {
        return DumpFail(Open, Base + offsetof(DUMP_BITMAP_HEADER, FirstPage),
                        "the first page is said to be at 0x%llx, not within the file",
                        (unsigned long long)Bitmap.FirstPage);
    }
    if (Bitmap.Pages == 0 || Bitmap.Pages > (Bitmap.FirstPage - Bits) * 8) {
        return DumpFail(Open, Base + offsetof(DUMP_BITMAP_HEADER, Pages),
                        "a bitmap of %llu bits does not fit before the first page",
                        (unsigned long long)Bitmap.Pages);
    }
    uint64_t Offset = Bitmap.FirstPage;
    for (uint64_t Page = 0; Page < Bitmap.Pages; Page += BITMAP_PIECE * 8) {
        uint64_t Left = Bitmap.Pages - Page;
        uint64_t Count = Left < BITMAP_PIECE * 8 ? Left : BITMAP_PIECE * 8;
        if (!DumpReadAt(Open, Bits + Page / 8, Piece, (size_t)(Count + 7) / 8) ||
            !DumpAddPiece(Open, Piece, Page, Count, &Offset)) {
            return false;
        }
    }
    if ((Offset - Bitmap.FirstPage) / PHYSICAL_PAGE != Bitmap.TotalPresentPages) {
        return DumpFail(Open, Base + offsetof(DUMP_BITMAP_HEADER, TotalPresentPages),
                        "%llu pages, but the bitmap has %llu",
                        (unsigned long long)Bitmap.TotalPresentPages,
                        (unsigned long long)(Offset - Bitmap.FirstPage) / PHYSICAL_PAGE);
    }
    return true;
}

bool DumpFileOpen(const char *Path, DUMP_HEADER64 *Header, PHYSICAL_FILE *Memory, char *Error,
                  size_t ErrorSize)
{
    DUMP_OPEN Open = {Path, 0, Header, Memory, Error, ErrorSize};
    struct stat Status;
    char Clean[512];

    PhysicalFileInitialize(Memory, open(Path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (Memory->File < 0 || fstat(Memory->File, &Status) != 0 || !S_ISREG(Status.st_mode)) {
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, ErrorSize, "%s: %s", Clean,
                 Memory->File < 0 ? strerror(errno) : "not a regular file");
        PhysicalFileClose(Memory);
        return false;
    }
    Open.Size = (uint64_t)Status.st_size;
    if (!DumpReadAt(&Open, 0, Header, sizeof(*Header)) || !DumpCheckHeader(&Open) ||
        !(Header->DumpType == DUMP_TYPE_FULL ? DumpReadRuns(&Open) : DumpReadBitmap(&Open))) {
        PhysicalFileClose(Memory);
        return false;
    }
    return true;
}
