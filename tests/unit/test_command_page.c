/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_debugger.c tests/unit/fake_commands.c tests/unit/fake_memory_manager.c host/debugger/debugger.c host/debugger/command.c host/debugger/command_table.c host/debugger/expression.c host/debugger/target.c host/debugger/structure.c host/debugger/page_walk.c host/debugger/page_frame.c host/debugger/page_in.c host/debugger/command_page.c host/debugger/command_pageable.c host/debugger/command_virtual_memory.c host/text/text.c */
/* !pte, !pfn, !memusage, !address, !pageable, !pageout on page tables made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "host/debugger/page_in.h"
#include "tests/unit/fake_memory_manager.h"

#define PAGE 0xfffff8a000012345ull
#define BASE 0xfffff88200000000ull
#define IMAGE 0xfffffaa000010000ull
#define NAME 0xfffffaa000020000ull
#define HEAD 0xfffff80000001000ull
#define VARIABLES 0xfffff80000002000ull

static DEBUGGER *Debugger;
static bool Good;
static _Alignas(16) uint8_t Record[sizeof(MM_IMAGE) + 3 * sizeof(MI_SECTION)];
static WCHAR FileName[16];
static LIST_ENTRY Head;
static struct {
    uint64_t Attach, Kill, PageIn, OutAddress, OutSize;
    uint32_t Work;
} Variables;

static int Setup(void **State)
{
    Debugger = FakeDebugger();
    FakeMemoryManager();
    Debugger->DebuggerData = FAKE_DATA_BLOCK;
    return 0;
}

static int Teardown(void **State)
{
    FakeFree();
    return 0;
}

static void Prints(const char *Line, const char *Words)
{
    const char *Text = FakeRun(Line, &Good);
    if (!Good || strstr(Text, Words) == NULL) {
        fail_msg("%s: wanted\n%s\ngot\n%s", Line, Words, Text);
    }
}

static void Refused(const char *Line, const char *Words)
{
    const char *Text = FakeRun(Line, &Good);
    if (Good || strstr(Text, Words) == NULL) {
        fail_msg("%s: wanted failure with \"%s\", got\n%s", Line, Words, Text);
    }
}

static void PteForms(void **State)
{
    FakeSetPte(PAGE, 0x8000000000007963);
    Prints("!pte fffff8a000012345",
           "                                         VA fffff8a000012345\n"
           "PXE at FFFFF6FB7DBEDF88    PPE at FFFFF6FB7DBF1400    PDE at FFFFF6FB7E280000    "
           "PTE at FFFFF6FC50000090\n"
           "contains 0000000000002063  contains 0000000000003063  contains 0000000000004063  "
           "contains 8000000000007963\n"
           "pfn 2         ---DA--KWEV  pfn 3         ---DA--KWEV  pfn 4         ---DA--KWEV  "
           "pfn 7         -G-DA--KW-V\n");
    FakeSetPte(PAGE, 0x1200000080);
    Prints("!pte fffff8a000012345", "not valid\n PageFile:  0\n Offset: 12\n"
           " Protect: 4 - ReadWrite\n");
    FakeSetPte(PAGE, 0x7860);
    Prints("!pte fffff8a000012345", "not valid\n Transition: 7\n Protect: 3 - ExecuteRead\n");
    FakeSetPte(PAGE, 0x80);
    Prints("!pte fffff8a000012345", "not valid\n DemandZero\n Protect: 4 - ReadWrite\n");
    FakeSetPte(PAGE, 0);
    Prints("!pte FFFFF6FC50000090", "VA fffff8a000012000\n"); /* a PTE's address is its page's */
    Prints("!pte 8000000000007963 1", "-G-DA--KW-V");
    Refused("!pte", "");
    Refused("!pte 123400000000000", "not canonical");
    Refused("!pte fffff8a000012345 1000", "ends before it begins");
}

static void Frames(void **State)
{
    FakeFrames[7] = (MMPFN){.State = MiActive, .ReferenceCount = 1, .PteFrame = 4,
                            .PteAddress = (PMMPTE)0xFFFFF6FC50000090ull, .OriginalPte = 0x80};
    FakeFrames[8].State = MiStandby;
    Prints("!pfn 7", "    PFN 00000007 at address FFFFFA8000000118\n");
    Prints("!pfn 7", "pteaddress FFFFF6FC50000090");
    Prints("!pfn 7", "containing page 000004  Active");
    Refused("!pfn 10", "there is no frame 10; the highest is f");
    Prints("!memusage", "            Standby:       1 (        4 kb)\n");
    Prints("!memusage", "       Active/Valid:       1 (        4 kb)\n");
    Prints("!memusage", "              TOTAL:      16 (       64 kb)\n");
    Prints("!address fffff8a000012345", "Usage:                  PagedPool\n");
}

static void MakeDriver(void)
{
    MM_IMAGE *Image = (MM_IMAGE *)Record;
    const char *Name = "note.sys";
    memset(Record, 0, sizeof(Record));
    for (unsigned i = 0; Name[i] != 0; i++) {
        FileName[i] = (unsigned char)Name[i];
    }
    Image->Ldr.DllBase = (PVOID)BASE;
    Image->SectionCount = 3;
    Image->Ldr.SizeOfImage = 0x5000;
    Image->Ldr.BaseDllName.Length = 16;
    Image->Ldr.BaseDllName.Buffer = (PWSTR)NAME;
    Image->Ldr.InLoadOrderLinks.Flink = Image->Ldr.InLoadOrderLinks.Blink =
        (PLIST_ENTRY)HEAD;
    Head.Flink = Head.Blink = (PLIST_ENTRY)IMAGE;
    Image->Section[0] = (MI_SECTION){.Address = BASE, .Pages = 1, .Resident = TRUE};
    Image->Section[1] = (MI_SECTION){.Name = "PAGE", .Address = BASE + 0x1000, .Pages = 3,
                                      .Pageable = TRUE};
    Image->Section[2] = (MI_SECTION){.Name = "PAGELOCK", .Address = BASE + 0x4000, .Pages = 1,
                                      .Pageable = TRUE, .Resident = TRUE, .LockCount = 2,
                                      .LockedBy = (PVOID)(BASE + 0x10)};
    FakeSetPte(BASE, 0x5163);
    FakeSetPte(BASE + 0x1000, 0x6163);
    FakeSetPte(BASE + 0x2000, 0x7860); /* on the standby list */
    FakeSetPte(BASE + 0x3000, 0x1200000060);
    FakeSetPte(BASE + 0x4000, 0x8163);
    FakeFrames[7].State = MiStandby;
    FakeVirtual(IMAGE, Record, sizeof(Record));
    FakeVirtual(NAME, FileName, sizeof(FileName));
    FakeVirtual(HEAD, &Head, sizeof(Head));
    FakeSymbol("nt!PsLoadedModuleList", HEAD);
    FakeSymbol("note!Lock", BASE);
}

static void Pageable(void **State)
{
    MM_IMAGE *Image = (MM_IMAGE *)Record;
    MakeDriver();
    static const char Table[] =
        "\nnote.sys  fffff882`00000000 - fffff882`00005000\n"
        "start              section  pages  attributes       locks resident standby modified   out"
        "\n"
        "fffff882`00000000  headers      1  nonpaged             0        1       0        0     0"
        "\n"
        "fffff882`00001000  PAGE         3  pageable             0        1       1        0     1"
        "\n"
        "fffff882`00004000  PAGELOCK     1  pageable, locked     2        1       0        0     0"
        "\n"
        "                           last locked by note!Lock+0x10\n";
    assert_string_equal(FakeRun("!pageable", &Good), Table);
    assert_string_equal(FakeRun("!pageable note", &Good), Table);
    assert_string_equal(FakeRun("!pageable NOTE.SYS", &Good), Table);
    assert_string_equal(FakeRun("!pageable fffff88200002000", &Good), Table);
    Refused("!pageable 1000", "in no loaded module");
    FakeTarget()->Version.KernBase = BASE; /* the kernel's entry: what follows it is not read */
    Prints("!pageable", "nonpaged as a whole");
    FakeTarget()->Version.KernBase = 0;
    Image->SectionCount = 100000;
    Refused("!pageable", "cannot be");
    Image->SectionCount = 3;
    Image->Section[1].Pages = 1ull << 40;
    Refused("!pageable", "cannot be");
    Image->Ldr.InLoadOrderLinks.Flink = (PLIST_ENTRY)IMAGE; /* a list without an end */
    Refused("!pageable", "");
}

static void PageOut(void **State)
{
    MakeDriver();
    memset(&Variables, 0, sizeof(Variables));
    FakeVirtual(VARIABLES, &Variables, sizeof(Variables));
    FakeSymbol("nt!ExpDebuggerProcessAttach", VARIABLES);
    FakeSymbol("nt!ExpDebuggerProcessKill", VARIABLES + 8);
    FakeSymbol("nt!ExpDebuggerPageIn", VARIABLES + 16);
    FakeSymbol("nt!MiDebuggerPageOutAddress", VARIABLES + 24);
    FakeSymbol("nt!MiDebuggerPageOutSize", VARIABLES + 32);
    FakeSymbol("nt!ExpDebuggerWork", VARIABLES + 40);
    Prints("!pageout note", "fffff882`00000000, 5000 bytes");
    assert_int_equal(Variables.OutAddress, BASE);
    assert_int_equal(Variables.OutSize, 0x5000);
    assert_int_equal(Variables.Work, 1);
    Refused("!pageout note", "already pending");
    Debugger->PageInPending = false;
    Variables.Work = 0;
    Prints("!pageout fffff88200002345", "fffff882`00002000, 1000 bytes");
    assert_int_equal(Variables.OutAddress, BASE + 0x2000);
    Debugger->PageInPending = false;
    Variables.Work = 0;
    Prints("!pageout", "everything");
    assert_true(Variables.OutSize == ~0ull);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, Setup, Teardown)
    const struct CMUnitTest Tests[] = {TEST(PteForms), TEST(Frames), TEST(Pageable),
                                       TEST(PageOut)};
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
