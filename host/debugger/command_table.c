/* SPDX-License-Identifier: MIT */
/* Where commands are looked for. */
#include "host/debugger/debugger.h"

const DEBUGGER_COMMAND *const CommandTables[] = {
    CommandsExecution, CommandsBreakpoint, CommandsRegister, CommandsProcess,
    CommandsMemory, CommandsEdit, CommandsType, CommandsStack, CommandsDisassembly, CommandsSymbol,
    CommandsExpression, CommandsPaging, CommandsPage, CommandsPageable,
    CommandsVirtualMemory, CommandsObject, CommandsDriver, CommandsThread,
    CommandsSystem, CommandsPool, CommandsAnalyze, CommandsDump,
    NULL,
};
