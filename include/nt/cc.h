/* SPDX-License-Identifier: MIT */
/* The cache manager, as far as drivers that are no file systems call it (ntifs.h). */
#pragma once

#include "io.h"

#ifdef _WIN32
VOID CcFlushCache(PSECTION_OBJECT_POINTERS SectionObjectPointer, PLARGE_INTEGER FileOffset,
                  ULONG Length, PIO_STATUS_BLOCK IoStatus);
BOOLEAN CcPurgeCacheSection(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                            PLARGE_INTEGER FileOffset, ULONG Length, ULONG Flags);
#endif
