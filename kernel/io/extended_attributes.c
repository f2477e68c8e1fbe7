/* SPDX-License-Identifier: MIT */
/* Lists of extended attributes: their form. What is in them is a file system's affair. */
#include "nt/io.h"

/* Bytes of an entry with the name's NUL; 0: Length bytes are too few for it. */
static ULONG IopEaEntrySize(const FILE_FULL_EA_INFORMATION *Entry, ULONG Length)
{
    ULONG Header = offsetof(FILE_FULL_EA_INFORMATION, EaName);
    ULONG Size = Length > Header ? Header + Entry->EaNameLength + 1u + Entry->EaValueLength : 0;
    return Size <= Length ? Size : 0;
}

/*
 * The rules of the WDK page: each entry lies in the buffer, its name ends with NUL; the last has
 * NextEntryOffset 0, each other one more than 0 and a multiple of 4. That entries do not overlap is
 * not documented [NV] and asked for here. *ErrorOffset: of the entry that is wrong.
 * < DISPATCH_LEVEL
 */
NTSTATUS IoCheckEaBufferValidity(PFILE_FULL_EA_INFORMATION EaBuffer, ULONG EaLength,
                                 PULONG ErrorOffset)
{
    ULONG Offset = 0;
    for (;;) {
        const FILE_FULL_EA_INFORMATION *Entry =
            (const FILE_FULL_EA_INFORMATION *)((const UCHAR *)EaBuffer + Offset);
        ULONG Left = EaLength - Offset;
        ULONG Size = IopEaEntrySize(Entry, Left);
        *ErrorOffset = Offset;
        if (Size == 0 || Entry->EaName[Entry->EaNameLength] != 0) {
            return STATUS_EA_LIST_INCONSISTENT;
        }
        ULONG Next = Entry->NextEntryOffset;
        if (Next == 0) {
            *ErrorOffset = 0;
            return STATUS_SUCCESS;
        }
        if ((Next & (sizeof(ULONG) - 1)) != 0 || Next < Size || Next >= Left) {
            return STATUS_EA_LIST_INCONSISTENT;
        }
        Offset += Next;
    }
}
