/* SPDX-License-Identifier: MIT */
/*
 * `pageable run`: one driver, one machine, one verdict. RUN holds all that a run knows; its parts:
 *
 *   run.c            from the options to the exit code
 *   run_events.c     what the guest tells by itself
 *   run_driver.c     load, open, page out, unload: the requests and how each is reported
 *   run_request.c    requests that are under way while others are made
 *   run_registry.c   what it holds before, and what a scenario asks of it
 *   run_flow.c       what is done with a driver when there is no scenario
 *   scenario*.c      what is done when there is one
 *   leak_check.c     the machine before the load against the machine after the unload
 *   run_dump.c       the crash dump of --dump
 *   run_timeline.c   the timeline: budgets, the trace file, the HTML report
 *   bug_check_report.c, verdict.c   how it ends
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/input/driver_file.h"
#include "host/input/registry_file.h"
#include "host/machine/guest_files.h"
#include "host/machine/kd_line.h"
#include "host/machine/machine.h"
#include "host/machine/program_files.h"
#include "host/machine/session.h"
#include "host/run/advise.h"
#include "host/run/options.h"
#include "host/run/report.h"
#include "host/symbols/symbols.h"
#include "host/timeline/timeline.h"

#define RUN_MAX_DEVICES 64u
#define RUN_MAX_PATH 512u
#define RUN_MAX_HANDLES 1024u
#define RUN_MAX_CAUSE 2400u
#define RUN_MAX_FINDINGS 100u /* told; more are only counted */

typedef struct {
    char Path[RUN_MAX_PATH];
    char Link[RUN_MAX_PATH]; /* a symbolic link that leads to it, "" without one */
} RUN_DEVICE;

/* A request on an overlapped handle. */
typedef struct RUN_REQUEST {
    struct RUN_REQUEST *Next;
    uint32_t Id, Type;
    bool Completed; /* then the rest is there: */
    int32_t Status;
    uint64_t Information;
    uint8_t *Data;
    uint32_t DataLength;
} RUN_REQUEST;

typedef struct RUN {
    const char *Program; /* argv[0] */
    RUN_OPTIONS Options;
    DRIVER_FILE Driver;
    PROGRAM_FILES Files;
    char *ScenarioText;
    size_t ScenarioSize;
    REGISTRY_FILE Registry; /* of --registry */
    GUEST_FILES GuestFiles; /* of --file and of the scenario */
    char Append[2048]; /* the kernel's command line */
    int PagingFile; /* descriptor, -1: none */
    int MemoryFile; /* the machine's RAM, -1: not a file of ours */
    MACHINE Machine;
    KD_LINE Kd;     /* when HasKd */
    bool HasKd;
    SESSION Session;
    REPORT Report;
    SYMBOLS Symbols;
    ADVICE *Advice; /* NULL: not asked for */
    TIMELINE Timeline; /* empty unless it was asked for */

    RUN_DEVICE Devices[RUN_MAX_DEVICES];
    unsigned DeviceCount;
    uint32_t Handles[RUN_MAX_HANDLES]; /* open in the guest */
    unsigned HandleCount;
    RUN_REQUEST *Requests; /* that nobody has waited for */
    bool SectionsTold; /* the section table was reported */
    bool ImageLoaded;  /* the last load came as far as DriverEntry */
    bool DriverLoaded; /* and DriverEntry succeeded */
    bool LoadFailed;
    uint64_t DriverBase; /* of the last load, 0: none */
    int32_t LoadStatus;
    char LoadError[512]; /* what the guest's loader says, "" when DriverEntry failed */
    CONTROL_COUNTERS Before; /* the load */
    bool HasBefore;
    uint64_t MostCommitted; /* pages, as far as was asked */

    unsigned Findings;
    char FirstFinding[600];
    char FirstWhere[900];
    char StoppedAt[300]; /* where in the scenario the session ended, "": not in one */
    char MissingExport[256]; /* "": no missing one was called */
    char VerifierText[256];  /* the verifier's last words; "": none */
    char ToolFault[256]; /* "": the kernel and the host agree with themselves */
    bool HasBugCheck;
    CONTROL_BUG_CHECK BugCheck;
    CONTROL_HISTORY *History; /* what the driver did before it, oldest first */
    unsigned HistoryCount;
} RUN;

/* Debugger: a connected kernel debugger, for which the machine waits at its start; -1: none. It is
   closed at the end. Advice: empty, is opened here; NULL: not asked for. */
EXIT_CODE RunCommand(const char *Program, int Count, char **Arguments, int Debugger,
                     ADVICE *Advice);

/* run_events.c */
void RunOnEvent(void *Context, const CONTROL_MESSAGE *Message);
/* Counts and tells a finding; Where is "" or a place in code. Text is clean already. */
void RunFinding(RUN *Run, const char *Kind, const char *Text, const char *Where);

/* run_driver.c: each is false when the session has ended. Status gets what the guest answered. */
bool RunLoadDriver(RUN *Run, int32_t *Status);
bool RunUnloadDriver(RUN *Run, int32_t *Status);
bool RunOpen(RUN *Run, const char *Path, size_t Length, uint32_t Access, bool Overlapped,
             int32_t *Status, uint32_t *Handle);
bool RunClose(RUN *Run, uint32_t Handle, int32_t *Status);
/* As the end of a process: cancels what is pending, waits for it, and closes what is open. */
bool RunCloseAll(RUN *Run);
bool RunPageOut(RUN *Run, bool Evict, int32_t *Status);
bool RunQueryCounters(RUN *Run, CONTROL_COUNTERS *Counters);
/* Up to Max rows; *Count how many there are. */
bool RunQuerySections(RUN *Run, CONTROL_SECTION *Rows, unsigned Max, unsigned *Count);
/* The section table as the file has it, when the guest could not be asked: DriverEntry failed. */
void RunReportFileSections(RUN *Run);
bool RunVerify(RUN *Run, uint64_t *Violations);
bool RunWait(RUN *Run, uint64_t Microseconds);

/* run_request.c: NULL or false when the session has ended */
/* Sends a request on an overlapped handle; it is completed already unless the driver pended it. */
RUN_REQUEST *RunStart(RUN *Run, uint32_t Type, const void *Fixed, size_t FixedSize,
                      CONTROL_BYTES Data);
bool RunAwait(RUN *Run, const RUN_REQUEST *Request);
bool RunCancel(RUN *Run, const RUN_REQUEST *Request, int32_t *Status);
bool RunCancelAll(RUN *Run);
void RunFreeRequest(RUN *Run, RUN_REQUEST *Request);
void RunOnCompleted(RUN *Run, const CONTROL_MESSAGE *Message);

/* run_registry.c: Text is the key's path and then the value's name, UTF-16LE; then the data. */
bool RunRegistry(RUN *Run, const CONTROL_REGISTRY *Request, const void *TextAndData,
                 int32_t *Status);
/* Reads the file of --registry. False: one line in Error. */
bool RunReadRegistry(RUN *Run, char *Error, size_t ErrorSize);
/* Does what the file says; a change that the guest refuses is a finding. */
bool RunFillRegistry(RUN *Run);

/* run_flow.c */
void RunDefaultFlow(RUN *Run);
/* After the flow or the scenario: figures, unload, leak check, shutdown. */
void RunFinish(RUN *Run);

/* run_dump.c: a file to be the machine's RAM; -1: Error. */
int RunCreateMemory(uint64_t Bytes, char *Error, size_t ErrorSize);
/* After the machine has ended; tells how it went. False: the dump asked for was not written. */
bool RunWriteDump(RUN *Run);

/* run_trace.c */
void RunOnTraceEvent(RUN *Run, const CONTROL_MESSAGE *Message);

/* run_timeline.c */
void RunOnTimeline(RUN *Run, const CONTROL_MESSAGE *Message);
/* After the machine has ended, before the verdict. */
void RunJudgeBudgets(RUN *Run);
/* Writes the files asked for; Verdict: the event that ends the run. False: one was not written. */
bool RunWriteTimeline(RUN *Run, json_t *Verdict);

/* leak_check.c */
bool LeakCheckBegin(RUN *Run);
bool LeakCheckEnd(RUN *Run);

/* bug_check_report.c */
/* Run->BugCheck and the history are there. */
void BugCheckReport(RUN *Run);
/* What to do about it, in one sentence. */
const char *BugCheckBestAdvice(const RUN *Run);
/* After BugCheckReport: the line that says IRQL and who raised it. */
void BugCheckRaised(RUN *Run);
/* After BugCheckReport: one sentence, and the place to look at. */
void BugCheckCause(RUN *Run, char *Cause, size_t CauseSize, char *Where, size_t WhereSize);

/* verdict.c: the last lines, and what to exit with. */
EXIT_CODE VerdictReport(RUN *Run);

/* scenario.c */
/* Compiles only; false with one line in Error. */
bool ScenarioCheck(const char *Path, const char *Text, size_t Size, char *Error, size_t ErrorSize);
/* What the script's `files` table names, into Run->GuestFiles. */
bool ScenarioCollectFiles(RUN *Run, char *Error, size_t ErrorSize);
void ScenarioRun(RUN *Run);
