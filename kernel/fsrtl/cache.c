/* SPDX-License-Identifier: MIT */
/*
 * What drivers ask of the cache manager. There is none: no file is cached, and a section keeps
 * pages of its own (mm/section_file.c), so that there is nothing to write back or to forget.
 */
#include "io/iop.h"
#include "nt/cc.h"

/* IoStatus may be NULL. <= APC_LEVEL */
VOID CcFlushCache(PSECTION_OBJECT_POINTERS SectionObjectPointer, PLARGE_INTEGER FileOffset,
                  ULONG Length, PIO_STATUS_BLOCK IoStatus)
{
    UNREFERENCED_PARAMETER(SectionObjectPointer);
    UNREFERENCED_PARAMETER(FileOffset);
    UNREFERENCED_PARAMETER(Length);
    if (IoStatus != NULL) {
        IoStatus->Status = STATUS_SUCCESS;
        IoStatus->Information = 0;
    }
}

/* TRUE: none of it is in a cache. <= APC_LEVEL */
BOOLEAN CcPurgeCacheSection(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                            PLARGE_INTEGER FileOffset, ULONG Length, ULONG Flags)
{
    UNREFERENCED_PARAMETER(SectionObjectPointer);
    UNREFERENCED_PARAMETER(FileOffset);
    UNREFERENCED_PARAMETER(Length);
    UNREFERENCED_PARAMETER(Flags);
    return TRUE;
}
