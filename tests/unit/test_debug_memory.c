/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_target.c host/debugger/debug_memory.c host/debugger/page_walk.c host/debugger/debugger.c host/debugger/debug_symbols.c host/debugger/debug_module.c host/symbols/pdb_symbols.c host/symbols/pdb_types.c host/symbols/symbol_table.c host/symbols/string_pool.c host/debugger/target.c host/symbols/child_program.c host/input/driver_file.c host/text/text.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c */
/* Memory of another process and pages in transition, through page tables made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/fake_target.h"

#define PAGES 16u
#define PROCESS 0xfffffaa000001000ull
#define USER 0x7ff612345000ull
#define SYSTEM 0xfffff88200001000ull

static FAKE_TARGET Fake;
static uint64_t Physical[PAGES][512];
static uint8_t Process[0x40];

/* Tables from the directory in frame Top down to the PTEs; free frames from Next on. */
static void Map(unsigned Top, uint64_t Address, unsigned Next, uint64_t Entry)
{
    Physical[Top][Address >> 39 & 511] = Next << 12 | 0x67;
    Physical[Next][Address >> 30 & 511] = (Next + 1) << 12 | 0x67;
    Physical[Next + 1][Address >> 21 & 511] = (Next + 2) << 12 | 0x67;
    Physical[Next + 2][Address >> 12 & 511] = Entry;
}

static int Start(void **State)
{
    uint64_t Directory = 0x2000;
    FakeOpen(&Fake);
    memset(Physical, 0, sizeof(Physical));
    Fake.Physical = (uint8_t *)Physical;
    Fake.PhysicalSize = sizeof(Physical);
    Fake.Special.Cr3 = 0x1000;
    memcpy(Process + 0x28, &Directory, sizeof(Directory));
    FakeMap(&Fake, PROCESS, Process, sizeof(Process));
    memset(Physical[10], 0xaa, 0x1000);
    memset(Physical[11], 0xbb, 0x1000);
    return 0;
}

static int End(void **State)
{
    FakeClose(&Fake);
    return 0;
}

/* .process P: user addresses are P's, kernel addresses stay those of the target. */
static void TestOtherProcess(void **State)
{
    uint8_t Bytes[16], Kernel[16];
    DEBUGGER *Debugger = Fake.Debugger;
    Map(2, USER, 3, 10 << 12 | 0x27); /* not dirty */
    memset(Kernel, 0xcc, sizeof(Kernel));
    FakeMap(&Fake, SYSTEM, Kernel, sizeof(Kernel));

    assert_false(DebugRead(Debugger, USER, Bytes, sizeof(Bytes)));
    Debugger->ImplicitProcess = PROCESS;
    assert_true(DebugRead(Debugger, USER + 8, Bytes, sizeof(Bytes)));
    assert_int_equal(Bytes[15], 0xaa);
    assert_true(DebugRead(Debugger, SYSTEM, Bytes, sizeof(Bytes)));
    assert_int_equal(Bytes[0], 0xcc);

    assert_true(DebugWrite(Debugger, USER + 1, "\1\2", 2));
    assert_memory_equal(Physical[10], "\xaa\1\2\xaa", 4);
    assert_int_equal(Physical[5][USER >> 12 & 511] & 0x60, 0x60); /* or Mm would lose it */

    /* the end of the page: what is there is read, the rest is explained */
    assert_int_equal(DebugReadSome(Debugger, USER + 0xff8, Bytes, 16), 8);
    assert_false(DebugRead(Debugger, USER + 0xff8, Bytes, 16));
    assert_non_null(strstr(Fake.Target.Error, "00007ff6`12346000 cannot be read"));
}

static void TestReadOnly(void **State)
{
    Map(2, USER, 3, 10 << 12 | 0x25); /* not writable */
    Fake.Debugger->ImplicitProcess = PROCESS;
    assert_false(DebugWrite(Fake.Debugger, USER, "\1", 1));
    assert_non_null(strstr(Fake.Target.Error, "cannot be written"));
    assert_int_equal(*(uint8_t *)Physical[10], 0xaa);
}

/* What the target cannot read, since the PTE is not valid, but is still in memory. */
static void TestTransition(void **State)
{
    uint8_t Byte = 0;
    Map(1, SYSTEM, 3, 11ull << 12 | 0x800 | 4 << 5);
    assert_true(DebugRead(Fake.Debugger, SYSTEM + 5, &Byte, 1));
    assert_int_equal(Byte, 0xbb);
    assert_false(DebugWrite(Fake.Debugger, SYSTEM + 5, "\1", 1)); /* Mm would not know */
    assert_int_equal(((uint8_t *)Physical[11])[5], 0xbb);
}

static void TestPagedOut(void **State)
{
    uint8_t Byte = 0;
    Map(1, SYSTEM, 3, 7ull << 32 | 4 << 5);
    assert_false(DebugRead(Fake.Debugger, SYSTEM + 5, &Byte, 1));
    assert_non_null(strstr(Fake.Target.Error, "paged out"));
    assert_non_null(strstr(Fake.Target.Error, "slot 7 "));
    assert_false(DebugWrite(Fake.Debugger, SYSTEM + 5, "\1", 1));
}

/* The end of the address space does not wrap. */
static void TestWrap(void **State)
{
    uint8_t Bytes[16];
    assert_int_equal(DebugReadSome(Fake.Debugger, ~0ull - 3, Bytes, sizeof(Bytes)), 0);
    FakeMap(&Fake, ~0ull - 7, Physical[10], 7);
    FakeMap(&Fake, ~0ull, Physical[10], 1);
    assert_true(DebugReadSome(Fake.Debugger, ~0ull - 7, Bytes, sizeof(Bytes)) <= 8);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup_teardown(TestOtherProcess, Start, End),
        cmocka_unit_test_setup_teardown(TestReadOnly, Start, End),
        cmocka_unit_test_setup_teardown(TestTransition, Start, End),
        cmocka_unit_test_setup_teardown(TestPagedOut, Start, End),
        cmocka_unit_test_setup_teardown(TestWrap, Start, End),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
