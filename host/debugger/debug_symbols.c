/* SPDX-License-Identifier: MIT */
/*
 * The target's modules and the names in them. PsLoadedModuleList is the target's word: it is
 * followed at most DEBUGGER_MAX_MODULES entries far, each entry's fields are bounded, and names are
 * cleaned. Offsets of an entry are those of facts on x64 kernels (LDR_DATA_TABLE_ENTRY).
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/debugger/debug_module.h"
#include "host/text/text.h"
#include "lib/pe_bytes.h"

#define LDR_BASE 0x30u
#define LDR_SIZE_OF_IMAGE 0x40u
#define LDR_BASE_NAME 0x58u
#define LDR_CHECK_SUM 0x78u
#define LDR_TIME_DATE_STAMP 0x80u
#define LDR_BYTES 0x88u
#define LDR_MAX_NAME 128u /* bytes of UTF-16 */
#define KERNEL_SPACE 0xffff800000000000ull

/* A UNICODE_STRING, what is not ASCII as '?'. */
static bool DebugReadName(DEBUGGER *Debugger, const uint8_t *String, char Out[64])
{
    uint16_t Length, Wide[LDR_MAX_NAME / 2];
    size_t Used = 0;

    memcpy(&Length, String, sizeof(Length));
    Length = Length < LDR_MAX_NAME ? Length & ~1u : LDR_MAX_NAME;
    if (Length == 0 || !TargetRead(Debugger->Target, PeRead64(String, 8), Wide, Length)) {
        return false;
    }
    for (; Used < Length / 2u && Used < 63; Used++) {
        bool Visible = Wide[Used] > 0x20 && Wide[Used] < 0x7f && Wide[Used] != '/';
        Out[Used] = Visible ? (char)Wide[Used] : '?';
    }
    Out[Used] = 0;
    return true;
}

/* The name in commands: without extension, only what an expression can hold; the kernel is nt. */
static void DebugNameModule(DEBUG_MODULE *Module)
{
    static const char *const Kernels[] = {"ntoskrnl", "ntkrnlmp", "ntkrnlpa", "ntkrpamp"};

    memcpy(Module->Name, Module->ImageName, sizeof(Module->Name));
    char *Dot = strrchr(Module->Name, '.');
    if (Dot != NULL && Dot != Module->Name) {
        *Dot = 0;
    }
    for (char *c = Module->Name; *c != 0; c++) {
        bool Plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= 'A' && *c <= 'Z') || *c == '_';
        *c = Plain ? *c : '_';
    }
    for (size_t i = 0; i < sizeof(Kernels) / sizeof(Kernels[0]); i++) {
        if (strcasecmp(Module->Name, Kernels[i]) == 0) {
            snprintf(Module->Name, sizeof(Module->Name), "nt");
        }
    }
}

static bool DebugReadModule(DEBUGGER *Debugger, const uint8_t *Entry, DEBUG_MODULE *Module)
{
    *Module = (DEBUG_MODULE){0};
    Module->Base = PeRead64(Entry, LDR_BASE);
    Module->Size = PeRead32(Entry, LDR_SIZE_OF_IMAGE);
    Module->CheckSum = PeRead32(Entry, LDR_CHECK_SUM);
    Module->TimeDateStamp = PeRead32(Entry, LDR_TIME_DATE_STAMP);
    if (Module->Base < KERNEL_SPACE || (Module->Base & 0xfff) != 0 || Module->Size == 0 ||
        Module->Size > PE_MAX_IMAGE_SIZE || Module->Base + Module->Size < Module->Base ||
        !DebugReadName(Debugger, Entry + LDR_BASE_NAME, Module->ImageName)) {
        return false;
    }
    DebugNameModule(Module);
    return true;
}

/* What is known of the same image stays known. */
static void DebugKeepModule(DEBUGGER *Debugger, DEBUG_MODULE *Module)
{
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Old = &Debugger->Modules[i];
        DEBUG_MODULE_DATA *Data = Old->Private;
        if (Old->Base == Module->Base && Old->Size == Module->Size &&
            Old->TimeDateStamp == Module->TimeDateStamp && Old->CheckSum == Module->CheckSum &&
            strcmp(Old->ImageName, Module->ImageName) == 0 && Data != NULL &&
            Data->Image.FromFile) {
            *Module = *Old;
            Old->Private = NULL;
            return;
        }
    }
}

bool DebugReload(DEBUGGER *Debugger)
{
    uint64_t Head = Debugger->Target->Version.PsLoadedModuleList, Link;
    uint8_t Entry[LDR_BYTES];
    unsigned Count = 0;
    char Text[DEBUG_ADDRESS_SIZE];

    if (Head == 0 || !TargetRead64(Debugger->Target, Head, &Link)) {
        return DebuggerError(Debugger, "The list of modules cannot be read: %s",
                             Head == 0 ? "the target does not say where it is"
                                       : Debugger->Target->Error);
    }
    DEBUG_MODULE *Modules = calloc(DEBUGGER_MAX_MODULES, sizeof(*Modules));
    if (Modules == NULL) {
        return DebuggerError(Debugger, "There is not enough memory for the list of modules");
    }
    bool Good = true;
    while (Link != Head && Count < DEBUGGER_MAX_MODULES) {
        if (!TargetRead(Debugger->Target, Link, Entry, sizeof(Entry))) {
            DebuggerError(Debugger, "The list of modules ends at %s, which cannot be read",
                          DebugAddressText(Link, Text));
            Good = false;
            break;
        }
        if (DebugReadModule(Debugger, Entry, &Modules[Count])) {
            DebugKeepModule(Debugger, &Modules[Count]);
            Count++;
        }
        uint64_t Next = PeRead64(Entry, 0);
        if (Next == Link || Next < KERNEL_SPACE) {
            break;
        }
        Link = Next;
    }
    DebugFreeSymbols(Debugger);
    memcpy(Debugger->Modules, Modules, Count * sizeof(*Modules));
    Debugger->ModuleCount = Count;
    free(Modules);
    return Good;
}

void DebugFreeSymbols(DEBUGGER *Debugger)
{
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DebugModuleFree(&Debugger->Modules[i]);
    }
    Debugger->ModuleCount = 0;
}

DEBUG_MODULE *DebugSetUserModule(DEBUGGER *Debugger, const DEBUG_MODULE *Module)
{
    unsigned Count = Debugger->ModuleCount;

    if (Count != 0 && Debugger->Modules[Count - 1].Base < KERNEL_SPACE) {
        DebugModuleFree(&Debugger->Modules[--Count]);
    }
    if (Count == DEBUGGER_MAX_MODULES) {
        return NULL;
    }
    Debugger->Modules[Count] = *Module;
    Debugger->ModuleCount = Count + 1;
    DebugNameModule(&Debugger->Modules[Count]);
    return &Debugger->Modules[Count];
}

DEBUG_MODULE *DebugFindModule(DEBUGGER *Debugger, uint64_t Address)
{
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Module = &Debugger->Modules[i];
        if (Address >= Module->Base && Address - Module->Base < Module->Size) {
            return Module;
        }
    }
    return NULL;
}

DEBUG_MODULE *DebugFindModuleByName(DEBUGGER *Debugger, const char *Name, size_t Length)
{
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Module = &Debugger->Modules[i];
        if (strlen(Module->Name) == Length && strncasecmp(Module->Name, Name, Length) == 0) {
            return Module;
        }
    }
    return NULL;
}

static bool DebugFindIn(DEBUGGER *Debugger, DEBUG_MODULE *Module, const char *Name, size_t Length,
                        uint64_t *Address)
{
    const SYMBOL_TABLE *Table = DebugModuleSymbols(Debugger, Module);
    const SYMBOL_NAME *Found = Table != NULL ? SymbolTableFind(Table, Name, Length) : NULL;
    if (Found != NULL) {
        *Address = Module->Base + Found->Rva;
    }
    return Found != NULL;
}

bool DebugSymbolAddress(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Address)
{
    const char *Mark = memchr(Name, '!', Length);

    if (Mark != NULL) {
        size_t ModuleLength = (size_t)(Mark - Name);
        DEBUG_MODULE *Module = DebugFindModuleByName(Debugger, Name, ModuleLength);
        return Module != NULL && DebugFindIn(Debugger, Module, Mark + 1, Length - ModuleLength - 1,
                                             Address);
    }
    DEBUG_MODULE *Module = DebugFindModuleByName(Debugger, Name, Length);
    if (Module != NULL) {
        *Address = Module->Base;
        return true;
    }
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        if (DebugFindIn(Debugger, &Debugger->Modules[i], Name, Length, Address)) {
            return true;
        }
    }
    return false;
}

bool DebugSymbolNear(DEBUGGER *Debugger, uint64_t Address, DEBUG_NAME *Name)
{
    DEBUG_MODULE *Module = DebugFindModule(Debugger, Address);

    *Name = (DEBUG_NAME){.Displacement = Address};
    if (Module == NULL) {
        return false;
    }
    uint32_t Rva = (uint32_t)(Address - Module->Base);
    const SYMBOL_TABLE *Table = DebugModuleSymbols(Debugger, Module);
    const SYMBOL_NAME *Near = Table != NULL ? SymbolTableNear(Table, Rva) : NULL;
    if (Near != NULL) {
        snprintf(Name->Text, sizeof(Name->Text), "%s!%s", Module->Name,
                 SymbolTableText(Table, Near));
        Name->Displacement = Rva - Near->Rva;
    } else {
        snprintf(Name->Text, sizeof(Name->Text), "%s", Module->Name);
        Name->Displacement = Rva;
    }
    return true;
}

void DebugSymbolText(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity)
{
    char Text[DEBUG_ADDRESS_SIZE];
    DEBUG_NAME Name;

    if (!DebugSymbolNear(Debugger, Address, &Name)) {
        snprintf(Out, Capacity, "%s", DebugAddressText(Address, Text));
    } else if (Name.Displacement == 0) {
        snprintf(Out, Capacity, "%s", Name.Text);
    } else {
        snprintf(Out, Capacity, "%s+0x%llx", Name.Text, (unsigned long long)Name.Displacement);
    }
}

bool DebugSymbolLine(DEBUGGER *Debugger, uint64_t Address, bool IsReturn, char *File,
                     size_t Capacity, unsigned *Line)
{
    uint64_t Code = IsReturn && Address != 0 ? Address - 1 : Address;
    DEBUG_MODULE *Module = DebugFindModule(Debugger, Code);
    const SYMBOL_TABLE *Table = Module != NULL ? DebugModuleSymbols(Debugger, Module) : NULL;
    const SYMBOL_LINE *Found =
        Table != NULL ? SymbolTableLine(Table, (uint32_t)(Code - Module->Base)) : NULL;
    if (Found != NULL) {
        snprintf(File, Capacity, "%s", Table->Strings.Bytes + Found->File);
        *Line = Found->Line;
    }
    return Found != NULL;
}

/* String constants are named alike and are many: only a pattern with a ` means them. */
static bool DebugMatches(const char *Pattern, const char *Name)
{
    return (Name[0] != '`' || strchr(Pattern, '`') != NULL) &&
           fnmatch(Pattern, Name, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}

bool DebugEachSymbol(DEBUGGER *Debugger, const char *Pattern, DEBUG_EACH_SYMBOL *Each,
                     void *Context)
{
    char ModulePattern[64];
    const char *Mark = strchr(Pattern, '!');

    snprintf(ModulePattern, sizeof(ModulePattern), "%.*s", Mark != NULL ? (int)(Mark - Pattern) : 1,
             Mark != NULL ? Pattern : "*");
    const char *NamePattern = Mark != NULL ? Mark + 1 : Pattern;
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Module = &Debugger->Modules[i];
        if (fnmatch(ModulePattern, Module->Name, FNM_CASEFOLD | FNM_NOESCAPE) != 0) {
            continue;
        }
        const SYMBOL_TABLE *Table = DebugModuleSymbols(Debugger, Module);
        for (uint32_t n = 0; Table != NULL && n < Table->NameCount; n++) {
            const char *Name = SymbolTableText(Table, &Table->Names[n]);
            if (DebugMatches(NamePattern, Name) &&
                !Each(Context, Module, Name, Module->Base + Table->Names[n].Rva)) {
                return false;
            }
        }
    }
    return true;
}
