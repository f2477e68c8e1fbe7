/* SPDX-License-Identifier: MIT */
/* sources: host/debugger/dump_file.c host/debugger/dump_target.c host/debugger/dump_writer.c host/debugger/physical_file.c host/debugger/page_walk.c host/debugger/target.c host/symbols/string_pool.c host/text/text.c tests/unit/dump_sample.c */
/* Crash dumps: read, refused, written. The bytes are checked by the documents' offsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/debugger/dump_writer.h"
#include "host/debugger/physical_file.h"
#include "tests/unit/dump_sample.h"
#include "wire/kd_data.h"

static uint8_t Bytes[0x40000];
static char Directory[] = "/tmp/test-dump-XXXXXX";
static char Path[64], Error[600];
static TARGET Target;

static void Store(const uint8_t *Data, size_t Size)
{
    FILE *File = fopen(Path, "we");
    assert_non_null(File);
    assert_int_equal(fwrite(Data, 1, Size, File), Size);
    assert_int_equal(fclose(File), 0);
}

static bool OpenStored(void)
{
    Error[0] = 0;
    return TargetOpenDump(&Target, Path, Error, sizeof(Error));
}

static void CheckOpened(void)
{
    char Text[17] = {0};
    uint64_t Value;
    CONTEXT Context;
    KSPECIAL_REGISTERS Special;
    size_t Done;

    assert_int_equal(Target.Kind, TargetDump);
    assert_true(Target.Stopped);
    assert_true(TargetRead(&Target, SAMPLE_TEXT, Text, 16));
    assert_string_equal(Text, "overtwopagesname");
    assert_false(TargetRead(&Target, SAMPLE_OUT, Text, 1));
    assert_non_null(strstr(Target.Error, "fffff800`00006000"));
    assert_false(TargetRead(&Target, SAMPLE_BASE + 0x5fff, Text, 2));
    assert_false(TargetRead(&Target, 0x1000000000000000ull, Text, 1));
    assert_true(Target.Operations->ReadPhysical(&Target, 0x1000, Text, 1, &Done));
    assert_int_equal((uint8_t)Text[0], 0xab);
    assert_false(Target.Operations->ReadPhysical(&Target, 0x5000, Text, 1, &Done));
    assert_false(Target.Operations->ReadPhysical(&Target, ~0ull, Text, 1, &Done));
    assert_true(Target.Operations->GetContext(&Target, &Context));
    assert_int_equal(Context.Rip, SAMPLE_BASE + 0x1234);
    assert_true(Target.Operations->GetSpecial(&Target, &Special));
    assert_int_equal(Special.Cr3, SAMPLE_DIRECTORY);
    assert_true(Target.Operations->ReadControl(&Target, KD_CONTROL_SPACE_THREAD, &Value));
    assert_int_equal(Value, SAMPLE_THREAD);
    assert_int_equal(Target.State.Thread, SAMPLE_THREAD);
    assert_int_equal(Target.State.ProgramCounter, SAMPLE_BASE + 0x1234);
    assert_true(Target.Operations->ReadControl(&Target, KD_CONTROL_SPACE_PCR, &Value));
    assert_int_equal(Value, SAMPLE_PRCB - 0x180);
    assert_int_equal(Target.Version.MinorVersion, 18362);
    assert_int_equal(Target.Version.KernBase, SAMPLE_BASE);
    assert_true(TargetRead64(&Target, Target.Version.DebuggerDataList, &Value));
    assert_int_equal(Value, SAMPLE_KDBG);
    assert_false(TargetCan(&Target, WriteVirtual) || TargetCan(&Target, Continue));
}

static void opens_both_types(void **State)
{
    for (unsigned Type = 1; Type <= 5; Type += 4) {
        Store(Bytes, SampleDump(Bytes, sizeof(Bytes), Type));
        if (!OpenStored()) {
            fail_msg("type %u: %s", Type, Error);
        }
        CheckOpened();
        Target.Operations->Close(&Target);
    }
}

/* Each: one change to a good dump, and what the message must say beside the file's name. */
static const struct {
    unsigned Type;
    uint32_t Offset;
    uint64_t Value;
    unsigned Size;
    const char *Says;
} Mistakes[] = {
    {1, 0x0, 0x46454741, 4, "offset 0x0: no crash dump"},
    {1, 0x0, 0x504d444d, 4, "offset 0x0: a minidump of a process"},
    {1, 0x4, 0x504d5544, 4, "offset 0x4: a dump of a 32-bit system"},
    {1, 0x4, 0, 4, "offset 0x4: DU64 must stand here"},
    {1, 0x10, 0x5000, 8, "offset 0x80"},
    {1, 0x10, ~0ull, 8, "offset 0x80"},
    {1, 0x30, 0x14c, 4, "offset 0x30: a machine of type 14c"},
    {1, 0x34, 0, 4, "offset 0x34: 0 processors"},
    {1, 0x34, 0x10000, 4, "offset 0x34: 65536 processors"},
    {1, 0x80, SAMPLE_BASE, 8, "offset 0x80"},
    {1, 0x80, SAMPLE_OUT, 8, "cannot be read"},
    {1, 0x80, ~0ull, 8, "offset 0x80"},
    {1, 0x88, 0, 4, "offset 0x88: 0 runs"},
    {1, 0x88, 43, 4, "offset 0x88: 43 runs"},
    {1, 0x88, 3, 4, "offset 0xb8: the run's"},
    {1, 0x90, 25, 8, "offset 0x90: 25 pages, but the runs have 24"},
    {1, 0x98, 0x11, 8, "offset 0xa8: the run is empty, or not above"},
    {1, 0xa0, 0, 8, "offset 0x98: the run is empty"},
    {1, 0xa0, ~0ull, 8, "offset 0x98: the run's 18446744073709551615 pages go beyond"},
    {1, 0x98, 0xd, 8, "offset 0xa8: the run is empty, or not above"},
    {1, 0xa8, ~0ull, 8, "offset 0xa8: the run is empty"},
    {1, 0xb0, 21, 8, "offset 0xa8: the run's 21 pages go beyond"},
    {1, 0xf98, 2, 4, "offset 0xf98: a dump of type 2 (kernel summary)"},
    {1, 0xf98, 0x45474150, 4, "offset 0xf98: a dump of type 1162297680 (unknown)"},
    {1, 0xf98, 5, 4, "offset 0x2000: SDMPDUMP"},
    {5, 0x2004, 0, 4, "offset 0x2000: SDMPDUMP"},
    {5, 0x2020, 0, 8, "offset 0x2020: the first page"},
    {5, 0x2020, ~0ull, 8, "offset 0x2020: the first page"},
    {5, 0x2020, 0x4000, 8, "page 23 of the bitmap goes beyond"},
    {5, 0x2028, 25, 8, "offset 0x2028: 25 pages, but the bitmap has 24"},
    {5, 0x2030, 0, 8, "offset 0x2030: a bitmap of 0 bits"},
    {5, 0x2030, ~0ull, 8, "offset 0x2030: a bitmap of"},
    {5, 0x2038, 0x1f, 1, "page 23 of the bitmap goes beyond"},
};

static void refuses_mistakes(void **State)
{
    for (size_t i = 0; i < sizeof(Mistakes) / sizeof(Mistakes[0]); i++) {
        size_t Size = SampleDump(Bytes, sizeof(Bytes), Mistakes[i].Type);
        SamplePut(Bytes + Mistakes[i].Offset, Mistakes[i].Value, Mistakes[i].Size);
        Store(Bytes, Size);
        if (OpenStored()) {
            fail_msg("mistake %zu (%s) is not seen", i, Mistakes[i].Says);
        }
        if (strstr(Error, Mistakes[i].Says) == NULL || strncmp(Error, Path, strlen(Path)) != 0) {
            fail_msg("mistake %zu: \"%s\" lacks \"%s\"", i, Error, Mistakes[i].Says);
        }
    }
}

static void refuses_every_shorter_file(void **State)
{
    size_t Size = SampleDump(Bytes, sizeof(Bytes), 1);
    Store(Bytes, Size);
    for (size_t Cut = 0; Cut < Size; Cut += Cut < 0x200 ? 0x3f : 0x777) {
        assert_int_equal(truncate(Path, (off_t)Cut), 0);
        assert_false(OpenStored());
        assert_non_null(strstr(Error, "offset 0x"));
        Store(Bytes, Size);
    }
    unlink(Path);
    assert_false(OpenStored());
    assert_non_null(strstr(Error, "No such file"));
    assert_false(TargetOpenDump(&Target, "/dev/zero", Error, sizeof(Error)));
    assert_non_null(strstr(Error, "not a regular file"));
}

/* A file that gets shorter while it is open: reads fail, nothing else happens. */
static void survives_a_file_that_shrinks(void **State)
{
    char Text[16];
    Store(Bytes, SampleDump(Bytes, sizeof(Bytes), 1));
    assert_true(OpenStored());
    assert_int_equal(truncate(Path, 0x3000), 0);
    assert_false(TargetRead(&Target, SAMPLE_TEXT, Text, sizeof(Text)));
    Target.Operations->Close(&Target);
}

static bool OpenSampleMemory(const uint8_t *Memory)
{
    PHYSICAL_FILE File;
    int Descriptor = memfd_create("sample", MFD_CLOEXEC);
    assert_true(Descriptor >= 0);
    assert_int_equal(write(Descriptor, Memory, SAMPLE_BYTES), SAMPLE_BYTES);
    PhysicalFileInitialize(&File, Descriptor);
    assert_true(PhysicalFileAdd(&File, (PHYSICAL_RUN){0, SAMPLE_BYTES / 0x1000, 0}));
    return TargetOpenMemory(&Target, &File, SAMPLE_DIRECTORY, SAMPLE_KDBG, Error, sizeof(Error));
}

static bool StopAtOnce(void *Context, uint64_t Done, uint64_t Total)
{
    *(uint64_t *)Context = Total;
    return false;
}

/* By the documents' offsets alone. */
static void CheckHeader(const uint8_t *File, size_t Size)
{
    const struct {
        uint32_t Offset;
        unsigned Size;
        uint64_t Value;
    } Expected[] = {
        {0x000, 8, 0x3436554445474150}, {0x008, 4, 15}, {0x00c, 4, 18362},
        {0x010, 8, SAMPLE_DIRECTORY}, {0x018, 8, 0xfffffa8000000000},
        {0x020, 8, SAMPLE_BASE + 0xa00}, {0x028, 8, SAMPLE_BASE + 0xa10}, {0x030, 4, 0x8664},
        {0x034, 4, 1}, {0x038, 4, 0xd1}, {0x03c, 4, 0x45474150}, {0x040, 8, 0x1111},
        {0x048, 8, 2}, {0x050, 8, 8}, {0x058, 8, 0x4444}, {0x060, 1, 0}, {0x080, 8, SAMPLE_KDBG},
        {0x088, 4, 2}, {0x090, 8, 24}, {0x098, 8, 1}, {0x0a0, 8, 4}, {0x0a8, 8, 16},
        {0x0b0, 8, 20}, {0x0b8, 8, 0x4547415045474150}, {0x340, 8, 0x4547415045474150},
        {0x378, 4, 0x10001f}, {0x37c, 4, 0x1f80}, /* MxCsr as in FltSave: some readers check */
        {0x460, 4, 0x1f80}, {0x440, 8, SAMPLE_BASE + 0x1234}, {0xf00, 4, 0x80000003},
        {0xf10, 8, SAMPLE_BASE + 0x1234}, {0xf98, 4, 1}, {0xfa0, 8, 0x2000 + 24 * 0x1000},
        {0x1038, 8, 0}, {0x104d, 1, 2}, {0x1054, 4, 0}, {0x1058, 8, 0x4547415045474150},
        {0x1ff8, 8, 0x4547415045474150},
    };
    assert_int_equal(Size, 0x2000 + 24 * 0x1000);
    for (size_t i = 0; i < sizeof(Expected) / sizeof(Expected[0]); i++) {
        uint64_t Value = SampleGet(File + Expected[i].Offset, Expected[i].Size);
        if (Value != Expected[i].Value) {
            fail_msg("offset 0x%x: %llx instead of %llx", Expected[i].Offset,
                     (unsigned long long)Value, (unsigned long long)Expected[i].Value);
        }
    }
    assert_string_equal((const char *)File + 0xfb0, "a comment");
}

static void writes_what_it_reads(void **State)
{
    static uint8_t Memory[SAMPLE_BYTES], Written[sizeof(Bytes)];
    DUMP_REQUEST Request = {.Path = Path, .Comment = "a comment", .DebuggerData = SAMPLE_KDBG};
    uint64_t Size = 0;

    unlink(Path);
    SampleMemory(Memory);
    assert_true(OpenSampleMemory(Memory));
    assert_int_equal(Target.State.Thread, SAMPLE_THREAD);
    if (!DumpWrite(&Target, &Request, &Size, Error, sizeof(Error))) {
        fail_msg("%s", Error);
    }
    assert_false(DumpWrite(&Target, &Request, &Size, Error, sizeof(Error)));
    assert_non_null(strstr(Error, "is there already"));
    Request.Overwrite = true;
    assert_true(DumpWrite(&Target, &Request, &Size, Error, sizeof(Error)));
    Target.Operations->Close(&Target);

    FILE *File = fopen(Path, "re");
    assert_non_null(File);
    assert_int_equal(fread(Written, 1, sizeof(Written), File), Size);
    fclose(File);
    CheckHeader(Written, Size);
    assert_memory_equal(Written + 0x2000, Memory + 0x1000, 4 * 0x1000);
    assert_memory_equal(Written + 0x6000, Memory + 0x10000, 20 * 0x1000);
    assert_true(OpenStored());
    CheckOpened();
    Target.Operations->Close(&Target);
}

static unsigned FilesInDirectory(void)
{
    char Command[128];
    unsigned Count = 0;
    snprintf(Command, sizeof(Command), "ls -A %s | wc -l", Directory);
    FILE *Pipe = popen(Command, "re");
    assert_non_null(Pipe);
    assert_int_equal(fscanf(Pipe, "%u", &Count), 1);
    pclose(Pipe);
    return Count;
}

/* Each: a byte string of a kernel that lies; the writer says so and leaves no file. */
static void writes_nothing_of_a_lying_kernel(void **State)
{
    static const struct {
        uint32_t Offset; /* from SAMPLE_BASE on */
        uint64_t Value;
        const char *Says;
    } Lies[] = {
        {0x100 + 0x270, 0, "MmPhysicalMemoryBlock"},
        {0x100 + 0x270, 0xdead0000, "MmPhysicalMemoryBlock cannot be read"},
        {0x100 + 0x88, 0xdead0000, "KiBugCheckData cannot be read"},
        {0x660, 0, "0 runs"},
        {0x660, 43, "43 runs"},
        {0x678, 0, "run 0 of memory"},
        {0x678, ~0ull, "run 0 of memory"},
        {0x680, 2, "run 1 of memory"},
        {0x680, ~0ull, "run 1 of memory"},
        {0x688, 0x100, "its memory cannot be read"},
        {0x2290, 0x5000, "do not lead to a kernel"}, /* CR3 as the processor saved it */
    };
    static uint8_t Memory[SAMPLE_BYTES];
    DUMP_REQUEST Request = {.Path = Path, .Comment = "", .DebuggerData = SAMPLE_KDBG};
    uint64_t Size, Total = 0;

    unlink(Path);
    for (size_t i = 0; i < sizeof(Lies) / sizeof(Lies[0]); i++) {
        SampleMemory(Memory);
        SamplePut(Memory + 0x14000 + Lies[i].Offset, Lies[i].Value, 8);
        assert_true(OpenSampleMemory(Memory));
        if (DumpWrite(&Target, &Request, &Size, Error, sizeof(Error)) ||
            strstr(Error, Lies[i].Says) == NULL) {
            fail_msg("lie %zu: \"%s\" lacks \"%s\"", i, Error, Lies[i].Says);
        }
        Target.Operations->Close(&Target);
        assert_int_equal(FilesInDirectory(), 0);
    }
    SampleMemory(Memory);
    assert_true(OpenSampleMemory(Memory));
    Request.Progress = StopAtOnce;
    Request.Context = &Total;
    assert_false(DumpWrite(&Target, &Request, &Size, Error, sizeof(Error)));
    assert_int_equal(Total, 0x2000 + 24 * 0x1000);
    assert_int_equal(FilesInDirectory(), 0);
    Request.Progress = NULL;
    Request.Path = "/nowhere/at/all";
    assert_false(DumpWrite(&Target, &Request, &Size, Error, sizeof(Error)));
    assert_non_null(strstr(Error, "/nowhere/at/all: No such file"));
    Target.Operations->Close(&Target);
    SamplePut(Memory + 0x14000 + 0x110, 0, 4); /* no KDBG */
    assert_false(OpenSampleMemory(Memory));
    assert_non_null(strstr(Error, "no KDBG"));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(opens_both_types),
        cmocka_unit_test(refuses_mistakes),
        cmocka_unit_test(refuses_every_shorter_file),
        cmocka_unit_test(survives_a_file_that_shrinks),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(writes_nothing_of_a_lying_kernel),
    };
    if (mkdtemp(Directory) == NULL) {
        return 1;
    }
    snprintf(Path, sizeof(Path), "%s/memory.dmp", Directory);
    int Failed = cmocka_run_group_tests(Tests, NULL, NULL);
    unlink(Path);
    rmdir(Directory);
    return Failed;
}
