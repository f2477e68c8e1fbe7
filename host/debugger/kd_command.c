/* SPDX-License-Identifier: MIT */
/* `pageable kd SOCKET` attaches to a running target; `pageable kd --dump FILE` opens a dump. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/debugger/console.h"
#include "host/debugger/execution.h"
#include "host/text/text.h"

#define DEFAULT_ATTACH_SECONDS 30u
#define CONNECT_TRY_MS 50

static EXIT_CODE Fail(EXIT_CODE Code, const char *Subject, const char *Text)
{
    char Clean[1024];
    TextCleanString(Clean, sizeof(Clean), Subject);
    fprintf(stderr, "pageable: %s: %s\n", Clean, Text);
    return Code;
}

static int Connect(const char *Path)
{
    struct sockaddr_un Address = {.sun_family = AF_UNIX};
    if (strlen(Path) >= sizeof(Address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(Address.sun_path, Path);
    int Socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (Socket >= 0 && connect(Socket, (struct sockaddr *)&Address, sizeof(Address)) != 0) {
        int Code = errno;
        close(Socket);
        errno = Code;
        return -1;
    }
    return Socket;
}

/*
 * The machine may be started after us: as long as nobody listens there it is tried again. What
 * else is wrong (a path that is too long, no right to it) is so at once.
 */
static int ConnectInTime(const char *Path, uint64_t Limit, int Interrupt)
{
    char Clean[256];
    bool Told = false;
    for (;;) {
        struct pollfd Poll = {Interrupt, POLLIN, 0};
        int Socket = Connect(Path), Code = errno;
        if (Socket >= 0 || (Code != ENOENT && Code != ECONNREFUSED)) {
            return Socket;
        }
        if (TextNow() >= Limit || poll(&Poll, 1, CONNECT_TRY_MS) != 0) {
            errno = Code;
            return -1;
        }
        if (!Told) {
            TextCleanString(Clean, sizeof(Clean), Path);
            fprintf(stderr, "pageable: waiting for a machine at %s\n", Clean);
            Told = true;
        }
    }
}

static void PrintGreeting(DEBUGGER *Debugger)
{
    const DBGKD_GET_VERSION64 *Version = &Debugger->Target->Version;
    char Base[DEBUG_ADDRESS_SIZE], List[DEBUG_ADDRESS_SIZE];
    DebuggerPrint(Debugger, "Connected to a target of build %u, x64\n"
                            "Kernel base = %s PsLoadedModuleList = %s\n", Version->MinorVersion,
                  DebugAddressText(Version->KernBase, Base),
                  DebugAddressText(Version->PsLoadedModuleList, List));
}

/* The commands over a target that stands. */
static EXIT_CODE RunTarget(DEBUGGER *Debugger, const CONSOLE_OPTIONS *Options, bool Live)
{
    ConsoleSetSymbolPath(Debugger, Options, NULL);
    Debugger->Color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    PrintGreeting(Debugger);
    /* A machine that is just starting may stop for a module's load first: that is a stop as good
       as any. */
    ExecutionOf(Debugger)->StopAtLoad = true;
    bool Good = Live ? ExecutionTakeStop(Debugger) : ExecutionOpenDump(Debugger);
    ExecutionOf(Debugger)->StopAtLoad = false;
    if (!Good) {
        return ExitEnvironment;
    }
    if (!ConsoleRunPrompt(Debugger, Options)) {
        ExecutionDetach(Debugger);
        return ExitUsage;
    }
    if (ExecutionOf(Debugger)->Gone) {
        printf("The target is gone: %s.\n", Debugger->Target->Error);
        return ExitEnvironment;
    }
    if (Live) {
        ExecutionDetach(Debugger);
    }
    return Debugger->Failed ? ExitFinding : ExitClean;
}

static EXIT_CODE OpenSocket(TARGET *Target, const char *Path, const CONSOLE_OPTIONS *Options,
                            int Interrupt)
{
    char Error[256];
    uint64_t Limit = TextNow() + (uint64_t)Options->TimeoutSeconds * 1000;
    int Socket = ConnectInTime(Path, Limit, Interrupt);
    if (Socket < 0) {
        return Fail(ExitEnvironment, Path, strerror(errno));
    }
    if (!TargetOpenKd(Target, Socket, Error, sizeof(Error))) {
        return Fail(ExitEnvironment, Path, Error);
    }
    switch (TargetAttachKd(Target, true, (int)Options->TimeoutSeconds * 1000, Interrupt)) {
    case TargetEventStopped:
        return ExitClean;
    default:
        Fail(ExitEnvironment, Path, Target->Error);
        Target->Operations->Close(Target);
        return ExitEnvironment;
    }
}

EXIT_CODE KdCommand(int Count, char **Arguments)
{
    static TARGET Target;
    static DEBUGGER Debugger;
    CONSOLE_OPTIONS Options = {.TimeoutSeconds = DEFAULT_ATTACH_SECONDS};
    const char *Socket = NULL, *Error;
    char Text[256];

    for (int i = 0; i < Count; i++) {
        const char *Argument = Arguments[i];
        if (ConsoleTakeOption(&Options, Count, Arguments, &i, &Error)) {
            continue;
        }
        if (Error != NULL || *Argument == '-' || Socket != NULL) {
            return Fail(ExitUsage, Argument, Error != NULL      ? Error
                                             : *Argument == '-' ? "no such option"
                                                                : "one target is enough");
        }
        Socket = Argument;
    }
    if ((Socket == NULL) == (Options.Dump == NULL)) {
        return Fail(ExitUsage, "kd", "which target? `pageable kd SOCKET` or `pageable kd "
                                     "--dump FILE`");
    }
    int Interrupt = ConsoleCatchInterrupt();
    if (Socket != NULL) {
        EXIT_CODE Code = OpenSocket(&Target, Socket, &Options, Interrupt);
        if (Code != ExitClean) {
            return Code;
        }
    } else if (!TargetOpenDump(&Target, Options.Dump, Text, sizeof(Text))) {
        return Fail(ExitNotLoadable, Options.Dump, Text);
    }
    EXIT_CODE Code = ExitEnvironment;
    if (DebuggerInitialize(&Debugger, &Target, stdout)) {
        Debugger.Interrupt = Interrupt;
        Code = RunTarget(&Debugger, &Options, Socket != NULL);
        DebuggerFree(&Debugger);
    }
    Target.Operations->Close(&Target);
    return Code;
}
