/* SPDX-License-Identifier: MIT */
/* What is printed when the target has stopped, in WinDbg's words. */
#include "host/debugger/execution.h"

#include "host/text/text.h"

#define KDBG_BREAKPOINT_WITH_STATUS 0x20u /* address of the int3 in DbgBreakPointWithStatus */

void StopReportModule(DEBUGGER *Debugger)
{
    const TARGET *Target = Debugger->Target;
    const DBGKD_LOAD_SYMBOLS64 *Symbols = &Target->State.LoadSymbols;
    char Start[DEBUG_ADDRESS_SIZE], End[DEBUG_ADDRESS_SIZE], Path[1024];

    if (ExecutionOf(Debugger)->Quiet) {
        return;
    }
    TextCleanString(Path, sizeof(Path), Target->Path);
    DebuggerPrint(Debugger, "ModLoad: %s %s   %s\n", DebugAddressText(Symbols->BaseOfDll, Start),
                  DebugAddressText(Symbols->BaseOfDll + Symbols->SizeOfImage, End), Path);
}

void StopReportPosition(DEBUGGER *Debugger)
{
    char Text[512], File[256];
    unsigned Line, Length;
    DEBUG_NAME Name;
    uint64_t Address = Debugger->Context.Rip;

    if (!Debugger->HasContext) {
        return;
    }
    if (DebugSymbolNear(Debugger, Address, &Name)) {
        DebuggerPrint(Debugger, "%s", Name.Text);
        if (Name.Displacement != 0) {
            DebuggerPrint(Debugger, "+0x%llx", (unsigned long long)Name.Displacement);
        }
        if (DebugSymbolLine(Debugger, Address, false, File, sizeof(File), &Line)) {
            DebuggerPrint(Debugger, " [%s @ %u]", File, Line);
        }
        DebuggerPrint(Debugger, ":\n");
    }
    DebugInstructionText(Debugger, Address, Text, sizeof(Text), &Length);
    DebuggerPrint(Debugger, "%s\n", Text);
}

static const char *ExceptionName(uint32_t Code)
{
    static const struct {
        uint32_t Code;
        const char *Name;
    } Names[] = {
        {KD_EXCEPTION_BREAKPOINT, "Break instruction exception"},
        {KD_EXCEPTION_SINGLE_STEP, "Single step exception"},
        {KD_EXCEPTION_WAKE, "Wake debugger"},
        {KD_EXCEPTION_ASSERTION, "Assertion failure"},
        {0xC0000005, "Access violation"},
        {0xC000001D, "Illegal instruction"},
        {0xC0000094, "Integer divide-by-zero"},
        {0xC0000095, "Integer overflow"},
        {0xC0000096, "Privileged instruction"},
        {0xC00000FD, "Stack overflow"},
        {0xC0000006, "In-page I/O error"},
    };
    for (size_t i = 0; i < sizeof(Names) / sizeof(Names[0]); i++) {
        if (Names[i].Code == Code) {
            return Names[i].Name;
        }
    }
    return "Unknown exception";
}

/* DbgBreakPointWithStatus with a bug check's status: the second one is where the user looks. */
static bool IsBugCheckStop(DEBUGGER *Debugger)
{
    uint64_t Break;
    return Debugger->HasContext && Debugger->DebuggerData != 0 &&
           (Debugger->Context.Rcx == DBG_STATUS_BUGCHECK_FIRST ||
            Debugger->Context.Rcx == DBG_STATUS_BUGCHECK_SECOND) &&
           TargetRead64(Debugger->Target, Debugger->DebuggerData + KDBG_BREAKPOINT_WITH_STATUS,
                        &Break) &&
           Break == Debugger->Context.Rip;
}

static void ReportException(DEBUGGER *Debugger)
{
    const DBGKM_EXCEPTION64 *Exception = &Debugger->Target->State.Exception;
    uint32_t Code = Exception->Record.ExceptionCode;
    if (IsBugCheckStop(Debugger)) {
        DebuggerPrint(Debugger, "A fatal system error has occurred. !analyze -v says more.\n");
    } else if (Code != KD_EXCEPTION_WAKE) {
        DebuggerPrint(Debugger, "%s - code %08x (%s)\n", ExceptionName(Code), Code,
                      Exception->FirstChance ? "first chance" : "!!! second chance !!!");
    }
}

void StopReport(DEBUGGER *Debugger)
{
    const EXECUTION *Execution = ExecutionOf(Debugger);
    const TARGET *Target = Debugger->Target;
    char Text[512];

    if (Execution->Stop == StopBreakpoint) {
        DebuggerPrint(Debugger, "Breakpoint %d hit\n", Execution->Number);
    } else if (Target->State.NewState == DBGKD_COMMAND_STRING_STATE_CHANGE) {
        DebuggerPrint(Debugger, "The target asks for a command\n");
    } else if (Execution->Stop == StopOther) {
        ReportException(Debugger);
    }
    if (Execution->Stop == StopModule) {
        const DEBUG_MODULE *Module =
            DebugFindModule(Debugger, Target->State.LoadSymbols.BaseOfDll);
        TextCleanString(Text, sizeof(Text), Module != NULL ? Module->ImageName : Target->Path);
        DebuggerPrint(Debugger, "%s is loaded; its entry point has not run yet.\n", Text);
    }
    StopReportPosition(Debugger);
}
