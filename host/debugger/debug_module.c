/* SPDX-License-Identifier: MIT */
#include "host/debugger/debug_module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/input/driver_file.h"
#include "host/symbols/pdb_types.h"
#include "host/text/text.h"

#define MODULE_PAGE 0x1000u
#define MODULE_MAX_IMAGE (256u << 20) /* bytes; a larger one is not kept here */
#define MODULE_MAX_FILE (256u << 20)

DEBUG_MODULE_DATA *DebugModuleData(DEBUG_MODULE *Module)
{
    if (Module->Private == NULL) {
        Module->Private = calloc(1, sizeof(DEBUG_MODULE_DATA));
    }
    return Module->Private;
}

static void DebugImageFree(DEBUG_IMAGE *Image)
{
    free(Image->Bytes);
    free(Image->Present);
    *Image = (DEBUG_IMAGE){0};
}

void DebugModuleFree(DEBUG_MODULE *Module)
{
    DEBUG_MODULE_DATA *Data = Module->Private;
    if (Data != NULL) {
        DebugImageFree(&Data->Image);
        SymbolTableFree(&Data->Table);
        if (Data->Types != NULL) {
            PdbTypesFree(Data->Types);
            free(Data->Types);
        }
        free(Data);
        Module->Private = NULL;
    }
}

/* Have all pages of the range been read? Reads those that have not. */
static bool DebugImageFill(DEBUGGER *Debugger, uint64_t Base, DEBUG_IMAGE *Image, uint32_t Rva,
                           uint32_t Size)
{
    if (Image->Bytes == NULL || Rva >= Image->Size || Size > Image->Size - Rva) {
        return false;
    }
    for (uint32_t Page = Rva / MODULE_PAGE;
         !Image->FromFile && (uint64_t)Page * MODULE_PAGE < (uint64_t)Rva + Size; Page++) {
        uint32_t Start = Page * MODULE_PAGE;
        uint32_t Length = Image->Size - Start < MODULE_PAGE ? Image->Size - Start : MODULE_PAGE;
        if (Image->Present[Page] == 0 &&
            DebugReadSome(Debugger, Base + Start, Image->Bytes + Start, Length) != Length) {
            return false;
        }
        Image->Present[Page] = 1;
    }
    return true;
}

/* The image as far as the target's memory has it now. */
static void DebugImageFromTarget(DEBUGGER *Debugger, DEBUG_MODULE *Module, DEBUG_IMAGE *Image)
{
    PE_ERROR Error;

    if (Module->Size < MODULE_PAGE || Module->Size > MODULE_MAX_IMAGE) {
        return;
    }
    Image->Size = (uint32_t)Module->Size;
    Image->Bytes = calloc(1, Image->Size);
    Image->Present = calloc(1, Image->Size / MODULE_PAGE + 1);
    if (Image->Bytes == NULL || Image->Present == NULL) {
        DebugImageFree(Image);
        return;
    }
    Image->HasPe = DebugImageFill(Debugger, Module->Base, Image, 0, MODULE_PAGE) &&
                   PeMappedOpen(&Image->Pe, Image->Bytes, Image->Size, &Error);
}

/* The file laid out as in memory; false unless it is the image that the target loaded. */
static bool DebugImageFromFile(const DEBUG_MODULE *Module, const char *Path, DEBUG_IMAGE *Image)
{
    char Reason[256];
    size_t Size;
    PE_IMAGE File;
    PE_ERROR Error;
    bool Good = false;
    void *Bytes = FileReadWhole(Path, MODULE_MAX_FILE, &Size, Reason, sizeof(Reason));

    if (Bytes != NULL && PeImageOpen(&File, Bytes, Size, &Error) &&
        File.TimeDateStamp == Module->TimeDateStamp && File.SizeOfImage == Module->Size &&
        File.SizeOfImage <= MODULE_MAX_IMAGE) {
        Image->Size = File.SizeOfImage;
        Image->Bytes = malloc(Image->Size);
        Good = Image->Bytes != NULL &&
               PeImageLoad(&File, Image->Bytes, Image->Size, Module->Base, &Error) &&
               PeMappedOpen(&Image->Pe, Image->Bytes, Image->Size, &Error);
        Image->FromFile = Image->HasPe = Good;
        if (!Good) {
            DebugImageFree(Image);
        }
    }
    free(Bytes);
    return Good;
}

/* The RSDS record. The debug directory says where it is, so those pages are read first. */
static void DebugModuleReadRsds(DEBUGGER *Debugger, DEBUG_MODULE *Module, DEBUG_IMAGE *Image)
{
    DEBUG_MODULE_DATA *Data = Module->Private;
    PE_CODEVIEW CodeView;
    PE_ERROR Error;

    if (!Image->HasPe) {
        return;
    }
    PE_DIRECTORY Directory = PeImageDirectory(&Image->Pe, IMAGE_DIRECTORY_ENTRY_DEBUG);
    if (Directory.Rva == 0 || Directory.Size > MODULE_PAGE ||
        !DebugImageFill(Debugger, Module->Base, Image, Directory.Rva, Directory.Size)) {
        return;
    }
    for (uint32_t i = 0; i + sizeof(IMAGE_DEBUG_DIRECTORY) <= Directory.Size;
         i += sizeof(IMAGE_DEBUG_DIRECTORY)) {
        IMAGE_DEBUG_DIRECTORY Entry;
        memcpy(&Entry, Image->Bytes + Directory.Rva + i, sizeof(Entry));
        DebugImageFill(Debugger, Module->Base, Image, Entry.AddressOfRawData,
                       Entry.SizeOfData < MODULE_PAGE ? Entry.SizeOfData : MODULE_PAGE);
    }
    if (PeImageCodeView(&Image->Pe, &CodeView, &Error)) {
        char Path[1100];
        memcpy(Module->PdbGuid, CodeView.Guid, sizeof(Module->PdbGuid));
        Module->PdbAge = CodeView.Age;
        snprintf(Path, sizeof(Path), "%.*s", (int)CodeView.PathLength, CodeView.Path);
        for (char *c = Path; *c != 0; c++) {
            *c = *c == '\\' ? '/' : *c;
        }
        TextCleanString(Data->PdbName, sizeof(Data->PdbName), TextBaseName(Path));
    }
}

/* The next directory of the symbol path; "srv*..." entries are passed over: there is no server. */
static bool DebugNextDirectory(const char **Path, char *Out, size_t Capacity)
{
    while (**Path != 0) {
        size_t Length = strcspn(*Path, ";:");
        const char *Begin = *Path;
        *Path += Length + ((*Path)[Length] != 0);
        if (Length != 0 && Length < Capacity && memchr(Begin, '*', Length) == NULL) {
            memcpy(Out, Begin, Length);
            Out[Length] = 0;
            return true;
        }
    }
    return false;
}

/* Tries DIRECTORY/Name and DIRECTORY/Name/Index/Name for each directory, with Accept. */
static bool DebugSearchPath(DEBUGGER *Debugger, DEBUG_MODULE *Module, const char *Name,
                            const char *Index, char Found[1024],
                            bool (*Accept)(DEBUGGER *Debugger, DEBUG_MODULE *Module,
                                           const char *Path))
{
    const char *Path = Debugger->SymbolPath;
    char Directory[1024];

    if (Name[0] == 0 || strchr(Name, '/') != NULL || strcmp(Name, "..") == 0) {
        return false;
    }
    while (DebugNextDirectory(&Path, Directory, sizeof(Directory))) {
        for (unsigned Form = 0; Form < 2; Form++) {
            int Length = Form == 0 ? snprintf(Found, 1024, "%s/%s", Directory, Name)
                                   : snprintf(Found, 1024, "%s/%s/%s/%s", Directory, Name, Index,
                                              Name);
            if (Length > 0 && Length < 1024 && access(Found, R_OK) == 0 &&
                Accept(Debugger, Module, Found)) {
                return true;
            }
        }
    }
    Found[0] = 0;
    return false;
}

static bool DebugAcceptImage(DEBUGGER *Debugger, DEBUG_MODULE *Module, const char *Path)
{
    DEBUG_MODULE_DATA *Data = Module->Private;
    DEBUG_IMAGE Image = {0};

    if (!DebugImageFromFile(Module, Path, &Image)) {
        return false;
    }
    DebugImageFree(&Data->Image);
    Data->Image = Image;
    return true;
}

void DebugModuleFindImage(DEBUGGER *Debugger, DEBUG_MODULE *Module)
{
    DEBUG_MODULE_DATA *Data = DebugModuleData(Module);
    char Index[32], Other[330];

    if (Data == NULL || Data->ImageTried) {
        return;
    }
    Data->ImageTried = true;
    DebugImageFromTarget(Debugger, Module, &Data->Image);
    DebugModuleReadRsds(Debugger, Module, &Data->Image);
    if (Data->Image.HasPe) {
        Module->TimeDateStamp = Data->Image.Pe.TimeDateStamp;
    }
    snprintf(Index, sizeof(Index), "%08X%x", Module->TimeDateStamp, (unsigned)Module->Size);
    if (!DebugSearchPath(Debugger, Module, Module->ImageName, Index, Module->ImagePath,
                         DebugAcceptImage)) {
        /* The target may know it by another name than its maker: that of its PDB. */
        const char *Extension = strrchr(Module->ImageName, '.');
        const char *Dot = strrchr(Data->PdbName, '.');
        snprintf(Other, sizeof(Other), "%.*s%s",
                 Dot != NULL ? (int)(Dot - Data->PdbName) : 0, Data->PdbName,
                 Extension != NULL ? Extension : "");
        DebugSearchPath(Debugger, Module, Other, Index, Module->ImagePath, DebugAcceptImage);
    }
    if (Data->PdbName[0] == 0) {
        DebugModuleReadRsds(Debugger, Module, &Data->Image);
    }
}

/* 34D4049EC82179C64C4C44205044422E1: as symbol stores name their folders. */
static void DebugGuidText(const uint8_t Guid[16], uint32_t Age, char Out[48])
{
    static const uint8_t Place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 16; i++) {
        snprintf(Out + 2 * i, 3, "%02X", Guid[Place[i]]);
    }
    snprintf(Out + 32, 16, "%X", Age);
}

static bool DebugAcceptPdb(DEBUGGER *Debugger, DEBUG_MODULE *Module, const char *Path)
{
    PDB_IDENTITY Identity;
    char Error[800], Clean[512], Wanted[48], Has[48];

    if (!PdbReadIdentity(Path, &Identity, Error, sizeof(Error))) {
        DebuggerPrint(Debugger, "*** %s\n", Error);
        return false;
    }
    if (memcmp(Identity.Guid, Module->PdbGuid, 16) != 0 || Identity.Age != Module->PdbAge) {
        DebugGuidText(Module->PdbGuid, Module->PdbAge, Wanted);
        DebugGuidText(Identity.Guid, Identity.Age, Has);
        TextCleanString(Clean, sizeof(Clean), Path);
        DebuggerPrint(Debugger, "*** %s is of another build of %s: it is %s, not %s\n", Clean,
                      Module->ImageName, Has, Wanted);
        return false;
    }
    return true;
}

/* What the linker wrote as the PDB's place counts as a last folder to look in: beside the image. */
static bool DebugFindPdb(DEBUGGER *Debugger, DEBUG_MODULE *Module)
{
    DEBUG_MODULE_DATA *Data = Module->Private;
    char Index[48], Beside[1400];

    if (Data->PdbName[0] == 0) {
        return false;
    }
    const char *Slash = strrchr(Module->ImagePath, '/');
    if (Slash != NULL) {
        int Length = snprintf(Beside, sizeof(Beside), "%.*s/%s",
                              (int)(Slash - Module->ImagePath), Module->ImagePath, Data->PdbName);
        if (Length < (int)sizeof(Module->PdbPath) && access(Beside, R_OK) == 0 &&
            DebugAcceptPdb(Debugger, Module, Beside)) {
            memcpy(Module->PdbPath, Beside, (size_t)Length + 1);
            return true;
        }
    }
    DebugGuidText(Module->PdbGuid, Module->PdbAge, Index);
    return DebugSearchPath(Debugger, Module, Data->PdbName, Index, Module->PdbPath,
                           DebugAcceptPdb);
}

static void DebugLoadExports(DEBUGGER *Debugger, DEBUG_MODULE *Module)
{
    DEBUG_MODULE_DATA *Data = Module->Private;
    PE_EXPORT Export;
    PE_ERROR Error;

    if (!Data->Image.HasPe) {
        return;
    }
    PE_DIRECTORY Directory = PeImageDirectory(&Data->Image.Pe, IMAGE_DIRECTORY_ENTRY_EXPORT);
    if (Directory.Rva == 0 || !DebugImageFill(Debugger, Module->Base, &Data->Image, Directory.Rva,
                                              Directory.Size)) {
        return;
    }
    for (uint32_t i = 0;
         PeImageNamedExport(&Data->Image.Pe, i, &Export, &Error) == PeStepItem; i++) {
        SYMBOL_NAME Name = {.Rva = Export.Rva, .Kind = SymbolExport};
        if (!Export.Forwarder && Export.Rva != 0 &&
            !SymbolTableAddName(&Data->Table, Name, Export.Name, Export.NameLength)) {
            break;
        }
    }
    if (!SymbolTableSort(&Data->Table)) {
        SymbolTableFree(&Data->Table);
    }
    Data->FromExports = true;
}

const SYMBOL_TABLE *DebugModuleSymbols(DEBUGGER *Debugger, DEBUG_MODULE *Module)
{
    char Error[800];

    if (!Module->SymbolsTried) {
        DEBUG_MODULE_DATA *Data = DebugModuleData(Module);
        if (Data == NULL) {
            return NULL;
        }
        Module->SymbolsTried = true;
        DebugModuleFindImage(Debugger, Module);
        if (DebugFindPdb(Debugger, Module)) {
            Module->SymbolsLoaded =
                PdbReadSymbols(Module->PdbPath, &Data->Table, Error, sizeof(Error));
            if (!Module->SymbolsLoaded) {
                DebuggerPrint(Debugger, "*** %s\n", Error);
            }
        }
        if (!Module->SymbolsLoaded) {
            DebugLoadExports(Debugger, Module);
            DebuggerPrint(Debugger, "*** no PDB for %s%s; .sympath tells where to look\n",
                          Module->ImageName,
                          Data->Table.NameCount != 0 ? ": its exports are the names" : "");
        }
    }
    DEBUG_MODULE_DATA *Data = Module->Private;
    return Data != NULL && Data->Table.NameCount != 0 ? &Data->Table : NULL;
}

const void *DebugModuleBytes(DEBUGGER *Debugger, DEBUG_MODULE *Module, uint32_t Rva, uint32_t Size)
{
    DebugModuleFindImage(Debugger, Module);
    DEBUG_MODULE_DATA *Data = Module->Private;
    return Data != NULL && DebugImageFill(Debugger, Module->Base, &Data->Image, Rva, Size)
               ? Data->Image.Bytes + Rva
               : NULL;
}
