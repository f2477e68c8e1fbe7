/* SPDX-License-Identifier: MIT */
/* Where a bug check happened, and the one place its reader should look at first. */
#include <stdlib.h>
#include <string.h>

#include "bugcodes.h"
#include "host/run/bug_check.h"

bool BugCheckInDriver(const RUN *Run, uint64_t Address)
{
    const SYMBOL_MODULE *Module = SymbolsFindModule(&Run->Symbols, Address);
    return Module != NULL && strcmp(Module->Path, Run->Driver.Path) == 0;
}

bool BugCheckIsReference(uint32_t Code)
{
    return Code == IRQL_NOT_LESS_OR_EQUAL || Code == DRIVER_IRQL_NOT_LESS_OR_EQUAL ||
           Code == DRIVER_PORTION_MUST_BE_NONPAGED ||
           Code == SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD;
}

bool BugCheckIsExecute(const CONTROL_BUG_CHECK *Check)
{
    if (Check->Code == PAGE_FAULT_IN_NONPAGED_AREA) {
        return Check->Parameter[1] == 0x10;
    }
    return Check->Code == ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY ||
           (BugCheckIsReference(Check->Code) &&
            (Check->Parameter[2] == 2 || Check->Parameter[2] == 8));
}

const SYMBOL *BugCheckReturnedRaised(const RUN *Run, const BUG_CHECK_PLACES *Places)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const SYMBOL *Parameter = &Places->Symbol[PlaceParameter];
    if (Check->Code == WORKER_THREAD_RETURNED_AT_BAD_IRQL) {
        return &Parameter[0];
    }
    bool Returned = (Check->Code == DRIVER_VERIFIER_IOMANAGER_VIOLATION &&
                     (Check->Parameter[0] == 0x11 || Check->Parameter[0] == 0x12)) ||
                    (Check->Code == DRIVER_VERIFIER_DETECTED_VIOLATION &&
                     (Check->Parameter[0] == 0xfa || Check->Parameter[0] == 0x111)) ||
                    Check->Code == IRQL_UNEXPECTED_VALUE;
    return Returned ? &Parameter[1] : NULL;
}

/* The code of an exception that nothing handled: the stack begins with how it was dispatched. */
static bool BugCheckIsException(uint32_t Code)
{
    return Code == SYSTEM_THREAD_EXCEPTION_NOT_HANDLED || Code == KMODE_EXCEPTION_NOT_HANDLED ||
           Code == KERNEL_MODE_EXCEPTION_NOT_HANDLED || Code == SYSTEM_SERVICE_EXCEPTION;
}

static unsigned BugCheckFirstFrame(const CONTROL_BUG_CHECK *Check, unsigned Count)
{
    for (unsigned i = 0; BugCheckIsException(Check->Code) && i < Count; i++) {
        if (Check->Frame[i] == Check->Parameter[1]) {
            return i;
        }
    }
    return 0;
}

bool BugCheckWentOn(const RUN *Run, const BUG_CHECK_PLACES *Places)
{
    return BugCheckIsExecute(&Run->BugCheck) && BugCheckInDriver(Run, Run->BugCheck.Rip) &&
           (Places->Symbol[PlaceReturned].Address != 0 ||
            strcmp(Places->Symbol[PlaceRaised].Routine, Places->Symbol[0].Routine) == 0);
}

int BugCheckVerifierAddress(const RUN *Run, uint64_t *Address)
{
    const char *Text = Run->VerifierText;
    for (int i = 0; Text[i] != 0; i++) {
        size_t Digits = strspn(Text + i, "0123456789ABCDEF");
        if (Digits == 16) {
            *Address = strtoull(Text + i, NULL, 16);
            return i;
        }
        i += Digits != 0 ? (int)Digits - 1 : 0;
    }
    return -1;
}

/*
 * The place to look at. A routine that was not there to be executed: its caller, when that is the
 * driver's, else the routine, which the kernel called (a DPC, an ISR, a completion routine); but
 * where it went on after a call that raised IRQL, that call. One
 * that returned raised: who raised. Else the innermost frame in the driver, else what a parameter
 * names in it, or the verifier.
 */
static const SYMBOL *BugCheckChooseWhere(const RUN *Run, const BUG_CHECK_PLACES *Places)
{
    const SYMBOL *Frame = &Places->Symbol[PlaceFrames];
    const SYMBOL *Returned = BugCheckReturnedRaised(Run, Places);
    const SYMBOL *Raised = &Places->Symbol[PlaceRaised];

    if (BugCheckWentOn(Run, Places)) {
        const SYMBOL *Call = &Places->Symbol[PlaceReturned];
        return Call->Address != 0 ? Call : Raised;
    }
    if (BugCheckIsExecute(&Run->BugCheck)) {
        return Places->FrameCount > 1 && BugCheckInDriver(Run, Frame[1].Address) ? &Frame[1]
                                                                                 : &Frame[0];
    }
    if (Returned != NULL) {
        return BugCheckInDriver(Run, Raised->Address) ? Raised : Returned;
    }
    for (unsigned i = Places->FirstFrame; i < Places->FrameCount; i++) {
        if (BugCheckInDriver(Run, Frame[i].Address)) {
            return &Frame[i];
        }
    }
    for (unsigned i = PlaceParameter; i <= PlaceVerifier; i++) {
        const SYMBOL *Named = &Places->Symbol[i];
        if (Named->HasLine && BugCheckInDriver(Run, Named->Address)) {
            return Named;
        }
    }
    return &Frame[Places->FirstFrame];
}

void BugCheckFindPlaces(RUN *Run, BUG_CHECK_PLACES *Places)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    SYMBOL *Symbol = Places->Symbol;

    memset(Places, 0, sizeof(*Places));
    Places->FrameCount = Check->FrameCount;
    for (unsigned i = 0; i < Check->FrameCount; i++) {
        Symbol[i] = (SYMBOL){.Address = Check->Frame[i]};
    }
    if (Places->FrameCount == 0) {
        Symbol[0].Address = Check->Rip;
        Places->FrameCount = 1;
    }
    Places->FirstFrame = BugCheckFirstFrame(Check, Places->FrameCount);
    for (unsigned i = 1; i < Places->FrameCount; i++) {
        Symbol[i].IsReturn = i != Places->FirstFrame;
    }
    Symbol[0].IsReturn = Check->IsTrap == 0;
    Symbol[PlaceRaised] = (SYMBOL){.Address = Check->IrqlRaisedBy, .IsReturn = true};
    Symbol[PlaceLocked] = (SYMBOL){.Address = Check->SectionLockedBy};
    Symbol[PlaceUnlocked] = (SYMBOL){.Address = Check->SectionUnlockedBy};
    for (unsigned i = 0; i < 4; i++) {
        bool Named = SymbolsFindModule(&Run->Symbols, Check->Parameter[i]) != NULL;
        Symbol[PlaceParameter + i].Address = Named ? Check->Parameter[i] : 0;
    }
    BugCheckVerifierAddress(Run, &Symbol[PlaceVerifier].Address);
    const CONTROL_HISTORY *Last = BugCheckLastReturn(Run, Check->Rip);
    if (Last != NULL) {
        Symbol[PlaceReturned] = (SYMBOL){.Address = Last->Caller, .IsReturn = true};
    }
    SymbolsResolve(&Run->Symbols, Symbol, PlaceCount);
    Places->Where = BugCheckChooseWhere(Run, Places);
}
