/* SPDX-License-Identifier: MIT */
/*
 * From an address to its image and its RUNTIME_FUNCTION. The table may come from a hostile file:
 * it is used only when it lies inside its image, the search takes at most 32 steps whatever the
 * order of the entries, and an entry counts only when it encloses the address.
 */
#include "se_internal.h"

/* Any IRQL. FALSE: no image. A table outside its image is treated as empty. */
BOOLEAN RtlpFindImage(ULONG_PTR Address, PSE_IMAGE Image)
{
    SE_IMAGE Found = {0};

    if (!KiFindImage(Address, &Found.Base, &Found.Size, &Found.Table, &Found.TableCount) ||
        Found.Base == 0 || Address < Found.Base || Address - Found.Base >= Found.Size) {
        *Image = (SE_IMAGE){0};
        return FALSE;
    }
    ULONG_PTR Offset = (ULONG_PTR)Found.Table - Found.Base;
    ULONG64 Bytes = (ULONG64)Found.TableCount * sizeof(RUNTIME_FUNCTION);
    if (Found.Table == NULL || (Offset & 3) != 0 || Offset >= Found.Size ||
        Bytes > Found.Size - Offset) {
        Found.Table = NULL;
        Found.TableCount = 0;
    }
    *Image = Found;
    return TRUE;
}

/* NULL: a leaf function, or a damaged entry. */
PRUNTIME_FUNCTION RtlpLookupFunction(const SE_IMAGE *Image, ULONG_PTR ControlPc)
{
    ULONG Rva = (ULONG)(ControlPc - Image->Base);
    ULONG Low = 0;
    ULONG High = Image->TableCount;

    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        PRUNTIME_FUNCTION Entry = &Image->Table[Middle];
        if (!KiMayRead((ULONG_PTR)Entry)) {
            return NULL;
        }
        if (Rva < Entry->BeginAddress) {
            High = Middle;
        } else if (Rva >= Entry->EndAddress) {
            Low = Middle + 1;
        } else {
            if ((Entry->UnwindData & RUNTIME_FUNCTION_INDIRECT) != 0) {
                Entry = RtlpImagePointer(Image, Entry->UnwindData & ~RUNTIME_FUNCTION_INDIRECT,
                                         sizeof(*Entry));
            }
            return Entry;
        }
    }
    return NULL;
}

/* The function a chain of fragments begins with. Function itself when the chain is damaged. */
PRUNTIME_FUNCTION RtlpPrimaryFunction(const SE_IMAGE *Image, PRUNTIME_FUNCTION Function)
{
    PRUNTIME_FUNCTION Primary = Function;
    SE_UNWIND_INFO Info;

    for (ULONG Link = 0; Link < SE_MAXIMUM_CHAIN; Link++) {
        if (!RtlpReadUnwindInfo(Image, Primary, &Info)) {
            return Function;
        }
        if (Info.Chained == NULL) {
            return Primary;
        }
        Primary = Info.Chained;
    }
    return Function;
}

PRUNTIME_FUNCTION RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase,
                                         PUNWIND_HISTORY_TABLE HistoryTable)
{
    SE_IMAGE Image;

    UNREFERENCED_PARAMETER(HistoryTable); /* a cache; the search is short enough without */
    if (!RtlpFindImage(ControlPc, &Image)) {
        *ImageBase = 0;
        return NULL;
    }
    *ImageBase = Image.Base;
    return RtlpLookupFunction(&Image, ControlPc);
}

PVOID RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
    SE_IMAGE Image;

    RtlpFindImage((ULONG_PTR)PcValue, &Image);
    *BaseOfImage = (PVOID)Image.Base;
    return *BaseOfImage;
}
