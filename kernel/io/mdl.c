/* SPDX-License-Identifier: MIT */
/* Memory descriptor lists as objects of Io: allocated, chained to a request, cut, freed. */
#include "io/iop.h"

/*
 * <= DISPATCH_LEVEL. With a packet the list becomes its only one, or with SecondaryBuffer the last
 * of its chain. Length may be anything that fits 32 bits; MDL.Size holds what 15 bits can.
 */
PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                   BOOLEAN ChargeQuota, PIRP Irp)
{
    if (Length == 0 || (ULONG_PTR)VirtualAddress + Length < (ULONG_PTR)VirtualAddress) {
        return NULL;
    }
    PMDL Mdl = ExAllocatePoolWithTag(NonPagedPoolNx, MmSizeOfMdl(VirtualAddress, Length),
                                     IO_TAG_MDL);
    if (Mdl == NULL) {
        return NULL;
    }
    MmInitializeMdl(Mdl, VirtualAddress, Length);
    Mdl->Process = NULL;
    Mdl->MappedSystemVa = NULL;
    if (Irp != NULL) {
        PMDL *Link = &Irp->MdlAddress;
        while (SecondaryBuffer && *Link != NULL) {
            Link = &(*Link)->Next;
        }
        *Link = Mdl;
    }
    return Mdl;
}

/* Does not unlock: who locked the pages has done so. */
VOID IoFreeMdl(PMDL Mdl)
{
    if ((Mdl->MdlFlags & MDL_PARTIAL) && (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)) {
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    }
    ExFreePool(Mdl);
}

/*
 * Target describes Length bytes of Source's buffer from VirtualAddress (0: to its end); its pages
 * stay locked by Source. Target was allocated for that range; bug check 0x49 when it is too small.
 */
VOID IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    ULONG_PTR Offset = (ULONG_PTR)VirtualAddress - (ULONG_PTR)MmGetMdlVirtualAddress(SourceMdl);
    NT_VERIFY(Offset <= SourceMdl->ByteCount);
    if (Length == 0) {
        Length = (ULONG)(SourceMdl->ByteCount - Offset);
    }
    NT_VERIFY(Length <= SourceMdl->ByteCount - Offset);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
    if (Pages > ((USHORT)TargetMdl->Size - sizeof(MDL)) / sizeof(PFN_NUMBER)) {
        KeBugCheckEx(TARGET_MDL_TOO_SMALL, (ULONG_PTR)TargetMdl, Pages, 0, 0);
    }
    ULONG First = (ULONG)(((ULONG_PTR)PAGE_ALIGN(VirtualAddress) -
                           (ULONG_PTR)SourceMdl->StartVa) >> PAGE_SHIFT);
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length;
    TargetMdl->MdlFlags = (CSHORT)((TargetMdl->MdlFlags & MDL_ALLOCATED_FIXED_SIZE) | MDL_PARTIAL |
                                   (SourceMdl->MdlFlags & MDL_IO_PAGE_READ));
    RtlCopyMemory(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + First,
                  Pages * sizeof(PFN_NUMBER));
    if (SourceMdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        TargetMdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
        TargetMdl->MappedSystemVa = (PCHAR)SourceMdl->MappedSystemVa + Offset;
    } else if (SourceMdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        TargetMdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
        TargetMdl->MappedSystemVa = (PCHAR)SourceMdl->MappedSystemVa + Offset;
    } else {
        TargetMdl->MappedSystemVa = NULL;
    }
}
