/* SPDX-License-Identifier: MIT */
#include "host/debugger/breakpoint.h"

#include <string.h>

#include "host/debugger/execution.h"

#define DR7_ALWAYS 0x400u
#define DR7_LOCAL_EXACT 0x100u

BREAKPOINTS *BreakpointsOf(DEBUGGER *Debugger)
{
    return &ExecutionOf(Debugger)->Breakpoints;
}

static bool BreakpointIsIn(const BREAKPOINTS *All, uint64_t Address)
{
    for (unsigned i = 0; i < All->InsertedCount; i++) {
        if (All->Inserted[i].Address == Address) {
            return true;
        }
    }
    return false;
}

/* Two at one address are one in the target. */
static bool BreakpointInsertCode(DEBUGGER *Debugger, uint64_t Address)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    TARGET *Target = Debugger->Target;
    uint32_t Handle;
    bool Owed;

    if (BreakpointIsIn(All, Address)) {
        return true;
    }
    if (All->InsertedCount == KD_BREAKPOINT_MAX) {
        snprintf(Target->Error, sizeof(Target->Error), "there are %u already", KD_BREAKPOINT_MAX);
        return false;
    }
    if (!Target->Operations->SetBreakpoint(Target, Address, &Handle, &Owed)) {
        return false;
    }
    All->Inserted[All->InsertedCount].Address = Address;
    All->Inserted[All->InsertedCount++].Handle = Handle;
    return true;
}

/* Fills the debug registers; false when more than four are asked for. */
static bool BreakpointsSetRegisters(BREAKPOINTS *All, KSPECIAL_REGISTERS *Special)
{
    static const uint64_t Kinds[] = {0, 0, 1, 3, 2};     /* by BREAKPOINT_KIND */
    static const uint64_t Sizes[] = {0, 0, 1, 0, 3, 0, 0, 0, 2};
    uint64_t *Registers[] = {&Special->Dr0, &Special->Dr1, &Special->Dr2, &Special->Dr3};
    unsigned Slot = 0;

    All->Dr7 = DR7_ALWAYS;
    for (unsigned i = 0; i < BREAKPOINT_MAX; i++) {
        const BREAKPOINT *One = &All->Table[i];
        if (!One->Used || !One->Enabled || !One->Resolved || One->Kind == BreakpointCode) {
            continue;
        }
        if (Slot == 4) {
            return false;
        }
        *Registers[Slot] = One->Address;
        All->Dr7 |= 1ull << 2 * Slot | DR7_LOCAL_EXACT |
                    (Kinds[One->Kind] | Sizes[One->Size] << 2) << (16 + 4 * Slot);
        Slot++;
    }
    return true;
}

static bool BreakpointsInsertRegisters(DEBUGGER *Debugger)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    TARGET *Target = Debugger->Target;
    KSPECIAL_REGISTERS Special = {0};
    if (!BreakpointsSetRegisters(All, &Special)) {
        return DebuggerError(Debugger, "More than four breakpoints by debug registers; disable "
                                       "some. The target was not resumed.");
    }
    bool Any = All->Dr7 != DR7_ALWAYS;
    if (!Any && !All->DebugRegisters) {
        return true;
    }
    KSPECIAL_REGISTERS Now;
    if (!Target->Operations->GetSpecial(Target, &Now)) {
        return DebuggerError(Debugger, "The debug registers cannot be read: %s", Target->Error);
    }
    Now.Dr0 = Special.Dr0;
    Now.Dr1 = Special.Dr1;
    Now.Dr2 = Special.Dr2;
    Now.Dr3 = Special.Dr3;
    Now.Dr6 = 0;
    Now.Dr7 = All->Dr7;
    All->DebugRegisters = Any;
    return Target->Operations->SetSpecial(Target, &Now) ||
           DebuggerError(Debugger, "The debug registers cannot be set: %s", Target->Error);
}

bool BreakpointsInsert(DEBUGGER *Debugger, uint64_t Except)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    char Text[DEBUG_ADDRESS_SIZE];

    for (unsigned i = 0; i < BREAKPOINT_MAX; i++) {
        const BREAKPOINT *One = &All->Table[i];
        if (!One->Used || !One->Enabled || !One->Resolved || One->Kind != BreakpointCode ||
            One->Address == Except) {
            continue;
        }
        if (!BreakpointInsertCode(Debugger, One->Address)) {
            DebuggerError(Debugger, "Unable to insert breakpoint %u at %s: %s. The target was not "
                                    "resumed; clear or disable it.", i,
                          DebugAddressText(One->Address, Text), Debugger->Target->Error);
            BreakpointsRemove(Debugger);
            return false;
        }
    }
    for (unsigned i = 0; i < sizeof(All->Temporary) / sizeof(All->Temporary[0]); i++) {
        const BREAKPOINT_TEMPORARY *One = &All->Temporary[i];
        if (One->Used && One->Address != Except && !BreakpointInsertCode(Debugger, One->Address)) {
            DebuggerError(Debugger, "Unable to insert a breakpoint at %s: %s. The target was not "
                                    "resumed.", DebugAddressText(One->Address, Text),
                          Debugger->Target->Error);
            BreakpointsRemove(Debugger);
            return false;
        }
    }
    if (!BreakpointsInsertRegisters(Debugger)) {
        BreakpointsRemove(Debugger);
        return false;
    }
    return true;
}

void BreakpointsRemove(DEBUGGER *Debugger)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    TARGET *Target = Debugger->Target;
    for (unsigned i = 0; i < All->InsertedCount && Target->Stopped; i++) {
        Target->Operations->ClearBreakpoint(Target, All->Inserted[i].Handle);
    }
    All->InsertedCount = 0;
}

void BreakpointsForget(DEBUGGER *Debugger)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    All->InsertedCount = 0;
    All->DebugRegisters = false;
    BreakpointsClearTemporary(Debugger);
}

bool BreakpointIsAt(DEBUGGER *Debugger, uint64_t Address)
{
    const BREAKPOINTS *All = BreakpointsOf(Debugger);
    for (unsigned i = 0; i < BREAKPOINT_MAX; i++) {
        const BREAKPOINT *One = &All->Table[i];
        if (One->Used && One->Enabled && One->Resolved && One->Kind == BreakpointCode &&
            One->Address == Address) {
            return true;
        }
    }
    for (unsigned i = 0; i < sizeof(All->Temporary) / sizeof(All->Temporary[0]); i++) {
        if (All->Temporary[i].Used && All->Temporary[i].Address == Address) {
            return true;
        }
    }
    return false;
}

int BreakpointHit(DEBUGGER *Debugger)
{
    const BREAKPOINTS *All = BreakpointsOf(Debugger);
    const DBGKD_ANY_WAIT_STATE_CHANGE *State = &Debugger->Target->State;
    uint32_t Code = State->Exception.Record.ExceptionCode;
    unsigned Slot = 0;

    for (unsigned i = 0; i < BREAKPOINT_MAX; i++) {
        const BREAKPOINT *One = &All->Table[i];
        if (!One->Used || !One->Enabled || !One->Resolved) {
            continue;
        }
        bool Hit = One->Kind == BreakpointCode
                       ? Code == KD_EXCEPTION_BREAKPOINT && One->Address == State->ProgramCounter
                       : Code == KD_EXCEPTION_SINGLE_STEP &&
                             (State->ControlReport.Dr6 & 1ull << Slot) != 0;
        Slot += One->Kind != BreakpointCode;
        if (Hit) {
            return (int)i;
        }
    }
    return -1;
}

bool BreakpointTemporaryHit(DEBUGGER *Debugger, bool *Mine)
{
    const BREAKPOINTS *All = BreakpointsOf(Debugger);
    const DBGKD_ANY_WAIT_STATE_CHANGE *State = &Debugger->Target->State;
    bool Hit = false;

    *Mine = false;
    for (unsigned i = 0; i < sizeof(All->Temporary) / sizeof(All->Temporary[0]); i++) {
        const BREAKPOINT_TEMPORARY *One = &All->Temporary[i];
        if (!One->Used || One->Address != State->ProgramCounter ||
            State->Exception.Record.ExceptionCode != KD_EXCEPTION_BREAKPOINT) {
            continue;
        }
        Hit = true;
        *Mine = *Mine || ((One->Thread == 0 || One->Thread == State->Thread) &&
                          Debugger->Context.Rsp >= One->Stack);
    }
    return Hit;
}

void BreakpointsClearTemporary(DEBUGGER *Debugger)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    memset(All->Temporary, 0, sizeof(All->Temporary));
}

void BreakpointsResolve(DEBUGGER *Debugger, uint64_t Unloaded, uint64_t UnloadedSize)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    for (unsigned i = 0; i < BREAKPOINT_MAX; i++) {
        BREAKPOINT *One = &All->Table[i];
        if (!One->Used) {
            continue;
        }
        if (One->Resolved && One->Address - Unloaded < UnloadedSize) {
            One->Resolved = false;
        }
        uint64_t Address;
        if (One->Text[0] != 0 && (One->IsSymbolic || !One->Resolved) &&
            ExpressionTry(Debugger, One->Text, &Address)) {
            One->Address = Address;
            One->Resolved = UnloadedSize == 0 || Address - Unloaded >= UnloadedSize;
        }
    }
}
