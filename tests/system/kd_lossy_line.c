/* SPDX-License-Identifier: MIT */
/*
 * `pageable kd` over a line that drops, doubles and delays bytes both ways. This program is
 * the line: it starts the debugger again and again, each time on a connection of its own to the
 * target, and passes the bytes through. Each debugger must end by itself, in time, with exit status
 * 0 and with the very words that one prints over a good line.
 *
 * In time: the first connections are over a good line, and how long those took, and what was lost
 * since, is what a lossy one is measured by.
 * usage: kd_lossy_line SOCKET SEED CONNECTIONS BETWEEN PAGEABLE [COMMANDS]
 *        BETWEEN: the most bytes that pass between two faults
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/xorshift.h"

#define GOOD_CONNECTIONS 3
#define GOOD_MS 30000      /* a good connection has this long, */
#define GOOD_FACTOR 20     /* a lossy one that many times a good one, */
#define FAULT_MS 2500      /* and this for each fault: what the slowest repetition takes */
#define PACKET_BYTES 4017u /* of the longest packet */
#define SHORT_DELAY_MS 20u
#define LONG_DELAY_MS 800u /* longer than either side waits before it repeats */
#define HELD_BYTES 65536u

/* Stable whenever and wherever the target is stopped. */
static const char DefaultCommands[] =
    "db nt L80; bp nt!KeUpdateSystemTime; g; bl; u nt!KiIdleLoop L3; dt nt!_KPCR; qd";

typedef enum { Nothing, Drop, Double, Delay } FAULT;

/* One direction. Bytes wait in Held while the line is slow. */
typedef struct {
    int From, To; /* -1: at its end */
    uint8_t Held[HELD_BYTES];
    size_t Size;
    uint64_t Until; /* milliseconds; Held goes on then */
    uint64_t Left;  /* bytes until the next fault */
    FAULT Last;
    uint64_t Since; /* bytes since the last one dropped or doubled */
} DIRECTION;

static DIRECTION Directions[2];
static uint64_t Random, Between;
static bool Lossy;
static unsigned Counts[4], Faults; /* Faults: of this connection */
static const char *Line, *Seed;
static pid_t Debugger;

__attribute__((noreturn, format(printf, 1, 2))) static void Fail(const char *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    fprintf(stderr, "kd_lossy_line: seed %s: ", Seed);
    vfprintf(stderr, Format, Arguments);
    fprintf(stderr, "\n");
    va_end(Arguments);
    if (Debugger > 0) {
        kill(Debugger, SIGKILL);
    }
    unlink(Line);
    exit(1);
}

static uint64_t NextRandom(void)
{
    return Random = XorShift64(Random);
}

static uint64_t Now(void)
{
    struct timespec Time;
    clock_gettime(CLOCK_MONOTONIC, &Time);
    return (uint64_t)Time.tv_sec * 1000 + (uint64_t)Time.tv_nsec / 1000000;
}

/*
 * What happens to the next byte. A byte that is dropped and an equal one that is doubled in the
 * same packet leave its sum as it was, and the sum is all that the protocol checks; so within a
 * packet's length of one there is never the other.
 */
static FAULT NextFault(DIRECTION *Way)
{
    Way->Since++;
    if (!Lossy || --Way->Left != 0) {
        return Nothing;
    }
    /* Near and far ones: two in one packet, and none for a while. */
    Way->Left = 1 + NextRandom() % (16 + NextRandom() % Between);
    FAULT Fault = (FAULT)(1 + NextRandom() % 3);
    if (Fault != Delay && Fault != Way->Last && Way->Since <= PACKET_BYTES) {
        Fault = Way->Last;
    }
    if (Fault != Delay) {
        Way->Last = Fault;
        Way->Since = 0;
    }
    Counts[Fault]++;
    Faults++;
    return Fault;
}

static void Close(DIRECTION *Way)
{
    if (Way->From >= 0) {
        shutdown(Way->From, SHUT_RD);
        Way->From = -1;
    }
}

/* Takes what there is, as long as nothing waits. */
static void Take(DIRECTION *Way)
{
    uint8_t Bytes[HELD_BYTES / 2];
    ssize_t Got = recv(Way->From, Bytes, sizeof(Bytes), MSG_DONTWAIT);
    if (Got == 0 || (Got < 0 && errno != EAGAIN && errno != EINTR)) {
        Close(Way);
    }
    for (ssize_t i = 0; i < Got; i++) {
        FAULT Fault = NextFault(Way);
        if (Fault == Delay) {
            uint64_t Most = NextRandom() % 4 == 0 ? LONG_DELAY_MS : SHORT_DELAY_MS;
            Way->Until = Now() + 1 + NextRandom() % Most;
        }
        for (int Time = Fault == Drop ? 0 : Fault == Double ? 2 : 1; Time > 0; Time--) {
            Way->Held[Way->Size++] = Bytes[i];
        }
    }
}

static void Give(DIRECTION *Way)
{
    size_t Sent = 0;
    while (Sent < Way->Size) {
        ssize_t Now = send(Way->To, Way->Held + Sent, Way->Size - Sent, MSG_NOSIGNAL);
        if (Now <= 0 && errno != EINTR) {
            break; /* said to nobody */
        }
        Sent += Now > 0 ? (size_t)Now : 0;
    }
    Way->Size = 0;
}

static int Connect(const char *Path)
{
    struct sockaddr_un Address = {.sun_family = AF_UNIX};
    snprintf(Address.sun_path, sizeof(Address.sun_path), "%s", Path);
    int Socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(Socket, (struct sockaddr *)&Address, sizeof(Address)) != 0) {
        Fail("%s: %s", Path, strerror(errno));
    }
    return Socket;
}

static int Listen(const char *Path)
{
    struct sockaddr_un Address = {.sun_family = AF_UNIX};
    snprintf(Address.sun_path, sizeof(Address.sun_path), "%s", Path);
    int Socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(Socket, (struct sockaddr *)&Address, sizeof(Address)) != 0 ||
        listen(Socket, 1) != 0) {
        Fail("%s: %s", Path, strerror(errno));
    }
    return Socket;
}

/* Everything it prints goes to a nameless file. */
static int StartDebugger(const char *Pageable, const char *Commands)
{
    pid_t Parent = getpid();
    int Output = memfd_create("kd", MFD_CLOEXEC);
    Debugger = fork();
    if (Debugger == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int Null = open("/dev/null", O_RDONLY);
        if (getppid() != Parent || dup2(Null, 0) < 0 || dup2(Output, 1) < 0 ||
            dup2(Output, 2) < 0) {
            _exit(126);
        }
        execl(Pageable, Pageable, "kd", Line, "-c", Commands, (char *)NULL);
        _exit(127);
    }
    if (Debugger < 0) {
        Fail("fork: %s", strerror(errno));
    }
    return Output;
}

/* Passes bytes until the debugger has ended. False: it has not, at Start + the time it has. */
static bool PassBytes(uint64_t Start, uint64_t Good)
{
    int Ended = (int)syscall(SYS_pidfd_open, Debugger, 0);
    bool InTime = true;
    for (;;) {
        struct pollfd Poll[3] = {{Ended, POLLIN, 0}};
        uint64_t Time = Now();
        uint64_t Wake = Start + (Lossy ? GOOD_FACTOR * Good + FAULT_MS * Faults : GOOD_MS);
        if (Time >= Wake) {
            InTime = false;
            break;
        }
        for (int i = 0; i < 2; i++) {
            DIRECTION *Way = &Directions[i];
            if (Way->Size != 0 && Way->Until <= Time) {
                Give(Way);
            }
            if (Way->Size != 0 && Way->Until < Wake) {
                Wake = Way->Until;
            }
            Poll[i + 1] = (struct pollfd){Way->Size == 0 ? Way->From : -1, POLLIN, 0};
        }
        if (poll(Poll, 3, (int)(Wake - Time)) < 0 && errno != EINTR) {
            Fail("poll: %s", strerror(errno));
        }
        if (Poll[0].revents != 0) {
            break;
        }
        for (int i = 0; i < 2; i++) {
            if (Poll[i + 1].revents != 0) {
                Take(&Directions[i]);
            }
        }
    }
    close(Ended);
    return InTime;
}

static char *ReadAll(int File, size_t *Size)
{
    struct stat Status;
    fstat(File, &Status);
    *Size = (size_t)Status.st_size;
    char *Text = calloc(1, *Size + 1);
    if (Text == NULL || pread(File, Text, *Size, 0) != (ssize_t)*Size) {
        Fail("no memory");
    }
    close(File);
    return Text;
}

/* What one debugger printed; *Took: its time in milliseconds. */
static char *RunConnection(int Listener, const char *Target, const char *Pageable,
                           const char *Commands, uint64_t Good, uint64_t *Took)
{
    size_t Size;
    int Status;
    uint64_t Start = Now();
    Faults = 0;
    int Output = StartDebugger(Pageable, Commands);
    int Client = accept4(Listener, NULL, NULL, SOCK_CLOEXEC);
    int Machine = Connect(Target);
    for (int i = 0; i < 2; i++) {
        Directions[i].From = i == 0 ? Client : Machine;
        Directions[i].To = i == 0 ? Machine : Client;
        Directions[i].Size = 0;
        Directions[i].Left = 1 + NextRandom() % Between;
        Directions[i].Since = PACKET_BYTES + 1;
    }
    bool InTime = PassBytes(Start, Good);
    *Took = Now() - Start;
    if (!InTime) {
        fprintf(stderr, "%s\n", ReadAll(Output, &Size));
        Fail("stuck: not ended after %llu ms, with %u faults", (unsigned long long)*Took, Faults);
    }
    Take(&Directions[0]); /* its last words */
    Give(&Directions[0]);
    close(Client);
    close(Machine);
    waitpid(Debugger, &Status, 0);
    Debugger = 0;
    char *Text = ReadAll(Output, &Size);
    if (!WIFEXITED(Status) || WEXITSTATUS(Status) != 0) {
        fprintf(stderr, "%s\n", Text);
        Fail("the debugger's status is %x", (unsigned)Status);
    }
    return Text;
}

/* The first line that is not the same, and all of what came last. */
static void TellDifference(const char *Known, const char *Text)
{
    size_t Line = 0;
    for (size_t i = 0; Known[i] == Text[i]; i++) {
        Line = Text[i] == '\n' ? i + 1 : Line;
    }
    fprintf(stderr, "%s\nover a good line: %.*s\nnow: %.*s\n", Text,
            (int)strcspn(Known + Line, "\n"), Known + Line, (int)strcspn(Text + Line, "\n"),
            Text + Line);
}

int main(int Count, char **Arguments)
{
    static char Path[108];
    uint64_t Took, Good = 0, Slowest = 0;
    char *Known = NULL;
    if (Count < 6 || Count > 7) {
        fprintf(stderr, "usage: kd_lossy_line SOCKET SEED CONNECTIONS BETWEEN PAGEABLE "
                        "[COMMANDS]\n");
        return 2;
    }
    snprintf(Path, sizeof(Path), "%s.line", Arguments[1]);
    Line = Path;
    Seed = Arguments[2];
    Random = strtoull(Seed, NULL, 10) * 2654435761u + 1;
    Between = strtoull(Arguments[4], NULL, 10) + 1;
    int Listener = Listen(Line);
    for (int i = 0; i < GOOD_CONNECTIONS + atoi(Arguments[3]); i++) {
        Lossy = i >= GOOD_CONNECTIONS;
        char *Text = RunConnection(Listener, Arguments[1], Arguments[5],
                                   Count == 7 ? Arguments[6] : DefaultCommands, Good, &Took);
        if (Known != NULL && strcmp(Known, Text) != 0) {
            TellDifference(Known, Text);
            Fail("connection %d prints something else", i);
        }
        uint64_t *Most = Lossy ? &Slowest : &Good;
        *Most = Took > *Most ? Took : *Most;
        if (Known == NULL) {
            Known = Text;
        } else {
            free(Text);
        }
    }
    unlink(Line);
    printf("seed %s: %u bytes dropped, %u doubled, %u late; a good connection took %llu ms, the "
           "slowest lossy one %llu ms\n", Seed, Counts[Drop], Counts[Double], Counts[Delay],
           (unsigned long long)Good, (unsigned long long)Slowest);
    return 0;
}
