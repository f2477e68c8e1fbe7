/* SPDX-License-Identifier: MIT */
/*
 * The frames of include/wire/control.h, from bytes and to bytes; the kernel and the host command
 * use the same code. Pure: no allocation, no calls; any IRQL.
 *
 * Reading has two steps. A CONTROL_PARSER cuts a stream into frames, byte by byte if need be:
 *
 *     while (Size != 0) {
 *         Result = ControlParse(&Parser, Data, Size, &Used, &Frame);
 *         Data += Used, Size -= Used;
 *         if (Result == ControlParsedFrame) ... Frame is good until the next ControlParse
 *         if (Result == ControlNeedBuffer) ... ControlSetBuffer, for Parser.Header.Length bytes
 *         if (Result == ControlParseFailed) ... Parser.Error says why; the stream is lost
 *     }
 *
 * Then ControlDecode checks one frame's inner lengths against the payload and hands out the fixed
 * part and the variable parts.
 */
#pragma once

#include <stddef.h>

#include "wire/control.h"

/* Which types of frame a receiver accepts. */
typedef enum {
    ControlFromHost,  /* requests */
    ControlFromGuest, /* replies and events */
} CONTROL_DIRECTION;

typedef struct {
    uint32_t Type; /* CONTROL_TYPE */
    uint32_t Id;
    uint32_t Length;
    const uint8_t *Payload; /* NULL: it was thrown away, or its length is 0 */
} CONTROL_FRAME;

typedef enum {
    ControlNeedMore,
    ControlNeedBuffer, /* the payload is longer than the buffer; call again after setting one */
    ControlParsedFrame,
    ControlParseFailed, /* for good: every later call gives it again */
} CONTROL_PARSE_RESULT;

typedef struct {
    uint8_t *Buffer; /* NULL with Capacity 0: none yet; NULL else: payloads are thrown away */
    uint32_t Capacity;
    CONTROL_DIRECTION Direction;
    CONTROL_HEADER Header;
    uint32_t HeaderUsed;
    uint32_t PayloadUsed;
    const char *Error; /* NULL: none yet */
} CONTROL_PARSER;

/*
 * Buffer is where payloads go. A receiver with memory to spare gives CONTROL_MAX_PAYLOAD bytes;
 * another NULL and 0, and sets one for each frame when ControlParse asks for it.
 */
void ControlInitializeParser(CONTROL_PARSER *Parser, CONTROL_DIRECTION Direction, void *Buffer,
                             uint32_t Capacity);
/* NULL with a Capacity: payloads are skipped, and their frames come with Payload NULL. */
void ControlSetBuffer(CONTROL_PARSER *Parser, void *Buffer, uint32_t Capacity);
/* Takes bytes up to the end of one frame; *Used says how many, at most Size. */
CONTROL_PARSE_RESULT ControlParse(CONTROL_PARSER *Parser, const void *Data, size_t Size,
                                  size_t *Used, CONTROL_FRAME *Frame);

typedef struct {
    const uint8_t *Data; /* not terminated */
    uint32_t Length;
} CONTROL_BYTES;

/*
 * A frame taken apart. First is the text, name or data after the fixed part; Second is there for
 * the types with two: the target of a symbolic link, the name of a missing import (First: its
 * DLL), the text of a test result.
 */
typedef struct {
    uint32_t Type;
    uint32_t Id;
    union {
        CONTROL_LOAD Load;
        CONTROL_OPEN Open;
        CONTROL_CLOSE Close;
        CONTROL_IOCTL Ioctl;
        CONTROL_TRANSFER Transfer;
        CONTROL_PAGE_OUT PageOut;
        CONTROL_WAIT Wait;
        CONTROL_TEST Test;
        CONTROL_REGISTRY Registry;
        CONTROL_PNP Pnp;
        CONTROL_TRACE Trace;
        CONTROL_CANCEL Cancel;
        CONTROL_REPLY Reply;
        CONTROL_COMPLETED Completed;
        CONTROL_BOOTED Booted;
        CONTROL_TEXT2 Text2;
        CONTROL_IMAGE Image;
        CONTROL_FINDING Finding;
        CONTROL_PROCESS_ENDED ProcessEnded;
        CONTROL_BUG_CHECK BugCheck;
        CONTROL_TEST_RESULT TestResult;
        CONTROL_ERROR_LOG ErrorLog;
        CONTROL_WMI_EVENT WmiEvent;
        CONTROL_TRACE_EVENT TraceEvent;
        TIMELINE_NAMES TimelineNames;
        TIMELINE_BATCH Timeline;
    };
    CONTROL_BYTES First;
    CONTROL_BYTES Second;
} CONTROL_MESSAGE;

/* NULL when Frame is good; else what is wrong with it, and *Message means nothing. */
const char *ControlDecode(const CONTROL_FRAME *Frame, CONTROL_MESSAGE *Message);

/* Size of the fixed part of a type's payload; *Known 0: there is no such type. */
uint32_t ControlFixedSize(uint32_t Type, int *Known);

/* The name of a type as control.h has it, "?" when there is none. */
const char *ControlTypeName(uint32_t Type);

/* What a sender writes before the payload. */
void ControlEncodeHeader(CONTROL_HEADER *Header, uint32_t Type, uint32_t Id, uint32_t Length);
/*
 * A whole frame: header, Fixed, First, Second. Returns its size, or 0 when it does not fit in
 * Capacity or in CONTROL_MAX_PAYLOAD, or when Fixed has not the type's size.
 */
size_t ControlEncode(void *Out, size_t Capacity, uint32_t Type, uint32_t Id, const void *Fixed,
                     size_t FixedSize, CONTROL_BYTES First, CONTROL_BYTES Second);
