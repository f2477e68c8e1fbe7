/* SPDX-License-Identifier: MIT */
/* QEMU's debug console: a port that takes bytes at once. Works in every state of the system. */
#include "hal/hal.h"

VOID HalWriteDebugString(PCSTR Text, SIZE_T Length)
{
    for (SIZE_T Index = 0; Index < Length; Index++) {
        KiOutByte(GUEST_DEBUG_CONSOLE_PORT, (UCHAR)Text[Index]);
    }
}
