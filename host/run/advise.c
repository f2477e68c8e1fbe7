/* SPDX-License-Identifier: MIT */
#include "host/run/advise.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/run/run.h"
#include "host/text/text.h"

#define APC_LEVEL 1
#define PAGE_BYTES 4096u
#define ADVICE_SHOWN 200u /* routines; of more only the number and the bytes */

const char HelpAdvise[] =
    "usage: pageable advise DRIVER.sys [options]\n"
    "\n"
    "Runs the driver as `pageable run` does, with that command's options but never paging out\n"
    "(unless --page-out says otherwise), and notes at which IRQL each routine is entered. Then it\n"
    "says, from what was seen and from the code:\n"
    "\n"
    "  - which routines could be pageable: entered, never above APC_LEVEL, and their code raises\n"
    "    the IRQL nowhere; and how many whole pages that would gain\n"
    "  - which routines in pageable sections must not be there\n"
    "  - which locks of code sections were not needed\n"
    "  - which pageable sections are too small to pay\n"
    "\n"
    "Use a scenario that exercises the driver: what never ran is not judged. --json has the\n"
    "advice as events.\n"
    "\n"
    "Exit codes: those of `pageable run`; advice is no finding.\n"
    "\n"
    "Try: pageable advise DRIVER.sys --scenario=FILE.lua\n";

bool AdviceOpen(ADVICE *Advice, const DRIVER_FILE *Driver)
{
    if (!FunctionListOpen(&Advice->List, Driver)) {
        return false;
    }
    Advice->Watched = calloc(Advice->List.Count + 1, sizeof(CONTROL_WATCHED));
    return Advice->Watched != NULL;
}

void AdviceClose(ADVICE *Advice)
{
    FunctionListClose(&Advice->List);
    free(Advice->Watched);
    Advice->Watched = NULL;
}

bool AdviceBegin(RUN *Run)
{
    const FUNCTION_LIST *List = &Run->Advice->List;
    CONTROL_WATCH Watch = {List->Count * (uint32_t)sizeof(uint32_t)};
    uint32_t *Rvas = calloc(List->Count + 1, sizeof(uint32_t));
    if (Rvas == NULL) {
        return true; /* nothing is watched, so nothing is advised */
    }
    for (uint32_t i = 0; i < List->Count; i++) {
        Rvas[i] = List->Functions[i].Rva;
    }
    bool Open = SessionRequest(&Run->Session, ControlWatch, &Watch, sizeof(Watch),
                               (CONTROL_BYTES){(const uint8_t *)Rvas, Watch.Length});
    free(Rvas);
    return Open;
}

bool AdviceEnd(RUN *Run)
{
    ADVICE *Advice = Run->Advice;
    if (!SessionRequest(&Run->Session, ControlWatchedList, NULL, 0, (CONTROL_BYTES){NULL, 0})) {
        return false;
    }
    if (Run->Session.Reply.Status < 0 ||
        Run->Session.Reply.DataLength != Advice->List.Count * sizeof(CONTROL_WATCHED)) {
        Run->Session.State = SessionBroken;
        Run->Session.Error = "a list of watched routines of another size than asked for";
        return false;
    }
    memcpy(Advice->Watched, Run->Session.ReplyData, Run->Session.Reply.DataLength);
    Advice->HasWatched = true;
    return true;
}

/* ---- judgement ---- */

/* The guest's row of the section: the headers come before those of the file. NULL: it has none. */
static const CONTROL_SECTION *AdviceSection(const RUN *Run, const DRIVER_FUNCTION *Function)
{
    const ADVICE *Advice = Run->Advice;
    uint32_t Row = Function->Section + 1;
    return Row < Advice->SectionCount ? &Advice->Sections[Row] : NULL;
}

static bool AdviceRanLow(const CONTROL_WATCHED *Watched)
{
    return Watched->Calls != 0 && Watched->MaxIrql <= APC_LEVEL &&
           (Watched->Flags & (ControlWatchedInterruptsOff | ControlWatchedLost)) == 0;
}

static bool AdviceCodeStaysLow(const DRIVER_FUNCTION *Function)
{
    return Function->Raise == NULL && Function->NeedsDispatch == NULL && !Function->CallsUnknown;
}

static bool AdviceCouldBePageable(const RUN *Run, uint32_t Index)
{
    const DRIVER_FUNCTION *Function = &Run->Advice->List.Functions[Index];
    const CONTROL_SECTION *Section = AdviceSection(Run, Function);
    return Section != NULL && Section->Kind == ControlSectionNonpaged &&
           AdviceRanLow(&Run->Advice->Watched[Index]) && AdviceCodeStaysLow(Function);
}

static uint64_t AdvicePages(uint64_t Bytes)
{
    return (Bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

/* ---- words ---- */

static SYMBOL AdviceSymbol(RUN *Run, uint32_t Rva, bool IsReturn)
{
    SYMBOL Symbol = {.Address = Run->Advice->Sections[0].Address + Rva, .IsReturn = IsReturn};
    SymbolsResolve(&Run->Symbols, &Symbol, 1);
    return Symbol;
}

static const char *AdviceIrql(uint32_t Irql)
{
    return Irql == 0 ? "PASSIVE_LEVEL" : Irql == 1 ? "APC_LEVEL" : Irql == 2 ? "DISPATCH_LEVEL"
                                                                             : "a device's level";
}

static const char *AdviceTimes(uint64_t Number, char Out[40])
{
    char Digits[TEXT_NUMBER];
    snprintf(Out, 40, Number == 1 ? "once" : "%s times", TextGroups(Digits, Number));
    return Out;
}

/* Kind is docs/advise.md's word; Label the report's. */
static void AdviceTell(RUN *Run, const char *Kind, const char *Label, const SYMBOL *Symbol,
                       const char *Section, uint64_t Bytes, const char *Format, ...)
    __attribute__((format(printf, 7, 8)));
static void AdviceTell(RUN *Run, const char *Kind, const char *Label, const SYMBOL *Symbol,
                       const char *Section, uint64_t Bytes, const char *Format, ...)
{
    char Evidence[1200], Place[900] = "";
    va_list Arguments;
    va_start(Arguments, Format);
    vsnprintf(Evidence, sizeof(Evidence), Format, Arguments);
    va_end(Arguments);
    if (Symbol != NULL) {
        SymbolText(Symbol, Place, sizeof(Place));
        ReportLine(&Run->Report, Label, "%s: %s", Place, Evidence);
    } else {
        ReportLine(&Run->Report, Label, "%s: %s", Section, Evidence);
    }
    ReportEvent(&Run->Report, "advice",
                json_pack("{s:s, s:s, s:s, s:I, s:s}", "kind", Kind, "where", Place, "section",
                          Section, "bytes", (json_int_t)Bytes, "evidence", Evidence));
}

static void AdviceSectionName(const CONTROL_SECTION *Section, char Out[40])
{
    TextClean(Out, 40, Section->Name, strnlen(Section->Name, sizeof(Section->Name)));
}

/* ---- the four kinds ---- */

static void AdvicePageable(RUN *Run, uint32_t Index)
{
    const DRIVER_FUNCTION *Function = &Run->Advice->List.Functions[Index];
    const CONTROL_WATCHED *Watched = &Run->Advice->Watched[Index];
    SYMBOL Symbol = AdviceSymbol(Run, Function->Rva, false);
    char Taken[600] = "", Name[40], By[500], Bytes[TEXT_NUMBER], Times[40];

    AdviceSectionName(AdviceSection(Run, Function), Name);
    if (Function->TakenRva != 0) {
        SYMBOL Taker = AdviceSymbol(Run, Function->TakenRva, false);
        SymbolText(&Taker, By, sizeof(By));
        snprintf(Taken, sizeof(Taken), "; its address is taken by %s, so others call it", By);
    }
    AdviceTell(Run, "could-be-pageable", "pageable", &Symbol, Name, Function->Size,
               "%s bytes in %s, entered %s, at most at %s, raises nowhere%s",
               TextGroups(Bytes, Function->Size), Name, AdviceTimes(Watched->Calls, Times),
               AdviceIrql(Watched->MaxIrql), Taken);
}

/* What moving a section's routines would gain; the routines themselves where it is a page. */
static void AdviceGain(RUN *Run, const CONTROL_SECTION *Section)
{
    const ADVICE *Advice = Run->Advice;
    uint32_t Routines = 0, Told = 0;
    uint64_t Moved = 0;
    char Name[40], Bytes[TEXT_NUMBER], Memory[TEXT_NUMBER];

    for (uint32_t i = 0; i < Advice->List.Count; i++) {
        if (AdviceCouldBePageable(Run, i) &&
            AdviceSection(Run, &Advice->List.Functions[i]) == Section) {
            Moved += Advice->List.Functions[i].Size;
            Routines++;
        }
    }
    if (Routines == 0 || Moved > Section->Size) {
        return;
    }
    uint64_t Gain = AdvicePages(Section->Size) - AdvicePages(Section->Size - Moved);
    AdviceSectionName(Section, Name);
    if (Gain == 0 && !Run->Report.Verbose) {
        ReportLine(&Run->Report, "gain",
                   "%s: %u of its routines, %s bytes, could be pageable, which would free no "
                   "whole page (-v lists them)", Name, Routines, TextGroups(Bytes, Moved));
        return;
    }
    for (uint32_t i = 0; i < Advice->List.Count && Told < ADVICE_SHOWN; i++) {
        if (AdviceCouldBePageable(Run, i) &&
            AdviceSection(Run, &Advice->List.Functions[i]) == Section) {
            AdvicePageable(Run, i);
            Told++;
        }
    }
    if (Told < Routines) {
        ReportLine(&Run->Report, "", "and %u more routines", Routines - Told);
    }
    AdviceTell(Run, "gain", "gain", NULL, Name, Moved,
               "its %u routines told above, %s bytes, could be pageable: %llu of %llu pages less, "
               "%s bytes of memory",
               Routines, TextGroups(Bytes, Moved), (unsigned long long)Gain,
               (unsigned long long)AdvicePages(Section->Size),
               TextGroups(Memory, Gain * PAGE_BYTES));
}

static void AdviceResident(RUN *Run, uint32_t Index)
{
    const DRIVER_FUNCTION *Function = &Run->Advice->List.Functions[Index];
    const CONTROL_WATCHED *Watched = &Run->Advice->Watched[Index];
    const CONTROL_SECTION *Section = AdviceSection(Run, Function);
    bool High = Watched->Calls != 0 && Watched->MaxIrql > APC_LEVEL;
    char Name[40], By[600];

    /* A section that the driver locks may have such code: it is there to be locked first. */
    if (Section == NULL || Section->Kind != ControlSectionPageable || Section->Locks != 0) {
        return;
    }
    AdviceSectionName(Section, Name);
    SYMBOL Symbol = AdviceSymbol(Run, Function->Rva, false);
    if (High) {
        SYMBOL Caller = {.Address = Watched->Caller, .IsReturn = true};
        SymbolsResolve(&Run->Symbols, &Caller, 1);
        SymbolText(&Caller, By, sizeof(By));
        AdviceTell(Run, "must-be-resident", "resident", &Symbol, Name, Function->Size,
                   "in %s, but entered at %s by %s", Name, AdviceIrql(Watched->MaxIrql), By);
    } else if (Function->Raise != NULL) {
        SYMBOL Raise = AdviceSymbol(Run, Function->RaiseRva, false);
        SymbolText(&Raise, By, sizeof(By));
        AdviceTell(Run, "must-be-resident", "resident", &Symbol, Name, Function->Size,
                   "in %s, but its code may go on at DISPATCH_LEVEL or above behind %s at %s", Name,
                   Function->Raise, By);
    }
}

/* Only of code, all of whose routines are watched: who reads data is not seen. */
static void AdviceLock(RUN *Run, const CONTROL_SECTION *Section)
{
    const ADVICE *Advice = Run->Advice;
    unsigned Entered = 0, Silent = 0;
    char Name[40], Times[40];

    if (Section->Locks == 0 || (Section->Characteristics & IMAGE_SCN_MEM_EXECUTE) == 0) {
        return;
    }
    for (uint32_t i = 0; i < Advice->List.Count; i++) {
        const DRIVER_FUNCTION *Function = &Advice->List.Functions[i];
        if (AdviceSection(Run, Function) != Section) {
            continue;
        }
        if (!AdviceCodeStaysLow(Function) ||
            (Advice->Watched[i].Calls != 0 && !AdviceRanLow(&Advice->Watched[i]))) {
            return;
        }
        Entered += Advice->Watched[i].Calls != 0;
        Silent += Advice->Watched[i].Calls == 0;
    }
    if (Entered != 0 && Advice->List.FromPdb) {
        AdviceSectionName(Section, Name);
        AdviceTell(Run, "lock-not-needed", "lock", NULL, Name, Section->Size,
                   "locked %s, but of its routines (%u ran, %u did not) none was entered above "
                   "APC_LEVEL, and none raises",
                   AdviceTimes(Section->Locks, Times), Entered, Silent);
    }
}

static void AdviceSmall(RUN *Run, const CONTROL_SECTION *Section)
{
    const ADVICE *Advice = Run->Advice;
    uint32_t Kind = IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_WRITE;
    char Name[40], Other[40], Bytes[TEXT_NUMBER], FreeBytes[TEXT_NUMBER];

    if (Section->Kind != ControlSectionPageable || Section->Locks != 0 || Section->Size == 0 ||
        Section->Pages != 1) {
        return;
    }
    for (unsigned i = 1; i < Advice->SectionCount; i++) {
        const CONTROL_SECTION *To = &Advice->Sections[i];
        uint64_t Free = To->Pages * (uint64_t)PAGE_BYTES - To->Size;
        if (To->Kind == ControlSectionNonpaged && To->Size != 0 && Free >= Section->Size &&
            ((To->Characteristics ^ Section->Characteristics) & Kind) == 0) {
            AdviceSectionName(Section, Name);
            AdviceSectionName(To, Other);
            AdviceTell(Run, "section-too-small", "too small", NULL, Name, Section->Size,
                       "%s bytes have a page of their own; the last page of %s has %s bytes free, "
                       "where they would cost nothing",
                       TextGroups(Bytes, Section->Size), Other, TextGroups(FreeBytes, Free));
            return;
        }
    }
}

void AdviceReport(RUN *Run)
{
    const ADVICE *Advice = Run->Advice;
    uint32_t Entered = 0;

    ReportBlank(&Run->Report);
    if (!Advice->HasWatched || Advice->SectionCount == 0) {
        ReportLine(&Run->Report, "advice", "none, as the run did not come to the driver's unload");
        return;
    }
    for (uint32_t i = 0; i < Advice->List.Count; i++) {
        Entered += Advice->Watched[i].Calls != 0;
    }
    ReportLine(&Run->Report, "advice",
               "from the code, and from the %u of its %u routines%s that ran", Entered,
               Advice->List.Count, Advice->List.FromPdb ? "" : " (without a PDB: those in .pdata)");
    for (uint32_t i = 0; i < Advice->List.Count; i++) {
        AdviceResident(Run, i);
    }
    for (unsigned i = 1; i < Advice->SectionCount; i++) {
        AdviceLock(Run, &Advice->Sections[i]);
        AdviceSmall(Run, &Advice->Sections[i]);
    }
    for (unsigned i = 1; i < Advice->SectionCount; i++) {
        AdviceGain(Run, &Advice->Sections[i]);
    }
    ReportBlank(&Run->Report);
}

EXIT_CODE AdviseCommand(const char *Program, int Count, char **Arguments)
{
    char PageOut[] = "--page-out=never"; /* the last one given counts */
    char **All = calloc((size_t)Count + 2, sizeof(char *));
    ADVICE *Advice = calloc(1, sizeof(*Advice));
    EXIT_CODE Code = ExitEnvironment;

    if (All != NULL && Advice != NULL) {
        All[0] = PageOut;
        memcpy(All + 1, Arguments, (size_t)Count * sizeof(char *));
        Code = RunCommand(Program, Count + 1, All, -1, Advice);
        AdviceClose(Advice);
    } else {
        fprintf(stderr, "pageable: not enough memory\n");
    }
    free(Advice);
    free(All);
    return Code;
}
