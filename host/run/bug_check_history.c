/* SPDX-License-Identifier: MIT */
/* What the driver did last: the events that the verifier kept and a bug check has brought. */
#include <stdlib.h>
#include <string.h>

#include "host/run/bug_check.h"
#include "host/text/text.h"

#define HISTORY_SYMBOLS (4 * SYMBOLS_MAX_BATCH)

/* Names of callers and of code touched, each looked up once. */
typedef struct {
    SYMBOL Symbol[HISTORY_SYMBOLS];
    unsigned Count;
} HISTORY_NAMES;

void BugCheckKeepHistory(RUN *Run, CONTROL_BYTES Bytes)
{
    unsigned Entries = Bytes.Length / (unsigned)sizeof(CONTROL_HISTORY);

    Run->History = Entries != 0 ? calloc(Entries, sizeof(CONTROL_HISTORY)) : NULL;
    Run->HistoryCount = Run->History != NULL ? Entries : 0;
    if (Run->History != NULL) {
        memcpy(Run->History, Bytes.Data, Entries * sizeof(CONTROL_HISTORY));
    }
}

const CONTROL_HISTORY *BugCheckLastReturn(const RUN *Run, uint64_t Address)
{
    for (unsigned i = Run->HistoryCount; i > 0; i--) {
        const CONTROL_HISTORY *Entry = &Run->History[i - 1];
        if (Entry->Kind == ControlHistoryCall || Entry->Kind == ControlHistoryIrqlWrite) {
            return Entry->Caller == Address ? Entry : NULL;
        }
    }
    return NULL;
}

/* The first of those that are told. */
static unsigned HistoryFirst(const RUN *Run)
{
    return Run->HistoryCount > Run->Options.History ? Run->HistoryCount - Run->Options.History : 0;
}

/* Caller: of a call, so a return address. What does not fit is shown as an address. */
static void HistoryAddName(HISTORY_NAMES *Names, const RUN *Run, uint64_t Address, bool IsReturn)
{
    if (SymbolsFindModule(&Run->Symbols, Address) == NULL || Names->Count == HISTORY_SYMBOLS) {
        return;
    }
    for (unsigned i = 0; i < Names->Count; i++) {
        if (Names->Symbol[i].Address == Address && Names->Symbol[i].IsReturn == IsReturn) {
            return;
        }
    }
    Names->Symbol[Names->Count++] = (SYMBOL){.Address = Address, .IsReturn = IsReturn};
}

static const SYMBOL *HistoryName(const HISTORY_NAMES *Names, uint64_t Address, bool IsReturn)
{
    for (unsigned i = 0; i < Names->Count; i++) {
        if (Names->Symbol[i].Address == Address && Names->Symbol[i].IsReturn == IsReturn) {
            return &Names->Symbol[i];
        }
    }
    return NULL;
}

/* NULL: no memory for the names. The result is malloc's. */
static HISTORY_NAMES *HistoryResolve(RUN *Run)
{
    HISTORY_NAMES *Names = calloc(1, sizeof(*Names));
    for (unsigned i = HistoryFirst(Run); Names != NULL && i < Run->HistoryCount; i++) {
        const CONTROL_HISTORY *Entry = &Run->History[i];
        HistoryAddName(Names, Run, Entry->Caller, Entry->Kind == ControlHistoryCall);
        if (Entry->Kind == ControlHistoryFault) {
            HistoryAddName(Names, Run, Entry->Value, false);
        }
    }
    for (unsigned i = 0; Names != NULL && i < Names->Count; i += SYMBOLS_MAX_BATCH) {
        unsigned Rest = Names->Count - i;
        SymbolsResolve(&Run->Symbols, &Names->Symbol[i],
                       Rest < SYMBOLS_MAX_BATCH ? Rest : SYMBOLS_MAX_BATCH);
    }
    return Names;
}

/* "Routine (file.c:12)", shorter than elsewhere: nearly all of it is one driver's. */
static void HistoryPlace(const SYMBOL *Symbol, uint64_t Address, char *Out, size_t Size)
{
    char Number[TEXT_NUMBER];
    if (Symbol == NULL) {
        snprintf(Out, Size, "%s", TextAddress(Number, Address));
        return;
    }
    const char *Bang = strchr(Symbol->Routine, '!');
    snprintf(Out, Size, "%s%s%s%s", Bang != NULL ? Bang + 1 : Symbol->Routine,
             Symbol->HasLine ? " (" : "", Symbol->HasLine ? TextBaseName(Symbol->Location) : "",
             Symbol->HasLine ? ")" : "");
}

static const char *HistoryKind(uint8_t Kind)
{
    switch (Kind) {
    case ControlHistoryCall: return "call";
    case ControlHistoryIrqlWrite: return "set_irql";
    case ControlHistoryFault: return "fault";
    case ControlHistoryPageOut: return "page_out";
    default: return "unknown";
    }
}

static void HistoryLine(RUN *Run, const CONTROL_HISTORY *Entry, const HISTORY_NAMES *Names)
{
    char Caller[800], Value[800], Name[200], Number[TEXT_NUMBER];
    bool IsReturn = Entry->Kind == ControlHistoryCall;
    HistoryPlace(HistoryName(Names, Entry->Caller, IsReturn), Entry->Caller, Caller,
                 sizeof(Caller));
    TextCleanString(Name, sizeof(Name), Entry->Name);
    switch (Entry->Kind) {
    case ControlHistoryCall:
        snprintf(Value, sizeof(Value), "calls %s(%llx, ...)", Name,
                 (unsigned long long)Entry->Value);
        break;
    case ControlHistoryIrqlWrite:
        snprintf(Value, sizeof(Value), "sets IRQL to %llu", (unsigned long long)Entry->Value);
        break;
    case ControlHistoryFault:
        if (Entry->Value == Entry->Caller) {
            snprintf(Value, sizeof(Value), "faults: its code is out");
        } else {
            snprintf(Value, sizeof(Value), "faults on %s", TextAddress(Number, Entry->Value));
        }
        break;
    case ControlHistoryPageOut:
        snprintf(Caller, sizeof(Caller), "%llu %s out", (unsigned long long)Entry->Value,
                 Entry->Value == 1 ? "page goes" : "pages go");
        Value[0] = 0;
        break;
    default: snprintf(Value, sizeof(Value), "does what this version does not know");
    }
    ReportLine(&Run->Report, "", "#%-5llu IRQL %-3u %s%s%s", (unsigned long long)Entry->Number,
               Entry->Irql, Caller, Value[0] != 0 ? " " : "", Value);
}

void BugCheckReportHistory(RUN *Run)
{
    unsigned First = HistoryFirst(Run);
    HISTORY_NAMES *Names = First < Run->HistoryCount ? HistoryResolve(Run) : NULL;
    if (Names == NULL) {
        return;
    }
    ReportLine(&Run->Report, "history", "the last %u of %llu events, the newest last",
               Run->HistoryCount - First,
               (unsigned long long)Run->History[Run->HistoryCount - 1].Number);
    for (unsigned i = First; i < Run->HistoryCount; i++) {
        HistoryLine(Run, &Run->History[i], Names);
    }
    free(Names);
}

json_t *BugCheckHistoryEvents(RUN *Run)
{
    json_t *Events = json_array();
    unsigned First = HistoryFirst(Run);
    HISTORY_NAMES *Names = First < Run->HistoryCount ? HistoryResolve(Run) : NULL;
    for (unsigned i = First; Names != NULL && i < Run->HistoryCount; i++) {
        const CONTROL_HISTORY *Entry = &Run->History[i];
        const SYMBOL *Caller =
            HistoryName(Names, Entry->Caller, Entry->Kind == ControlHistoryCall);
        char Name[200];
        TextCleanString(Name, sizeof(Name), Entry->Name);
        json_array_append_new(
            Events, json_pack("{s:I, s:i, s:s, s:o, s:s, s:s, s:s, s:o}", "number",
                              (json_int_t)Entry->Number, "irql", (int)Entry->Irql, "kind",
                              HistoryKind(Entry->Kind), "caller", ReportHex(Entry->Caller),
                              "routine", Caller != NULL ? Caller->Routine : "", "location",
                              Caller != NULL ? Caller->Location : "", "name", Name, "value",
                              ReportHex(Entry->Value)));
    }
    free(Names);
    return Events;
}
