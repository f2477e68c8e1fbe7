/* SPDX-License-Identifier: MIT */
/*
 * A bug check, told with all that is known of it: the four parameters and what they mean, the
 * section referenced and its state, the routine and line, who raised IRQL, the stack.
 */
#include <string.h>

#include "bugcodes.h"
#include "host/bug_check_names.h"
#include "host/run.h"
#include "host/text.h"

/* The symbols of one bug check: the stack, then two more addresses. */
typedef struct {
    SYMBOL Entries[CONTROL_STACK_FRAMES + 2];
    unsigned FrameCount;
    const SYMBOL *Raised;
    const SYMBOL *Referenced;
} BUG_CHECK_SYMBOLS;

/* A run has one bug check at most: looked up once, for the report and the verdict. */
static BUG_CHECK_SYMBOLS BugCheckSymbols;

static void BugCheckResolve(RUN *Run, BUG_CHECK_SYMBOLS *Symbols)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    memset(Symbols, 0, sizeof(*Symbols));
    Symbols->FrameCount = Check->FrameCount;
    for (unsigned i = 0; i < Check->FrameCount; i++) {
        Symbols->Entries[i].Address = Check->Frame[i];
        Symbols->Entries[i].IsReturn = i != 0;
    }
    if (Symbols->FrameCount == 0) {
        Symbols->Entries[0].Address = Check->Rip;
        Symbols->FrameCount = 1;
    }
    Symbols->Entries[CONTROL_STACK_FRAMES].Address = Check->IrqlRaisedBy;
    Symbols->Entries[CONTROL_STACK_FRAMES].IsReturn = true;
    Symbols->Entries[CONTROL_STACK_FRAMES + 1].Address = Check->Parameter[0];
    Symbols->Raised = &Symbols->Entries[CONTROL_STACK_FRAMES];
    Symbols->Referenced = &Symbols->Entries[CONTROL_STACK_FRAMES + 1];
    SymbolsResolve(&Run->Symbols, Symbols->Entries, CONTROL_STACK_FRAMES + 2);
}

static bool BugCheckIsReference(uint32_t Code)
{
    return Code == IRQL_NOT_LESS_OR_EQUAL || Code == DRIVER_IRQL_NOT_LESS_OR_EQUAL ||
           Code == DRIVER_PORTION_MUST_BE_NONPAGED;
}

static bool BugCheckIsExecute(const CONTROL_BUG_CHECK *Check)
{
    return BugCheckIsReference(Check->Code) &&
           (Check->Parameter[2] == 2 || Check->Parameter[2] == 8);
}

static const char *BugCheckSectionState(uint32_t Kind)
{
    switch (Kind) {
    case ControlSectionNonpaged: return "nonpaged";
    case ControlSectionPageable: return "pageable";
    case ControlSectionDiscarded: return "discarded";
    case ControlSectionHeaders: return "headers";
    default: return "unknown";
    }
}

/*
 * The frame to look at: the innermost in the driver under test, but not the routine that could not
 * be executed because it was paged out: then it is its caller.
 */
static const SYMBOL *BugCheckGuilty(RUN *Run, const BUG_CHECK_SYMBOLS *Symbols)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    for (unsigned i = BugCheckIsExecute(Check) ? 1 : 0; i < Symbols->FrameCount; i++) {
        const SYMBOL_MODULE *Module =
            SymbolsFindModule(&Run->Symbols, Symbols->Entries[i].Address);
        if (Module != NULL && strcmp(Module->Path, Run->Driver.Path) == 0) {
            return &Symbols->Entries[i];
        }
    }
    return &Symbols->Entries[0];
}

static void BugCheckExplain(RUN *Run, const BUG_CHECK_SYMBOLS *Symbols, char *Cause, size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const BUG_CHECK_NAME *Name = BugCheckName(Check->Code);
    char Words[BUG_CHECK_TEXT];
    const char *Kind = BugCheckValueName(Check->Code, Check->Parameter[0], 0, Check->Parameter[0],
                                         Words);
    const char *Level = IrqlName((uint32_t)(Check->Parameter[1] & 0xff));
    const char *At = Check->Parameter[1] == IRQL_INTERRUPTS_OFF ? "with" : "at";
    char Address[TEXT_NUMBER], What[128], Section[64];

    if (Run->MissingExport[0] != 0) {
        snprintf(Cause, Size, "%s", Run->MissingExport);
        return;
    }
    if (Run->VerifierText[0] != 0) {
        snprintf(Cause, Size, "%s", Run->VerifierText);
        return;
    }
    if (!BugCheckIsReference(Check->Code) || Check->FaultAddress == 0) {
        snprintf(Cause, Size, "%s%s%s%s", Name->Cause, Kind != NULL ? " (" : "",
                 Kind != NULL ? Kind : "", Kind != NULL ? ")" : "");
        return;
    }
    TextCleanString(Section, sizeof(Section), Check->SectionName);
    bool Paged = Check->SectionKind == ControlSectionPageable;
    if (Section[0] != 0) {
        snprintf(What, sizeof(What), "%s section %s", BugCheckSectionState(Check->SectionKind),
                 Section);
    } else {
        snprintf(What, sizeof(What), "memory at %s", TextAddress(Address, Check->Parameter[0]));
    }
    if (BugCheckIsExecute(Check)) {
        snprintf(Cause, Size, "%s, in %s, was called %s %s%s", Symbols->Referenced->Routine, What,
                 At, Level, Paged ? " while it was paged out" : "");
    } else {
        snprintf(Cause, Size, "%s %s %s %s %s%s", BugCheckGuilty(Run, Symbols)->Routine,
                 Check->Parameter[2] == 1 ? "wrote to" : "read", What, At, Level,
                 Paged ? " while it was paged out" : ", where no page fault can be served");
    }
}

void BugCheckCause(RUN *Run, char *Cause, size_t CauseSize, char *Where, size_t WhereSize)
{
    BugCheckExplain(Run, &BugCheckSymbols, Cause, CauseSize);
    SymbolText(BugCheckGuilty(Run, &BugCheckSymbols), Where, WhereSize);
}

static void BugCheckParameters(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    uint64_t First = Check->Parameter[0];
    char Value[TEXT_NUMBER], Words[BUG_CHECK_TEXT];

    for (unsigned i = 0; i < 4; i++) {
        const char *Meaning = BugCheckParameter(Check->Code, First, i).Words;
        const char *Stands = BugCheckValueName(Check->Code, First, i, Check->Parameter[i], Words);
        ReportLine(&Run->Report, "", "P%u %s  %s%s%s", i + 1,
                   TextAddress(Value, Check->Parameter[i]), Meaning != NULL ? Meaning : "",
                   Stands != NULL ? ": " : "", Stands != NULL ? Stands : "");
    }
}

static void BugCheckPlaces(RUN *Run, const BUG_CHECK_SYMBOLS *Symbols)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    char Text[900], Driver[256], Section[64], Address[TEXT_NUMBER];

    TextCleanString(Driver, sizeof(Driver), Check->DriverName);
    TextCleanString(Section, sizeof(Section), Check->SectionName);
    if (Driver[0] != 0) {
        ReportLine(&Run->Report, "driver", "%s at %s", Driver,
                   TextAddress(Address, Check->DriverBase));
    }
    if (Section[0] != 0) {
        ReportLine(&Run->Report, "section", "%s at %s: %s, lock count %u", Section,
                   TextAddress(Address, Check->SectionBase),
                   BugCheckSectionState(Check->SectionKind), Check->SectionLockCount);
    }
    SymbolText(&Symbols->Entries[0], Text, sizeof(Text));
    ReportLine(&Run->Report, "routine", "%s", Text);
    if (Check->IrqlRaisedBy != 0) {
        SymbolText(Symbols->Raised, Text, sizeof(Text));
        ReportLine(&Run->Report, "IRQL", "%u (%s), raised by %s", Check->Irql,
                   IrqlName(Check->Irql), Text);
    } else {
        ReportLine(&Run->Report, "IRQL", "%u (%s)", Check->Irql, IrqlName(Check->Irql));
    }
    for (unsigned i = 0; i < Symbols->FrameCount; i++) {
        SymbolText(&Symbols->Entries[i], Text, sizeof(Text));
        ReportLine(&Run->Report, i == 0 ? "stack" : "", "%02u %s %s", i,
                   TextAddress(Address, Symbols->Entries[i].Address), Text);
    }
}

static void BugCheckEvent(RUN *Run, const BUG_CHECK_SYMBOLS *Symbols)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    char Driver[256], Section[64], Cause[600], Where[900];
    json_t *Parameters = json_array(), *Stack = json_array();

    for (unsigned i = 0; i < 4; i++) {
        json_array_append_new(Parameters, ReportHex(Check->Parameter[i]));
    }
    for (unsigned i = 0; i < Symbols->FrameCount; i++) {
        const SYMBOL *Entry = &Symbols->Entries[i];
        json_array_append_new(Stack, json_pack("{s:o, s:s, s:s}", "address",
                                               ReportHex(Entry->Address), "routine",
                                               Entry->Routine, "location", Entry->Location));
    }
    TextCleanString(Driver, sizeof(Driver), Check->DriverName);
    TextCleanString(Section, sizeof(Section), Check->SectionName);
    BugCheckExplain(Run, Symbols, Cause, sizeof(Cause));
    SymbolText(BugCheckGuilty(Run, Symbols), Where, sizeof(Where));
    ReportEvent(&Run->Report, "bug_check",
                json_pack("{s:o, s:s, s:o, s:i, s:o, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:o}",
                          "code", ReportHex(Check->Code), "name", BugCheckName(Check->Code)->Name,
                          "parameters", Parameters, "irql", (int)Check->Irql, "instruction",
                          ReportHex(Check->Rip), "driver", Driver, "section", Section,
                          "section_kind", BugCheckSectionState(Check->SectionKind),
                          "section_lock_count", (int)Check->SectionLockCount, "cause", Cause,
                          "where", Where, "irql_raised_by", Symbols->Raised->Routine, "stack",
                          Stack));
}

void BugCheckReport(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    char Replay[4096];

    BugCheckResolve(Run, &BugCheckSymbols);
    ReportBlank(&Run->Report);
    RunReportFileSections(Run);
    ReportToned(&Run->Report, ReportBad, "bug check", "0x%X %s", Check->Code,
                BugCheckName(Check->Code)->Name);
    BugCheckParameters(Run);
    BugCheckPlaces(Run, &BugCheckSymbols);
    OptionsReplay(&Run->Options, Run->Program, Replay, sizeof(Replay));
    ReportLine(&Run->Report, "replay", "%s", Replay);
    ReportBlank(&Run->Report);
    BugCheckEvent(Run, &BugCheckSymbols);
}
