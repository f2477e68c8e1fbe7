/* SPDX-License-Identifier: MIT */
#include "host/inspect/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/input/driver_file.h"
#include "host/symbols/symbolizer.h"
#include "host/text/flags.h"
#include "host/text/text.h"

const char HelpInspect[] =
    "usage: pageable inspect DRIVER.sys... [--json] [--strict] [-v]\n"
    "\n"
    "Says what there is to know of a driver without running it: what becomes of each section,\n"
    "which imports are provided, where pageable code raises the IRQL, and what is odd.\n"
    "\n"
    "  --json         one JSON object on each line, for each driver (docs/inspect.md)\n"
    "  --strict       exit code 1 when there are warnings\n"
    "  -v, --verbose  the imports that are implemented, too\n"
    "\n"
    "Exit codes: 0; 1 with --strict and warnings; 2 when a file cannot be read; 3 when one is no\n"
    "x64 driver, or needs a module that is not provided.\n"
    "\n"
    "Environment: PAGEABLE_SYMBOLIZER and PAGEABLE_PDBUTIL name other programs.\n"
    "\n"
    "Try: pageable inspect DRIVER.sys\n";

/* Names of the routines that the sites are in; without a PDB they have none. */
static void InspectNameSites(const INSPECTION *Inspection, const DRIVER_FILE *File,
                             INSPECT_SYMBOLS *Symbols)
{
    static SYMBOLIZER_ANSWER Answers[SYMBOLIZER_MAX_ADDRESSES];
    uint64_t Rvas[SYMBOLIZER_MAX_ADDRESSES];

    for (uint32_t From = 0; Symbols->Pdb == PdbBeside && From < Inspection->SiteCount;
         From += SYMBOLIZER_MAX_ADDRESSES) {
        uint32_t Count = Inspection->SiteCount - From;
        Count = Count < SYMBOLIZER_MAX_ADDRESSES ? Count : SYMBOLIZER_MAX_ADDRESSES;
        for (uint32_t i = 0; i < Count; i++) {
            Rvas[i] = Inspection->Sites[From + i].Rva;
        }
        if (!SymbolizerRun(File->Path, SymbolizerSymbolNames, Rvas, Count, Answers)) {
            return;
        }
        for (uint32_t i = 0; i < Count; i++) {
            TextFormat(Symbols->Routine[From + i], sizeof(Symbols->Routine[0]), "%s",
                       Answers[i].Function);
            if (Answers[i].Line != 0) {
                TextFormat(Symbols->Place[From + i], sizeof(Symbols->Place[0]), "%.200s:%u",
                           Answers[i].File, Answers[i].Line);
            }
        }
    }
}

static EXIT_CODE InspectFile(const char *Path, const INSPECT_OPTIONS *Options, bool First)
{
    static INSPECTION Inspection;
    static INSPECT_SYMBOLS Symbols;
    DRIVER_FILE File;
    char Error[1024], Name[512];

    EXIT_CODE Code = DriverFileOpen(&File, Path, Error, sizeof(Error));
    if (Code != ExitClean) {
        fprintf(stderr, "pageable: %s\n", Error);
        return Code;
    }
    memset(&Symbols, 0, sizeof(Symbols));
    InspectImage(&Inspection, &File.Image);
    Symbols.Pdb = DriverFindPdb(&File, Symbols.PdbPath, sizeof(Symbols.PdbPath));
    InspectNameSites(&Inspection, &File, &Symbols);
    TextCleanString(Name, sizeof(Name), Path);
    if (Options->Json) {
        InspectJson(&Inspection, &Symbols, Name);
    } else {
        printf("%s", First ? "" : "\n");
        InspectReport(&Inspection, &Symbols, Name, Options);
    }
    DriverFileClose(&File);
    if (Inspection.Refusals.Count != 0) {
        return ExitNotLoadable;
    }
    return Options->Strict && Inspection.Warnings != 0 ? ExitFinding : ExitClean;
}

EXIT_CODE InspectCommand(int Count, char **Arguments)
{
    INSPECT_OPTIONS Options = {0};
    EXIT_CODE Worst = ExitClean;
    const FLAG Flags[] = {
        {"--json", &Options.Json},
        {"--strict", &Options.Strict},
        {"-v", &Options.Verbose},
        {"--verbose", &Options.Verbose},
    };
    int Kept = FlagsTake(Count, Arguments, Flags, sizeof(Flags) / sizeof(Flags[0]));
    if (Kept < 0) {
        return ExitUsage;
    }
    if (Kept == 0) {
        fprintf(stderr, "pageable: which drivers? `pageable help inspect` says more\n");
        return ExitUsage;
    }
    for (int i = 0; i < Kept; i++) {
        EXIT_CODE Code = InspectFile(Arguments[i], &Options, i == 0);
        Worst = Code > Worst ? Code : Worst;
    }
    return Worst;
}
