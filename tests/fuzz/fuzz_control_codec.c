/* SPDX-License-Identifier: MIT */
/* sources: lib/control_codec.c */
/*
 * A stream of bytes in pieces of odd sizes through the parser; what decodes must encode to the
 * same bytes. The first byte chooses direction and piece size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/control_codec.h"

static uint8_t Payload[4096];
static uint8_t Again[sizeof(CONTROL_HEADER) + sizeof(Payload)];

static void CheckFrame(const CONTROL_FRAME *Frame)
{
    CONTROL_MESSAGE Message;
    int Known;
    uint32_t FixedSize = ControlFixedSize(Frame->Type, &Known);

    if (!Known || (Frame->Payload != NULL && Frame->Length > sizeof(Payload))) {
        abort();
    }
    if (ControlDecode(Frame, &Message) != NULL) {
        return;
    }
    size_t Size = ControlEncode(Again, sizeof(Again), Message.Type, Message.Id, &Message.Load,
                                FixedSize, Message.First, Message.Second);
    if (Size != sizeof(CONTROL_HEADER) + Frame->Length ||
        (Frame->Length != 0 &&
         memcmp(Again + sizeof(CONTROL_HEADER), Frame->Payload, Frame->Length) != 0)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    CONTROL_PARSER Parser;
    CONTROL_FRAME Frame;

    if (Size == 0) {
        return 0;
    }
    size_t Piece = 1 + (Data[0] >> 1);
    ControlInitializeParser(&Parser, Data[0] & 1 ? ControlFromGuest : ControlFromHost, NULL, 0);
    Data++;
    Size--;
    while (Size != 0) {
        size_t Length = Size < Piece ? Size : Piece;
        size_t Used = 0;
        CONTROL_PARSE_RESULT Result = ControlParse(&Parser, Data, Length, &Used, &Frame);
        if (Used > Length) {
            abort();
        }
        if (Result == ControlParseFailed) {
            return Parser.Error == NULL ? abort(), 0 : 0;
        }
        if (Result == ControlNeedBuffer) {
            /* Long payloads are skipped. */
            if (Parser.Header.Length <= sizeof(Payload)) {
                ControlSetBuffer(&Parser, Payload, sizeof(Payload));
            } else {
                ControlSetBuffer(&Parser, NULL, CONTROL_MAX_PAYLOAD);
            }
        } else if (Result == ControlParsedFrame) {
            CheckFrame(&Frame);
            ControlSetBuffer(&Parser, NULL, 0);
        } else if (Used != Length) {
            abort();
        }
        Data += Used;
        Size -= Used;
    }
    return 0;
}
