/* SPDX-License-Identifier: MIT */
/*
 * Section objects: memory that several processes see through views (view.c).
 *
 * Three kinds. A section of the paging file has its pages from its creation on, zeroed and
 * resident, until the last handle and the last view are gone. One of a file (section_file.c) has
 * its pages read then. \Device\PhysicalMemory has no pages: a view of it shows the physical
 * addresses it asks for, RAM or device.
 *
 * Facts: the WDK pages of ZwCreateSection, ZwOpenSection, ZwMapViewOfSection and
 * ZwUnmapViewOfSection. All at PASSIVE_LEVEL.
 */
#include "kd/breakpoint.h"
#include "mm/section.h"
#include "ob/obp.h"

#define MI_TAG_FRAMES 'rFcS'
#define MI_SECTION_ATTRIBUTES                                                               \
    (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE | SEC_NOCACHE | SEC_WRITECOMBINE)

POBJECT_TYPE MmSectionObjectType;

static VOID MiFreeSectionPages(PMI_SECTION_OBJECT Section, ULONG64 Pages)
{
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        KdPageLeft(Section->Frames[Page]);
        MiFreeNonpagedFrame((ULONG)Section->Frames[Page]);
    }
    ExFreePoolWithTag(Section->Frames, MI_TAG_FRAMES);
    Section->Frames = NULL;
}

static VOID MiDeleteSection(PVOID Object)
{
    PMI_SECTION_OBJECT Section = Object;
    if (Section->Dirty) {
        MiWriteFileSection(Section);
    }
    if (Section->Frames != NULL) {
        MiFreeSectionPages(Section, Section->Pages);
        MiReturnResident(Section->Pages);
    }
    if (Section->File != NULL) {
        ObDereferenceObject(Section->File);
    }
}

/* Charged first: then a page for each can be had, if need be by waiting. */
NTSTATUS MiAllocateSectionPages(PMI_SECTION_OBJECT Section, ULONG64 Pages)
{
    if (!MiChargeResident(Pages)) {
        return STATUS_COMMITMENT_LIMIT;
    }
    PFN_NUMBER *Frames =
        ExAllocatePoolWithTag(NonPagedPoolNx, Pages * sizeof(PFN_NUMBER), MI_TAG_FRAMES);
    if (Frames == NULL) {
        MiReturnResident(Pages);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        Frames[Page] = MiAllocateChargedFrame(NULL, 0, TRUE);
    }
    Section->Frames = Frames;
    Section->Pages = Pages;
    return STATUS_SUCCESS;
}

/* The documented arguments of ZwCreateSection; those of a file are MiCheckFileSection's. */
static NTSTATUS MiCheckSection(const LARGE_INTEGER *MaximumSize, ULONG PageProtect,
                               ULONG Attributes, BOOLEAN OfFile, PMI_SECTION_OBJECT Section)
{
    ULONG Kind = Attributes & (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE);
    if (!MiSplitProtection(PageProtect, &Section->Protection, &Section->CacheBits)) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if ((Attributes & ~MI_SECTION_ATTRIBUTES) != 0 || Kind == 0 || (Kind & (Kind - 1)) != 0) {
        return STATUS_INVALID_PARAMETER_6;
    }
    if (Kind == SEC_IMAGE && !OfFile) {
        return STATUS_INVALID_FILE_FOR_SECTION;
    }
    if (Attributes & (SEC_NOCACHE | SEC_WRITECOMBINE)) {
        Section->CacheBits = MiCacheBits(Attributes & SEC_NOCACHE ? MmNonCached : MmWriteCombined);
    }
    if (OfFile) {
        return STATUS_SUCCESS;
    }
    if (MaximumSize == NULL || MaximumSize->QuadPart <= 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if ((ULONG64)MaximumSize->QuadPart > MM_PHYSICAL_LIMIT) {
        return STATUS_SECTION_TOO_BIG;
    }
    Section->Size = (ULONG64)MaximumSize->QuadPart;
    return STATUS_SUCCESS;
}

/* The section, without a handle; the caller's is the only reference. */
static NTSTATUS MiCreateSection(POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                                ULONG SectionPageProtection, ULONG AllocationAttributes,
                                HANDLE FileHandle, PMI_SECTION_OBJECT *NewSection)
{
    MI_SECTION_OBJECT New = {0};
    PMI_SECTION_OBJECT Section;
    PVOID Layout = NULL;
    NTSTATUS Status = MiCheckSection(MaximumSize, SectionPageProtection, AllocationAttributes,
                                     FileHandle != NULL, &New);
    if (NT_SUCCESS(Status) && FileHandle != NULL) {
        Status = MiCheckFileSection(&New, MaximumSize, AllocationAttributes, FileHandle, &Layout);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObCreateObject(KernelMode, MmSectionObjectType, ObjectAttributes, KernelMode, NULL,
                            sizeof(MI_SECTION_OBJECT), 0, 0, (PVOID *)&Section);
    if (!NT_SUCCESS(Status)) {
        MiFreeLayout(Layout);
        if (New.File != NULL) {
            ObDereferenceObject(New.File);
        }
        return Status;
    }
    *Section = New;
    Status = MiAllocateSectionPages(Section, BYTES_TO_PAGES(New.Size));
    if (NT_SUCCESS(Status) && New.File != NULL) {
        Status = MiFillFileSection(Section, Layout);
    }
    MiFreeLayout(Layout);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Section);
        return Status;
    }
    *NewSection = Section;
    return STATUS_SUCCESS;
}

NTSTATUS ZwCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                         ULONG SectionPageProtection, ULONG AllocationAttributes,
                         HANDLE FileHandle)
{
    PMI_SECTION_OBJECT Section;
    NTSTATUS Status = MiCreateSection(ObjectAttributes, MaximumSize, SectionPageProtection,
                                      AllocationAttributes, FileHandle, &Section);
    return NT_SUCCESS(Status)
               ? ObInsertObject(Section, NULL, DesiredAccess, 0, NULL, SectionHandle)
               : Status;
}

/* By pointer, without a handle and a name; ObDereferenceObject ends it. PASSIVE_LEVEL */
NTSTATUS MmCreateSection(PVOID *SectionObject, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER InputMaximumSize,
                         ULONG SectionPageProtection, ULONG AllocationAttributes,
                         HANDLE FileHandle, PFILE_OBJECT FileObject)
{
    PMI_SECTION_OBJECT Section;

    UNREFERENCED_PARAMETER(DesiredAccess);
    if (FileObject != NULL && FileHandle == NULL) {
        return STATUS_NOT_SUPPORTED;
    }
    NTSTATUS Status = MiCreateSection(ObjectAttributes, InputMaximumSize, SectionPageProtection,
                                      AllocationAttributes, FileHandle, &Section);
    if (NT_SUCCESS(Status)) {
        *SectionObject = Section;
    }
    return Status;
}

NTSTATUS ZwOpenSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                       POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenObjectByName(ObjectAttributes, MmSectionObjectType, KernelMode, NULL,
                              DesiredAccess, NULL, SectionHandle);
}

NTSTATUS MiChooseView(const MI_SECTION_OBJECT *Section, ULONG64 Offset, ULONG64 Size,
                      MI_VIEW *View, PULONG64 RoundedOffset)
{
    ULONG64 End = Section->Frames != NULL ? BYTES_TO_PAGES(Section->Size) << PAGE_SHIFT
                                          : 1ull << MI_PHYSICAL_ADDRESS_BITS;
    if (Size == 0 && Offset < Section->Size) {
        Size = Section->Size - Offset;
    }
    if (Size == 0 || Offset >= End || Size > End - Offset) {
        return STATUS_INVALID_VIEW_SIZE;
    }
    ULONG64 First = Offset & ~(MI_ALLOCATION_GRANULARITY - 1);
    View->Pages = BYTES_TO_PAGES(Offset - First + Size);
    View->First = First >> PAGE_SHIFT;
    View->Frames = Section->Frames != NULL ? Section->Frames + View->First : NULL;
    *RoundedOffset = First;
    return STATUS_SUCCESS;
}

/* The protection of a view is one that the section allows. */
static NTSTATUS MiChooseProtection(const MI_SECTION_OBJECT *Section, ULONG PageProtect,
                                   MI_VIEW *View)
{
    if (!MiSplitProtection(PageProtect, &View->Protection, &View->CacheBits)) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if (Section->Image) {
        View->Protection = Section->Protection; /* an image's pages have protections of their own */
        return STATUS_SUCCESS;
    }
    ULONG64 Wanted = MiProtectionToPte[View->Protection];
    ULONG64 Allowed = MiProtectionToPte[Section->Protection];
    if ((Wanted & ~Allowed & MI_PTE_WRITE) || (~Wanted & Allowed & MI_PTE_NO_EXECUTE)) {
        return STATUS_SECTION_PROTECTION;
    }
    View->CacheBits |= Section->CacheBits;
    return STATUS_SUCCESS;
}

/* Attached to Process. ZeroBits is answered for the low 32 bits of the address, as documented. */
static NTSTATUS MiMapSectionView(const MI_VIEW *View, PVOID *Base, ULONG_PTR ZeroBits)
{
    PVOID Chosen = (PVOID)((ULONG64)*Base & ~(MI_ALLOCATION_GRANULARITY - 1));
    if (*Base != NULL && Chosen == NULL) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    NTSTATUS Status = MiMapView(&Chosen, View);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ULONG64 End = (ULONG64)Chosen + (View->Pages << PAGE_SHIFT);
    if (*Base == NULL && ZeroBits != 0 && End > 1ull << (32 - ZeroBits)) {
        ObReferenceObject(View->Section); /* the view's own goes with it */
        NT_VERIFY(NT_SUCCESS(MiUnmapView((ULONG64)Chosen, 0)));
        return STATUS_NO_MEMORY;
    }
    *Base = Chosen;
    return STATUS_SUCCESS;
}

NTSTATUS MmMapViewOfSection(PVOID SectionToMap, PEPROCESS Process, PVOID *CapturedBase,
                            ULONG_PTR ZeroBits, SIZE_T CommitSize, PLARGE_INTEGER SectionOffset,
                            PSIZE_T CapturedViewSize, SECTION_INHERIT InheritDisposition,
                            ULONG AllocationType, ULONG Win32Protect)
{
    PMI_SECTION_OBJECT Section = SectionToMap;
    KAPC_STATE State;
    ULONG64 Offset = SectionOffset != NULL ? (ULONG64)SectionOffset->QuadPart : 0;
    MI_VIEW View = {.Kind = MiVadSection, .Section = Section};

    if (ZeroBits > 20) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if (InheritDisposition != ViewShare && InheritDisposition != ViewUnmap) {
        return STATUS_INVALID_PARAMETER_8;
    }
    NTSTATUS Status = MiChooseProtection(Section, Win32Protect, &View);
    if (NT_SUCCESS(Status)) {
        Status = MiChooseView(Section, Offset, *CapturedViewSize, &View, &Offset);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObReferenceObject(Section); /* the view's */
    KeStackAttachProcess(&Process->Pcb, &State);
    Status = MiMapSectionView(&View, CapturedBase, ZeroBits);
    KeUnstackDetachProcess(&State);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Section);
        return Status;
    }
    if (Section->File != NULL && (MiProtectionToPte[View.Protection] & MI_PTE_WRITE)) {
        Section->Dirty = TRUE;
    }
    *CapturedViewSize = View.Pages << PAGE_SHIFT;
    if (SectionOffset != NULL) {
        SectionOffset->QuadPart = (LONGLONG)Offset;
    }
    return Section->Image && (ULONG64)*CapturedBase != Section->ImageBase
               ? STATUS_IMAGE_NOT_AT_BASE
               : STATUS_SUCCESS;
}

NTSTATUS ZwMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress,
                            ULONG_PTR ZeroBits, SIZE_T CommitSize, PLARGE_INTEGER SectionOffset,
                            PSIZE_T ViewSize, SECTION_INHERIT InheritDisposition,
                            ULONG AllocationType, ULONG Win32Protect)
{
    PMI_SECTION_OBJECT Section;
    PEPROCESS Process;
    NTSTATUS Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_VM_OPERATION, PsProcessType,
                                                KernelMode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(SectionHandle, SECTION_MAP_READ, MmSectionObjectType,
                                       KernelMode, (PVOID *)&Section, NULL);
    if (NT_SUCCESS(Status)) {
        Status = MmMapViewOfSection(Section, Process, BaseAddress, ZeroBits, CommitSize,
                                    SectionOffset, ViewSize, InheritDisposition, AllocationType,
                                    Win32Protect);
        ObDereferenceObject(Section);
    }
    ObDereferenceObject(Process);
    return Status;
}

/* BaseAddress: any address in the view. */
NTSTATUS MmUnmapViewOfSection(PEPROCESS Process, PVOID BaseAddress)
{
    KAPC_STATE State;

    KeStackAttachProcess(&Process->Pcb, &State);
    NTSTATUS Status = MiUnmapView((ULONG64)BaseAddress, 0);
    KeUnstackDetachProcess(&State);
    return Status;
}

NTSTATUS ZwUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress)
{
    PEPROCESS Process;
    NTSTATUS Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_VM_OPERATION, PsProcessType,
                                                KernelMode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MmUnmapViewOfSection(Process, BaseAddress);
    ObDereferenceObject(Process);
    return Status;
}

/* \Device\PhysicalMemory, permanent; its size is where RAM ends, views go beyond. */
static NTSTATUS MiCreatePhysicalMemory(VOID)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    PMI_SECTION_OBJECT Section;
    HANDLE Handle;
    RtlInitUnicodeString(&Name, L"\\Device\\PhysicalMemory");
    InitializeObjectAttributes(&Attributes, &Name,
                               OBJ_PERMANENT | OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    NTSTATUS Status = ObCreateObject(KernelMode, MmSectionObjectType, &Attributes, KernelMode,
                                     NULL, sizeof(MI_SECTION_OBJECT), 0, 0, (PVOID *)&Section);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Section->Size = (MiHighestFrame + 1) << PAGE_SHIFT;
    Section->Protection = MI_EXECUTE_READWRITE;
    Status = ObInsertObject(Section, NULL, SECTION_ALL_ACCESS, 0, NULL, &Handle);
    return NT_SUCCESS(Status) ? ZwClose(Handle) : Status;
}

VOID MiInitializeSections(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Info = {
        .GenericMapping = {STANDARD_RIGHTS_READ | SECTION_QUERY | SECTION_MAP_READ,
                           STANDARD_RIGHTS_WRITE | SECTION_MAP_WRITE,
                           STANDARD_RIGHTS_EXECUTE | SECTION_MAP_EXECUTE, SECTION_ALL_ACCESS},
        .ValidAccessMask = SECTION_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .DeleteProcedure = MiDeleteSection,
    };
    NT_VERIFY(NT_SUCCESS(
        ObCreateObjectType(L"Section", &Info, OB_NOT_WAITABLE, &MmSectionObjectType)));
    NT_VERIFY(NT_SUCCESS(MiCreatePhysicalMemory()));
    MiInitializeSystemViews();
}
