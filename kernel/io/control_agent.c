/* SPDX-License-Identifier: MIT */
/*
 * The agent thread: reads the host's bytes, cuts them into requests, runs each or passes it to
 * its client thread. Order and concurrency are explained in control_agent.h.
 *
 * A frame that breaks the protocol ends the session and with it the machine: there is no way to
 * find the next frame, and a host that sends such a thing is not ours. A request that cannot be
 * done is answered by its status, also when there is no memory to hold it.
 */
#include "io/control_agent.h"
#include "cm/cmp.h"

#include "ex/pool.h"
#include "hal/hal.h"
#include "io/control_client.h"
#include "io/virtio_console.h"
#include "kd/kd.h"
#include "mfs/mfs.h"
#include "ps/psp.h"
#include "vf/vf.h"

#define WAIT_LIMIT_MICROSECONDS (24ull * 3600 * 1000000)
#define PATTERN_BYTES 256u

/* NULL but in test kernels (tests/guest/runner.c). */
extern ULONG (*const KiGuestTestRunner)(PCSTR Pattern, ULONG64 Seed);

static UCHAR AgentBytes[PAGE_SIZE];
static CONTROL_PARSER AgentParser;

static VOID IopControlCounters(PCONTROL_REQUEST Request)
{
    CONTROL_COUNTERS Counters;
    MM_COUNTERS Mm;
    POOL_USAGE Pool;
    POOL_TAG_USAGE Registry = {0}, Volume = {0};

    MmQueryCounters(&Mm);
    ExQueryPoolUsage(&Pool);
    ExQueryPoolTag(CM_TAG_HIVE, &Registry);
    ExQueryPoolTag(MFS_TAG_VOLUME, &Volume);
    Counters = (CONTROL_COUNTERS){
        .TotalPages = Mm.TotalPages,
        .FreePages = Mm.FreePages,
        .ZeroedPages = Mm.ZeroedPages,
        .StandbyPages = Mm.StandbyPages,
        .ModifiedPages = Mm.ModifiedPages,
        .ActivePages = Mm.ActivePages,
        .CommittedPages = Mm.CommittedPages,
        .CommitLimit = Mm.CommitLimit,
        .PagingFileSlots = Mm.PagingFileSlots,
        .PagingFileSlotsUsed = Mm.PagingFileSlotsUsed,
        .KernelStackSlots = Mm.KernelStackSlots,
        .SystemWorkingSetPages = Mm.SystemWorkingSetPages,
        .DemandZeroFaults = Mm.DemandZeroFaults,
        .SoftFaults = Mm.SoftFaults,
        .HardFaults = Mm.HardFaults,
        .PagesRead = Mm.PagesRead,
        .PageReads = Mm.PageReads,
        .PagesWritten = Mm.PagesWritten,
        .PageWrites = Mm.PageWrites,
        .PagesTrimmed = Mm.PagesTrimmed,
        .NonpagedPoolBytes = Pool.NonPagedBytes,
        .PagedPoolBytes = Pool.PagedBytes,
        .NonpagedPoolBlocks = Pool.NonPagedBlocks,
        .PagedPoolBlocks = Pool.PagedBlocks,
        .InterruptTime = KeQueryInterruptTime(),
        .RegistryBytes = (ULONG64)Registry.PagedBytes,
        .RegistryBlocks = (ULONG64)Registry.PagedBlocks,
        .VolumeBytes = (ULONG64)Volume.PagedBytes,
        .VolumeBlocks = (ULONG64)Volume.PagedBlocks,
    };
    IopReply(Request->Message.Id, STATUS_SUCCESS, 0, &Counters, sizeof(Counters));
}

static NTSTATUS IopControlWait(ULONG64 Microseconds)
{
    LARGE_INTEGER Interval;

    if (Microseconds > WAIT_LIMIT_MICROSECONDS) {
        return STATUS_INVALID_PARAMETER;
    }
    Interval.QuadPart = -(LONGLONG)(Microseconds * 10);
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    return STATUS_SUCCESS;
}

static VOID IopControlTest(PCONTROL_REQUEST Request)
{
    CHAR Pattern[PATTERN_BYTES + 1];
    CONTROL_BYTES Text = Request->Message.First;
    ULONG Id = Request->Message.Id;

    if (KiGuestTestRunner == NULL) {
        IopReply(Id, STATUS_NOT_SUPPORTED, 0, NULL, 0);
    } else if (Text.Length > PATTERN_BYTES) {
        IopReply(Id, STATUS_NAME_TOO_LONG, 0, NULL, 0);
    } else {
        RtlCopyMemory(Pattern, Text.Data, Text.Length);
        Pattern[Text.Length] = 0;
        IopReply(Id, STATUS_SUCCESS, KiGuestTestRunner(Pattern, Request->Message.Test.Seed), NULL,
                 0);
    }
}

static DECLSPEC_NORETURN VOID IopControlShutdown(PCONTROL_REQUEST Request)
{
    IopReply(Request->Message.Id, STATUS_SUCCESS, 0, NULL, 0);
    IoDrainConsole();
    HalExitMachine(GUEST_EXIT_CLEAN);
}

/* The list lies in a request's payload, aligned as that is. */
static VOID IopControlWatch(PCONTROL_REQUEST Request)
{
    CONTROL_BYTES List = Request->Message.First;
    NTSTATUS Status = STATUS_INVALID_PARAMETER;

    if (List.Length % sizeof(ULONG) == 0 && List.Length / sizeof(ULONG) <= CONTROL_WATCH_MOST) {
        Status = VfSetWatch((const ULONG *)List.Data, List.Length / sizeof(ULONG));
    }
    IopReply(Request->Message.Id, Status, 0, NULL, 0);
}

static VOID IopControlWatchedList(PCONTROL_REQUEST Request)
{
    CONTROL_WATCHED *Rows = ExAllocatePoolWithTag(
        NonPagedPoolNx, CONTROL_WATCH_MOST * sizeof(CONTROL_WATCHED), CONTROL_TAG);

    if (Rows == NULL) {
        IopReply(Request->Message.Id, STATUS_INSUFFICIENT_RESOURCES, 0, NULL, 0);
        return;
    }
    ULONG Count = VfQueryWatch(Rows, CONTROL_WATCH_MOST);
    IopReply(Request->Message.Id, STATUS_SUCCESS, Count, Rows, Count * sizeof(*Rows));
    ExFreePoolWithTag(Rows, CONTROL_TAG);
}

/* Runs a request of the agent's own; it is freed here. */
static VOID IopRunRequest(PCONTROL_REQUEST Request)
{
    const CONTROL_MESSAGE *Message = &Request->Message;

    switch (Message->Type) {
    case ControlLoadDriver:
        IopControlLoad(Request);
        break;
    case ControlUnloadDriver:
        IopControlUnload(Request);
        break;
    case ControlPageOut:
        MmPageOutEverything(Message->PageOut.Evict != 0);
        IopReply(Message->Id, STATUS_SUCCESS, 0, NULL, 0);
        break;
    case ControlCounters:
        IopControlCounters(Request);
        break;
    case ControlSections:
        IopControlSections(Request);
        break;
    case ControlVerify:
        IopReply(Message->Id, STATUS_SUCCESS, MiVerifyAll(), NULL, 0);
        break;
    case ControlWait:
        IopReply(Message->Id, IopControlWait(Message->Wait.Microseconds), 0, NULL, 0);
        break;
    case ControlTest:
        IopControlTest(Request);
        break;
    case ControlWatch:
        IopControlWatch(Request);
        break;
    case ControlWatchedList:
        IopControlWatchedList(Request);
        break;
    case ControlPnp:
        IopControlPnp(Request);
        break;
    case ControlTrace:
        IopControlTrace(Request);
        break;
    case ControlCancel:
        IopReply(Message->Id, IopCancelClientRequest(Message->Cancel.Request), 0, NULL, 0);
        break;
    case ControlEndProcess:
        IopEndClientProcess();
        IopReply(Message->Id, STATUS_SUCCESS, 0, NULL, 0);
        break;
    case ControlRegistry:
        IopControlRegistry(Request);
        break;
    case ControlShutdown:
        IopControlShutdown(Request);
    default:
        IopReply(Message->Id, STATUS_NOT_IMPLEMENTED, 0, NULL, 0);
        break;
    }
    ExFreePoolWithTag(Request, CONTROL_TAG);
}

static PCONTROL_REQUEST IopAllocateRequest(ULONG PayloadLength)
{
    PCONTROL_REQUEST Request = ExAllocatePoolWithTag(
        NonPagedPoolNx, sizeof(CONTROL_REQUEST) + PayloadLength, CONTROL_TAG);

    if (Request != NULL) {
        Request->Pending = FALSE;
    }
    return Request;
}

/* Request holds the frame's payload; NULL when there is none, or was no memory for it. */
static VOID IopTakeFrame(const CONTROL_FRAME *Frame, PCONTROL_REQUEST Request)
{
    PCSTR Error;

    if (Request == NULL && Frame->Length == 0) {
        Request = IopAllocateRequest(0);
    }
    if (Request == NULL) {
        IopReply(Frame->Id, STATUS_INSUFFICIENT_RESOURCES, 0, NULL, 0);
        return;
    }
    Error = ControlDecode(Frame, &Request->Message);
    if (Error != NULL) {
        IopEndControlSession(Error);
    }
    switch (Frame->Type) {
    case ControlOpen:
    case ControlClose:
    case ControlIoctl:
    case ControlRead:
    case ControlWrite:
        IopQueueClientRequest(Request);
        break;
    default:
        IopRunRequest(Request);
        break;
    }
}

static VOID IopTakeBytes(const UCHAR *Bytes, ULONG Length, PCONTROL_REQUEST *Request)
{
    while (Length != 0) {
        CONTROL_FRAME Frame;
        SIZE_T Used;

        switch (ControlParse(&AgentParser, Bytes, Length, &Used, &Frame)) {
        case ControlNeedBuffer:
            *Request = IopAllocateRequest(AgentParser.Header.Length);
            ControlSetBuffer(&AgentParser, *Request != NULL ? (*Request)->Payload : NULL,
                             AgentParser.Header.Length);
            break;
        case ControlParsedFrame:
            ControlSetBuffer(&AgentParser, NULL, 0);
            IopTakeFrame(&Frame, *Request);
            *Request = NULL;
            break;
        case ControlParseFailed:
            IopEndControlSession(AgentParser.Error);
        case ControlNeedMore:
            break;
        }
        Bytes += Used;
        Length -= (ULONG)Used;
    }
}

DECLSPEC_NORETURN VOID IoRunControlAgent(VOID)
{
    CONTROL_BOOTED Booted = {CONTROL_VERSION, 0, KeLoaderBlock->KernelBase,
                             KeTimeStampFrequency,
                             PsInitialSystemProcess->Pcb.DirectoryTableBase,
                             (ULONG64)&KdDebuggerDataBlock};
    PCONTROL_REQUEST Request = NULL; /* of the frame that is arriving */
    NTSTATUS Status = IoInitializeConsole();

    if (Status == STATUS_NO_SUCH_DEVICE || Status == STATUS_NOT_SUPPORTED) {
        IopEndControlSession("no port 1; needs -device virtio-serial-device,max_ports=2 "
                             "-device virtserialport,nr=1");
    }
    if (!NT_SUCCESS(Status)) {
        IopEndControlSession("the console device does not start");
    }
    IopConnectControlEvents();
    if (!NT_SUCCESS(IopInitializeClients())) {
        IopEndControlSession("no memory for the control agent");
    }
    ControlInitializeParser(&AgentParser, ControlFromHost, NULL, 0);
    IopSendControl(ControlBooted, 0, &Booted, CONTROL_NOTHING, CONTROL_NOTHING);
    VfStartTimeline();
    for (;;) {
        ULONG Length = IoReadConsole(AgentBytes, sizeof(AgentBytes));

        if (Length == 0) {
            IopEndControlSession("the console device broke its protocol");
        }
        IopTakeBytes(AgentBytes, Length, &Request);
    }
}
