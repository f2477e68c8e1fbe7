/* SPDX-License-Identifier: MIT */
/*
 * RUNTIME_FUNCTION and UNWIND_INFO, found, read and checked: the only place that turns an RVA of
 * unwind data into a pointer. The table may come from a hostile file: it is used only when it lies
 * inside its image, the search takes at most 32 steps whatever the order of the entries, and an
 * entry counts only when it encloses the address.
 */
#include "lib/unwind.h"

PVOID UnwindImageBytes(const UNWIND_IMAGE *Image, ULONG Rva, SIZE_T Size)
{
    if ((Rva & 3) != 0 || Rva >= Image->Size || Size > Image->Size - Rva) {
        return NULL;
    }
    return Image->Bytes(Image, Rva, Size);
}

PRUNTIME_FUNCTION UnwindFindFunction(const UNWIND_IMAGE *Image, ULONG_PTR ControlPc)
{
    ULONG Rva = (ULONG)(ControlPc - Image->Base);
    ULONG Low = 0;
    ULONG High = Image->TableRva < Image->Size ? Image->TableCount : 0;

    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        ULONG64 EntryRva = Image->TableRva + (ULONG64)Middle * sizeof(RUNTIME_FUNCTION);
        PRUNTIME_FUNCTION Entry =
            EntryRva < Image->Size
                ? UnwindImageBytes(Image, (ULONG)EntryRva, sizeof(RUNTIME_FUNCTION)) : NULL;
        if (Entry == NULL) {
            return NULL;
        }
        if (Rva < Entry->BeginAddress) {
            High = Middle;
        } else if (Rva >= Entry->EndAddress) {
            Low = Middle + 1;
        } else {
            if ((Entry->UnwindData & RUNTIME_FUNCTION_INDIRECT) != 0) {
                Entry = UnwindImageBytes(Image, Entry->UnwindData & ~RUNTIME_FUNCTION_INDIRECT,
                                         sizeof(*Entry));
            }
            return Entry;
        }
    }
    return NULL;
}

PRUNTIME_FUNCTION UnwindPrimaryFunction(const UNWIND_IMAGE *Image, PRUNTIME_FUNCTION Function)
{
    PRUNTIME_FUNCTION Primary = Function;
    UNWIND_DATA Info;

    for (ULONG Link = 0; Link < UNWIND_MAXIMUM_CHAIN; Link++) {
        if (!UnwindReadData(Image, Primary, &Info)) {
            return Function;
        }
        if (Info.Chained == NULL) {
            return Primary;
        }
        Primary = Info.Chained;
    }
    return Function;
}

/* How many slots of the array a code takes; 0: a code no x64 image may have. */
ULONG UnwindCodeSlots(UCHAR Version, UNWIND_CODE Code)
{
    switch (Code.UnwindOp) {
    case UWOP_PUSH_NONVOL:
    case UWOP_ALLOC_SMALL:
    case UWOP_SET_FPREG:
        return 1;
    case UWOP_PUSH_MACHFRAME:
        return Code.OpInfo <= 1 ? 1 : 0;
    case UWOP_ALLOC_LARGE:
        return Code.OpInfo == 0 ? 2 : Code.OpInfo == 1 ? 3 : 0;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
        return 2;
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
        return 3;
    case UWOP_EPILOG:
        return Version >= 2 ? 1 : 0;
    default:
        return 0;
    }
}

static BOOLEAN UnwindCheckCodes(const UNWIND_DATA *Info)
{
    for (ULONG Index = 0; Index < Info->CountOfCodes;) {
        ULONG Slots = UnwindCodeSlots(Info->Version, Info->Codes[Index]);
        if (Slots == 0 || Slots > Info->CountOfCodes - Index) {
            return FALSE;
        }
        Index += Slots;
    }
    return TRUE;
}

/*
 * FALSE: the data is damaged or of a version we do not know. When TRUE, Codes may be walked with
 * UnwindCodeSlots without further checks, and Chained and HandlerRva lie in the image.
 * Handler data past HandlerData is checked by the language handler, who knows its size.
 */
BOOLEAN UnwindReadData(const UNWIND_IMAGE *Image, const RUNTIME_FUNCTION *Function,
                           UNWIND_DATA *Info)
{
    ULONG Rva = Function->UnwindData;
    const UNWIND_INFO *Raw = UnwindImageBytes(Image, Rva, FIELD_OFFSET(UNWIND_INFO, UnwindCode));

    if (Raw == NULL || (Raw->Version != 1 && Raw->Version != 2)) {
        return FALSE;
    }
    ULONG TailRva = Rva + FIELD_OFFSET(UNWIND_INFO, UnwindCode) +
                    ((Raw->CountOfCodes + 1u) & ~1u) * sizeof(UNWIND_CODE);
    if (UnwindImageBytes(Image, Rva, TailRva - Rva) == NULL) {
        return FALSE;
    }
    *Info = (UNWIND_DATA){
        .Version = Raw->Version,
        .Flags = Raw->Flags,
        .SizeOfProlog = Raw->SizeOfProlog,
        .CountOfCodes = Raw->CountOfCodes,
        .FrameRegister = Raw->FrameRegister,
        .FrameOffset = Raw->FrameOffset * 16u,
        .Codes = Raw->UnwindCode,
    };
    if (!UnwindCheckCodes(Info)) {
        return FALSE;
    }
    if ((Info->Flags & UNW_FLAG_CHAININFO) != 0) {
        Info->Chained = UnwindImageBytes(Image, TailRva, sizeof(RUNTIME_FUNCTION));
        return Info->Chained != NULL && (Info->Flags & UNW_FLAG_EHANDLER) == 0 &&
               (Info->Flags & UNW_FLAG_UHANDLER) == 0;
    }
    if ((Info->Flags & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) != 0) {
        const ULONG *Handler = UnwindImageBytes(Image, TailRva, sizeof(ULONG));
        if (Handler == NULL || *Handler == 0 || *Handler >= Image->Size) {
            return FALSE;
        }
        Info->HandlerRva = *Handler;
        Info->HandlerData = (PVOID)(Image->Base + TailRva + sizeof(ULONG));
    }
    return TRUE;
}
