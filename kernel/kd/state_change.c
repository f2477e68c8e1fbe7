/* SPDX-License-Identifier: MIT */
/*
 * The target has stopped: it says why (DBGKD_ANY_WAIT_STATE_CHANGE), and then does what the
 * debugger asks until that lets it go on. When the debugger loses track (RESEND, RESET), the state
 * change is sent again. Without a debugger the target waits for one, for ever; only a
 * load-symbols change is given up.
 */
#include "kd/kd.h"

#define KGDT_STANDARD_CS KGDT64_R0_CODE

static DBGKD_ANY_WAIT_STATE_CHANGE KdpChange;
static DECLSPEC_ALIGN(16) UCHAR KdpReplyData[KD_MAX_REPLY_DATA];
static CHAR KdpChangeData[KD_MAX_PAYLOAD - sizeof(DBGKD_ANY_WAIT_STATE_CHANGE)];

static VOID KdpFillControlReport(const CONTEXT *Context)
{
    AMD64_DBGKD_CONTROL_REPORT *Report = &KdpChange.ControlReport;
    const KSPECIAL_REGISTERS *Special = &KeGetCurrentPrcb()->ProcessorState.SpecialRegisters;
    Report->Dr6 = Special->Dr6;
    Report->Dr7 = Special->Dr7;
    Report->EFlags = Context->EFlags;
    Report->SegCs = Context->SegCs;
    Report->SegDs = Context->SegDs;
    Report->SegEs = Context->SegEs;
    Report->SegFs = Context->SegFs;
    Report->ReportFlags = KD_REPORT_INCLUDES_SEGMENTS;
    if (Context->SegCs == KGDT_STANDARD_CS) {
        Report->ReportFlags |= KD_REPORT_STANDARD_CS;
    }
    /* The debugger sets its breakpoints again when it goes on: here it shall see the code. */
    KdpDeleteBreakpointRange(Context->Rip, Context->Rip + sizeof(Report->InstructionStream) - 1);
    Report->InstructionCount = (USHORT)MmDbgCopyMemory(
        Context->Rip, Report->InstructionStream, sizeof(Report->InstructionStream), 0);
}

static VOID KdpBeginChange(ULONG NewState, const CONTEXT *Context)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    RtlZeroMemory(&KdpChange, sizeof(KdpChange));
    KdpChange.NewState = NewState;
    KdpChange.ProcessorLevel = Prcb->CpuType;
    KdpChange.Processor = (USHORT)Prcb->Number;
    KdpChange.NumberProcessors = (ULONG)KeNumberProcessors;
    KdpChange.Thread = (ULONG64)Prcb->CurrentThread;
    KdpChange.ProgramCounter = Context->Rip;
    KdpFillControlReport(Context);
}

static KDP_ANSWER KdpServeRequest(PCONTEXT Context)
{
    static KDP_REQUEST Request;
    const UCHAR *Payload = KdpPayload(&Request.DataSize);
    RtlCopyMemory(&Request.Header, Payload, sizeof(Request.Header));
    Request.Header.ReturnStatus = STATUS_SUCCESS;
    Request.Data = Payload + sizeof(Request.Header);
    Request.DataSize -= sizeof(Request.Header);
    Request.Context = Context;
    Request.Reply = KdpReplyData;
    Request.ReplySize = 0;
    KDP_ANSWER Answer = KdpManipulate(&Request);
    if (Answer == KdpAnswer &&
        KdpSendPacket(KdPacketManipulate, &Request.Header, sizeof(Request.Header), Request.Reply,
                      Request.ReplySize) == KdpReset) {
        return KdpAskedAnew;
    }
    return Answer;
}

/* KdpContinueHandled, KdpContinueNotHandled, or KdpStateChange: another one is wanted. */
static KDP_ANSWER KdpServe(SIZE_T DataSize, PCONTEXT Context)
{
    KdpForgetContextSent();
    for (;;) {
        if (KdpSendPacket(KdPacketStateChange64, &KdpChange, sizeof(KdpChange), KdpChangeData,
                          DataSize) == KdpTimedOut) {
            return KdpContinueHandled;
        }
        KDP_RECEIVE Received;
        do {
            Received = KdpReceivePacket(KdPacketManipulate, sizeof(DBGKD_MANIPULATE_STATE64));
            if (Received == KdpReceived) {
                KDP_ANSWER Answer = KdpServeRequest(Context);
                if (Answer == KdpAskedAnew) {
                    break;
                }
                if (Answer != KdpAnswer && Answer != KdpAnswerNothing) {
                    return Answer;
                }
            }
        } while (Received != KdpResend && Received != KdpReset);
    }
}

static VOID KdpFillException(const EXCEPTION_RECORD *Record, BOOLEAN SecondChance)
{
    DBGKM_EXCEPTION64 *Exception = &KdpChange.Exception;
    ULONG Count = Record->NumberParameters;
    if (Count > EXCEPTION_MAXIMUM_PARAMETERS) {
        Count = EXCEPTION_MAXIMUM_PARAMETERS;
    }
    Exception->Record.ExceptionCode = (ULONG)Record->ExceptionCode;
    Exception->Record.ExceptionFlags = Record->ExceptionFlags;
    Exception->Record.ExceptionRecord = (ULONG64)Record->ExceptionRecord;
    Exception->Record.ExceptionAddress = (ULONG64)Record->ExceptionAddress;
    Exception->Record.NumberParameters = Count;
    for (ULONG i = 0; i < Count; i++) {
        Exception->Record.Information[i] = Record->ExceptionInformation[i];
    }
    Exception->FirstChance = !SecondChance;
}

BOOLEAN KdpReportException(const EXCEPTION_RECORD *Record, PCONTEXT Context, BOOLEAN SecondChance)
{
    EXCEPTION_RECORD Now = *Record;
    KDP_ANSWER Answer;
    do {
        KdpBeginChange(DBGKD_EXCEPTION_STATE_CHANGE, Context);
        KdpFillException(&Now, SecondChance);
        Answer = KdpServe(0, Context);
        /* What a switch of processor ends in, and be it to this one. */
        Now = (EXCEPTION_RECORD){.ExceptionCode = (NTSTATUS)KD_EXCEPTION_WAKE,
                                 .ExceptionAddress = (PVOID)Context->Rip};
    } while (Answer == KdpStateChange);
    KdpForgetBreakIn();
    return Answer == KdpContinueHandled;
}

/* Bytes of Text, at most Room, to Out. */
static ULONG KdpCopyText(PCHAR Out, SIZE_T Room, PCSTR Text, ULONG Size)
{
    return (ULONG)MmDbgCopyMemory((ULONG64)Text, Out, Size < Room ? Size : Room, 0);
}

VOID KdpReportLoadSymbols(PCSTR Path, ULONG PathSize, const KD_SYMBOLS_INFO *Info, BOOLEAN Unload,
                          PCONTEXT Context)
{
    KDP_ANSWER Answer;
    do {
        KdpBeginChange(DBGKD_LOAD_SYMBOLS_STATE_CHANGE, Context);
        ULONG Size = KdpCopyText(KdpChangeData, sizeof(KdpChangeData) - 1, Path, PathSize);
        KdpChangeData[Size++] = 0;
        KdpChange.LoadSymbols.PathNameLength = Size;
        KdpChange.LoadSymbols.BaseOfDll = (ULONG64)Info->BaseOfDll;
        KdpChange.LoadSymbols.ProcessId = (ULONG64)Info->ProcessId;
        KdpChange.LoadSymbols.CheckSum = Info->CheckSum;
        KdpChange.LoadSymbols.SizeOfImage = Info->SizeOfImage;
        KdpChange.LoadSymbols.UnloadSymbols = Unload;
        Answer = KdpServe(Size, Context);
    } while (Answer == KdpStateChange);
}

VOID KdpReportCommandString(PCSTR Name, ULONG NameSize, PCSTR Command, ULONG CommandSize,
                            PCONTEXT Context)
{
    KDP_ANSWER Answer;
    do {
        KdpBeginChange(DBGKD_COMMAND_STRING_STATE_CHANGE, Context);
        ULONG Size = KdpCopyText(KdpChangeData, 127, Name, NameSize);
        KdpChangeData[Size++] = 0;
        Size += KdpCopyText(KdpChangeData + Size, sizeof(KdpChangeData) - Size - 1, Command,
                            CommandSize);
        KdpChangeData[Size++] = 0;
        Answer = KdpServe(Size, Context);
    } while (Answer == KdpStateChange);
}
