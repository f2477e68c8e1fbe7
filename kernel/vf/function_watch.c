/* SPDX-License-Identifier: MIT */
/*
 * At which IRQL each routine of the driver under test is entered, for `pageable advise`. The host
 * names the first instructions (ControlWatch); when the image is laid out, each gets an int3 in the
 * place of its first byte:
 *
 *   armed -> stepping   the int3 trapped: IRQL, interrupts and caller are noted, the byte is put
 *                       back, and the trap flag makes the processor stop behind that instruction
 *   stepping -> armed   it stopped (#DB), on the same thread at the same IRQL: an interrupt or DPC
 *                       may enter routines in the midst of a step, as when the code is paged in
 *   armed -> lost       more threads are stepping than there is room for: no longer counted, told
 *   any   -> gone       the image unloads; what was noted stays until the next ControlWatch
 *
 * While a routine is stepping, other threads enter it uncounted. Code is written through the map of
 * physical memory (MmDbgCopyMemory) and becomes dirty, so it goes to the paging file as it is then:
 * --page-out changes nothing here. All of it runs with interrupts off on the processor that
 * trapped. Needs the system without a kernel debugger, which uses the same two traps.
 */
#include "vf/vf.h"

#include "ex/pool.h"
#include "lib/pe_image.h"

#define VF_TAG_WATCH 'taWV'
#define VF_STEPPING 16
#define VF_INT3 0xcc
#define RFLAGS_TRAP 0x100
#define RFLAGS_INTERRUPT 0x200

typedef struct _VF_FUNCTION {
    CONTROL_WATCHED Watched; /* Rva ascending */
    UCHAR Original;
} VF_FUNCTION;

static struct {
    ULONG64 Base; /* of the image with the int3s; 0: none */
    VF_FUNCTION *Function;
    ULONG Count;
    struct {
        PKTHREAD Thread; /* NULL: free; one for a thread at an IRQL */
        KIRQL Irql;
        VF_FUNCTION *Function;
    } Stepping[VF_STEPPING];
} VfWatch;

NTSTATUS VfSetWatch(const ULONG *Rvas, ULONG Count)
{
    if (VfWatch.Base != 0) {
        return STATUS_DEVICE_BUSY;
    }
    for (ULONG i = 1; i < Count; i++) {
        if (Rvas[i] <= Rvas[i - 1]) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    if (VfWatch.Function != NULL) {
        ExFreePoolWithTag(VfWatch.Function, VF_TAG_WATCH);
    }
    VfWatch.Function = NULL;
    VfWatch.Count = 0;
    if (Count == 0) {
        return STATUS_SUCCESS;
    }
    SIZE_T Size = Count * sizeof(VF_FUNCTION);
    VfWatch.Function = ExAllocatePoolWithTag(NonPagedPoolNx, Size, VF_TAG_WATCH);
    if (VfWatch.Function == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __builtin_memset(VfWatch.Function, 0, Size);
    for (ULONG i = 0; i < Count; i++) {
        VfWatch.Function[i].Watched.Rva = Rvas[i];
    }
    VfWatch.Count = Count;
    return STATUS_SUCCESS;
}

VOID VfWatchImage(PUCHAR Base, const PE_IMAGE *Pe)
{
    PE_SECTION Section;
    if (VfWatch.Count == 0 || VfWatch.Base != 0) {
        return;
    }
    VfWatch.Base = (ULONG64)Base;
    for (ULONG i = 0; i < VfWatch.Count; i++) {
        VF_FUNCTION *Function = &VfWatch.Function[i];
        ULONG Rva = Function->Watched.Rva;
        if (!PeImageSectionOfRva(Pe, Rva, &Section) ||
            !(Section.Characteristics & IMAGE_SCN_MEM_EXECUTE) ||
            Rva - Section.Rva >= Section.FileBytes || Base[Rva] == VF_INT3) {
            continue;
        }
        Function->Original = Base[Rva];
        Function->Watched.Flags |= ControlWatchedArmed;
        Base[Rva] = VF_INT3;
    }
}

VOID VfUnwatchImage(ULONG64 Base)
{
    if (VfWatch.Base != Base) {
        return;
    }
    ULONG64 Flags = KiDisableInterrupts();
    VfWatch.Base = 0;
    __builtin_memset(VfWatch.Stepping, 0, sizeof(VfWatch.Stepping));
    KiRestoreInterrupts(Flags);
}

static VF_FUNCTION *VfFindWatched(ULONG64 Address)
{
    ULONG Low = 0, High = VfWatch.Count;
    while (VfWatch.Base != 0 && Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        ULONG64 At = VfWatch.Base + VfWatch.Function[Middle].Watched.Rva;
        if (At == Address) {
            return &VfWatch.Function[Middle];
        }
        if (Address < At) {
            High = Middle;
        } else {
            Low = Middle + 1;
        }
    }
    return NULL;
}

/* The caller's address is on the stack, which is nonpaged. */
static VOID VfNoteEntry(CONTROL_WATCHED *Watched, const KTRAP_FRAME *Frame)
{
    KIRQL Irql = KiReadIrql();
    if (Watched->Calls++ == 0 || Irql > Watched->MaxIrql) {
        Watched->MaxIrql = Irql;
        Watched->Caller = *(const ULONG64 *)Frame->Rsp;
    }
    if (!(Frame->EFlags & RFLAGS_INTERRUPT)) {
        Watched->Flags |= ControlWatchedInterruptsOff;
    }
}

static BOOLEAN VfWriteCode(ULONG64 Address, UCHAR Byte)
{
    return MmDbgCopyMemory(Address, &Byte, 1, MM_DEBUG_WRITE) == 1;
}

/* The step of the current thread at its IRQL, if there is one, is over: its int3 comes back. */
static BOOLEAN VfEndStep(VOID)
{
    KIRQL Irql = KiReadIrql();
    for (ULONG i = 0; i < VF_STEPPING; i++) {
        VF_FUNCTION *Function = VfWatch.Stepping[i].Function;
        if (VfWatch.Stepping[i].Thread != KiCurrentThread() || VfWatch.Stepping[i].Irql != Irql) {
            continue;
        }
        VfWatch.Stepping[i].Thread = NULL;
        if (!VfWriteCode(VfWatch.Base + Function->Watched.Rva, VF_INT3)) {
            Function->Watched.Flags |= ControlWatchedLost; /* discarded, or on its way out */
        }
        return TRUE;
    }
    return FALSE;
}

BOOLEAN VfFunctionEntered(PKTRAP_FRAME Frame)
{
    VF_FUNCTION *Function = VfFindWatched(Frame->Rip - 1);
    if (Function == NULL || !(Function->Watched.Flags & ControlWatchedArmed)) {
        return FALSE;
    }
    VfEndStep(); /* of an instruction that raised an exception and was not gone on with */
    VfNoteEntry(&Function->Watched, Frame);
    VfWriteCode(Frame->Rip - 1, Function->Original); /* it was there a moment ago */
    Frame->Rip -= 1;
    for (ULONG i = 0; i < VF_STEPPING; i++) {
        if (VfWatch.Stepping[i].Thread == NULL) {
            VfWatch.Stepping[i].Thread = KiCurrentThread();
            VfWatch.Stepping[i].Irql = KiReadIrql();
            VfWatch.Stepping[i].Function = Function;
            Frame->EFlags |= RFLAGS_TRAP;
            return TRUE;
        }
    }
    Function->Watched.Flags |= ControlWatchedLost;
    return TRUE;
}

BOOLEAN VfFunctionStepped(PKTRAP_FRAME Frame)
{
    BOOLEAN Found = VfEndStep();
    if (Found) {
        Frame->EFlags &= ~RFLAGS_TRAP;
    }
    return Found;
}

ULONG VfQueryWatch(CONTROL_WATCHED *Rows, ULONG Most)
{
    ULONG Count = VfWatch.Count < Most ? VfWatch.Count : Most;
    for (ULONG i = 0; i < Count; i++) {
        Rows[i] = VfWatch.Function[i].Watched;
    }
    return Count;
}
