/* SPDX-License-Identifier: MIT */
#include "host/exports/export_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/text/bug_check_names.h"

#define HIGHEST_IRQL 15
#define ROWS_MOST 4096

static int ExportCompare(const void *One, const void *Other)
{
    return strcmp((*(const EXPORT_ROW *const *)One)->Name,
                  (*(const EXPORT_ROW *const *)Other)->Name);
}

const EXPORT_ROW *const *ExportsByName(void)
{
    static const EXPORT_ROW *Sorted[ROWS_MOST];
    if (ExportRowCount > ROWS_MOST) {
        abort(); /* a table that the build has made too long */
    }
    if (Sorted[0] == NULL) {
        for (size_t i = 0; i < ExportRowCount; i++) {
            Sorted[i] = &ExportRows[i];
        }
        qsort(Sorted, ExportRowCount, sizeof(Sorted[0]), ExportCompare);
    }
    return Sorted;
}

const EXPORT_ROW *ExportFind(const char *Name)
{
    EXPORT_ROW Wanted = {.Name = Name};
    const EXPORT_ROW *Key = &Wanted;
    const EXPORT_ROW *const *Found =
        bsearch(&Key, ExportsByName(), ExportRowCount, sizeof(Found[0]), ExportCompare);
    return Found != NULL ? *Found : NULL;
}

/* As MiFindExport, kernel/mm/image_import.c. */
bool ExportDllIsKernel(const char *Dll)
{
    static const char *const Kernel[] = {"ntoskrnl.exe", "hal.dll", "ntkrnlmp.exe",
                                         "ntkrnlpa.exe"};
    for (size_t i = 0; i < sizeof(Kernel) / sizeof(Kernel[0]); i++) {
        if (strcasecmp(Dll, Kernel[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool ExportDllIsStorport(const char *Dll)
{
    return strcasecmp(Dll, "storport.sys") == 0;
}

static bool ExportDllIsWmiLibrary(const char *Dll)
{
    return strcasecmp(Dll, "wmilib.sys") == 0;
}

bool ExportDllIsProvided(const char *Dll)
{
    return ExportDllIsKernel(Dll) || ExportDllIsStorport(Dll) || ExportDllIsWmiLibrary(Dll);
}

const EXPORT_ROW *ExportOfImport(const char *Dll, const char *Name)
{
    if (ExportDllIsStorport(Dll)) {
        return strncmp(Name, "StorPort", 8) == 0 ? ExportFind(Name) : NULL;
    }
    if (ExportDllIsWmiLibrary(Dll)) {
        return strncmp(Name, "Wmi", 3) == 0 ? ExportFind(Name) : NULL;
    }
    return ExportDllIsKernel(Dll) ? ExportFind(Name) : NULL;
}

const char *ExportIrqlText(const EXPORT_ROW *Row, char Out[40])
{
    if (strcmp(Row->Kind, "data") == 0) {
        return "-";
    }
    if (Row->IrqlMin == 0 && Row->IrqlMax == HIGHEST_IRQL) {
        return "any";
    }
    if (Row->IrqlMin == Row->IrqlMax) {
        snprintf(Out, 40, "= %s", IrqlName(Row->IrqlMin));
    } else if (Row->IrqlMin == 0) {
        snprintf(Out, 40, "<= %s", IrqlName(Row->IrqlMax));
    } else if (Row->IrqlMax == HIGHEST_IRQL) {
        snprintf(Out, 40, ">= %s", IrqlName(Row->IrqlMin));
    } else {
        snprintf(Out, 40, "%s to %s", IrqlName(Row->IrqlMin), IrqlName(Row->IrqlMax));
    }
    return Out;
}

void ExportIrqlRule(const EXPORT_ROW *Row, char Out[64])
{
    for (const char *Rule = Row->Rules; *Rule != 0;) {
        size_t Length = strcspn(Rule, " ");
        if (strncmp(Rule, "Irql", 4) == 0) {
            snprintf(Out, 64, "%.*s", (int)Length, Rule);
            return;
        }
        Rule += Length + strspn(Rule + Length, " ");
    }
    Out[0] = 0;
}
