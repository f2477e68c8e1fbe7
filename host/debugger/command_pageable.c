/* SPDX-License-Identifier: MIT */
/* Two commands that WinDbg has not: !pageable, !pageout. */
#include "host/debugger/debugger.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/debugger/page_frame.h"
#include "host/debugger/page_in.h"
#include "host/debugger/structure.h"

#define IMAGE "nt!_MM_IMAGE"
#define LOADER_ENTRY "nt!_LDR_DATA_TABLE_ENTRY"
#define SECTION "nt!_MI_SECTION"
#define MAX_SECTIONS 96u /* what a PE image may have, and its headers */
#define MAX_SECTION_PAGES 0x80000u

typedef struct {
    uint64_t Record; /* of the _MM_IMAGE, which begins with its loader entry */
    uint64_t Base, Size, WholePaged, SectionCount;
    char Name[64];
} IMAGE_RECORD;

typedef struct {
    char Name[40];
    uint64_t Address, Pages, Pageable, Discard, Discarded, Resident, LockCount, LockedBy;
} SECTION_RECORD;

/* The kernel's own entry is that alone: it has no sections that could leave. */
static bool ReadImage(DEBUGGER *Debugger, uint64_t Record, IMAGE_RECORD *Image)
{
    uint64_t Name;
    *Image = (IMAGE_RECORD){.Record = Record};
    if (!STRUCTURE_READ(Debugger, Record, LOADER_ENTRY, {"DllBase", &Image->Base},
                        {"SizeOfImage", &Image->Size}) ||
        !StructureOffset(Debugger, LOADER_ENTRY, "BaseDllName", &Name) ||
        !StructureString(Debugger, Record + Name, Image->Name, sizeof(Image->Name))) {
        return false;
    }
    return Image->Base == Debugger->Target->Version.KernBase ||
           STRUCTURE_READ(Debugger, Record, IMAGE, {"WholePaged", &Image->WholePaged},
                          {"SectionCount", &Image->SectionCount});
}

static bool ReadSection(DEBUGGER *Debugger, uint64_t Record, SECTION_RECORD *Section)
{
    uint64_t Name;
    return STRUCTURE_READ(Debugger, Record, SECTION, {"Address", &Section->Address},
                          {"Pages", &Section->Pages}, {"Pageable", &Section->Pageable},
                          {"Discard", &Section->Discard}, {"Discarded", &Section->Discarded},
                          {"Resident", &Section->Resident}, {"LockCount", &Section->LockCount},
                          {"LockedBy", &Section->LockedBy}) &&
           StructureOffset(Debugger, SECTION, "Name", &Name) &&
           StructureChars(Debugger, Record + Name, 9, Section->Name, sizeof(Section->Name));
}

/* By file name, with or without its extension, or an address in it ("" is all). */
static bool ImageMatches(const IMAGE_RECORD *Image, const char *Name, uint64_t Address)
{
    size_t Length = strlen(Name);
    if (Length != 0 && strncasecmp(Image->Name, Name, Length) == 0 &&
        (Image->Name[Length] == 0 || Image->Name[Length] == '.')) {
        return true;
    }
    return Address != 0 && Address - Image->Base < Image->Size;
}

static const char *SectionAttributes(const IMAGE_RECORD *Image, const SECTION_RECORD *Section)
{
    if (Section->Discarded) {
        return "discarded";
    }
    if (Section->LockCount != 0 && (Section->Pageable || Image->WholePaged)) {
        return "pageable, locked";
    }
    if (Section->Pageable) {
        return "pageable";
    }
    if (Section->Discard) {
        return "until init ends";
    }
    return Image->WholePaged && !Section->Resident ? "paged as a whole" : "nonpaged";
}

static bool PrintSection(DEBUGGER *Debugger, const IMAGE_RECORD *Image,
                         const SECTION_RECORD *Section)
{
    PAGE_COUNTS Counts = {0};
    char Address[DEBUG_ADDRESS_SIZE], By[400], File[256];
    unsigned Line;
    uint64_t Pages = Section->Discarded ? 0 : Section->Pages;
    if (Pages > MAX_SECTION_PAGES) {
        return DebuggerError(Debugger, "section %s has %llx pages, which cannot be", Section->Name,
                             (unsigned long long)Pages);
    }
    if (!PageRangeCount(Debugger, Section->Address, Pages, &Counts)) {
        return false;
    }
    DebuggerPrint(Debugger, "%s  %-8s %5llu  %-16s %5llu %8llu %7llu %8llu %5llu\n",
                  DebugAddressText(Section->Address, Address),
                  Section->Name[0] ? Section->Name : "headers", (unsigned long long)Pages,
                  SectionAttributes(Image, Section), (unsigned long long)Section->LockCount,
                  (unsigned long long)Counts.Resident, (unsigned long long)Counts.Standby,
                  (unsigned long long)Counts.Modified, (unsigned long long)Counts.Out);
    if (Section->LockCount != 0 && Section->LockedBy != 0) {
        DebugSymbolText(Debugger, Section->LockedBy, By, sizeof(By));
        bool HasLine = DebugSymbolLine(Debugger, Section->LockedBy, false, File, sizeof(File),
                                       &Line);
        DebuggerPrint(Debugger, "%27slast locked by %s", "", By);
        DebuggerPrint(Debugger, HasLine ? " [%s @ %u]\n" : "\n", File, Line);
    }
    return true;
}

static bool PrintImage(DEBUGGER *Debugger, const IMAGE_RECORD *Image)
{
    uint64_t First, Size;
    char Start[DEBUG_ADDRESS_SIZE], End[DEBUG_ADDRESS_SIZE];
    if (!StructureOffset(Debugger, IMAGE, "Section", &First) ||
        !StructureSize(Debugger, SECTION, &Size)) {
        return false;
    }
    if (Image->SectionCount > MAX_SECTIONS) {
        return DebuggerError(Debugger, "%s has %llu sections, which cannot be", Image->Name,
                             (unsigned long long)Image->SectionCount);
    }
    DebuggerPrint(Debugger, "\n%s  %s - %s%s\n", Image->Name, DebugAddressText(Image->Base, Start),
                  DebugAddressText(Image->Base + Image->Size, End),
                  Image->WholePaged ? "  MmPageEntireDriver is in force" : "");
    if (Image->SectionCount == 0) {
        DebuggerPrint(Debugger, "  nonpaged as a whole\n");
        return true;
    }
    DebuggerPrint(Debugger, "start              section  pages  attributes       locks resident "
                  "standby modified   out\n");
    for (uint64_t i = 0; i < Image->SectionCount; i++) {
        SECTION_RECORD Section;
        if (!ReadSection(Debugger, Image->Record + First + i * Size, &Section) ||
            !PrintSection(Debugger, Image, &Section)) {
            return false;
        }
    }
    return true;
}

typedef bool EACH_IMAGE(DEBUGGER *Debugger, void *Context, const IMAGE_RECORD *Image);

/* Word: a module, an address in one, or "" for all. *Found: how many there were. */
static bool EachImage(DEBUGGER *Debugger, const char *Word, uint64_t Address, EACH_IMAGE *Each,
                      void *Context, unsigned *Found)
{
    uint64_t Head;
    *Found = 0;
    if (!VariableAddress(Debugger, "nt!PsLoadedModuleList", &Head)) {
        return false;
    }
    LIST_WALK Walk = ListBegin(Debugger, Head);
    while (ListNext(&Walk)) {
        IMAGE_RECORD Image;
        if (!ReadImage(Debugger, Walk.Entry, &Image)) {
            return false;
        }
        if (Word[0] != 0 && !ImageMatches(&Image, Word, Address)) {
            continue;
        }
        (*Found)++;
        if (!Each(Debugger, Context, &Image)) {
            return false;
        }
    }
    return !Walk.Failed;
}

static bool PrintEachImage(DEBUGGER *Debugger, void *Context, const IMAGE_RECORD *Image)
{
    return PrintImage(Debugger, Image);
}

/* !pageable [Module | Address] */
static bool PageableCommand(DEBUGGER *Debugger, const char *Arguments)
{
    unsigned Found;
    uint64_t Address;
    if (!EachImage(Debugger, Arguments, 0, PrintEachImage, NULL, &Found)) {
        return false;
    }
    if (Found != 0) {
        return true;
    }
    if (!ExpressionEvaluateAll(Debugger, Arguments, &Address) ||
        !EachImage(Debugger, Arguments, Address, PrintEachImage, NULL, &Found)) {
        return false;
    }
    return Found != 0 || DebuggerError(Debugger, "%s is in no loaded module", Arguments);
}

static bool TakeRange(DEBUGGER *Debugger, void *Context, const IMAGE_RECORD *Image)
{
    PAGE_IN_REQUEST *Request = Context;
    Request->Address = Image->Base;
    Request->Size = Image->Size;
    return true;
}

/* !pageout [Module | Address]: nothing named is everything that may leave. */
static bool PageOutCommand(DEBUGGER *Debugger, const char *Arguments)
{
    PAGE_IN_REQUEST Request = {.Kind = PageInOut};
    char Text[DEBUG_ADDRESS_SIZE];
    unsigned Found = 0;
    if (*Arguments != 0) {
        if (!EachImage(Debugger, Arguments, 0, TakeRange, &Request, &Found)) {
            return false;
        }
        Request.Size = Found != 0 ? Request.Size : PAGE_SIZE_4K;
        if (Found == 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Request.Address)) {
            return false;
        }
        Request.Address &= ~(uint64_t)(PAGE_SIZE_4K - 1);
    }
    /* A user page is that of the process that commands look at. */
    if (Request.Size != 0 && Request.Address >> 63 == 0 &&
        !DebugCurrentProcess(Debugger, &Request.Process)) {
        return false;
    }
    if (!PageInSchedule(Debugger, &Request)) {
        return false;
    }
    if (Request.Size == 0) {
        DebuggerPrint(Debugger, "The page-out of everything that may leave is scheduled.\n");
    } else {
        DebuggerPrint(Debugger, "The page-out of %s, %llx bytes, is scheduled.\n",
                      DebugAddressText(Request.Address, Text), (unsigned long long)Request.Size);
    }
    DebuggerPrint(Debugger, "Let the target run (type g); it breaks in again when that is done.\n");
    return true;
}

const DEBUGGER_COMMAND CommandsPageable[] = {
    {"!pageable", PageableCommand, "!pageable [Module | Address]",
     "The sections of drivers: may their pages leave, who locked them, where are they.", false},
    {"!pageout", PageOutCommand, "!pageout [Module | Address]",
     "Takes pages out to the paging file, once the target runs; it then breaks in.", true},
    {0},
};
