/* SPDX-License-Identifier: MIT */
#include "host/gdb/symbol_file.h"

#include <elf.h>
#include <string.h>

#include "host/gdb/dwarf.h"

#define FIRST_RVA 0x1000u /* no names in the headers */

enum {
    SectionNone,
    SectionText,
    SectionSymbols,
    SectionStrings,
    SectionAbbreviations,
    SectionInfo,
    SectionLines,
    SectionFrames,
    SectionNames,
    SectionCount,
};

static const struct {
    const char *Name;
    uint32_t Type, Link, EntrySize;
} Sections[SectionCount] = {
    [SectionNone] = {"", SHT_NULL, 0, 0},
    [SectionText] = {".text", SHT_NOBITS, 0, 0},
    [SectionSymbols] = {".symtab", SHT_SYMTAB, SectionStrings, sizeof(Elf64_Sym)},
    [SectionStrings] = {".strtab", SHT_STRTAB, 0, 0},
    [SectionAbbreviations] = {".debug_abbrev", SHT_PROGBITS, 0, 0},
    [SectionInfo] = {".debug_info", SHT_PROGBITS, 0, 0},
    [SectionLines] = {".debug_line", SHT_PROGBITS, 0, 0},
    [SectionFrames] = {".debug_frame", SHT_PROGBITS, 0, 0},
    [SectionNames] = {".shstrtab", SHT_STRTAB, 0, 0},
};

/* All names: code and data, exports and what the linker made. */
static void PutSymbols(const SYMBOL_FILE_IMAGE *Image, BYTE_BUFFER *Symbols, BYTE_BUFFER *Strings)
{
    const Elf64_Sym None = {0};
    BufferPut(Symbols, &None, sizeof(None));
    BufferString(Strings, "");
    for (uint32_t i = 0; i < Image->Table->NameCount; i++) {
        const SYMBOL_NAME *Name = &Image->Table->Names[i];
        unsigned Type = Name->Kind == SymbolFunction ? STT_FUNC
                        : Name->Kind == SymbolData ? STT_OBJECT : STT_NOTYPE;
        Elf64_Sym Symbol = {
            .st_name = (Elf64_Word)Strings->Used,
            .st_info = ELF64_ST_INFO(STB_GLOBAL, Type),
            .st_shndx = SectionText,
            .st_value = Name->Rva,
            .st_size = Name->Size,
        };
        if (Name->Rva >= FIRST_RVA && Name->Rva < Image->Size) {
            BufferPut(Symbols, &Symbol, sizeof(Symbol));
            BufferString(Strings, SymbolTableText(Image->Table, Name));
        }
    }
}

static void PutSectionHeaders(const SYMBOL_FILE_IMAGE *Image, BYTE_BUFFER *Out,
                              const size_t Offsets[SectionCount + 1])
{
    uint32_t NameOffset = 0;
    for (unsigned i = 0; i < SectionCount; i++) {
        bool Text = i == SectionText;
        Elf64_Shdr Header = {
            .sh_name = NameOffset,
            .sh_type = Sections[i].Type,
            .sh_flags = Text ? SHF_ALLOC | SHF_EXECINSTR : 0,
            .sh_addr = Text ? FIRST_RVA : 0,
            .sh_offset = i != SectionNone ? Offsets[i] : 0,
            .sh_size = Text ? Image->Size - FIRST_RVA : Offsets[i + 1] - Offsets[i],
            .sh_link = Sections[i].Link,
            .sh_info = i == SectionSymbols ? 1 : 0, /* the first one that is not local */
            .sh_addralign = 1,
            .sh_entsize = Sections[i].EntrySize,
        };
        BufferPut(Out, &Header, sizeof(Header));
        NameOffset += (uint32_t)strlen(Sections[i].Name) + 1;
    }
}

void SymbolFileMake(const SYMBOL_FILE_IMAGE *Image, BYTE_BUFFER *Out)
{
    BYTE_BUFFER Parts[SectionCount] = {0};
    size_t Offsets[SectionCount + 1];
    Elf64_Ehdr Header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(Header),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SectionCount,
        .e_shstrndx = SectionNames,
    };

    PutSymbols(Image, &Parts[SectionSymbols], &Parts[SectionStrings]);
    DwarfPutAbbreviations(&Parts[SectionAbbreviations]);
    DwarfPutInfo(&Parts[SectionInfo], Image->Table, Image->Name, Image->Size);
    DwarfPutLines(&Parts[SectionLines], Image->Table);
    DwarfPutFrames(&Parts[SectionFrames], &Image->Unwind);
    for (unsigned i = 0; i < SectionCount; i++) {
        BufferString(&Parts[SectionNames], Sections[i].Name);
    }
    BufferPut(Out, &Header, sizeof(Header));
    for (unsigned i = 0; i < SectionCount; i++) {
        Offsets[i] = Out->Used;
        Out->Failed = Out->Failed || Parts[i].Failed;
        if (Parts[i].Used != 0) {
            BufferPut(Out, Parts[i].Bytes, Parts[i].Used);
        }
        BufferFree(&Parts[i]);
    }
    Offsets[SectionCount] = Out->Used;
    if (!Out->Failed) {
        Header.e_shoff = Out->Used;
        memcpy(Out->Bytes, &Header, sizeof(Header));
    }
    PutSectionHeaders(Image, Out, Offsets);
}
