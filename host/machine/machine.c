/* SPDX-License-Identifier: MIT */
#include "host/machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/text/text.h"

#define STOP_GRACE_MS 500

typedef struct {
    int Control[2], Log[2], Kd[2], Errors[2], Exec[2]; /* ours, QEMU's */
} MACHINE_PAIRS;

static void MachineClose(int *Descriptor)
{
    if (*Descriptor >= 0) {
        close(*Descriptor);
        *Descriptor = -1;
    }
}

static void MachineClosePairs(MACHINE_PAIRS *Pairs)
{
    int *All = (int *)Pairs;
    for (size_t i = 0; i < sizeof(*Pairs) / sizeof(int); i++) {
        MachineClose(&All[i]);
    }
}

static bool MachineOpenPairs(MACHINE_PAIRS *Pairs, bool Kd)
{
    memset(Pairs, 0xff, sizeof(*Pairs));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Pairs->Control) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Pairs->Log) != 0 ||
        (Kd && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, Pairs->Kd) != 0) ||
        pipe2(Pairs->Errors, O_CLOEXEC) != 0 || pipe2(Pairs->Exec, O_CLOEXEC) != 0) {
        MachineClosePairs(Pairs);
        return false;
    }
    const int Ours[] = {Pairs->Control[0], Pairs->Log[0], Pairs->Errors[0], Pairs->Kd[0]};
    for (size_t i = 0; i < sizeof(Ours) / sizeof(Ours[0]); i++) {
        if (Ours[i] >= 0) {
            fcntl(Ours[i], F_SETFL, fcntl(Ours[i], F_GETFL) | O_NONBLOCK);
        }
    }
    return true;
}

/*
 * The child between fork and exec: only async-signal-safe calls. Its own process group, so that a
 * Ctrl-C on the terminal reaches the command alone, which then ends QEMU in order.
 */
_Noreturn static void MachineExec(const MACHINE_PAIRS *Pairs, const int *Keep, size_t KeepCount,
                                  char **Words, pid_t Parent)
{
    sigset_t None;
    struct rlimit NoCore = {0, 0};
    int Null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setpgid(0, 0);
    setrlimit(RLIMIT_CORE, &NoCore);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&None);
    sigprocmask(SIG_SETMASK, &None, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == Parent && Null >= 0 && dup2(Null, 0) == 0 &&
        dup2(Pairs->Errors[1], 1) == 1 && dup2(Pairs->Errors[1], 2) == 2) {
        for (size_t i = 0; i < KeepCount; i++) {
            if (Keep[i] >= 0) {
                fcntl(Keep[i], F_SETFD, 0);
            }
        }
        execvp(Words[0], Words);
    }
    int Code = errno;
    ssize_t Written = write(Pairs->Exec[1], &Code, sizeof(Code));
    _exit(Written == sizeof(Code) ? 127 : 126);
}

/* Waits until the exec has succeeded (the pipe closes) or failed (its errno comes). */
static int MachineAwaitExec(MACHINE_PAIRS *Pairs)
{
    int Code = 0;
    ssize_t Got;
    MachineClose(&Pairs->Exec[1]);
    do {
        Got = read(Pairs->Exec[0], &Code, sizeof(Code));
    } while (Got < 0 && errno == EINTR);
    return Got == sizeof(Code) ? Code : 0;
}

bool MachineStart(MACHINE *Machine, const MACHINE_CONFIG *Config, char *Error, size_t ErrorSize)
{
    const char *Chosen = getenv("PAGEABLE_QEMU");
    MACHINE_ARGUMENTS Arguments;
    MACHINE_PAIRS Pairs;

    memset(Machine, 0, sizeof(*Machine));
    Machine->Control = Machine->Log = Machine->Errors = Machine->PidDescriptor = -1;
    Machine->Kd = -1;
    snprintf(Machine->Program, sizeof(Machine->Program), "%s",
             Chosen != NULL && *Chosen != 0 ? Chosen : "qemu-system-x86_64");
    if (strcmp(Config->Accelerator, "kvm") == 0 && !MachineHasHardwareVirtualization()) {
        snprintf(Error, ErrorSize, "--accel=kvm: the processor shows no svm or vmx, or /dev/kvm "
                                   "cannot be opened; leave it out or use --accel=auto");
        return false;
    }
    if (!MachineOpenPairs(&Pairs, Config->Kd)) {
        snprintf(Error, ErrorSize, "channels to QEMU: %s", strerror(errno));
        return false;
    }
    int Rules = MachineCreateFaultRules(Config->DiskFault, Config->DiskFaultNumber);
    const int Keep[] = {Pairs.Control[1], Pairs.Log[1],        Pairs.Kd[1],
                        Config->Archive,  Config->PagingFile, Rules,
                        Config->MemoryFile};
    MachineBuildArguments(&Arguments, Config, Machine->Program, Pairs.Control[1], Pairs.Log[1],
                          Pairs.Kd[1], Rules);
    pid_t Parent = getpid();
    Machine->Pid = fork();
    if (Machine->Pid == 0) {
        MachineExec(&Pairs, Keep, sizeof(Keep) / sizeof(Keep[0]), Arguments.Words, Parent);
    }
    int Code = Machine->Pid < 0 ? errno : MachineAwaitExec(&Pairs);
    MachineFreeArguments(&Arguments);
    MachineClose(&Rules);
    if (Code != 0) {
        const char *Hint = Code == ENOENT && Chosen == NULL
                               ? "; install the package qemu-system-x86, or name another in "
                                 "PAGEABLE_QEMU"
                               : "";
        snprintf(Error, ErrorSize, "%s cannot be started: %s%s", Machine->Program, strerror(Code),
                 Hint);
        MachineClosePairs(&Pairs);
        if (Machine->Pid > 0) {
            waitpid(Machine->Pid, NULL, 0);
        }
        Machine->Pid = 0;
        return false;
    }
    setpgid(Machine->Pid, Machine->Pid);
    Machine->PidDescriptor = (int)syscall(SYS_pidfd_open, Machine->Pid, 0);
    Machine->Control = Pairs.Control[0];
    Machine->Log = Pairs.Log[0];
    Machine->Errors = Pairs.Errors[0];
    Machine->Kd = Pairs.Kd[0];
    Pairs.Control[0] = Pairs.Log[0] = Pairs.Errors[0] = Pairs.Kd[0] = -1;
    MachineClosePairs(&Pairs);
    return true;
}

static void MachineDrainOne(int *Descriptor, MACHINE_TAIL *Tail, bool Echo)
{
    char Bytes[4096];
    ssize_t Got;
    /* At most 256 KB at once, so that a guest which never stops writing cannot hold us here. */
    for (int Round = 0; *Descriptor >= 0 && Round < 64; Round++) {
        Got = read(*Descriptor, Bytes, sizeof(Bytes));
        if (Got < 0 && errno == EINTR) {
            continue;
        }
        if (Got == 0 || (Got < 0 && errno != EAGAIN)) {
            MachineClose(Descriptor);
        }
        if (Got <= 0) {
            return;
        }
        for (ssize_t i = 0; i < Got; i++) {
            Tail->Bytes[Tail->Total++ % MACHINE_TAIL_SIZE] = Bytes[i];
        }
        for (ssize_t Start = 0, i = 0; Echo && i < Got; i++) {
            char Clean[4 * sizeof(Bytes) + 1];
            if (Bytes[i] == '\n' || i + 1 == Got) {
                size_t Length = (size_t)(i - Start + (Bytes[i] != '\n'));
                TextClean(Clean, sizeof(Clean), Bytes + Start, Length);
                fprintf(stderr, "%s%s", Clean, Bytes[i] == '\n' ? "\n" : "");
                Start = i + 1;
            }
        }
    }
}

void MachineDrain(MACHINE *Machine, bool Echo)
{
    MachineDrainOne(&Machine->Log, &Machine->LogTail, Echo);
    MachineDrainOne(&Machine->Errors, &Machine->ErrorTail, Echo);
}

bool MachineHasEnded(MACHINE *Machine)
{
    if (Machine->Pid > 0 && waitpid(Machine->Pid, &Machine->Status, WNOHANG) == Machine->Pid) {
        Machine->Pid = 0;
    }
    return Machine->Pid <= 0;
}

/* Waits for QEMU's end, at most that long; drains meanwhile so that it cannot block on a write. */
static void MachineAwaitEnd(MACHINE *Machine, int LimitMs)
{
    uint64_t Limit = TextNow() + (uint64_t)LimitMs;
    while (!MachineHasEnded(Machine) && TextNow() < Limit) {
        struct pollfd Poll[3] = {
            {Machine->PidDescriptor, POLLIN, 0},
            {Machine->Log, POLLIN, 0},
            {Machine->Errors, POLLIN, 0},
        };
        poll(Poll, 3, Machine->PidDescriptor >= 0 ? (int)(Limit - TextNow()) : 5);
        MachineDrain(Machine, false);
    }
}

void MachineStop(MACHINE *Machine)
{
    if (!MachineHasEnded(Machine)) {
        kill(Machine->Pid, SIGTERM);
        MachineAwaitEnd(Machine, STOP_GRACE_MS);
    }
    if (!MachineHasEnded(Machine)) {
        kill(Machine->Pid, SIGKILL);
        waitpid(Machine->Pid, &Machine->Status, 0);
        Machine->Pid = 0;
    }
    MachineDrain(Machine, false);
    MachineClose(&Machine->Control);
    MachineClose(&Machine->Log);
    MachineClose(&Machine->Errors);
    MachineClose(&Machine->Kd);
    MachineClose(&Machine->PidDescriptor);
}

void MachineTailText(const MACHINE_TAIL *Tail, unsigned Lines, char *Out, size_t Capacity)
{
    static char Bytes[MACHINE_TAIL_SIZE];
    size_t Length = Tail->Total < MACHINE_TAIL_SIZE ? (size_t)Tail->Total : MACHINE_TAIL_SIZE;
    for (size_t i = 0; i < Length; i++) {
        Bytes[i] = Tail->Bytes[(Tail->Total - Length + i) % MACHINE_TAIL_SIZE];
    }
    while (Length != 0 && (Bytes[Length - 1] == '\n' || Bytes[Length - 1] == '\r')) {
        Length--;
    }
    size_t Start = Length;
    for (unsigned Found = 0; Start != 0; Start--) {
        if (Bytes[Start - 1] == '\n' && ++Found == Lines) {
            break;
        }
    }
    size_t Used = 0;
    Out[0] = 0;
    while (Start < Length && Used + 2 < Capacity) {
        size_t End = Start;
        while (End < Length && Bytes[End] != '\n') {
            End++;
        }
        size_t Visible = End > Start && Bytes[End - 1] == '\r' ? End - 1 : End;
        Used += TextClean(Out + Used, Capacity - Used - 1, Bytes + Start, Visible - Start);
        if (End < Length) {
            Out[Used++] = '\n';
        }
        Start = End + 1;
    }
    Out[Used] = 0;
}
