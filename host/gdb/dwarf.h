/* SPDX-License-Identifier: MIT */
/*
 * What gdb must be told of a PE image, in DWARF 4, made from its PDB's names and lines and from its
 * unwind data. Addresses are RVAs: gdb adds where the image was loaded. All of an image is one
 * compilation unit; there are no types and no variables.
 */
#pragma once

#include "host/gdb/byte_buffer.h"
#include "host/symbols/symbol_table.h"
#include "lib/unwind.h"

/* dwarf_info.c: the unit and its functions. */
void DwarfPutAbbreviations(BYTE_BUFFER *Out);
void DwarfPutInfo(BYTE_BUFFER *Out, const SYMBOL_TABLE *Table, const char *ImageName,
                  uint32_t ImageSize);
/* dwarf_line.c */
void DwarfPutLines(BYTE_BUFFER *Out, const SYMBOL_TABLE *Table);
/* dwarf_frame.c: .debug_frame. Damaged unwind data: the function is left out. */
void DwarfPutFrames(BYTE_BUFFER *Out, const UNWIND_IMAGE *Image);
