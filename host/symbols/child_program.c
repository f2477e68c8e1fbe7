/* SPDX-License-Identifier: MIT */
#include "host/symbols/child_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/text/text.h"

#define CHILD_MEMORY (4ull << 30)
#define CHILD_FIRST_BUFFER (256u << 10)

/* In the child: no terminal input, no messages, bounded time and address space. */
_Noreturn static void ChildProgramExec(int Output, const CHILD_PROGRAM *Program)
{
    const char *Chosen = getenv(Program->Variable);
    rlim_t Seconds = (rlim_t)(Program->TimeMs + 999) / 1000;
    struct rlimit Memory = {CHILD_MEMORY, CHILD_MEMORY};
    struct rlimit Time = {Seconds, Seconds};
    struct rlimit NoCore = {0, 0};
    sigset_t None;
    int Null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setrlimit(RLIMIT_AS, &Memory);
    setrlimit(RLIMIT_CPU, &Time);
    setrlimit(RLIMIT_CORE, &NoCore);
    sigemptyset(&None);
    sigprocmask(SIG_SETMASK, &None, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(Null, 0);
    dup2(Output, 1);
    dup2(Null, 2);
    if (Chosen != NULL && *Chosen != 0) {
        Program->Words[0] = (char *)Chosen;
        execvp(Chosen, Program->Words);
        _exit(127);
    }
    for (const char *const *Name = Program->Programs; *Name != NULL; Name++) {
        Program->Words[0] = (char *)*Name;
        execvp(*Name, Program->Words);
    }
    _exit(127);
}

/* Room for one more byte and the NUL. */
static bool ChildProgramGrow(char **Bytes, size_t *Capacity, size_t Used, size_t Limit)
{
    if (*Bytes != NULL && Used + 1 < *Capacity) {
        return true;
    }
    size_t Wanted = *Capacity == 0 ? CHILD_FIRST_BUFFER : *Capacity * 2;
    Wanted = Wanted < Limit + 2 ? Wanted : Limit + 2;
    char *Larger = Wanted > *Capacity ? realloc(*Bytes, Wanted) : NULL;
    if (Larger == NULL) {
        return false;
    }
    *Bytes = Larger;
    *Capacity = Wanted;
    return true;
}

/* Everything the child writes until it ends; NULL when that is too much or takes too long. */
static char *ChildProgramRead(int Pipe, const CHILD_PROGRAM *Program, size_t *Size)
{
    uint64_t Limit = TextNow() + (uint64_t)Program->TimeMs;
    char *Bytes = NULL;
    size_t Used = 0, Capacity = 0;

    while (Used <= Program->OutputLimit &&
           ChildProgramGrow(&Bytes, &Capacity, Used, Program->OutputLimit)) {
        struct pollfd Poll = {Pipe, POLLIN, 0};
        uint64_t Now = TextNow();
        ssize_t Got = -1;
        errno = 0;
        if (Now >= Limit) {
            break;
        }
        if (poll(&Poll, 1, (int)(Limit - Now)) >= 0) {
            if (Poll.revents == 0) {
                continue;
            }
            Got = read(Pipe, Bytes + Used, Capacity - 1 - Used);
        }
        if (Got == 0) {
            Bytes[Used] = 0;
            *Size = Used;
            return Bytes;
        }
        if (Got < 0 && errno != EINTR) {
            break;
        }
        Used += Got > 0 ? (size_t)Got : 0;
    }
    free(Bytes);
    return NULL;
}

char *ChildProgramRun(const CHILD_PROGRAM *Program, size_t *Size)
{
    int Pipe[2];
    char *Bytes = NULL;

    if (pipe2(Pipe, O_CLOEXEC) != 0) {
        return NULL;
    }
    pid_t Child = fork();
    if (Child == 0) {
        ChildProgramExec(Pipe[1], Program);
    }
    close(Pipe[1]);
    if (Child > 0) {
        Bytes = ChildProgramRead(Pipe[0], Program, Size);
        if (Bytes == NULL) {
            kill(Child, SIGKILL);
        }
        waitpid(Child, NULL, 0);
    }
    close(Pipe[0]);
    return Bytes;
}
