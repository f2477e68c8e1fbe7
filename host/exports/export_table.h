/* SPDX-License-Identifier: MIT */
/* The kernel's exports, as kernel/exports has them; the table is generated from there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *Name;
    const char *Component; /* the table's name: ke, mm, ... */
    const char *Kind;      /* function, data, alias=TARGET */
    const char *Rules;     /* documented DDI compliance rules, separated by blanks */
    const char *Status;    /* implemented, partial, stub */
    const char *Note;      /* of partial: what is missing */
    uint8_t IrqlMin, IrqlMax;
} EXPORT_ROW;

extern const EXPORT_ROW ExportRows[];
extern const size_t ExportRowCount;

/* ---- export_table.c ---- */
/* All rows by name, as strcmp orders them. The array is valid until the end of the program. */
const EXPORT_ROW *const *ExportsByName(void);
/* NULL: there is no export of that name. */
const EXPORT_ROW *ExportFind(const char *Name);
/* What an import of Dll!Name is bound to when the driver is the only other image; or NULL. */
const EXPORT_ROW *ExportOfImport(const char *Dll, const char *Name);
/* ntoskrnl.exe under any of its names, and hal.dll. */
bool ExportDllIsKernel(const char *Dll);
/* Whether Dll is one whose exports are found in the table. */
bool ExportDllIsProvided(const char *Dll);
/* "any", "= PASSIVE_LEVEL", "<= APC_LEVEL"; "-" for data. Out is the room for what is made. */
const char *ExportIrqlText(const EXPORT_ROW *Row, char Out[40]);
/* The first rule whose name begins with Irql, cut from Rules; "" when there is none. */
void ExportIrqlRule(const EXPORT_ROW *Row, char Out[64]);
