/* SPDX-License-Identifier: MIT */
/*
 * The verifier's tables, the gate and the history. What ends in a bug check is tested by the
 * drivers in drivers/faulty; what must not, by those in drivers/correct.
 */
#include "test.h"

#include "mm/image.h"
#include "nt/ex.h"
#include "nt/rtl.h"
#include "vf/vf.h"

GUEST_TEST(vf_export_table_is_sorted_and_complete)
{
    for (ULONG i = 0; i < VfExportCount; i++) {
        EXPECT(i == 0 || strcmp(VfExports[i - 1].Name, VfExports[i].Name) < 0);
        EXPECT(VfExports[i].IrqlMin <= VfExports[i].IrqlMax);
        EXPECT(VfExports[i].IrqlMax <= HIGH_LEVEL);
        EXPECT(VfFindExport(VfExports[i].Name) == &VfExports[i]);
        /* The same names that the linker exported. */
        EXPECT(PeMappedFindExport((PVOID)KeLoaderBlock->KernelBase, KeLoaderBlock->KernelSize,
                                  VfExports[i].Name) != NULL);
    }
    EXPECT(VfExportCount > 500);
    EXPECT(VfFindExport("") == NULL);
    EXPECT(VfFindExport("NoSuchRoutine") == NULL);
    EXPECT(VfFindExport("zzz") == NULL);
    EXPECT(VfFindExport("KeNumberProcessors") == NULL); /* data */
}

GUEST_TEST(vf_ranges_are_the_documented_ones)
{
    static const struct {
        PCSTR Name;
        UCHAR Min, Max;
    } Known[] = {
        {"ExReleaseFastMutex", 1, 1},          {"KeReleaseSpinLock", 2, 2},
        {"KeSetEvent", 0, 2},                  {"MmLockPagableDataSection", 0, 1},
        {"MmPageEntireDriver", 0, 1},          {"MmResetDriverPaging", 0, 1},
        {"MmUnlockPagableImageSection", 0, 1}, {"ZwClose", 0, 0},
        {"KeGetCurrentIrql", 0, 15},           {"MmLockPagableSectionByHandle", 0, 1},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Known); i++) {
        const VF_EXPORT *Export = VfFindExport(Known[i].Name);
        EXPECT(Export != NULL && Export->IrqlMin == Known[i].Min &&
               Export->IrqlMax == Known[i].Max);
    }
}

GUEST_TEST(vf_rules_belong_to_exports)
{
    ULONG Rules = 0, LockRules = 0, LockWrappers = 0;
    for (ULONG i = 0; i < VfExportCount; i++) {
        Rules += VfFindRule(VfExports[i].Name) != NULL;
        LockRules += VfFindLockRule(VfExports[i].Name) != NULL;
        LockWrappers += VfFindLockWrapper(VfExports[i].Name) != NULL;
        /* One finds the other's place taken: verifier.c asks rules.c and holding.c first. */
        EXPECT(VfFindRule(VfExports[i].Name) == NULL || VfFindLockRule(VfExports[i].Name) == NULL);
    }
    EXPECT(Rules >= 65);
    EXPECT_EQUAL(LockRules, 17); /* as many as spin_lock.c has: none is misspelt */
    EXPECT_EQUAL(LockWrappers, 11);
    EXPECT(VfFindRule("KeWaitForSingleObject") != NULL);
    EXPECT(VfFindRule("memcpy") == NULL);
    EXPECT(VfFindWrapper("ExAllocatePool2") != NULL);
    EXPECT(VfFindWrapper("ExFreePool") == NULL);
    EXPECT(VfIsCompilerRoutine("__chkstk"));
    EXPECT(!VfIsCompilerRoutine("memcpy"));
}

GUEST_TEST(vf_pageable_is_pool_and_user_memory)
{
    static ULONG NonPaged;
    ULONG OnStack;
    PVOID Paged = ExAllocatePoolWithTag(PagedPool, 64, 'tseT');
    PVOID Resident = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'tseT');
    EXPECT(Paged != NULL && Resident != NULL);
    EXPECT(VfIsPageable(Paged));
    EXPECT(!VfIsPageable(Resident));
    EXPECT(!VfIsPageable(&NonPaged));
    EXPECT(!VfIsPageable(&OnStack));
    EXPECT(VfIsPageable((PVOID)0x10000));
    ExFreePoolWithTag(Paged, 'tseT');
    ExFreePoolWithTag(Resident, 'tseT');
}

/* The called side of the gate: seven arguments, so three are on the stack. */
static __attribute__((noinline)) ULONG64 VfTestTarget(ULONG64 A, ULONG64 B, ULONG64 C, ULONG64 D,
                                                      ULONG64 E, ULONG64 F, ULONG64 G)
{
    return A == 1 && B == 2 && C == 3 && D == 4 && E == 5 && F == 6 ? G : 0;
}

static ULONG VfTestRuleCalls;

static VOID VfTestRule(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfTestRuleCalls++;
    EXPECT_EQUAL(Irql, KeGetCurrentIrql());
    for (ULONG i = 0; i < 7; i++) {
        EXPECT_EQUAL(Argument[i], i + 1);
    }
    EXPECT(strcmp(Export->Name, "memcpy") == 0);
}

/* A stub as the loader writes it: movabs $Import, %r11; movabs $gate, %rax; jmp *%rax. */
static PUCHAR VfMakeStub(PVF_IMPORT Import)
{
    static const UCHAR Form[22] = {0x49, 0xbb, [10] = 0x48, 0xb8, [20] = 0xff, 0xe0};
    PVOID Gate = (PVOID)MiKernelCallGate;
    PUCHAR Stub = ExAllocatePoolWithTag(NonPagedPool, sizeof(Form), 'tseT');
    if (Stub != NULL) {
        RtlCopyMemory(Stub, Form, sizeof(Form));
        RtlCopyMemory(Stub + 2, &Import, 8);
        RtlCopyMemory(Stub + 12, &Gate, 8);
    }
    return Stub;
}

GUEST_TEST(vf_gate_keeps_arguments_and_logs)
{
    VF_IMPORT Import = {(PVOID)VfTestTarget, VfFindExport("memcpy"), VfTestRule};
    PUCHAR Stub = VfMakeStub(&Import);
    KIRQL OldIrql;
    EXPECT(Stub != NULL);
    if (Stub == NULL) {
        return;
    }
    ULONG64 (*volatile Call)(ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64) =
        (PVOID)Stub;
    ULONG64 Before = VfCountEvents();
    VfTestRuleCalls = 0;
    EXPECT_EQUAL(Call(1, 2, 3, 4, 5, 6, 7), 7);
    EXPECT_EQUAL(VfTestRuleCalls, 1);
    EXPECT_EQUAL(VfCountEvents(), Before + 1);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT_EQUAL(Call(1, 2, 3, 4, 5, 6, 7), 7);
    KeLowerIrql(OldIrql);
    EXPECT_EQUAL(VfTestRuleCalls, 2);
    Import.Export = NULL; /* a routine of another driver: neither checked nor logged */
    Import.Rule = NULL;
    EXPECT_EQUAL(Call(1, 2, 3, 4, 5, 6, 7), 7);
    EXPECT_EQUAL(VfCountEvents(), Before + 2);
    ExFreePoolWithTag(Stub, 'tseT');
}

/* Floating-point arguments pass as well; the kernel itself uses none, so they are set by hand. */
GUEST_TEST(vf_gate_keeps_floating_point_arguments)
{
    VF_IMPORT Import = {(PVOID)VfTestTarget, VfFindExport("memcpy"), NULL};
    PUCHAR Stub = VfMakeStub(&Import);
    ULONG64 In[4] = {0x1111, 0x2222, 0x3333, 0x4444}, Out[4] = {0};
    EXPECT(Stub != NULL);
    if (Stub == NULL) {
        return;
    }
    /* An aligned frame of its own: home area and three stack arguments. */
    __asm__ volatile("pushq %%rbp; movq %%rsp, %%rbp; subq $0x60, %%rsp; andq $-16, %%rsp\n\t"
                     "movq 0(%%rsi), %%xmm0; movq 8(%%rsi), %%xmm1\n\t"
                     "movq 16(%%rsi), %%xmm2; movq 24(%%rsi), %%xmm3\n\t"
                     "callq *%%rbx\n\t"
                     "movq %%xmm0, 0(%%rdi); movq %%xmm1, 8(%%rdi)\n\t"
                     "movq %%xmm2, 16(%%rdi); movq %%xmm3, 24(%%rdi)\n\t"
                     "movq %%rbp, %%rsp; popq %%rbp"
                     :
                     : "b"(Stub), "S"(In), "D"(Out)
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    for (ULONG i = 0; i < 4; i++) {
        EXPECT_EQUAL(Out[i], In[i]);
    }
    ExFreePoolWithTag(Stub, 'tseT');
}
