/* SPDX-License-Identifier: MIT */
/*
 * A bug check, told with all that is known of it: the four parameters and what they mean, the
 * routine and line, the section referenced and its state, who raised IRQL, the stack, what the
 * driver did last, what to do about it.
 */
#include "host/run/bug_check.h"
#include "host/text/bug_check_names.h"
#include "host/text/text.h"

/* A run has one bug check at most: looked up once, for the report and the verdict. */
static BUG_CHECK_PLACES BugCheckPlaces;

void BugCheckCause(RUN *Run, char *Cause, size_t CauseSize, char *Where, size_t WhereSize)
{
    BugCheckDescribeCause(Run, &BugCheckPlaces, Cause, CauseSize);
    SymbolText(BugCheckPlaces.Where, Where, WhereSize);
}

const char *BugCheckBestAdvice(const RUN *Run)
{
    return BugCheckChooseAdvice(Run, &BugCheckPlaces);
}

static void BugCheckParameters(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    uint64_t First = Check->Parameter[0];
    char Value[TEXT_NUMBER], Words[BUG_CHECK_TEXT], Place[900];

    /* What a fault referenced, and from where, the lines after these say better. */
    for (unsigned i = 0; i < 4; i++) {
        const char *Meaning = BugCheckParameter(Check->Code, First, i).Words;
        const char *Stands = BugCheckValueName(Check->Code, First, i, Check->Parameter[i], Words);
        const SYMBOL *Symbol = &BugCheckPlaces.Symbol[PlaceParameter + i];
        if (Check->Memory == ControlMemoryNone && Meaning != NULL && Stands == NULL &&
            Symbol->HasLine) {
            SymbolText(Symbol, Place, sizeof(Place));
            Stands = Place;
        }
        ReportLine(&Run->Report, "", "P%u %s%s%s%s%s", i + 1,
                   TextAddress(Value, Check->Parameter[i]), Meaning != NULL ? "  " : "",
                   Meaning != NULL ? Meaning : "", Stands != NULL ? ": " : "",
                   Stands != NULL ? Stands : "");
    }
}

static void BugCheckPlacesReport(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const BUG_CHECK_PLACES *Places = &BugCheckPlaces;
    bool Fault = Check->Memory != ControlMemoryNone;
    char Text[2400], Driver[256], Section[64], Address[TEXT_NUMBER];

    TextCleanString(Driver, sizeof(Driver), Check->DriverName);
    TextCleanString(Section, sizeof(Section), Check->SectionName);
    if (Driver[0] != 0) {
        ReportLine(&Run->Report, "driver", "%s at %s%s", Driver,
                   TextAddress(Address, Check->DriverBase),
                   Check->Memory == ControlMemoryUnloadedImage ? ", unloaded" : "");
    }
    if (Section[0] != 0) {
        BugCheckDescribeSection(Run, Places, Text, sizeof(Text));
        ReportLine(&Run->Report, "section", "%s at %s: %s", Section,
                   TextAddress(Address, Check->SectionBase), Text);
    }
    SymbolText(Fault ? &Places->Symbol[0] : Places->Where, Text, sizeof(Text));
    ReportLine(&Run->Report, "routine", "%s", Text);
    BugCheckRaised(Run);
    for (unsigned i = Places->FirstFrame; i < Places->FrameCount; i++) {
        SymbolText(&Places->Symbol[i], Text, sizeof(Text));
        ReportLine(&Run->Report, i == Places->FirstFrame ? "stack" : "", "%02u %s %s",
                   i - Places->FirstFrame, TextAddress(Address, Places->Symbol[i].Address), Text);
    }
}

void BugCheckRaised(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    char Text[900];
    SymbolText(&BugCheckPlaces.Symbol[PlaceRaised], Text, sizeof(Text));
    bool Off = BugCheckIsReference(Check->Code) && Check->Parameter[1] == IRQL_INTERRUPTS_OFF;
    ReportLine(&Run->Report, "IRQL", "%u (%s)%s%s%s", Check->Irql, IrqlName(Check->Irql),
               Off ? ", interrupts off" : "", Check->IrqlRaisedBy != 0 ? ", raised by " : "", Text);
}

static json_t *BugCheckStack(void)
{
    json_t *Stack = json_array();
    for (unsigned i = BugCheckPlaces.FirstFrame; i < BugCheckPlaces.FrameCount; i++) {
        const SYMBOL *Entry = &BugCheckPlaces.Symbol[i];
        json_array_append_new(Stack, json_pack("{s:o, s:s, s:s}", "address",
                                               ReportHex(Entry->Address), "routine",
                                               Entry->Routine, "location", Entry->Location));
    }
    return Stack;
}

static json_t *BugCheckSection(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const SYMBOL *Symbol = BugCheckPlaces.Symbol;
    return json_pack("{s:i, s:i, s:i, s:s, s:s, s:I, s:b}", "section_lock_count",
                     (int)Check->SectionLockCount, "section_locks", (int)Check->SectionLocks,
                     "section_unlocks", (int)Check->SectionUnlocks, "section_locked_by",
                     Symbol[PlaceLocked].Routine, "section_unlocked_by",
                     Symbol[PlaceUnlocked].Routine, "section_out_since",
                     (json_int_t)Check->SectionOutSince, "section_whole_paged",
                     (int)(Check->SectionWholePaged != 0));
}

static void BugCheckEvent(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    char Driver[256], Section[64], Cause[RUN_MAX_CAUSE], Where[900];
    json_t *Parameters = json_array();

    for (unsigned i = 0; i < 4; i++) {
        json_array_append_new(Parameters, ReportHex(Check->Parameter[i]));
    }
    TextCleanString(Driver, sizeof(Driver), Check->DriverName);
    TextCleanString(Section, sizeof(Section), Check->SectionName);
    BugCheckCause(Run, Cause, sizeof(Cause), Where, sizeof(Where));
    json_t *Event = json_pack(
        "{s:o, s:s, s:o, s:i, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "code",
        ReportHex(Check->Code), "name", BugCheckName(Check->Code)->Name, "parameters", Parameters,
        "irql", (int)Check->Irql, "instruction", ReportHex(Check->Rip), "driver", Driver,
        "section", Section, "section_kind", BugCheckSectionKind(Check->SectionKind), "cause",
        Cause, "where", Where, "advice", BugCheckBestAdvice(Run),
        "irql_raised_by", BugCheckPlaces.Symbol[PlaceRaised].Routine, "stack", BugCheckStack(),
        "history", BugCheckHistoryEvents(Run));
    json_t *State = BugCheckSection(Run);
    json_object_update(Event, State);
    json_decref(State);
    ReportEvent(&Run->Report, "bug_check", Event);
}

void BugCheckReport(RUN *Run)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    char Replay[4096];

    BugCheckFindPlaces(Run, &BugCheckPlaces);
    ReportBlank(&Run->Report);
    RunReportFileSections(Run);
    ReportToned(&Run->Report, ReportBad, "bug check", "0x%X %s", Check->Code,
                BugCheckName(Check->Code)->Name);
    BugCheckParameters(Run);
    BugCheckPlacesReport(Run);
    BugCheckReportHistory(Run);
    ReportLine(&Run->Report, "advice", "%s", BugCheckBestAdvice(Run));
    OptionsReplay(&Run->Options, Run->Program, Replay, sizeof(Replay));
    ReportLine(&Run->Report, "replay", "%s", Replay);
    ReportBlank(&Run->Report);
    BugCheckEvent(Run);
}
