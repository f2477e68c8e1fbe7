/* SPDX-License-Identifier: MIT */
#include "host/exports/exports.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/exports/demand.h"
#include "host/exports/export_table.h"
#include "host/text/flags.h"
#include "host/text/near_names.h"
#include "host/text/text.h"

const char HelpExports[] =
    "usage: pageable exports [PATTERN] [--json]\n"
    "       pageable exports --missing DRIVER.sys... [--json]\n"
    "\n"
    "Prints the kernel's exports: component, documented IRQL, DDI compliance rule, and whether\n"
    "each is implemented, partial (the note says what is missing) or a stub. PATTERN is a name,\n"
    "a part of one, or one with * and ?; a whole name prints all that is known of it.\n"
    "\n"
    "  --missing   what the drivers import that is not exported, and for how many of them\n"
    "  --json      one JSON object on each line\n"
    "  --markdown  all of it, as docs/routines.md has it\n"
    "\n"
    "Exit codes: 0; 1 when --missing finds something; 2 when nothing matches or a file cannot be\n"
    "read; 3 when a file is no x64 driver, or needs a module that is not provided.\n"
    "\n"
    "Try: pageable exports 'MmLock*'\n";

/* Whole names and patterns by fnmatch, other words as a part; upper and lower case are the same. */
static bool ExportsMatch(const EXPORT_ROW *Row, const char *Pattern)
{
    if (Pattern == NULL) {
        return true;
    }
    if (strpbrk(Pattern, "*?[") != NULL) {
        return fnmatch(Pattern, Row->Name, FNM_CASEFOLD) == 0;
    }
    return strcasestr(Row->Name, Pattern) != NULL;
}

static void ExportsJson(const EXPORT_ROW *Row)
{
    json_t *Rules = json_array();
    for (const char *Rule = Row->Rules; *Rule != 0;) {
        size_t Length = strcspn(Rule, " ");
        json_array_append_new(Rules, json_stringn(Rule, Length));
        Rule += Length + strspn(Rule + Length, " ");
    }
    json_t *Object = json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:s, s:s}", "name", Row->Name,
                               "component", Row->Component, "kind", Row->Kind, "irql_min",
                               (int)Row->IrqlMin, "irql_max", (int)Row->IrqlMax, "rules", Rules,
                               "status", Row->Status, "note", Row->Note);
    json_dumpf(Object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(Object);
}

static void ExportsLine(const EXPORT_ROW *Row)
{
    char Irql[40], Rule[64];
    ExportIrqlRule(Row, Rule);
    printf("%-36s  %-8s  %-18s  ", Row->Name, Row->Component, ExportIrqlText(Row, Irql));
    if (Row->Note[0] != 0) {
        printf("%-11s  %-18s  %s\n", Row->Status, Rule, Row->Note);
    } else if (Rule[0] != 0) {
        printf("%-11s  %s\n", Row->Status, Rule);
    } else {
        printf("%s\n", Row->Status);
    }
}

static void ExportsOne(const EXPORT_ROW *Row)
{
    char Irql[40];
    printf("%-12s%s\n", "export", Row->Name);
    printf("%-12s%s\n", "component", Row->Component);
    printf("%-12s%s\n", "kind", Row->Kind);
    printf("%-12s%s\n", "IRQL", ExportIrqlText(Row, Irql));
    printf("%-12s%s\n", "rules", Row->Rules[0] != 0 ? Row->Rules : "none documented");
    printf("%-12s%s%s%s\n", "status", Row->Status, Row->Note[0] != 0 ? ": " : "", Row->Note);
}

/* Rounded down: 100 means all. */
static unsigned Percent(size_t Part, size_t Whole)
{
    return (unsigned)(Part * 100 / Whole);
}

static void ExportsDemand(void)
{
    DEMAND_FIGURES Figures;
    DemandCompute(&Figures);
    size_t There = Figures.Implemented + Figures.Partial + Figures.Stubs;
    printf("of the %zu names that plain WDM drivers import: %zu implemented, %zu partial, %zu "
           "stubs (%u%%), %zu missing\n",
           Figures.Names, Figures.Implemented, Figures.Partial, Figures.Stubs,
           Percent(There, Figures.Names), Figures.Names - There);
    printf("of %u families of such drivers at least %u (%u%%) have every import\n",
           Figures.Families, Figures.WholeAtLeast,
           Percent(Figures.WholeAtLeast, Figures.Families));
}

static void ExportsSum(size_t Shown)
{
    size_t Implemented = 0, Partial = 0;
    for (size_t i = 0; i < ExportRowCount; i++) {
        Implemented += strcmp(ExportRows[i].Status, "implemented") == 0;
        Partial += strcmp(ExportRows[i].Status, "partial") == 0;
    }
    printf("\n%zu shown; %zu exports in all: %zu implemented, %zu partial, %zu stubs\n", Shown,
           ExportRowCount, Implemented, Partial, ExportRowCount - Implemented - Partial);
    ExportsDemand();
}

static EXIT_CODE ExportsNothing(const char *Pattern)
{
    NEAR_NAMES Near = {.Count = 0};
    const EXPORT_ROW *const *Rows = ExportsByName();
    char Typed[NEAR_NAMES_LENGTH];

    TextCleanString(Typed, sizeof(Typed), Pattern);
    for (size_t i = 0; i < ExportRowCount; i++) {
        NearNamesOffer(&Near, Typed, Rows[i]->Name, i, 3);
    }
    fprintf(stderr, "pageable: %s: no export matches", Typed);
    for (unsigned i = 0; i < Near.Count; i++) {
        fprintf(stderr, "%s %s", i == 0 ? "; near it:" : ",", Rows[Near.Index[i]]->Name);
    }
    fputc('\n', stderr);
    return ExitUsage;
}

static EXIT_CODE ExportsList(const char *Pattern, bool Json)
{
    const EXPORT_ROW *const *Rows = ExportsByName();
    size_t Shown = 0;

    const EXPORT_ROW *One = Pattern != NULL ? ExportFind(Pattern) : NULL;
    if (One != NULL && !Json) {
        ExportsOne(One);
        return ExitClean;
    }
    for (size_t i = 0; i < ExportRowCount; i++) {
        if (One != NULL ? Rows[i] != One : !ExportsMatch(Rows[i], Pattern)) {
            continue;
        }
        if (Json) {
            ExportsJson(Rows[i]);
        } else {
            if (Shown == 0) {
                printf("%-36s  %-8s  %-18s  %-11s  %-18s  %s\n", "name", "table", "IRQL",
                       "status", "rule", "note");
            }
            ExportsLine(Rows[i]);
        }
        Shown++;
    }
    if (Shown == 0) {
        return ExportsNothing(Pattern);
    }
    if (!Json) {
        ExportsSum(Shown);
    }
    return ExitClean;
}

EXIT_CODE ExportsCommand(int Count, char **Arguments)
{
    bool Json = false, Missing = false, Markdown = false;
    const FLAG Flags[] = {
        {"--json", &Json}, {"--missing", &Missing}, {"--markdown", &Markdown}};
    int Kept = FlagsTake(Count, Arguments, Flags, sizeof(Flags) / sizeof(Flags[0]));

    if (Kept < 0) {
        return ExitUsage;
    }
    if (Missing) {
        if (Kept == 0) {
            fprintf(stderr, "pageable: which drivers? `pageable help exports` says more\n");
            return ExitUsage;
        }
        return ExportsMissing(Kept, Arguments, Json);
    }
    if (Markdown && Kept == 0) {
        ExportsMarkdown();
        return ExitClean;
    }
    if (Kept > 1) {
        fprintf(stderr, "pageable: one pattern at a time, quoted against the shell\n");
        return ExitUsage;
    }
    return ExportsList(Kept == 1 ? Arguments[0] : NULL, Json);
}
