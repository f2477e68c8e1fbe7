/* SPDX-License-Identifier: MIT */
/*
 * Sections of files. The pages are read when the section is created, by paging reads that travel
 * as IRPs through the file's device stack; each section has pages of its own. When the last view
 * and handle of one that could be written are gone, its pages are written to the file.
 *
 * SEC_IMAGE: a PE image as the loader lays it out at its preferred base, not relocated, read-only
 * and executable in every view. Only native images (drivers, the kernel).
 *
 * Facts: the WDK page of ZwCreateSection.
 */
#include "io/iop.h"
#include "lib/pe_image.h"
#include "mm/section.h"

#define MI_TAG_LAYOUT 'yaLS'
#define MI_FILE_SECTION_MOST (256ull << 20)

static NTSTATUS MiQueryFileSize(PFILE_OBJECT File, PULONG64 Size)
{
    FILE_STANDARD_INFORMATION Standard;
    ULONG Length;
    NTSTATUS Status = IoQueryFileInformation(File, FileStandardInformation, sizeof(Standard),
                                             &Standard, &Length);
    if (!NT_SUCCESS(Status) || Standard.Directory) {
        return STATUS_INVALID_FILE_FOR_SECTION;
    }
    *Size = (ULONG64)Standard.EndOfFile.QuadPart;
    return STATUS_SUCCESS;
}

/* Zero stands for the file's size; more makes the file longer, when the section may be written. */
static NTSTATUS MiChooseFileSize(PMI_SECTION_OBJECT Section, PFILE_OBJECT File,
                                 const LARGE_INTEGER *MaximumSize, ULONG64 FileSize)
{
    ULONG64 Wanted = MaximumSize != NULL ? (ULONG64)MaximumSize->QuadPart : 0;
    Section->Size = Wanted != 0 ? Wanted : FileSize;
    if (Section->Size == 0) {
        return STATUS_MAPPED_FILE_SIZE_ZERO;
    }
    if (Section->Size > MI_FILE_SECTION_MOST) {
        return STATUS_SECTION_TOO_BIG;
    }
    if (Section->Size > FileSize) {
        FILE_END_OF_FILE_INFORMATION End = {{.QuadPart = (LONGLONG)Section->Size}};
        return MiProtectionToPte[Section->Protection] & MI_PTE_WRITE
                   ? IoSetInformation(File, FileEndOfFileInformation, sizeof(End), &End)
                   : STATUS_SECTION_TOO_BIG;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MiReadWhole(PFILE_OBJECT File, PUCHAR Bytes, ULONG64 Size)
{
    for (ULONG64 At = 0; At < Size;) {
        ULONG Length = (ULONG)(Size - At < 0x100000 ? Size - At : 0x100000);
        ULONG_PTR Done = 0;
        NTSTATUS Status = IopPageFile(File, IRP_MJ_READ, Bytes + At, Length, (LONGLONG)At, &Done);
        if (!NT_SUCCESS(Status) || Done == 0) {
            return NT_SUCCESS(Status) ? STATUS_END_OF_FILE : Status;
        }
        At += Done;
    }
    return STATUS_SUCCESS;
}

/* The image in memory, from the file's bytes. */
static NTSTATUS MiLayOutImage(PMI_SECTION_OBJECT Section, PFILE_OBJECT File, ULONG64 FileSize,
                              PVOID *Layout)
{
    PE_IMAGE Image;
    PE_ERROR Error;

    if (FileSize == 0 || FileSize > MI_FILE_SECTION_MOST) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    PUCHAR Bytes = ExAllocatePoolWithTag(PagedPool, FileSize, MI_TAG_LAYOUT);
    if (Bytes == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = MiReadWhole(File, Bytes, FileSize);
    if (NT_SUCCESS(Status)) {
        Status = !PeImageOpen(&Image, Bytes, FileSize, &Error) ||
                         Image.SizeOfImage > MI_FILE_SECTION_MOST
                     ? STATUS_INVALID_IMAGE_FORMAT
                     : STATUS_SUCCESS;
    }
    if (NT_SUCCESS(Status)) {
        *Layout = ExAllocatePoolWithTag(PagedPool, Image.SizeOfImage, MI_TAG_LAYOUT);
        Status = *Layout != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(Status)) {
        NT_VERIFY(PeImageLoad(&Image, *Layout, Image.SizeOfImage, Image.ImageBase, &Error));
        Section->Size = Image.SizeOfImage;
        Section->ImageBase = Image.ImageBase;
        Section->Protection = MI_EXECUTE_READ;
        Section->Image = TRUE;
    }
    ExFreePoolWithTag(Bytes, MI_TAG_LAYOUT);
    return Status;
}

NTSTATUS MiCheckFileSection(PMI_SECTION_OBJECT Section, const LARGE_INTEGER *MaximumSize,
                            ULONG Attributes, HANDLE FileHandle, PVOID *Layout)
{
    PFILE_OBJECT File;
    ULONG64 FileSize;

    *Layout = NULL;
    if (MaximumSize != NULL && MaximumSize->QuadPart < 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(FileHandle, 0, IoFileObjectType, KernelMode,
                                                (PVOID *)&File, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = File->SectionObjectPointer != NULL ? MiQueryFileSize(File, &FileSize)
                                                : STATUS_INVALID_FILE_FOR_SECTION;
    if (NT_SUCCESS(Status)) {
        Status = (Attributes & SEC_IMAGE) ? MiLayOutImage(Section, File, FileSize, Layout)
                                          : MiChooseFileSize(Section, File, MaximumSize, FileSize);
    }
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(File);
        return Status;
    }
    Section->File = File;
    return STATUS_SUCCESS;
}

VOID MiFreeLayout(PVOID Layout)
{
    if (Layout != NULL) {
        ExFreePoolWithTag(Layout, MI_TAG_LAYOUT);
    }
}

/* How much of the section a page has. */
static ULONG MiPageBytes(const MI_SECTION_OBJECT *Section, ULONG64 Page)
{
    ULONG64 Rest = Section->Size - (Page << PAGE_SHIFT);
    return Rest < PAGE_SIZE ? (ULONG)Rest : PAGE_SIZE;
}

NTSTATUS MiFillFileSection(PMI_SECTION_OBJECT Section, const VOID *Layout)
{
    NTSTATUS Status = STATUS_SUCCESS;
    for (ULONG64 Page = 0; NT_SUCCESS(Status) && Page < Section->Pages; Page++) {
        ULONG Bytes = MiPageBytes(Section, Page);
        ULONG_PTR Done;
        if (Layout != NULL) {
            RtlCopyMemory(MiSectionPage(Section, Page),
                          (const UCHAR *)Layout + (Page << PAGE_SHIFT), Bytes);
        } else {
            Status = IopPageFile(Section->File, IRP_MJ_READ, MiSectionPage(Section, Page), Bytes,
                                 (LONGLONG)(Page << PAGE_SHIFT), &Done);
        }
    }
    return Status;
}

/* A page that cannot be written is lost, as one of a cache is: the file system has told why. */
VOID MiWriteFileSection(PMI_SECTION_OBJECT Section)
{
    for (ULONG64 Page = 0; Page < Section->Pages; Page++) {
        ULONG_PTR Done;
        NTSTATUS Status =
            IopPageFile(Section->File, IRP_MJ_WRITE, MiSectionPage(Section, Page),
                        MiPageBytes(Section, Page), (LONGLONG)(Page << PAGE_SHIFT), &Done);
        if (!NT_SUCCESS(Status)) {
            DbgPrint("mm: page %u of a section is lost: %08x\n", (ULONG)Page, Status);
        }
    }
}
