/* SPDX-License-Identifier: MIT */
/* The debug console port, and the end of a boot that cannot go on. */
#include "boot/boot.h"

#include "wire/exit_codes.h"

static void OutByte(uint16_t Port, uint8_t Value)
{
    __asm__ volatile("outb %0, %1" : : "a"(Value), "Nd"(Port));
}

void BootPrint(const char *Text)
{
    for (; *Text != 0; Text++) {
        OutByte(GUEST_DEBUG_CONSOLE_PORT, (uint8_t)*Text);
    }
}

void BootPrintHex(uint64_t Value)
{
    char Text[17];
    for (int Index = 15; Index >= 0; Index--) {
        Text[Index] = "0123456789abcdef"[Value & 15];
        Value >>= 4;
    }
    Text[16] = 0;
    BootPrint(Text);
}

void BootFail(const char *What, const char *Why)
{
    BootPrint("boot: ");
    BootPrint(What);
    if (Why != NULL) {
        BootPrint(": ");
        BootPrint(Why);
    }
    BootPrint("\n");
    OutByte(GUEST_EXIT_PORT, GUEST_EXIT_BOOT_FAILURE);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
