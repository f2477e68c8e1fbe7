/* SPDX-License-Identifier: MIT */
/* A library of kernel routines: exports, and no entry point. See README.md. */
#include <ntddk.h>

#pragma data_seg("PAGEDATA")
static ULONG LibraryTable[1024] = {1, 1};
#pragma data_seg()

__declspec(dllexport) ULONG LibraryFibonacci(ULONG Index);
#pragma alloc_text(PAGE, LibraryFibonacci)

__declspec(dllexport) ULONG LibraryFibonacci(ULONG Index)
{
    PAGED_CODE();
    for (ULONG i = 2; i <= Index && i < 1024; i++) {
        LibraryTable[i] = LibraryTable[i - 1] + LibraryTable[i - 2];
    }
    return Index < 1024 ? LibraryTable[Index] : 0;
}
