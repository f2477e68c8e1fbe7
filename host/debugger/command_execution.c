/* SPDX-License-Identifier: MIT */
/* g, p, t, pc, gu, sxe ld, .reboot, .crash, q, qd. */
#include <string.h>

#include "host/debugger/execution.h"
#include "host/text/text.h"

static bool CanRun(DEBUGGER *Debugger)
{
    if (!Debugger->Target->Stopped) {
        return DebuggerError(Debugger, "The target is running");
    }
    return true;
}

/* That the target ends while it runs is no failure of the command. */
static bool Run(DEBUGGER *Debugger, int32_t Status)
{
    return ExecutionGo(Debugger, Status, false) || ExecutionOf(Debugger)->Gone;
}

/* "=Address", where execution begins instead of at Rip. */
static bool TakeStart(DEBUGGER *Debugger, const char **Arguments)
{
    uint64_t Start;
    if (**Arguments != '=') {
        return true;
    }
    *Arguments += 1 + strspn(*Arguments + 1, " \t");
    if (!ExpressionEvaluate(Debugger, Arguments, &Start)) {
        return false;
    }
    return RegisterWrite(Debugger, "rip", 3, Start) ||
           DebuggerError(Debugger, "Rip cannot be set: %s", Debugger->Target->Error);
}

static bool Go(DEBUGGER *Debugger, const char *Arguments, int32_t Status)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    EXECUTION *Execution = ExecutionOf(Debugger);
    size_t Count = 0;

    if (!CanRun(Debugger) || !TakeStart(Debugger, &Arguments)) {
        return false;
    }
    while (*Arguments != 0) {
        uint64_t Address;
        if (Count == sizeof(All->Temporary) / sizeof(All->Temporary[0]) - 1) {
            BreakpointsClearTemporary(Debugger);
            return DebuggerError(Debugger, "g takes at most ten addresses");
        }
        if (!ExpressionEvaluate(Debugger, &Arguments, &Address)) {
            BreakpointsClearTemporary(Debugger);
            return false;
        }
        All->Temporary[Count++] = (BREAKPOINT_TEMPORARY){true, Address, 0, 0};
    }
    if (Execution->InCommands) {
        Execution->GoAsked = true; /* the loop that runs the commands goes on */
        return true;
    }
    return Run(Debugger, Status);
}

static bool CommandGo(DEBUGGER *Debugger, const char *Arguments)
{
    return Go(Debugger, Arguments, KD_CONTINUE);
}

static bool CommandGoHandled(DEBUGGER *Debugger, const char *Arguments)
{
    return Go(Debugger, Arguments, KD_CONTINUE_EXCEPTION_HANDLED);
}

static bool CommandGoNotHandled(DEBUGGER *Debugger, const char *Arguments)
{
    return Go(Debugger, Arguments, KD_CONTINUE_NOT_HANDLED);
}

/*
 * One step; Over: not into calls. *More: it came to its end, and another may follow. False: the
 * target could not be resumed.
 */
static bool Step(DEBUGGER *Debugger, bool Over, bool *More)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    DEBUG_INSTRUCTION Instruction;
    const CONTEXT *Context = &Debugger->Context;

    if (ExecutionSkipBreak(Debugger)) {
        Execution->Stop = StopStep;
        if (!Execution->Silent) {
            StopReportPosition(Debugger);
        }
        *More = true;
        return true;
    }
    bool Trace = true;
    if (Over && DebugInstruction(Debugger, Context->Rip, &Instruction) && Instruction.StepsOver) {
        BreakpointsOf(Debugger)->Temporary[0] =
            (BREAKPOINT_TEMPORARY){true, Context->Rip + Instruction.Length,
                                   Debugger->Target->State.Thread, Context->Rsp};
        Trace = false;
    }
    bool Good = ExecutionGo(Debugger, KD_CONTINUE, Trace);
    *More = Good && (Execution->Stop == StopStep || Execution->Stop == StopTemporary);
    return Good || Execution->Gone;
}

static bool StepMany(DEBUGGER *Debugger, const char *Arguments, bool Over)
{
    uint64_t Count = 1;
    bool Good = true, More = true;
    if (!CanRun(Debugger) || !TakeStart(Debugger, &Arguments) ||
        (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Count))) {
        return false;
    }
    if (ExecutionOf(Debugger)->InCommands) {
        return DebuggerError(Debugger, "A breakpoint's commands can only go on with g");
    }
    while (Good && More && Count-- != 0 && !DebuggerInterrupted(Debugger)) {
        Good = Step(Debugger, Over, &More);
    }
    return Good;
}

static bool CommandStep(DEBUGGER *Debugger, const char *Arguments)
{
    return StepMany(Debugger, Arguments, true);
}

static bool CommandTrace(DEBUGGER *Debugger, const char *Arguments)
{
    return StepMany(Debugger, Arguments, false);
}

/* Steps, at least once, until the next instruction is a call. */
static bool StepToCall(DEBUGGER *Debugger, bool *More)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    DEBUG_INSTRUCTION Instruction;
    bool Good;
    Execution->Silent = true;
    do {
        Good = Step(Debugger, true, More);
        *More = *More && !DebuggerInterrupted(Debugger);
    } while (Good && *More &&
             !(DebugInstruction(Debugger, Debugger->Context.Rip, &Instruction) &&
               Instruction.IsCall));
    Execution->Silent = false;
    if (Execution->Stop == StopStep || Execution->Stop == StopTemporary) {
        StopReportPosition(Debugger);
    }
    return Good;
}

static bool CommandStepToCall(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Count = 1;
    bool More = true, Good = true;
    if (!CanRun(Debugger) || !TakeStart(Debugger, &Arguments) ||
        (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Count))) {
        return false;
    }
    if (ExecutionOf(Debugger)->InCommands) {
        return DebuggerError(Debugger, "A breakpoint's commands can only go on with g");
    }
    while (Good && More && Count-- != 0) {
        Good = StepToCall(Debugger, &More);
    }
    return Good;
}

static bool CommandGoUp(DEBUGGER *Debugger, const char *Arguments)
{
    if (!CanRun(Debugger) || !CommandEnd(Debugger, Arguments)) {
        return false;
    }
    if (ExecutionOf(Debugger)->InCommands) {
        return DebuggerError(Debugger, "A breakpoint's commands can only go on with g");
    }
    CONTEXT Caller = Debugger->Context;
    if (!Debugger->HasContext || !DebugUnwind(Debugger, &Caller)) {
        return DebuggerError(Debugger, "gu: the caller is not known");
    }
    BreakpointsOf(Debugger)->Temporary[0] = (BREAKPOINT_TEMPORARY){
        true, Caller.Rip, Debugger->Target->State.Thread, Caller.Rsp};
    return Run(Debugger, KD_CONTINUE);
}

static bool CommandStopAt(DEBUGGER *Debugger, const char *Arguments)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    if (strncmp(Arguments, "ld", 2) != 0 || (Arguments[2] != 0 && Arguments[2] != ':') ||
        strlen(Arguments) > sizeof(Execution->LoadName)) {
        return DebuggerError(Debugger, "sxe and sxd know one event: ld[:Module]");
    }
    Execution->StopAtLoad = true;
    snprintf(Execution->LoadName, sizeof(Execution->LoadName), "%s",
             Arguments[2] == ':' ? Arguments + 3 : "");
    return true;
}

static bool CommandNoStopAt(DEBUGGER *Debugger, const char *Arguments)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    if (strncmp(Arguments, "ld", 2) != 0) {
        return DebuggerError(Debugger, "sxe and sxd know one event: ld[:Module]");
    }
    Execution->StopAtLoad = false;
    return true;
}

static bool CommandReboot(DEBUGGER *Debugger, const char *Arguments)
{
    TARGET *Target = Debugger->Target;
    if (!CanRun(Debugger) || !CommandEnd(Debugger, Arguments)) {
        return false;
    }
    if (!Target->Operations->Reboot(Target)) {
        return DebuggerError(Debugger, "The target cannot be rebooted: %s", Target->Error);
    }
    ExecutionFollow(Debugger);
    return true; /* that the target is gone then is no failure */
}

static bool CommandCrash(DEBUGGER *Debugger, const char *Arguments)
{
    TARGET *Target = Debugger->Target;
    if (!CanRun(Debugger) || !CommandEnd(Debugger, Arguments)) {
        return false;
    }
    if (!Target->Operations->CauseBugCheck(Target)) {
        return DebuggerError(Debugger, "The target cannot be crashed: %s", Target->Error);
    }
    ExecutionFollow(Debugger);
    return true;
}

static bool CommandQuit(DEBUGGER *Debugger, const char *Arguments)
{
    Debugger->Quit = CommandEnd(Debugger, Arguments);
    return Debugger->Quit;
}

static bool CommandDetach(DEBUGGER *Debugger, const char *Arguments)
{
    Debugger->Detach = CommandQuit(Debugger, Arguments);
    return Debugger->Detach;
}

const DEBUGGER_COMMAND CommandsExecution[] = {
    {"g", CommandGo, "g [=Start] [Address ...]", "lets the target run", true},
    {"gh", CommandGoHandled, "gh [=Start] [Address ...]", "the same, the exception is handled",
     true},
    {"gn", CommandGoNotHandled, "gn [=Start] [Address ...]",
     "the same, the exception is not handled", true},
    {"gu", CommandGoUp, "gu", "until the routine returns", true},
    {"p", CommandStep, "p [=Start] [Count]", "one instruction, calls as one", true},
    {"t", CommandTrace, "t [=Start] [Count]", "one instruction, into calls", true},
    {"pc", CommandStepToCall, "pc [=Start] [Count]", "up to the next call", true},
    {"sxe", CommandStopAt, "sxe ld[:Module]", "stops when a module is loaded", true},
    {"sxd", CommandNoStopAt, "sxd ld", "does not", true},
    {".reboot", CommandReboot, ".reboot", "resets the target", true},
    {".crash", CommandCrash, ".crash", "makes the target bug check", true},
    {"q", CommandQuit, "q", "ends; a target that was attached to runs on", false},
    {"qd", CommandDetach, "qd", "ends; the target runs on, also that of `pageable debug`", false},
    {0},
};
