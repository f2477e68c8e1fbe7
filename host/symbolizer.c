/* SPDX-License-Identifier: MIT */
#include "host/symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/text.h"

#define SYMBOLIZER_LIMIT_MS 10000
#define SYMBOLIZER_MEMORY (4ull << 30)
#define SYMBOLIZER_OUTPUT (1u << 20)

/* In the child: no terminal input, no messages, bounded time and address space. */
_Noreturn static void SymbolizerExec(int Output, char **Words)
{
    static const char *const Programs[] = {"llvm-symbolizer-19", "llvm-symbolizer"};
    const char *Chosen = getenv("PAGEABLE_SYMBOLIZER");
    struct rlimit Memory = {SYMBOLIZER_MEMORY, SYMBOLIZER_MEMORY};
    struct rlimit Time = {SYMBOLIZER_LIMIT_MS / 1000, SYMBOLIZER_LIMIT_MS / 1000};
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
        Words[0] = (char *)Chosen;
        execvp(Chosen, Words);
        _exit(127);
    }
    for (size_t i = 0; i < sizeof(Programs) / sizeof(Programs[0]); i++) {
        Words[0] = (char *)Programs[i];
        execvp(Programs[i], Words);
    }
    _exit(127);
}

/* Everything the child writes until it ends; NULL when that is too much or takes too long. */
static char *SymbolizerRead(int Pipe, size_t *Size)
{
    uint64_t Limit = TextNow() + SYMBOLIZER_LIMIT_MS;
    char *Bytes = malloc(SYMBOLIZER_OUTPUT);
    size_t Used = 0;

    while (Bytes != NULL) {
        struct pollfd Poll = {Pipe, POLLIN, 0};
        uint64_t Now = TextNow();
        ssize_t Got = -1;
        if (Now < Limit && Used < SYMBOLIZER_OUTPUT && poll(&Poll, 1, (int)(Limit - Now)) >= 0) {
            if (Poll.revents == 0) {
                continue;
            }
            Got = read(Pipe, Bytes + Used, SYMBOLIZER_OUTPUT - Used);
        }
        if (Got == 0) {
            *Size = Used;
            return Bytes;
        }
        if (Got < 0 && (errno != EINTR || Now >= Limit)) {
            free(Bytes);
            return NULL;
        }
        Used += Got > 0 ? (size_t)Got : 0;
    }
    return NULL;
}

/* A PDB has backslashes even for a file named the way Linux does; C:\x and \\server\x stay. */
static void SymbolizerTurnSlashes(char *File)
{
    if (strchr(File, ':') == NULL && strncmp(File, "\\\\", 2) != 0) {
        for (char *c = File; *c != 0; c++) {
            *c = *c == '\\' ? '/' : *c;
        }
    }
}

static void SymbolizerTake(json_t *Entry, SYMBOLIZER_ANSWER *Answer)
{
    json_t *Symbol = json_array_get(json_object_get(Entry, "Symbol"), 0);
    const char *Function = json_string_value(json_object_get(Symbol, "FunctionName"));
    const char *File = json_string_value(json_object_get(Symbol, "FileName"));
    json_int_t Line = json_integer_value(json_object_get(Symbol, "Line"));

    memset(Answer, 0, sizeof(*Answer));
    if (Function != NULL && strcmp(Function, "??") != 0) {
        TextCleanString(Answer->Function, sizeof(Answer->Function), Function);
    }
    if (File != NULL && strcmp(File, "??") != 0 && Line > 0 && Line < INT32_MAX) {
        TextCleanString(Answer->File, sizeof(Answer->File), File);
        SymbolizerTurnSlashes(Answer->File);
        Answer->Line = (uint32_t)Line;
    }
}

static bool SymbolizerParse(const char *Bytes, size_t Size, unsigned Count,
                            SYMBOLIZER_ANSWER *Answers)
{
    json_t *Root = json_loadb(Bytes, Size, JSON_DISABLE_EOF_CHECK, NULL);
    bool Good = json_is_array(Root) && json_array_size(Root) == Count;
    for (unsigned i = 0; Good && i < Count; i++) {
        SymbolizerTake(json_array_get(Root, i), &Answers[i]);
    }
    json_decref(Root);
    return Good;
}

bool SymbolizerRun(const char *ImagePath, const uint64_t *Rva, unsigned Count,
                   SYMBOLIZER_ANSWER *Answers)
{
    char Object[4200], Number[SYMBOLIZER_MAX_ADDRESSES][TEXT_NUMBER];
    char *Words[SYMBOLIZER_MAX_ADDRESSES + 8] = {NULL, Object, "--relative-address", "--no-inlines",
                                                 "--output-style=JSON"};
    unsigned Used = 5;
    int Pipe[2];

    if (Count == 0 || Count > SYMBOLIZER_MAX_ADDRESSES || pipe2(Pipe, O_CLOEXEC) != 0) {
        return false;
    }
    snprintf(Object, sizeof(Object), "--obj=%s", ImagePath);
    for (unsigned i = 0; i < Count; i++) {
        Words[Used++] = (char *)TextHex(Number[i], Rva[i]);
    }
    pid_t Child = fork();
    if (Child == 0) {
        SymbolizerExec(Pipe[1], Words);
    }
    close(Pipe[1]);
    size_t Size = 0;
    char *Bytes = Child > 0 ? SymbolizerRead(Pipe[0], &Size) : NULL;
    close(Pipe[0]);
    if (Child > 0) {
        if (Bytes == NULL) {
            kill(Child, SIGKILL);
        }
        waitpid(Child, NULL, 0);
    }
    bool Good = Bytes != NULL && SymbolizerParse(Bytes, Size, Count, Answers);
    free(Bytes);
    return Good;
}
