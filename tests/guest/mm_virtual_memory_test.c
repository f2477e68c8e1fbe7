/* SPDX-License-Identifier: MIT */
/* ZwAllocateVirtualMemory and its like, on another process by its handle. */
#include "mm/mi.h"
#include "ps/psp.h"
#include "test.h"

GUEST_TEST(mm_virtual_memory_of_another_process)
{
    PEPROCESS Process;
    HANDLE Handle;
    PVOID Base = NULL, Inside;
    SIZE_T Size = 5000, Done;
    MEMORY_BASIC_INFORMATION Basic;
    ULONG Word = 0x600d, Back = 0;

    EXPECT_EQUAL(PspCreateProcess("virtual", &Process), STATUS_SUCCESS);
    EXPECT_EQUAL(ObOpenObjectByPointer(Process, OBJ_KERNEL_HANDLE, NULL, PROCESS_ALL_ACCESS,
                                       PsProcessType, KernelMode, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwAllocateVirtualMemory(Handle, &Base, 0, &Size, MEM_RESERVE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Size, 2 * PAGE_SIZE);
    Inside = (PUCHAR)Base + PAGE_SIZE;
    Size = PAGE_SIZE;
    EXPECT_EQUAL(ZwAllocateVirtualMemory(Handle, &Inside, 0, &Size, MEM_COMMIT, PAGE_READWRITE),
                 STATUS_SUCCESS);
    Size = 2 * PAGE_SIZE;
    EXPECT_EQUAL((ULONG)ZwAllocateVirtualMemory(Handle, &Inside, 0, &Size, MEM_COMMIT,
                                                PAGE_READWRITE),
                 (ULONG)STATUS_CONFLICTING_ADDRESSES);
    EXPECT_EQUAL(ZwQueryVirtualMemory(Handle, Inside, MemoryBasicInformation, &Basic,
                                      sizeof(Basic), &Done),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Basic.AllocationBase, Base);
    EXPECT_EQUAL(Basic.RegionSize, PAGE_SIZE);
    EXPECT(Basic.State == MEM_COMMIT && Basic.Protect == PAGE_READWRITE);
    EXPECT_EQUAL(MmCopyVirtualMemory(PsInitialSystemProcess, &Word, Process,
                                     (PUCHAR)Base + PAGE_SIZE - 2, 4, KernelMode, &Done),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MmCopyVirtualMemory(Process, (PUCHAR)Base + PAGE_SIZE - 2,
                                     PsInitialSystemProcess, &Back, 4, KernelMode, &Done),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Back, Word);
    EXPECT_EQUAL((ULONG)MmCopyVirtualMemory(Process, (PUCHAR)Base + 2 * PAGE_SIZE - 2,
                                            PsInitialSystemProcess, &Back, 4, KernelMode, &Done),
                 (ULONG)STATUS_PARTIAL_COPY);
    EXPECT_EQUAL(Done, 2);
    Size = PAGE_SIZE;
    EXPECT_EQUAL((ULONG)ZwFreeVirtualMemory(Handle, &Inside, &Size, MEM_RELEASE),
                 (ULONG)STATUS_FREE_VM_NOT_AT_BASE);
    Size = 0;
    EXPECT_EQUAL(ZwFreeVirtualMemory(Handle, &Base, &Size, MEM_RELEASE), STATUS_SUCCESS);
    EXPECT_EQUAL(Size, 2 * PAGE_SIZE);
    EXPECT_EQUAL((ULONG)ZwFreeVirtualMemory(Handle, &Base, &Size, MEM_RELEASE),
                 (ULONG)STATUS_MEMORY_NOT_ALLOCATED);
    ZwClose(Handle);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
}

/* A secured range keeps its process from freeing it, and goes with the process. */
GUEST_TEST(mm_secured_range_goes_with_its_process)
{
    PEPROCESS Process;
    HANDLE Handle;
    KAPC_STATE ApcState;
    PVOID Base = NULL;
    SIZE_T Size = 3 * PAGE_SIZE, None = 0;
    ULONG Old;

    EXPECT_EQUAL(PspCreateProcess("secured", &Process), STATUS_SUCCESS);
    EXPECT_EQUAL(ObOpenObjectByPointer(Process, OBJ_KERNEL_HANDLE, NULL, PROCESS_ALL_ACCESS,
                                       PsProcessType, KernelMode, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwAllocateVirtualMemory(Handle, &Base, 0, &Size, MEM_COMMIT, PAGE_READWRITE),
                 STATUS_SUCCESS);
    EXPECT(MmSecureVirtualMemory(Base, Size, PAGE_READWRITE) == NULL); /* not of this process */
    KeStackAttachProcess((PRKPROCESS)Process, &ApcState);
    EXPECT(MmSecureVirtualMemory(Base, Size, PAGE_READWRITE) != NULL);
    *(volatile ULONG *)Base = 1;
    KeUnstackDetachProcess(&ApcState);
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL((ULONG)ZwProtectVirtualMemory(Handle, &Base, &Size, PAGE_READONLY, &Old),
                 (ULONG)STATUS_INVALID_PAGE_PROTECTION);
    EXPECT_EQUAL((ULONG)ZwFreeVirtualMemory(Handle, &Base, &None, MEM_RELEASE),
                 (ULONG)STATUS_INVALID_PAGE_PROTECTION);
    Size = PAGE_SIZE;
    EXPECT_EQUAL(ZwProtectVirtualMemory(Handle, &Base, &Size, PAGE_EXECUTE_READWRITE, &Old),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Old, PAGE_READWRITE); /* of a page that is out */
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ZwClose(Handle);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
}
