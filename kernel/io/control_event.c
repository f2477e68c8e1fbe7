/* SPDX-License-Identifier: MIT */
/*
 * What the guest tells the host: replies, and events from wherever in the kernel they arise. Each
 * frame is one write to the console, so frames of different threads and IRQLs do not mix.
 */
#include "io/control_event.h"

#include "hal/hal.h"
#include "io/iop.h"
#include "io/virtio_console.h"
#include "kd/kd.h"
#include "ke/bug_check.h"
#include "mm/mm.h"
#include "nt/rtl.h"
#include "vf/timeline.h"

#define NAME_BYTES 1024u /* of one name in an event; a longer one is cut */

VOID IopSendControl(ULONG Type, ULONG Id, const VOID *Fixed, CONTROL_BYTES First,
                    CONTROL_BYTES Second)
{
    static const UCHAR Separator = 0;
    CONTROL_HEADER Header;
    CONSOLE_PIECE Pieces[5];
    ULONG Count = 0;
    int Known;
    ULONG FixedSize = ControlFixedSize(Type, &Known);
    ULONG64 Length = (ULONG64)FixedSize + First.Length + Second.Length;

    Length += Type == ControlSymbolicLink;
    NT_VERIFY(Known && Length <= CONTROL_MAX_PAYLOAD);
    ControlEncodeHeader(&Header, Type, Id, (ULONG)Length);
    Pieces[Count++] = (CONSOLE_PIECE){&Header, sizeof(Header)};
    Pieces[Count++] = (CONSOLE_PIECE){Fixed, FixedSize};
    Pieces[Count++] = (CONSOLE_PIECE){First.Data, First.Length};
    if (Type == ControlSymbolicLink) {
        Pieces[Count++] = (CONSOLE_PIECE){&Separator, 1};
    }
    Pieces[Count++] = (CONSOLE_PIECE){Second.Data, Second.Length};
    if (Type == ControlBugCheck) {
        IoWriteConsolePolled(Pieces, Count);
    } else {
        IoWriteConsole(Pieces, Count);
    }
}

VOID IopReply(ULONG Id, NTSTATUS Status, ULONG64 Information, const VOID *Data, ULONG Length)
{
    CONTROL_REPLY Reply = {Status, Length, Information};

    VfSendTimeline(TRUE); /* so that the host knows all that has led to the reply */
    IopSendControl(ControlReply, Id, &Reply, IopControlBytes(Data, Length), CONTROL_NOTHING);
}

/* Names come from a driver; a NUL in one would be taken for the separator of two. */
static CONTROL_BYTES IopEncodeName(PCUNICODE_STRING Name, PCHAR Buffer)
{
    ULONG Length = 0;
    ULONG i;

    RtlUnicodeToUTF8N(Buffer, NAME_BYTES, &Length, Name->Buffer, Name->Length);
    for (i = 0; i < Length; i++) {
        if (Buffer[i] == 0) {
            Buffer[i] = '?';
        }
    }
    return IopControlBytes(Buffer, Length);
}

VOID IopSendNames(ULONG Type, PCUNICODE_STRING First, PCUNICODE_STRING Second)
{
    CHAR FirstBuffer[NAME_BYTES], SecondBuffer[NAME_BYTES];

    IopSendControl(Type, 0, NULL, IopEncodeName(First, FirstBuffer),
                   Second != NULL ? IopEncodeName(Second, SecondBuffer) : CONTROL_NOTHING);
}

VOID IopSendImageEvent(ULONG Type, PVOID Base, ULONG Size, CONTROL_BYTES Name, BOOLEAN UnderTest)
{
    CONTROL_IMAGE Image = {(ULONG64)Base, Size, Name.Length, UnderTest};

    IopSendControl(Type, 0, &Image, Name, CONTROL_NOTHING);
}

VOID IopSendServiceImageEvent(ULONG Type, PMM_IMAGE Image)
{
    CHAR Buffer[NAME_BYTES];

    IopSendImageEvent(Type, MmImageBase(Image), MmImageSize(Image),
                      IopEncodeName(MmImageFullName(Image), Buffer), FALSE);
}

VOID IopSendErrorLog(CONTROL_ERROR_LOG *Log, PVOID Object, PCWSTR Strings, ULONG Bytes)
{
    CHAR Source[NAME_BYTES], Text[NAME_BYTES];
    /* An object's name stays in memory as long as it does, whatever happens to its directory. */
    POBJECT_HEADER_NAME_INFO Name = ObpNameInfoOf(ObpHeaderOf(Object));
    CONTROL_BYTES First = Name != NULL ? IopEncodeName(&Name->Name, Source) : CONTROL_NOTHING;

    Log->SourceLength = First.Length;
    Log->StringsLength = 0;
    RtlUnicodeToUTF8N(Text, sizeof(Text), &Log->StringsLength, Strings, Bytes);
    IopSendControl(ControlErrorLog, 0, Log, First, IopControlBytes(Text, Log->StringsLength));
}

VOID IoReportFinding(ULONG Code, PVOID Address, PCSTR Text)
{
    CONTROL_FINDING Finding = {Code, (ULONG)strlen(Text), (ULONG64)Address};

    IopSendControl(ControlFinding, 0, &Finding, IopControlBytes(Text, Finding.TextLength),
                   CONTROL_NOTHING);
}

VOID IoReportDebugPrint(PCSTR Text, ULONG Length)
{
    Length = Length < CONTROL_MAX_PAYLOAD ? Length : CONTROL_MAX_PAYLOAD;
    IopSendControl(ControlDebugPrint, 0, NULL, IopControlBytes(Text, Length), CONTROL_NOTHING);
}

VOID IoReportTestResult(PCSTR Name, ULONG Failures, PCSTR FirstFailure)
{
    CONTROL_TEST_RESULT Result = {Failures, (ULONG)strlen(Name), (ULONG)strlen(FirstFailure), 0};

    IopSendControl(ControlTestResult, 0, &Result, IopControlBytes(Name, Result.NameLength),
                   IopControlBytes(FirstFailure, Result.TextLength));
}

VOID IoReportBugCheck(const CONTROL_BUG_CHECK *Report, const CONTROL_HISTORY *History)
{
    IopSendControl(ControlBugCheck, 0, Report, IopControlBytes(History, Report->HistoryLength),
                   CONTROL_NOTHING);
    IoDrainConsole();
}

VOID IoReportTimelineNames(PCSTR Names, ULONG Length)
{
    TIMELINE_NAMES Fixed = {TIMELINE_VERSION, Length};

    IopSendControl(ControlTimelineNames, 0, &Fixed, IopControlBytes(Names, Length),
                   CONTROL_NOTHING);
}

VOID IoReportTimeline(const TIMELINE_BATCH *Batch, const TIMELINE_ENTRY *First, ULONG FirstBytes,
                      const TIMELINE_ENTRY *Second, ULONG SecondBytes, BOOLEAN Polled)
{
    CONTROL_HEADER Header;
    const CONSOLE_PIECE Pieces[] = {{&Header, sizeof(Header)},
                                    {Batch, sizeof(*Batch)},
                                    {First, FirstBytes},
                                    {Second, SecondBytes}};

    ControlEncodeHeader(&Header, ControlTimeline, 0, (ULONG)sizeof(*Batch) + Batch->Length);
    if (Polled) {
        IoWriteConsolePolled(Pieces, RTL_NUMBER_OF(Pieces));
    } else {
        IoWriteConsole(Pieces, RTL_NUMBER_OF(Pieces));
    }
}

static VOID IopSendProcessEnded(PEPROCESS Process, CONTROL_PROCESS_ENDED *Ended)
{
    PCSTR Name = PsGetProcessImageFileName(Process);

    Ended->NameLength = (ULONG)strlen(Name);
    Ended->ProcessId = (ULONG64)PsGetProcessId(Process);
    Process->EndReported = TRUE;
    IopSendControl(ControlProcessEnded, 0, Ended, IopControlBytes(Name, Ended->NameLength),
                   CONTROL_NOTHING);
}

VOID IopReportProcessEnd(PEPROCESS Process)
{
    if (!Process->EndReported && Process->SectionBaseAddress != NULL) {
        CONTROL_PROCESS_ENDED Ended = {.Status = Process->ExitStatus,
                                       .Reason = ControlEndedByRequest};
        IopSendProcessEnded(Process, &Ended);
    }
}

VOID IopReportUserException(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    BOOLEAN Memory = Record->NumberParameters >= 2 &&
                     (Record->ExceptionCode == STATUS_ACCESS_VIOLATION ||
                      Record->ExceptionCode == STATUS_IN_PAGE_ERROR ||
                      Record->ExceptionCode == STATUS_GUARD_PAGE_VIOLATION);
    CONTROL_PROCESS_ENDED Ended = {
        .Status = Record->ExceptionCode,
        .Rip = Context->Rip,
        .Reason = ControlEndedByException,
    };

    if (Memory) {
        ULONG_PTR Access = Record->ExceptionInformation[0];
        Ended.FaultAddress = Record->ExceptionInformation[1];
        Ended.Access = Access == EXCEPTION_EXECUTE_FAULT ? ControlAccessExecute
                       : Access == EXCEPTION_WRITE_FAULT ? ControlAccessWrite
                                                         : ControlAccessRead;
    }
    IopSendProcessEnded(PsGetCurrentThread()->ThreadsProcess, &Ended);
}

static VOID IopReportMissingImport(PCSTR Dll, PCSTR Name)
{
    CONTROL_TEXT2 Text2 = {(ULONG)strnlen(Dll, NAME_BYTES), (ULONG)strnlen(Name, NAME_BYTES)};

    IopSendControl(ControlMissingImport, 0, &Text2, IopControlBytes(Dll, Text2.FirstLength),
                   IopControlBytes(Name, Text2.SecondLength));
}

static VOID IopReportDevice(PCUNICODE_STRING Path)
{
    IopSendNames(ControlDeviceCreated, Path, NULL);
}

static VOID IopReportLink(PCUNICODE_STRING Link, PCUNICODE_STRING Target)
{
    IopSendNames(ControlSymbolicLink, Link, Target);
}

static VOID IopReportIoFinding(ULONG Code, PCSTR Text, PVOID Address)
{
    IoReportFinding(Code, Address, Text);
}

VOID IopConnectControlEvents(VOID)
{
    MmMissingImportHook = IopReportMissingImport;
    IopNotifyDeviceCreated = IopReportDevice;
    IopNotifySymbolicLink = IopReportLink;
    IopFinding = IopReportIoFinding;
    KdPrintHook = IoReportDebugPrint;
    KiBugCheckReport = IoReportBugCheck;
}

DECLSPEC_NORETURN VOID IopEndControlSession(PCSTR Reason)
{
    static const CHAR Prefix[] = "control channel: ";

    HalWriteDebugString(Prefix, sizeof(Prefix) - 1);
    HalWriteDebugString(Reason, strlen(Reason));
    HalWriteDebugString("\n", 1);
    IopSendControl(ControlDebugPrint, 0, NULL, IopControlBytes(Reason, strlen(Reason)),
                   CONTROL_NOTHING);
    IoDrainConsole();
    HalExitMachine(GUEST_EXIT_CONTROL_LOST);
}
