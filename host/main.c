/* SPDX-License-Identifier: MIT */
/* The command `pageable`: chooses the subcommand. */
#include <stdio.h>
#include <string.h>

#include "host/help.h"
#include "host/run.h"
#include "host/test_guest.h"

static int MainHelp(int Count, char **Arguments)
{
    if (Count == 0) {
        fputs(HelpMain, stdout);
        return ExitClean;
    }
    if (Count == 1 && strcmp(Arguments[0], "run") == 0) {
        fputs(HelpRun, stdout);
        return ExitClean;
    }
    fprintf(stderr, "pageable: there is help for: run\n");
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
    if (strcmp(Command, "run") == 0) {
        if (MainAsksHelp(Count - 2, Arguments + 2)) {
            fputs(HelpRun, stdout);
            return ExitClean;
        }
        return RunCommand(Arguments[0], Count - 2, Arguments + 2);
    }
    if (strcmp(Command, "test-guest") == 0) {
        return TestGuestCommand(Count - 2, Arguments + 2);
    }
    fprintf(stderr, "pageable: %.100s: no such command; try `pageable help`\n", Command);
    return ExitUsage;
}
