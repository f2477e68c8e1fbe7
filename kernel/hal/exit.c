/* SPDX-License-Identifier: MIT */
/* The end of the machine. */
#include "hal/hal.h"

/*
 * On a machine without the exit device the write is lost. Then an exception without a table makes
 * the processor shut down, which QEMU, started with -no-reboot, takes as the end as well.
 */
DECLSPEC_NORETURN VOID HalExitMachine(UCHAR Code)
{
    struct __attribute__((packed)) {
        USHORT Limit;
        ULONG64 Base;
    } NoTable = {0, 0};
    __asm__ volatile("cli" : : : "memory");
    KiOutByte(GUEST_EXIT_PORT, Code);
    __asm__ volatile("lidt %0; int3" : : "m"(NoTable));
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
