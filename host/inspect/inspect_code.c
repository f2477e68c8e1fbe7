/* SPDX-License-Identifier: MIT */
/*
 * Finds in pageable code what raises the IRQL to DISPATCH_LEVEL or above, or may: the instruction
 * behind it may lie in a page that has left. Three kinds:
 *
 *     call [slot], call thunk, mov r, [slot]     of a routine that returns raised (code_scan.c)
 *     mov cr8, r                                 KeRaiseIrql and KeLowerIrql, inlined
 *     cli                                        interrupts off: no page fault may be taken either
 *
 * A pageable section is decoded from its first byte to its last: by function where .pdata has one,
 * and in between (leaf functions, which need no entry there) on from where the one before ended. A
 * byte that begins no instruction is passed over. Ranges never overlap, whatever .pdata says, so
 * the work is bounded by the section's bytes, and by INSPECT_CODE_LIMIT for all together.
 */
#include <string.h>

#include "host/inspect/code_scan.h"
#include "host/inspect/inspect.h"

#define INT3 0xcc

typedef struct {
    INSPECTION *Out;
    PE_SECTION Section;
    CODE_SCAN Code;
    uint64_t Decoded; /* bytes */
} SCAN;

/* What the instruction does to the IRQL, as a static text; NULL: nothing. */
static const char *ScanWhat(const CODE_REFERENCE *Reference)
{
    switch (Reference->Kind) {
    case CodeDisables: return "cli";
    case CodeWritesIrql: return "mov cr8";
    case CodeCallsImport: return Reference->Jump ? NULL : CodeRaisingRoutine(Reference->Import);
    default: return NULL;
    }
}

static void ScanAddSite(SCAN *Scan, uint64_t Rva, uint64_t FunctionRva, const char *What)
{
    INSPECTION *Out = Scan->Out;
    bool Warning = !Out->CanLockSections || strcmp(Scan->Section.Name, "PAGE") == 0;

    Out->Warnings += Warning;
    if (Out->SiteCount == INSPECT_MOST_SITES) {
        Out->SitesLeftOut++;
        return;
    }
    Out->Sites[Out->SiteCount++] =
        (INSPECT_SITE){(uint32_t)Rva, (uint32_t)FunctionRva, Scan->Section.Index, What, Warning};
}

/* [Begin, End) lies in the section's bytes of the file. */
static void ScanRange(SCAN *Scan, uint64_t Begin, uint64_t End)
{
    const uint8_t *Bytes =
        Scan->Out->Image->Bytes + Scan->Section.RawOffset + (Begin - Scan->Section.Rva);
    uint64_t Function = Begin;
    bool Padding = false;

    if (End - Begin > INSPECT_CODE_LIMIT - Scan->Decoded) {
        Scan->Out->BytesNotDecoded += End - Begin;
        return;
    }
    Scan->Decoded += End - Begin;
    for (uint64_t Rva = Begin; Rva < End;) {
        const uint8_t *At = Bytes + (Rva - Begin);
        CODE_REFERENCE Reference;
        /* Padding separates leaf functions from each other. */
        Function = Padding && *At != INT3 ? Rva : Function;
        Padding = *At == INT3;
        if (!CodeScanStep(&Scan->Code, (uint32_t)Rva, At, End - Rva, &Reference)) {
            Rva++;
            continue;
        }
        const char *What = ScanWhat(&Reference);
        if (What != NULL) {
            ScanAddSite(Scan, Rva, Function, What);
        }
        Rva += Reference.Length;
    }
}

static void ScanSection(SCAN *Scan)
{
    uint64_t Bytes = Scan->Section.FileBytes < Scan->Section.VirtualSize
                         ? Scan->Section.FileBytes
                         : Scan->Section.VirtualSize;
    uint64_t Next = Scan->Section.Rva, End = Next + Bytes;
    PE_FUNCTION Function;
    PE_ERROR Error;

    for (uint32_t i = 0;
         PeImageFunction(Scan->Out->Image, i, &Function, &Error) == PeStepItem; i++) {
        if (Function.BeginRva < Next || Function.EndRva > End) {
            continue; /* of another section; or what was decoded already */
        }
        if (Function.BeginRva != Function.EndRva) {
            ScanRange(Scan, Next, Function.BeginRva);
            ScanRange(Scan, Function.BeginRva, Function.EndRva);
            Next = Function.EndRva;
        }
    }
    ScanRange(Scan, Next, End);
}

void InspectCode(INSPECTION *Out)
{
    SCAN Scan = {.Out = Out};

    if (!CodeScanOpen(&Scan.Code, Out->Image)) {
        Out->BytesNotDecoded = Out->PageableBytes;
        return;
    }
    for (uint32_t i = 0; i < Out->Image->SectionCount; i++) {
        PeImageSection(Out->Image, i, &Scan.Section);
        if (Out->Fate[i] == FatePageable && Scan.Section.FileBytes != 0 &&
            (Scan.Section.Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0) {
            ScanSection(&Scan);
        }
    }
    CodeScanClose(&Scan.Code);
}
