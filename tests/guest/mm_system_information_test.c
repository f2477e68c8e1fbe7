/* SPDX-License-Identifier: MIT */
/* ZwQuerySystemInformation: lengths as documented, and what the answers say. */
#include "test.h"

#include "mm/image.h"
#include "nt/rtl.h"
#include "nt/system_information.h"

GUEST_TEST(mm_system_information_has_exact_lengths)
{
    ULONG Needed = 0, Basic[16] = {0};
    UCHAR Debugger[2] = {9, 9};
    EXPECT_EQUAL((ULONG)ZwQuerySystemInformation(9999, NULL, 0, &Needed),
                 (ULONG)STATUS_INVALID_INFO_CLASS);
    EXPECT_EQUAL(Needed, 0);
    EXPECT_EQUAL((ULONG)ZwQuerySystemInformation(0, Basic, 63, &Needed),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Needed, 64);
    EXPECT_EQUAL(ZwQuerySystemInformation(0, Basic, 64, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(Basic[2], PAGE_SIZE);
    EXPECT_EQUAL(Basic[3], MiPhysicalPages);
    EXPECT_EQUAL((ULONG)ZwQuerySystemInformation(35, Debugger, 1, &Needed),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Debugger[0], 9);
    EXPECT_EQUAL(ZwQuerySystemInformation(35, Debugger, 2, &Needed), STATUS_SUCCESS);
    EXPECT(Debugger[0] <= 1 && Debugger[1] <= 1);
}

GUEST_TEST(mm_system_information_lists_the_kernel_first)
{
    ULONG Needed = 0, Short = 0;
    EXPECT_EQUAL((ULONG)ZwQuerySystemInformation(11, NULL, 0, &Needed),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT(Needed >= 8 + 296 && (Needed - 8) % 296 == 0);
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Needed, 'ysmT');
    EXPECT_EQUAL((ULONG)ZwQuerySystemInformation(11, Buffer, Needed - 1, &Short),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQUAL(Short, Needed);
    EXPECT_EQUAL(ZwQuerySystemInformation(11, Buffer, Needed, &Needed), STATUS_SUCCESS);
    EXPECT_EQUAL(*(PULONG)Buffer, (Needed - 8) / 296);
    EXPECT_EQUAL(*(PULONG64)(Buffer + 8 + 16), KeLoaderBlock->KernelBase);
    PCSTR Name = (PCSTR)(Buffer + 8 + 40) + *(PUSHORT)(Buffer + 8 + 38);
    EXPECT(strcmp(Name, "ntoskrnl.exe") == 0);
    ExFreePoolWithTag(Buffer, 'ysmT');
}
