/* SPDX-License-Identifier: MIT */
/* From an address to its image and its RUNTIME_FUNCTION (lib/unwind.h). */
#include "se_internal.h"

/* Both ends: Size is less than a page. */
static PVOID RtlpOwnImageBytes(const UNWIND_IMAGE *Image, ULONG Rva, SIZE_T Size)
{
    if (!KiMayRead(Image->Base + Rva) || (Size != 0 && !KiMayRead(Image->Base + Rva + Size - 1))) {
        return NULL;
    }
    return (PVOID)(Image->Base + Rva);
}

/* Any IRQL. FALSE: no image. A table outside its image is treated as empty. */
BOOLEAN RtlpFindImage(ULONG_PTR Address, UNWIND_IMAGE *Image)
{
    UNWIND_IMAGE Found = {.Bytes = RtlpOwnImageBytes};
    PRUNTIME_FUNCTION Table;

    if (!KiFindImage(Address, &Found.Base, &Found.Size, &Table, &Found.TableCount) ||
        Found.Base == 0 || Address < Found.Base || Address - Found.Base >= Found.Size) {
        *Image = (UNWIND_IMAGE){0};
        return FALSE;
    }
    ULONG_PTR Offset = (ULONG_PTR)Table - Found.Base;
    ULONG64 Bytes = (ULONG64)Found.TableCount * sizeof(RUNTIME_FUNCTION);
    if (Table == NULL || (Offset & 3) != 0 || Offset >= Found.Size ||
        Bytes > Found.Size - Offset) {
        Offset = 0;
        Found.TableCount = 0;
    }
    Found.TableRva = (ULONG)Offset;
    *Image = Found;
    return TRUE;
}

PRUNTIME_FUNCTION RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase,
                                         PUNWIND_HISTORY_TABLE HistoryTable)
{
    UNWIND_IMAGE Image;

    UNREFERENCED_PARAMETER(HistoryTable); /* a cache; the search is short enough without */
    if (!RtlpFindImage(ControlPc, &Image)) {
        *ImageBase = 0;
        return NULL;
    }
    *ImageBase = Image.Base;
    return UnwindFindFunction(&Image, ControlPc);
}

PVOID RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
    UNWIND_IMAGE Image;

    RtlpFindImage((ULONG_PTR)PcValue, &Image);
    *BaseOfImage = (PVOID)Image.Base;
    return *BaseOfImage;
}
