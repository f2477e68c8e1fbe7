/* SPDX-License-Identifier: MIT */
/* sources: lib/control_codec.c */
/* The control channel's frames: round trips at every split point, and every way to be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/control_codec.h"

static const CONTROL_BYTES None = {(const uint8_t *)"", 0};

static CONTROL_BYTES Text(const char *s)
{
    CONTROL_BYTES Bytes = {(const uint8_t *)s, (uint32_t)strlen(s)};
    return Bytes;
}

static uint8_t ParserBuffer[CONTROL_MAX_PAYLOAD];

static void StartParser(CONTROL_PARSER *Parser, CONTROL_DIRECTION Direction)
{
    ControlInitializeParser(Parser, Direction, ParserBuffer, sizeof(ParserBuffer));
}

static CONTROL_PARSE_RESULT ParseOnce(const void *Data, size_t Size, CONTROL_DIRECTION Direction,
                                      CONTROL_FRAME *Frame, const char **Error)
{
    CONTROL_PARSER Parser;
    size_t Used;
    CONTROL_PARSE_RESULT Result;

    StartParser(&Parser, Direction);
    Result = ControlParse(&Parser, Data, Size, &Used, Frame);
    assert_true(Used <= Size);
    *Error = Parser.Error;
    return Result;
}

static void IoctlSurvivesEverySplit(void **State)
{
    uint8_t Out[256];
    CONTROL_IOCTL Ioctl = {.Handle = 3, .Code = 0x222004, .InputLength = 5, .OutputLength = 9,
                           .InputAddress = 0x1000, .OutputAddress = ~0ull, .OutputDataLength = 3};
    size_t Size = ControlEncode(Out, sizeof(Out), ControlIoctl, 77, &Ioctl, sizeof(Ioctl),
                                Text("hello"), Text("out"));
    assert_int_equal(Size, 16 + 40 + 5 + 3);
    for (size_t Split = 0; Split <= Size; Split++) {
        CONTROL_PARSER Parser;
        CONTROL_FRAME Frame;
        CONTROL_MESSAGE Message;
        size_t Used;
        StartParser(&Parser, ControlFromHost);
        CONTROL_PARSE_RESULT Result = ControlParse(&Parser, Out, Split, &Used, &Frame);
        assert_int_equal(Used, Split);
        if (Split < Size) {
            assert_int_equal(Result, ControlNeedMore);
            Result = ControlParse(&Parser, Out + Split, Size - Split, &Used, &Frame);
            assert_int_equal(Used, Size - Split);
        }
        assert_int_equal(Result, ControlParsedFrame);
        assert_null(ControlDecode(&Frame, &Message));
        assert_int_equal(Message.Type, ControlIoctl);
        assert_int_equal(Message.Id, 77);
        assert_memory_equal(&Message.Ioctl, &Ioctl, sizeof(Ioctl));
        assert_int_equal(Message.First.Length, 5);
        assert_memory_equal(Message.First.Data, "hello", 5);
        assert_int_equal(Message.Second.Length, 3);
        assert_memory_equal(Message.Second.Data, "out", 3);
    }
    Ioctl.OutputLength = 2; /* more content than output */
    ControlEncode(Out, sizeof(Out), ControlIoctl, 77, &Ioctl, sizeof(Ioctl), Text("hello"),
                  Text("out"));
    CONTROL_PARSER Parser;
    CONTROL_FRAME Frame;
    CONTROL_MESSAGE Message;
    size_t Used;
    StartParser(&Parser, ControlFromHost);
    assert_int_equal(ControlParse(&Parser, Out, Size, &Used, &Frame), ControlParsedFrame);
    assert_non_null(ControlDecode(&Frame, &Message));
}

static void FramesInARowStopAtEachEnd(void **State)
{
    uint8_t Out[128];
    CONTROL_PAGE_OUT PageOut = {1};
    size_t First = ControlEncode(Out, sizeof(Out), ControlCounters, 1, NULL, 0, None, None);
    size_t Second = ControlEncode(Out + First, sizeof(Out) - First, ControlPageOut, 2, &PageOut,
                                  sizeof(PageOut), None, None);
    CONTROL_PARSER Parser;
    CONTROL_FRAME Frame;
    size_t Used;

    assert_int_equal(First, 16);
    assert_int_equal(Second, 20);
    StartParser(&Parser, ControlFromHost);
    assert_int_equal(ControlParse(&Parser, Out, 36, &Used, &Frame), ControlParsedFrame);
    assert_int_equal(Used, 16);
    assert_int_equal(Frame.Type, ControlCounters);
    assert_int_equal(ControlParse(&Parser, Out + 16, 20, &Used, &Frame), ControlParsedFrame);
    assert_int_equal(Used, 20);
    assert_int_equal(Frame.Type, ControlPageOut);
    assert_int_equal(ControlParse(&Parser, Out, 0, &Used, &Frame), ControlNeedMore);
}

static void BadHeadersEndTheStream(void **State)
{
    static const struct {
        CONTROL_HEADER Header;
        CONTROL_DIRECTION Direction;
    } Cases[] = {
        {{0x12345678, ControlCounters, 1, 0}, ControlFromHost},          /* magic */
        {{CONTROL_MAGIC, 0, 1, 0}, ControlFromHost},                     /* type */
        {{CONTROL_MAGIC, ControlShutdown + 1, 1, 0}, ControlFromHost},
        {{CONTROL_MAGIC, 0xffffffff, 0, 0}, ControlFromGuest},
        {{CONTROL_MAGIC, ControlReply, 1, 16}, ControlFromHost},         /* direction */
        {{CONTROL_MAGIC, ControlDebugPrint, 0, 1}, ControlFromHost},
        {{CONTROL_MAGIC, ControlCounters, 1, 0}, ControlFromGuest},
        {{CONTROL_MAGIC, ControlCounters, 0, 0}, ControlFromHost},       /* request number */
        {{CONTROL_MAGIC, ControlDebugPrint, 5, 1}, ControlFromGuest},
        {{CONTROL_MAGIC, ControlIoctl, 1, CONTROL_MAX_PAYLOAD + 1}, ControlFromHost}, /* too long */
        {{CONTROL_MAGIC, ControlIoctl, 1, 0xffffffff}, ControlFromHost},
        {{CONTROL_MAGIC, ControlIoctl, 1, 39}, ControlFromHost},         /* too short */
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        CONTROL_PARSER Parser;
        CONTROL_FRAME Frame;
        size_t Used;
        StartParser(&Parser, Cases[i].Direction);
        assert_int_equal(ControlParse(&Parser, &Cases[i].Header, 16, &Used, &Frame),
                         ControlParseFailed);
        assert_non_null(Parser.Error);
        assert_int_equal(ControlParse(&Parser, &Cases[i].Header, 16, &Used, &Frame),
                         ControlParseFailed);
        assert_int_equal(Used, 0);
    }
}

static void LengthsThatDoNotAddUpAreRefused(void **State)
{
    static const struct {
        uint32_t Type;
        uint32_t Length;    /* of the payload */
        uint32_t Field[4];  /* its first words */
    } Cases[] = {
        {ControlLoadDriver, 12, {0, 5}},             /* one byte more than there is */
        {ControlLoadDriver, 12, {0, 3}},             /* one less */
        {ControlLoadDriver, 8, {0, 0}},              /* an empty name */
        {ControlLoadDriver, 12, {0, 0xffffffff}},
        {ControlClose, 8, {1}},
        {ControlCounters, 1, {0}},
        {ControlIoctl, 48, {1, 2, 7, 0}},
        {ControlIoctl, 40, {1, 2, 0, CONTROL_MAX_DATA + 1}},
        {ControlRead, 16, {1, CONTROL_MAX_PAYLOAD}},
        {ControlRead, 20, {1, 4}},
        {ControlTrace, 36, {0}},
        {ControlTraceEvent, 73, {0}}, /* a byte of nothing */
        {ControlWrite, 20, {1, 5}},
        {ControlMissingImport, 16, {9, 0}},
        {ControlMissingImport, 16, {0xffffffff, 9}}, /* wraps in 32 bits */
        {ControlTestResult, 24, {0, 0xfffffff0, 0x18}},
        {ControlSymbolicLink, 8, {0x41414141, 0x41414141}},
        {ControlReply, 20, {0, 5}},
        {ControlOpen, 17, {0, 1, 2}},                /* overlapped or not, and no more */
        {ControlCancel, 8, {1}},
        {ControlCompleted, 28, {1, 0, 0, 0}},        /* data of no length */
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        uint8_t Payload[128] = {0};
        CONTROL_FRAME Frame = {Cases[i].Type, 1, Cases[i].Length, Payload};
        CONTROL_MESSAGE Message;
        memcpy(Payload, Cases[i].Field, sizeof(Cases[i].Field));
        assert_non_null(ControlDecode(&Frame, &Message));
    }
}

static void BuffersAreAskedForAndPayloadsSkipped(void **State)
{
    uint8_t Out[64];
    CONTROL_LOAD Load = {0, 11};
    CONTROL_PARSER Parser;
    CONTROL_FRAME Frame;
    CONTROL_MESSAGE Message;
    size_t Used;
    size_t Size = ControlEncode(Out, sizeof(Out), ControlLoadDriver, 4, &Load, sizeof(Load),
                                Text("notepad.sys"), None);

    ControlInitializeParser(&Parser, ControlFromHost, NULL, 0);
    assert_int_equal(ControlParse(&Parser, Out, Size, &Used, &Frame), ControlNeedBuffer);
    assert_int_equal(Used, 16);
    assert_int_equal(Parser.Header.Length, 19);
    assert_int_equal(ControlParse(&Parser, Out + 16, 3, &Used, &Frame), ControlNeedBuffer);
    assert_int_equal(Used, 0);
    ControlSetBuffer(&Parser, ParserBuffer, 19);
    assert_int_equal(ControlParse(&Parser, Out + 16, 19, &Used, &Frame), ControlParsedFrame);
    assert_int_equal(Used, 19);
    assert_null(ControlDecode(&Frame, &Message));
    assert_memory_equal(Message.First.Data, "notepad.sys", 11);

    ControlSetBuffer(&Parser, NULL, CONTROL_MAX_PAYLOAD);
    assert_int_equal(ControlParse(&Parser, Out, Size, &Used, &Frame), ControlParsedFrame);
    assert_int_equal(Used, Size);
    assert_null(Frame.Payload);
    assert_non_null(ControlDecode(&Frame, &Message));
}

static void BugCheckNamesMustEnd(void **State)
{
    CONTROL_BUG_CHECK Report = {.Code = 0xd1, .FrameCount = CONTROL_STACK_FRAMES};
    uint8_t Out[sizeof(CONTROL_HEADER) + sizeof(Report)];
    CONTROL_FRAME Frame;
    CONTROL_MESSAGE Message;
    const char *Error;

    strcpy(Report.DriverName, "notepad.sys");
    assert_int_equal(ControlEncode(Out, sizeof(Out), ControlBugCheck, 0, &Report, sizeof(Report),
                                   None, None), sizeof(Out));
    assert_int_equal(ParseOnce(Out, sizeof(Out), ControlFromGuest, &Frame, &Error),
                     ControlParsedFrame);
    assert_null(ControlDecode(&Frame, &Message));
    assert_string_equal(Message.BugCheck.DriverName, "notepad.sys");
    memset(Out + sizeof(CONTROL_HEADER) + offsetof(CONTROL_BUG_CHECK, SectionName), 'x', 16);
    assert_int_equal(ParseOnce(Out, sizeof(Out), ControlFromGuest, &Frame, &Error),
                     ControlParsedFrame);
    assert_non_null(ControlDecode(&Frame, &Message));
    Report.FrameCount = CONTROL_STACK_FRAMES + 1;
    memcpy(Out + sizeof(CONTROL_HEADER), &Report, sizeof(Report));
    assert_int_equal(ParseOnce(Out, sizeof(Out), ControlFromGuest, &Frame, &Error),
                     ControlParsedFrame);
    assert_non_null(ControlDecode(&Frame, &Message));
}

/* Decodes a bug check with Length bytes of history. */
static const char *DecodeHistory(const CONTROL_HISTORY *History, uint32_t Length,
                                 CONTROL_MESSAGE *Message)
{
    static uint8_t Out[sizeof(CONTROL_HEADER) + sizeof(CONTROL_BUG_CHECK) +
                       (CONTROL_HISTORY_MOST + 1) * sizeof(CONTROL_HISTORY)];
    CONTROL_BUG_CHECK Report = {.Code = 0xd1, .HistoryLength = Length};
    CONTROL_FRAME Frame;
    const char *Error;
    size_t Size = ControlEncode(Out, sizeof(Out), ControlBugCheck, 0, &Report, sizeof(Report),
                                (CONTROL_BYTES){(const uint8_t *)History, Length}, None);
    assert_int_equal(ParseOnce(Out, Size, ControlFromGuest, &Frame, &Error), ControlParsedFrame);
    return ControlDecode(&Frame, Message);
}

static void HistoriesAreWholeAndBounded(void **State)
{
    static CONTROL_HISTORY History[CONTROL_HISTORY_MOST + 1];
    const uint32_t One = sizeof(CONTROL_HISTORY);
    CONTROL_MESSAGE Message;

    strcpy(History[1].Name, "KeSetEvent");
    assert_null(DecodeHistory(History, 2 * One, &Message));
    assert_int_equal(Message.First.Length, 2 * One);
    assert_memory_equal(Message.First.Data, History, 2 * One);
    assert_null(DecodeHistory(History, CONTROL_HISTORY_MOST * One, &Message));
    assert_non_null(DecodeHistory(History, (CONTROL_HISTORY_MOST + 1) * One, &Message));
    assert_non_null(DecodeHistory(History, One + 1, &Message));
    assert_non_null(DecodeHistory(History, One - 1, &Message));
    memset(History[1].Name, 'x', sizeof(History[1].Name));
    assert_null(DecodeHistory(History, One, &Message));
    assert_non_null(DecodeHistory(History, 2 * One, &Message));
}

static void TwoTextsComeBack(void **State)
{
    uint8_t Out[128];
    CONTROL_TEXT2 Text2 = {10, 6};
    CONTROL_FRAME Frame;
    CONTROL_MESSAGE Message;
    const char *Error;
    size_t Size = ControlEncode(Out, sizeof(Out), ControlMissingImport, 0, &Text2, sizeof(Text2),
                                Text("fltmgr.sys"), Text("FltFoo"));
    assert_int_equal(ParseOnce(Out, Size, ControlFromGuest, &Frame, &Error), ControlParsedFrame);
    assert_null(ControlDecode(&Frame, &Message));
    assert_int_equal(Message.First.Length, 10);
    assert_memory_equal(Message.Second.Data, "FltFoo", 6);

    Size = ControlEncode(Out, sizeof(Out), ControlSymbolicLink, 0, NULL, 0, Text("\\??\\N"),
                         Text("\\Device\\N"));
    assert_int_equal(ParseOnce(Out, Size, ControlFromGuest, &Frame, &Error), ControlParsedFrame);
    assert_null(ControlDecode(&Frame, &Message));
    assert_int_equal(Message.First.Length, 5);
    assert_int_equal(Message.Second.Length, 9);
    assert_memory_equal(Message.Second.Data, "\\Device\\N", 9);
}

static void EncodeRefusesWhatDoesNotFit(void **State)
{
    uint8_t Out[64];
    CONTROL_REPLY Reply = {0, 20, 0};
    uint8_t Data[20] = {0};
    CONTROL_BYTES Bytes = {Data, 20};
    CONTROL_BYTES Huge = {Data, 0xffffffff};

    assert_int_equal(ControlEncode(Out, 52, ControlReply, 1, &Reply, 16, Bytes, None), 52);
    assert_int_equal(ControlEncode(Out, 51, ControlReply, 1, &Reply, 16, Bytes, None), 0);
    assert_int_equal(ControlEncode(Out, 15, ControlCounters, 1, NULL, 0, None, None), 0);
    assert_int_equal(ControlEncode(Out, 64, ControlReply, 1, &Reply, 12, Bytes, None), 0);
    assert_int_equal(ControlEncode(Out, 64, 0x999, 1, NULL, 0, None, None), 0);
    assert_int_equal(ControlEncode(Out, 64, ControlReply, 1, &Reply, 16, Huge, Huge), 0);
}

static void EveryTypeHasAName(void **State)
{
    int Known;

    for (uint32_t Type = ControlLoadDriver; Type <= ControlShutdown; Type++) {
        assert_memory_equal(ControlTypeName(Type), "Control", 7);
    }
    for (uint32_t Type = ControlBooted; Type <= ControlTestResult; Type++) {
        assert_memory_equal(ControlTypeName(Type), "Control", 7);
    }
    assert_int_equal(ControlFixedSize(ControlIoctl, &Known), 40);
    assert_true(Known);
    assert_int_equal(ControlFixedSize(0x777, &Known), 0);
    assert_false(Known);
    assert_string_equal(ControlTypeName(0x777), "?");
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(IoctlSurvivesEverySplit),
        cmocka_unit_test(FramesInARowStopAtEachEnd),
        cmocka_unit_test(BadHeadersEndTheStream),
        cmocka_unit_test(LengthsThatDoNotAddUpAreRefused),
        cmocka_unit_test(BuffersAreAskedForAndPayloadsSkipped),
        cmocka_unit_test(BugCheckNamesMustEnd),
        cmocka_unit_test(HistoriesAreWholeAndBounded),
        cmocka_unit_test(TwoTextsComeBack),
        cmocka_unit_test(EncodeRefusesWhatDoesNotFit),
        cmocka_unit_test(EveryTypeHasAName),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
