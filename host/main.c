/* SPDX-License-Identifier: MIT */
/* The command `pageable`: chooses the subcommand. */
#include <stdio.h>
#include <string.h>

#include "host/check/check.h"
#include "host/completion.h"
#include "host/debugger/console.h"
#include "host/exports/exports.h"
#include "host/gdb/symbol_file.h"
#include "host/help.h"
#include "host/inspect/inspect.h"
#include "host/manual.h"
#include "host/run/advise.h"
#include "host/run/run.h"
#include "host/run/test_guest.h"
#include "host/text/explain.h"

static int MainRun(const char *Program, int Count, char **Arguments)
{
    return RunCommand(Program, Count, Arguments, -1, NULL);
}

static int MainAdvise(const char *Program, int Count, char **Arguments)
{
    return AdviseCommand(Program, Count, Arguments);
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

static int MainCompletion(const char *Program, int Count, char **Arguments)
{
    return CompletionCommand(Count, Arguments);
}

static int MainCheck(const char *Program, int Count, char **Arguments)
{
    return CheckCommand(Program, Count, Arguments);
}

static int MainReport(const char *Program, int Count, char **Arguments)
{
    return ReportCommand(Count, Arguments);
}

static int MainTestGuest(const char *Program, int Count, char **Arguments)
{
    return TestGuestCommand(Count, Arguments);
}

static const struct {
    const char *Name;
    int (*Run)(const char *Program, int Count, char **Arguments);
} MainCommands[] = {
    {"run", MainRun},
    {"check", MainCheck},
    {"report", MainReport},
    {"debug", MainDebug},
    {"kd", MainKd},
    {"advise", MainAdvise},
    {"explain", MainExplain},
    {"exports", MainExports},
    {"gdb-symbols", MainGdbSymbols},
    {"inspect", MainInspect},
    {"completion", MainCompletion},
    {"test-guest", MainTestGuest}, /* for our own tests: no help */
};

#define MAIN_COMMANDS (sizeof(MainCommands) / sizeof(MainCommands[0]))

static int MainHelp(int Count, char **Arguments)
{
    if (Count == 0) {
        fputs(HelpMain, stdout);
        return ExitClean;
    }
    bool Manual = strcmp(Arguments[0], "--man") == 0;
    const HELP_TOPIC *Topic = HelpTopic(Arguments[Count - 1]);
    if (Manual && Count == 1) {
        ManualPrint(NULL);
        return ExitClean;
    }
    if (Topic != NULL && Count == (Manual ? 2 : 1)) {
        if (Manual) {
            ManualPrint(Topic);
        } else {
            fputs(Topic->Text, stdout);
        }
        return ExitClean;
    }
    fprintf(stderr, "pageable: there is help for:");
    for (Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        fprintf(stderr, " %s", Topic->Command);
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
        const HELP_TOPIC *Topic = HelpTopic(Command);
        if (Topic != NULL && MainAsksHelp(Count - 2, Arguments + 2)) {
            fputs(Topic->Text, stdout);
            return ExitClean;
        }
        return MainCommands[i].Run(Arguments[0], Count - 2, Arguments + 2);
    }
    fprintf(stderr, "pageable: %.100s: no such command; try `pageable help`\n", Command);
    return ExitUsage;
}
