/* SPDX-License-Identifier: MIT */
/* Heaps of a driver's own (ntifs.h). */
#pragma once

#include "ntdef.h"

#define HEAP_NO_SERIALIZE 0x00000001
#define HEAP_GROWABLE 0x00000002
#define HEAP_GENERATE_EXCEPTIONS 0x00000004
#define HEAP_ZERO_MEMORY 0x00000008

#ifdef _WIN32
PVOID RtlCreateHeap(ULONG Flags, PVOID HeapBase, SIZE_T ReserveSize, SIZE_T CommitSize, PVOID Lock,
                    PVOID Parameters);
PVOID RtlDestroyHeap(PVOID HeapHandle);
PVOID RtlAllocateHeap(PVOID HeapHandle, ULONG Flags, SIZE_T Size);
BOOLEAN RtlFreeHeap(PVOID HeapHandle, ULONG Flags, PVOID Address);
#endif
