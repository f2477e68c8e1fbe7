/* SPDX-License-Identifier: MIT */
/* The section object, between section.c and section_file.c. */
#pragma once

#include "mm/mi.h"
#include "nt/io.h"

typedef struct _MI_SECTION_OBJECT {
    ULONG64 Size;          /* bytes */
    ULONG64 Pages;         /* that Frames has */
    PFN_NUMBER *Frames;    /* NULL: physical memory */
    ULONG Protection;      /* MI_x: what a view may be at most */
    MMPTE CacheBits;
    PFILE_OBJECT File;     /* referenced; NULL: of the paging file, or physical memory */
    ULONG64 ImageBase;     /* of SEC_IMAGE: where it wants to be; else 0 */
    BOOLEAN Image;
    volatile BOOLEAN Dirty; /* a view could write: goes back to the file at the end */
} MI_SECTION_OBJECT, *PMI_SECTION_OBJECT;

/* A page of the section, by the map of all memory. */
FORCEINLINE PUCHAR MiSectionPage(const MI_SECTION_OBJECT *Section, ULONG64 Page)
{
    return MmPhysicalAddressToVirtual(Section->Frames[Page] << PAGE_SHIFT);
}

/* ---- section.c ---- */
NTSTATUS MiAllocateSectionPages(PMI_SECTION_OBJECT Section, ULONG64 Pages);
/*
 * Which pages: the offset is rounded down to 64 KB and the size grows by what it was rounded, so
 * that what was asked for is in the view, as drivers that map \Device\PhysicalMemory count on.
 */
NTSTATUS MiChooseView(const MI_SECTION_OBJECT *Section, ULONG64 Offset, ULONG64 Size,
                      MI_VIEW *View, PULONG64 RoundedOffset);
/* ---- system_view.c ---- */
VOID MiInitializeSystemViews(VOID);
/* ---- section_file.c: PASSIVE_LEVEL ---- */
/*
 * The documented arguments of ZwCreateSection for a section of a file; Section has Protection.
 * On success it has File and Size (which may make the file longer), Image and ImageBase; Layout is,
 * of an image, its bytes in memory, in paged pool.
 */
NTSTATUS MiCheckFileSection(PMI_SECTION_OBJECT Section, const LARGE_INTEGER *MaximumSize,
                            ULONG Attributes, HANDLE FileHandle, PVOID *Layout);
/* Its pages, which are zero: by reads of the file, or from Layout. */
NTSTATUS MiFillFileSection(PMI_SECTION_OBJECT Section, const VOID *Layout);
VOID MiFreeLayout(PVOID Layout);
VOID MiWriteFileSection(PMI_SECTION_OBJECT Section);
