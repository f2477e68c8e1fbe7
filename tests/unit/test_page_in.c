/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/fake_debugger.c tests/unit/fake_commands.c host/debugger/debugger.c host/debugger/command.c host/debugger/command_table.c host/debugger/expression.c host/debugger/target.c host/debugger/structure.c host/debugger/page_walk.c host/debugger/page_in.c host/debugger/command_paging.c host/text/text.c */
/* .pagein: what is refused, what is written into the target, how its end is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/debugger/page_in.h"
#define KeGetCurrentIrql() ((unsigned char)0) /* only the layouts are wanted */
#include "ke/ki.h"
#include "tests/unit/fake_debugger.h"

#define PROCESS 0xfffffaa000001000ull
#define THREAD 0xfffffaa000003000ull
#define HEAD 0xfffff80000001000ull
#define VARIABLES 0xfffff80000002000ull
#define BREAK 0xfffff80000003000ull
#define STACK 0xfffff88000004000ull
#define PAGE 0xfffff8a000012345ull

static EPROCESS Process;
static ETHREAD Thread;
static LIST_ENTRY Head;
static struct {
    uint64_t Attach, Kill, PageIn;
    uint32_t Work;
} Variables;
static uint64_t Tables[4][512]; /* at physical 1000, 2000, ... */
static DEBUGGER *Debugger;
static bool Good;

static void Link(LIST_ENTRY *List, uint64_t ListAddress, LIST_ENTRY *Entry, uint64_t EntryAddress)
{
    List->Flink = List->Blink = (PLIST_ENTRY)EntryAddress;
    Entry->Flink = Entry->Blink = (PLIST_ENTRY)ListAddress;
}

static void SetPage(uint64_t Address, uint64_t Entry)
{
    memset(Tables, 0, sizeof(Tables));
    Tables[0][Address >> 39 & 511] = 0x2063;
    Tables[1][Address >> 30 & 511] = 0x3063;
    Tables[2][Address >> 21 & 511] = 0x4063;
    Tables[3][Address >> 12 & 511] = Entry;
}

static void AddTypes(void)
{
    FAKE_TYPE(_KTHREAD);
    FAKE_FIELD(_KTHREAD, ApcState.Process);
    FAKE_FIELD(_KTHREAD, StackLimit);
    FAKE_FIELD(_KTHREAD, StackBase);
    FAKE_FIELD(_KPROCESS, DirectoryTableBase);
    FAKE_FIELD(_EPROCESS, ActiveProcessLinks);
    FAKE_FIELD(_EPROCESS, ThreadListHead);
    FAKE_FIELD(_ETHREAD, ThreadListEntry);
}

static int Setup(void **State)
{
    Debugger = FakeDebugger();
    memset(&Variables, 0, sizeof(Variables));
    AddTypes();
    Process.Pcb.DirectoryTableBase = FakeSpecial.Cr3 = 0x1000;
    Thread.Tcb.ApcState.Process = (PKPROCESS)PROCESS;
    Thread.Tcb.StackLimit = (PVOID)STACK;
    Thread.Tcb.StackBase = (PVOID)(STACK + 0x6000);
    Link(&Head, HEAD, &Process.ActiveProcessLinks,
         PROCESS + offsetof(EPROCESS, ActiveProcessLinks));
    Link(&Process.ThreadListHead, PROCESS + offsetof(EPROCESS, ThreadListHead),
         &Thread.ThreadListEntry, THREAD + offsetof(ETHREAD, ThreadListEntry));
    FakeVirtual(PROCESS, &Process, sizeof(Process));
    FakeVirtual(THREAD, &Thread, sizeof(Thread));
    FakeVirtual(HEAD, &Head, sizeof(Head));
    FakeVirtual(VARIABLES, &Variables, sizeof(Variables));
    FakePhysical(0x1000, Tables, sizeof(Tables));
    FakeSymbol("nt!PsActiveProcessHead", HEAD);
    FakeSymbol("nt!ExpDebuggerProcessAttach", VARIABLES);
    FakeSymbol("nt!ExpDebuggerProcessKill", VARIABLES + 8);
    FakeSymbol("nt!ExpDebuggerPageIn", VARIABLES + 16);
    FakeSymbol("nt!ExpDebuggerWork", VARIABLES + 24);
    FakeSymbol("nt!DbgBreakPointWithStatus", BREAK);
    FakeCurrentThread = THREAD;
    FakeCurrentProcess = PROCESS;
    FakeTarget()->State.Thread = THREAD;
    return 0;
}

static int Teardown(void **State)
{
    FakeFree();
    return 0;
}

static void Refused(const char *Line, const char *Words)
{
    const char *Text = FakeRun(Line, &Good);
    if (Good || strstr(Text, Words) == NULL) {
        fail_msg("%s: wanted \"%s\", got %s: %s", Line, Words, Good ? "success" : "failure", Text);
    }
    assert_false(Debugger->PageInPending);
    assert_int_equal(Variables.Work, 0);
}

static void Stop(uint64_t Rip, uint64_t Status)
{
    TARGET *Target = FakeTarget();
    Target->State.NewState = DBGKD_EXCEPTION_STATE_CHANGE;
    Target->State.Exception.Record.ExceptionCode = KD_EXCEPTION_BREAKPOINT;
    Target->State.ProgramCounter = Rip;
    Debugger->HasContext = true;
    Debugger->Context.Rip = Rip;
    Debugger->Context.Rcx = Status;
    FakeOutput();
    PageInOnStop(Debugger);
}

/* What the worker does with the request before it stops. */
static void Worker(void)
{
    memset(&Variables, 0, sizeof(Variables));
}

static void Arguments(void **State)
{
    Refused(".pagein", "needs an address");
    Refused(".pagein /p", "/p needs the address of a process");
    Refused(".pagein /x 1000", "unknown option /x");
    Refused(".pagein 1000 2000", "takes one address");
    Refused(".pagein 1000 /f", "takes one address");
    Refused(".pagein zzz", "zzz");
    Refused(".pagein /p 1234 1000", "00000000`00001234 is not the EPROCESS of an active process");
    FakeTarget()->Kind = TargetDump;
    Refused(".pagein 1000", "live target");
}

static void CorruptProcessList(void **State)
{
    Process.ActiveProcessLinks.Blink = NULL;
    Refused(".pagein /p fffffaa000001000 1000", "corrupt");
}

static void OldVersions(void **State)
{
    FakeTarget()->Version.MinorVersion = 3790;
    Refused(".pagein fffff8a000012345", "user-mode addresses only");
    assert_null(strstr(FakeRun(".pagein /f fffff8a000012345", &Good), "WARNING"));
    assert_true(Good);
    Setup(State);
    FakeTarget()->Version.MinorVersion = 2600;
    assert_non_null(strstr(FakeRun(".pagein /f fffff88000004010", &Good), "kernel stack"));
    assert_true(Good);
    Setup(State);
    FakeTarget()->Version.MinorVersion = 2600;
    FakeRun(".pagein 10000", &Good);
    assert_true(Good);
}

static void Scheduling(void **State)
{
    FakeRun(".pagein /p fffffaa0`00001000 fffff8a000012345", &Good);
    assert_true(Good);
    assert_int_equal(Variables.Attach, PROCESS);
    assert_int_equal(Variables.Kill, 0);
    assert_int_equal(Variables.PageIn, PAGE);
    assert_int_equal(Variables.Work, 1);
    Variables.Attach = 0;
    assert_non_null(strstr(FakeRun(".pagein 5000", &Good), "already pending"));
    assert_false(Good);
    assert_int_equal(Variables.Attach, 0); /* nothing is rewritten */
    Setup(State);
    Variables.Work = 2;
    assert_non_null(strstr(FakeRun(".pagein 5000", &Good), "has not finished"));
    assert_false(Good);
    assert_int_equal(Variables.Work, 2);
}

static void Kill(void **State)
{
    FakeRun(".kill fffffaa000001000", &Good);
    assert_true(Good);
    assert_int_equal(Variables.Kill, PROCESS);
    assert_int_equal(Variables.Attach, 0);
    assert_int_equal(Variables.Work, 1);
    assert_false(Debugger->PageInPending);
}

static void Completion(void **State)
{
    SetPage(PAGE, 0x1200000080);
    FakeRun(".pagein fffff8a000012345", &Good);
    assert_true(Good);
    Stop(0xfffff88200001000, 7); /* another breakpoint first */
    assert_non_null(strstr(FakeOutput(), "still pending"));
    assert_true(Debugger->PageInPending);
    Stop(BREAK, 1); /* a break-in by the user */
    assert_true(Debugger->PageInPending);
    Worker();
    SetPage(PAGE, 0x8000000000007963);
    Stop(BREAK, 7);
    assert_false(Debugger->PageInPending);
    const char *Text = FakeOutput();
    assert_non_null(strstr(Text, "fffff8a0`00012345 is resident now (frame 7); it came from slot 12"
                           " of the paging file"));
    Stop(BREAK, 7); /* nobody asked */
    assert_int_equal(strlen(FakeOutput()), 0);
}

static const char *Outcome(uint64_t Before, uint64_t After)
{
    SetPage(PAGE, Before);
    FakeRun(".pagein fffff8a000012345", &Good);
    assert_true(Good);
    Worker();
    SetPage(PAGE, After);
    Stop(BREAK, 7);
    return FakeOutput();
}

static void Outcomes(void **State)
{
    assert_non_null(strstr(Outcome(0x7963, 0x7963), "was resident already"));
    assert_non_null(strstr(Outcome(0x7880, 0x7963), "standby or modified list"));
    assert_non_null(strstr(Outcome(0x80, 0x7963), "made of zeros"));
    assert_non_null(strstr(Outcome(0, 0), "not valid"));
    assert_non_null(strstr(Outcome(0x7963, 0x7880), "not resident"));
    FakeRun(".pagein 123400000000000", &Good); /* not canonical: it only breaks in */
    assert_true(Good);
    Worker();
    Stop(BREAK, 7);
    assert_non_null(strstr(FakeOutput(), "not valid"));
}

static void ProcessContext(void **State)
{
    Debugger->ImplicitProcess = 0x1111;
    FakeRun(".pagein /p fffffaa000001000 10000", &Good);
    assert_true(Good);
    Worker();
    Stop(BREAK, 7);
    assert_non_null(strstr(FakeOutput(), "Process context is fffffaa0`00001000"));
    assert_int_equal(Debugger->ImplicitProcess, 0);
    FakeRun(".pagein /p fffffaa000001000 10000", &Good);
    Worker();
    Thread.Tcb.ApcState.Process = (PKPROCESS)0x2222;
    Stop(BREAK, 7);
    assert_non_null(strstr(FakeOutput(), "has ended"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, Setup, Teardown)
    const struct CMUnitTest Tests[] = {
        TEST(Arguments), TEST(CorruptProcessList), TEST(OldVersions), TEST(Scheduling),
        TEST(Kill),      TEST(Completion),         TEST(Outcomes),    TEST(ProcessContext)};
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
