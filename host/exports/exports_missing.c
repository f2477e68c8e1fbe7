/* SPDX-License-Identifier: MIT */
/*
 * What drivers import that nothing here exports. The files are hostile: each goes through
 * PeImageOpen whole, names are shown only after TextClean, and what is kept is bounded.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/exports/export_table.h"
#include "host/exports/exports.h"
#include "host/exports/load_refusal.h"
#include "host/input/driver_file.h"
#include "host/text/text.h"

#define WANTS_MOST 1000000u /* missing imports of all files together */

/* One missing import of one file. */
typedef struct {
    char *Name; /* dll!name, fit to be shown */
    int File;
} WANT;

typedef struct {
    WANT *Wants;
    size_t Count, Room;
    int Whole;  /* files that lack nothing */
    int Good;   /* files that are drivers */
    bool Full;  /* no memory, or too many */
} WANTS;

static void WantsAdd(WANTS *Wants, const char *Name, int File)
{
    if (Wants->Count == Wants->Room) {
        size_t Room = Wants->Room != 0 ? 2 * Wants->Room : 256;
        WANT *More = Room <= WANTS_MOST ? realloc(Wants->Wants, Room * sizeof(*More)) : NULL;
        if (More == NULL) {
            Wants->Full = true;
            return;
        }
        Wants->Wants = More;
        Wants->Room = Room;
    }
    WANT *Want = &Wants->Wants[Wants->Count];
    *Want = (WANT){strdup(Name), File};
    Wants->Full = Wants->Full || Want->Name == NULL;
    Wants->Count += Want->Name != NULL;
}

/* Imports of one DLL entry; all names of other DLLs than ours are missing as well. */
static void WantsOfDll(WANTS *Wants, const PE_IMAGE *Image, const PE_IMPORT_DLL *Dll, int File)
{
    PE_IMPORT Import;
    PE_ERROR Error;
    char Library[300], Name[600], Full[1000];

    TextCleanString(Library, sizeof(Library), Dll->Name);
    for (uint32_t i = 0; !Wants->Full &&
                         PeImageImport(Image, Dll, i, &Import, &Error) == PeStepItem; i++) {
        if (Import.Name == NULL) {
            snprintf(Name, sizeof(Name), "#%u", Import.Ordinal);
        } else if (ExportOfImport(Dll->Name, Import.Name) != NULL) {
            continue;
        } else {
            TextCleanString(Name, sizeof(Name), Import.Name);
        }
        snprintf(Full, sizeof(Full), "%s!%s", Library, Name);
        WantsAdd(Wants, Full, File);
    }
}

static EXIT_CODE WantsOfFile(WANTS *Wants, const char *Path, int Number)
{
    DRIVER_FILE File;
    PE_IMPORT_DLL Dll;
    PE_ERROR PeError;
    LOAD_REFUSALS Refusals;
    char Error[1024];
    size_t Before = Wants->Count;

    EXIT_CODE Code = DriverFileOpen(&File, Path, Error, sizeof(Error));
    if (Code != ExitClean) {
        fprintf(stderr, "pageable: %s\n", Error);
        return Code;
    }
    for (uint32_t i = 0; PeImageImportDll(&File.Image, i, &Dll, &PeError) == PeStepItem; i++) {
        WantsOfDll(Wants, &File.Image, &Dll, Number);
    }
    LoadRefusals(&Refusals, &File.Image);
    TextCleanString(Error, sizeof(Error), Path);
    for (unsigned i = 0; i < Refusals.Count; i++) {
        fprintf(stderr, "pageable: %s: %s\n", Error, Refusals.Text[i]);
    }
    DriverFileClose(&File);
    Wants->Good++;
    Wants->Whole += Wants->Count == Before;
    return Refusals.Count != 0 ? ExitNotLoadable : ExitClean;
}

static int WantCompare(const void *One, const void *Other)
{
    const WANT *A = One, *B = Other;
    int Order = strcmp(A->Name, B->Name);
    return Order != 0 ? Order : A->File - B->File;
}

/* By the number of files, the greatest first, then by name; here File is that number. */
static int WantCompareCounts(const void *One, const void *Other)
{
    const WANT *A = One, *B = Other;
    return A->File != B->File ? B->File - A->File : strcmp(A->Name, B->Name);
}

/* Each name once, with the number of files that want it in the place of the file. */
static void WantsCountFiles(WANTS *Wants)
{
    size_t Kept = 0;
    int Last = -1;
    if (Wants->Count == 0) {
        return;
    }
    qsort(Wants->Wants, Wants->Count, sizeof(WANT), WantCompare);
    for (size_t i = 0; i < Wants->Count; i++) {
        WANT Want = Wants->Wants[i];
        if (Kept != 0 && strcmp(Wants->Wants[Kept - 1].Name, Want.Name) == 0) {
            Wants->Wants[Kept - 1].File += Want.File != Last;
            free(Want.Name);
        } else {
            Wants->Wants[Kept++] = (WANT){Want.Name, 1};
        }
        Last = Want.File;
    }
    Wants->Count = Kept;
    qsort(Wants->Wants, Wants->Count, sizeof(WANT), WantCompareCounts);
}

static void WantsReport(const WANTS *Wants, bool Json)
{
    for (size_t i = 0; i < Wants->Count; i++) {
        const WANT *Want = &Wants->Wants[i];
        if (!Json) {
            printf("%6d  %s\n", Want->File, Want->Name);
            continue;
        }
        json_t *Object = json_pack("{s:s, s:i}", "missing", Want->Name, "files", Want->File);
        json_dumpf(Object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(Object);
    }
    if (!Json) {
        printf("%s%zu names are missing; %d of %d drivers lack nothing\n",
               Wants->Count != 0 ? "\n" : "", Wants->Count, Wants->Whole, Wants->Good);
    }
}

EXIT_CODE ExportsMissing(int Count, char **Files, bool Json)
{
    WANTS Wants = {0};
    EXIT_CODE Worst = ExitClean;

    for (int i = 0; i < Count && !Wants.Full; i++) {
        EXIT_CODE Code = WantsOfFile(&Wants, Files[i], i);
        Worst = Code > Worst ? Code : Worst;
    }
    if (Wants.Full) {
        fprintf(stderr, "pageable: too many missing imports to hold, or no memory\n");
        Worst = ExitEnvironment;
    } else {
        WantsCountFiles(&Wants);
        WantsReport(&Wants, Json);
        Worst = Worst == ExitClean && Wants.Count != 0 ? ExitFinding : Worst;
    }
    for (size_t i = 0; i < Wants.Count; i++) {
        free(Wants.Wants[i].Name);
    }
    free(Wants.Wants);
    return Worst;
}
