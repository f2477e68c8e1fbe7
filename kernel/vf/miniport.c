/* SPDX-License-Identifier: MIT */
/*
 * HwStorPortProhibitedDDIs: a physical Storport miniport calls the port driver and none of some 160
 * WDM routines, among them all that page. The rule is one of static analysis and has no bug check:
 * it gives a finding for each routine, at its first call.
 *
 * A driver that imports from storport.sys may be a virtual miniport, which may call what it likes.
 * Which one it is it says to StorPortInitialize: what it has called before is kept until then.
 */
#include "vf/vf.h"

#include "mm/image.h"
#include "nt/rtl.h"

static const CHAR VfRuleName[] = "HwStorPortProhibitedDDIs";

static BOOLEAN VfIsProhibited(const VF_EXPORT *Export)
{
    SIZE_T Length = sizeof(VfRuleName) - 1;
    for (PCSTR Rule = Export->Rules; *Rule != 0; Rule++) {
        if ((Rule == Export->Rules || Rule[-1] == ' ') && strncmp(Rule, VfRuleName, Length) == 0 &&
            (Rule[Length] == 0 || Rule[Length] == ' ')) {
            return TRUE;
        }
    }
    return FALSE;
}

static VOID VfReportProhibited(const VF_IMPORT *Import)
{
    CHAR Text[160];
    _snprintf(Text, sizeof(Text) - 1, "%s: a Storport miniport must not call %s", VfRuleName,
              Import->Export->Name);
    Text[sizeof(Text) - 1] = 0;
    MiReportFinding(VF_FINDING_PROHIBITED, Text, Import->FirstCall);
}

VOID VfWatchMiniport(PVF_IMPORT Import, PMM_IMAGE Image)
{
    if (Import->Export != NULL && VfIsProhibited(Import->Export)) {
        Import->Miniport = Image;
        Import->NextProhibited = Image->ProhibitedImports;
        Image->ProhibitedImports = Import;
    }
}

VOID VfCallFromMiniport(PVF_IMPORT Import, PVOID ReturnAddress)
{
    if (InterlockedCompareExchangePointer(&Import->FirstCall, KI_CALL_SITE(ReturnAddress), NULL) ==
            NULL &&
        Import->Miniport->IsMiniport) {
        VfReportProhibited(Import);
    }
}

VOID VfDeclareMiniport(PVOID ReturnAddress)
{
    PMM_IMAGE Image = MmFindImage(ReturnAddress);
    if (Image == NULL || Image->IsMiniport) {
        return;
    }
    Image->IsMiniport = TRUE;
    for (PVF_IMPORT Import = Image->ProhibitedImports; Import != NULL;
         Import = Import->NextProhibited) {
        if (Import->FirstCall != NULL) {
            VfReportProhibited(Import);
        }
    }
}
