/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own unwinder (lib/unwind.h) on a target's stacks. Unwind data comes from the image's
 * file where that was found, since .pdata may be paged out; the stack from the target, a page at a
 * time. Invariants: rsp goes up on a stack, stacks change a few times at most (a trap on another
 * stack, a DPC stack), and without unwind data that can be read there is no guess.
 */
#include "host/debugger/debug_unwind.h"

#include <stdio.h>
#include <string.h>

#include "host/debugger/debug_module.h"
#include "lib/unwind.h"

#define WALK_PAGE 0x1000u
#define WALK_MAX_SWITCHES 8u
#define WALK_STACK_REACH 0x100000u /* bytes; farther up is another stack */

typedef struct {
    DEBUGGER *Debugger;
    DEBUG_MODULE *Module;
} WALK_IMAGE;

static PVOID WalkImageBytes(const UNWIND_IMAGE *Image, ULONG Rva, SIZE_T Size)
{
    const WALK_IMAGE *From = Image->Context;
    return (PVOID)DebugModuleBytes(From->Debugger, From->Module, Rva, (uint32_t)Size);
}

static BOOLEAN WalkReadStack(const UNWIND_STACK *Stack, ULONG_PTR Address, PULONG64 Value)
{
    DEBUG_WALK *Walk = Stack->Context;
    uint64_t Page = Address & ~(uint64_t)(WALK_PAGE - 1);

    if (Walk->CachedPage != Page) {
        Walk->CachedPage = ~0ull;
        if (DebugReadSome(Walk->Debugger, Page, Walk->Cache, WALK_PAGE) != WALK_PAGE) {
            return DebugRead64(Walk->Debugger, Address, Value);
        }
        Walk->CachedPage = Page;
    }
    memcpy(Value, Walk->Cache + (Address - Page), sizeof(*Value));
    return TRUE;
}

/* False: the address is in a module whose function table cannot be read. */
static bool WalkFindFunction(WALK_IMAGE *From, UNWIND_FRAME *Frame)
{
    PE_DIRECTORY Table;

    if (From->Module == NULL) {
        return true;
    }
    DebugModuleFindImage(From->Debugger, From->Module);
    const DEBUG_MODULE_DATA *Data = From->Module->Private;
    if (Data == NULL || !Data->Image.HasPe) {
        return false;
    }
    Table = PeImageDirectory(&Data->Image.Pe, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    if (Table.Rva == 0 || Table.Size == 0) {
        return true;
    }
    if (DebugModuleBytes(From->Debugger, From->Module, Table.Rva, Table.Size) == NULL) {
        return false;
    }
    Frame->Image = (UNWIND_IMAGE){
        .Base = From->Module->Base,
        .Size = Data->Image.Size,
        .TableRva = Table.Rva,
        .TableCount = Table.Size / (uint32_t)sizeof(RUNTIME_FUNCTION),
        .Bytes = WalkImageBytes,
        .Context = From,
    };
    Frame->Function = UnwindFindFunction(&Frame->Image, Frame->ControlPc);
    return true;
}

/* Has the walk moved up? */
static bool WalkAdvances(DEBUG_WALK *Walk)
{
    uint64_t Old = Walk->Context.Rsp, New = Walk->Caller.Rsp;
    if (New > Old && New - Old < WALK_STACK_REACH) {
        return true;
    }
    return New != Old && ++Walk->StackSwitches <= WALK_MAX_SWITCHES;
}

/* Fills in what is known of the frame that Context now is. */
static void WalkLookUp(DEBUG_WALK *Walk)
{
    WALK_IMAGE From = {Walk->Debugger, DebugFindModule(Walk->Debugger, Walk->Context.Rip)};
    UNWIND_FRAME Frame = {.ControlPc = Walk->Context.Rip};
    const UNWIND_STACK Stack = {Walk->Context.Rsp, ~(ULONG_PTR)7, WalkReadStack, Walk};

    Walk->Caller = Walk->Context;
    Walk->ReturnAddress = Walk->ArgumentHome = Walk->TrapFrame = 0;
    Walk->HasCaller = false;
    Walk->Problem = NULL;
    if (Walk->Context.Rip == 0) {
        return;
    }
    if (From.Module == NULL) {
        From.Module = DebugFindUserModule(Walk->Debugger, Walk->Context.Rip);
    }
    if (From.Module == NULL && Walk->IsReturn) {
        return; /* above the first function */
    }
    if (!WalkFindFunction(&From, &Frame)) {
        Walk->Problem = "the image's unwind data cannot be read: it is out, and its file was not "
                        "found (.sympath)";
        return;
    }
    if (!UnwindFrame(&Walk->Caller, &Stack, UNW_FLAG_NHANDLER, Walk->IsReturn, &Frame, NULL)) {
        Walk->Problem = "the stack or the unwind data cannot be read, or is damaged";
        return;
    }
    Walk->ReturnAddress = Walk->Caller.Rip;
    Walk->CallerIsReturn = !Frame.MachineFrame;
    if (!Frame.MachineFrame) {
        Walk->ArgumentHome = Walk->Caller.Rsp;
    } else if (Frame.EstablisherFrame != 0) {
        Walk->TrapFrame = Frame.EstablisherFrame;
    }
    Walk->HasCaller = Walk->Caller.Rip != 0 && WalkAdvances(Walk);
    if (Walk->Caller.Rip != 0 && !Walk->HasCaller) {
        Walk->Problem = "the stack does not lead up from here";
    }
}

void DebugWalkStart(DEBUG_WALK *Walk, DEBUGGER *Debugger, const CONTEXT *Context)
{
    Walk->Debugger = Debugger;
    Walk->Context = *Context;
    Walk->IsReturn = false;
    Walk->Frames = 0;
    Walk->StackSwitches = 0;
    Walk->CachedPage = ~0ull;
    WalkLookUp(Walk);
}

bool DebugWalkNext(DEBUG_WALK *Walk)
{
    if (!Walk->HasCaller || ++Walk->Frames >= DEBUG_WALK_MAX_FRAMES) {
        return false;
    }
    Walk->Context = Walk->Caller;
    Walk->IsReturn = Walk->CallerIsReturn;
    WalkLookUp(Walk);
    return true;
}

bool DebugUnwind(DEBUGGER *Debugger, CONTEXT *Context)
{
    DEBUG_WALK Walk;

    DebugWalkStart(&Walk, Debugger, Context);
    if (!Walk.HasCaller) {
        snprintf(Debugger->Target->Error, sizeof(Debugger->Target->Error), "%s",
                 Walk.Problem != NULL ? Walk.Problem : "the stack ends here");
        return false;
    }
    *Context = Walk.Caller;
    return true;
}

/*
 * A thread that does not run stands in nt!KiSwapContext with all of its prologue done, its rsp in
 * KernelStack; from there the unwind data leads on.
 */
bool DebugThreadContext(DEBUGGER *Debugger, uint64_t Thread, CONTEXT *Context)
{
    TARGET *Target = Debugger->Target;
    uint64_t Current = 0, Swap;
    UNWIND_FRAME Frame = {0};
    UNWIND_DATA Data;

    if (TargetCan(Target, ReadControl)) {
        Target->Operations->ReadControl(Target, KD_CONTROL_SPACE_THREAD, &Current);
    }
    if (Current == Thread && TargetCan(Target, GetContext)) {
        return Target->Operations->GetContext(Target, Context);
    }
    memset(Context, 0, sizeof(*Context));
    if (!DebugReadField(Debugger, Thread, "nt!_KTHREAD", "KernelStack", &Context->Rsp)) {
        return false;
    }
    if (!DebugSymbolAddress(Debugger, "nt!KiSwapContext", strlen("nt!KiSwapContext"), &Swap)) {
        snprintf(Target->Error, sizeof(Target->Error), "nt!KiSwapContext is not found");
        return false;
    }
    WALK_IMAGE From = {Debugger, DebugFindModule(Debugger, Swap)};
    Frame.ControlPc = Swap;
    if (!WalkFindFunction(&From, &Frame) || Frame.Function == NULL ||
        !UnwindReadData(&Frame.Image, Frame.Function, &Data)) {
        snprintf(Target->Error, sizeof(Target->Error),
                 "the unwind data of nt!KiSwapContext cannot be read");
        return false;
    }
    Context->ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER;
    Context->Rip = Swap + Data.SizeOfProlog;
    return true;
}
