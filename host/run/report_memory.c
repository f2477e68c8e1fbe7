/* SPDX-License-Identifier: MIT */
/* The parts of the report that are tables of numbers: sections, faults, memory. */
#include <string.h>

#include "host/run/counters.h"
#include "host/run/report.h"
#include "host/text/text.h"
#include "pe.h"

static void ReportSectionName(const CONTROL_SECTION *Row, char Out[40])
{
    size_t Length = strnlen(Row->Name, sizeof(Row->Name));
    TextClean(Out, 40, Row->Name, Length);
}

static void ReportSectionFlags(const CONTROL_SECTION *Row, char Out[4])
{
    bool Headers = Row->Kind == ControlSectionHeaders; /* they have no characteristics */
    Out[0] = Headers || Row->Characteristics & IMAGE_SCN_MEM_READ ? 'R' : '-';
    Out[1] = Row->Characteristics & IMAGE_SCN_MEM_WRITE ? 'W' : '-';
    Out[2] = Row->Characteristics & IMAGE_SCN_MEM_EXECUTE ? 'X' : '-';
    Out[3] = 0;
}

const char *ReportPageability(const CONTROL_SECTION *Row, char Out[64])
{
    bool NamedPage = memcmp(Row->Name, "PAGE", 4) == 0 || memcmp(Row->Name, ".edata", 7) == 0;
    switch (Row->Kind) {
    case ControlSectionPageable:
        if (Row->LockCount != 0) {
            snprintf(Out, 64, "no: locked, count %u", Row->LockCount);
            return Out;
        }
        return NamedPage ? "yes" : "yes: MmPageEntireDriver";
    case ControlSectionNonpaged:
        return NamedPage ? "no: kept resident" : "no: its name is not PAGE...";
    case ControlSectionDiscarded:
        return "discarded after DriverEntry";
    case ControlSectionHeaders:
        return "no: headers";
    default:
        return "?";
    }
}

static const char *ReportSectionKind(uint32_t Kind)
{
    static const char *const Names[] = {"none", "nonpaged", "pageable", "discarded", "headers"};
    return Kind < sizeof(Names) / sizeof(Names[0]) ? Names[Kind] : "unknown";
}

/* A row without pages was made from the file, or is of a section that was discarded. */
static void ReportSectionRow(REPORT *Report, const CONTROL_SECTION *Row)
{
    char Name[40], Flags[4], Bytes[TEXT_NUMBER], Room[64];
    ReportSectionName(Row, Name);
    ReportSectionFlags(Row, Flags);
    fprintf(Report->Text, "%-10s %12s  %-5s  %-28s", Name, TextGroups(Bytes, Row->Size), Flags,
            ReportPageability(Row, Room));
    if (Row->Pages == 0) {
        fprintf(Report->Text, " %8s %8s %8s\n", "-", "-", "-");
    } else {
        fprintf(Report->Text, " %8u %8u %8u\n", Row->ResidentPages, Row->TransitionPages,
                Row->OutPages);
    }
}

void ReportSections(REPORT *Report, const CONTROL_SECTION *Rows, unsigned Count, const char *When,
                    bool Lines)
{
    if (Lines) {
        fprintf(Report->Text, "%-10s %12s  %-5s  %-28s %8s %8s %8s\n", "section", "bytes", "flags",
                "pageable", "resident", "standby", "on disk");
    }
    for (unsigned i = 0; i < Count; i++) {
        char Name[40], Flags[4], Room[64];
        ReportSectionName(&Rows[i], Name);
        ReportSectionFlags(&Rows[i], Flags);
        if (Lines) {
            ReportSectionRow(Report, &Rows[i]);
        }
        ReportEvent(Report, "section",
                    json_pack("{s:s, s:s, s:o, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}",
                              "when", When, "name", Name, "address", ReportHex(Rows[i].Address),
                              "bytes", (json_int_t)Rows[i].Size, "flags", Flags, "kind",
                              ReportSectionKind(Rows[i].Kind), "pageable",
                              ReportPageability(&Rows[i], Room), "lock_count",
                              (json_int_t)Rows[i].LockCount, "pages", (json_int_t)Rows[i].Pages,
                              "resident_pages", (json_int_t)Rows[i].ResidentPages,
                              "standby_pages", (json_int_t)Rows[i].TransitionPages,
                              "paging_file_pages", (json_int_t)Rows[i].OutPages));
    }
}

static void ReportCounterEvent(REPORT *Report, const CONTROL_COUNTERS *Now,
                               const CONTROL_COUNTERS *Before)
{
    json_t *Values = json_object(), *Changes = json_object();
    for (size_t i = 0; i < CounterFieldCount; i++) {
        uint64_t Value = CounterValue(Now, &CounterFields[i]);
        uint64_t Change = Value - CounterValue(Before, &CounterFields[i]);
        json_object_set_new(Values, CounterFields[i].Name, json_integer((json_int_t)Value));
        json_object_set_new(Changes, CounterFields[i].Name, json_integer((json_int_t)Change));
    }
    ReportEvent(Report, "counters", json_pack("{s:o, s:o}", "now", Values, "change", Changes));
}

void ReportCounters(REPORT *Report, const CONTROL_COUNTERS *Now, const CONTROL_COUNTERS *Before)
{
    char a[TEXT_NUMBER], b[TEXT_NUMBER], c[TEXT_NUMBER], d[TEXT_NUMBER], e[TEXT_NUMBER];
#define CHANGE(field) (Now->field - Before->field)
    ReportLine(Report, "faults", "%s hard, %s soft, %s demand-zero",
               TextGroups(a, CHANGE(HardFaults)), TextGroups(b, CHANGE(SoftFaults)),
               TextGroups(c, CHANGE(DemandZeroFaults)));
    ReportLine(Report, "page-out",
               "%s pages taken out, %s written in %s writes, %s read back in %s reads",
               TextGroups(a, CHANGE(PagesTrimmed)), TextGroups(b, CHANGE(PagesWritten)),
               TextGroups(c, CHANGE(PageWrites)), TextGroups(d, CHANGE(PagesRead)),
               TextGroups(e, CHANGE(PageReads)));
#undef CHANGE
    ReportLine(Report, "memory", "%s pages: %s free, %s standby, %s modified, %s in use",
               TextGroups(a, Now->TotalPages), TextGroups(b, Now->FreePages + Now->ZeroedPages),
               TextGroups(c, Now->StandbyPages), TextGroups(d, Now->ModifiedPages),
               TextGroups(e, Now->ActivePages));
    ReportLine(Report, "", "commit %s of %s pages, paging file %s of %s pages",
               TextGroups(a, Now->CommittedPages), TextGroups(b, Now->CommitLimit),
               TextGroups(c, Now->PagingFileSlotsUsed), TextGroups(d, Now->PagingFileSlots));
    ReportLine(Report, "", "pool %s bytes nonpaged, %s bytes paged",
               TextGroups(a, Now->NonpagedPoolBytes), TextGroups(b, Now->PagedPoolBytes));
    ReportCounterEvent(Report, Now, Before);
}
