/* SPDX-License-Identifier: MIT */
/* Answers made of a fixed part and what follows it, cut to the caller's buffer. */
#include "cm/cmp.h"

NTSTATUS CmpWritePieces(const CMP_PIECE *Pieces, ULONG Count, PVOID Buffer, ULONG Length,
                        PULONG ResultLength)
{
    ULONG Needed = 0;
    for (ULONG i = 0; i < Count; i++) {
        if (Pieces[i].Offset + Pieces[i].Length > Needed) {
            Needed = Pieces[i].Offset + Pieces[i].Length;
        }
    }
    *ResultLength = Needed;
    if (Length < Pieces[0].Length) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    for (ULONG i = 0; i < Count; i++) {
        if (Pieces[i].Offset < Length) {
            ULONG Room = Length - Pieces[i].Offset;
            RtlCopyMemory((PUCHAR)Buffer + Pieces[i].Offset, Pieces[i].Data,
                          Pieces[i].Length < Room ? Pieces[i].Length : Room);
        }
    }
    return Needed > Length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}
