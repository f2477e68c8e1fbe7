/* SPDX-License-Identifier: MIT */
/*
 * A processor's state as the debugger reads and writes it: KPRCB.ProcessorState. HIGH_LEVEL,
 * interrupts off.
 */
#include "ke/ki.h"

#define MSR_DEBUG_CONTROL 0x1d9u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SYSCALL_MASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_GS_SWAP 0xc0000102u

#define KI_READ_REGISTER(name) \
    ({ ULONG64 Value; __asm__ volatile("movq %%" name ", %0" : "=r"(Value)); Value; })
#define KI_WRITE_REGISTER(name, value) \
    __asm__ volatile("movq %0, %%" name : : "r"((ULONG64)(value)) : "memory")

static ULONG64 KiReadMsr(ULONG Register)
{
    ULONG Low, High;
    __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(Register));
    return ((ULONG64)High << 32) | Low;
}

/* Last-branch records stay 0: the emulated processor has none. XCR0 too: CR4.OSXSAVE is off. */
VOID KiSaveProcessorControlState(KPROCESSOR_STATE *State, KIRQL Irql)
{
    KSPECIAL_REGISTERS *Special = &State->SpecialRegisters;
    __builtin_memset(Special, 0, sizeof(*Special));
    Special->Cr0 = KI_READ_REGISTER("cr0");
    Special->Cr2 = KI_READ_REGISTER("cr2");
    Special->Cr3 = KI_READ_REGISTER("cr3");
    Special->Cr4 = KI_READ_REGISTER("cr4");
    Special->Cr8 = Irql;
    Special->Dr0 = KI_READ_REGISTER("dr0");
    Special->Dr1 = KI_READ_REGISTER("dr1");
    Special->Dr2 = KI_READ_REGISTER("dr2");
    Special->Dr3 = KI_READ_REGISTER("dr3");
    Special->Dr6 = KI_READ_REGISTER("dr6");
    Special->Dr7 = KI_READ_REGISTER("dr7");
    __asm__ volatile("sgdt %0" : "=m"(Special->GdtrLimit) : : "memory"); /* limit, then base */
    __asm__ volatile("sidt %0" : "=m"(Special->IdtrLimit) : : "memory");
    __asm__ volatile("str %0" : "=m"(Special->Tr));
    __asm__ volatile("sldt %0" : "=m"(Special->Ldtr));
    __asm__ volatile("stmxcsr %0" : "=m"(Special->MxCsr));
    Special->DebugControl = KiReadMsr(MSR_DEBUG_CONTROL);
    Special->MsrGsBase = KiReadMsr(MSR_GS_BASE);
    Special->MsrGsSwap = KiReadMsr(MSR_GS_SWAP);
    Special->MsrStar = KiReadMsr(MSR_STAR);
    Special->MsrLStar = KiReadMsr(MSR_LSTAR);
    Special->MsrCStar = KiReadMsr(MSR_CSTAR);
    Special->MsrSyscallMask = KiReadMsr(MSR_SYSCALL_MASK);
    Special->MsrFsBase = KiReadMsr(MSR_FS_BASE);
    KI_WRITE_REGISTER("dr7", 0); /* the debugger's own accesses must not break */
}

/* The debug registers only: what else a debugger has written is for it to read again. */
VOID KiRestoreProcessorControlState(const KPROCESSOR_STATE *State)
{
    const KSPECIAL_REGISTERS *Special = &State->SpecialRegisters;
    KI_WRITE_REGISTER("dr0", Special->Dr0);
    KI_WRITE_REGISTER("dr1", Special->Dr1);
    KI_WRITE_REGISTER("dr2", Special->Dr2);
    KI_WRITE_REGISTER("dr3", Special->Dr3);
    KI_WRITE_REGISTER("dr6", (Special->Dr6 & 0xe00f) | 0xffff0ff0);
    KI_WRITE_REGISTER("dr7", (Special->Dr7 & 0xffff2fff) | 0x400); /* reserved bits, not GD */
}
