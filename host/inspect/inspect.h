/* SPDX-License-Identifier: MIT */
/*
 * `pageable inspect`: what can be said of a driver without running it. The file is hostile: all of
 * it goes through PeImageOpen, and what is kept and decoded here is bounded besides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/exports/load_refusal.h"
#include "host/symbols/driver_pdb.h"
#include "host/text/exit_codes.h"
#include "lib/pe_image.h"

#define INSPECT_MOST_SITES 256u
#define INSPECT_MOST_FINDINGS 128u
#define INSPECT_CODE_LIMIT (16u << 20) /* bytes of pageable code that are decoded */

/* What becomes of a section. In a flat image all of it is nonpaged. */
typedef enum { FateNonpaged, FatePageable, FateFreed } INSPECT_FATE;

typedef enum {
    ImportImplemented,
    ImportPartial, /* the export's note says what is missing */
    ImportStub,    /* may be called, does nothing */
    ImportMissing, /* no such export: a call of it is reported */
    ImportNoDll,   /* the whole DLL is not provided: the driver is refused */
    ImportOrdinal, /* by number: the same */
    ImportStatuses,
} IMPORT_STATUS;

/* An instruction in pageable code behind which the IRQL may be DISPATCH_LEVEL or above. */
typedef struct {
    uint32_t Rva;
    uint32_t FunctionRva; /* where the routine begins, or its part */
    uint32_t Section;     /* number */
    const char *What;     /* name of the routine called, or the instruction; static */
    bool Warning;         /* false: in a section that the driver can lock in memory */
} INSPECT_SITE;

typedef struct {
    const char *Code; /* a word, docs/inspect.md; static */
    bool Warning;     /* or a remark */
    char Text[sizeof(((LOAD_REFUSALS *)0)->Text[0])]; /* clean, one line */
} INSPECT_FINDING;

typedef struct {
    const PE_IMAGE *Image;
    INSPECT_FATE Fate[PE_MAX_SECTIONS];
    uint64_t PageableBytes;  /* as recorded, without the rounding to pages */
    uint32_t PageablePages, FreedPages, ImagePages;
    uint32_t Imports[ImportStatuses];
    LOAD_REFUSALS Refusals;
    bool CanLockSections; /* MmLockPagableDataSection and the like are imported */
    bool ChecksumRight;
    uint32_t Checksum;       /* computed */
    uint32_t SignatureBytes; /* 0: none */
    uint32_t Relocations, Functions;
    bool HasConfig, HasCodeView;
    PE_LOAD_CONFIG Config;
    PE_CODEVIEW CodeView;
    INSPECT_SITE Sites[INSPECT_MOST_SITES];
    uint32_t SiteCount, SitesLeftOut; /* kept; of more only the number */
    uint64_t BytesNotDecoded;         /* of pageable code, over the limit */
    INSPECT_FINDING Findings[INSPECT_MOST_FINDINGS];
    uint32_t FindingCount, FindingsLeftOut;
    uint32_t Warnings; /* of findings and sites together, also of those left out */
} INSPECTION;

/* What the files beside the driver tell. */
typedef struct {
    DRIVER_PDB Pdb;
    char PdbPath[1200];
    char Routine[INSPECT_MOST_SITES][128]; /* of each site; "": not known */
    char Place[INSPECT_MOST_SITES][256];   /* file:line, or "" */
} INSPECT_SYMBOLS;

typedef struct {
    bool Json, Strict, Verbose;
} INSPECT_OPTIONS;

extern const char HelpInspect[];

EXIT_CODE InspectCommand(int Count, char **Arguments);

/* ---- inspect_image.c: pure; Image was opened by PeImageOpen and stays while *Out is used ---- */
void InspectImage(INSPECTION *Out, const PE_IMAGE *Image);
IMPORT_STATUS InspectImport(const char *Dll, const PE_IMPORT *Import, const char **Note);
const char *ImportStatusName(IMPORT_STATUS Status);
const char *InspectFateName(INSPECT_FATE Fate);

/* ---- inspect_code.c: pure; needs Fate and CanLockSections, fills in the sites ---- */
void InspectCode(INSPECTION *Out);

/* ---- inspect_findings.c: pure; needs everything but the findings ---- */
void InspectFindings(INSPECTION *Out);

/* ---- inspect_report.c, inspect_json.c: Name is clean ---- */
void InspectReport(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols, const char *Name,
                   const INSPECT_OPTIONS *Options);
void InspectJson(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols, const char *Name);
/* "a11c...-...", as tools print a PDB's identity */
const char *InspectGuidText(const uint8_t Guid[16], char Out[40]);
