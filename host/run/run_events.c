/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "host/run/bug_check.h"
#include "host/run/run.h"
#include "host/text/status_names.h"
#include "host/text/text.h"
#include "nt/ntdef.h"
#include "nt/ntstatus.h"

static void RunClean(char *Out, size_t Capacity, CONTROL_BYTES Bytes)
{
    TextClean(Out, Capacity, Bytes.Data, Bytes.Length);
}

static RUN_DEVICE *RunFindDevice(RUN *Run, const char *Path)
{
    for (unsigned i = 0; i < Run->DeviceCount; i++) {
        if (strcmp(Run->Devices[i].Path, Path) == 0) {
            return &Run->Devices[i];
        }
    }
    return NULL;
}

static RUN_DEVICE *RunAddDevice(RUN *Run, const char *Path)
{
    RUN_DEVICE *Device = RunFindDevice(Run, Path);
    if (Device == NULL && *Path != 0 && Run->DeviceCount < RUN_MAX_DEVICES) {
        Device = &Run->Devices[Run->DeviceCount++];
        snprintf(Device->Path, sizeof(Device->Path), "%s", Path);
        Device->Link[0] = 0;
    }
    return Device;
}

static void RunOnDevice(RUN *Run, const CONTROL_MESSAGE *Message)
{
    char Path[RUN_MAX_PATH];
    RunClean(Path, sizeof(Path), Message->First);
    RunAddDevice(Run, Path);
    ReportEvent(&Run->Report, "device", json_pack("{s:s}", "path", Path));
}

static void RunOnLink(RUN *Run, const CONTROL_MESSAGE *Message)
{
    char Link[RUN_MAX_PATH], Target[RUN_MAX_PATH];
    RunClean(Link, sizeof(Link), Message->First);
    RunClean(Target, sizeof(Target), Message->Second);
    RUN_DEVICE *Device = RunFindDevice(Run, Target);
    if (Device != NULL && Device->Link[0] == 0) {
        snprintf(Device->Link, sizeof(Device->Link), "%s", Link);
    }
    ReportEvent(&Run->Report, "symbolic_link",
                json_pack("{s:s, s:s}", "path", Link, "target", Target));
}

static void RunOnMissingImport(RUN *Run, const CONTROL_MESSAGE *Message)
{
    char Dll[128], Name[256];
    RunClean(Dll, sizeof(Dll), Message->First);
    RunClean(Name, sizeof(Name), Message->Second);
    ReportLine(&Run->Report, "missing", "%s!%s is not implemented: a call of it ends the run", Dll,
               Name);
    ReportEvent(&Run->Report, "missing_import", json_pack("{s:s, s:s}", "dll", Dll, "name", Name));
}

static void RunOnImage(RUN *Run, const CONTROL_MESSAGE *Message, bool Loaded)
{
    char Name[256], Base[TEXT_NUMBER], Bytes[TEXT_NUMBER];
    const CONTROL_IMAGE *Image = &Message->Image;
    bool UnderTest = Image->DriverUnderTest != 0;

    RunClean(Name, sizeof(Name), Message->First);
    if (Loaded) {
        const char *Backslash = strrchr(Name, '\\');
        SymbolsAddModule(&Run->Symbols, Image->Base, Image->Size,
                         TextBaseName(Backslash != NULL ? Backslash + 1 : Name),
                         UnderTest ? Run->Driver.Path
                                   : GuestFilesHostPath(&Run->GuestFiles, Name));
    }
    Run->ImageLoaded = Run->ImageLoaded || (Loaded && UnderTest);
    if (Loaded && UnderTest) {
        Run->DriverBase = Image->Base;
    }
    if (Run->Report.Verbose) {
        ReportLine(&Run->Report, Loaded ? "loaded" : "unloaded", "%s at %s, %s bytes", Name,
                   TextAddress(Base, Image->Base), TextGroups(Bytes, Image->Size));
    }
    ReportEvent(&Run->Report, Loaded ? "image_loaded" : "image_unloaded",
                json_pack("{s:s, s:o, s:I, s:b}", "name", Name, "base", ReportHex(Image->Base),
                          "bytes", (json_int_t)Image->Size, "driver_under_test", UnderTest));
}

/* What the verifier says before its bug check: the cause, in words. */
static void RunKeepVerifierText(RUN *Run, const char *Text)
{
    static const char Mark[] = "*** Verifier: ";
    if (strncmp(Text, Mark, sizeof(Mark) - 1) == 0) {
        TextFormat(Run->VerifierText, sizeof(Run->VerifierText), "%s", Text + sizeof(Mark) - 1);
    }
}

/* One event may hold several lines. */
static void RunOnPrint(RUN *Run, const CONTROL_MESSAGE *Message)
{
    static char Text[4096];
    const char *Next = (const char *)Message->First.Data;
    size_t Rest = Message->First.Length;
    while (Rest != 0) {
        const char *End = memchr(Next, '\n', Rest);
        size_t Length = End != NULL ? (size_t)(End - Next) : Rest;
        size_t Visible = Length != 0 && Next[Length - 1] == '\r' ? Length - 1 : Length;
        TextClean(Text, sizeof(Text), Next, Visible);
        RunKeepVerifierText(Run, Text);
        ReportLine(&Run->Report, "print", "%s", Text);
        ReportEvent(&Run->Report, "print",
                    json_pack("{s:s, s:s}", "source", "guest", "text", Text));
        Length += End != NULL;
        Next += Length;
        Rest -= Length;
    }
}

static void RunOnGuestFinding(RUN *Run, const CONTROL_MESSAGE *Message)
{
    char Text[512], Where[900] = "", Kind[TEXT_NUMBER];
    SYMBOL Symbol = {.Address = Message->Finding.Address};

    RunClean(Text, sizeof(Text), Message->First);
    SymbolsResolve(&Run->Symbols, &Symbol, 1);
    SymbolText(&Symbol, Where, sizeof(Where));
    if (Message->Finding.Code == (uint32_t)STATUS_DRIVER_ENTRYPOINT_NOT_FOUND) {
        TextFormat(Run->MissingExport, sizeof(Run->MissingExport), "%s", Text);
    }
    RunFinding(Run, TextHex(Kind, Message->Finding.Code), Text, Where);
}

void RunFinding(RUN *Run, const char *Kind, const char *Text, const char *Where)
{
    if (Run->Findings++ == 0) {
        snprintf(Run->FirstFinding, sizeof(Run->FirstFinding), "%s", Text);
        snprintf(Run->FirstWhere, sizeof(Run->FirstWhere), "%s", Where);
    }
    if (Run->Findings > RUN_MAX_FINDINGS) {
        return;
    }
    ReportToned(&Run->Report, ReportBad, "finding", "%s", Text);
    if (*Where != 0) {
        ReportLine(&Run->Report, "", "at %s", Where);
    }
    ReportEvent(&Run->Report, "finding",
                json_pack("{s:s, s:s, s:s}", "kind", Kind, "text", Text, "where", Where));
}

/* Text gets the strings of an entry, joined for a line; the return is a list of them. */
static json_t *RunErrorLogStrings(CONTROL_BYTES Bytes, char *Text, size_t TextSize)
{
    json_t *List = json_array();
    size_t Begin = 0;
    for (size_t i = 0; i < Bytes.Length; i++) {
        if (Bytes.Data[i] == 0) {
            char String[1024];
            TextClean(String, sizeof(String), Bytes.Data + Begin, i - Begin);
            json_array_append_new(List, json_string(String));
            TextAppendFormat(Text, TextSize, ", \"%s\"", String);
            Begin = i + 1;
        }
    }
    return List;
}

static void RunOnErrorLog(RUN *Run, const CONTROL_MESSAGE *Message)
{
    const CONTROL_ERROR_LOG *Log = &Message->ErrorLog;
    char Source[256], Text[4096] = "", Name[STATUS_NAME_SIZE];
    json_t *Dump = json_array();

    RunClean(Source, sizeof(Source), Message->First);
    if (Log->FinalStatus != 0) {
        TextAppendFormat(Text, sizeof(Text), ", %s", StatusName(Name, Log->FinalStatus));
    }
    if (Log->UniqueErrorValue != 0) {
        TextAppendFormat(Text, sizeof(Text), ", unique value 0x%x", Log->UniqueErrorValue);
    }
    json_t *Strings = RunErrorLogStrings(Message->Second, Text, sizeof(Text));
    uint32_t Count =
        Log->DumpCount < CONTROL_ERROR_LOG_DUMP ? Log->DumpCount : CONTROL_ERROR_LOG_DUMP;
    for (uint32_t i = 0; i < Count; i++) {
        TextAppendFormat(Text, sizeof(Text), "%s%08x", i == 0 ? ", data " : " ", Log->Dump[i]);
        json_array_append_new(Dump, ReportHex(Log->Dump[i]));
    }
    ReportLine(&Run->Report, "error log", "%s: error 0x%08x%s", Source, (uint32_t)Log->ErrorCode,
               Text);
    ReportEvent(&Run->Report, "error_log",
                json_pack("{s:s, s:o, s:s, s:o, s:i, s:o, s:i, s:i, s:i, s:I, s:o, s:o}", "source",
                          Source, "error_code", ReportHex((uint32_t)Log->ErrorCode),
                          "final_status", StatusName(Name, Log->FinalStatus), "unique_value",
                          ReportHex(Log->UniqueErrorValue), "sequence_number",
                          (int)Log->SequenceNumber, "io_control_code",
                          ReportHex(Log->IoControlCode), "category", Log->EventCategory,
                          "major_function", Log->MajorFunction, "retry_count", Log->RetryCount,
                          "device_offset", (json_int_t)Log->DeviceOffset, "dump", Dump, "strings",
                          Strings));
}

static void RunOnWmiEvent(RUN *Run, const CONTROL_MESSAGE *Message)
{
    const CONTROL_WMI_EVENT *Event = &Message->WmiEvent;
    char Guid[TEXT_GUID];
    TextGuid(Guid, Event->Guid);
    ReportLine(&Run->Report, "WMI event", "%s, instance %u, %u bytes of data", Guid,
               Event->InstanceIndex, Event->DataLength);
    ReportEvent(&Run->Report, "wmi_event",
                json_pack("{s:s, s:I, s:I, s:o}", "guid", Guid, "instance",
                          (json_int_t)Event->InstanceIndex, "bytes",
                          (json_int_t)Event->DataLength, "flags", ReportHex(Event->Flags)));
}

static void RunOnBugCheck(RUN *Run, const CONTROL_MESSAGE *Message)
{
    if (!Run->HasBugCheck) {
        Run->HasBugCheck = true;
        Run->BugCheck = Message->BugCheck;
        BugCheckKeepHistory(Run, Message->First);
        BugCheckReport(Run);
    }
}

/* Ended by a system call or a debugger: there are no addresses to tell. */
static void RunOnProcessKilled(RUN *Run, const CONTROL_MESSAGE *Message)
{
    const CONTROL_PROCESS_ENDED *Ended = &Message->ProcessEnded;
    bool Kill = Ended->Status == DBG_TERMINATE_PROCESS;
    char Name[64], Status[STATUS_NAME_SIZE];

    RunClean(Name, sizeof(Name), Message->First);
    StatusName(Status, Ended->Status);
    ReportLine(&Run->Report, "process", "%s ended: %s%s", Name,
               Kill ? "by the debugger (.kill)" : "a system call ended it with ",
               Kill ? "" : Status);
    ReportEvent(&Run->Report, "process_ended",
                json_pack("{s:s, s:s, s:I, s:s}", "reason", "request", "name", Name, "id",
                          (json_int_t)Ended->ProcessId, "status", Status));
}

/*
 * An exception of ring 3, as a rule. It is no finding: a scenario may want it, and sees it in its
 * call's status.
 */
static void RunOnProcessEnded(RUN *Run, const CONTROL_MESSAGE *Message)
{
    if (Message->ProcessEnded.Reason == ControlEndedByRequest) {
        RunOnProcessKilled(Run, Message);
        return;
    }
    static const char *const Access[] = {"", ": reads", ": writes", ": executes"};
    const CONTROL_PROCESS_ENDED *Ended = &Message->ProcessEnded;
    char Name[64], Status[STATUS_NAME_SIZE], Rip[TEXT_NUMBER], Fault[TEXT_NUMBER] = "";
    const char *What = Access[Ended->Access <= ControlAccessExecute ? Ended->Access : 0];
    bool Address = *What != 0;

    RunClean(Name, sizeof(Name), Message->First);
    TextAddress(Rip, Ended->Rip);
    if (Address) {
        TextAddress(Fault, Ended->FaultAddress);
    }
    ReportLine(&Run->Report, "process", "%s ended: %s in user mode at %s%s%s%s", Name,
               StatusName(Status, Ended->Status), Rip, What, Address ? " " : "", Fault);
    ReportEvent(&Run->Report, "process_ended",
                json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:s}", "reason", "exception", "name",
                          Name, "id",
                          (json_int_t)Ended->ProcessId, "status",
                          StatusName(Status, Ended->Status), "instruction",
                          ReportHex(Ended->Rip), "address",
                          Address ? ReportHex(Ended->FaultAddress) : json_null(), "access",
                          Address ? What + 2 : ""));
}

void RunOnEvent(void *Context, const CONTROL_MESSAGE *Message)
{
    RUN *Run = Context;
    switch (Message->Type) {
    case ControlDeviceCreated: RunOnDevice(Run, Message); break;
    case ControlSymbolicLink: RunOnLink(Run, Message); break;
    case ControlMissingImport: RunOnMissingImport(Run, Message); break;
    case ControlImageLoaded: RunOnImage(Run, Message, true); break;
    case ControlImageUnloaded: RunOnImage(Run, Message, false); break;
    case ControlDebugPrint: RunOnPrint(Run, Message); break;
    case ControlFinding: RunOnGuestFinding(Run, Message); break;
    case ControlProcessEnded: RunOnProcessEnded(Run, Message); break;
    case ControlBugCheck: RunOnBugCheck(Run, Message); break;
    case ControlCompleted: RunOnCompleted(Run, Message); break;
    case ControlErrorLog: RunOnErrorLog(Run, Message); break;
    case ControlTimelineNames:
    case ControlTimeline: RunOnTimeline(Run, Message); break;
    case ControlWmiEvent: RunOnWmiEvent(Run, Message); break;
    case ControlTraceEvent: RunOnTraceEvent(Run, Message); break;
    default: break; /* ControlBooted: the session's; test results are for `test-guest` */
    }
}
