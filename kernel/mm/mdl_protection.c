/* SPDX-License-Identifier: MIT */
/* MmProtectMdlSystemAddress: what may be done through an MDL's mapping in system space. */
#include "mm/mi.h"

/* <= DISPATCH_LEVEL. The pages themselves, and their other mappings, stay as they are. */
NTSTATUS MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect)
{
    PMDL Mdl = MemoryDescriptorList;
    ULONG Protection = MiProtectionOfPage(NewProtect);
    if (Protection == 0 || (Protection & MI_GUARD)) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if (!(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)) {
        return STATUS_NOT_MAPPED_VIEW;
    }
    ULONG64 Va = (ULONG64)PAGE_ALIGN(Mdl->MappedSystemVa);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Mdl->MappedSystemVa, Mdl->ByteCount);
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    for (ULONG i = 0; i < Pages; i++) {
        PVOID Address = (PVOID)(Va + ((ULONG64)i << PAGE_SHIFT));
        PMMPTE Pte = MI_PTE_OF(Address);
        if (*Pte & MI_PTE_VALID) {
            *Pte = (*Pte & ~(MI_PTE_WRITE | MI_PTE_NO_EXECUTE)) | MiProtectionToPte[Protection];
            MiInvalidatePage(Address);
        }
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return STATUS_SUCCESS;
}
