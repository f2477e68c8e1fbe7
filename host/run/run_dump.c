/* SPDX-License-Identifier: MIT */
/*
 * `run --dump=FILE`: a crash dump of the guest after a bug check. The machine's RAM is then a
 * memory file of ours, which is still there when QEMU has ended; so nothing is asked of a guest
 * that is dead, and a run without the option is as before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/debugger/dump_writer.h"
#include "host/debugger/physical_file.h"
#include "host/run/run.h"
#include "host/text/bug_check_names.h"
#include "host/text/text.h"

/* QEMU's microvm has at most so much of its RAM below 4 GB, the rest from there on. */
#define LOW_PAGES (0xc0000000ull / PHYSICAL_PAGE)
#define HIGH_FIRST_PAGE (0x100000000ull / PHYSICAL_PAGE)

int RunCreateMemory(uint64_t Bytes, char *Error, size_t ErrorSize)
{
    int File = memfd_create("pageable-memory", MFD_CLOEXEC);
    if (File >= 0 && ftruncate(File, (off_t)Bytes) == 0) {
        return File;
    }
    snprintf(Error, ErrorSize, "the machine's memory as a file: %s", strerror(errno));
    if (File >= 0) {
        close(File);
    }
    return -1;
}

static bool RunOpenMemory(RUN *Run, TARGET *Target, char *Error, size_t ErrorSize)
{
    uint64_t Pages = Run->Options.Memory / PHYSICAL_PAGE;
    uint64_t Low = Pages < LOW_PAGES ? Pages : LOW_PAGES;
    PHYSICAL_FILE Memory;

    PhysicalFileInitialize(&Memory, Run->MemoryFile);
    Run->MemoryFile = -1;
    if (!PhysicalFileAdd(&Memory, (PHYSICAL_RUN){0, Low, 0}) ||
        (Pages > Low &&
         !PhysicalFileAdd(&Memory, (PHYSICAL_RUN){HIGH_FIRST_PAGE, Pages - Low,
                                                  Low * PHYSICAL_PAGE}))) {
        PhysicalFileClose(&Memory);
        snprintf(Error, ErrorSize, "not enough memory");
        return false;
    }
    return TargetOpenMemory(Target, &Memory, Run->Session.Boot.DirectoryTableBase,
                            Run->Session.Boot.DebuggerData, Error, ErrorSize);
}

static bool RunWriteFile(RUN *Run, TARGET *Target, uint64_t *Bytes, char *Error, size_t ErrorSize)
{
    char Comment[128];
    snprintf(Comment, sizeof(Comment), "pageable: %s, bug check 0x%X %s", Run->Driver.Name,
             Run->BugCheck.Code, BugCheckName(Run->BugCheck.Code)->Name);
    const DUMP_REQUEST Request = {
        .Path = Run->Options.Dump,
        .Overwrite = true,
        .Comment = Comment,
        .DebuggerData = Run->Session.Boot.DebuggerData,
    };
    return DumpWrite(Target, &Request, Bytes, Error, ErrorSize);
}

bool RunWriteDump(RUN *Run)
{
    char Error[1024], Path[1024], Size[TEXT_NUMBER];
    TARGET *Target;
    uint64_t Bytes = 0;

    if (Run->Options.Dump == NULL) {
        return true;
    }
    if (!Run->HasBugCheck || !Run->Session.Booted) {
        ReportLine(&Run->Report, "dump", "none: %s",
                   Run->HasBugCheck ? "the kernel had not booted" : "there was no bug check");
        return true;
    }
    Target = malloc(sizeof(*Target));
    bool Good = Target != NULL && RunOpenMemory(Run, Target, Error, sizeof(Error));
    if (Good) {
        Good = RunWriteFile(Run, Target, &Bytes, Error, sizeof(Error));
        Target->Operations->Close(Target);
    } else if (Target == NULL) {
        snprintf(Error, sizeof(Error), "not enough memory");
    }
    free(Target);
    TextCleanString(Path, sizeof(Path), Run->Options.Dump);
    if (Good) {
        ReportLine(&Run->Report, "dump", "%s, %s bytes; `pageable kd --dump %s` opens it", Path,
                   TextGroups(Size, Bytes), Path);
    } else {
        ReportLine(&Run->Report, "dump", "not written: %s", Error);
    }
    ReportEvent(&Run->Report, "dump",
                json_pack("{s:s, s:b, s:I, s:s}", "path", Path, "written", (int)Good, "bytes",
                          (json_int_t)(Good ? Bytes : 0), "error", Good ? "" : Error));
    return Good;
}
