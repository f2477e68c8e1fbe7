/* SPDX-License-Identifier: MIT */
/* Finding virtio devices on the kernel's command line: pure code, also built natively. */
#pragma once

#include "nt/ntdef.h"

#define VIRTIO_MAX_SLOTS 32u
#define VIRTIO_SLOT_SIZE 0x200u

typedef struct _VIRTIO_SLOT {
    ULONG64 Physical; /* of the registers */
    ULONG Gsi;
} VIRTIO_SLOT, *PVIRTIO_SLOT;

/*
 * Reads the `virtio_mmio.device=512@0xfeb00e00:12` words of a command line that ends at a NUL or
 * after MaximumLength bytes. Words that are malformed or out of range are left out. Returns how
 * many slots were stored.
 */
ULONG HalParseVirtioSlots(PCSTR CommandLine, SIZE_T MaximumLength, PVIRTIO_SLOT Slots,
                          ULONG MaximumSlots);
