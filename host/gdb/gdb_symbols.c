/* SPDX-License-Identifier: MIT */
/* The command `pageable gdb-symbols`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/gdb/symbol_file.h"
#include "host/input/driver_file.h"
#include "host/symbols/pdb_symbols.h"
#include "host/text/exit_codes.h"
#include "host/text/text.h"
#include "lib/pe_image.h"

#define IMAGE_LIMIT (256u << 20)

typedef struct {
    const char *Path, *Output;
    uint8_t *Mapped; /* the image as in memory */
    PE_IMAGE Pe;
    SYMBOL_TABLE Table;
    char Error[1200];
} GDB_SYMBOLS;

static bool GdbFail(GDB_SYMBOLS *Symbols, const char *Path, const char *Text)
{
    char Clean[512];
    TextCleanString(Clean, sizeof(Clean), Path);
    snprintf(Symbols->Error, sizeof(Symbols->Error), "%s: %s", Clean, Text);
    return false;
}

static bool GdbReadImage(GDB_SYMBOLS *Symbols)
{
    size_t Size;
    PE_IMAGE File;
    PE_ERROR Error = {.Rule = "not enough memory"};
    void *Bytes = FileReadWhole(Symbols->Path, IMAGE_LIMIT, &Size, Symbols->Error,
                                sizeof(Symbols->Error));
    if (Bytes == NULL) {
        return false;
    }
    bool Good = PeImageOpen(&File, Bytes, Size, &Error);
    if (Good && File.SizeOfImage <= IMAGE_LIMIT) {
        Symbols->Mapped = calloc(1, File.SizeOfImage);
    }
    Good = Good && Symbols->Mapped != NULL &&
           PeImageLoad(&File, Symbols->Mapped, File.SizeOfImage, File.ImageBase, &Error) &&
           PeMappedOpen(&Symbols->Pe, Symbols->Mapped, File.SizeOfImage, &Error);
    free(Bytes);
    return Good || GdbFail(Symbols, Symbols->Path, Error.Rule);
}

/* The PDB beside the image, of the name that the image records. */
static bool GdbReadPdb(GDB_SYMBOLS *Symbols)
{
    char Recorded[PE_MAX_PATH + 1], Path[4096];
    const char *Slash = strrchr(Symbols->Path, '/');
    PE_CODEVIEW CodeView;
    PDB_IDENTITY Identity;
    PE_ERROR Error;

    if (!PeImageCodeView(&Symbols->Pe, &CodeView, &Error)) {
        return GdbFail(Symbols, Symbols->Path, "the image names no PDB");
    }
    snprintf(Recorded, sizeof(Recorded), "%.*s", (int)CodeView.PathLength, CodeView.Path);
    for (char *c = Recorded; *c != 0; c++) {
        *c = *c == '\\' ? '/' : *c;
    }
    snprintf(Path, sizeof(Path), "%.*s%s",
             Slash != NULL ? (int)(Slash - Symbols->Path) + 1 : 0, Symbols->Path,
             TextBaseName(Recorded));
    if (access(Path, R_OK) != 0) {
        return GdbFail(Symbols, Path, strerror(errno));
    }
    if (!PdbReadIdentity(Path, &Identity, Symbols->Error, sizeof(Symbols->Error))) {
        return false;
    }
    if (memcmp(Identity.Guid, CodeView.Guid, sizeof(Identity.Guid)) != 0 ||
        Identity.Age != CodeView.Age) {
        return GdbFail(Symbols, Path, "the PDB is of another build of the image");
    }
    return PdbReadSymbols(Path, &Symbols->Table, Symbols->Error, sizeof(Symbols->Error));
}

static PVOID GdbImageBytes(const UNWIND_IMAGE *Image, ULONG Rva, SIZE_T Size)
{
    return (uint8_t *)Image->Context + Rva;
}

static bool GdbWrite(GDB_SYMBOLS *Symbols, const BYTE_BUFFER *Bytes)
{
    FILE *File = fopen(Symbols->Output, "we");
    if (File == NULL) {
        return GdbFail(Symbols, Symbols->Output, strerror(errno));
    }
    bool Good = fwrite(Bytes->Bytes, 1, Bytes->Used, File) == Bytes->Used;
    Good = fclose(File) == 0 && Good;
    return Good || GdbFail(Symbols, Symbols->Output, "could not be written whole");
}

static bool GdbRun(GDB_SYMBOLS *Symbols)
{
    BYTE_BUFFER Bytes = {0};
    if (!GdbReadImage(Symbols) || !GdbReadPdb(Symbols)) {
        return false;
    }
    PE_DIRECTORY Table = PeImageDirectory(&Symbols->Pe, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    SYMBOL_FILE_IMAGE Image = {
        .Name = TextBaseName(Symbols->Path),
        .Size = Symbols->Pe.SizeOfImage,
        .Table = &Symbols->Table,
        .Unwind = {
            .Size = Symbols->Pe.SizeOfImage,
            .TableRva = Table.Rva,
            .TableCount = Table.Rva != 0 ? Table.Size / (uint32_t)sizeof(RUNTIME_FUNCTION) : 0,
            .Bytes = GdbImageBytes,
            .Context = Symbols->Mapped,
        },
    };
    SymbolFileMake(&Image, &Bytes);
    bool Good = Bytes.Failed ? GdbFail(Symbols, Symbols->Path, "not enough memory")
                             : GdbWrite(Symbols, &Bytes);
    BufferFree(&Bytes);
    return Good;
}

int GdbSymbolsCommand(int Count, char **Arguments)
{
    GDB_SYMBOLS Symbols = {0};
    if (Count != 3 || strcmp(Arguments[1], "-o") != 0) {
        fprintf(stderr, "pageable: gdb-symbols: see `pageable help gdb-symbols`\n");
        return ExitUsage;
    }
    Symbols.Path = Arguments[0];
    Symbols.Output = Arguments[2];
    bool Good = GdbRun(&Symbols);
    if (!Good) {
        fprintf(stderr, "pageable: %s\n", Symbols.Error);
    }
    free(Symbols.Mapped);
    SymbolTableFree(&Symbols.Table);
    return Good ? ExitClean : ExitEnvironment;
}
