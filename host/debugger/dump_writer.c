/* SPDX-License-Identifier: MIT */
/*
 * The header's values come from where a debugger of Windows would look: KDDEBUGGER_DATA64, and the
 * variables that it names; the shared user data for the times. What the target says is checked
 * before it is believed, and what was written is opened before it gets its name: a target whose
 * registers and memory contradict each other makes no dump.
 */
#include "host/debugger/dump_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/text/text.h"
#include "wire/dump.h"
#include "wire/kd_data.h"

#define PIECE_BYTES (256u << 10)
#define MAX_PAGES (64ull << (30 - 12))
#define SHARED_USER_DATA 0xfffff78000000000ull
#define SHARED_INTERRUPT_TIME (SHARED_USER_DATA + 0x08) /* 100 ns since the start */
#define SHARED_SYSTEM_TIME (SHARED_USER_DATA + 0x14)    /* 100 ns since 1601 */
#define SHARED_PRODUCT_TYPE (SHARED_USER_DATA + 0x264)
#define SHARED_SUITE_MASK (SHARED_USER_DATA + 0x2d0)
#define CR3_PAGE_MASK 0x000ffffffffff000ull

typedef struct {
    TARGET *Target;
    const DUMP_REQUEST *Request;
    KDDEBUGGER_DATA64 Data;
    DUMP_HEADER64 Header;
    uint8_t Piece[PIECE_BYTES];
    int File;
    uint64_t Total; /* bytes of the file */
    char *Error;
    size_t ErrorSize;
} DUMP_WRITER;

__attribute__((format(printf, 2, 3)))
static bool WriterFail(DUMP_WRITER *Writer, const char *Format, ...)
{
    char Path[512], Text[800];
    va_list Values;
    va_start(Values, Format);
    vsnprintf(Text, sizeof(Text), Format, Values);
    va_end(Values);
    TextCleanString(Path, sizeof(Path), Writer->Request->Path);
    snprintf(Writer->Error, Writer->ErrorSize, "%s: %s", Path, Text);
    return false;
}

static bool WriterTargetFail(DUMP_WRITER *Writer, const char *What)
{
    return WriterFail(Writer, "%s cannot be read from the target: %s", What,
                      Writer->Target->Error);
}

static bool WriterReadData(DUMP_WRITER *Writer)
{
    KDDEBUGGER_DATA64 *Data = &Writer->Data;
    if (!TargetRead(Writer->Target, Writer->Request->DebuggerData, Data, sizeof(*Data))) {
        return WriterTargetFail(Writer, "KDDEBUGGER_DATA64");
    }
    return Data->OwnerTag == KDBG_TAG || WriterFail(Writer, "the target has no KDBG block");
}

/* The runs of RAM, by MmPhysicalMemoryBlock: a count, a sum, then base and count of each. */
static bool WriterReadRuns(DUMP_WRITER *Writer)
{
    DUMP_HEADER64 *Header = &Writer->Header;
    uint64_t Block, Pages = 0, End = 0;
    const size_t RunsAt = offsetof(DUMP_HEADER64, Run) - offsetof(DUMP_HEADER64, NumberOfRuns);

    if (Writer->Data.MmPhysicalMemoryBlock == 0) {
        return WriterFail(Writer, "the target has no MmPhysicalMemoryBlock");
    }
    if (!TargetRead64(Writer->Target, Writer->Data.MmPhysicalMemoryBlock, &Block) ||
        !TargetRead(Writer->Target, Block, &Header->NumberOfRuns, RunsAt)) {
        return WriterTargetFail(Writer, "MmPhysicalMemoryBlock");
    }
    if (Header->NumberOfRuns == 0 || Header->NumberOfRuns > DUMP_MAX_RUNS) {
        return WriterFail(Writer, "the target tells of %u runs of memory; a dump has 1 to %u",
                          Header->NumberOfRuns, DUMP_MAX_RUNS);
    }
    if (!TargetRead(Writer->Target, Block + RunsAt, Header->Run,
                    Header->NumberOfRuns * sizeof(DUMP_MEMORY_RUN))) {
        return WriterTargetFail(Writer, "MmPhysicalMemoryBlock");
    }
    for (uint32_t i = 0; i < Header->NumberOfRuns; i++) {
        const DUMP_MEMORY_RUN *Run = &Header->Run[i];
        if (Run->BasePage < End || Run->PageCount == 0 || Run->PageCount > MAX_PAGES - Pages ||
            Run->BasePage > CR3_PAGE_MASK >> 12) {
            return WriterFail(Writer, "the target's run %u of memory is empty, too large or not "
                                      "above the one before it", i);
        }
        End = Run->BasePage + Run->PageCount;
        Pages += Run->PageCount;
    }
    Header->NumberOfPages = Pages;
    Writer->Total = DUMP_HEADER_BYTES + Pages * 0x1000;
    return true;
}

/* The code and its parameters; a system that still runs has none. */
static bool WriterReadBugCheck(DUMP_WRITER *Writer)
{
    uint64_t Data[5];
    if (!TargetRead(Writer->Target, Writer->Data.KiBugcheckData, Data, sizeof(Data))) {
        return WriterTargetFail(Writer, "KiBugCheckData");
    }
    Writer->Header.BugCheckCode = Data[0] != 0 ? (uint32_t)Data[0] : DUMP_CODE_LIVE;
    memcpy(Writer->Header.BugCheckParameter, Data + 1, sizeof(Writer->Header.BugCheckParameter));
    return true;
}

/* Of the processor that stopped. */
static bool WriterReadRegisters(DUMP_WRITER *Writer)
{
    TARGET *Target = Writer->Target;
    DUMP_HEADER64 *Header = &Writer->Header;
    KSPECIAL_REGISTERS Special;
    CONTEXT Context;

    if (!Target->Operations->GetContext(Target, &Context) ||
        !Target->Operations->GetSpecial(Target, &Special)) {
        return WriterTargetFail(Writer, "the registers");
    }
    Context.MxCsr = Context.FltSave.MxCsr; /* readers compare the two */
    memcpy(Header->ContextRecord, &Context, sizeof(Context));
    Header->DirectoryTableBase = Special.Cr3 & CR3_PAGE_MASK;
    if (Target->State.NewState == DBGKD_EXCEPTION_STATE_CHANGE) {
        Header->Exception = Target->State.Exception.Record;
    } else {
        memset(&Header->Exception, 0, sizeof(Header->Exception));
        Header->Exception.ExceptionCode = KD_EXCEPTION_BREAKPOINT;
        Header->Exception.ExceptionAddress = Context.Rip;
    }
    return true;
}

/* A KSYSTEM_TIME, or 0. */
static uint64_t WriterReadTime(DUMP_WRITER *Writer, uint64_t Address)
{
    uint32_t Parts[2];
    return TargetRead(Writer->Target, Address, Parts, sizeof(Parts))
               ? (uint64_t)Parts[1] << 32 | Parts[0] : 0;
}

static bool WriterFillHeader(DUMP_WRITER *Writer)
{
    const DUMP_REQUEST *Request = Writer->Request;
    TARGET *Target = Writer->Target;
    DUMP_HEADER64 *Header = &Writer->Header;
    const uint32_t Fill = DUMP_FILL;

    for (size_t i = 0; i < sizeof(*Header); i += sizeof(Fill)) {
        memcpy((char *)Header + i, &Fill, sizeof(Fill));
    }
    if (!WriterReadData(Writer) || !WriterReadRuns(Writer) || !WriterReadBugCheck(Writer) ||
        !WriterReadRegisters(Writer)) {
        return false;
    }
    if (!TargetRead64(Target, Writer->Data.MmPfnDatabase, &Header->PfnDatabase)) {
        Header->PfnDatabase = 0;
    }
    Header->Signature = DUMP_SIGNATURE;
    Header->ValidDump = DUMP_VALID;
    Header->MajorVersion = Target->Version.MajorVersion;
    Header->MinorVersion = Target->Version.MinorVersion;
    Header->PsLoadedModuleList = Writer->Data.PsLoadedModuleList;
    Header->PsActiveProcessHead = Writer->Data.PsActiveProcessHead;
    Header->MachineImageType = DUMP_MACHINE_AMD64;
    Header->NumberProcessors = Target->State.NumberProcessors;
    memset(Header->VersionUser, 0, sizeof(Header->VersionUser));
    Header->KdDebuggerDataBlock = Request->DebuggerData;
    Header->DumpType = DUMP_TYPE_FULL;
    Header->RequiredDumpSpace = (int64_t)Writer->Total;
    Header->SystemTime = WriterReadTime(Writer, SHARED_SYSTEM_TIME);
    Header->SystemUpTime = WriterReadTime(Writer, SHARED_INTERRUPT_TIME);
    memset(Header->Comment, 0, sizeof(Header->Comment));
    snprintf(Header->Comment, sizeof(Header->Comment), "%s", Request->Comment);
    Header->MiniDumpFields = Header->SecondaryDataState = Header->WriterStatus = 0;
    if (!TargetRead32(Target, SHARED_PRODUCT_TYPE, &Header->ProductType) ||
        !TargetRead32(Target, SHARED_SUITE_MASK, &Header->SuiteMask)) {
        Header->ProductType = Header->SuiteMask = 0;
    }
    Header->Unused1 = 0;
    Header->KdSecondaryVersion = DUMP_SECONDARY_VERSION;
    Header->Attributes = Header->BootId = 0;
    return true;
}

static bool WriterPut(DUMP_WRITER *Writer, uint64_t Offset, const void *Bytes, size_t Size)
{
    for (size_t Done = 0; Done < Size;) {
        ssize_t Put = pwrite(Writer->File, (const char *)Bytes + Done, Size - Done,
                             (off_t)(Offset + Done));
        if (Put < 0 && errno != EINTR) {
            return WriterFail(Writer, "%s", strerror(errno));
        }
        Done += Put > 0 ? (size_t)Put : 0;
    }
    return true;
}

static bool WriterIsZero(const uint8_t *Bytes, size_t Size)
{
    return Bytes[0] == 0 && memcmp(Bytes, Bytes + 1, Size - 1) == 0;
}

/* One piece of physical memory to Offset, but for pages of zeros. */
static bool WriterCopy(DUMP_WRITER *Writer, uint64_t Physical, uint64_t Offset, size_t Size)
{
    TARGET *Target = Writer->Target;
    for (size_t Read = 0; Read < Size;) {
        size_t Done = 0;
        if (!Target->Operations->ReadPhysical(Target, Physical + Read, Writer->Piece + Read,
                                              Size - Read, &Done) ||
            Done == 0 || Done > Size - Read) {
            return WriterTargetFail(Writer, "its memory");
        }
        Read += Done;
    }
    for (size_t Page = 0; Page < Size; Page += 0x1000) {
        if (!WriterIsZero(Writer->Piece + Page, 0x1000) &&
            !WriterPut(Writer, Offset + Page, Writer->Piece + Page, 0x1000)) {
            return false;
        }
    }
    return true;
}

/* How many of at most Pages pages from Page on are to be left out, or are not. */
static uint64_t WriterSpan(const DUMP_REQUEST *Request, uint64_t Page, uint64_t Pages,
                           bool *LeaveOut)
{
    uint64_t Count = 0;
    *LeaveOut = false;
    for (; Count < Pages; Count++) {
        uint64_t At = Page + Count;
        bool Out = Request->LeaveOut != NULL && At < Request->LeaveOutPages &&
                   (Request->LeaveOut[At / 8] >> (At % 8) & 1) != 0;
        if (Count == 0) {
            *LeaveOut = Out;
        } else if (Out != *LeaveOut) {
            break;
        }
    }
    return Count;
}

/* Pieces are small on a slow line, which then shows progress, and hears of Ctrl-C, soon. */
static bool WriterCopyRuns(DUMP_WRITER *Writer)
{
    const DUMP_REQUEST *Request = Writer->Request;
    const uint64_t Most = Writer->Target->Kind == TargetLive ? 4 : PIECE_BYTES / 0x1000;
    uint64_t Offset = DUMP_HEADER_BYTES;
    bool LeaveOut;

    for (uint32_t i = 0; i < Writer->Header.NumberOfRuns; i++) {
        uint64_t Page = Writer->Header.Run[i].BasePage;
        uint64_t End = Page + Writer->Header.Run[i].PageCount;
        while (Page < End) {
            uint64_t Pages = End - Page < Most ? End - Page : Most;
            Pages = WriterSpan(Request, Page, Pages, &LeaveOut);
            if (Request->Progress != NULL &&
                !Request->Progress(Request->Context, Offset, Writer->Total)) {
                return WriterFail(Writer, "stopped; nothing was written");
            }
            if (!LeaveOut &&
                !WriterCopy(Writer, Page * 0x1000, Offset, (size_t)Pages * 0x1000)) {
                return false;
            }
            Page += Pages;
            Offset += Pages * 0x1000;
        }
    }
    return true;
}

static bool WriterOpensAgain(DUMP_WRITER *Writer, const char *Part)
{
    char Error[600] = "not enough memory";
    TARGET *Target = malloc(sizeof(*Target));
    bool Good = Target != NULL && TargetOpenDump(Target, Part, Error, sizeof(Error));
    if (Good) {
        Target->Operations->Close(Target);
    }
    free(Target);
    return Good || WriterFail(Writer, "what was written cannot be opened: %s", Error);
}

static bool WriterRun(DUMP_WRITER *Writer)
{
    const DUMP_REQUEST *Request = Writer->Request;
    char Part[4096];

    if (!Request->Overwrite && access(Request->Path, F_OK) == 0) {
        return WriterFail(Writer, "the file is there already");
    }
    if (!WriterFillHeader(Writer)) {
        return false;
    }
    if (snprintf(Part, sizeof(Part), "%s.%d.part", Request->Path, (int)getpid()) >=
        (int)sizeof(Part)) {
        return WriterFail(Writer, "%s", strerror(ENAMETOOLONG));
    }
    Writer->File = open(Part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (Writer->File < 0) {
        return WriterFail(Writer, "%s", strerror(errno));
    }
    bool Good = WriterPut(Writer, 0, &Writer->Header, sizeof(Writer->Header)) &&
                WriterCopyRuns(Writer);
    if (Good && ftruncate(Writer->File, (off_t)Writer->Total) != 0) {
        Good = WriterFail(Writer, "%s", strerror(errno));
    }
    if (close(Writer->File) != 0 && Good) {
        Good = WriterFail(Writer, "%s", strerror(errno));
    }
    Good = Good && WriterOpensAgain(Writer, Part);
    if (Good && rename(Part, Request->Path) != 0) {
        Good = WriterFail(Writer, "%s", strerror(errno));
    }
    if (!Good) {
        unlink(Part);
    }
    return Good;
}

bool DumpWrite(TARGET *Target, const DUMP_REQUEST *Request, uint64_t *Bytes, char *Error,
               size_t ErrorSize)
{
    DUMP_WRITER *Writer = calloc(1, sizeof(*Writer));
    if (Writer == NULL) {
        snprintf(Error, ErrorSize, "not enough memory");
        return false;
    }
    Writer->Target = Target;
    Writer->Request = Request;
    Writer->Error = Error;
    Writer->ErrorSize = ErrorSize;
    bool Good = WriterRun(Writer);
    *Bytes = Writer->Total;
    free(Writer);
    return Good;
}
