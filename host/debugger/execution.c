/* SPDX-License-Identifier: MIT */
#include "host/debugger/execution.h"

#include <string.h>
#include <strings.h>

#include "host/text/text.h"

#define KDBG_TAG 0x4742444Bu /* "KDBG" */
#define EFLAGS_RESUME 0x10000u
#define BREAKPOINT_BYTE 0xCC

EXECUTION *ExecutionOf(DEBUGGER *Debugger)
{
    return Debugger->Execution;
}

bool ExecutionTakeContext(DEBUGGER *Debugger)
{
    TARGET *Target = Debugger->Target;
    Debugger->HasContext = Target->Operations->GetContext(Target, &Debugger->Context);
    Debugger->ContextIsOfStop = Debugger->HasContext;
    return Debugger->HasContext;
}

/* The block that the version's list leads to; 0 when there is none. */
static void FindDebuggerData(DEBUGGER *Debugger)
{
    TARGET *Target = Debugger->Target;
    uint64_t Data = 0;
    uint32_t Tag = 0;
    bool Good = Target->Version.DebuggerDataList != 0 &&
                TargetRead64(Target, Target->Version.DebuggerDataList, &Data) &&
                TargetRead32(Target, Data + 0x10, &Tag) && Tag == KDBG_TAG;
    Debugger->DebuggerData = Good ? Data : 0;
}

/* What the target prints; line ends as they come, everything else cleaned. */
static void PrintTargetText(DEBUGGER *Debugger)
{
    static char Clean[4 * KD_MAX_PAYLOAD + 1];
    const char *Next = Debugger->Target->Text;
    size_t Rest = Debugger->Target->TextLength;
    while (Rest != 0) {
        const char *End = memchr(Next, '\n', Rest);
        size_t Length = End != NULL ? (size_t)(End - Next) : Rest;
        size_t Visible = Length != 0 && Next[Length - 1] == '\r' ? Length - 1 : Length;
        TextClean(Clean, sizeof(Clean), Next, Visible);
        DebuggerPrint(Debugger, "%s%s", Clean, End != NULL ? "\n" : "");
        ExecutionOf(Debugger)->LineIsOpen = End == NULL && Length != 0;
        Length += End != NULL;
        Next += Length;
        Rest -= Length;
    }
    fflush(Debugger->Output);
}

static void CloseLine(DEBUGGER *Debugger)
{
    if (ExecutionOf(Debugger)->LineIsOpen) {
        DebuggerPrint(Debugger, "\n");
        ExecutionOf(Debugger)->LineIsOpen = false;
    }
}

static void AnswerPrompt(DEBUGGER *Debugger)
{
    char Line[512] = "";
    TARGET *Target = Debugger->Target;
    PrintTargetText(Debugger);
    if (Debugger->Ask != NULL) {
        Debugger->Ask(Debugger, Line, sizeof(Line));
    } else {
        CloseLine(Debugger);
    }
    Target->Operations->Answer(Target, Line);
}

/* The target is another one now: nothing that was known of it holds. */
static void TakeReset(DEBUGGER *Debugger)
{
    CloseLine(Debugger);
    DebuggerPrint(Debugger, "The target has begun anew.\n");
    BreakpointsForget(Debugger);
    DebugFreeSymbols(Debugger);
    BreakpointsResolve(Debugger, 0, UINT64_MAX);
    Debugger->DebuggerData = 0;
    Debugger->PageInPending = false;
}

static bool TakeGone(DEBUGGER *Debugger)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    CloseLine(Debugger);
    Execution->Gone = true;
    Execution->Stop = StopNone;
    Debugger->Quit = true;
    Debugger->HasContext = false;
    return false;
}

/* Until the target stands. False: it is gone, or the time is over. */
static bool AwaitState(DEBUGGER *Debugger, int Milliseconds)
{
    TARGET *Target = Debugger->Target;
    uint64_t Limit = TextNow() + (uint64_t)(Milliseconds < 0 ? 0 : Milliseconds);
    for (;;) {
        uint64_t Now = TextNow();
        int Rest = Milliseconds < 0 ? -1 : Now < Limit ? (int)(Limit - Now) : 0;
        switch (Target->Operations->Wait(Target, Rest, Debugger->Interrupt)) {
        case TargetEventStopped:
            CloseLine(Debugger);
            return true;
        case TargetEventPrint:
            PrintTargetText(Debugger);
            break;
        case TargetEventPrompt:
            AnswerPrompt(Debugger);
            break;
        case TargetEventReset:
            TakeReset(Debugger);
            break;
        case TargetEventGone:
            return TakeGone(Debugger);
        case TargetEventNothing:
            if (DebuggerInterrupted(Debugger)) {
                ExecutionOf(Debugger)->LineIsOpen |= Debugger->Terminal; /* it shows ^C */
                Target->Operations->BreakIn(Target);
            } else if (Milliseconds >= 0 && TextNow() >= Limit) {
                return false;
            }
            break;
        }
    }
}

/* A CC that is the program's own, at the stop and at Rip; it would be hit again. */
static bool IsAtOwnBreak(DEBUGGER *Debugger)
{
    const DBGKD_ANY_WAIT_STATE_CHANGE *State = &Debugger->Target->State;
    uint8_t Byte;
    return State->NewState == DBGKD_EXCEPTION_STATE_CHANGE && Debugger->HasContext &&
           State->Exception.Record.ExceptionCode == KD_EXCEPTION_BREAKPOINT &&
           State->ProgramCounter == Debugger->Context.Rip &&
           TargetRead(Debugger->Target, Debugger->Context.Rip, &Byte, 1) &&
           Byte == BREAKPOINT_BYTE;
}

static bool SetContext(DEBUGGER *Debugger, const CONTEXT *Context)
{
    TARGET *Target = Debugger->Target;
    if (!Target->Operations->SetContext(Target, Context)) {
        return DebuggerError(Debugger, "The context cannot be set: %s", Target->Error);
    }
    Debugger->Context = *Context;
    return true;
}

bool ExecutionSkipBreak(DEBUGGER *Debugger)
{
    CONTEXT Context = Debugger->Context;
    if (!IsAtOwnBreak(Debugger)) {
        return false;
    }
    Context.Rip++;
    return SetContext(Debugger, &Context);
}

/* Every resume begins with the stop's own context, whatever .thread or .frame have shown. */
static bool RestoreContext(DEBUGGER *Debugger)
{
    if (!Debugger->ContextIsOfStop && !ExecutionTakeContext(Debugger)) {
        return DebuggerError(Debugger, "The context cannot be read: %s", Debugger->Target->Error);
    }
    Debugger->ImplicitProcess = Debugger->ImplicitThread = Debugger->UserDirectory = 0;
    return true;
}

/*
 * Lets the target run from here. *StepsOff: for one instruction only, since a breakpoint is on it;
 * the caller goes on after that.
 */
static bool Resume(DEBUGGER *Debugger, int32_t Status, bool Trace, bool *StepsOff)
{
    TARGET *Target = Debugger->Target;
    uint64_t Except = 0;

    *StepsOff = false;
    if (!RestoreContext(Debugger)) {
        return false;
    }
    ExecutionSkipBreak(Debugger);
    bool Fresh = ExecutionOf(Debugger)->Fresh;
    ExecutionOf(Debugger)->Fresh = false;
    if (!Fresh && BreakpointIsAt(Debugger, Debugger->Context.Rip)) {
        Except = Debugger->Context.Rip;
        *StepsOff = !Trace;
        Trace = true;
    }
    if (BreakpointsOf(Debugger)->DebugRegisters) {
        CONTEXT Context = Debugger->Context;
        Context.EFlags |= EFLAGS_RESUME; /* past a `ba e` that is here */
        if (!SetContext(Debugger, &Context)) {
            return false;
        }
    }
    if (!BreakpointsInsert(Debugger, Except)) {
        return false;
    }
    uint64_t Dr7 = BreakpointsOf(Debugger)->Dr7;
    if (!Target->Operations->Continue(Target, Status, Trace, Dr7)) {
        return DebuggerError(Debugger, "The target cannot be resumed: %s", Target->Error);
    }
    Debugger->HasContext = Debugger->ContextIsOfStop = false;
    return true;
}

/* True: this load is one to stop at. */
static bool TakeModule(DEBUGGER *Debugger)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    const DBGKD_LOAD_SYMBOLS64 *Symbols = &Debugger->Target->State.LoadSymbols;

    if (Symbols->UnloadSymbols) {
        const DEBUG_MODULE *Module = DebugFindModule(Debugger, Symbols->BaseOfDll);
        uint64_t Size = Module != NULL ? Module->Size : Symbols->SizeOfImage;
        BreakpointsResolve(Debugger, Symbols->BaseOfDll, Size);
        Execution->ModulesAreOld = true;
        return false;
    }
    DebugReload(Debugger);
    Execution->ModulesAreOld = false;
    BreakpointsResolve(Debugger, 0, 0);
    StopReportModule(Debugger);
    const DEBUG_MODULE *Module = DebugFindModule(Debugger, Symbols->BaseOfDll);
    return Execution->StopAtLoad &&
           (Execution->LoadName[0] == 0 ||
            (Module != NULL && (strcasecmp(Execution->LoadName, Module->Name) == 0 ||
                                strcasecmp(Execution->LoadName, Module->ImageName) == 0)));
}

/* What a stop at the user's breakpoint leads to. */
static STOP TakeBreakpoint(DEBUGGER *Debugger)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    BREAKPOINT *One = &Execution->Breakpoints.Table[Execution->Number];
    char Commands[sizeof(One->Commands)];

    if ((One->Thread != 0 && One->Thread != Debugger->Target->State.Thread) ||
        (One->PassesLeft > 1 && One->PassesLeft-- > 1)) {
        return StopNone;
    }
    memcpy(Commands, One->Commands, sizeof(Commands));
    if (One->OneShot) {
        memset(One, 0, sizeof(*One));
    }
    if (Commands[0] == 0) {
        return StopBreakpoint;
    }
    Execution->InCommands = true;
    Execution->GoAsked = false;
    DebuggerRunLine(Debugger, Commands);
    Execution->InCommands = false;
    return Execution->GoAsked ? StopNone : StopBreakpoint;
}

static STOP Classify(DEBUGGER *Debugger, bool Traced)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    const DBGKD_ANY_WAIT_STATE_CHANGE *State = &Debugger->Target->State;
    bool Mine;

    if (State->NewState == DBGKD_LOAD_SYMBOLS_STATE_CHANGE) {
        return TakeModule(Debugger) ? StopModule : StopNone;
    }
    if (State->NewState != DBGKD_EXCEPTION_STATE_CHANGE) {
        return StopOther;
    }
    Execution->Number = BreakpointHit(Debugger);
    bool Temporary = BreakpointTemporaryHit(Debugger, &Mine);
    if (Execution->Number >= 0) {
        STOP Stop = TakeBreakpoint(Debugger);
        return Stop == StopNone && Temporary && Mine ? StopTemporary : Stop;
    }
    if (Temporary) {
        return Mine ? StopTemporary : StopNone;
    }
    uint32_t Code = State->Exception.Record.ExceptionCode;
    if (Execution->IgnoresBreak && Code == KD_EXCEPTION_BREAKPOINT) {
        Execution->IgnoresBreak = false;
        return StopNone;
    }
    return Traced && Code == KD_EXCEPTION_SINGLE_STEP ? StopStep : StopOther;
}

/* The target stands: all of ours is taken out of it, and what is known of it is renewed. */
static void TakeState(DEBUGGER *Debugger)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    BreakpointsRemove(Debugger);
    if (Debugger->DebuggerData == 0) {
        FindDebuggerData(Debugger);
    }
    if (Debugger->Target->State.NewState == DBGKD_LOAD_SYMBOLS_STATE_CHANGE) {
        return; /* TakeModule reads the modules */
    }
    ExecutionTakeContext(Debugger);
    if (Execution->ModulesAreOld && DebugReload(Debugger)) {
        Execution->ModulesAreOld = false;
        BreakpointsResolve(Debugger, 0, 0);
    }
}

/* A stop for the user. */
static void Finish(DEBUGGER *Debugger)
{
    BreakpointsClearTemporary(Debugger);
    if (!Debugger->HasContext) {
        ExecutionTakeContext(Debugger); /* a module's load */
    }
    EXECUTION *Execution = ExecutionOf(Debugger);
    bool IsStep = Execution->Stop == StopStep || Execution->Stop == StopTemporary;
    if (!Execution->Silent || !IsStep) {
        StopReport(Debugger);
    }
    PageInOnStop(Debugger);
}

bool ExecutionGo(DEBUGGER *Debugger, int32_t Status, bool Trace)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    bool StepsOff;

    if (!Debugger->Target->Stopped) {
        return DebuggerError(Debugger, "The target is running");
    }
    for (;;) {
        bool Traced = Trace;
        if (!Resume(Debugger, Status, Trace, &StepsOff)) {
            BreakpointsClearTemporary(Debugger);
            return false;
        }
        Status = KD_CONTINUE;
        Execution->Stop = StopNone;
        if (!AwaitState(Debugger, -1)) {
            return false;
        }
        TakeState(Debugger);
        Execution->Stop = Classify(Debugger, Traced || StepsOff);
        if (Execution->Stop == StopStep && StepsOff) {
            Execution->Fresh = true; /* the breakpoint is behind us; one here has not been hit */
            continue;
        }
        if (Execution->Stop != StopNone || !Debugger->Target->Stopped) {
            break;
        }
    }
    Finish(Debugger);
    return true;
}

bool ExecutionTakeStop(DEBUGGER *Debugger)
{
    EXECUTION *Execution = ExecutionOf(Debugger);
    Execution->ModulesAreOld = true;
    TakeState(Debugger);
    Execution->Stop = Classify(Debugger, false);
    if (Execution->Stop == StopNone) {
        return ExecutionGo(Debugger, KD_CONTINUE, false);
    }
    Finish(Debugger);
    return true;
}

bool ExecutionOpenDump(DEBUGGER *Debugger)
{
    FindDebuggerData(Debugger);
    ExecutionTakeContext(Debugger);
    DebugReload(Debugger);
    StopReportPosition(Debugger);
    return true;
}

bool ExecutionFollow(DEBUGGER *Debugger)
{
    Debugger->HasContext = Debugger->ContextIsOfStop = false;
    ExecutionOf(Debugger)->Stop = StopNone;
    return AwaitState(Debugger, -1) && ExecutionTakeStop(Debugger);
}

bool ExecutionPoll(DEBUGGER *Debugger)
{
    TARGET *Target = Debugger->Target;
    if (Target->Kind != TargetLive) {
        return true;
    }
    switch (Target->Operations->Wait(Target, 0, -1)) {
    case TargetEventStopped:
        return ExecutionTakeStop(Debugger);
    case TargetEventPrint:
        PrintTargetText(Debugger);
        CloseLine(Debugger);
        return true;
    case TargetEventReset:
        TakeReset(Debugger);
        return true;
    case TargetEventGone:
        return TakeGone(Debugger);
    default:
        return true;
    }
}

bool ExecutionDetach(DEBUGGER *Debugger)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    bool StepsOff;
    if (!Debugger->Target->Stopped) {
        return true;
    }
    memset(All->Table, 0, sizeof(All->Table));
    BreakpointsClearTemporary(Debugger);
    return Resume(Debugger, KD_CONTINUE, false, &StepsOff);
}
