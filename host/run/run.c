/* SPDX-License-Identifier: MIT */
#include "host/run/run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/exports/load_refusal.h"
#include "host/text/text.h"

#define SCENARIO_LIMIT (1u << 20)
#define KERNEL_LIMIT (64u << 20)
#define KERNEL_MEMORY (6ull << 20) /* needed beside the driver's file */
#define GDB_SECONDS (7 * 24 * 3600ull) /* instead of the time limit */
#define WATCHDOG_SECONDS 10 /* after the time limit, for host code that the limit cannot reach */

static EXIT_CODE RunFail(EXIT_CODE Code, const char *Text)
{
    char Clean[4096];
    TextCleanString(Clean, sizeof(Clean), Text);
    fprintf(stderr, "pageable: %s\n", Clean);
    return Code;
}

/* QEMU dies with us. */
static void RunOnAlarm(int Signal)
{
    static const char Text[] = "pageable: the time limit passed inside the scenario\n";
    (void)!write(STDERR_FILENO, Text, sizeof(Text) - 1);
    _exit(ExitTimeLimit);
}

static void RunStartWatchdog(uint32_t Seconds)
{
    struct itimerval Timer = {{0, 0}, {(time_t)Seconds + WATCHDOG_SECONDS, 0}};
    signal(SIGALRM, RunOnAlarm);
    setitimer(ITIMER_REAL, &Timer, NULL);
}

/* A line for each module that is not provided. */
static EXIT_CODE RunCheckImports(const RUN *Run)
{
    LOAD_REFUSALS Refusals;
    char Name[512], Line[1024];

    LoadRefusals(&Refusals, &Run->Driver.Image);
    TextCleanString(Name, sizeof(Name), Run->Driver.Path);
    for (unsigned i = 0; i < Refusals.Count; i++) {
        snprintf(Line, sizeof(Line), "%s: %s", Name, Refusals.Text[i]);
        RunFail(ExitNotLoadable, Line);
    }
    return Refusals.Count != 0 ? ExitNotLoadable : ExitClean;
}

/* The file is in the machine's memory while it runs. */
static EXIT_CODE RunCheckSize(const RUN *Run)
{
    char Name[512], Line[1024], Memory[TEXT_NUMBER], Bytes[TEXT_NUMBER];
    uint64_t Needed = Run->Driver.Size + KERNEL_MEMORY;

    if (Needed <= Run->Options.Memory) {
        return ExitClean;
    }
    TextCleanString(Name, sizeof(Name), Run->Driver.Path);
    snprintf(Line, sizeof(Line), "%s: %s bytes are too many for a machine with %s memory; "
             "--memory=%lluM is enough for the file", Name, TextGroups(Bytes, Run->Driver.Size),
             TextSize(Memory, Run->Options.Memory), (unsigned long long)((Needed >> 20) + 1));
    return RunFail(ExitUsage, Line);
}

/* Everything that can be wrong before a machine is needed. */
static EXIT_CODE RunPrepare(RUN *Run, int Count, char **Arguments)
{
    char Error[4096];
    RUN_OPTIONS *Options = &Run->Options;

    if (!OptionsParse(Options, Count, Arguments, Error, sizeof(Error))) {
        TextAppendFormat(Error, sizeof(Error), "; see `pageable help run`");
        return RunFail(ExitUsage, Error);
    }
    if (Options->Driver == NULL) {
        return RunFail(ExitUsage, "run: which driver? `pageable run DRIVER.sys`");
    }
    if (Options->DiskFault != DiskFaultNone && Options->PagingFile == 0) {
        return RunFail(ExitUsage, "--disk-fault needs a paging file");
    }
    EXIT_CODE Code = DriverFileOpen(&Run->Driver, Options->Driver, Error, sizeof(Error));
    if (Code != ExitClean) {
        return RunFail(Code, Error);
    }
    Code = RunCheckImports(Run);
    Code = Code == ExitClean ? RunCheckSize(Run) : Code;
    if (Code != ExitClean) {
        return Code;
    }
    if (Options->Scenario != NULL) {
        Run->ScenarioText = FileReadWhole(Options->Scenario, SCENARIO_LIMIT, &Run->ScenarioSize,
                                          Error, sizeof(Error));
        if (Run->ScenarioText == NULL ||
            !ScenarioCheck(Options->Scenario, Run->ScenarioText, Run->ScenarioSize, Error,
                           sizeof(Error))) {
            return RunFail(ExitUsage, Error);
        }
    }
    if (Options->Registry != NULL && !RunReadRegistry(Run, Error, sizeof(Error))) {
        return RunFail(ExitUsage, Error);
    }
    for (unsigned i = 0; i < Options->FileCount; i++) {
        if (!GuestFilesAddOption(&Run->GuestFiles, Options->Files[i], Error, sizeof(Error))) {
            return RunFail(ExitUsage, Error);
        }
    }
    if ((Options->Scenario != NULL && !ScenarioCollectFiles(Run, Error, sizeof(Error))) ||
        !GuestFilesFit(&Run->GuestFiles, Options->Memory, Error, sizeof(Error))) {
        return RunFail(ExitUsage, Error);
    }
    if (!ProgramFilesFind(&Run->Files, "ntoskrnl.exe", Error, sizeof(Error))) {
        return RunFail(ExitEnvironment, Error);
    }
    if (Run->Advice != NULL && (Options->Kd != NULL || Options->Gdb != NULL)) {
        return RunFail(ExitUsage, "advise watches with breakpoints of its own: no --kd, no --gdb");
    }
    if (Run->Advice != NULL && !AdviceOpen(Run->Advice, &Run->Driver)) {
        return RunFail(ExitEnvironment, "not enough memory");
    }
    if (!ReportOpen(&Run->Report, Options->Json, Options->Verbose, Error, sizeof(Error))) {
        return RunFail(ExitUsage, Error);
    }
    Run->Report.Kept = Options->Html != NULL || Options->TimelineJson != NULL
                           ? json_array() : NULL;
    return ExitClean;
}

static void RunHeader(RUN *Run)
{
    char Name[512], Path[1024], Bytes[TEXT_NUMBER], Memory[TEXT_NUMBER], Paging[TEXT_NUMBER];
    const RUN_OPTIONS *Options = &Run->Options;

    TextCleanString(Name, sizeof(Name), Run->Driver.Name);
    TextCleanString(Path, sizeof(Path), Run->Driver.Path);
    ReportLine(&Run->Report, "pageable", "%s: %s, %s bytes", PAGEABLE_VERSION, Name,
               TextGroups(Bytes, Run->Driver.Size));
    ReportLine(&Run->Report, "machine",
               "%s%s memory, %s paging file, page-out %s%s, %sseed %llu, time limit %u s",
               strcmp(Options->Machine, "pci") == 0 ? "PCI, " : "",
               TextSize(Memory, Options->Memory), TextSize(Paging, Options->PagingFile),
               Options->PageOut, Options->Evict ? " with evict" : "",
               Options->NoVerify ? "no verification, " : "",
               (unsigned long long)Options->Seed, Options->TimeoutSeconds);
    ReportBlank(&Run->Report);
    ReportEvent(&Run->Report, "run",
                json_pack("{s:s, s:I, s:I, s:I, s:s, s:b, s:b, s:I, s:i, s:s, s:s}", "driver", Path,
                          "bytes", (json_int_t)Run->Driver.Size,
                          "memory", (json_int_t)Options->Memory,
                          "paging_file", (json_int_t)Options->PagingFile,
                          "page_out", Options->PageOut, "evict", (int)Options->Evict,
                          "verify", (int)!Options->NoVerify, "seed", (json_int_t)Options->Seed,
                          "timeout", (int)Options->TimeoutSeconds,
                          "accelerator", Options->Accelerator,
                          "machine", Options->Machine));
}

/* The machine stands still until gdb lets it go. */
static void RunTellGdb(RUN *Run)
{
    char Driver[1024], Script[sizeof(Run->Files.Kernel)];
    const char *Gdb = Run->Options.Gdb;
    if (Gdb != NULL) {
        const char *Slash = strrchr(Run->Files.Kernel, '/');
        snprintf(Script, sizeof(Script), "%.*s/pageable-gdb.py",
                 Slash != NULL ? (int)(Slash - Run->Files.Kernel) : 0, Run->Files.Kernel);
        TextCleanString(Driver, sizeof(Driver), Run->Driver.Path);
        ReportLine(&Run->Report, "gdb", "the machine waits at %s%s",
                   strchr(Gdb, '/') != NULL ? "" : "127.0.0.1:", Gdb);
        ReportLine(&Run->Report, "", "gdb -x %s -ex 'pageable-attach %s %s'", Script, Gdb, Driver);
        ReportBlank(&Run->Report);
    }
}

static bool RunStartMachine(RUN *Run, char *Error, size_t ErrorSize)
{
    const RUN_OPTIONS *Options = &Run->Options;
    size_t KernelSize;
    void *Kernel = FileReadWhole(Run->Files.Kernel, KERNEL_LIMIT, &KernelSize, Error, ErrorSize);
    if (Kernel == NULL) {
        return false;
    }
    MACHINE_FILE Files[2 + GUEST_FILES_MOST] = {
        {"ntoskrnl.exe", Kernel, KernelSize},
        {Run->Driver.GuestName, Run->Driver.Bytes, Run->Driver.Size}};
    memcpy(&Files[2], Run->GuestFiles.Files, Run->GuestFiles.Count * sizeof(Files[0]));
    MACHINE_CONFIG Config = {
        .BootFile = Run->Files.Boot,
        .Archive = MachineCreateArchive(Files, 2 + Run->GuestFiles.Count, Error, ErrorSize),
        .PagingFile = -1,
        .MemoryFile = -1,
        .Memory = Options->Memory,
        .Append = Run->Append,
        .Accelerator = Options->Accelerator,
        .Pci = strcmp(Options->Machine, "pci") == 0,
        .DiskFault = Options->DiskFault,
        .DiskFaultNumber = Options->DiskFaultNumber,
        .Gdb = Options->Gdb,
        .Kd = Run->HasKd,
    };
    free(Kernel);
    if (Options->PagingFile != 0 && Config.Archive >= 0) {
        Run->PagingFile = MachineCreatePagingFile(Options->PagingFile, Error, ErrorSize);
        Config.PagingFile = Run->PagingFile;
    }
    if (Options->Dump != NULL) {
        Run->MemoryFile = RunCreateMemory(Options->Memory, Error, ErrorSize);
        Config.MemoryFile = Run->MemoryFile;
    }
    bool Good = Config.Archive >= 0 && (Options->Dump == NULL || Config.MemoryFile >= 0) &&
                (Options->PagingFile == 0 || Config.PagingFile >= 0) &&
                MachineStart(&Run->Machine, &Config, Error, ErrorSize);
    if (Config.Archive >= 0) {
        close(Config.Archive);
    }
    return Good;
}

/* The session itself, from the boot to the shutdown; however far it gets. */
static void RunSession(RUN *Run)
{
    int32_t Status;
    if (!SessionAwaitBoot(&Run->Session)) {
        return;
    }
    Run->Symbols.Sources = &Run->Options.SourceMap;
    SymbolsAddModule(&Run->Symbols, Run->Session.Boot.KernelBase, 64u << 20, "ntoskrnl.exe",
                     Run->Files.Kernel);
    ReportEvent(&Run->Report, "booted",
                json_pack("{s:o, s:I}", "kernel_base", ReportHex(Run->Session.Boot.KernelBase),
                          "time_stamp_frequency",
                          (json_int_t)Run->Session.Boot.TimeStampFrequency));
    if (Run->Advice != NULL && !AdviceBegin(Run)) {
        return;
    }
    if (!RunFillRegistry(Run) || !LeakCheckBegin(Run) || !RunLoadDriver(Run, &Status)) {
        return;
    }
    if (Run->DriverLoaded) {
        if (Run->ScenarioText != NULL) {
            ScenarioRun(Run);
        } else {
            RunDefaultFlow(Run);
        }
    }
    RunFinish(Run);
}

static EXIT_CODE RunMachine(RUN *Run)
{
    char Error[2048];
    const bool Gdb = Run->Options.Gdb != NULL;
    uint64_t Deadline = TextNow() + (Gdb ? GDB_SECONDS : Run->Options.TimeoutSeconds) * 1000ull;

    snprintf(Run->Append, sizeof(Run->Append),
             "page-out=%s%s%s%s seed=%llu dpc-watchdog=%u%s%s%s%s%s",
             Run->Options.PageOut, Run->Options.Evict ? " evict" : "",
             Run->Options.NoVerify ? "" : " verify", Run->Options.Timeline ? " timeline" : "",
             (unsigned long long)Run->Options.Seed, Run->Options.DpcWatchdog,
             !Run->HasKd ? "" : Run->Options.Kd != NULL ? " kd" : " kd kd-wait",
             Run->Options.NtVersion != NULL ? " nt-version=" : "",
             Run->Options.NtVersion != NULL ? Run->Options.NtVersion : "",
             Run->Options.Append != NULL ? " " : "",
             Run->Options.Append != NULL ? Run->Options.Append : "");
    /* First the signals: from the start of QEMU on, a Ctrl-C must find the loop that ends it. */
    if (!SessionInit(&Run->Session, &Run->Machine, Deadline, RunOnEvent, Run)) {
        return RunFail(ExitEnvironment, "not enough memory, or no signalfd");
    }
    Run->Session.Echo = Run->Options.Verbose;
    if (Run->HasKd) {
        Run->Session.Kd = &Run->Kd; /* no watchdog: a debugger stays as long as it likes */
    } else if (!Gdb) {
        RunStartWatchdog(Run->Options.TimeoutSeconds);
    }
    RunHeader(Run);
    if (!RunStartMachine(Run, Error, sizeof(Error))) {
        ReportEvent(&Run->Report, "verdict",
                    json_pack("{s:s, s:s, s:i}", "verdict", "machine fault", "detail", Error,
                              "exit_code", (int)ExitEnvironment));
        return RunFail(ExitEnvironment, Error);
    }
    if (Run->HasKd && !KdLineStart(&Run->Kd, Run->Machine.Kd)) {
        MachineStop(&Run->Machine);
        return RunFail(ExitEnvironment, "no thread for the debugger's line");
    }
    RunTellGdb(Run);
    RunSession(Run);
    SessionServeDebugger(&Run->Session);
    if (Run->HasKd) {
        KdLineClose(&Run->Kd); /* before the machine's end of it closes */
    }
    MachineStop(&Run->Machine);
    bool Dumped = RunWriteDump(Run);
    if (Run->Advice != NULL) {
        AdviceReport(Run);
    }
    RunJudgeBudgets(Run);
    EXIT_CODE Code = VerdictReport(Run);
    return Dumped ? Code : ExitEnvironment;
}

EXIT_CODE RunCommand(const char *Program, int Count, char **Arguments, int Debugger,
                     ADVICE *Advice)
{
    char Error[4200];
    RUN *Run = calloc(1, sizeof(*Run));
    if (Run == NULL) {
        return RunFail(ExitEnvironment, "not enough memory");
    }
    Run->Program = Program;
    Run->Advice = Advice;
    Run->PagingFile = Run->MemoryFile = -1;
    EXIT_CODE Code = RunPrepare(Run, Count, Arguments);
    Run->HasKd = Run->Options.Kd != NULL || Debugger >= 0;
    if (Debugger >= 0) {
        KdLineAdopt(&Run->Kd, Debugger);
        if (Code == ExitClean && Run->Options.Kd != NULL) {
            Code = RunFail(ExitUsage, "--kd: there is a debugger already");
        }
    } else if (Code == ExitClean && Run->HasKd &&
               !KdLineOpen(&Run->Kd, Run->Options.Kd, Error, sizeof(Error))) {
        Code = RunFail(ExitEnvironment, Error);
    }
    if (Code == ExitClean) {
        Code = RunMachine(Run);
        if (!ReportClose(&Run->Report, Error, sizeof(Error))) {
            Code = RunFail(ExitEnvironment, Error);
        }
        SessionFree(&Run->Session);
    }
    if (Run->HasKd) {
        KdLineClose(&Run->Kd);
    }
    if (Run->PagingFile >= 0) {
        close(Run->PagingFile);
    }
    if (Run->MemoryFile >= 0) {
        close(Run->MemoryFile);
    }
    DriverFileClose(&Run->Driver);
    RegistryFileFree(&Run->Registry);
    GuestFilesFree(&Run->GuestFiles);
    free(Run->ScenarioText);
    free(Run->History);
    TimelineFree(&Run->Timeline);
    free(Run);
    return Code;
}
