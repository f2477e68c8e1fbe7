/* SPDX-License-Identifier: MIT */
/*
 * Where the machine says its virtio devices are: words SIZE@BASE:GSI[:ID] after
 * "virtio_mmio.device=", which the microvm machine appends to the kernel's command line.
 * Pure code; the text comes from outside and is not trusted.
 */
#include "hal/virtio_slots.h"

#define VIRTIO_WORD "virtio_mmio.device="
#define VIRTIO_HIGHEST_GSI 47u
#define VIRTIO_LOWEST_BASE 0xC0000000ull /* device registers lie in the gap under 4 GB */
#define VIRTIO_HIGHEST_BASE 0x100000000ull

/* A decimal or 0x-hexadecimal number; FALSE without digits or above 2^40. */
static BOOLEAN HalpParseNumber(PCSTR *Cursor, PCSTR End, PULONG64 Value)
{
    PCSTR p = *Cursor;
    ULONG Base = 10;
    BOOLEAN Digits = FALSE;

    *Value = 0;
    if (End - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        Base = 16;
        p += 2;
    }
    for (; p < End; p++) {
        ULONG Digit;
        if (*p >= '0' && *p <= '9') {
            Digit = (ULONG)(*p - '0');
        } else if (Base == 16 && *p >= 'a' && *p <= 'f') {
            Digit = (ULONG)(*p - 'a') + 10;
        } else if (Base == 16 && *p >= 'A' && *p <= 'F') {
            Digit = (ULONG)(*p - 'A') + 10;
        } else {
            break;
        }
        *Value = *Value * Base + Digit;
        if (*Value > 1ull << 40) {
            return FALSE;
        }
        Digits = TRUE;
    }
    *Cursor = p;
    return Digits;
}

static BOOLEAN HalpParseSlot(PCSTR p, PCSTR End, PVIRTIO_SLOT Slot)
{
    ULONG64 Size, Base, Gsi;

    if (!HalpParseNumber(&p, End, &Size)) {
        return FALSE;
    }
    if (p < End && (*p == 'K' || *p == 'k')) {
        Size *= 1024;
        p++;
    }
    if (p == End || *p++ != '@' || !HalpParseNumber(&p, End, &Base)) {
        return FALSE;
    }
    if (p == End || *p++ != ':' || !HalpParseNumber(&p, End, &Gsi)) {
        return FALSE;
    }
    if (p < End && *p != ':') {
        return FALSE;
    }
    if (Size < VIRTIO_SLOT_SIZE || Size > PAGE_SIZE || Base % VIRTIO_SLOT_SIZE != 0 ||
        Base < VIRTIO_LOWEST_BASE || Base + Size > VIRTIO_HIGHEST_BASE ||
        Gsi > VIRTIO_HIGHEST_GSI) {
        return FALSE;
    }
    Slot->Physical = Base;
    Slot->Gsi = (ULONG)Gsi;
    return TRUE;
}

ULONG HalParseVirtioSlots(PCSTR CommandLine, SIZE_T MaximumLength, PVIRTIO_SLOT Slots,
                          ULONG MaximumSlots)
{
    const SIZE_T PrefixLength = sizeof(VIRTIO_WORD) - 1;
    PCSTR Limit = CommandLine + MaximumLength;
    PCSTR p = CommandLine;
    ULONG Count = 0;

    while (p < Limit && *p != '\0' && Count < MaximumSlots) {
        PCSTR Word, End;
        SIZE_T i;

        while (p < Limit && *p == ' ') {
            p++;
        }
        Word = p;
        while (p < Limit && *p != '\0' && *p != ' ') {
            p++;
        }
        End = p;
        if ((SIZE_T)(End - Word) <= PrefixLength) {
            continue;
        }
        for (i = 0; i < PrefixLength && Word[i] == VIRTIO_WORD[i]; i++) {
        }
        if (i == PrefixLength && HalpParseSlot(Word + PrefixLength, End, &Slots[Count])) {
            Count++;
        }
    }
    return Count;
}
