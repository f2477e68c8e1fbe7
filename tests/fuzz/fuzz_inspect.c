/* SPDX-License-Identifier: MIT */
/* sources: host/inspect/inspect_image.c host/inspect/code_scan.c host/inspect/inspect_code.c host/inspect/inspect_findings.c host/exports/load_refusal.c host/exports/export_table.c host/text/bug_check_names.c host/text/near_names.c host/text/status_names.c host/text/text.c host_exports.c lib/pe_image.c lib/pe_exports.c lib/pe_directories.c lib/pe_load.c tests/fuzz/pe_sample.c */
/*
 * Inspects what libFuzzer makes of the sample image: a byte: how many changes, then as many
 * (offset, offset, value), then bytes that replace its code, in a section that is pageable.
 */
#include <stdlib.h>
#include <string.h>

#include "host/inspect/inspect.h"
#include "tests/fuzz/pe_sample.h"

#define TEXT_FILE 0x400u
#define TEXT_SIZE 0x180u

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static INSPECTION Inspection;
    PE_IMAGE Image;
    PE_ERROR Error;

    if (Size < 1) {
        return 0;
    }
    uint8_t *File = malloc(SAMPLE_SIZE); /* of the exact size, for the address sanitizer */
    SampleBuild(File);
    memcpy(File + SAMPLE_SECTION(0, Name), "PAGECODE", 8);
    strcpy((char *)File + SAMPLE_INIT(0x6122), "KeRaiseIrqlToDpcLevel");
    size_t Used = 1, Changes = Data[0];
    for (; Changes != 0 && Used + 3 <= Size; Changes--, Used += 3) {
        File[(Data[Used] | Data[Used + 1] << 8) % SAMPLE_SIZE] = Data[Used + 2];
    }
    size_t Code = Size - Used < TEXT_SIZE ? Size - Used : TEXT_SIZE;
    memcpy(File + TEXT_FILE, Data + Used, Code);
    if (PeImageOpen(&Image, File, SAMPLE_SIZE, &Error)) {
        InspectImage(&Inspection, &Image);
        for (uint32_t i = 0; i < Inspection.SiteCount; i++) {
            const INSPECT_SITE *Site = &Inspection.Sites[i];
            if (Site->FunctionRva > Site->Rva || Site->Rva >= Image.SizeOfImage ||
                Inspection.Fate[Site->Section] != FatePageable) {
                abort();
            }
        }
        if (Inspection.Warnings > Inspection.SiteCount + Inspection.SitesLeftOut +
                                      Inspection.FindingCount + Inspection.FindingsLeftOut) {
            abort();
        }
    }
    free(File);
    return 0;
}
