/* SPDX-License-Identifier: MIT */
/*
 * What a debugger reads first: the version block, at KPCR+108h too, and through its list the block
 * of addresses and offsets. Variables of NT that this kernel has not are 0 there.
 */
#include "kd/kd.h"

#include "ex/ex.h"
#include "ke/bug_check.h"
#include "ke/command_line.h"
#include "mm/image.h"

#include "ob/obp.h"
#include "ps/psp.h"

#define KDP_PROTOCOL_VERSION 6
#define KDP_SECONDARY_VERSION 2 /* amd64 CONTEXTs of today */
#define KDP_MAJOR_FREE 0x0f
#define KDP_MAJOR_CHECKED 0x0c
#define KDP_STATE_CHANGES 3
#define KDP_FIRST_MANIPULATE DbgKdReadVirtualMemoryApi

DBGKD_GET_VERSION64 KdVersionBlock;
KDDEBUGGER_DATA64 KdDebuggerDataBlock;
LIST_ENTRY KdpDebuggerDataListHead = {&KdpDebuggerDataListHead, &KdpDebuggerDataListHead};
PKPRCB KiProcessorBlock[1];
CHAR NtBuildLab[] = "18362.1.pageable";
ULONG CmNtCSDVersion; /* service pack in bits 8-15: none */

/* What the block gives the address of, and Mm has as constants. */
static ULONG64 KdpPagedPoolStart = MM_PAGED_POOL_START;
static ULONG64 KdpPagedPoolEnd = MM_PAGED_POOL_START + (MM_PAGED_POOL_PAGES << PAGE_SHIFT);
static ULONG64 KdpNonPagedPoolStart = MM_NONPAGED_POOL_START;
static ULONG64 KdpNonPagedPoolEnd = MM_NONPAGED_POOL_START + (MM_NONPAGED_POOL_PAGES << PAGE_SHIFT);
static ULONG64 KdpSystemPtesStart = MM_SYSTEM_PTES_START;
static ULONG64 KdpSystemPtesEnd = MM_SYSTEM_PTES_START + (MM_SYSTEM_PTES_PAGES << PAGE_SHIFT);
static PMMPFN KdpPfnDatabase = (PMMPFN)MM_PFN_DATABASE;

#define ADDRESS(variable) ((ULONG64)&(variable))

static VOID KdpFillVariables(KDDEBUGGER_DATA64 *Data)
{
    Data->KernBase = KeLoaderBlock->KernelBase;
    Data->BreakpointWithStatus = (ULONG64)DbgBreakPointWithStatus;
    Data->PaeEnabled = 1;
    Data->PsLoadedModuleList = ADDRESS(PsLoadedModuleList);
    Data->PsActiveProcessHead = ADDRESS(PsActiveProcessHead);
    Data->ExpSystemResourcesList = ADDRESS(ExpSystemResourcesList);
    Data->KiBugcheckData = ADDRESS(KiBugCheckData);
    Data->ObpRootDirectoryObject = ADDRESS(ObpRootDirectoryObject);
    Data->MmPfnDatabase = ADDRESS(KdpPfnDatabase);
    Data->MmSystemPtesStart = ADDRESS(KdpSystemPtesStart);
    Data->MmSystemPtesEnd = ADDRESS(KdpSystemPtesEnd);
    Data->MmHighestPhysicalPage = ADDRESS(MiHighestFrame);
    Data->MmNumberOfPhysicalPages = ADDRESS(MiPhysicalPages);
    Data->MmNonPagedPoolStart = ADDRESS(KdpNonPagedPoolStart);
    Data->MmNonPagedPoolEnd = ADDRESS(KdpNonPagedPoolEnd);
    Data->MmPagedPoolStart = ADDRESS(KdpPagedPoolStart);
    Data->MmPagedPoolEnd = ADDRESS(KdpPagedPoolEnd);
    Data->MmPhysicalMemoryBlock = ADDRESS(MmPhysicalMemoryBlock);
    Data->MmPageSize = PAGE_SIZE;
    Data->MmTotalCommitLimit = ADDRESS(MiCommitLimit);
    Data->MmTotalCommittedPages = ADDRESS(MiCommittedPages);
    Data->MmZeroedPageListHead = ADDRESS(MiZeroedList);
    Data->MmFreePageListHead = ADDRESS(MiFreeList);
    Data->MmStandbyPageListHead = ADDRESS(MiStandbyList);
    Data->MmModifiedPageListHead = ADDRESS(MiModifiedList);
    Data->MmResidentAvailablePages = ADDRESS(MiResidentAvailable);
    Data->MmHighestUserAddress = ADDRESS(MmHighestUserAddress);
    Data->MmSystemRangeStart = ADDRESS(MmSystemRangeStart);
    Data->MmUserProbeAddress = ADDRESS(MmUserProbeAddress);
    Data->KdPrintCircularBuffer = ADDRESS(KdPrintDefaultCircularBuffer);
    Data->KdPrintCircularBufferEnd = ADDRESS(KdPrintDefaultCircularBuffer) + KD_PRINT_BUFFER_SIZE;
    Data->KdPrintWritePointer = ADDRESS(KdPrintWritePointer);
    Data->KdPrintRolloverCount = ADDRESS(KdPrintRolloverCount);
    Data->KdPrintCircularBufferPtr = ADDRESS(KdPrintCircularBuffer);
    Data->KdPrintBufferSize = ADDRESS(KdPrintBufferSize);
    Data->NtBuildLab = ADDRESS(NtBuildLab);
    Data->KiProcessorBlock = ADDRESS(KiProcessorBlock);
    Data->CmNtCSDVersion = ADDRESS(CmNtCSDVersion);
    Data->KeLoaderBlock = ADDRESS(KeLoaderBlock);
    Data->MaxBreakpoints = KD_BREAKPOINT_MAX;
    Data->MaxWatchpoints = 4; /* debug registers */
    Data->PteBase = MM_PTE_BASE;
}

static VOID KdpFillOffsets(KDDEBUGGER_DATA64 *Data)
{
    Data->OffsetKThreadTeb = offsetof(KTHREAD, Teb);
    Data->OffsetKThreadKernelStack = offsetof(KTHREAD, KernelStack);
    Data->OffsetKThreadInitialStack = offsetof(KTHREAD, InitialStack);
    Data->OffsetKThreadApcProcess = offsetof(KTHREAD, ApcState.Process);
    Data->OffsetKThreadState = offsetof(KTHREAD, State);
    Data->OffsetKThreadStackLimit = offsetof(KTHREAD, StackLimit);
    Data->OffsetKThreadStackBase = offsetof(KTHREAD, StackBase);
    Data->OffsetKThreadQueueListEntry = offsetof(KTHREAD, QueueListEntry);
    Data->OffsetKThreadWaitReason = offsetof(KTHREAD, WaitReason);
    Data->OffsetEThreadIrpList = offsetof(ETHREAD, IrpList);
    Data->SizeEThread = sizeof(ETHREAD);
    Data->SizeEProcess = sizeof(EPROCESS);
    Data->OffsetEprocessPeb = offsetof(EPROCESS, Peb);
    Data->OffsetEprocessDirectoryTableBase = offsetof(EPROCESS, Pcb.DirectoryTableBase);
    Data->SizePrcb = sizeof(KPRCB);
    Data->OffsetPrcbCurrentThread = offsetof(KPRCB, CurrentThread);
    Data->OffsetPrcbIdleThread = offsetof(KPRCB, IdleThread);
    Data->OffsetPrcbMhz = offsetof(KPRCB, MHz);
    Data->OffsetPrcbCpuType = offsetof(KPRCB, CpuType);
    Data->OffsetPrcbNumber = offsetof(KPRCB, Number);
    Data->OffsetPrcbProcStateSpecialReg = offsetof(KPRCB, ProcessorState.SpecialRegisters);
    Data->OffsetPrcbProcStateContext = offsetof(KPRCB, ProcessorState.ContextFrame);
    Data->OffsetPrcbContext = offsetof(KPRCB, Context);
    Data->OffsetPrcbDpcStack = offsetof(KPRCB, DpcStack);
    Data->SizePcr = sizeof(KPCR);
    Data->OffsetPcrSelfPcr = offsetof(KPCR, Self);
    Data->OffsetPcrCurrentPrcb = offsetof(KPCR, CurrentPrcb);
    Data->OffsetPcrContainedPrcb = offsetof(KPCR, Prcb);
    Data->GdtR0Code = KGDT64_R0_CODE;
    Data->GdtR0Data = KGDT64_R0_DATA;
    Data->GdtR3Code = KGDT64_R3_CODE;
    Data->GdtR3Data = KGDT64_R3_DATA;
    Data->GdtTss = KGDT64_SYS_TSS;
    Data->Gdt64R3CmCode = KGDT64_R3_CMCODE;
    Data->Gdt64R3CmTeb = KGDT64_R3_CMTEB;
}

/* nt-version=V, for a debugger whose rules go by the version. The host has checked it. */
static USHORT KdpBuildToTell(VOID)
{
    static const struct {
        PCSTR Version;
        USHORT Build;
    } Builds[] = {{"5.1", 2600}, {"5.2", 3790}, {"6.0", 6000}, {"10.0", RTL_BUILD_NUMBER}};
    CHAR Version[8];
    if (KiQueryCommandLine("nt-version", Version, sizeof(Version))) {
        for (ULONG i = 0; i < RTL_NUMBER_OF(Builds); i++) {
            if (__builtin_strcmp(Builds[i].Version, Version) == 0) {
                return Builds[i].Build;
            }
        }
    }
    return RTL_BUILD_NUMBER;
}

/* Also without a debugger: a crash dump is read by these. */
VOID KdpInitializeDebuggerData(VOID)
{
    KDDEBUGGER_DATA64 *Data = &KdDebuggerDataBlock;
    PKPCR Pcr = KeGetPcr();
    Data->OwnerTag = KDBG_TAG;
    Data->Size = sizeof(*Data);
    KdpFillVariables(Data);
    KdpFillOffsets(Data);
    InsertTailList(&KdpDebuggerDataListHead, (PLIST_ENTRY)Data);
    KdVersionBlock = (DBGKD_GET_VERSION64){
        .MajorVersion = DBG ? KDP_MAJOR_CHECKED : KDP_MAJOR_FREE,
        .MinorVersion = KdpBuildToTell(),
        .ProtocolVersion = KDP_PROTOCOL_VERSION,
        .KdSecondaryVersion = KDP_SECONDARY_VERSION,
        .Flags = KD_VERSION_MULTIPROCESSOR | KD_VERSION_DATA | KD_VERSION_PTR64,
        .MachineType = IMAGE_FILE_MACHINE_AMD64,
        .MaxPacketType = KdPacketTypes,
        .MaxStateChange = KDP_STATE_CHANGES,
        .MaxManipulate = DbgKdMaximumManipulate - KDP_FIRST_MANIPULATE,
        .KernBase = KeLoaderBlock->KernelBase,
        .PsLoadedModuleList = (ULONG64)&PsLoadedModuleList,
        .DebuggerDataList = (ULONG64)&KdpDebuggerDataListHead,
    };
    Pcr->KdVersionBlock = &KdVersionBlock;
    Pcr->Prcb.Context = &Pcr->Prcb.ProcessorState.ContextFrame;
    KiProcessorBlock[0] = &Pcr->Prcb;
}
