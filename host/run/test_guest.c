/* SPDX-License-Identifier: MIT */
/*
 * Boots the test kernel, asks it to run its tests and prints each result: "ok NAME" or "FAIL NAME"
 * with the first failure, and the sum as the last line. Not in the help: it is for this project's
 * own tests.
 */
#include "host/run/test_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/input/driver_file.h"
#include "host/machine/machine.h"
#include "host/machine/program_files.h"
#include "host/machine/session.h"
#include "host/symbols/symbols.h"
#include "host/text/bug_check_names.h"
#include "host/text/text.h"

#define FILE_LIMIT (64u << 20)
#define TEST_TIMEOUT 300u
#define TAIL_LINES 15u

typedef struct {
    RUN_OPTIONS Options;
    PROGRAM_FILES Files;
    MACHINE Machine;
    SESSION Session;
    SYMBOLS Symbols;
    unsigned Passed, Failed;
    char Name[256]; /* of the test that failed first */
} TEST_GUEST;

static void TestGuestOnResult(TEST_GUEST *Test, const CONTROL_MESSAGE *Message)
{
    char Name[256], Text[600];
    bool Good = Message->TestResult.Failures == 0;
    TextClean(Name, sizeof(Name), Message->First.Data, Message->First.Length);
    TextClean(Text, sizeof(Text), Message->Second.Data, Message->Second.Length);
    if (Good) {
        printf("ok    guest %s\n", Name);
        Test->Passed++;
    } else {
        printf("FAIL  guest %s: %s (%u failures)\n", Name, Text, Message->TestResult.Failures);
        if (Test->Name[0] == 0) {
            snprintf(Test->Name, sizeof(Test->Name), "%s", Name);
        }
        Test->Failed++;
    }
    fflush(stdout);
}

static void TestGuestOnBugCheck(TEST_GUEST *Test, const CONTROL_BUG_CHECK *Check)
{
    static SYMBOL Symbols[CONTROL_STACK_FRAMES];
    char Text[900], Value[4][TEXT_NUMBER];
    for (unsigned i = 0; i < Check->FrameCount; i++) {
        Symbols[i] = (SYMBOL){.Address = Check->Frame[i], .IsReturn = i != 0};
    }
    SymbolsResolve(&Test->Symbols, Symbols, Check->FrameCount);
    printf("FAIL  guest bug check 0x%X %s (%s %s %s %s) at IRQL %u\n", Check->Code,
           BugCheckName(Check->Code)->Name, TextAddress(Value[0], Check->Parameter[0]),
           TextAddress(Value[1], Check->Parameter[1]), TextAddress(Value[2], Check->Parameter[2]),
           TextAddress(Value[3], Check->Parameter[3]), Check->Irql);
    for (unsigned i = 0; i < Check->FrameCount; i++) {
        SymbolText(&Symbols[i], Text, sizeof(Text));
        printf("      %02u %s %s\n", i, TextAddress(Value[0], Symbols[i].Address), Text);
    }
    Test->Failed++;
}

static void TestGuestOnEvent(void *Context, const CONTROL_MESSAGE *Message)
{
    TEST_GUEST *Test = Context;
    char Text[1024];
    if (Message->Type == ControlTestResult) {
        TestGuestOnResult(Test, Message);
    } else if (Message->Type == ControlBugCheck) {
        TestGuestOnBugCheck(Test, &Message->BugCheck);
    } else if (Message->Type == ControlDebugPrint && Test->Options.Verbose) {
        TextClean(Text, sizeof(Text), Message->First.Data, Message->First.Length);
        fprintf(stderr, "print %s\n", Text);
    } else if (Message->Type == ControlImageLoaded) {
        TextClean(Text, sizeof(Text), Message->First.Data, Message->First.Length);
        SymbolsAddModule(&Test->Symbols, Message->Image.Base, Message->Image.Size,
                         TextBaseName(Text), NULL);
    }
}

/* The boot archive: the test kernel under the kernel's name, and the files that tests ask for. */
static int TestGuestArchive(TEST_GUEST *Test, char *Error, size_t ErrorSize)
{
    MACHINE_FILE Files[OPTIONS_MAX_FILES + 1] = {{NULL, NULL, 0}};
    unsigned Count = Test->Options.FileCount + 1;
    bool Good = true;
    int Archive = -1;

    for (unsigned i = 0; i < Count && Good; i++) {
        const char *Path = i == 0 ? Test->Files.Kernel : Test->Options.Files[i - 1];
        Files[i].Name = i == 0 ? "ntoskrnl.exe" : TextBaseName(Path);
        Files[i].Bytes = FileReadWhole(Path, FILE_LIMIT, &Files[i].Size, Error, ErrorSize);
        Good = Files[i].Bytes != NULL;
    }
    if (Good) {
        Archive = MachineCreateArchive(Files, Count, Error, ErrorSize);
    }
    for (unsigned i = 0; i < Count; i++) {
        free((void *)Files[i].Bytes);
    }
    return Archive;
}

static bool TestGuestStart(TEST_GUEST *Test, char *Error, size_t ErrorSize)
{
    char Append[1024];
    MACHINE_CONFIG Config = {
        .BootFile = Test->Files.Boot,
        .Archive = TestGuestArchive(Test, Error, ErrorSize),
        .PagingFile = -1,
        .MemoryFile = -1,
        .Memory = Test->Options.Memory,
        .Append = Append,
        .Accelerator = Test->Options.Accelerator,
        .Pci = strcmp(Test->Options.Machine, "pci") == 0,
        .DiskFault = Test->Options.DiskFault,
        .DiskFaultNumber = Test->Options.DiskFaultNumber,
    };
    snprintf(Append, sizeof(Append), "page-out=pressure seed=%llu%s%s",
             (unsigned long long)Test->Options.Seed, Test->Options.Append != NULL ? " " : "",
             Test->Options.Append != NULL ? Test->Options.Append : "");
    bool Good = Config.Archive >= 0;
    if (Good && Test->Options.PagingFile != 0) {
        Config.PagingFile = MachineCreatePagingFile(Test->Options.PagingFile, Error, ErrorSize);
        Good = Config.PagingFile >= 0;
    }
    Good = Good && MachineStart(&Test->Machine, &Config, Error, ErrorSize);
    if (Config.Archive >= 0) {
        close(Config.Archive);
    }
    if (Config.PagingFile >= 0) {
        close(Config.PagingFile);
    }
    return Good;
}

/* What ended the session before all tests had run; it counts as one failure more. */
static void TestGuestExplain(TEST_GUEST *Test)
{
    static char Text[4 * MACHINE_TAIL_SIZE];
    const SESSION *Session = &Test->Session;
    const char *Why = Session->State == SessionTimeLimit     ? "the time limit passed"
                      : Session->State == SessionInterrupted ? "interrupted"
                      : Session->State == SessionBroken      ? Session->Error
                      : Session->State == SessionGuestGone   ? "the guest ended by itself"
                                                             : "";
    if (Session->State != SessionBugCheck) {
        printf("FAIL  guest: %s\n", Why);
        Test->Failed++;
    }
    MachineTailText(&Test->Machine.LogTail, TAIL_LINES, Text, sizeof(Text));
    printf("%s%s", Text, Text[0] != 0 ? "\n" : "");
    MachineTailText(&Test->Machine.ErrorTail, TAIL_LINES, Text, sizeof(Text));
    printf("%s%s", Text, Text[0] != 0 ? "\n" : "");
}

static void TestGuestSession(TEST_GUEST *Test)
{
    const char *Pattern = Test->Options.Driver != NULL ? Test->Options.Driver : "";
    CONTROL_TEST Request = {Test->Options.Seed, (uint32_t)strlen(Pattern), 0};
    CONTROL_BYTES Bytes = {(const uint8_t *)Pattern, (uint32_t)strlen(Pattern)};

    if (SessionAwaitBoot(&Test->Session)) {
        SymbolsAddModule(&Test->Symbols, Test->Session.Boot.KernelBase, 64u << 20, "ntoskrnl.exe",
                         Test->Files.Kernel);
        if (SessionRequest(&Test->Session, ControlTest, &Request, sizeof(Request), Bytes)) {
            if (Test->Session.Reply.Status < 0) {
                printf("FAIL  guest: the kernel refused to run tests (0x%08x)\n",
                       (unsigned)Test->Session.Reply.Status);
                Test->Failed++;
            }
            SessionShutdown(&Test->Session);
        }
    }
    MachineStop(&Test->Machine);
    if (Test->Session.State != SessionShutDown) {
        TestGuestExplain(Test);
    }
    if (Test->Failed != 0) {
        printf("      replay: pageable test-guest %s --seed=%llu%s%s\n",
               Test->Name[0] != 0 ? Test->Name : Pattern, (unsigned long long)Test->Options.Seed,
               Test->Options.Append != NULL ? " --append=" : "",
               Test->Options.Append != NULL ? Test->Options.Append : "");
    }
    printf("%u passed, %u failed\n", Test->Passed, Test->Failed);
}

EXIT_CODE TestGuestCommand(int Count, char **Arguments)
{
    static TEST_GUEST Test;
    char Error[4096];
    uint64_t Deadline;

    if (!OptionsParse(&Test.Options, Count, Arguments, Error, sizeof(Error))) {
        fprintf(stderr, "pageable: %s\n", Error);
        return ExitUsage;
    }
    if (!Test.Options.TimeoutGiven) {
        Test.Options.TimeoutSeconds = TEST_TIMEOUT;
    }
    Deadline = TextNow() + (uint64_t)Test.Options.TimeoutSeconds * 1000;
    if (!ProgramFilesFind(&Test.Files, "ntoskrnl-test.exe", Error, sizeof(Error)) ||
        !SessionInit(&Test.Session, &Test.Machine, Deadline, TestGuestOnEvent, &Test) ||
        !TestGuestStart(&Test, Error, sizeof(Error))) {
        fprintf(stderr, "pageable: %s\n", Error);
        return ExitEnvironment;
    }
    Test.Session.Echo = Test.Options.Verbose;
    TestGuestSession(&Test);
    SessionFree(&Test.Session);
    return Test.Failed == 0 && Test.Passed != 0 ? ExitClean : ExitFinding;
}
