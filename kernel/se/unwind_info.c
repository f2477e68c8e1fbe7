/* SPDX-License-Identifier: MIT */
/* UNWIND_INFO, read and checked: the only place that turns an RVA of unwind data into a pointer. */
#include "se_internal.h"

/* NULL: [Rva, Rva + Size) is not in the image, not aligned as unwind data is, or not readable. */
PVOID RtlpImagePointer(const SE_IMAGE *Image, ULONG Rva, SIZE_T Size)
{
    if ((Rva & 3) != 0 || Rva >= Image->Size || Size > Image->Size - Rva) {
        return NULL;
    }
    if (!KiMayRead(Image->Base + Rva) || (Size != 0 && !KiMayRead(Image->Base + Rva + Size - 1))) {
        return NULL;
    }
    return (PVOID)(Image->Base + Rva);
}

/* How many slots of the array a code takes; 0: a code no x64 image may have. */
ULONG RtlpUnwindCodeSlots(UCHAR Version, UNWIND_CODE Code)
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

static BOOLEAN RtlpCheckCodes(const SE_UNWIND_INFO *Info)
{
    for (ULONG Index = 0; Index < Info->CountOfCodes;) {
        ULONG Slots = RtlpUnwindCodeSlots(Info->Version, Info->Codes[Index]);
        if (Slots == 0 || Slots > Info->CountOfCodes - Index) {
            return FALSE;
        }
        Index += Slots;
    }
    return TRUE;
}

/*
 * FALSE: the data is damaged or of a version we do not know. When TRUE, Codes may be walked with
 * RtlpUnwindCodeSlots without further checks, and Chained and HandlerRva lie in the image.
 * Handler data past HandlerData is checked by the language handler, who knows its size.
 */
BOOLEAN RtlpReadUnwindInfo(const SE_IMAGE *Image, const RUNTIME_FUNCTION *Function,
                           PSE_UNWIND_INFO Info)
{
    ULONG Rva = Function->UnwindData;
    const UNWIND_INFO *Raw = RtlpImagePointer(Image, Rva, FIELD_OFFSET(UNWIND_INFO, UnwindCode));

    if (Raw == NULL || (Raw->Version != 1 && Raw->Version != 2)) {
        return FALSE;
    }
    ULONG TailRva = Rva + FIELD_OFFSET(UNWIND_INFO, UnwindCode) +
                    ((Raw->CountOfCodes + 1u) & ~1u) * sizeof(UNWIND_CODE);
    if (RtlpImagePointer(Image, Rva, TailRva - Rva) == NULL) {
        return FALSE;
    }
    *Info = (SE_UNWIND_INFO){
        .Version = Raw->Version,
        .Flags = Raw->Flags,
        .SizeOfProlog = Raw->SizeOfProlog,
        .CountOfCodes = Raw->CountOfCodes,
        .FrameRegister = Raw->FrameRegister,
        .FrameOffset = Raw->FrameOffset * 16u,
        .Codes = Raw->UnwindCode,
    };
    if (!RtlpCheckCodes(Info)) {
        return FALSE;
    }
    if ((Info->Flags & UNW_FLAG_CHAININFO) != 0) {
        Info->Chained = RtlpImagePointer(Image, TailRva, sizeof(RUNTIME_FUNCTION));
        return Info->Chained != NULL && (Info->Flags & UNW_FLAG_EHANDLER) == 0 &&
               (Info->Flags & UNW_FLAG_UHANDLER) == 0;
    }
    if ((Info->Flags & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) != 0) {
        const ULONG *Handler = RtlpImagePointer(Image, TailRva, sizeof(ULONG));
        if (Handler == NULL || *Handler == 0 || *Handler >= Image->Size) {
            return FALSE;
        }
        Info->HandlerRva = *Handler;
        Info->HandlerData = (PVOID)(Image->Base + TailRva + sizeof(ULONG));
    }
    return TRUE;
}
