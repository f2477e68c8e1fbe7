/* SPDX-License-Identifier: MIT */
/*
 * `pageable debug DRIVER.sys`: the run in a child process, which is `pageable run` with a debugger
 * on its line from the start, and the debugger here. The run's report goes to a nameless file and
 * is printed when the machine has ended, after the debugger's own words.
 *
 * The child is a process group of its own, so that Ctrl-C means a break-in and not its end, and it
 * dies with us; QEMU dies with it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/debugger/console.h"
#include "host/debugger/execution.h"
#include "host/run/run.h"
#include "host/text/text.h"

#define DEFAULT_ATTACH_SECONDS 60u

typedef struct {
    CONSOLE_OPTIONS Options;
    const char *Driver;
    char **RunArguments;
    int RunCount;
    int Report; /* what the run prints */
    int Socket; /* our end of the line */
    pid_t Child;
} DEBUG_SESSION;

_Noreturn static void RunChild(const DEBUG_SESSION *Session, const char *Program, int Line,
                               pid_t Parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(Session->Socket);
    if (getppid() != Parent || dup2(Session->Report, STDOUT_FILENO) < 0) {
        _exit(ExitEnvironment);
    }
    EXIT_CODE Code = RunCommand(Program, Session->RunCount, Session->RunArguments, Line, NULL);
    fflush(stdout);
    _exit((int)Code);
}

static bool Start(DEBUG_SESSION *Session, const char *Program)
{
    int Pair[2];
    Session->Report = memfd_create("pageable-report", MFD_CLOEXEC);
    if (Session->Report < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Pair) != 0) {
        fprintf(stderr, "pageable: %s\n", strerror(errno));
        return false;
    }
    pid_t Parent = getpid();
    fflush(stdout);
    Session->Socket = Pair[0];
    Session->Child = fork();
    if (Session->Child == 0) {
        RunChild(Session, Program, Pair[1], Parent);
    }
    close(Pair[1]);
    if (Session->Child < 0) {
        fprintf(stderr, "pageable: %s\n", strerror(errno));
        close(Pair[0]);
    }
    return Session->Child > 0;
}

/* Until the run has ended; Ctrl-C ends it. Its exit code, or 128 + signal. */
static EXIT_CODE AwaitChild(DEBUG_SESSION *Session, int Interrupt)
{
    int Status, Descriptor = (int)syscall(SYS_pidfd_open, Session->Child, 0);
    struct pollfd Poll[2] = {{Descriptor, POLLIN, 0}, {Interrupt, POLLIN, 0}};
    while (Descriptor >= 0 && poll(Poll, 2, -1) >= 0 && Poll[0].revents == 0) {
        kill(Session->Child, SIGTERM);
        Poll[1].fd = -1;
    }
    while (waitpid(Session->Child, &Status, 0) < 0 && errno == EINTR) {
    }
    if (Descriptor >= 0) {
        close(Descriptor);
    }
    return WIFEXITED(Status) ? (EXIT_CODE)WEXITSTATUS(Status)
                             : (EXIT_CODE)(ExitSignal + WTERMSIG(Status));
}

static void PrintReport(const DEBUG_SESSION *Session)
{
    char Bytes[4096];
    ssize_t Got;
    fflush(stdout);
    lseek(Session->Report, 0, SEEK_SET);
    while ((Got = read(Session->Report, Bytes, sizeof(Bytes))) > 0) {
        fwrite(Bytes, 1, (size_t)Got, stdout);
    }
}

/* From the first stop on; true: the user has quit, or the machine has ended. */
static bool RunDebugger(DEBUG_SESSION *Session, DEBUGGER *Debugger)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    ConsoleSetSymbolPath(Debugger, &Session->Options, Session->Driver);
    Debugger->Color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    Execution->StopAtLoad = true;
    Execution->IgnoresBreak = true; /* kd-wait's own */
    snprintf(Execution->LoadName, sizeof(Execution->LoadName), "%.63s",
             TextBaseName(Session->Driver));
    bool Stopped = ExecutionTakeStop(Debugger);
    Execution->StopAtLoad = Execution->IgnoresBreak = false;
    return !Stopped || ConsoleRunPrompt(Debugger, &Session->Options);
}

static EXIT_CODE Debug(DEBUG_SESSION *Session, int Interrupt)
{
    static TARGET Target;
    static DEBUGGER Debugger;
    char Error[256];
    int Limit = (int)Session->Options.TimeoutSeconds * 1000;

    if (!TargetOpenKd(&Target, Session->Socket, Error, sizeof(Error)) ||
        !DebuggerInitialize(&Debugger, &Target, stdout)) {
        fprintf(stderr, "pageable: not enough memory\n");
        kill(Session->Child, SIGTERM);
        AwaitChild(Session, -1);
        return ExitEnvironment;
    }
    Debugger.Interrupt = Interrupt;
    TARGET_EVENT Event = TargetAttachKd(&Target, false, Limit, Interrupt);
    bool Good = Event == TargetEventStopped && RunDebugger(Session, &Debugger);
    bool Gone = Event == TargetEventGone || ExecutionOf(&Debugger)->Gone;
    if (Good && !Gone && Debugger.Detach) {
        ExecutionDetach(&Debugger);
    }
    Target.Operations->Close(&Target);
    if (!Gone && !Debugger.Detach) {
        kill(Session->Child, SIGTERM);
    }
    EXIT_CODE Run = AwaitChild(Session, Interrupt);
    if (Gone || Debugger.Detach) {
        printf("%s", Event == TargetEventStopped && Gone ? "The machine has ended.\n\n" : "");
        PrintReport(Session);
    }
    if (Event != TargetEventStopped) {
        if (Event == TargetEventNothing) {
            fprintf(stderr, "pageable: debug: %s\n", Target.Error);
        }
        return Gone && Run != ExitClean ? Run : ExitEnvironment;
    }
    bool Failed = Debugger.Failed;
    bool Detached = Debugger.Detach;
    DebuggerFree(&Debugger);
    return !Good                   ? ExitUsage
           : Run >= ExitSignal && Gone ? ExitEnvironment
           : Failed                ? ExitFinding
           : Detached              ? Run
                                   : ExitClean;
}

EXIT_CODE DebugCommand(const char *Program, int Count, char **Arguments)
{
    DEBUG_SESSION Session = {.Options = {.TimeoutSeconds = DEFAULT_ATTACH_SECONDS}};
    const char *Error;

    Session.RunArguments = calloc((size_t)Count + 2, sizeof(char *));
    if (Session.RunArguments == NULL) {
        return ExitEnvironment;
    }
    EXIT_CODE Code = ExitClean;
    for (int i = 0; i < Count && Code == ExitClean; i++) {
        const char *Argument = Arguments[i];
        if (ConsoleTakeOption(&Session.Options, Count, Arguments, &i, &Error)) {
            continue;
        }
        if (Error != NULL) {
            fprintf(stderr, "pageable: %s: %s\n", Argument, Error);
            Code = ExitUsage;
        }
        size_t Length = strlen(Argument);
        if (Length > 4 && strcasecmp(Argument + Length - 4, ".sys") == 0 && *Argument != '-') {
            Session.Driver = Argument;
        }
        Session.RunArguments[Session.RunCount++] = Arguments[i];
    }
    if (Code == ExitClean && (Session.Driver == NULL || Session.Options.Dump != NULL)) {
        fprintf(stderr, "pageable: debug: which driver? `pageable debug DRIVER.sys`\n");
        Code = ExitUsage;
    }
    if (Code == ExitClean) {
        int Interrupt = ConsoleCatchInterrupt();
        Code = Start(&Session, Program) ? Debug(&Session, Interrupt) : ExitEnvironment;
    }
    free(Session.RunArguments);
    return Code;
}
