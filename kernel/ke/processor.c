/* SPDX-License-Identifier: MIT */
/*
 * One processor's tables and control registers, and the blocks that gs points to. Static for the
 * boot processor; a further one will bring its own KI_PROCESSOR_TABLES.
 *
 *   GDT   selectors of ki.h: ring-0 code and data, ring-3 code and data of both sizes, TSS, TEB
 *   TSS   rsp0 (set at each thread switch), and three stacks of IST: double fault, NMI, machine
 *         check, each a third of the fault stack
 *   IDT   256 interrupt gates (IF is clear on entry); ring 3 may use 3, 4, 29h, 2Ch and 2Dh
 */
#include "ke/trap_dispatch.h"

#define IST_DOUBLE_FAULT 1
#define IST_NMI 2
#define IST_MACHINE_CHECK 3
#define FAULT_STACK_SHARE (KERNEL_STACK_SIZE / 3)

#define GATE_INTERRUPT 0x8e00
#define GATE_RING3 0x6000
#define DESCRIPTOR_TSS_AVAILABLE 0x89ull

#define CR0_VALUE 0x80050033ull /* PG AM WP NE ET MP PE */
#define CR4_VALUE 0x678ull      /* OSXMMEXCPT OSFXSR MCE PAE PSE DE; no PGE, SMAP, OSXSAVE */
#define CR4_SMEP (1ull << 20)
#define CPUID_FEATURES 7u /* subleaf 0: SMEP is bit 7 of ebx */
#define CPUID_SMEP (1u << 7)
#define MSR_EFER 0xc0000080u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_PAT 0x277u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SFMASK 0xc0000084u
#define STAR_VALUE (((ULONG64)(KGDT64_R3_CMCODE | 3) << 48) | ((ULONG64)KGDT64_R0_CODE << 32))
#define SFMASK_VALUE 0x44700u /* AC, NT, DF, IF, TF are clear in a system call */
#define EFER_VALUE 0xd01ull              /* NXE LMA LME SCE */
#define PAT_VALUE 0x0007010600070106ull  /* WB, WC, UC-, UC, twice: write-through bit alone is WC */
#define PCR_VERSION 1

/* Self map: where the PML4 lies as an array. */
#define PML4_TABLE 0xfffff6fb7dbed000ull
#define PML4_USER_ENTRIES 256

typedef struct _KI_GATE {
    USHORT OffsetLow;
    USHORT Selector;
    USHORT Type; /* with the IST number in the low bits */
    USHORT OffsetMiddle;
    ULONG OffsetHigh;
    ULONG Reserved;
} KI_GATE;

#pragma pack(push, 4)
typedef struct _KTSS64 {
    ULONG Reserved0;
    ULONG64 Rsp0, Rsp1, Rsp2;
    ULONG64 Ist[8]; /* [0] is reserved */
    ULONG64 Reserved1;
    USHORT Reserved2;
    USHORT IoMapBase;
} KTSS64;
#pragma pack(pop)
C_ASSERT(sizeof(KTSS64) == 0x68);
C_ASSERT(offsetof(KTSS64, Rsp0) == 4); /* switch.S */

typedef struct __attribute__((packed)) _KI_TABLE_POINTER {
    USHORT Limit;
    ULONG64 Base;
} KI_TABLE_POINTER;

typedef struct _KI_PROCESSOR_TABLES {
    DECLSPEC_ALIGN(64) KI_GATE Idt[256];
    DECLSPEC_ALIGN(64) ULONG64 Gdt[KGDT64_R3_CMTEB / 8 + 1];
    DECLSPEC_ALIGN(64) KTSS64 Tss;
} KI_PROCESSOR_TABLES;

VOID KiLoadDescriptorTables(const KI_TABLE_POINTER *Gdt, const KI_TABLE_POINTER *Idt);

DECLSPEC_ALIGN(4096) KPCR KiInitialPcr;
static KI_PROCESSOR_TABLES KiInitialTables;

/* In the order of KiTrapStubs. */
static const UCHAR KiTrapVectors[] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
    0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x29, 0x2c, 0x2d,
};

static VOID KiWriteMsr(ULONG Register, ULONG64 Value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(Register), "a"((ULONG)Value), "d"((ULONG)(Value >> 32))
                     : "memory");
}

static VOID KiSetGate(KI_GATE *Gate, ULONG_PTR Entry, USHORT Type)
{
    *Gate = (KI_GATE){.OffsetLow = (USHORT)Entry,
                      .Selector = KGDT64_R0_CODE,
                      .Type = GATE_INTERRUPT | Type,
                      .OffsetMiddle = (USHORT)(Entry >> 16),
                      .OffsetHigh = (ULONG)(Entry >> 32)};
}

PVOID KiSetTrapHandler(UCHAR Vector, PVOID Handler)
{
    KI_GATE *Gate = (KI_GATE *)KeGetPcr()->IdtBase + Vector;
    ULONG64 Old =
        Gate->OffsetLow | (ULONG64)Gate->OffsetMiddle << 16 | (ULONG64)Gate->OffsetHigh << 32;
    USHORT Type = Gate->Type;
    ULONG64 Flags = KiDisableInterrupts();
    KiSetGate(Gate, (ULONG_PTR)Handler, 0);
    Gate->Type = Type;
    KiRestoreInterrupts(Flags);
    return (PVOID)Old;
}

static VOID KiFillIdt(KI_GATE *Idt)
{
    for (ULONG Vector = 0; Vector < 256; Vector++) {
        KiSetGate(&Idt[Vector], (ULONG_PTR)KiInterruptStubs + Vector * KI_TRAP_STUB_SIZE, 0);
    }
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(KiTrapVectors); Index++) {
        KiSetGate(&Idt[KiTrapVectors[Index]],
                  (ULONG_PTR)KiTrapStubs + Index * KI_TRAP_STUB_SIZE, 0);
    }
    KiSetGate(&Idt[0x0e], (ULONG_PTR)KiPageFault, 0);
    KiSetGate(&Idt[SPURIOUS_VECTOR], (ULONG_PTR)KiSpuriousInterrupt, 0);
    Idt[0x02].Type |= IST_NMI;
    Idt[0x08].Type |= IST_DOUBLE_FAULT;
    Idt[0x12].Type |= IST_MACHINE_CHECK;
    static const UCHAR Ring3[] = {0x03, 0x04, 0x29, 0x2c, 0x2d};
    for (ULONG Index = 0; Index < sizeof(Ring3); Index++) {
        Idt[Ring3[Index]].Type |= GATE_RING3;
    }
}

static VOID KiFillGdt(ULONG64 *Gdt, const KTSS64 *Tss)
{
    ULONG64 Base = (ULONG64)Tss;
    Gdt[KGDT64_R0_CODE / 8] = 0x00209b0000000000;
    Gdt[KGDT64_R0_DATA / 8] = 0x00cf93000000ffff;
    Gdt[KGDT64_R3_CMCODE / 8] = 0x00cffb000000ffff;
    Gdt[KGDT64_R3_DATA / 8] = 0x00cff3000000ffff;
    Gdt[KGDT64_R3_CODE / 8] = 0x0020fb0000000000;
    Gdt[KGDT64_SYS_TSS / 8] = (sizeof(KTSS64) - 1) | (Base & 0xffffff) << 16 |
                              DESCRIPTOR_TSS_AVAILABLE << 40 | (Base >> 24 & 0xff) << 56;
    Gdt[KGDT64_SYS_TSS / 8 + 1] = Base >> 32;
    Gdt[KGDT64_R3_CMTEB / 8] = 0x0040f30000003c00;
}

static VOID KiCpuId(ULONG Leaf, ULONG Registers[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(Registers[0]), "=b"(Registers[1]), "=c"(Registers[2]),
                       "=d"(Registers[3])
                     : "a"(Leaf), "c"(0));
}

/* Kernel mode does not execute user memory, where the processor can see to that. */
static BOOLEAN KiHasSmep(VOID)
{
    ULONG Registers[4];

    KiCpuId(0, Registers);
    if (Registers[0] < CPUID_FEATURES) {
        return FALSE;
    }
    KiCpuId(CPUID_FEATURES, Registers);
    return (Registers[1] & CPUID_SMEP) != 0;
}

static VOID KiSetControlRegisters(VOID)
{
    ULONG64 Cr0 = CR0_VALUE;
    ULONG64 Cr4 = CR4_VALUE | (KiHasSmep() ? CR4_SMEP : 0);
    ULONG MxCsr = INITIAL_MXCSR;
    KiWriteMsr(MSR_EFER, EFER_VALUE);
    __asm__ volatile("movq %0, %%cr0" : : "r"(Cr0));
    __asm__ volatile("movq %0, %%cr4" : : "r"(Cr4));
    KiWriteMsr(MSR_PAT, PAT_VALUE);
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"(MxCsr));
    KiWriteIrql(PASSIVE_LEVEL);
}

/*
 * Where syscall goes. A syscall of 32-bit code comes in as one of 64-bit code does, and returns to
 * it: there is no 32-bit user mode, but ring 3 can make the processor believe so.
 */
static VOID KiSetSystemCallEntry(VOID)
{
    KiWriteMsr(MSR_STAR, STAR_VALUE);
    KiWriteMsr(MSR_LSTAR, (ULONG64)KiSystemCall64);
    KiWriteMsr(MSR_CSTAR, (ULONG64)KiSystemCall64);
    KiWriteMsr(MSR_SFMASK, SFMASK_VALUE);
}

VOID KiSetUserGsBase(PKTHREAD Thread, PVOID Teb)
{
    ULONG64 Flags = KiDisableInterrupts();
    Thread->Teb = Teb;
    if (Thread == KiCurrentThread()) {
        KiWriteMsr(MSR_KERNEL_GS_BASE, (ULONG64)Teb);
    }
    KiRestoreInterrupts(Flags);
}

/* boot.elf ran on an identity map in the user half; from here on a low address faults. */
static VOID KiDropIdentityMap(VOID)
{
    volatile ULONG64 *Pml4 = (volatile ULONG64 *)PML4_TABLE;
    ULONG64 Cr3;
    for (ULONG Index = 0; Index < PML4_USER_ENTRIES; Index++) {
        Pml4[Index] = 0;
    }
    __asm__ volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(Cr3) : : "memory");
}

static VOID KiFillPcr(PKPCR Pcr, KI_PROCESSOR_TABLES *Tables)
{
    ULONG Registers[4];

    KiCpuId(1, Registers);
    Pcr->GdtBase = Tables->Gdt;
    Pcr->TssBase = &Tables->Tss;
    Pcr->IdtBase = Tables->Idt;
    Pcr->Self = Pcr;
    Pcr->CurrentPrcb = &Pcr->Prcb;
    Pcr->MajorVersion = PCR_VERSION;
    Pcr->MinorVersion = PCR_VERSION;
    Pcr->Prcb.MxCsr = INITIAL_MXCSR;
    Pcr->Prcb.CpuType = (UCHAR)((Registers[0] >> 8) & 15);
}

/*
 * Interrupts are off and stay so until the system can take them; IRQL is PASSIVE_LEVEL meanwhile.
 * Both stacks have KERNEL_STACK_SIZE bytes.
 */
VOID KiInitializeProcessor(PKPCR Pcr, PVOID DpcStackTop, PVOID FaultStackTop)
{
    KI_PROCESSOR_TABLES *Tables = &KiInitialTables;
    KI_TABLE_POINTER Gdt = {sizeof(Tables->Gdt) - 1, (ULONG64)Tables->Gdt};
    KI_TABLE_POINTER Idt = {sizeof(Tables->Idt) - 1, (ULONG64)Tables->Idt};
    ULONG64 FaultTop = (ULONG64)FaultStackTop & ~15ull;

    Tables->Tss.IoMapBase = sizeof(KTSS64); /* beyond the limit: no ports for ring 3 */
    Tables->Tss.Ist[IST_DOUBLE_FAULT] = FaultTop;
    Tables->Tss.Ist[IST_NMI] = FaultTop - FAULT_STACK_SHARE;
    Tables->Tss.Ist[IST_MACHINE_CHECK] = FaultTop - 2 * FAULT_STACK_SHARE;
    KiFillGdt(Tables->Gdt, &Tables->Tss);
    KiFillIdt(Tables->Idt);
    KiFillPcr(Pcr, Tables);
    Pcr->Prcb.DpcStack = DpcStackTop;
    Pcr->Prcb.FaultStack = FaultStackTop;
    KiLoadDescriptorTables(&Gdt, &Idt);
    KiWriteMsr(MSR_GS_BASE, (ULONG64)Pcr);
    KiWriteMsr(MSR_KERNEL_GS_BASE, 0);
    KiSetControlRegisters();
    KiSetSystemCallEntry();
    KiDropIdentityMap();
}
