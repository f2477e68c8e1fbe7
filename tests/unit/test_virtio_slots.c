/* SPDX-License-Identifier: MIT */
/* sources: kernel/hal/virtio_slots.c */
/* Where the command line says that virtio devices are, and words that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hal/virtio_slots.h"

static ULONG Parse(const char *Line, VIRTIO_SLOT *Slots, ULONG Maximum)
{
    return HalParseVirtioSlots(Line, strlen(Line), Slots, Maximum);
}

static void MicrovmLineGivesItsDevices(void **State)
{
    VIRTIO_SLOT Slots[4];

    assert_int_equal(Parse("a=b virtio_mmio.device=512@0xfeb00e00:12 "
                           "virtio_mmio.device=512@0xfeb00c00:11",
                           Slots, 4), 2);
    assert_int_equal(Slots[0].Physical, 0xfeb00e00);
    assert_int_equal(Slots[0].Gsi, 12);
    assert_int_equal(Slots[1].Physical, 0xfeb00c00);
    assert_int_equal(Slots[1].Gsi, 11);
}

static void OtherFormsOfNumbers(void **State)
{
    VIRTIO_SLOT Slots[1];

    assert_int_equal(Parse("virtio_mmio.device=0x200@4272947712:5:3", Slots, 1), 1);
    assert_int_equal(Slots[0].Physical, 0xfeb00200);
    assert_int_equal(Parse("virtio_mmio.device=4K@0xFEB00000:0x7", Slots, 1), 1);
    assert_int_equal(Slots[0].Gsi, 7);
}

static void MalformedWordsAreLeftOut(void **State)
{
    static const char *const Lines[] = {
        "", " ", "virtio_mmio.device=", "virtio_mmio.device=512", "virtio_mmio.device=512@",
        "virtio_mmio.device=512@0x:5", "virtio_mmio.device=512@0xfeb00000",
        "virtio_mmio.device=512@0xfeb00000:", "virtio_mmio.device=512@0xfeb00000:x",
        "virtio_mmio.device=512@0xfeb00000:5x", "virtio_mmio.device=511@0xfeb00000:5",
        "virtio_mmio.device=512@0xfeb00001:5", "virtio_mmio.device=512@0x1000:5",
        "virtio_mmio.device=512@0x100000000:5", "virtio_mmio.device=512@0xfeb00000:999",
        "virtio_mmio.device=8K@0xfeb00000:5", "virtio_mmio.device=512@0xfeb00000feb00000:5",
        "virtio_mmio.device=512@99999999999999999999999999:5",
        "xvirtio_mmio.device=512@0xfeb00000:5",
    };
    VIRTIO_SLOT Slots[2];

    for (size_t i = 0; i < sizeof(Lines) / sizeof(Lines[0]); i++) {
        assert_int_equal(Parse(Lines[i], Slots, 2), 0);
    }
}

static void BoundsHold(void **State)
{
    const char *Line = "virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=512@0xfeb00c00:11";
    VIRTIO_SLOT Slots[2];

    assert_int_equal(Parse(Line, Slots, 1), 1);
    assert_int_equal(Parse(Line, Slots, 0), 0);
    assert_int_equal(HalParseVirtioSlots(Line, 36, Slots, 2), 1);
    assert_int_equal(HalParseVirtioSlots(Line, 34, Slots, 2), 0);
    assert_int_equal(HalParseVirtioSlots(Line, 0, Slots, 2), 0);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(MicrovmLineGivesItsDevices),
        cmocka_unit_test(OtherFormsOfNumbers),
        cmocka_unit_test(MalformedWordsAreLeftOut),
        cmocka_unit_test(BoundsHold),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
