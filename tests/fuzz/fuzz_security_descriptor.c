/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/sid.c kernel/rtl/acl.c kernel/rtl/descriptor.c kernel/rtl/descriptor_part.c */
/*
 * A self-relative descriptor of what libFuzzer makes. What the check lets pass is walked by every
 * routine, and comes back the same through both forms.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/rtl/rtl_security.h"
#include "nt/rtl.h"

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return malloc(NumberOfBytes);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    free(P);
}

static void WalkAcl(PACL Acl)
{
    PVOID Ace;
    UNICODE_STRING Text;
    for (ULONG i = 0; RtlGetAce(Acl, i, &Ace) == STATUS_SUCCESS; i++) {
        if (RtlpAceHasSid(Ace) &&
            RtlConvertSidToUnicodeString(&Text, &((PACCESS_ALLOWED_ACE)Ace)->SidStart, TRUE) ==
                STATUS_SUCCESS) {
            free(Text.Buffer);
        }
    }
    if (!RtlFirstFreeAce(Acl, &Ace)) {
        abort();
    }
}

static void ThereAndBack(PVOID Descriptor)
{
    SECURITY_DESCRIPTOR Absolute;
    ULONG Sizes[5] = {0};
    PVOID Parts[5] = {&Absolute};
    ULONG Length = 0;

    RtlSelfRelativeToAbsoluteSD(Descriptor, &Absolute, &Sizes[0], NULL, &Sizes[1], NULL, &Sizes[2],
                                NULL, &Sizes[3], NULL, &Sizes[4]);
    for (int i = 1; i < 5; i++) {
        Parts[i] = malloc(Sizes[i] + 1);
    }
    if (RtlSelfRelativeToAbsoluteSD(Descriptor, &Absolute, &Sizes[0], Parts[1], &Sizes[1], Parts[2],
                                    &Sizes[2], Parts[3], &Sizes[3], Parts[4], &Sizes[4]) !=
        STATUS_SUCCESS) {
        abort();
    }
    if (RtlAbsoluteToSelfRelativeSD(&Absolute, NULL, &Length) != STATUS_BUFFER_TOO_SMALL) {
        abort();
    }
    PVOID Again = malloc(Length);
    if (RtlAbsoluteToSelfRelativeSD(&Absolute, Again, &Length) != STATUS_SUCCESS ||
        !RtlValidRelativeSecurityDescriptor(Again, Length, 0)) {
        abort();
    }
    free(Again);
    for (int i = 1; i < 5; i++) {
        free(Parts[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    PUCHAR Bytes = malloc(Size + 1); /* a copy in its own block: aligned, its end is known */
    memcpy(Bytes, Data, Size);
    if (RtlValidRelativeSecurityDescriptor(Bytes, (ULONG)Size, 0)) {
        if (!RtlValidSecurityDescriptor(Bytes)) {
            abort();
        }
        RtlpGetDescriptorParts(Bytes, &Parts);
        if (Parts.Dacl != NULL) {
            WalkAcl(Parts.Dacl);
        }
        if (Parts.Sacl != NULL) {
            WalkAcl(Parts.Sacl);
        }
        ThereAndBack(Bytes);
    }
    free(Bytes);
    return 0;
}
