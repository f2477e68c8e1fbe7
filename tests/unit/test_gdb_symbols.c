/* SPDX-License-Identifier: MIT */
/* sources: host/gdb/symbol_file.c host/gdb/dwarf_info.c host/gdb/dwarf_line.c host/gdb/dwarf_frame.c host/gdb/byte_buffer.c host/symbols/symbol_table.c host/symbols/string_pool.c host/text/text.c lib/unwind_data.c */
/* The ELF file that gdb gets: its bytes, by the DWARF and ELF specifications. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <string.h>

#include "host/gdb/symbol_file.h"

#define IMAGE_SIZE 0x8000u
#define TABLE 0x4000u
#define CODES 0x5000u

static _Alignas(16) uint8_t Image[IMAGE_SIZE];
static uint32_t Functions;

static PVOID ImageBytes(const UNWIND_IMAGE *Unwind, ULONG Rva, SIZE_T Size)
{
    assert_true(Rva <= IMAGE_SIZE && Size <= IMAGE_SIZE - Rva);
    return Image + Rva;
}

/* UNWIND_INFO: version and flags, prologue's size, count, frame register and offset, codes. */
static void AddFunction(uint32_t Begin, uint32_t End, const char *Unwind, size_t Size)
{
    const uint32_t Entry[3] = {Begin, End, CODES + Functions * 0x100};
    memcpy(Image + TABLE + Functions * sizeof(Entry), Entry, sizeof(Entry));
    memcpy(Image + Entry[2], Unwind, Size);
    Functions++;
}
#define ADD(begin, end, text) AddFunction(begin, end, text, sizeof(text) - 1)

static void Make(SYMBOL_TABLE *Table, BYTE_BUFFER *Out)
{
    const SYMBOL_FILE_IMAGE File = {
        .Name = "sample.sys",
        .Size = IMAGE_SIZE,
        .Table = Table,
        .Unwind = {.Size = IMAGE_SIZE, .TableRva = TABLE, .TableCount = Functions,
                   .Bytes = ImageBytes},
    };
    SymbolFileMake(&File, Out);
    assert_false(Out->Failed);
}

static const uint8_t *Section(const BYTE_BUFFER *File, const char *Name, uint64_t *Size)
{
    Elf64_Ehdr Header;
    Elf64_Shdr Shdr, Names;
    memcpy(&Header, File->Bytes, sizeof(Header));
    assert_memory_equal(Header.e_ident, "\177ELF\2\1\1", 7);
    assert_int_equal(Header.e_shoff + Header.e_shnum * sizeof(Shdr), File->Used);
    memcpy(&Names, File->Bytes + Header.e_shoff + Header.e_shstrndx * sizeof(Names),
           sizeof(Names));
    for (unsigned i = 0; i < Header.e_shnum; i++) {
        memcpy(&Shdr, File->Bytes + Header.e_shoff + i * sizeof(Shdr), sizeof(Shdr));
        if (strcmp((const char *)File->Bytes + Names.sh_offset + Shdr.sh_name, Name) == 0) {
            assert_true(Shdr.sh_type == SHT_NOBITS ||
                        Shdr.sh_offset + Shdr.sh_size <= File->Used);
            *Size = Shdr.sh_size;
            return File->Bytes + Shdr.sh_offset;
        }
    }
    fail_msg("no section %s", Name);
    return NULL;
}

/* The instructions of the FDE of a function, after its augmentation's length; NULL: it has none. */
static const uint8_t *FindFrame(const BYTE_BUFFER *File, uint64_t Begin, uint32_t *Common)
{
    uint64_t Size;
    const uint8_t *Bytes = Section(File, ".debug_frame", &Size);
    for (uint64_t Offset = 0; Offset + 8 < Size;) {
        uint32_t Length;
        uint64_t First;
        memcpy(&Length, Bytes + Offset, 4);
        memcpy(Common, Bytes + Offset + 4, 4);
        memcpy(&First, Bytes + Offset + 8, 8);
        assert_int_equal(Length % 8, 0);
        if (*Common != 0xffffffff && First == Begin) {
            return Bytes + Offset + 25;
        }
        Offset += 4 + Length;
    }
    return NULL;
}

#define CHECK(bytes, text) assert_memory_equal(bytes, text, sizeof(text) - 1)

static void frames_follow_the_unwind_codes(void **State)
{
    SYMBOL_TABLE Table = {0};
    BYTE_BUFFER Out = {0};
    uint32_t Common, Trap;
    Functions = 0;
    /* push rbx; sub rsp, 20h */
    ADD(0x1000, 0x1020, "\x01\x05\x02\x00\x05\x32\x01\x30");
    /* push rbp; sub rsp, 1000h; lea rbp, [rsp+20h]; mov [rsp+10h], rsi */
    ADD(0x1020, 0x1100, "\x01\x10\x06\x25\x10\x64\x02\x00\x0d\x03\x08\x01\x00\x02\x01\x50");
    /* a trap with an error code; sub rsp, 8 */
    ADD(0x1100, 0x1200, "\x01\x04\x02\x00\x04\x02\x00\x1a");
    ADD(0x1200, 0x1300, "\x03\x04\x01\x00\x04\x02");     /* an unknown version */
    ADD(0x1300, 0x1400, "\x01\x04\x01\x00\x04\x0f\0\0"); /* an unknown code */
    ADD(0x1500, 0x1400, "\x01\x00\x00\x00");             /* it ends before it begins */
    /* a fragment: nothing of its own, all of its parent's from the start */
    ADD(0x1600, 0x1610, "\x21\x00\x00\x00\x00\x10\x00\x00\x20\x10\x00\x00\x00\x50\x00\x00");
    Make(&Table, &Out);

    CHECK(FindFrame(&Out, 0x1000, &Common),
          "\x04\x01\x00\x00\x00\x0e\x10\x11\x03\x02\x04\x04\x00\x00\x00\x0e\x30");
    assert_int_equal(Common, 0);
    CHECK(FindFrame(&Out, 0x1020, &Common),
          "\x04\x01\x00\x00\x00\x0e\x10\x11\x06\x02" /* rbp at CFA-10h */
          "\x04\x07\x00\x00\x00\x0e\x90\x20"         /* 1010h */
          "\x04\x05\x00\x00\x00\x0c\x06\xf0\x1f"     /* CFA = rbp + 1010h - 20h */
          "\x04\x03\x00\x00\x00\x11\x04\x80\x04");   /* rsi at rsp+10h = CFA-1000h */
    CHECK(FindFrame(&Out, 0x1100, &Trap), "\x0e\x10\x11\x07\x7e"
                                          "\x04\x04\x00\x00\x00\x0e\x18");
    assert_int_not_equal(Trap, Common);
    assert_null(FindFrame(&Out, 0x1200, &Common));
    assert_null(FindFrame(&Out, 0x1300, &Common));
    assert_null(FindFrame(&Out, 0x1500, &Common));
    CHECK(FindFrame(&Out, 0x1600, &Common), "\x0e\x10\x11\x03\x02\x0e\x30\x00");
    BufferFree(&Out);
}

static void names_and_lines_are_there(void **State)
{
    SYMBOL_TABLE Table = {0};
    BYTE_BUFFER Out = {0};
    uint32_t File;
    uint64_t Size;
    Functions = 0;
    assert_true(StringPoolAdd(&Table.Strings, "a.c", 3, &File));
    assert_true(SymbolTableAddName(&Table, (SYMBOL_NAME){.Rva = 0x1010, .Size = 0x30,
                                                         .Kind = SymbolFunction}, "Work", 4));
    assert_true(SymbolTableAddName(&Table, (SYMBOL_NAME){.Rva = 0x2000, .Kind = SymbolData},
                                   "Count", 5));
    assert_true(SymbolTableAddName(&Table, (SYMBOL_NAME){.Rva = 0x9000, .Kind = SymbolData},
                                   "Outside", 7));
    assert_true(SymbolTableAddLine(&Table, 0x1010, 300, File));
    assert_true(SymbolTableAddLine(&Table, 0x1018, 290, File));
    assert_true(SymbolTableAddLine(&Table, 0x1040, 0, File));
    assert_true(SymbolTableSort(&Table));
    Make(&Table, &Out);

    const uint8_t *Symbols = Section(&Out, ".symtab", &Size);
    assert_int_equal(Size, 3 * sizeof(Elf64_Sym)); /* an empty one, Work, Count */
    Elf64_Sym Symbol;
    memcpy(&Symbol, Symbols + sizeof(Symbol), sizeof(Symbol));
    assert_int_equal(Symbol.st_value, 0x1010);
    assert_int_equal(ELF64_ST_TYPE(Symbol.st_info), STT_FUNC);
    assert_string_equal((const char *)Section(&Out, ".strtab", &Size) + Symbol.st_name, "Work");
    const uint8_t *Lines = Section(&Out, ".debug_line", &Size);
    CHECK(Lines + 10 + 18 + 1, "a.c\0\0\0\0\0"
          "\0\x09\x02\x10\x10\0\0\0\0\0\0" /* set_address 1010h */
          "\x03\xab\x02\x01"               /* line 1 + 299, copy */
          "\x02\x08\x03\x76\x01"           /* 8 bytes on, 10 lines back, copy */
          "\x02\x28\0\x01\x01");           /* 28h bytes on, end */
    BufferFree(&Out);
    SymbolTableFree(&Table);
}

static void numbers_are_encoded_as_dwarf_says(void **State)
{
    BYTE_BUFFER Out = {0};
    BufferUnsigned(&Out, 0);
    BufferUnsigned(&Out, 127);
    BufferUnsigned(&Out, 128);
    BufferUnsigned(&Out, 12857);
    BufferSigned(&Out, 2);
    BufferSigned(&Out, -2);
    BufferSigned(&Out, 127);
    BufferSigned(&Out, -127);
    BufferSigned(&Out, -129);
    CHECK(Out.Bytes, "\x00\x7f\x80\x01\xb9\x64\x02\x7e\xff\x00\x81\x7f\xff\x7e");
    assert_int_equal(Out.Used, 14);
    BufferFree(&Out);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(frames_follow_the_unwind_codes),
        cmocka_unit_test(names_and_lines_are_there),
        cmocka_unit_test(numbers_are_encoded_as_dwarf_says),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
