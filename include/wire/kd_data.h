/* SPDX-License-Identifier: MIT */
/*
 * KDDEBUGGER_DATA64: where a debugger finds the kernel's variables and structures. Values are
 * addresses of the variables unless the comment says otherwise; 0: this kernel has no such thing.
 * Never encoded, as it is with a debugger on. Offsets are checked at the end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define KDBG_TAG 0x4742444Bu /* the bytes KDBG */

typedef struct {
    uint64_t Flink, Blink; /* of the list that DBGKD_GET_VERSION64.DebuggerDataList heads */
    uint32_t OwnerTag;
    uint32_t Size;         /* bytes of all this */
    uint64_t KernBase;     /* value */
    uint64_t BreakpointWithStatus; /* of the int3 itself */
    uint64_t SavedContext;
    uint16_t ThCallbackStack, NextCallback, FramePointer;
    uint16_t PaeEnabled; /* bit 0; set on x64 */
    uint64_t KiCallUserMode, KeUserCallbackDispatcher;
    uint64_t PsLoadedModuleList, PsActiveProcessHead, PspCidTable;
    uint64_t ExpSystemResourcesList, ExpPagedPoolDescriptor, ExpNumberOfPagedPools;
    uint64_t KeTimeIncrement, KeBugCheckCallbackListHead, KiBugcheckData;
    uint64_t IopErrorLogListHead, ObpRootDirectoryObject, ObpTypeObjectType;
    uint64_t MmSystemCacheStart, MmSystemCacheEnd, MmSystemCacheWs;
    uint64_t MmPfnDatabase, MmSystemPtesStart, MmSystemPtesEnd, MmSubsectionBase;
    uint64_t MmNumberOfPagingFiles, MmLowestPhysicalPage, MmHighestPhysicalPage;
    uint64_t MmNumberOfPhysicalPages, MmMaximumNonPagedPoolInBytes, MmNonPagedSystemStart;
    uint64_t MmNonPagedPoolStart, MmNonPagedPoolEnd, MmPagedPoolStart, MmPagedPoolEnd;
    uint64_t MmPagedPoolInformation;
    uint64_t MmPageSize; /* value */
    uint64_t MmSizeOfPagedPoolInBytes, MmTotalCommitLimit, MmTotalCommittedPages;
    uint64_t MmSharedCommit, MmDriverCommit, MmProcessCommit, MmPagedPoolCommit, MmExtendedCommit;
    uint64_t MmZeroedPageListHead, MmFreePageListHead, MmStandbyPageListHead;
    uint64_t MmModifiedPageListHead, MmModifiedNoWritePageListHead;
    uint64_t MmAvailablePages, MmResidentAvailablePages;
    uint64_t PoolTrackTable, NonPagedPoolDescriptor;
    uint64_t MmHighestUserAddress, MmSystemRangeStart, MmUserProbeAddress;
    uint64_t KdPrintCircularBuffer, KdPrintCircularBufferEnd, KdPrintWritePointer;
    uint64_t KdPrintRolloverCount;
    uint64_t MmLoadedUserImageList;
    uint64_t NtBuildLab, KiNormalSystemCall, KiProcessorBlock;
    uint64_t MmUnloadedDrivers, MmLastUnloadedDriver, MmTriageActionTaken, MmSpecialPoolTag;
    uint64_t KernelVerifier, MmVerifierData, MmAllocatedNonPagedPool, MmPeakCommitment;
    uint64_t MmTotalCommitLimitMaximum, CmNtCSDVersion;
    uint64_t MmPhysicalMemoryBlock; /* of a pointer to the block */
    uint64_t MmSessionBase, MmSessionSize, MmSystemParentTablePage, MmVirtualTranslationBase;
    /* Offsets and sizes, values */
    uint16_t OffsetKThreadNextProcessor, OffsetKThreadTeb, OffsetKThreadKernelStack;
    uint16_t OffsetKThreadInitialStack, OffsetKThreadApcProcess, OffsetKThreadState;
    uint16_t OffsetKThreadBStore, OffsetKThreadBStoreLimit;
    uint16_t SizeEProcess, OffsetEprocessPeb, OffsetEprocessParentCid;
    uint16_t OffsetEprocessDirectoryTableBase;
    uint16_t SizePrcb, OffsetPrcbDpcRoutine, OffsetPrcbCurrentThread, OffsetPrcbMhz;
    uint16_t OffsetPrcbCpuType, OffsetPrcbVendorString, OffsetPrcbProcStateContext;
    uint16_t OffsetPrcbNumber, SizeEThread, Reserved2C2[3];
    uint64_t KdPrintCircularBufferPtr; /* of a pointer to the buffer */
    uint64_t KdPrintBufferSize;
    uint64_t KeLoaderBlock;
    uint16_t SizePcr, OffsetPcrSelfPcr, OffsetPcrCurrentPrcb, OffsetPcrContainedPrcb;
    uint16_t OffsetPcrInitialBStore, OffsetPcrBStoreLimit, OffsetPcrInitialStack;
    uint16_t OffsetPcrStackLimit, OffsetPrcbPcrPage, OffsetPrcbProcStateSpecialReg;
    uint16_t GdtR0Code, GdtR0Data, GdtR0Pcr, GdtR3Code, GdtR3Data, GdtR3Teb, GdtLdt, GdtTss;
    uint16_t Gdt64R3CmCode, Gdt64R3CmTeb;
    uint64_t IopNumTriageDumpDataBlocks, IopTriageDumpDataBlocks, VfCrashDataBlock;
    uint64_t MmBadPagesDetected, MmZeroedPageSingleBitErrorsDetected, EtwpDebuggerData;
    uint16_t OffsetPrcbContext; /* of a CONTEXT * */
    uint16_t MaxBreakpoints, MaxWatchpoints, Reserved33E;
    uint32_t OffsetKThreadStackLimit, OffsetKThreadStackBase, OffsetKThreadQueueListEntry;
    uint32_t OffsetEThreadIrpList;
    uint16_t OffsetPrcbIdleThread, OffsetPrcbNormalDpcState, OffsetPrcbDpcStack;
    uint16_t OffsetPrcbIsrStack, SizeKDpcStackFrame, OffsetKPriQueueThreadListHead;
    uint16_t OffsetKThreadWaitReason, Reserved35E;
    uint64_t PteBase; /* [?] value or address of a variable: here the value */
    uint64_t RetpolineStubFunctionTable;
    uint32_t RetpolineStubFunctionTableSize, RetpolineStubOffset, RetpolineStubSize, Reserved37C;
} KDDEBUGGER_DATA64;

#define KDBG_ASSERT(member, offset) \
    _Static_assert(offsetof(KDDEBUGGER_DATA64, member) == (offset), #member)
KDBG_ASSERT(OwnerTag, 0x10);
KDBG_ASSERT(PaeEnabled, 0x36);
KDBG_ASSERT(PsLoadedModuleList, 0x48);
KDBG_ASSERT(KiBugcheckData, 0x88);
KDBG_ASSERT(ObpRootDirectoryObject, 0x98);
KDBG_ASSERT(MmPfnDatabase, 0xC0);
KDBG_ASSERT(MmNumberOfPagingFiles, 0xE0);
KDBG_ASSERT(MmPageSize, 0x138);
KDBG_ASSERT(MmZeroedPageListHead, 0x180);
KDBG_ASSERT(MmAvailablePages, 0x1A8);
KDBG_ASSERT(MmHighestUserAddress, 0x1C8);
KDBG_ASSERT(KdPrintCircularBuffer, 0x1E0);
KDBG_ASSERT(NtBuildLab, 0x208);
KDBG_ASSERT(KiProcessorBlock, 0x218);
KDBG_ASSERT(CmNtCSDVersion, 0x268);
KDBG_ASSERT(MmPhysicalMemoryBlock, 0x270);
KDBG_ASSERT(OffsetKThreadNextProcessor, 0x298);
KDBG_ASSERT(OffsetKThreadApcProcess, 0x2A0);
KDBG_ASSERT(OffsetEprocessDirectoryTableBase, 0x2AE);
KDBG_ASSERT(OffsetPrcbProcStateContext, 0x2BC);
KDBG_ASSERT(KdPrintCircularBufferPtr, 0x2C8);
KDBG_ASSERT(SizePcr, 0x2E0);
KDBG_ASSERT(OffsetPrcbProcStateSpecialReg, 0x2F2);
KDBG_ASSERT(GdtTss, 0x302);
KDBG_ASSERT(IopNumTriageDumpDataBlocks, 0x308);
KDBG_ASSERT(OffsetPrcbContext, 0x338);
KDBG_ASSERT(OffsetKThreadStackLimit, 0x340);
KDBG_ASSERT(OffsetPrcbIdleThread, 0x350);
KDBG_ASSERT(PteBase, 0x360);
_Static_assert(sizeof(KDDEBUGGER_DATA64) == 0x380, "KDDEBUGGER_DATA64");
