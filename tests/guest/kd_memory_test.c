/* SPDX-License-Identifier: MIT */
/* What the debugger's reads, writes and breakpoints do to pages that come and go. */
#include "test.h"

#include "kd/breakpoint.h"
#include "kd/kd.h"
#include "mm/mi.h"

#define TAG 'tsKT'
#define BREAKPOINT_BYTE 0xcc

static PUCHAR Allocate(SIZE_T Pages)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, Pages * PAGE_SIZE, TAG);
    for (SIZE_T i = 0; Memory != NULL && i < Pages * PAGE_SIZE; i++) {
        Memory[i] = (UCHAR)(i * 3 + 1);
    }
    return Memory;
}

static SIZE_T Copy(PVOID Address, PVOID Buffer, SIZE_T Size, ULONG Flags)
{
    ULONG64 Interrupts = KiDisableInterrupts();
    SIZE_T Done = MmDbgCopyMemory((ULONG64)Address, Buffer, Size, Flags);
    KiRestoreInterrupts(Interrupts);
    return Done;
}

GUEST_TEST(kd_reads_and_writes_only_what_is_resident)
{
    UCHAR Bytes[16] = {0};
    PUCHAR Memory = Allocate(4);
    EXPECT(Memory != NULL);
    MmPageOutEverything(TRUE);
    MMPTE First = *MI_PTE_OF(Memory), Second = *MI_PTE_OF(Memory + PAGE_SIZE);
    EXPECT(!(First & (MI_PTE_VALID | MI_PTE_TRANSITION)));
    EXPECT_EQUAL(Copy(Memory, Bytes, sizeof(Bytes), 0), 0);
    EXPECT_EQUAL(Copy(Memory, Bytes, sizeof(Bytes), MM_DEBUG_WRITE), 0);
    EXPECT_EQUAL(*MI_PTE_OF(Memory), First);
    /* Another page first, or what was read last may lie right before: then a read goes ahead. */
    EXPECT_EQUAL(*(volatile UCHAR *)(Memory + 3 * PAGE_SIZE), 1);
    EXPECT_EQUAL(*(volatile UCHAR *)Memory, 1); /* comes back by a fault */
    /* Across the end of what is there: as far as that. */
    PUCHAR Edge = Memory + PAGE_SIZE - 5;
    EXPECT_EQUAL(Copy(Edge, Bytes, sizeof(Bytes), 0), 5);
    EXPECT(__builtin_memcmp(Bytes, Edge, 5) == 0);
    EXPECT_EQUAL(*MI_PTE_OF(Memory + PAGE_SIZE), Second);
    EXPECT_EQUAL(Copy((PVOID)0x8000000000000ull, Bytes, 1, 0), 0); /* not canonical */
    EXPECT_EQUAL(Copy((PVOID)8, Bytes, 8, MM_DEBUG_WRITE), 0);
    EXPECT_EQUAL(Copy((PVOID)~0x7ull, Bytes, 8, 0), 0);
    /* The last address and beyond: no wrap to 0. */
    EXPECT_EQUAL(Copy((PVOID)(MM_PHYSICAL_LIMIT - 4), Bytes, 16, MM_DEBUG_PHYSICAL), 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(kd_writes_go_to_the_paging_file)
{
    PUCHAR Memory = Allocate(1);
    UCHAR New = 0x77;
    EXPECT(Memory != NULL);
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(*(volatile UCHAR *)Memory, 1); /* clean, and in a slot */
    EXPECT_EQUAL(Copy(Memory + 100, &New, 1, MM_DEBUG_WRITE), 1);
    EXPECT(*MI_PTE_OF(Memory) & MI_PTE_DIRTY);
    MmPageOutEverything(TRUE);
    EXPECT(!(*MI_PTE_OF(Memory) & (MI_PTE_VALID | MI_PTE_TRANSITION)));
    EXPECT_EQUAL(Memory[100], New);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(kd_writes_to_read_only_code)
{
    UCHAR Old, New = 0x90;
    PUCHAR Code = (PUCHAR)(ULONG64)DbgBreakPoint + 1; /* its ret */
    EXPECT(!(*MI_PTE_OF(Code) & MI_PTE_WRITE));
    EXPECT_EQUAL(Copy(Code, &Old, 1, 0), 1);
    EXPECT_EQUAL(Copy(Code, &New, 1, MM_DEBUG_WRITE), 1);
    EXPECT_EQUAL(*(volatile UCHAR *)Code, New);
    EXPECT_EQUAL(Copy(Code, &Old, 1, MM_DEBUG_WRITE), 1);
    EXPECT_EQUAL(*(volatile UCHAR *)Code, 0xc3);
}

static ULONG SetBreakpoint(PVOID Address)
{
    static KDP_REQUEST Request;
    Request.Header.WriteBreakPoint.Address = (ULONG64)Address;
    ULONG64 Interrupts = KiDisableInterrupts();
    KdpWriteBreakpoint(&Request);
    KiRestoreInterrupts(Interrupts);
    return Request.Header.WriteBreakPoint.Handle;
}

static NTSTATUS ClearBreakpoint(ULONG Handle)
{
    static KDP_REQUEST Request;
    Request.Header.RestoreBreakPoint.Handle = Handle;
    Request.Header.ReturnStatus = STATUS_SUCCESS;
    ULONG64 Interrupts = KiDisableInterrupts();
    KdpRestoreBreakpoint(&Request);
    KiRestoreInterrupts(Interrupts);
    return Request.Header.ReturnStatus;
}

GUEST_TEST(kd_breakpoint_follows_its_page)
{
    ULONG64 Physical = 0;
    UCHAR Byte = 0;
    PUCHAR Memory = Allocate(1);
    EXPECT(Memory != NULL);
    ULONG Handle = SetBreakpoint(Memory + 8);
    EXPECT(Handle >= 1 && Handle <= KD_BREAKPOINT_MAX);
    EXPECT_EQUAL(Memory[8], BREAKPOINT_BYTE);
    EXPECT_EQUAL(SetBreakpoint(Memory + 8), 0); /* not twice */
    EXPECT(MmDbgTranslate((ULONG64)Memory + 8, &Physical));

    MmPageOutEverything(FALSE); /* to the modified list: its frame stays */
    EXPECT(KdBreakpointsOwed && !KdBreakpointsSet);
    EXPECT_EQUAL(Copy((PVOID)Physical, &Byte, 1, MM_DEBUG_PHYSICAL), 1);
    EXPECT_EQUAL(Byte, 25);
    EXPECT_EQUAL(Memory[8], BREAKPOINT_BYTE); /* a soft fault sets it again */
    EXPECT(KdBreakpointsSet && !KdBreakpointsOwed);

    for (ULONG Round = 0; Round < 3; Round++) {
        MmPageOutEverything(TRUE);
        EXPECT(!(*MI_PTE_OF(Memory) & (MI_PTE_VALID | MI_PTE_TRANSITION)));
        EXPECT_EQUAL(Memory[8], BREAKPOINT_BYTE); /* a hard fault too, and the CRC is right */
        EXPECT_EQUAL(Memory[9], 28);
    }
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(ClearBreakpoint(Handle), STATUS_SUCCESS); /* while it is owed */
    EXPECT_EQUAL(Memory[8], 25);                           /* the paging file never had it */
    EXPECT_EQUAL(ClearBreakpoint(Handle), STATUS_UNSUCCESSFUL);
    EXPECT(!KdBreakpointsSet && !KdBreakpointsOwed);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(kd_breakpoint_leaves_freed_memory)
{
    PUCHAR Memory = Allocate(1);
    EXPECT(Memory != NULL);
    ULONG Handle = SetBreakpoint(Memory + 8);
    EXPECT_EQUAL(Memory[8], BREAKPOINT_BYTE);
    ExFreePoolWithTag(Memory, TAG);
    EXPECT(!KdBreakpointsSet);
    EXPECT_EQUAL(ClearBreakpoint(Handle), STATUS_SUCCESS);
}

GUEST_TEST(kd_breakpoints_are_thirty_two)
{
    static ULONG Handles[KD_BREAKPOINT_MAX];
    PUCHAR Memory = Allocate(1);
    EXPECT(Memory != NULL);
    EXPECT_EQUAL(SetBreakpoint((PVOID)0x8000000000000ull), 0); /* not canonical */
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        Handles[i] = SetBreakpoint(Memory + i);
        EXPECT_EQUAL(Handles[i], i + 1);
    }
    EXPECT_EQUAL(SetBreakpoint(Memory + 100), 0);
    ULONG64 Interrupts = KiDisableInterrupts();
    KdpDeleteBreakpointRange((ULONG64)Memory, (ULONG64)Memory + 15);
    KiRestoreInterrupts(Interrupts);
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        EXPECT_EQUAL(Memory[i], i < 16 ? (UCHAR)(i * 3 + 1) : BREAKPOINT_BYTE);
        EXPECT_EQUAL(ClearBreakpoint(Handles[i]), i < 16 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS);
        EXPECT_EQUAL(Memory[i], (UCHAR)(i * 3 + 1));
    }
    ExFreePoolWithTag(Memory, TAG);
}

/* A print service, an answer to a prompt, and an unknown service, with no debugger. */
GUEST_TEST(kd_services_without_a_debugger)
{
    CHAR Response[8] = "";
    ULONG Rollover = KdPrintRolloverCount;
    DbgpPrintString("kd test: int 2Dh\n", 17, 0, 0);
    EXPECT(Rollover != KdPrintRolloverCount ||
           __builtin_memcmp(KdPrintWritePointer - 17, "kd test: int 2Dh\n", 17) == 0);
    STRING Name = {4, 4, "test"}, Command = {1, 1, "k"};
    DbgpCommandString(&Name, &Command);
    EXPECT_EQUAL(DbgPrompt("name? ", Response, sizeof(Response)), 0);
    EXPECT_EQUAL(KdDebuggerEnabled, FALSE);
    EXPECT_EQUAL(KdRefreshDebuggerNotPresent(), TRUE);
    EXPECT_EQUAL(KdEnableDebugger(), STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(KdDisableDebugger(), STATUS_DEBUGGER_INACTIVE);
}
