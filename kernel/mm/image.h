/* SPDX-License-Identifier: MIT */
/*
 * Loaded images: a record for the image and one for each section. A section record is the handle
 * that MmLockPagable... returns; it stays good until the image unloads.
 *
 * The rule: a section's pages may leave when (its name begins with PAGE, or the driver called
 * MmPageEntireDriver) and its lock count is 0. Headers never leave: unwinding and a debugger read
 * them at any IRQL.
 *
 * MiImageLock (a fast mutex) guards the list, the counts and the flags, and is held while a
 * section changes between pageable and resident; faults do not take it. Readers at raised IRQL
 * (unwinder, bug check) use MiImages, which is changed by single pointer stores only.
 */
#pragma once

#include "lib/pe_image.h"
#include "mm/mi.h"

#define MI_MAX_IMAGES 64

/* The loaded-module entry that debuggers and DRIVER_OBJECT.DriverSection point to. */
typedef struct _LDR_DATA_TABLE_ENTRY {
    LIST_ENTRY InLoadOrderLinks;
    PVOID ExceptionTable;
    ULONG ExceptionTableSize;
    ULONG Reserved1C;
    PVOID GpValue;
    PVOID NonPagedDebugInfo;
    PVOID DllBase; /* 30 */
    PVOID EntryPoint;
    ULONG SizeOfImage;
    UNICODE_STRING FullDllName; /* 48 */
    UNICODE_STRING BaseDllName; /* 58 */
    ULONG Flags;
    USHORT LoadCount;
    USHORT SignatureInfo;
    PVOID SectionPointer; /* 70 */
    ULONG CheckSum;
    ULONG CoverageSectionSize;
    PVOID CoverageSection;
    PVOID LoadedImports;
    PVOID Spare;
    ULONG SizeOfImageNotRounded;
    ULONG TimeDateStamp; /* 9C */
} LDR_DATA_TABLE_ENTRY, *PLDR_DATA_TABLE_ENTRY;
C_ASSERT(offsetof(LDR_DATA_TABLE_ENTRY, DllBase) == 0x30);
C_ASSERT(offsetof(LDR_DATA_TABLE_ENTRY, FullDllName) == 0x48);
C_ASSERT(offsetof(LDR_DATA_TABLE_ENTRY, SectionPointer) == 0x70);
C_ASSERT(offsetof(LDR_DATA_TABLE_ENTRY, TimeDateStamp) == 0x9c);

/* LDR_DATA_TABLE_ENTRY.Flags; some drivers set it themselves, for want of a certificate */
#define LDRP_IMAGE_INTEGRITY_FORCED 0x20

typedef struct _MI_SECTION {
    struct _MM_IMAGE *Image;
    CHAR Name[9];
    BOOLEAN Pageable;  /* by its name */
    BOOLEAN Discard;   /* INIT, or in the discardable tail */
    BOOLEAN Discarded; /* its pages are gone */
    BOOLEAN Resident;  /* its pages are nonpaged now */
    ULONG Characteristics;
    ULONG Protection; /* MI_x */
    ULONG64 Address;
    ULONG Size; /* bytes */
    ULONG64 Pages;
    ULONG LockCount;
    /* For reports only: */
    ULONG Locks, Unlocks; /* calls so far */
    PVOID LockedBy, UnlockedBy; /* call sites of the last */
    ULONG64 OutSince; /* the verifier's event at which pages of it left last, 0: none known */
} MI_SECTION, *PMI_SECTION;

typedef struct _MM_IMAGE {
    LDR_DATA_TABLE_ENTRY Ldr;
    ULONG64 Base;
    ULONG64 Pages;
    BOOLEAN WholePaged; /* MmPageEntireDriver is in force */
    BOOLEAN InitFreed;
    PVOID ImportStubs; /* executable nonpaged pool, or NULL */
    struct _MI_ROUTINE *Routines; /* looked up by the driver, with a stub each; MiImageLock */
    struct _VF_IMPORT *ProhibitedImports; /* vf/miniport.c */
    BOOLEAN ImportsStorPort, IsMiniport;
    CHAR Name[64];     /* base name, ASCII */
    WCHAR NameBuffer[128];
    ULONG SectionCount; /* with the headers, which are section 0 */
    MI_SECTION Section[];
} MM_IMAGE;

extern LIST_ENTRY PsLoadedModuleList;
extern FAST_MUTEX MiImageLock;
extern PMM_IMAGE volatile MiImages[MI_MAX_IMAGES];

VOID MiInitializeImages(LOADER_BLOCK *Loader); /* the kernel's own record; before pool */
/* Any IRQL. NULL: in no section of a driver. */
PMI_SECTION MiFindSection(PVOID Address);
/* Under MiImageLock, or in a bug check. NULL: it is none. */
PMI_SECTION MiSectionOfHandle(PVOID Handle);
/* Sets the slots of every import; names that the kernel lacks get a stub. PASSIVE_LEVEL. */
NTSTATUS MiBindImports(PMM_IMAGE Image, const PE_IMAGE *Pe, PCHAR ErrorText, SIZE_T ErrorSize);
/* When no code of the image can run any more. */
VOID MiFreeImportStubs(PMM_IMAGE Image);
/* Changes what may be done with mapped or paged-out pages, of user views too. */
VOID MiProtectPages(ULONG64 Va, ULONG64 Pages, ULONG Protection);
VOID MiRememberUnloadedImage(PMM_IMAGE Image);
/* A new image, and the state of its pages, for the timeline. <= APC_LEVEL */
VOID MiRecordImage(PMM_IMAGE Image);
/* A page of the address leaves: what OutSince is about. Any lock, any IRQL. */
VOID MiNotePageOut(PVOID Address);
/* Tells the host. Address: where; of a call, KI_CALL_SITE. <= DISPATCH_LEVEL */
VOID MiReportFinding(ULONG Code, PCSTR Text, PVOID Address);
