/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_target.c host/debugger/debug_symbols.c host/debugger/debug_module.c host/symbols/pdb_symbols.c host/symbols/pdb_types.c host/symbols/pdb_type_query.c host/debugger/debug_types.c host/symbols/symbol_table.c host/symbols/string_pool.c host/debugger/debug_memory.c host/debugger/page_walk.c host/debugger/debugger.c host/debugger/target.c host/symbols/symbolizer.c host/symbols/child_program.c host/input/driver_file.c host/text/text.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c */
/* Modules, names and lines of the build's own images, in a target that may lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/symbols/symbolizer.h"
#include "tests/unit/fake_target.h"

#define NT 0xfffff80000000000ull
#define DRIVER 0xfffff88200000000ull
#define SAMPLE "drivers/correct/notepad"

static FAKE_TARGET Fake;
static uint8_t *Kernel, *Driver;
static size_t KernelSize, DriverSize;

static int StartNamed(const char *Name)
{
    FakeOpen(&Fake);
    Kernel = FakeLoadImage(&Fake, "ntoskrnl.exe", "ntoskrnl.exe", NT, &KernelSize);
    Driver = FakeLoadImage(&Fake, SAMPLE ".sys", Name, DRIVER, &DriverSize);
    snprintf(Fake.Debugger->SymbolPath, sizeof(Fake.Debugger->SymbolPath),
             "/nowhere;srv*x*y;.:drivers/correct");
    return 0;
}

static int Start(void **State)
{
    return StartNamed("note-pad.sys"); /* known to the target by a name of its own */
}

static int StartPlain(void **State)
{
    return StartNamed("notepad.sys");
}

static int End(void **State)
{
    FakeClose(&Fake);
    free(Kernel);
    free(Driver);
    return 0;
}

static uint64_t Address(const char *Name)
{
    uint64_t Value = 0;
    return DebugSymbolAddress(Fake.Debugger, Name, strlen(Name), &Value) ? Value : 0;
}

static void TestNames(void **State)
{
    char Text[400], File[300];
    unsigned Line = 0;
    assert_true(DebugReload(Fake.Debugger));
    assert_int_equal(Fake.Debugger->ModuleCount, 2);
    assert_string_equal(Fake.Debugger->Modules[0].Name, "nt");
    assert_string_equal(Fake.Debugger->Modules[1].Name, "note_pad");

    uint64_t Private = Address("note_pad!NotepadComplete"); /* a static function */
    assert_int_not_equal(Private, 0);
    assert_int_equal(Address("NOTEPADcomplete"), Private);
    assert_int_equal(Address("nt!KeReleaseSemaphore") >> 32, NT >> 32);
    assert_int_not_equal(Address("nt!ExpDebuggerWork") | Address("nt!MiFastFault"), 0);
    assert_int_equal(Address("nt!NoSuchName"), 0);
    assert_int_equal(Address("nosuch!MiFastFault"), 0);
    assert_int_equal(Address("nt"), NT);

    DebugSymbolText(Fake.Debugger, Private + 0x10, Text, sizeof(Text));
    assert_string_equal(Text, "note_pad!NotepadComplete+0x10");
    assert_true(DebugSymbolLine(Fake.Debugger, Private, false, File, sizeof(File), &Line));
    assert_string_equal(File, "drivers/correct/notepad/notepad.c");
    assert_in_range(Line, 10, 400);
    /* a return address after a function's last call means the call */
    unsigned First = Line;
    assert_false(DebugSymbolLine(Fake.Debugger, Private, true, File, sizeof(File), &Line) &&
                 Line == First);

    DebugSymbolText(Fake.Debugger, DRIVER + 0x10, Text, sizeof(Text)); /* in the headers */
    assert_string_equal(Text, "note_pad+0x10");
    DebugSymbolText(Fake.Debugger, 0x1234, Text, sizeof(Text));
    assert_string_equal(Text, "00000000`00001234");
}

/* Names and lines against those of another reader of PDBs, over the kernel's code. */
#define SYMBOLIZER_TURNS 16u

static void TestAgainstSymbolizer(void **State)
{
    static SYMBOLIZER_ANSWER Answers[SYMBOLIZER_MAX_ADDRESSES];
    uint64_t Rva[SYMBOLIZER_MAX_ADDRESSES];
    DEBUG_NAME Name;
    char File[400];
    unsigned Line, Compared = 0, Different = 0;

    assert_true(DebugReload(Fake.Debugger));
    for (unsigned Turn = 0; Turn < SYMBOLIZER_TURNS; Turn++) {
        for (unsigned i = 0; i < SYMBOLIZER_MAX_ADDRESSES; i++) {
            Rva[i] = 0x1000 + (Turn * SYMBOLIZER_MAX_ADDRESSES + i) * 0x8e;
        }
        if (!SymbolizerRun("ntoskrnl.exe", SymbolizerSymbolNames, Rva, SYMBOLIZER_MAX_ADDRESSES,
                           Answers)) {
            skip(); /* no llvm-symbolizer */
        }
        for (unsigned i = 0; i < SYMBOLIZER_MAX_ADDRESSES; i++) {
            if (Answers[i].Line == 0) {
                continue; /* between functions, or assembly */
            }
            assert_true(DebugSymbolNear(Fake.Debugger, NT + Rva[i], &Name));
            assert_string_equal(Name.Text + strlen("nt!"), Answers[i].Function);
            assert_true(
                DebugSymbolLine(Fake.Debugger, NT + Rva[i], false, File, sizeof(File), &Line));
            assert_string_equal(File, Answers[i].File);
            /*
             * Where a line has no code of its own two begin, and the readers take different ones.
             */
            Different += Line != Answers[i].Line;
            Compared++;
        }
    }
    assert_true(Compared > SYMBOLIZER_TURNS * SYMBOLIZER_MAX_ADDRESSES / 2);
    assert_in_range(Different, 0, Compared / 100);
}

static bool Count(void *Context, DEBUG_MODULE *Module, const char *Name, uint64_t Value)
{
    assert_non_null(strstr(Name, "otepad"));
    assert_true(Value > DRIVER && Value < DRIVER + DriverSize);
    ++*(unsigned *)Context;
    return true;
}

static void TestEach(void **State)
{
    unsigned Names = 0;
    assert_true(DebugReload(Fake.Debugger));
    assert_true(DebugEachSymbol(Fake.Debugger, "note*!*notepad?*", Count, &Names));
    assert_in_range(Names, 5, 100);
}

/* All of the image is out, headers too: the files have it. */
static void TestPagedOut(void **State)
{
    FakeMap(&Fake, DRIVER, NULL, DriverSize);
    assert_true(DebugReload(Fake.Debugger));
    assert_int_not_equal(Address("notepad!NotepadComplete"), 0);
}

static void TestNoFiles(void **State)
{
    Fake.Debugger->SymbolPath[0] = 0;
    assert_true(DebugReload(Fake.Debugger));
    assert_int_not_equal(Address("nt!KeReleaseSemaphore"), 0); /* from the target's exports */
    assert_int_equal(Address("nt!MiFastFault"), 0);
    assert_int_equal(Address("note_pad!NotepadComplete"), 0);
    assert_non_null(strstr(FakeTake(&Fake), "*** no PDB for ntoskrnl.exe: its exports"));
}

static void TestForeignPdb(void **State)
{
    char Folder[] = "/tmp/pageable-symbols-XXXXXX", Command[512];
    assert_non_null(mkdtemp(Folder));
    snprintf(Command, sizeof(Command),
             "cp " SAMPLE ".sys %s/note-pad.sys && cp ntoskrnl.pdb %s/notepad.pdb", Folder, Folder);
    assert_int_equal(system(Command), 0);
    snprintf(Fake.Debugger->SymbolPath, sizeof(Fake.Debugger->SymbolPath), "%s", Folder);
    assert_true(DebugReload(Fake.Debugger));
    assert_int_equal(Address("note_pad!NotepadComplete"), 0);
    assert_non_null(strstr(FakeTake(&Fake), "is of another build of note-pad.sys"));
    snprintf(Command, sizeof(Command), "rm -r %s", Folder);
    assert_int_equal(system(Command), 0);
}

static void TestHostileList(void **State)
{
    uint64_t List = Fake.Target.Version.PsLoadedModuleList, First = List + 0x1000;
    uint64_t Bad[] = {0, 8, 0x7fffffff000, ~0ull, First};
    for (unsigned i = 0; i < sizeof(Bad) / sizeof(Bad[0]); i++) {
        /* the second entry leads somewhere else, or in a circle past the head */
        assert_true(DebugWrite(Fake.Debugger, List + 0x2000, &Bad[i], 8));
        DebugReload(Fake.Debugger);
        assert_in_range(Fake.Debugger->ModuleCount, 2, DEBUGGER_MAX_MODULES);
    }
    uint64_t Base = 0x1234;
    assert_true(DebugWrite(Fake.Debugger, First + 0x30, &Base, 8));
    assert_true(DebugWrite(Fake.Debugger, List + 0x2000, &List, 8));
    assert_true(DebugReload(Fake.Debugger));
    assert_int_equal(Fake.Debugger->ModuleCount, 1);
    Fake.Target.Version.PsLoadedModuleList = 0xfffff90000000000ull;
    assert_false(DebugReload(Fake.Debugger));
}

static void TestTypes(void **State)
{
    uint64_t Size = 0, Offset = 0, Value = 0;
    assert_true(DebugReload(Fake.Debugger));
    assert_true(DebugTypeSize(Fake.Debugger, "nt!_KTHREAD", &Size));
    assert_int_equal(Size, 0x600);
    assert_true(DebugTypeSize(Fake.Debugger, "EPROCESS", &Size));
    assert_int_equal(Size, 0x880);
    /* offsets that kernel/ke/ki.h asserts */
    assert_true(DebugFieldOffset(Fake.Debugger, "nt!_KTHREAD", "ApcState.Process", &Offset, &Size));
    assert_int_equal(Offset, 0x80);
    assert_int_equal(Size, 8);
    assert_true(DebugFieldOffset(Fake.Debugger, "nt!_ETHREAD", "Tcb.KernelStack", &Offset, &Size));
    assert_int_equal(Offset, 0x58);
    assert_true(DebugFieldOffset(Fake.Debugger, "nt!_EPROCESS", "ImageFileName[2]", &Offset,
                                 &Size));
    assert_int_equal(Offset, 0x452);
    assert_int_equal(Size, 1);
    const char *Bad[] = {"", ".", "Tcb.", "Tcb..x", "Nothing", "Tcb[0]", "Cid.UniqueThread.x",
                         "Tcb.WaitBlock[4]", "Tcb.WaitBlock[", "Tcb.WaitBlock[1"};
    for (unsigned i = 0; i < sizeof(Bad) / sizeof(Bad[0]); i++) {
        assert_false(DebugFieldOffset(Fake.Debugger, "nt!_ETHREAD", Bad[i], &Offset, &Size));
    }
    assert_false(DebugTypeSize(Fake.Debugger, "nt!_NO_SUCH", &Size));

    static uint8_t Page[40]; /* an _MMPFN */
    FakeMap(&Fake, 0xfffffa8000000000ull, Page, sizeof(Page));
    Page[0x1e] = 0x5a; /* State : 3, Nonpaged : 1, ReadInProgress : 1, ... */
    assert_true(DebugReadField(Fake.Debugger, 0xfffffa8000000000ull, "nt!_MMPFN", "State", &Value));
    assert_int_equal(Value, 2);
    assert_true(DebugReadField(Fake.Debugger, 0xfffffa8000000000ull, "nt!_MMPFN", "Nonpaged",
                               &Value));
    assert_int_equal(Value, 1);
    assert_false(DebugReadField(Fake.Debugger, 0xfffffa8000000028ull, "nt!_MMPFN", "State",
                                &Value));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup_teardown(TestNames, Start, End),
        cmocka_unit_test_setup_teardown(TestAgainstSymbolizer, Start, End),
        cmocka_unit_test_setup_teardown(TestEach, Start, End),
        cmocka_unit_test_setup_teardown(TestPagedOut, StartPlain, End),
        cmocka_unit_test_setup_teardown(TestNoFiles, Start, End),
        cmocka_unit_test_setup_teardown(TestForeignPdb, Start, End),
        cmocka_unit_test_setup_teardown(TestTypes, Start, End),
        cmocka_unit_test_setup_teardown(TestHostileList, Start, End),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
