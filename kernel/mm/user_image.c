/* SPDX-License-Identifier: MIT */
/*
 * Programs in user memory: an image's headers and sections become private memory of the process,
 * each with its own protection, and are filled with the file's bytes. They are pageable like all
 * user memory: a page that leaves goes to the paging file.
 *
 * The image is mapped at its preferred base only, and has no imports: there is one program, the
 * client, and nothing else lies where it wants to be.
 */
#include "mm/mi.h"

#include "lib/pe_image.h"
#include "nt/rtl.h"

/* Attached or not, of the current process: bytes go in whatever the protection is. */
NTSTATUS MmFillUserMemory(PVOID Base, const VOID *Bytes, SIZE_T Size)
{
    const UCHAR *From = Bytes;
    PUCHAR To = Base;

    while (Size != 0) {
        SIZE_T Chunk = PAGE_SIZE - BYTE_OFFSET(To);
        ULONG Frame;
        Chunk = Size < Chunk ? Size : Chunk;
        NTSTATUS Status = MiLockPage(To, UserMode, FALSE, &Frame);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        RtlCopyMemory((PUCHAR)MiFrameToVirtual(Frame) + BYTE_OFFSET(To), From, Chunk);
        /* Not through its own PTE, so the processor has not marked it. */
        __sync_fetch_and_or(MI_PTE_OF(To), MI_PTE_DIRTY);
        MiUnlockPage(Frame);
        To += Chunk;
        From += Chunk;
        Size -= Chunk;
    }
    return STATUS_SUCCESS;
}

static ULONG MiProtectionOfSection(const PE_SECTION *Section)
{
    BOOLEAN Execute = (Section->Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0;
    if (Section->Characteristics & IMAGE_SCN_MEM_WRITE) {
        return Execute ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
    }
    return Execute ? PAGE_EXECUTE_READ : PAGE_READONLY;
}

static NTSTATUS MiMapUserPart(ULONG64 Address, SIZE_T Size, ULONG Protect, const VOID *Bytes,
                              SIZE_T ByteCount)
{
    NTSTATUS Status = MiAllocatePrivateVad(&Address, Size, MiProtectionOfPage(Protect));
    return NT_SUCCESS(Status) ? MmFillUserMemory((PVOID)Address, Bytes, ByteCount) : Status;
}

NTSTATUS MmMapUserImage(const VOID *File, SIZE_T Size, PVOID *Base, PVOID *EntryPoint)
{
    PE_IMAGE Image;
    PE_ERROR Error;

    if (!PeImageOpen(&Image, File, Size, &Error) || Image.SectionAlignment < PAGE_SIZE ||
        Image.EntryPoint == 0 ||
        PeImageDirectory(&Image, IMAGE_DIRECTORY_ENTRY_IMPORT).Size != 0) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    NTSTATUS Status = MiMapUserPart(Image.ImageBase, Image.SizeOfHeaders, PAGE_READONLY, File,
                                    Image.SizeOfHeaders);
    for (ULONG Index = 0; NT_SUCCESS(Status) && Index < Image.SectionCount; Index++) {
        PE_SECTION Section;
        PeImageSection(&Image, Index, &Section);
        Status = MiMapUserPart(Image.ImageBase + Section.Rva, Section.MappedSize,
                               MiProtectionOfSection(&Section),
                               (const UCHAR *)File + Section.RawOffset, Section.FileBytes);
    }
    *Base = (PVOID)Image.ImageBase;
    *EntryPoint = (PVOID)(Image.ImageBase + Image.EntryPoint);
    return Status;
}
