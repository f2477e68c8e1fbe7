/* SPDX-License-Identifier: MIT */
/* The operations of a KD target, each a manipulate request; lengths in answers are checked. */
#include "host/debugger/kd_target.h"

#include <stdio.h>
#include <string.h>

#include "host/text/text.h"

#define LEAVE_RETRIES 10u
#define MAX_DATA (KD_MAX_PAYLOAD - sizeof(DBGKD_MANIPULATE_STATE64))

static bool KdMemory(TARGET *Target, uint32_t Api, uint64_t Address, void *Out, const void *In,
                     size_t Size, size_t *Done)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = Api};
    size_t Got = 0;
    char Text[TEXT_NUMBER];

    *Done = 0;
    Size = Size < MAX_DATA ? Size : MAX_DATA;
    State.Memory.Address = Address;
    State.Memory.TransferCount = (uint32_t)Size;
    if (!KdExchange(Target, &State, In, In != NULL ? Size : 0, true, Out, Out != NULL ? Size : 0,
                    &Got)) {
        return false;
    }
    size_t Actual = State.Memory.ActualBytes;
    if (Actual > Size || (Out != NULL && Actual > Got) || Actual == 0) {
        snprintf(Target->Error, sizeof(Target->Error), "memory at %s cannot be %s",
                 TextAddress(Text, Address), Out != NULL ? "read" : "written");
        return false;
    }
    *Done = Actual;
    return true;
}

static bool KdReadVirtual(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    return KdMemory(Target, DbgKdReadVirtualMemoryApi, Address, Out, NULL, Size, Done);
}

static bool KdWriteVirtual(TARGET *Target, uint64_t Address, const void *In, size_t Size,
                           size_t *Done)
{
    return KdMemory(Target, DbgKdWriteVirtualMemoryApi, Address, NULL, In, Size, Done);
}

static bool KdReadPhysical(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    return KdMemory(Target, DbgKdReadPhysicalMemoryApi, Address, Out, NULL, Size, Done);
}

static bool KdWritePhysical(TARGET *Target, uint64_t Address, const void *In, size_t Size,
                            size_t *Done)
{
    return KdMemory(Target, DbgKdWritePhysicalMemoryApi, Address, NULL, In, Size, Done);
}

static bool KdGetContext(TARGET *Target, CONTEXT *Context)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdGetContextApi};
    size_t Got = 0;
    if (!KdExchange(Target, &State, NULL, 0, true, Context, sizeof(*Context), &Got)) {
        return false;
    }
    if (State.ReturnStatus < 0 || Got != sizeof(*Context)) {
        return KdFail(Target, "the target gives no context");
    }
    return true;
}

static bool KdSetContext(TARGET *Target, const CONTEXT *Context)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdSetContextApi};
    return KdRequest(Target, &State, Context, sizeof(*Context));
}

static bool KdReadControlSpace(TARGET *Target, uint64_t Selector, void *Out, size_t Size)
{
    size_t Done;
    return KdMemory(Target, DbgKdReadControlSpaceApi, Selector, Out, NULL, Size, &Done) &&
           (Done == Size || KdFail(Target, "the target's control space is too short"));
}

static bool KdGetSpecial(TARGET *Target, KSPECIAL_REGISTERS *Special)
{
    return KdReadControlSpace(Target, KD_CONTROL_SPACE_SPECIAL, Special, sizeof(*Special));
}

static bool KdSetSpecial(TARGET *Target, const KSPECIAL_REGISTERS *Special)
{
    size_t Done;
    return KdMemory(Target, DbgKdWriteControlSpaceApi, KD_CONTROL_SPACE_SPECIAL, NULL, Special,
                    sizeof(*Special), &Done);
}

static bool KdReadControl(TARGET *Target, uint64_t Selector, uint64_t *Value)
{
    return KdReadControlSpace(Target, Selector, Value, sizeof(*Value));
}

static bool KdReadMsr(TARGET *Target, uint32_t Register, uint64_t *Value)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdReadMachineSpecificRegister};
    State.Msr.Register = Register;
    bool Good = KdRequest(Target, &State, NULL, 0);
    *Value = (uint64_t)State.Msr.High << 32 | State.Msr.Low;
    return Good;
}

static bool KdWriteMsr(TARGET *Target, uint32_t Register, uint64_t Value)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdWriteMachineSpecificRegister};
    State.Msr.Register = Register;
    State.Msr.Low = (uint32_t)Value;
    State.Msr.High = (uint32_t)(Value >> 32);
    return KdRequest(Target, &State, NULL, 0);
}

static bool KdReadIo(TARGET *Target, uint64_t Port, uint32_t Size, uint32_t *Value)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdReadIoSpaceApi};
    State.IoSpace.Port = Port;
    State.IoSpace.Size = Size;
    bool Good = KdRequest(Target, &State, NULL, 0);
    *Value = State.IoSpace.Value;
    return Good;
}

static bool KdWriteIo(TARGET *Target, uint64_t Port, uint32_t Size, uint32_t Value)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdWriteIoSpaceApi};
    State.IoSpace.Port = Port;
    State.IoSpace.Size = Size;
    State.IoSpace.Value = Value;
    return KdRequest(Target, &State, NULL, 0);
}

/*
 * The target refuses a second breakpoint at an address. When the answer to the first request was
 * lost and it was asked again, that one is it, by a handle that was never told: whatever we do not
 * know as ours is taken away.
 */
static bool KdClearUnknownBreakpoints(TARGET *Target)
{
    KD_TARGET *Kd = Target->Private;
    for (uint32_t Handle = 1; Handle <= KD_BREAKPOINT_MAX && Kd->Link.Socket >= 0; Handle++) {
        if (!(Kd->Handles & 1u << (Handle - 1))) {
            KdClearBreakpoint(Target, Handle);
        }
    }
    return Kd->Link.Socket >= 0;
}

static bool KdAskBreakpoint(TARGET *Target, uint64_t Address, uint32_t *Handle)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdWriteBreakPointApi};
    State.WriteBreakPoint.Address = Address;
    bool Good = KdRequest(Target, &State, NULL, 0);
    *Handle = Good ? State.WriteBreakPoint.Handle : 0;
    return Good;
}

/* The answer does not say "owed"; a byte that cannot be read is in a page that is out. */
static bool KdSetBreakpoint(TARGET *Target, uint64_t Address, uint32_t *Handle, bool *Owed)
{
    KD_TARGET *Kd = Target->Private;
    unsigned Repeats = Kd->Repeats;
    uint8_t Byte;
    size_t Done;

    if (!KdAskBreakpoint(Target, Address, Handle) &&
        (Kd->Repeats == Repeats || !KdClearUnknownBreakpoints(Target) ||
         !KdAskBreakpoint(Target, Address, Handle))) {
        return false;
    }
    if (*Handle == 0 || *Handle > KD_BREAKPOINT_MAX) {
        return KdFail(Target, "the target has no room for a breakpoint");
    }
    Kd->Handles |= 1u << (*Handle - 1);
    *Owed = !KdReadVirtual(Target, Address, &Byte, 1, &Done);
    Target->Error[0] = 0;
    return true;
}

/* Asked again, the target refuses: it has none by that handle any more. */
bool KdClearBreakpoint(TARGET *Target, uint32_t Handle)
{
    KD_TARGET *Kd = Target->Private;
    unsigned Repeats = Kd->Repeats;
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdRestoreBreakPointApi};
    State.RestoreBreakPoint.Handle = Handle;
    Kd->Handles &= ~(Handle != 0 && Handle <= KD_BREAKPOINT_MAX ? 1u << (Handle - 1) : 0);
    return KdRequest(Target, &State, NULL, 0) ||
           (Kd->Repeats != Repeats && Target->Stopped && State.ReturnStatus < 0);
}

/*
 * A request after which the target runs, or is gone. One that runs with its interrupts off
 * acknowledges nothing, and other targets than ours never do while they run; a request that seems
 * not to be taken may only have lost its acknowledgement: it counts as taken, and Wait asks the
 * target where it stands.
 */
static bool KdLeave(TARGET *Target, DBGKD_MANIPULATE_STATE64 *State)
{
    KD_TARGET *Kd = Target->Private;
    unsigned Retries = Kd->Link.Retries;
    size_t None;
    Kd->Link.Retries = Retries < LEAVE_RETRIES ? Retries : LEAVE_RETRIES;
    bool Good = KdExchange(Target, State, NULL, 0, false, NULL, 0, &None);
    Kd->Link.Retries = Retries;
    if (!Good && (Kd->Link.Socket < 0 || !Target->Stopped || Kd->StopPending)) {
        return false;
    }
    Target->Stopped = false;
    return true;
}

static bool KdContinue(TARGET *Target, int32_t Status, bool Trace, uint64_t Dr7)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdContinueApi2};
    State.Continue2.Status = Status;
    State.Continue2.TraceFlag = Trace;
    State.Continue2.Dr7 = Dr7;
    State.Continue2.CurrentSymbolStart = 1; /* no range */
    State.Continue2.CurrentSymbolEnd = 1;
    return KdLeave(Target, &State);
}

static bool KdSwitchProcessor(TARGET *Target, unsigned Processor)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdSwitchProcessor};
    size_t None;
    uint16_t Before = Target->State.Processor;
    Target->State.Processor = (uint16_t)Processor;
    bool Good = KdExchange(Target, &State, NULL, 0, false, NULL, 0, &None);
    Target->State.Processor = Before;
    Target->Stopped = Target->Stopped && !Good;
    return Good;
}

static bool KdBreakIn(TARGET *Target)
{
    KD_TARGET *Kd = Target->Private;
    KdLinkSendBreakIn(&Kd->Link);
    return Kd->Link.Socket >= 0 || KdFail(Target, "the target closed the line");
}

static bool KdReboot(TARGET *Target)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdRebootApi};
    return KdLeave(Target, &State);
}

static bool KdCauseBugCheck(TARGET *Target)
{
    DBGKD_MANIPULATE_STATE64 State = {.ApiNumber = DbgKdCauseBugCheckApi};
    return KdLeave(Target, &State);
}

static bool KdAnswer(TARGET *Target, const char *Text)
{
    KD_TARGET *Kd = Target->Private;
    DBGKD_DEBUG_IO Io = {.ApiNumber = DbgKdGetStringApi};
    size_t Length = strlen(Text);
    Length = Length < KD_MAX_PAYLOAD - sizeof(Io) ? Length : KD_MAX_PAYLOAD - sizeof(Io);
    Io.LengthRead = (uint32_t)Length;
    return KdLinkSend(&Kd->Link, KdPacketDebugIo, &Io, sizeof(Io), Text, Length) ||
           KdFail(Target, "the target does not take the answer");
}

const TARGET_OPERATIONS KdOperations = {
    .ReadVirtual = KdReadVirtual,
    .WriteVirtual = KdWriteVirtual,
    .ReadPhysical = KdReadPhysical,
    .WritePhysical = KdWritePhysical,
    .GetContext = KdGetContext,
    .SetContext = KdSetContext,
    .GetSpecial = KdGetSpecial,
    .SetSpecial = KdSetSpecial,
    .ReadControl = KdReadControl,
    .ReadMsr = KdReadMsr,
    .WriteMsr = KdWriteMsr,
    .ReadIo = KdReadIo,
    .WriteIo = KdWriteIo,
    .SetBreakpoint = KdSetBreakpoint,
    .ClearBreakpoint = KdClearBreakpoint,
    .Continue = KdContinue,
    .SwitchProcessor = KdSwitchProcessor,
    .BreakIn = KdBreakIn,
    .Reboot = KdReboot,
    .CauseBugCheck = KdCauseBugCheck,
    .Answer = KdAnswer,
    .Wait = KdWait,
    .Close = KdClose,
};
