/* SPDX-License-Identifier: MIT */
/*
 * What the guest writes to isa-debug-exit (port F4h). QEMU's exit status is 2 * code + 1, so any
 * of these differs from an exit of QEMU's own.
 */
#pragma once

#define GUEST_DEBUG_CONSOLE_PORT 0xe9 /* isa-debugcon: the boot log, a byte at a time */
#define GUEST_EXIT_PORT 0xf4
#define GUEST_EXIT_CLEAN 0x10        /* shut down on request */
#define GUEST_EXIT_BUG_CHECK 0x11    /* a bug check; the report went out before */
#define GUEST_EXIT_NESTED_BUG_CHECK 0x12 /* a bug check inside a bug check */
#define GUEST_EXIT_ASSERTION 0x14    /* an assertion of the kernel itself */
#define GUEST_EXIT_REBOOT 0x15 /* a debugger asked for a reboot */
#define GUEST_EXIT_FIRMWARE 0x16 /* the driver called HalReturnToFirmware */
#define GUEST_EXIT_CONTROL_LOST 0x13 /* no control channel, or the host broke the protocol */
#define GUEST_EXIT_BOOT_FAILURE 0x7e /* boot.elf or the kernel's first steps; see the boot log */
