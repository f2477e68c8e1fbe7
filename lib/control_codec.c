/* SPDX-License-Identifier: MIT */
/*
 * One table says all about each type: its size and how the rest of its payload is divided. Every
 * sum of lengths is made in 64 bits, so none can wrap.
 */
#include "lib/control_codec.h"

typedef enum {
    TailNone,   /* nothing follows the fixed part */
    TailFree,   /* everything that follows is First */
    TailOne,    /* First, of the length a field of the fixed part gives */
    TailTwo,    /* First and Second, of the lengths two fields give */
    TailLink,   /* First, a NUL, Second */
} CONTROL_TAIL;

typedef struct {
    uint32_t Type;
    const char *Name;
    uint32_t FixedSize;
    CONTROL_TAIL Tail;
    uint32_t FirstLengthOffset;
    uint32_t SecondLengthOffset;
} CONTROL_RULE;

#define RULE_EMPTY(type) {type, #type, 0, TailNone, 0, 0}
#define RULE_FIXED(type, s) {type, #type, sizeof(s), TailNone, 0, 0}
#define RULE_ONE(type, s, field) {type, #type, sizeof(s), TailOne, offsetof(s, field), 0}
#define RULE_TWO(type, s, first, second) \
    {type, #type, sizeof(s), TailTwo, offsetof(s, first), offsetof(s, second)}

static const CONTROL_RULE ControlRules[] = {
    RULE_ONE(ControlLoadDriver, CONTROL_LOAD, NameLength),
    RULE_EMPTY(ControlUnloadDriver),
    RULE_ONE(ControlOpen, CONTROL_OPEN, PathLength),
    RULE_FIXED(ControlClose, CONTROL_CLOSE),
    RULE_TWO(ControlIoctl, CONTROL_IOCTL, InputLength, OutputDataLength),
    RULE_FIXED(ControlRead, CONTROL_TRANSFER),
    RULE_ONE(ControlWrite, CONTROL_TRANSFER, Length),
    RULE_FIXED(ControlPageOut, CONTROL_PAGE_OUT),
    RULE_EMPTY(ControlCounters),
    RULE_EMPTY(ControlSections),
    RULE_EMPTY(ControlVerify),
    RULE_FIXED(ControlWait, CONTROL_WAIT),
    RULE_ONE(ControlTest, CONTROL_TEST, PatternLength),
    RULE_EMPTY(ControlShutdown),
    RULE_ONE(ControlWatch, CONTROL_WATCH, Length),
    RULE_EMPTY(ControlWatchedList),
    RULE_TWO(ControlRegistry, CONTROL_REGISTRY, TextLength, DataLength),
    RULE_FIXED(ControlPnp, CONTROL_PNP),
    RULE_FIXED(ControlTrace, CONTROL_TRACE),
    RULE_FIXED(ControlCancel, CONTROL_CANCEL),
    RULE_EMPTY(ControlEndProcess),
    RULE_ONE(ControlReply, CONTROL_REPLY, DataLength),
    RULE_FIXED(ControlBooted, CONTROL_BOOTED),
    {ControlDeviceCreated, "ControlDeviceCreated", 0, TailFree, 0, 0},
    {ControlSymbolicLink, "ControlSymbolicLink", 0, TailLink, 0, 0},
    RULE_TWO(ControlMissingImport, CONTROL_TEXT2, FirstLength, SecondLength),
    RULE_ONE(ControlImageLoaded, CONTROL_IMAGE, NameLength),
    RULE_ONE(ControlImageUnloaded, CONTROL_IMAGE, NameLength),
    {ControlDebugPrint, "ControlDebugPrint", 0, TailFree, 0, 0},
    RULE_ONE(ControlFinding, CONTROL_FINDING, TextLength),
    RULE_ONE(ControlBugCheck, CONTROL_BUG_CHECK, HistoryLength),
    RULE_TWO(ControlTestResult, CONTROL_TEST_RESULT, NameLength, TextLength),
    RULE_ONE(ControlProcessEnded, CONTROL_PROCESS_ENDED, NameLength),
    RULE_ONE(ControlCompleted, CONTROL_COMPLETED, DataLength),
    RULE_TWO(ControlErrorLog, CONTROL_ERROR_LOG, SourceLength, StringsLength),
    RULE_ONE(ControlWmiEvent, CONTROL_WMI_EVENT, NodeLength),
    RULE_TWO(ControlTraceEvent, CONTROL_TRACE_EVENT, NameLength, DataLength),
    RULE_ONE(ControlTimelineNames, TIMELINE_NAMES, Length),
    RULE_ONE(ControlTimeline, TIMELINE_BATCH, Length),
};

_Static_assert(sizeof(CONTROL_HEADER) == 16, "header");
_Static_assert(sizeof(CONTROL_IOCTL) == 40, "ioctl");
_Static_assert(sizeof(CONTROL_REGISTRY) == 24, "registry");
_Static_assert(sizeof(CONTROL_REPLY) == 16, "reply");
_Static_assert(sizeof(CONTROL_COMPLETED) + CONTROL_MAX_DATA == CONTROL_MAX_PAYLOAD, "completed");
_Static_assert(sizeof(CONTROL_SECTION) == 56, "section");
_Static_assert(sizeof(CONTROL_HISTORY) == 80, "history");
_Static_assert(sizeof(CONTROL_ERROR_LOG) == 248, "error log");
_Static_assert(sizeof(CONTROL_TRACE) == 40, "trace");
_Static_assert(sizeof(CONTROL_TRACE_EVENT) == 72, "trace event");
_Static_assert(sizeof(CONTROL_WATCHED) == 24, "watched");
_Static_assert(sizeof(CONTROL_REPLY) + CONTROL_WATCH_MOST * sizeof(CONTROL_WATCHED) <=
                   CONTROL_MAX_PAYLOAD, "list of what is watched");
_Static_assert(sizeof(CONTROL_BUG_CHECK) + CONTROL_HISTORY_MOST * sizeof(CONTROL_HISTORY) <=
                   CONTROL_MAX_PAYLOAD, "bug check");

static const CONTROL_RULE *ControlFindRule(uint32_t Type)
{
    for (size_t i = 0; i < sizeof(ControlRules) / sizeof(ControlRules[0]); i++) {
        if (ControlRules[i].Type == Type) {
            return &ControlRules[i];
        }
    }
    return NULL;
}

uint32_t ControlFixedSize(uint32_t Type, int *Known)
{
    const CONTROL_RULE *Rule = ControlFindRule(Type);

    *Known = Rule != NULL;
    return Rule != NULL ? Rule->FixedSize : 0;
}

const char *ControlTypeName(uint32_t Type)
{
    const CONTROL_RULE *Rule = ControlFindRule(Type);

    return Rule != NULL ? Rule->Name : "?";
}

/* ---- stream to frames ---- */

void ControlInitializeParser(CONTROL_PARSER *Parser, CONTROL_DIRECTION Direction, void *Buffer,
                             uint32_t Capacity)
{
    __builtin_memset(Parser, 0, sizeof(*Parser));
    Parser->Direction = Direction;
    ControlSetBuffer(Parser, Buffer, Capacity);
}

void ControlSetBuffer(CONTROL_PARSER *Parser, void *Buffer, uint32_t Capacity)
{
    Parser->Buffer = Buffer;
    Parser->Capacity = Capacity;
}

static const char *ControlCheckHeader(const CONTROL_PARSER *Parser)
{
    const CONTROL_HEADER *Header = &Parser->Header;
    const CONTROL_RULE *Rule;

    if (Header->Magic != CONTROL_MAGIC) {
        return "control frame without its magic number";
    }
    Rule = ControlFindRule(Header->Type);
    if (Rule == NULL) {
        return "control frame of unknown type";
    }
    if ((Header->Type < ControlReply) != (Parser->Direction == ControlFromHost)) {
        return "control frame of a type that only this side sends";
    }
    if ((Header->Id == 0) != (Header->Type >= ControlBooted)) {
        return "control event with a request number, or request or reply without one";
    }
    if (Header->Length > CONTROL_MAX_PAYLOAD) {
        return "control frame longer than allowed";
    }
    if (Header->Length < Rule->FixedSize) {
        return "control frame shorter than its type";
    }
    return NULL;
}

/* Takes what the header still lacks, and checks it once it is whole. */
static size_t ControlTakeHeader(CONTROL_PARSER *Parser, const uint8_t *Data, size_t Size)
{
    size_t Taken = sizeof(CONTROL_HEADER) - Parser->HeaderUsed;

    Taken = Taken < Size ? Taken : Size;
    if (Taken != 0) {
        __builtin_memcpy((uint8_t *)&Parser->Header + Parser->HeaderUsed, Data, Taken);
        Parser->HeaderUsed += (uint32_t)Taken;
        if (Parser->HeaderUsed == sizeof(CONTROL_HEADER)) {
            Parser->Error = ControlCheckHeader(Parser);
        }
    }
    return Taken;
}

CONTROL_PARSE_RESULT ControlParse(CONTROL_PARSER *Parser, const void *Data, size_t Size,
                                  size_t *Used, CONTROL_FRAME *Frame)
{
    size_t Rest;

    *Used = 0;
    if (Parser->Error == NULL) {
        *Used = ControlTakeHeader(Parser, Data, Size);
    }
    if (Parser->Error != NULL) {
        return ControlParseFailed;
    }
    if (Parser->HeaderUsed < sizeof(CONTROL_HEADER)) {
        return ControlNeedMore;
    }
    if (Parser->Header.Length > Parser->Capacity) {
        return ControlNeedBuffer;
    }
    Rest = Parser->Header.Length - Parser->PayloadUsed;
    Rest = Rest < Size - *Used ? Rest : Size - *Used;
    if (Rest != 0) {
        if (Parser->Buffer != NULL) {
            __builtin_memcpy(Parser->Buffer + Parser->PayloadUsed, (const uint8_t *)Data + *Used,
                             Rest);
        }
        Parser->PayloadUsed += (uint32_t)Rest;
        *Used += Rest;
    }
    if (Parser->PayloadUsed < Parser->Header.Length) {
        return ControlNeedMore;
    }
    Frame->Type = Parser->Header.Type;
    Frame->Id = Parser->Header.Id;
    Frame->Length = Parser->Header.Length;
    Frame->Payload = Parser->Buffer;
    Parser->HeaderUsed = 0;
    Parser->PayloadUsed = 0;
    return ControlParsedFrame;
}

/* ---- frame to message ---- */

static uint32_t ControlLengthField(const CONTROL_FRAME *Frame, uint32_t Offset)
{
    uint32_t Length;

    __builtin_memcpy(&Length, Frame->Payload + Offset, sizeof(Length));
    return Length;
}

static const char *ControlSplitTail(const CONTROL_RULE *Rule, const CONTROL_FRAME *Frame,
                                    CONTROL_MESSAGE *Message)
{
    uint32_t TailLength = Frame->Length - Rule->FixedSize;
    const uint8_t *Tail = TailLength != 0 ? Frame->Payload + Rule->FixedSize : NULL;
    uint64_t First = 0, Second = 0, Gap = 0;

    switch (Rule->Tail) {
    case TailNone:
        break;
    case TailFree:
        First = TailLength;
        break;
    case TailOne:
        First = ControlLengthField(Frame, Rule->FirstLengthOffset);
        break;
    case TailTwo:
        First = ControlLengthField(Frame, Rule->FirstLengthOffset);
        Second = ControlLengthField(Frame, Rule->SecondLengthOffset);
        break;
    case TailLink:
        while (First < TailLength && Tail[First] != 0) {
            First++;
        }
        if (First == TailLength) {
            return "symbolic link event without a separator";
        }
        Gap = 1;
        Second = TailLength - First - 1;
        break;
    }
    if (First + Gap + Second != TailLength) {
        return "control frame whose inner lengths do not add up";
    }
    Message->First.Data = Tail;
    Message->First.Length = (uint32_t)First;
    Message->Second.Data = Second != 0 ? Tail + First + Gap : NULL;
    Message->Second.Length = (uint32_t)Second;
    return NULL;
}

static int ControlIsTerminated(const char *Text, size_t Size)
{
    for (size_t i = 0; i < Size; i++) {
        if (Text[i] == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *ControlCheckBugCheck(const CONTROL_MESSAGE *Message)
{
    const CONTROL_BUG_CHECK *Check = &Message->BugCheck;
    uint32_t Entries = Message->First.Length / sizeof(CONTROL_HISTORY);

    if (Check->FrameCount > CONTROL_STACK_FRAMES) {
        return "bug check with too many stack frames";
    }
    if (!ControlIsTerminated(Check->DriverName, sizeof(Check->DriverName)) ||
        !ControlIsTerminated(Check->SectionName, sizeof(Check->SectionName))) {
        return "bug check with a name that does not end";
    }
    if (Message->First.Length % sizeof(CONTROL_HISTORY) != 0 || Entries > CONTROL_HISTORY_MOST) {
        return "bug check with a history of an impossible size";
    }
    for (uint32_t i = 0; i < Entries; i++) {
        CONTROL_HISTORY Entry;
        __builtin_memcpy(&Entry, Message->First.Data + i * sizeof(Entry), sizeof(Entry));
        if (!ControlIsTerminated(Entry.Name, sizeof(Entry.Name))) {
            return "history with a name that does not end";
        }
    }
    return NULL;
}

static const char *ControlCheckRegistry(const CONTROL_REGISTRY *Registry)
{
    if (Registry->Operation < ControlRegistryCreateKey ||
        Registry->Operation > ControlRegistryQueryValue) {
        return "registry request of unknown operation";
    }
    if ((Registry->KeyLength & 1) != 0 || (Registry->TextLength & 1) != 0 ||
        Registry->KeyLength > Registry->TextLength || Registry->KeyLength == 0 ||
        Registry->KeyLength > CONTROL_REGISTRY_KEY_MOST ||
        Registry->TextLength - Registry->KeyLength > CONTROL_REGISTRY_NAME_MOST) {
        return "registry request with names of impossible lengths";
    }
    return Registry->DataLength <= CONTROL_REGISTRY_DATA_MOST
               ? NULL
               : "registry request with too much data";
}

static const char *ControlCheckTimelineNames(const CONTROL_MESSAGE *Message)
{
    uint32_t Names = 0, Length = 0;

    if (Message->TimelineNames.Version != TIMELINE_VERSION) {
        return "timeline of another version";
    }
    for (uint32_t i = 0; i < Message->First.Length; i++) {
        Length++;
        if (Length > TIMELINE_NAME_BYTES) {
            return "timeline with a name that is too long";
        }
        if (Message->First.Data[i] == 0) {
            Names++;
            Length = 0;
        }
    }
    if (Length != 0 || Names > TIMELINE_MOST_NAMES) {
        return "timeline with a name that does not end, or too many";
    }
    return NULL;
}

static const char *ControlCheckTimeline(const CONTROL_MESSAGE *Message)
{
    if (Message->Timeline.Version != TIMELINE_VERSION) {
        return "timeline of another version";
    }
    if (Message->First.Length % sizeof(TIMELINE_ENTRY) != 0) {
        return "timeline of an impossible size";
    }
    for (uint32_t i = 0; i < Message->First.Length; i += sizeof(TIMELINE_ENTRY)) {
        TIMELINE_ENTRY Entry;
        __builtin_memcpy(&Entry, Message->First.Data + i, sizeof(Entry));
        if (Entry.Kind == 0 || Entry.Kind >= TimelineKinds) {
            return "timeline with an entry of unknown kind";
        }
    }
    return NULL;
}

/* What a length cannot say: the limits that control.h gives to single fields. */
static const char *ControlCheckFields(const CONTROL_MESSAGE *Message)
{
    switch (Message->Type) {
    case ControlOpen:
        if (Message->Open.Overlapped > 1) {
            return "open with an unknown kind of handle";
        }
        return Message->First.Length != 0 ? NULL : "control request with an empty name";
    case ControlLoadDriver:
        return Message->First.Length != 0 ? NULL : "control request with an empty name";
    case ControlIoctl:
        if (Message->Ioctl.OutputDataLength > Message->Ioctl.OutputLength) {
            return "ioctl with more output content than output";
        }
        return Message->Ioctl.OutputLength <= CONTROL_MAX_DATA ? NULL
                                                                : "ioctl with too long an output";
    case ControlRead:
        return Message->Transfer.Length <= CONTROL_MAX_DATA ? NULL
                                                            : "read longer than a reply holds";
    case ControlRegistry:
        return ControlCheckRegistry(&Message->Registry);
    case ControlPnp:
        return Message->Pnp.Step >= ControlPnpQueryStop &&
                       Message->Pnp.Step <= ControlPnpDevicePower
                   ? NULL
                   : "unknown step of plug and play";
    case ControlTrace:
        return Message->Trace.Level <= 255 ? NULL : "trace level above 255";
    case ControlTraceEvent:
        return Message->TraceEvent.DataLength <= Message->TraceEvent.WholeLength
                   ? NULL
                   : "trace event with more data than it has";
    case ControlBugCheck:
        return ControlCheckBugCheck(Message);
    case ControlTimelineNames:
        return ControlCheckTimelineNames(Message);
    case ControlTimeline:
        return ControlCheckTimeline(Message);
    default:
        return NULL;
    }
}

const char *ControlDecode(const CONTROL_FRAME *Frame, CONTROL_MESSAGE *Message)
{
    const CONTROL_RULE *Rule = ControlFindRule(Frame->Type);
    const char *Error;

    if (Rule == NULL) {
        return "control frame of unknown type";
    }
    if (Frame->Length > CONTROL_MAX_PAYLOAD || Frame->Length < Rule->FixedSize) {
        return "control frame of a wrong length";
    }
    if (Frame->Payload == NULL && Frame->Length != 0) {
        return "control frame whose payload was thrown away";
    }
    __builtin_memset(Message, 0, sizeof(*Message));
    Message->Type = Frame->Type;
    Message->Id = Frame->Id;
    if (Rule->FixedSize != 0) {
        __builtin_memcpy(&Message->Load, Frame->Payload, Rule->FixedSize);
    }
    Error = ControlSplitTail(Rule, Frame, Message);
    return Error != NULL ? Error : ControlCheckFields(Message);
}

/* ---- message to bytes ---- */

void ControlEncodeHeader(CONTROL_HEADER *Header, uint32_t Type, uint32_t Id, uint32_t Length)
{
    Header->Magic = CONTROL_MAGIC;
    Header->Type = Type;
    Header->Id = Id;
    Header->Length = Length;
}

size_t ControlEncode(void *Out, size_t Capacity, uint32_t Type, uint32_t Id, const void *Fixed,
                     size_t FixedSize, CONTROL_BYTES First, CONTROL_BYTES Second)
{
    const CONTROL_RULE *Rule = ControlFindRule(Type);
    uint8_t *Cursor = (uint8_t *)Out + sizeof(CONTROL_HEADER);
    uint64_t Length;

    if (Rule == NULL || FixedSize != Rule->FixedSize) {
        return 0;
    }
    Length = (uint64_t)FixedSize + First.Length + (Rule->Tail == TailLink) + Second.Length;
    if (Length > CONTROL_MAX_PAYLOAD || Capacity < sizeof(CONTROL_HEADER) ||
        Length > Capacity - sizeof(CONTROL_HEADER)) {
        return 0;
    }
    CONTROL_HEADER Header;
    ControlEncodeHeader(&Header, Type, Id, (uint32_t)Length);
    __builtin_memcpy(Out, &Header, sizeof(Header));
    if (FixedSize != 0) {
        __builtin_memcpy(Cursor, Fixed, FixedSize);
        Cursor += FixedSize;
    }
    if (First.Length != 0) {
        __builtin_memcpy(Cursor, First.Data, First.Length);
        Cursor += First.Length;
    }
    if (Rule->Tail == TailLink) {
        *Cursor++ = 0;
    }
    if (Second.Length != 0) {
        __builtin_memcpy(Cursor, Second.Data, Second.Length);
    }
    return sizeof(CONTROL_HEADER) + (size_t)Length;
}
