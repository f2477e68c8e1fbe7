/* SPDX-License-Identifier: MIT */
/*
 * Views of sections in system space: MmMapViewInSystemSpace. A view is a mapping of system PTEs
 * with a reference to its section; a list says which are views. Resident, as every view here.
 * MiSystemViewLock guards the list; <= APC_LEVEL.
 */
#include "mm/section.h"
#include "ob/obp.h"

#define MI_TAG_SYSTEM_VIEW 'wVyS'

typedef struct _MI_SYSTEM_VIEW {
    LIST_ENTRY Links;
    ULONG64 Base;
    ULONG64 Pages;
    PMI_SECTION_OBJECT Section; /* referenced */
} MI_SYSTEM_VIEW, *PMI_SYSTEM_VIEW;

static LIST_ENTRY MiSystemViews = {&MiSystemViews, &MiSystemViews};
static FAST_MUTEX MiSystemViewLock;

VOID MiInitializeSystemViews(VOID)
{
    ExInitializeFastMutex(&MiSystemViewLock);
}

/*
 * *SectionOffset (NULL: 0) is rounded down to 64 KB; *ViewSize 0: to the section's end. Both, and
 * *MappedBase, tell what was mapped. What may be done in the view is what the section allows.
 */
NTSTATUS MmMapViewInSystemSpaceEx(PVOID SectionObject, PVOID *MappedBase, PSIZE_T ViewSize,
                                  PLARGE_INTEGER SectionOffset, ULONG_PTR Flags)
{
    PMI_SECTION_OBJECT Section = SectionObject;
    ULONG64 Offset = SectionOffset != NULL ? (ULONG64)SectionOffset->QuadPart : 0;
    MI_VIEW View = {0};

    if (Flags & ~(ULONG_PTR)MM_SYSTEM_VIEW_EXCEPTIONS_FOR_INPAGE_ERRORS) {
        return STATUS_INVALID_PARAMETER_5;
    }
    NTSTATUS Status = MiChooseView(Section, Offset, *ViewSize, &View, &Offset);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PMI_SYSTEM_VIEW Record =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Record), MI_TAG_SYSTEM_VIEW);
    if (Record == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ULONG64 Bits = MiProtectionToPte[Section->Protection] | Section->CacheBits;
    PVOID Base = MiMapFrames(View.Frames, View.First, View.Pages, Bits);
    if (Base == NULL) {
        ExFreePoolWithTag(Record, MI_TAG_SYSTEM_VIEW);
        return STATUS_NO_MEMORY;
    }
    ObReferenceObject(Section);
    if (Section->File != NULL && (Bits & MI_PTE_WRITE)) {
        Section->Dirty = TRUE;
    }
    *Record = (MI_SYSTEM_VIEW){.Base = (ULONG64)Base, .Pages = View.Pages, .Section = Section};
    ExAcquireFastMutex(&MiSystemViewLock);
    InsertTailList(&MiSystemViews, &Record->Links);
    ExReleaseFastMutex(&MiSystemViewLock);
    *MappedBase = Base;
    *ViewSize = View.Pages << PAGE_SHIFT;
    if (SectionOffset != NULL) {
        SectionOffset->QuadPart = (LONGLONG)Offset;
    }
    return STATUS_SUCCESS;
}

NTSTATUS MmMapViewInSystemSpace(PVOID Section, PVOID *MappedBase, PSIZE_T ViewSize)
{
    return MmMapViewInSystemSpaceEx(Section, MappedBase, ViewSize, NULL, 0);
}

static PMI_SYSTEM_VIEW MiTakeSystemView(ULONG64 Base)
{
    PMI_SYSTEM_VIEW Found = NULL;

    ExAcquireFastMutex(&MiSystemViewLock);
    for (PLIST_ENTRY Entry = MiSystemViews.Flink; Entry != &MiSystemViews; Entry = Entry->Flink) {
        PMI_SYSTEM_VIEW View = CONTAINING_RECORD(Entry, MI_SYSTEM_VIEW, Links);
        if (View->Base == Base) {
            RemoveEntryList(Entry);
            Found = View;
            break;
        }
    }
    ExReleaseFastMutex(&MiSystemViewLock);
    return Found;
}

/* [?] NT is said to stop for an address that is no view's; the documentation speaks of a status. */
NTSTATUS MmUnmapViewInSystemSpace(PVOID MappedBase)
{
    PMI_SYSTEM_VIEW View = MiTakeSystemView((ULONG64)MappedBase);

    if (View == NULL) {
        return STATUS_NOT_MAPPED_VIEW;
    }
    NT_VERIFY(MiUnmapFrames(View->Base, View->Pages));
    ObDereferenceObject(View->Section);
    ExFreePoolWithTag(View, MI_TAG_SYSTEM_VIEW);
    return STATUS_SUCCESS;
}
