/* SPDX-License-Identifier: MIT */
/* See page_in.h. */
#include "host/debugger/page_in.h"

#include <stdio.h>

#include "host/debugger/page_walk.h"
#include "host/debugger/structure.h"

#define BREAK_WITH_STATUS "nt!DbgBreakPointWithStatus"

static bool IsUserAddress(uint64_t Address)
{
    return Address >> 63 == 0;
}

/* The page tables that the worker will look at. */
static bool WalkFor(DEBUGGER *Debugger, uint64_t Process, uint64_t Address, PAGE_WALK *Walk)
{
    uint64_t Directory;
    if (Process == 0 || !IsUserAddress(Address)) {
        return PageWalkCurrent(Debugger, Address, Walk);
    }
    return DebugReadField(Debugger, Process, "nt!_KPROCESS", "DirectoryTableBase", &Directory) &&
           PageWalk(Debugger, Directory, Address, Walk);
}

static bool RefusePending(DEBUGGER *Debugger)
{
    char Address[DEBUG_ADDRESS_SIZE];
    switch (Debugger->PageIn.Kind) {
    case PageInPage:
        return DebuggerError(Debugger, "A .pagein of %s is already pending; type g to let the "
                             "target do it.",
                             DebugAddressText(Debugger->PageIn.Address, Address));
    case PageInOut:
        return DebuggerError(Debugger, "A !pageout is already pending; type g to let the target "
                             "do it.");
    default:
        return DebuggerError(Debugger, "A .process /i to %s is already pending; type g to let the "
                             "target do it.",
                             DebugAddressText(Debugger->PageIn.Process, Address));
    }
}

static bool MayAsk(DEBUGGER *Debugger, const PAGE_IN_REQUEST *Request)
{
    uint64_t State;
    bool Listed;
    char Address[DEBUG_ADDRESS_SIZE];
    if (Debugger->Target->Kind != TargetLive) {
        return DebuggerError(Debugger, "This needs a live target that can run on; a crash dump "
                             "cannot bring a page in.");
    }
    if (Debugger->PageInPending) {
        return RefusePending(Debugger);
    }
    if (Request->Process != 0 && !ProcessIsActive(Debugger, Request->Process, &Listed)) {
        return Listed && DebuggerError(Debugger, "%s is not the EPROCESS of an active process "
                                       "(!process 0 0 lists them).",
                                       DebugAddressText(Request->Process, Address));
    }
    if (!VariableRead(Debugger, "nt!ExpDebuggerWork", 4, &State)) {
        return false;
    }
    return State == WINKD_WORKER_READY ||
           DebuggerError(Debugger, "The target has not finished an earlier request "
                         "(nt!ExpDebuggerWork is %llu); type g to let it.",
                         (unsigned long long)State);
}

static bool WriteRequest(DEBUGGER *Debugger, const PAGE_IN_REQUEST *Request)
{
    uint64_t Attach = Request->Kind != PageInKill ? Request->Process : 0;
    uint64_t Kill = Request->Kind == PageInKill ? Request->Process : 0;
    uint64_t Page = Request->Kind == PageInPage ? Request->Address : 0;
    if (!VariableWrite(Debugger, "nt!ExpDebuggerProcessAttach", 8, Attach) ||
        !VariableWrite(Debugger, "nt!ExpDebuggerProcessKill", 8, Kill) ||
        !VariableWrite(Debugger, "nt!ExpDebuggerPageIn", 8, Page)) {
        return false;
    }
    if (Request->Kind == PageInOut &&
        (!VariableWrite(Debugger, "nt!MiDebuggerPageOutAddress", 8, Request->Address) ||
         !VariableWrite(Debugger, "nt!MiDebuggerPageOutSize", 8,
                        Request->Size != 0 ? Request->Size : ~0ull))) {
        return false;
    }
    return VariableWrite(Debugger, "nt!ExpDebuggerWork", 4, WINKD_WORKER_START);
}

bool PageInSchedule(DEBUGGER *Debugger, const PAGE_IN_REQUEST *Request)
{
    PAGE_WALK Before = {.Form = PageNothing};
    if (!MayAsk(Debugger, Request)) {
        return false;
    }
    /* An address that cannot be walked is an invalid one: the target only breaks in. */
    if (Request->Kind == PageInPage &&
        !WalkFor(Debugger, Request->Process, Request->Address, &Before)) {
        Before.Form = PageNothing;
    }
    if (!WriteRequest(Debugger, Request)) {
        return false;
    }
    if (Request->Kind == PageInKill) {
        return true;
    }
    Debugger->PageInPending = true;
    Debugger->PageIn = (DEBUG_PAGE_IN){
        .Kind = Request->Kind,
        .Address = Request->Address,
        .Size = Request->Size,
        .Process = Request->Process,
        .SetsProcess = Request->SetsProcess,
        .FormBefore = Before.Form,
        .Slot = Before.Slot,
    };
    return true;
}

/* The page tables of the stop: of the process that the worker is attached to. */
static bool WalkAtStop(DEBUGGER *Debugger, uint64_t Address, PAGE_WALK *Walk)
{
    KSPECIAL_REGISTERS Special;
    return Debugger->Target->Operations->GetSpecial(Debugger->Target, &Special) &&
           PageWalk(Debugger, Special.Cr3, Address, Walk);
}

/* At the int3 of DbgBreakPointWithStatus, with the worker's status. */
static bool IsWorkersStop(DEBUGGER *Debugger)
{
    const DBGKD_ANY_WAIT_STATE_CHANGE *State = &Debugger->Target->State;
    uint64_t Address;
    return State->NewState == DBGKD_EXCEPTION_STATE_CHANGE &&
           State->Exception.Record.ExceptionCode == KD_EXCEPTION_BREAKPOINT &&
           Debugger->HasContext && Debugger->Context.Rcx == DBG_STATUS_WORKER &&
           DebugSymbolAddress(Debugger, BREAK_WITH_STATUS, sizeof(BREAK_WITH_STATUS) - 1,
                              &Address) &&
           State->ProgramCounter == Address;
}

/* Where a page that is resident now was when it was asked for. */
static void PrintOrigin(DEBUGGER *Debugger, const PAGE_WALK *Now)
{
    const DEBUG_PAGE_IN *Asked = &Debugger->PageIn;
    char Address[DEBUG_ADDRESS_SIZE];
    DebugAddressText(Asked->Address, Address);
    unsigned long long Frame = Now->Frame;
    switch (Asked->FormBefore) {
    case PageValid:
        DebuggerPrint(Debugger, "Page %s was resident already (frame %llx).\n", Address, Frame);
        break;
    case PageTransition:
        DebuggerPrint(Debugger, "Page %s is resident now (frame %llx); it was in memory on the "
                      "standby or modified list.\n", Address, Frame);
        break;
    case PagePagingFile:
        DebuggerPrint(Debugger, "Page %s is resident now (frame %llx); it came from slot %x of the "
                      "paging file.\n", Address, Frame, Asked->Slot);
        break;
    default:
        DebuggerPrint(Debugger, "Page %s is resident now (frame %llx); it had no contents yet and "
                      "was made of zeros.\n", Address, Frame);
    }
}

static void PrintPage(DEBUGGER *Debugger)
{
    const DEBUG_PAGE_IN *Asked = &Debugger->PageIn;
    PAGE_WALK Now;
    char Address[DEBUG_ADDRESS_SIZE], Text[80];
    DebugAddressText(Asked->Address, Address);
    if (!WalkAtStop(Debugger, Asked->Address, &Now) || Now.Form == PageNothing) {
        DebuggerPrint(Debugger, "Page %s is not valid: nothing was brought in.\n", Address);
    } else if (Now.Form == PageValid) {
        PrintOrigin(Debugger, &Now);
    } else {
        DebuggerPrint(Debugger, "Page %s is not resident: %s.\n", Address,
                      PageWalkText(&Now, Text, sizeof(Text)));
    }
}

static void PrintPageOut(DEBUGGER *Debugger)
{
    const DEBUG_PAGE_IN *Asked = &Debugger->PageIn;
    uint64_t Pages;
    PAGE_WALK Now;
    char Address[DEBUG_ADDRESS_SIZE], Text[80];
    if (VariableRead(Debugger, "nt!MiDebuggerPagesOut", 8, &Pages)) {
        DebuggerPrint(Debugger, "%llu page%s went out.\n", (unsigned long long)Pages,
                      Pages == 1 ? "" : "s");
    }
    if (Asked->Size != 0 && Asked->Size <= PAGE_SIZE_4K &&
        WalkAtStop(Debugger, Asked->Address, &Now)) {
        DebuggerPrint(Debugger, "Page %s is %s.\n", DebugAddressText(Asked->Address, Address),
                      PageWalkText(&Now, Text, sizeof(Text)));
    }
}

/* The stop is in the process's context, unless the process has ended meanwhile. */
static void TakeProcess(DEBUGGER *Debugger)
{
    const DEBUG_PAGE_IN *Asked = &Debugger->PageIn;
    char Text[DEBUG_ADDRESS_SIZE];
    uint64_t Current;
    Debugger->ImplicitProcess = 0; /* the stop's own says whether the worker is attached */
    Debugger->UserDirectory = 0;
    if (!DebugReadField(Debugger, Debugger->Target->State.Thread, "nt!_KTHREAD",
                        "ApcState.Process", &Current) ||
        Current != Asked->Process) {
        DebuggerPrint(Debugger, "Process %s has ended; the target is in another process.\n",
                      DebugAddressText(Asked->Process, Text));
        return;
    }
    DebuggerPrint(Debugger, "Process context is %s.\n", DebugAddressText(Asked->Process, Text));
}

void PageInOnStop(DEBUGGER *Debugger)
{
    char Address[DEBUG_ADDRESS_SIZE];
    if (!Debugger->PageInPending) {
        return;
    }
    DebugAddressText(Debugger->PageIn.Address, Address);
    if (!IsWorkersStop(Debugger)) {
        if (Debugger->PageIn.Kind == PageInPage) {
            DebuggerPrint(Debugger, "(.pagein of %s is still pending.)\n", Address);
        }
        return;
    }
    Debugger->PageInPending = false;
    if (Debugger->PageIn.SetsProcess) {
        TakeProcess(Debugger);
    }
    if (Debugger->PageIn.Kind == PageInPage) {
        PrintPage(Debugger);
    } else if (Debugger->PageIn.Kind == PageInOut) {
        PrintPageOut(Debugger);
    }
}
