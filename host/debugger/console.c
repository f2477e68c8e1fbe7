/* SPDX-License-Identifier: MIT */
#include "host/debugger/console.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "host/debugger/execution.h"
#include "host/debugger/prompt.h"
#include "host/machine/program_files.h"
#include "host/text/text.h"

#define LINE_MAX_BYTES 4096u

static const char *TakeCommand(CONSOLE_OPTIONS *Options, const char *Value)
{
    if (Options->CommandCount == CONSOLE_MAX_COMMANDS) {
        return "there are too many -c";
    }
    if (strlen(Value) >= LINE_MAX_BYTES) {
        return "the commands of one -c are longer than 4095 bytes";
    }
    Options->Commands[Options->CommandCount++] = Value;
    return NULL;
}

static const char *TakeFile(CONSOLE_OPTIONS *Options, const char *Value)
{
    Options->CommandFile = Value;
    return NULL;
}

static const char *TakeSymbols(CONSOLE_OPTIONS *Options, const char *Value)
{
    Options->Symbols = Value;
    return NULL;
}

static const char *TakeDump(CONSOLE_OPTIONS *Options, const char *Value)
{
    Options->Dump = Value;
    return NULL;
}

static const char *TakeTimeout(CONSOLE_OPTIONS *Options, const char *Value)
{
    uint64_t Seconds;
    if (!TextParseNumber(Value, &Seconds) || Seconds == 0 || Seconds > 86400) {
        return "the time limit is 1 to 86400 seconds";
    }
    Options->TimeoutSeconds = (uint32_t)Seconds;
    return NULL;
}

bool ConsoleTakeOption(CONSOLE_OPTIONS *Options, int Count, char **Arguments, int *Index,
                       const char **Error)
{
    static const struct {
        const char *Name;
        const char *(*Take)(CONSOLE_OPTIONS *Options, const char *Value);
    } Table[] = {
        {"-c", TakeCommand},         {"--command-file", TakeFile}, {"--symbols", TakeSymbols},
        {"--attach-timeout", TakeTimeout}, {"--dump", TakeDump},
    };
    const char *Argument = Arguments[*Index];

    *Error = NULL;
    for (size_t i = 0; i < sizeof(Table) / sizeof(Table[0]); i++) {
        size_t Length = strlen(Table[i].Name);
        const char *Value = NULL;
        if (strncmp(Argument, Table[i].Name, Length) != 0) {
            continue;
        }
        if (Argument[Length] == '=' && Argument[1] == '-') {
            Value = Argument + Length + 1;
        } else if (Argument[Length] != 0) {
            continue;
        } else if (*Index + 1 < Count) {
            Value = Arguments[++*Index];
        }
        *Error = Value == NULL || *Value == 0 ? "needs a value" : Table[i].Take(Options, Value);
        return *Error == NULL;
    }
    return false;
}

int ConsoleCatchInterrupt(void)
{
    sigset_t Set;
    sigemptyset(&Set);
    sigaddset(&Set, SIGINT);
    sigprocmask(SIG_BLOCK, &Set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &Set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void AddDirectory(char *Path, size_t Capacity, const char *Text, size_t Length)
{
    if (Length != 0) {
        TextAppendFormat(Path, Capacity, "%s%.*s", Path[0] != 0 ? ";" : "", (int)Length, Text);
    }
}

void ConsoleSetSymbolPath(DEBUGGER *Debugger, const CONSOLE_OPTIONS *Options, const char *Image)
{
    PROGRAM_FILES Files;
    char Error[4096];
    char *Path = Debugger->SymbolPath;
    size_t Capacity = sizeof(Debugger->SymbolPath);

    Path[0] = 0;
    if (ProgramFilesFind(&Files, "ntoskrnl.exe", Error, sizeof(Error))) {
        AddDirectory(Path, Capacity, Files.Kernel,
                     (size_t)(TextBaseName(Files.Kernel) - Files.Kernel));
    }
    if (Image != NULL) {
        size_t Length = (size_t)(TextBaseName(Image) - Image);
        AddDirectory(Path, Capacity, Length != 0 ? Image : ".", Length != 0 ? Length : 1);
    }
    if (Options->Symbols != NULL) {
        AddDirectory(Path, Capacity, Options->Symbols, strlen(Options->Symbols));
    }
    const char *Windows = getenv("_NT_SYMBOL_PATH"); /* as WinDbg's users have it */
    if (Windows != NULL) {
        AddDirectory(Path, Capacity, Windows, strlen(Windows));
    }
}

bool ConsoleRunPrompt(DEBUGGER *Debugger, const CONSOLE_OPTIONS *Options)
{
    char Line[LINE_MAX_BYTES];
    PROMPT Prompt = {.Commands = Options->Commands, .CommandCount = Options->CommandCount};

    if (Options->CommandFile != NULL) {
        Prompt.File = fopen(Options->CommandFile, "re");
        if (Prompt.File == NULL) {
            char Clean[1024];
            TextCleanString(Clean, sizeof(Clean), Options->CommandFile);
            fprintf(stderr, "pageable: %s: %s\n", Clean, strerror(errno));
            return false;
        }
    }
    PromptOpen(&Prompt, Debugger);
    while (!Debugger->Quit && ExecutionPoll(Debugger) && PromptRead(&Prompt, Line, sizeof(Line))) {
        fflush(Debugger->Output); /* the line is seen before what may take long */
        DebuggerRunLine(Debugger, Line);
        fflush(Debugger->Output);
    }
    PromptClose(&Prompt);
    fflush(Debugger->Output);
    return true;
}
