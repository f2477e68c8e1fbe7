/* SPDX-License-Identifier: MIT */
/*
 * A general protection fault does not say why. This tells whether the instruction is one of those
 * that check privilege or reserved bits, from its first bytes; pure code over a counted buffer.
 */
#include "ke/trap_dispatch.h"

static BOOLEAN KiIsPrefix(UCHAR Byte)
{
    switch (Byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: /* segments */
    case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
        return TRUE;
    }
    return (Byte & 0xf0) == 0x40; /* REX */
}

/* Groups 6 (lldt, ltr) and 7 (lgdt, lidt, lmsw, invlpg) share codes with harmless ones. */
static BOOLEAN KiIsPrivilegedGroup(UCHAR Opcode, UCHAR ModRm)
{
    UCHAR Operation = (ModRm >> 3) & 7;
    if (Opcode == 0x00) {
        return Operation == 2 || Operation == 3;
    }
    return Operation == 2 || Operation == 3 || Operation == 6 || Operation == 7;
}

BOOLEAN KiIsPrivilegedInstruction(const UCHAR *Code, ULONG Size)
{
    ULONG At = 0;
    while (At < Size && KiIsPrefix(Code[At])) {
        At++;
    }
    if (At >= Size) {
        return FALSE;
    }
    if (Code[At] != 0x0f) {
        switch (Code[At]) {
        case 0x6c: case 0x6d: case 0x6e: case 0x6f: /* ins, outs */
        case 0xe4: case 0xe5: case 0xe6: case 0xe7: /* in, out */
        case 0xec: case 0xed: case 0xee: case 0xef:
        case 0xf4: case 0xfa: case 0xfb:            /* hlt, cli, sti */
            return TRUE;
        }
        return FALSE;
    }
    if (At + 1 >= Size) {
        return FALSE;
    }
    switch (Code[At + 1]) {
    case 0x00: case 0x01:
        return At + 2 < Size && KiIsPrivilegedGroup(Code[At + 1], Code[At + 2]);
    case 0x06: case 0x07: case 0x08: case 0x09:     /* clts, sysret, invd, wbinvd */
    case 0x20: case 0x21: case 0x22: case 0x23:     /* control and debug registers */
    case 0x30: case 0x32: case 0x33: case 0x35:     /* wrmsr, rdmsr, rdpmc, sysexit */
        return TRUE;
    }
    return FALSE;
}
