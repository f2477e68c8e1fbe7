/* SPDX-License-Identifier: MIT */
/* sources: host/gdb/symbol_file.c host/gdb/dwarf_info.c host/gdb/dwarf_line.c host/gdb/dwarf_frame.c host/gdb/byte_buffer.c host/symbols/symbol_table.c host/symbols/string_pool.c host/text/text.c lib/unwind_data.c */
/* Unwind data from anywhere, as DWARF: the input is the image, its function table first. */
#include <stdlib.h>
#include <string.h>

#include "host/gdb/symbol_file.h"

#define LARGEST 4096u

static PVOID ImageBytes(const UNWIND_IMAGE *Unwind, ULONG Rva, SIZE_T Size)
{
    if (Rva > Unwind->Size || Size > Unwind->Size - Rva) {
        abort();
    }
    return (uint8_t *)Unwind->Context + Rva;
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    SYMBOL_TABLE Table = {0};
    BYTE_BUFFER Out = {0};
    if (Size == 0 || Size > LARGEST) {
        return 0;
    }
    uint8_t *Image = aligned_alloc(16, (Size + 15) & ~(size_t)15);
    memcpy(Image, Data, Size);
    const SYMBOL_FILE_IMAGE File = {
        .Name = "fuzz.sys",
        .Size = 0x10000,
        .Table = &Table,
        .Unwind = {.Size = (ULONG)Size, .TableRva = 0, .TableCount = (ULONG)Size / 24,
                   .Bytes = ImageBytes, .Context = Image},
    };
    SymbolFileMake(&File, &Out);
    BufferFree(&Out);
    free(Image);
    return 0;
}
