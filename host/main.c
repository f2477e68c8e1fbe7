/* SPDX-License-Identifier: MIT */
/* The command `pageable`: chooses the subcommand. */
#include <stdio.h>
#include <string.h>

#include "host/debugger/console.h"
#include "host/explain.h"
#include "host/exports.h"
#include "host/gdb/symbol_file.h"
#include "host/help.h"
#include "host/inspect.h"
#include "host/run.h"
#include "host/test_guest.h"

static int MainRun(const char *Program, int Count, char **Arguments)
{
    return RunCommand(Program, Count, Arguments, -1);
}

static int MainDebug(const char *Program, int Count, char **Arguments)
{
    return DebugCommand(Program, Count, Arguments);
}

static int MainKd(const char *Program, int Count, char **Arguments)
{
    return KdCommand(Count, Arguments);
}

static int MainExplain(const char *Program, int Count, char **Arguments)
{
    return ExplainCommand(Count, Arguments);
}

static int MainExports(const char *Program, int Count, char **Arguments)
{
    return ExportsCommand(Count, Arguments);
}

static int MainGdbSymbols(const char *Program, int Count, char **Arguments)
{
    return GdbSymbolsCommand(Count, Arguments);
}

static int MainInspect(const char *Program, int Count, char **Arguments)
{
    return InspectCommand(Count, Arguments);
}

static int MainTestGuest(const char *Program, int Count, char **Arguments)
{
    return TestGuestCommand(Count, Arguments);
}

static const struct {
    const char *Name;
    const char *Help; /* NULL: for our own tests, not told */
    int (*Run)(const char *Program, int Count, char **Arguments);
} MainCommands[] = {
    {"run", HelpRun, MainRun},
    {"debug", HelpDebug, MainDebug},
    {"kd", HelpKd, MainKd},
    {"explain", HelpExplain, MainExplain},
    {"exports", HelpExports, MainExports},
    {"gdb-symbols", HelpGdbSymbols, MainGdbSymbols},
    {"inspect", HelpInspect, MainInspect},
    {"test-guest", NULL, MainTestGuest},
};

#define MAIN_COMMANDS (sizeof(MainCommands) / sizeof(MainCommands[0]))

static int MainHelp(int Count, char **Arguments)
{
    if (Count == 0) {
        fputs(HelpMain, stdout);
        return ExitClean;
    }
    for (size_t i = 0; i < MAIN_COMMANDS; i++) {
        if (Count == 1 && MainCommands[i].Help != NULL &&
            strcmp(Arguments[0], MainCommands[i].Name) == 0) {
            fputs(MainCommands[i].Help, stdout);
            return ExitClean;
        }
    }
    fprintf(stderr, "pageable: there is help for:");
    for (size_t i = 0; i < MAIN_COMMANDS; i++) {
        fprintf(stderr, "%s%s", MainCommands[i].Help != NULL ? " " : "",
                MainCommands[i].Help != NULL ? MainCommands[i].Name : "");
    }
    fputc('\n', stderr);
    return ExitUsage;
}

static bool MainAsksHelp(int Count, char **Arguments)
{
    for (int i = 0; i < Count && strcmp(Arguments[i], "--") != 0; i++) {
        if (strcmp(Arguments[i], "--help") == 0 || strcmp(Arguments[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

int main(int Count, char **Arguments)
{
    const char *Command = Count > 1 ? Arguments[1] : "";

    if (Count < 2) {
        fputs(HelpMain, stderr);
        return ExitUsage;
    }
    if (strcmp(Command, "--help") == 0 || strcmp(Command, "-h") == 0 ||
        strcmp(Command, "help") == 0) {
        return MainHelp(Count - 2, Arguments + 2);
    }
    if (strcmp(Command, "--version") == 0) {
        printf("pageable %s\n", PAGEABLE_VERSION);
        return ExitClean;
    }
    for (size_t i = 0; i < MAIN_COMMANDS; i++) {
        if (strcmp(Command, MainCommands[i].Name) != 0) {
            continue;
        }
        if (MainCommands[i].Help != NULL && MainAsksHelp(Count - 2, Arguments + 2)) {
            fputs(MainCommands[i].Help, stdout);
            return ExitClean;
        }
        return MainCommands[i].Run(Arguments[0], Count - 2, Arguments + 2);
    }
    fprintf(stderr, "pageable: %.100s: no such command; try `pageable help`\n", Command);
    return ExitUsage;
}
