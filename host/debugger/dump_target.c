/* SPDX-License-Identifier: MIT */
/*
 * A target that stands still for ever: physical memory in a file, and where its page tables and
 * its KDDEBUGGER_DATA64 are. Either a crash dump, or the RAM that a machine of ours left behind.
 * Everything else (processors, registers, version) is found from there, as a debugger finds it in
 * Windows. Virtual memory is read by walking the page tables; nothing can be written or run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/dump_file.h"
#include "host/debugger/page_walk.h"
#include "host/text/text.h"
#include "wire/kd_data.h"

#define PROTOCOL_VERSION 6
#define PCR_VERSION_BLOCK 0x108u /* KPCR.KdVersionBlock: DBGKD_GET_VERSION64 * */
/* What every kernel that this was written for has: up to Windows 7's last member. */
#define DATA_LEAST_SIZE 0x340u

typedef struct {
    DUMP_HEADER64 Header;
    PHYSICAL_FILE Memory;
    KDDEBUGGER_DATA64 Data;
    KSPECIAL_REGISTERS Special; /* of the processor that stopped */
    CONTEXT Context;
    uint64_t Prcb;
} DUMP_TARGET;

static bool DumpFail(TARGET *Target, const char *Format, uint64_t Value)
{
    char Text[TEXT_NUMBER];
    snprintf(Target->Error, sizeof(Target->Error), Format, TextAddress(Text, Value));
    return false;
}

static bool DumpReadPhysical(TARGET *Target, uint64_t Address, void *Out, size_t Size,
                             size_t *Done)
{
    const DUMP_TARGET *Dump = Target->Private;
    return PhysicalFileRead(&Dump->Memory, Address, Out, Size, Done) ||
           DumpFail(Target, "physical memory at %s is not in the dump", Address);
}

/* Within one page. The system's half is the same in all address spaces. */
static bool DumpReadVirtual(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    const DUMP_TARGET *Dump = Target->Private;
    uint64_t Directory = Address >> 63 != 0 ? Dump->Header.DirectoryTableBase : Dump->Special.Cr3;
    uint64_t Physical, Left = PHYSICAL_PAGE - Address % PHYSICAL_PAGE;
    PAGE_WALK Walk;

    *Done = 0;
    if (!PageWalkTables(Target, Directory, Address, &Walk)) {
        return false;
    }
    if (Walk.Form != PageValid || !PageWalkPhysical(&Walk, &Physical)) {
        return DumpFail(Target, "memory at %s cannot be read", Address);
    }
    return DumpReadPhysical(Target, Physical, Out, Size < Left ? Size : (size_t)Left, Done);
}

static bool DumpGetContext(TARGET *Target, CONTEXT *Context)
{
    *Context = ((DUMP_TARGET *)Target->Private)->Context;
    return true;
}

static bool DumpGetSpecial(TARGET *Target, KSPECIAL_REGISTERS *Special)
{
    *Special = ((DUMP_TARGET *)Target->Private)->Special;
    return true;
}

static bool DumpReadControl(TARGET *Target, uint64_t Selector, uint64_t *Value)
{
    const DUMP_TARGET *Dump = Target->Private;
    switch (Selector) {
    case KD_CONTROL_SPACE_PCR:
        *Value = Dump->Prcb - Dump->Data.OffsetPcrContainedPrcb;
        return true;
    case KD_CONTROL_SPACE_PRCB:
        *Value = Dump->Prcb;
        return true;
    case KD_CONTROL_SPACE_THREAD:
        return TargetRead64(Target, Dump->Prcb + Dump->Data.OffsetPrcbCurrentThread, Value);
    default:
        return DumpFail(Target, "the dump has no control space %s", Selector);
    }
}

static void DumpClose(TARGET *Target)
{
    DUMP_TARGET *Dump = Target->Private;
    if (Dump != NULL) {
        PhysicalFileClose(&Dump->Memory);
        free(Dump);
        Target->Private = NULL;
    }
}

static const TARGET_OPERATIONS DumpOperations = {
    .ReadVirtual = DumpReadVirtual,
    .ReadPhysical = DumpReadPhysical,
    .GetContext = DumpGetContext,
    .GetSpecial = DumpGetSpecial,
    .ReadControl = DumpReadControl,
    .Close = DumpClose,
};

/* The block of addresses and offsets, of which older kernels have less than this one. */
static bool DumpReadData(TARGET *Target)
{
    DUMP_TARGET *Dump = Target->Private;
    uint64_t Address = Dump->Header.KdDebuggerDataBlock;
    uint32_t Head[2]; /* OwnerTag, Size */

    if (!TargetRead(Target, Address + offsetof(KDDEBUGGER_DATA64, OwnerTag), Head, sizeof(Head))) {
        return false;
    }
    if (Head[0] != KDBG_TAG || Head[1] < DATA_LEAST_SIZE) {
        return DumpFail(Target, "there is no KDBG block at %s", Address);
    }
    return TargetRead(Target, Address, &Dump->Data,
                      Head[1] < sizeof(Dump->Data) ? Head[1] : sizeof(Dump->Data));
}

/* The first processor's block, and its special registers. */
static bool DumpReadProcessor(TARGET *Target)
{
    DUMP_TARGET *Dump = Target->Private;
    KSPECIAL_REGISTERS Special;

    Dump->Special.Cr3 = Dump->Header.DirectoryTableBase;
    if (!DumpReadData(Target) ||
        !TargetRead64(Target, Dump->Data.KiProcessorBlock, &Dump->Prcb) ||
        !TargetRead(Target, Dump->Prcb + Dump->Data.OffsetPrcbProcStateSpecialReg, &Special,
                    sizeof(Special))) {
        return false;
    }
    if (Special.Cr3 != 0) { /* 0: never saved */
        Dump->Special = Special;
    }
    return true;
}

/* What a live target tells by itself when it stops. */
static void DumpFillState(TARGET *Target)
{
    const DUMP_TARGET *Dump = Target->Private;
    const DUMP_HEADER64 *Header = &Dump->Header;
    DBGKD_ANY_WAIT_STATE_CHANGE *State = &Target->State;

    Target->Version = (DBGKD_GET_VERSION64){
        .MajorVersion = (uint16_t)Header->MajorVersion,
        .MinorVersion = (uint16_t)Header->MinorVersion,
        .ProtocolVersion = PROTOCOL_VERSION,
        .KdSecondaryVersion = DUMP_SECONDARY_VERSION,
        .Flags = KD_VERSION_DATA | KD_VERSION_PTR64 |
                 (Header->NumberProcessors > 1 ? KD_VERSION_MULTIPROCESSOR : 0),
        .MachineType = DUMP_MACHINE_AMD64,
        .KernBase = Dump->Data.KernBase,
        .PsLoadedModuleList = Dump->Data.PsLoadedModuleList,
        .DebuggerDataList = Dump->Data.Blink, /* what comes before an entry leads to it */
    };
    State->NewState = DBGKD_EXCEPTION_STATE_CHANGE;
    State->NumberProcessors = Header->NumberProcessors;
    State->Exception.Record = Header->Exception;
    State->ProgramCounter = Dump->Context.Rip;
    DumpReadControl(Target, KD_CONTROL_SPACE_THREAD, &State->Thread);
    Target->Error[0] = 0;
    Target->Stopped = true;
}

static DUMP_TARGET *DumpBegin(TARGET *Target, char *Error, size_t ErrorSize)
{
    DUMP_TARGET *Dump = calloc(1, sizeof(*Dump));
    memset(Target, 0, sizeof(*Target));
    if (Dump == NULL) {
        snprintf(Error, ErrorSize, "not enough memory");
        return NULL;
    }
    PhysicalFileInitialize(&Dump->Memory, -1);
    Target->Operations = &DumpOperations;
    Target->Kind = TargetDump;
    Target->Private = Dump;
    return Dump;
}

bool TargetOpenDump(TARGET *Target, const char *Path, char *Error, size_t ErrorSize)
{
    DUMP_TARGET *Dump = DumpBegin(Target, Error, ErrorSize);
    char Clean[512];

    if (Dump == NULL || !DumpFileOpen(Path, &Dump->Header, &Dump->Memory, Error, ErrorSize)) {
        DumpClose(Target);
        return false;
    }
    memcpy(&Dump->Context, Dump->Header.ContextRecord, sizeof(Dump->Context));
    if (!DumpReadProcessor(Target)) {
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, ErrorSize,
                 "%s: offset 0x%zx: KdDebuggerDataBlock and DirectoryTableBase do not lead to a "
                 "kernel: %s", Clean, offsetof(DUMP_HEADER64, KdDebuggerDataBlock), Target->Error);
        DumpClose(Target);
        return false;
    }
    DumpFillState(Target);
    return true;
}

bool TargetOpenMemory(TARGET *Target, PHYSICAL_FILE *Memory, uint64_t DirectoryTableBase,
                      uint64_t DebuggerData, char *Error, size_t ErrorSize)
{
    DUMP_TARGET *Dump = DumpBegin(Target, Error, ErrorSize);
    DBGKD_GET_VERSION64 Version;
    uint64_t Context, Pcr, Block;

    if (Dump == NULL) {
        PhysicalFileClose(Memory);
        return false;
    }
    Dump->Memory = *Memory;
    PhysicalFileInitialize(Memory, -1);
    Dump->Header.DirectoryTableBase = DirectoryTableBase;
    Dump->Header.KdDebuggerDataBlock = DebuggerData;
    Dump->Header.NumberProcessors = 1;
    if (!DumpReadProcessor(Target) ||
        !TargetRead64(Target, Dump->Prcb + Dump->Data.OffsetPrcbContext, &Context) ||
        !TargetRead(Target, Context, &Dump->Context, sizeof(Dump->Context)) ||
        !DumpReadControl(Target, KD_CONTROL_SPACE_PCR, &Pcr) ||
        !TargetRead64(Target, Pcr + PCR_VERSION_BLOCK, &Block) ||
        !TargetRead(Target, Block, &Version, sizeof(Version))) {
        snprintf(Error, ErrorSize, "the guest's memory: %s", Target->Error);
        DumpClose(Target);
        return false;
    }
    Dump->Header.MajorVersion = Version.MajorVersion;
    Dump->Header.MinorVersion = Version.MinorVersion;
    Dump->Header.Exception.ExceptionCode = KD_EXCEPTION_BREAKPOINT;
    Dump->Header.Exception.ExceptionAddress = Dump->Context.Rip;
    DumpFillState(Target);
    return true;
}
