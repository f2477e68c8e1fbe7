/* SPDX-License-Identifier: MIT */
/*
 * The runs of a check, several at a time. Each is a process of `pageable run --json=-`, whose
 * events and text go to files: of the report directory, or nameless ones in memory. It dies with
 * us, and its machine with it; what does not end by its own time limit is ended here.
 *
 * Results wait in Held until all before them are there, so that they are taken in the order of the
 * steps; Window bounds how far the runs may get ahead of a slow one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/text/text.h"

#define RUN_WINDOW 1024u
#define RUN_MOST_FILES 4096u             /* descriptors: 4 for each run, 1 for each that waits */
#define RUN_GRACE_MS 20000u             /* after the time limit of the run itself */
#define RUN_END_MS 10000u               /* for a run that was told to end */
#define RUN_TICK_MS 500
#define RUN_MOST_EVENT_BYTES (256 << 20) /* a driver that prints without end */

typedef struct {
    pid_t Pid; /* 0: free */
    int PidFile, Events, Text;
    int Timeline; /* -1: none is recorded */
    CHECK_STEP Step;
    uint64_t Slot; /* in the order of this shard's steps */
    uint64_t Start, Deadline;
    const char *Killed;
} WORKER;

typedef struct {
    const CHECK_RUN *Run;
    WORKER *Workers;
    struct pollfd *Polls; /* of the workers, and last of the signals */
    json_t *Held[RUN_WINDOW];
    int HeldTimeline[RUN_WINDOW]; /* -1: none */
    unsigned Window;      /* of it what is used */
    uint64_t NextIndex;   /* from which to look for a step to start */
    uint64_t Started, Taken; /* slots */
    uint64_t Ended;
    unsigned Running;
    int Signals;
    sigset_t OldMask;
    struct rlimit OldFiles;
} SCHEDULE;

/* A file for what a run writes: NNNNNN.EXTENSION of the report directory, or one without a name. */
static int WorkerFile(const CHECK_RUN *Run, const CHECK_STEP *Step, const char *Extension)
{
    char Path[CHECK_RUN_PATH];
    if (Run->Outputs->RunsDirectory == NULL) {
        return memfd_create(Extension, MFD_CLOEXEC);
    }
    if (!OutputsRunPath(Run->Outputs->RunsDirectory, Step->Index, Extension, Path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(Path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

_Noreturn static void WorkerExec(const SCHEDULE *Schedule, const WORKER *Worker,
                                 CHECK_WORDS *Words, pid_t Parent)
{
    int Null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != Parent) {
        _exit(ExitEnvironment);
    }
    setrlimit(RLIMIT_NOFILE, &Schedule->OldFiles);
    sigprocmask(SIG_SETMASK, &Schedule->OldMask, NULL);
    dup2(Null, STDIN_FILENO);
    dup2(Worker->Events, STDOUT_FILENO);
    dup2(Worker->Text, STDERR_FILENO);
    if (Worker->Timeline >= 0) {
        fcntl(Worker->Timeline, F_SETFD, 0);
    }
    execv("/proc/self/exe", Words->Words);
    dprintf(STDERR_FILENO, "pageable: /proc/self/exe: %s\n", strerror(errno));
    _exit(ExitEnvironment);
}

static bool WorkerStart(SCHEDULE *Schedule, WORKER *Worker)
{
    const CHECK_RUN *Run = Schedule->Run;
    const bool Records = Run->Outputs->File[CheckHtml] != NULL &&
                         PlanHasTimeline(Worker->Step.Driver);
    CHECK_WORDS Words;
    char Timeline[64], UnlessClean[] = "--timeline-unless-clean";
    pid_t Parent = getpid();

    Worker->Events = WorkerFile(Run, &Worker->Step, "jsonl");
    Worker->Text = WorkerFile(Run, &Worker->Step, "txt");
    Worker->Timeline = Records ? WorkerFile(Run, &Worker->Step, CHECK_TIMELINE) : -1;
    Worker->Killed = NULL;
    Worker->Pid = -1;
    snprintf(Timeline, sizeof(Timeline), "--timeline-json=/dev/fd/%d", Worker->Timeline);
    if (Worker->Events >= 0 && Worker->Text >= 0 && (Worker->Timeline >= 0) == Records &&
        PlanWords(&Worker->Step, Run->Program, "-", &Words) &&
        (!Records || PlanAddWord(&Words, Timeline)) &&
        (!Records || !SummaryHasClean(Run->Summary, &Worker->Step) ||
         PlanAddWord(&Words, UnlessClean))) {
        Worker->Pid = fork();
        if (Worker->Pid == 0) {
            WorkerExec(Schedule, Worker, &Words, Parent);
        }
    }
    Worker->PidFile = Worker->Pid > 0 ? (int)syscall(SYS_pidfd_open, Worker->Pid, 0) : -1;
    Worker->Start = TextNow();
    Worker->Deadline = Worker->Start + PlanTimeout(Worker->Step.Driver) * 1000ull + RUN_GRACE_MS;
    return Worker->PidFile >= 0;
}

/* Of the report directory stay those of the runs that `report` would take. */
static void ScheduleDropTimeline(const CHECK_RUN *Run, const json_t *Result, int Timeline)
{
    char Path[CHECK_RUN_PATH];
    struct stat Stat;
    if (Timeline >= 0) {
        bool Keep = Run->Summary->Notable && fstat(Timeline, &Stat) == 0 && Stat.st_size != 0;
        close(Timeline);
        if (Run->Outputs->RunsDirectory != NULL && !Keep &&
            OutputsRunPath(Run->Outputs->RunsDirectory, (uint64_t)ResultNumber(Result, "step"),
                           CHECK_TIMELINE, Path)) {
            unlink(Path);
        }
    }
}

/* Everything of the shard before Slot has a result: hands on those that follow in order. */
static void ScheduleTake(SCHEDULE *Schedule)
{
    const CHECK_RUN *Run = Schedule->Run;
    json_t *Result;
    while ((Result = Schedule->Held[Schedule->Taken % RUN_WINDOW]) != NULL) {
        unsigned New;
        int Timeline = Schedule->HeldTimeline[Schedule->Taken % RUN_WINDOW];
        EXIT_CODE Counted = SummaryAdd(Run->Summary, Result, &New);
        Schedule->Held[Schedule->Taken % RUN_WINDOW] = NULL;
        Schedule->Taken++;
        OutputsRun(Run->Outputs, Run->Summary, Result, Counted, Timeline);
        ScheduleDropTimeline(Run, Result, Timeline);
        ScreenResult(Run->Screen, Result, Counted, New);
        json_decref(Result);
    }
}

/* The process has ended, or never began (Status as if it had exited so). */
static void WorkerEnd(SCHEDULE *Schedule, WORKER *Worker, int Status)
{
    const CHECK_RUN *Run = Schedule->Run;
    if (Run->Summary->Signal == 0) {
        json_t *Result = ResultRead(&Worker->Step, Run->Program, Worker->Events, Worker->Text,
                                    Status, TextNow() - Worker->Start, Worker->Killed);
        if (Result == NULL) {
            abort(); /* memory */
        }
        Schedule->Held[Worker->Slot % RUN_WINDOW] = Result;
        Schedule->HeldTimeline[Worker->Slot % RUN_WINDOW] = Worker->Timeline;
    } else if (Worker->Timeline >= 0) {
        close(Worker->Timeline);
    }
    close(Worker->Events);
    close(Worker->Text);
    close(Worker->PidFile);
    Worker->Pid = 0;
    Schedule->Running--;
    Schedule->Ended++;
}

static void ScheduleStart(SCHEDULE *Schedule)
{
    const CHECK_PLAN *Plan = Schedule->Run->Plan;
    for (unsigned i = 0; i < Schedule->Run->Jobs; i++) {
        WORKER *Worker = &Schedule->Workers[i];
        while (Worker->Pid == 0 && Schedule->Started - Schedule->Taken < Schedule->Window) {
            uint64_t Index = PlanNext(Plan, Schedule->NextIndex);
            Schedule->NextIndex = Index + 1;
            if (Index >= Plan->Steps) {
                Schedule->NextIndex = Plan->Steps;
                return;
            }
            PlanStep(Plan, Index, &Worker->Step);
            Worker->Slot = Schedule->Started++;
            Schedule->Running++;
            if (!WorkerStart(Schedule, Worker)) {
                Worker->Killed = strerror(errno);
                if (Worker->Pid > 0) {
                    kill(Worker->Pid, SIGKILL);
                    waitpid(Worker->Pid, NULL, 0);
                }
                WorkerEnd(Schedule, Worker, ExitEnvironment << 8);
                ScheduleTake(Schedule);
            }
        }
    }
}

/* Ends what is over its limits; what was told to end and did not is killed. */
static void ScheduleLimits(SCHEDULE *Schedule)
{
    uint64_t Now = TextNow();
    struct stat Stat;
    for (unsigned i = 0; i < Schedule->Run->Jobs; i++) {
        WORKER *Worker = &Schedule->Workers[i];
        if (Worker->Pid == 0) {
            continue;
        }
        if (Now >= Worker->Deadline) {
            Worker->Killed = "the run did not end by its time limit, and was killed";
        } else if (fstat(Worker->Events, &Stat) == 0 && Stat.st_size > RUN_MOST_EVENT_BYTES) {
            Worker->Killed = "the run wrote more than 256 MB of events, and was killed";
        } else {
            continue;
        }
        kill(Worker->Pid, SIGKILL);
        Worker->Deadline = UINT64_MAX;
    }
}

static void ScheduleOnSignal(SCHEDULE *Schedule)
{
    struct signalfd_siginfo Info;
    if (read(Schedule->Signals, &Info, sizeof(Info)) != sizeof(Info)) {
        return;
    }
    Schedule->Run->Summary->Signal = (int)Info.ssi_signo;
    for (unsigned i = 0; i < Schedule->Run->Jobs; i++) {
        WORKER *Worker = &Schedule->Workers[i];
        if (Worker->Pid > 0) {
            kill(Worker->Pid, SIGTERM);
            Worker->Deadline = TextNow() + RUN_END_MS;
        }
    }
}

/* Sleeps until a run ends, a signal comes or the tick; takes what has ended. */
static void ScheduleWait(SCHEDULE *Schedule)
{
    const unsigned Jobs = Schedule->Run->Jobs;
    for (unsigned i = 0; i < Jobs; i++) {
        const WORKER *Worker = &Schedule->Workers[i];
        Schedule->Polls[i] = (struct pollfd){Worker->Pid > 0 ? Worker->PidFile : -1, POLLIN, 0};
    }
    Schedule->Polls[Jobs] = (struct pollfd){Schedule->Signals, POLLIN, 0};
    if (poll(Schedule->Polls, Jobs + 1, RUN_TICK_MS) < 0) {
        return;
    }
    /* First: Ctrl-C reaches the runs too, and what they end with then is no result. */
    ScheduleOnSignal(Schedule);
    for (unsigned i = 0; i < Jobs; i++) {
        int Status;
        if (Schedule->Polls[i].revents != 0 &&
            waitpid(Schedule->Workers[i].Pid, &Status, WNOHANG) > 0) {
            WorkerEnd(Schedule, &Schedule->Workers[i], Status);
        }
    }
    ScheduleTake(Schedule);
    ScheduleLimits(Schedule);
}

static const CHECK_STEP *ScheduleLatest(const SCHEDULE *Schedule)
{
    const WORKER *Latest = NULL;
    for (unsigned i = 0; i < Schedule->Run->Jobs; i++) {
        const WORKER *Worker = &Schedule->Workers[i];
        if (Worker->Pid > 0 && (Latest == NULL || Worker->Slot > Latest->Slot)) {
            Latest = Worker;
        }
    }
    return Latest != NULL ? &Latest->Step : NULL;
}

static void ScheduleLoop(SCHEDULE *Schedule)
{
    const CHECK_RUN *Run = Schedule->Run;
    for (;;) {
        if (Run->Summary->Signal == 0) {
            ScheduleStart(Schedule);
        }
        if (Schedule->Running == 0) {
            break;
        }
        ScreenProgress(Run->Screen, Schedule->Ended, ScheduleLatest(Schedule), Run->Summary);
        ScheduleWait(Schedule);
    }
    Run->Summary->Complete = Run->Summary->Signal == 0 && Run->Plan->Shards == 1;
    for (unsigned i = 0; i < RUN_WINDOW; i++) {
        if (Schedule->Held[i] != NULL && Schedule->HeldTimeline[i] >= 0) {
            close(Schedule->HeldTimeline[i]);
        }
        json_decref(Schedule->Held[i]); /* behind a run that was interrupted */
    }
}

/* More descriptors where the system lets us; and where timelines wait, fewer results that do. */
static void ScheduleLimit(SCHEDULE *Schedule)
{
    const unsigned Few = 2 * Schedule->Run->Jobs + 64;
    struct rlimit Files = {0};
    getrlimit(RLIMIT_NOFILE, &Files);
    Schedule->OldFiles = Files;
    if (Files.rlim_cur < RUN_MOST_FILES) {
        Files.rlim_cur = Files.rlim_max < RUN_MOST_FILES ? Files.rlim_max : RUN_MOST_FILES;
        setrlimit(RLIMIT_NOFILE, &Files);
    }
    bool Timelines = Schedule->Run->Outputs->File[CheckHtml] != NULL;
    Schedule->Window = Timelines && Few < RUN_WINDOW ? Few : RUN_WINDOW;
}

bool CheckRunAll(CHECK_RUN *Run, char Error[CHECK_ERROR])
{
    SCHEDULE *Schedule = calloc(1, sizeof(*Schedule));
    sigset_t Mask;
    bool Good = false;

    sigemptyset(&Mask);
    sigaddset(&Mask, SIGINT);
    sigaddset(&Mask, SIGTERM);
    sigaddset(&Mask, SIGHUP);
    if (Schedule != NULL) {
        Schedule->Run = Run;
        Schedule->Workers = calloc(Run->Jobs, sizeof(*Schedule->Workers));
        Schedule->Polls = calloc(Run->Jobs + 1, sizeof(*Schedule->Polls));
        sigprocmask(SIG_BLOCK, &Mask, &Schedule->OldMask);
        Schedule->Signals = signalfd(-1, &Mask, SFD_CLOEXEC | SFD_NONBLOCK);
        Good = Schedule->Workers != NULL && Schedule->Polls != NULL && Schedule->Signals >= 0;
    }
    if (Good) {
        ScheduleLimit(Schedule);
        ScheduleLoop(Schedule);
        close(Schedule->Signals);
    } else {
        snprintf(Error, CHECK_ERROR, "not enough memory, or no signalfd");
    }
    if (Schedule != NULL) {
        free(Schedule->Workers);
        free(Schedule->Polls);
        free(Schedule);
    }
    return Good;
}
