/* SPDX-License-Identifier: MIT */
/* Empty tables in the place of the commands that a test does not link: command.c names them all. */
#include "host/debugger/debugger.h"

#define NO_COMMANDS(name) __attribute__((weak)) const DEBUGGER_COMMAND name[] = {{0}}
NO_COMMANDS(CommandsExecution);
NO_COMMANDS(CommandsBreakpoint);
NO_COMMANDS(CommandsRegister);
NO_COMMANDS(CommandsProcess);
NO_COMMANDS(CommandsMemory);
NO_COMMANDS(CommandsDisassembly);
NO_COMMANDS(CommandsStack);
NO_COMMANDS(CommandsSymbol);
NO_COMMANDS(CommandsExpression);
NO_COMMANDS(CommandsPaging);
NO_COMMANDS(CommandsPage);
NO_COMMANDS(CommandsPageable);
NO_COMMANDS(CommandsVirtualMemory);
NO_COMMANDS(CommandsObject);
NO_COMMANDS(CommandsDriver);
NO_COMMANDS(CommandsThread);
NO_COMMANDS(CommandsPool);
NO_COMMANDS(CommandsSystem);
NO_COMMANDS(CommandsAnalyze);
NO_COMMANDS(CommandsDump);
NO_COMMANDS(CommandsEdit);
NO_COMMANDS(CommandsType);
