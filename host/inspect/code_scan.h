/* SPDX-License-Identifier: MIT */
/*
 * What the instructions of a driver refer to, one after the other: which import is called or
 * loaded, which routine of its own is called or has its address taken, what changes the IRQL. Pure
 * but for malloc; the image was opened by PeImageOpen and is hostile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "lib/pe_image.h"

typedef struct {
    uint32_t Rva;
    const char *Name; /* in the image's bytes */
} CODE_SLOT;

typedef struct {
    const PE_IMAGE *Image;
    ZydisDecoder Decoder;
    CODE_SLOT *Slots; /* of all imports by name, by RVA */
    uint32_t SlotCount;
} CODE_SCAN;

typedef enum {
    CodeOther,       /* nothing that is asked for here */
    CodeCallsImport, /* or loads its address, or jumps to it */
    CodeCalls,       /* Target, by a direct call or jump */
    CodeCallsUnknown, /* through a pointer that is no import */
    CodeTakesAddress, /* lea of Target */
    CodeWritesIrql,  /* mov cr8 */
    CodeDisables,    /* cli */
} CODE_REFERENCE_KIND;

typedef struct {
    uint32_t Rva, Length;
    CODE_REFERENCE_KIND Kind;
    const char *Import; /* of CodeCallsImport */
    uint32_t Target;    /* of CodeCalls and CodeTakesAddress: RVA in the image */
    bool Jump;          /* a call that does not come back here */
} CODE_REFERENCE;

/* False: no memory. */
bool CodeScanOpen(CODE_SCAN *Scan, const PE_IMAGE *Image);
void CodeScanClose(CODE_SCAN *Scan);
/* The instruction at Rva; Code: its bytes, Size of them. False: there is none. */
bool CodeScanStep(const CODE_SCAN *Scan, uint32_t Rva, const uint8_t *Code, uint64_t Size,
                  CODE_REFERENCE *Reference);
/* Whether the routine of the kernel lowers the IRQL, or may. */
bool CodeIsLoweringRoutine(const char *Name);
/* Whether the routine of the kernel returns at DISPATCH_LEVEL or above, whatever it was called at.
   The name found is static; NULL: it does not. */
const char *CodeRaisingRoutine(const char *Name);
