/* SPDX-License-Identifier: MIT */
/* .dump. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "host/debugger/debugger.h"
#include "host/debugger/dump_writer.h"
#include "host/debugger/page_frame.h"
#include "host/text/text.h"

typedef struct {
    DEBUGGER *Debugger;
    bool Terminal;
    unsigned Percent; /* shown last */
} DUMP_SHOW;

static bool DumpShow(void *Context, uint64_t Done, uint64_t Total)
{
    DUMP_SHOW *Show = Context;
    unsigned Percent = (unsigned)(Done * 100 / Total);
    char Size[TEXT_NUMBER];
    if (Show->Terminal && Percent != Show->Percent) {
        DebuggerPrint(Show->Debugger, "\r%3u%% of %s bytes (Ctrl-C stops)", Percent,
                      TextGroups(Size, Total));
        fflush(Show->Debugger->Output);
        Show->Percent = Percent;
    }
    return !DebuggerInterrupted(Show->Debugger);
}

/*
 * The options before the file's name, which may begin with a slash too: an option has at most two
 * letters. False: it has been said what is wrong.
 */
static bool DumpOptions(DEBUGGER *Debugger, const char **Arguments, bool *Overwrite)
{
    char Word[4];
    while (**Arguments == '/' && strcspn(*Arguments, " \t") < sizeof(Word) &&
           CommandWord(Arguments, Word, sizeof(Word))) {
        if (strcasecmp(Word, "/o") == 0) {
            *Overwrite = true;
        } else if (strcasecmp(Word, "/f") != 0) {
            return DebuggerError(Debugger, ".dump %s: the options are /f, a full dump, which is "
                                           "the only kind, and /o, over a file that is there",
                                 Word);
        }
    }
    return true;
}

/* The rest of the line, without quotes around it. */
static bool DumpPath(DEBUGGER *Debugger, const char *Text, char *Path, size_t Capacity)
{
    size_t Length = strlen(Text);
    while (Length != 0 && (Text[Length - 1] == ' ' || Text[Length - 1] == '\t')) {
        Length--;
    }
    if (Length >= 2 && Text[0] == '"' && Text[Length - 1] == '"') {
        Text++;
        Length -= 2;
    }
    if (Length == 0 || Length >= Capacity) {
        return DebuggerError(Debugger, Length == 0 ? ".dump: which file? .dump [/o] FILE"
                                                   : ".dump: the file's name is too long");
    }
    memcpy(Path, Text, Length);
    Path[Length] = 0;
    return true;
}

static void DumpMarkFree(void *Context, uint64_t Frame, uint64_t State)
{
    uint8_t *Bits = Context;
    if (State == FrameZeroed || State == FrameFree) {
        Bits[Frame / 8] |= (uint8_t)(1u << (Frame % 8));
    }
}

/*
 * A KD line takes a minute for six megabytes, and most memory is free: what is in pages that
 * nobody owns is worth nothing. Without the database's types all pages are read.
 */
static uint8_t *DumpFindFree(DEBUGGER *Debugger, uint64_t *Pages)
{
    uint64_t Highest, Size, Unknown;
    *Pages = 0;
    if (Debugger->Target->Kind != TargetLive || !DebugTypeSize(Debugger, "nt!_MMPFN", &Size) ||
        !PageFrameHighest(Debugger, &Highest)) {
        return NULL;
    }
    uint8_t *Bits = calloc(1, (size_t)Highest / 8 + 1);
    if (Bits != NULL && !PageFrameEach(Debugger, DumpMarkFree, Bits, &Unknown)) {
        free(Bits);
        return NULL;
    }
    *Pages = Bits != NULL ? Highest + 1 : 0;
    return Bits;
}

static bool DumpCommand(DEBUGGER *Debugger, const char *Arguments)
{
    char Path[4096], Clean[512], Error[1024], Size[TEXT_NUMBER];
    DUMP_SHOW Show = {Debugger, isatty(fileno(Debugger->Output)) == 1, ~0u};
    DUMP_REQUEST Request = {
        .Path = Path,
        .Comment = "pageable: .dump",
        .DebuggerData = Debugger->DebuggerData,
        .Progress = DumpShow,
        .Context = &Show,
    };
    uint64_t Bytes;

    if (!DumpOptions(Debugger, &Arguments, &Request.Overwrite) ||
        !DumpPath(Debugger, Arguments, Path, sizeof(Path))) {
        return false;
    }
    TextCleanString(Clean, sizeof(Clean), Path);
    DebuggerPrint(Debugger, "Creating %s - Full kernel dump\n", Clean);
    uint8_t *Free = access(Path, F_OK) == 0 && !Request.Overwrite
                        ? NULL : DumpFindFree(Debugger, &Request.LeaveOutPages);
    Request.LeaveOut = Free;
    bool Good = DumpWrite(Debugger->Target, &Request, &Bytes, Error, sizeof(Error));
    free(Free);
    if (Show.Percent != ~0u) {
        DebuggerPrint(Debugger, "\r%*s\r", 60, "");
    }
    if (!Good) {
        return DebuggerError(Debugger, "%s%s", Error,
                             access(Path, F_OK) == 0 && !Request.Overwrite ? " (/o writes over it)"
                                                                           : "");
    }
    DebuggerPrint(Debugger, "Dump successfully written: %s bytes\n", TextGroups(Size, Bytes));
    return true;
}

const DEBUGGER_COMMAND CommandsDump[] = {
    {".dump", DumpCommand, ".dump [/o] [/f] File",
     "Writes a Windows full crash dump of the target; /o: over a file that is there.", false},
    {0},
};
