/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_target.c host/debugger -host/debugger/console.c -host/debugger/debug_command.c -host/debugger/kd_command.c -host/debugger/prompt.c host/symbols/child_program.c host/symbols/pdb_symbols.c host/symbols/pdb_types.c host/symbols/pdb_type_query.c host/symbols/symbol_table.c host/symbols/string_pool.c host/input/driver_file.c host/text/text.c host/text/bug_check_names.c host/text/status_names.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c lib/unwind_data.c lib/unwind_epilogue.c lib/unwind_frame.c lib/kd_packet.c */
/* Lines as a user types them, and what they print, over the build's own images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/debug_unwind.h"
#include "lib/pe_image.h"
#include "tests/unit/fake_target.h"

#define NT 0xfffff80000000000ull
#define DRIVER 0xfffff88200000000ull
#define STACK 0xfffff9ff80000000ull
#define DATA 0xfffff8a000000000ull

static FAKE_TARGET Fake;
static uint8_t *Kernel, *Driver, Stack[0x6000], Data[0x2000];
static size_t KernelSize, DriverSize;

static int Start(void **State)
{
    FakeOpen(&Fake);
    Kernel = FakeLoadImage(&Fake, "ntoskrnl.exe", "ntoskrnl.exe", NT, &KernelSize);
    Driver = FakeLoadImage(&Fake, "drivers/correct/notepad.sys", "notepad.sys", DRIVER,
                           &DriverSize);
    memset(Stack, 0, sizeof(Stack));
    memset(Data, 0, sizeof(Data));
    FakeMap(&Fake, STACK, Stack, sizeof(Stack));
    FakeMap(&Fake, DATA, Data, sizeof(Data));
    snprintf(Fake.Debugger->SymbolPath, sizeof(Fake.Debugger->SymbolPath), ".;drivers/correct");
    assert_true(DebugReload(Fake.Debugger));
    return 0;
}

static int End(void **State)
{
    FakeClose(&Fake);
    free(Kernel);
    free(Driver);
    return 0;
}

static const char *Run(const char *Line)
{
    FakeTake(&Fake);
    DebuggerRunLine(Fake.Debugger, Line);
    return FakeTake(&Fake);
}

static uint64_t Symbol(const char *Name)
{
    uint64_t Address = 0;
    if (!DebugSymbolAddress(Fake.Debugger, Name, strlen(Name), &Address)) {
        fail_msg("%s is not found", Name);
    }
    return Address;
}

static void Put(uint64_t Address, uint64_t Value)
{
    assert_true(DebugWrite(Fake.Debugger, Address, &Value, 8));
}

static void TestDump(void **State)
{
    for (unsigned i = 0; i < 48; i++) {
        Data[i] = (uint8_t)(0x30 + i);
    }
    assert_string_equal(Run("db fffff8a0`00000000 L14"),
        "fffff8a0`00000000  30 31 32 33 34 35 36 37-38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?\n"
        "fffff8a0`00000010  40 41 42 43                                      @ABC\n");
    assert_string_equal(Run("dd fffff8a0`00000000 L5"),
        "fffff8a0`00000000  33323130 37363534 3b3a3938 3f3e3d3c\n"
        "fffff8a0`00000010  43424140\n");
    assert_string_equal(Run("dq fffff8a0`00000008 L3"),
        "fffff8a0`00000008  3f3e3d3c`3b3a3938 47464544`43424140\n"
        "fffff8a0`00000018  4f4e4d4c`4b4a4948\n");
    assert_string_equal(Run("dc fffff8a0`00000000 L5"),
        "fffff8a0`00000000  33323130 37363534 3b3a3938 3f3e3d3c  0123456789:;<=>?\n"
        "fffff8a0`00000010  43424140                             @ABC\n");
    assert_string_equal(Run("dw fffff8a0`00000000 L2"), "fffff8a0`00000000  3130 3332\n");
    assert_string_equal(Run("da fffff8a0`00000000"),
        "fffff8a0`00000000  \"0123456789:;<=>?@ABCDEFGHIJKLMNO\"\n"
        "fffff8a0`00000020  \"PQRSTUVWXYZ[\\]^_\"\n");
    memcpy(Data + 0x100, "n\0o\0t\0e\0\0", 10);
    assert_string_equal(Run("du fffff8a0`00000100"), "fffff8a0`00000100  \"note\"\n");
    Put(DATA + 0x200, 0xa0008);
    Put(DATA + 0x208, DATA + 0x100);
    assert_string_equal(Run("dS fffff8a0`00000200"), "fffff8a0`00000100  \"note\"\n");
}

static void TestDumpOfWhatIsOut(void **State)
{
    const char *Text = Run("db fffff8a0`00001ff8 L10");
    assert_non_null(strstr(Text, "fffff8a0`00001ff8  00 00 00 00 00 00 00 00-?? ?? ?? ?? ?? ?? "
                                 "?? ??  ........????????\n"));
    assert_non_null(strstr(Text, "*** fffff8a0`00002000 cannot be read"));
    assert_non_null(strstr(Run("dq fffff8a0`00002000 L1"), "  ????????`????????\n"));
}

static void TestPointers(void **State)
{
    char Line[200];
    uint64_t Code = Symbol("nt!KeReleaseSemaphore") + 5;
    Put(DATA, Code);
    Put(DATA + 8, DATA);
    snprintf(Line, sizeof(Line), "fffff8a0`00000000  %08x`%08x nt!KeReleaseSemaphore+0x5\n",
             (unsigned)(Code >> 32), (unsigned)Code);
    assert_string_equal(Run("dps fffff8a0`00000000 L1"), Line);
    assert_non_null(strstr(Run("dpp fffff8a0`00000008 L1"), "nt!KeReleaseSemaphore+0x5\n"));
}

static void TestEdit(void **State)
{
    assert_string_equal(Run("eb fffff8a0`00000000 1 2 ff \"ab\""), "");
    assert_memory_equal(Data, "\1\2\377ab", 5);
    assert_string_equal(Run("eq fffff8a0`00000010 fffff800`12345678"), "");
    assert_int_equal(*(uint64_t *)(Data + 0x10), 0xfffff80012345678ull);
    assert_string_equal(Run("ezu fffff8a0`00000020 \"hi\""), "");
    assert_memory_equal(Data + 0x20, "h\0i\0\0\0", 6);
    assert_non_null(strstr(Run("eb fffff8a0`00000000 100"), "does not fit"));
    assert_non_null(strstr(Run("ed fffff8a0`00000000"), "needed"));
    assert_non_null(strstr(Run("eb fffff8a0`00002000 1"), "cannot be written"));
    assert_string_equal(Run("f fffff8a0`00000100 L5 61 62"), "Filled 0x5 bytes\n");
    assert_memory_equal(Data + 0x100, "ababa\0", 6);
    memcpy(Data + 0xfff, "needle", 6);
    assert_non_null(strstr(Run("s -a fffff8a0`00000000 L2000 \"needle\""),
                           "fffff8a0`00000fff  6e 65 65 64"));
    assert_string_equal(Run("s -a fffff8a0`00000000 L2000 \"haystack\""), "");
}

/* A walk from a function's first instruction, through a caller, to a trap frame and beyond. */
static void TestStack(void **State)
{
    CONTEXT *Context = &Fake.Debugger->Context;
    uint64_t Trap = STACK + 0x1000, Caller = Symbol("nt!KeReleaseSemaphore");
    char Line[300];

    Fake.Debugger->HasContext = true;
    Context->Rip = Symbol("nt!MiFastFault"); /* nothing pushed yet: the return address is at rsp */
    Context->Rsp = STACK + 0x100;
    Context->Rbp = Trap + 0x80;
    Put(STACK + 0x100, Symbol("nt!KiPageFault") + 0x60); /* behind its prologue; rbp: its frame */
    Put(Trap + 0x168, Caller); /* rip, cs, rflags, rsp, ss as the processor pushed them */
    Put(Trap + 0x180, STACK + 0x2000);
    Put(STACK + 0x2000, Symbol("notepad!NotepadComplete"));
    Put(STACK + 0x2008, 0);

    const char *Text = Run("kn");
    assert_non_null(strstr(Text, " # Child-SP          RetAddr           Call Site\n"
                                 "00 fffff9ff`80000100 "));
    assert_non_null(strstr(Text, "nt!MiFastFault [kernel/mm/page_fault.c @ "));
    snprintf(Line, sizeof(Line), "01 fffff9ff`80000108 %08x`%08x nt!KiPageFault+0x60\n",
             (unsigned)(Caller >> 32), (unsigned)Caller);
    assert_non_null(strstr(Text, Line));
    assert_non_null(strstr(Text, "02 fffff9ff`80002000 "));
    assert_non_null(strstr(Text, "nt!KeReleaseSemaphore [kernel/ke/semaphore.c @ "));
    assert_non_null(strstr(Text, "03 fffff9ff`80002008 00000000`00000000 notepad!NotepadComplete"));
    assert_null(strstr(Text, "\n04"));
    assert_non_null(strstr(Run("kv"), "(TrapFrame @ fffff9ff`80001000)"));
    assert_non_null(strstr(Run("kc 1"), "Call Site\nnt!MiFastFault"));
    assert_non_null(strstr(Run(".frame 2"), "02 fffff9ff`80002000 "));
    assert_non_null(strstr(Run(".frame 4"), "There is no frame 0x4"));

    /* the driver's image is out and its file cannot be found: no guess */
    FakeMap(&Fake, DRIVER, NULL, DriverSize);
    Fake.Debugger->SymbolPath[0] = 0;
    DebugFreeSymbols(Fake.Debugger);
    assert_true(DebugReload(Fake.Debugger));
    Text = Run("k");
    assert_non_null(strstr(Text, "\n*** no PDB for ntoskrnl.exe: its exports are the names; "));
    assert_non_null(strstr(Text, "\n*** the walk ends here: the image's unwind data"));
}

/* A thread that waits: KernelStack leads to KiSwapContext's frame, eight registers, the return. */
static void TestThreadContext(void **State)
{
    static DEBUG_WALK Walk;
    CONTEXT Context;
    uint64_t Offset, Size;

    assert_true(DebugFieldOffset(Fake.Debugger, "nt!_KTHREAD", "KernelStack", &Offset, &Size));
    Put(DATA + Offset, STACK + 0x3000);
    Put(STACK + 0x3000 + 0xb8 + 6 * 8, 0xb0b0);                 /* rbx */
    Put(STACK + 0x3000 + 0xb8 + 8 * 8, Symbol("nt!KiThreadStartup"));
    assert_true(DebugThreadContext(Fake.Debugger, DATA, &Context));
    DebugWalkStart(&Walk, Fake.Debugger, &Context);
    assert_true(DebugWalkNext(&Walk));
    assert_int_equal(Walk.Context.Rip, Symbol("nt!KiThreadStartup"));
    assert_int_equal(Walk.Context.Rsp, STACK + 0x3000 + 0xb8 + 9 * 8);
    assert_int_equal(Walk.Context.Rbx, 0xb0b0);
}

static void TestDisassembly(void **State)
{
    static const uint8_t Code[] = {0x48, 0x83, 0xec, 0x28, 0x75, 0x02, 0xf0, 0x48, 0x0f, 0xb1,
                                   0x11, 0x65, 0x48, 0x8b, 0x04, 0x25, 0x88, 0x01, 0x00, 0x00,
                                   0xcc, 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00};
    memcpy(Data, Code, sizeof(Code));
    assert_string_equal(Run("u fffff8a0`00000000 L6"),
        "fffff8a0`00000000 4883ec28        sub     rsp,28h\n"
        "fffff8a0`00000004 7502            jne     fffff8a0`00000008\n"
        "fffff8a0`00000006 f0480fb111      lock cmpxchg qword ptr [rcx],rdx\n"
        "fffff8a0`0000000b 65488b042588010000 mov     rax,qword ptr gs:[188h]\n"
        "fffff8a0`00000014 cc              int     3\n"
        "fffff8a0`00000015 660f1f840000000000 nop     word ptr [rax+rax]\n");
    const char *Text = Run("u notepad!NotepadComplete L2");
    assert_non_null(strstr(Text, "notepad!NotepadComplete [drivers/correct/notepad/notepad.c @ "));
    assert_non_null(strstr(Run("uf notepad!NotepadComplete"), "ret\n"));
    FakeMap(&Fake, DRIVER, NULL, DriverSize);
    Text = Run("u notepad!NotepadComplete");
    assert_non_null(strstr(Text, " ??              ???\n*** the code at fffff882`"));
}

/* All code of the kernel that has unwind data: nothing that Zydis decodes may fail to print. */
static void TestEveryFunction(void **State)
{
    PE_IMAGE Image;
    PE_ERROR Error;
    PE_FUNCTION Function;
    char Line[1100];
    unsigned Length, Instructions = 0;

    assert_true(PeMappedOpen(&Image, Kernel, KernelSize, &Error));
    for (uint32_t i = 0; PeImageFunction(&Image, i, &Function, &Error) == PeStepItem; i++) {
        for (uint32_t Rva = Function.BeginRva; Rva < Function.EndRva; Rva += Length) {
            DebugInstructionText(Fake.Debugger, NT + Rva, Line, sizeof(Line), &Length);
            if (Length == 0 || strstr(Line, "???") != NULL) {
                fail_msg("%s", Line);
            }
            Instructions++;
        }
    }
    assert_true(Instructions > 10000);
}

static void TestSymbolCommands(void **State)
{
    assert_non_null(strstr(Run("lm"), "fffff800`00000000 fffff800`"));
    assert_non_null(strstr(Run("ld nt"), "nt (pdb symbols)\n"));
    assert_non_null(strstr(Run("lm m nt"), "   nt         (pdb symbols)  ntoskrnl.pdb\n"));
    assert_null(strstr(Run("lm m nt"), "notepad"));
    assert_non_null(strstr(Run("lm m nosuch"), "No module matches"));
    assert_non_null(strstr(Run("!lmi notepad"), "Pdb: notepad.pdb\n"));
    assert_non_null(strstr(Run("x notepad!*complete"), " notepad!NotepadComplete\n"));
    assert_non_null(strstr(Run("ln notepad!NotepadComplete"), "Exact matches:\n    notepad!"));
    assert_non_null(strstr(Run(".sympath /nowhere"), "Symbol search path is: /nowhere\n"));
    assert_non_null(strstr(Run(".sympath+ /else"), "/nowhere;/else\n"));
    assert_non_null(strstr(Run(".reload"), "2 modules\n"));
}

static void TestDt(void **State)
{
    assert_non_null(strstr(Run("dt nt!_LIST_ENTRY"),
        "nt!_LIST_ENTRY\n"
        "   +0x000 Flink            : Ptr64 _LIST_ENTRY\n"
        "   +0x008 Blink            : Ptr64 _LIST_ENTRY\n"));
    Put(DATA, DATA + 0x10);
    assert_string_equal(Run("dt nt!_LIST_ENTRY fffff8a0`00000000"),
        "nt!_LIST_ENTRY\n"
        "   +0x000 Flink            : 0xfffff8a0`00000010 _LIST_ENTRY\n"
        "   +0x008 Blink            : (null)\n");
    memcpy(Data + 0x450, "System", 6);
    assert_string_equal(Run("dt nt!_EPROCESS ImageFileName fffff8a0`00000000"),
        "nt!_EPROCESS\n   +0x450 ImageFileName    : [15]  \"System\"\n");
    assert_non_null(strstr(Run("dt nt!_LIST_ENTRY fffff8a0`00002000"),
                           "   +0x008 Blink            : ??\n*** fffff8a0`00002000 cannot be"));
    assert_non_null(strstr(Run("dt nt!_KTH*"), "nt!_KTHREAD\n"));
    assert_non_null(strstr(Run("dt nt!_NOPE"), "Symbol nt!_NOPE not found"));
    assert_non_null(strstr(Run("dt -r1 nt!_EPROCESS Pcb fffff8a0`00000000"),
                           "      +0x028 DirectoryTableBase : 0x"));
    assert_non_null(strstr(Run("dt nt!PsLoadedModuleList"), "nt!_LIST_ENTRY\n   +0x000 Flink"));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup_teardown(TestDump, Start, End),
        cmocka_unit_test_setup_teardown(TestDumpOfWhatIsOut, Start, End),
        cmocka_unit_test_setup_teardown(TestPointers, Start, End),
        cmocka_unit_test_setup_teardown(TestEdit, Start, End),
        cmocka_unit_test_setup_teardown(TestStack, Start, End),
        cmocka_unit_test_setup_teardown(TestThreadContext, Start, End),
        cmocka_unit_test_setup_teardown(TestDisassembly, Start, End),
        cmocka_unit_test_setup_teardown(TestEveryFunction, Start, End),
        cmocka_unit_test_setup_teardown(TestSymbolCommands, Start, End),
        cmocka_unit_test_setup_teardown(TestDt, Start, End),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
