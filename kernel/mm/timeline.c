/* SPDX-License-Identifier: MIT */
/* What the timeline is told of images and their pages. */
#include "mm/image.h"

VOID MiRecordImagePage(TIMELINE_KIND Kind, PMMPTE Pte, TIMELINE_PAGE Detail)
{
    ULONG64 Va = (ULONG64)MI_VA_OF_PTE(Pte);
    if (MiInRange(&MiImageRange, Va)) {
        VfRecord(Kind, Va, 0, Detail, TIMELINE_NO_NAME, 0);
    }
}

/* MiPfnLock held. What the page is, if it is not resident. */
static VOID MiRecordAbsentPage(PMMPTE Pte)
{
    MMPTE Value = *Pte;
    if (Value & MI_PTE_VALID) {
        return;
    }
    if (!(Value & MI_PTE_TRANSITION)) {
        MiRecordImagePage(TimelinePageFreed, Pte,
                          MI_PTE_SLOT(Value) != 0 ? TimelinePageOnDisk : TimelinePageNew);
        return;
    }
    PMMPFN Pfn = MI_PFN(MI_PTE_FRAME(Value));
    MiRecordImagePage(TimelinePageLeft, Pte,
                      Pfn->State == MiStandby ? TimelinePageStandby : TimelinePageModified);
}

/* Pages of a large image have come and gone while it was being loaded. */
VOID MiRecordImage(PMM_IMAGE Image)
{
    if (!VfTimelineOn) {
        return;
    }
    VfRecord(TimelineLoad, Image->Base, Image->Pages << PAGE_SHIFT, 0, TIMELINE_NO_NAME, 0);
    for (ULONG i = 1; i < Image->SectionCount; i++) {
        PMI_SECTION Section = &Image->Section[i];
        for (ULONG64 Page = 0; !Section->Resident && Page < Section->Pages; Page++) {
            KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
            MiRecordAbsentPage(MI_PTE_OF(Section->Address + (Page << PAGE_SHIFT)));
            KiReleaseSpinLock(&MiPfnLock, Irql);
            VfSendTimeline(FALSE);
        }
    }
}
