/* SPDX-License-Identifier: MIT */
/* sources: host/debugger/dump_file.c host/debugger/dump_target.c host/debugger/dump_writer.c host/debugger/physical_file.c host/debugger/page_walk.c host/debugger/target.c host/symbols/string_pool.c host/text/text.c tests/unit/dump_sample.c */
/*
 * A crash dump from anywhere: the input is a list of changes (offset, byte) to a good dump, or the
 * file itself. What opens is read all over, and written again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/debugger/dump_writer.h"
#include "tests/unit/dump_sample.h"

#define FILE_BYTES 0x40000u

static int File = -1;
static char Path[64], OutputPath[64];

static size_t MakeDump(uint8_t *Dump, const uint8_t *Data, size_t Size)
{
    if (Data[0] % 4 == 3) {
        memcpy(Dump, Data + 1, Size - 1);
        return Size - 1;
    }
    size_t Bytes = SampleDump(Dump, FILE_BYTES, Data[0] % 2 == 0 ? 1 : 5);
    for (size_t i = 1; i + 4 <= Size; i += 4) {
        size_t Offset = (size_t)SampleGet(Data + i, 3);
        Dump[Offset % Bytes] = Data[i + 3];
    }
    return Bytes;
}

/* Reading must end, and what was read must have been there. */
static void ReadAll(TARGET *Target)
{
    static uint8_t Out[0x3000];
    uint64_t Value;
    size_t Done;
    for (uint64_t Page = 0; Page < 8; Page++) {
        TargetRead(Target, SAMPLE_BASE + Page * 0x1000 + 0xff0, Out, sizeof(Out));
    }
    TargetRead(Target, Target->State.ProgramCounter, Out, 16);
    TargetRead(Target, Target->State.Thread, Out, 16);
    Target->Operations->ReadControl(Target, KD_CONTROL_SPACE_PCR, &Value);
    if (Target->Operations->ReadPhysical(Target, Value, Out, sizeof(Out), &Done) &&
        (Done == 0 || Done > sizeof(Out))) {
        abort();
    }
}

static bool StopWhenLarge(void *Context, uint64_t Done, uint64_t Total)
{
    return Total < 64 * FILE_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static uint8_t Dump[FILE_BYTES];
    static TARGET Target;
    char Error[600];
    uint64_t Bytes;

    if (Size < 2 || Size > FILE_BYTES) {
        return 0;
    }
    if (File < 0) {
        File = memfd_create("dump", 0);
        snprintf(Path, sizeof(Path), "/proc/self/fd/%d", File);
        snprintf(OutputPath, sizeof(OutputPath), "/dev/shm/fuzz-dump-%d",
                 (int)getpid());
    }
    size_t Length = MakeDump(Dump, Data, Size);
    if (ftruncate(File, 0) != 0 || pwrite(File, Dump, Length, 0) != (ssize_t)Length) {
        abort();
    }
    if (!TargetOpenDump(&Target, Path, Error, sizeof(Error))) {
        return 0;
    }
    ReadAll(&Target);
    const DUMP_REQUEST Request = {.Path = OutputPath, .Overwrite = true, .Comment = "fuzz",
                                  .DebuggerData = SAMPLE_KDBG, .Progress = StopWhenLarge};
    bool Written = DumpWrite(&Target, &Request, &Bytes, Error, sizeof(Error));
    Target.Operations->Close(&Target);
    /* What the writer makes, the reader takes. */
    if (Written && !TargetOpenDump(&Target, OutputPath, Error, sizeof(Error))) {
        abort();
    }
    if (Written) {
        Target.Operations->Close(&Target);
        unlink(OutputPath);
    }
    return 0;
}
