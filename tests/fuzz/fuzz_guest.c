/* SPDX-License-Identifier: MIT */
/* sources: host/run/run_events.c host/machine/guest_files.c host/run/run_trace.c host/text/wide_text.c host/run/run_driver.c host/run/run_request.c host/run/run_flow.c host/run/leak_check.c host/run/counters.c host/run/verdict.c host/run/bug_check_cause.c host/run/bug_check_history.c host/text/bug_check_names.c host/run/bug_check_places.c host/run/bug_check_report.c host/run/report.c host/run/report_memory.c host/machine/session.c host/symbols/symbols.c host/symbols/source_map.c host/text/status_names.c host/input/driver_file.c host/text/text.c lib/control_codec.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c tests/fuzz/pe_sample.c */
/*
 * A whole run with a guest that lies: the input is what it says, frame by frame, and the run asks
 * its questions, tells what it hears and comes to a verdict. Whatever that is, the text is safe on
 * a terminal, each event is one line of JSON, and the last one has an exit code.
 *
 * A frame of the input: its kind (bits 0-3), whether its lengths are as they come (bit 7) or made
 * to fit, 2 bytes of length, the payload. Replies have the number of the request that waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/run/run.h"
#include "host/symbols/symbolizer.h"
#include "host/text/text.h"
#include "tests/fuzz/pe_sample.h"
#include "tests/fuzz/terminal_text.h"

#define AS_IT_COMES 0x80u
#define FIXED_MOST 1024u

typedef struct {
    uint32_t Type;
    size_t FirstLength, SecondLength; /* offsets of the fields; 0: there is none */
    size_t Unit;                      /* First is made of such */
} FRAME_KIND;

static const FRAME_KIND Kinds[16] = {
    {ControlReply, offsetof(CONTROL_REPLY, DataLength), 0, 1},
    {ControlReply, offsetof(CONTROL_REPLY, DataLength), 0, sizeof(CONTROL_SECTION)},
    {ControlReply, offsetof(CONTROL_REPLY, DataLength), 0, sizeof(CONTROL_COUNTERS)},
    {ControlDeviceCreated, 0, 0, 1},
    {ControlSymbolicLink, 0, 0, 1},
    {ControlMissingImport, offsetof(CONTROL_TEXT2, FirstLength),
     offsetof(CONTROL_TEXT2, SecondLength), 1},
    {ControlImageLoaded, offsetof(CONTROL_IMAGE, NameLength), 0, 1},
    {ControlImageUnloaded, offsetof(CONTROL_IMAGE, NameLength), 0, 1},
    {ControlDebugPrint, 0, 0, 1},
    {ControlFinding, offsetof(CONTROL_FINDING, TextLength), 0, 1},
    {ControlBugCheck, offsetof(CONTROL_BUG_CHECK, HistoryLength), 0, sizeof(CONTROL_HISTORY)},
    {ControlErrorLog, offsetof(CONTROL_ERROR_LOG, SourceLength),
     offsetof(CONTROL_ERROR_LOG, StringsLength), 1},
    {ControlWmiEvent, offsetof(CONTROL_WMI_EVENT, NodeLength), 0, 1},
    {ControlProcessEnded, offsetof(CONTROL_PROCESS_ENDED, NameLength), 0, 1},
    {ControlTraceEvent, offsetof(CONTROL_TRACE_EVENT, NameLength),
     offsetof(CONTROL_TRACE_EVENT, DataLength), 1},
    {ControlBooted, 0, 0, 1},
};

static RUN Run;
static const uint8_t *Input;
static size_t InputLeft;
static int Guest = -1; /* the guest's end of the channel */
static CONTROL_PARSER Requests;
static uint32_t RequestId; /* of the one that waits, 0: none */

static void Require(bool Condition)
{
    if (!Condition) {
        abort();
    }
}

/* ---- the guest ---- */

static void TakeRequests(void)
{
    uint8_t Bytes[4096];
    ssize_t Got;
    while ((Got = read(Guest, Bytes, sizeof(Bytes))) > 0) {
        for (size_t At = 0, Used; At < (size_t)Got; At += Used) {
            CONTROL_FRAME Frame;
            CONTROL_PARSE_RESULT Result =
                ControlParse(&Requests, Bytes + At, (size_t)Got - At, &Used, &Frame);
            Require(Result == ControlParsedFrame || Result == ControlNeedMore);
            RequestId = Result == ControlParsedFrame ? Frame.Id : RequestId;
        }
    }
}

static void Send(uint32_t Type, uint32_t Id, const uint8_t *Payload, size_t Length)
{
    CONTROL_HEADER Header;
    ControlEncodeHeader(&Header, Type, Id, (uint32_t)Length);
    Require(write(Guest, &Header, sizeof(Header)) == sizeof(Header));
    Require(Length == 0 || write(Guest, Payload, Length) == (ssize_t)Length);
}

/* The lengths that the payload has in it become those that it has. */
static void FitLengths(const FRAME_KIND *Kind, uint8_t *Payload, size_t *Length)
{
    int Known;
    size_t Fixed = ControlFixedSize(Kind->Type, &Known);
    *Length = *Length < Fixed ? Fixed : *Length;
    uint32_t First = (uint32_t)(*Length - Fixed), Second = 0;
    if (Kind->SecondLength != 0 || Kind->Type == ControlMissingImport) {
        Second = First / 2;
        First -= Second;
        memcpy(Payload + Kind->SecondLength, &Second, sizeof(Second));
    }
    First -= First % Kind->Unit;
    if (Kind->FirstLength != 0 || Kind->Type == ControlMissingImport) {
        memcpy(Payload + Kind->FirstLength, &First, sizeof(First));
    }
    *Length = Fixed + First + Second;
}

/* One frame; at the end of the input the guest is gone. */
static void Speak(void)
{
    static uint8_t Payload[UINT16_MAX + FIXED_MOST];
    TakeRequests();
    if (!Run.Session.Booted) {
        return; /* what it has said so far is not taken yet */
    }
    if (InputLeft < 3) {
        close(Guest);
        Guest = -1;
        return;
    }
    const FRAME_KIND *Kind = &Kinds[Input[0] & 15];
    bool Fit = (Input[0] & AS_IT_COMES) == 0;
    size_t Length = Input[1] | (size_t)Input[2] << 8;
    Length = Length < InputLeft - 3 ? Length : InputLeft - 3;
    memset(Payload, 0, Length + FIXED_MOST);
    memcpy(Payload, Input + 3, Length);
    Input += 3 + Length;
    InputLeft -= 3 + Length;
    if (Fit) {
        FitLengths(Kind, Payload, &Length);
    }
    if (Kind->Type == ControlReply && RequestId == 0 && Fit) {
        return;
    }
    Send(Kind->Type, Kind->Type == ControlReply ? RequestId : 0, Payload, Length);
    RequestId = Kind->Type == ControlReply ? 0 : RequestId;
}

/* ---- what stands for the parts that are not under test ---- */

void MachineDrain(MACHINE *Machine, bool Echo)
{
    if (Guest >= 0) {
        Speak();
    }
}

bool MachineHasEnded(MACHINE *Machine)
{
    return Guest < 0;
}

uint64_t MachineFlipPagingFile(int PagingFile)
{
    return 0;
}

void MachineTailText(const MACHINE_TAIL *Tail, unsigned Lines, char *Out, size_t Capacity)
{
    *Out = 0;
}

uint64_t KdLineAttachedTime(const KD_LINE *Line)
{
    return 0;
}

void RunOnTimeline(RUN *Of, const CONTROL_MESSAGE *Message)
{
}

bool RunWriteTimeline(RUN *Of, json_t *Verdict)
{
    return true;
}

bool AdviceEnd(RUN *Of)
{
    return true;
}

void OptionsReplay(const RUN_OPTIONS *Options, const char *Program, char *Out, size_t Capacity)
{
    snprintf(Out, Capacity, "%s", Program);
}

/* Names of any length, of letters that have two bytes. */
bool SymbolizerRun(const char *ImagePath, SYMBOLIZER_NAMES Names, const uint64_t *Rva,
                   unsigned Count, SYMBOLIZER_ANSWER *Answers)
{
    char Long[513] = "";
    for (size_t i = 0; i < sizeof(Long) - 1; i += 2) {
        memcpy(Long + i, "\xc3\xbc", 2);
    }
    for (unsigned i = 0; i < Count; i++) {
        const char *Tail = Long + Rva[i] % 256 * 2;
        TextCleanString(Answers[i].Function, sizeof(Answers[i].Function), Tail);
        TextCleanString(Answers[i].File, sizeof(Answers[i].File), Tail);
        Answers[i].Line = (uint32_t)Rva[i];
    }
    return true;
}

/* ---- the run ---- */

static void CheckEvents(const char *Json)
{
    bool HasVerdict = false;
    for (const char *Line = Json; *Line != 0;) {
        size_t Length = strcspn(Line, "\n");
        json_t *Event = json_loadb(Line, Length, JSON_REJECT_DUPLICATES, NULL);
        const char *Name = json_string_value(json_object_get(Event, "event"));
        Require(Name != NULL && json_object_size(Event) > 2); /* more than "event" and "ms" */
        if (strcmp(Name, "verdict") == 0) {
            Require(json_is_integer(json_object_get(Event, "exit_code")) && !HasVerdict);
            HasVerdict = true;
        }
        json_decref(Event);
        Line += Length + 1;
    }
    Require(HasVerdict);
}

static void DoRun(void)
{
    int32_t Status;
    if (!SessionAwaitBoot(&Run.Session) || !LeakCheckBegin(&Run) ||
        !RunLoadDriver(&Run, &Status)) {
        return;
    }
    if (Run.DriverLoaded) {
        RunDefaultFlow(&Run);
    }
    RunFinish(&Run);
}

/* What run.c sets up. */
static void BeginRun(MACHINE *Machine, const int Channel[2], const uint8_t *Driver)
{
    PE_ERROR Error;
    memset(&Run, 0, sizeof(Run));
    Run.Program = "pageable";
    Run.Options.PageOut = "at-raise";
    Run.Options.History = 8;
    Run.Driver.Path = "driver.sys";
    Run.Driver.Name = "driver.sys";
    snprintf(Run.Driver.GuestName, sizeof(Run.Driver.GuestName), "driver.sys");
    Require(PeImageOpen(&Run.Driver.Image, Driver, SAMPLE_SIZE, &Error));
    *Machine = (MACHINE){.Control = Channel[0], .Errors = -1, .PidDescriptor = -1};
    Guest = Channel[1];
    RequestId = 0;
    ControlInitializeParser(&Requests, ControlFromHost, NULL, CONTROL_MAX_PAYLOAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static uint8_t Driver[SAMPLE_SIZE];
    static int Readable = -1; /* so that the session's poll never waits */
    const CONTROL_BOOTED Booted = {.Version = CONTROL_VERSION, .TimeStampFrequency = 1000000000};
    char *Text, *Json;
    size_t TextSize, JsonSize;
    int Channel[2], Pipe[2];

    if (Readable < 0) {
        SampleBuild(Driver);
        Require(pipe(Pipe) == 0 && close(Pipe[1]) == 0);
        Readable = Pipe[0];
    }
    Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, Channel) == 0);
    BeginRun(&Run.Machine, Channel, Driver);
    Run.Machine.Log = Readable;
    Run.Report = (REPORT){.Text = open_memstream(&Text, &TextSize),
                          .Json = open_memstream(&Json, &JsonSize),
                          .Start = TextNow(),
                          .Verbose = Size % 2 != 0};
    Require(SessionInit(&Run.Session, &Run.Machine, TextNow() + 60000, RunOnEvent, &Run));
    Input = Data;
    InputLeft = Size;
    Send(ControlBooted, 0, (const uint8_t *)&Booted, sizeof(Booted));
    DoRun();
    VerdictReport(&Run);
    SessionFree(&Run.Session);
    free(Run.History);
    if (Guest >= 0) {
        close(Guest);
    }
    if (Run.Machine.Control >= 0) {
        close(Run.Machine.Control);
    }
    fclose(Run.Report.Text);
    fclose(Run.Report.Json);
    RequireTerminalText(Text, TextSize);
    CheckEvents(Json);
    free(Text);
    free(Json);
    return 0;
}
