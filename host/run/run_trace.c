/* SPDX-License-Identifier: MIT */
/* Events of providers that a scenario wants to see (ControlTraceEvent). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/run/run.h"
#include "host/text/text.h"
#include "host/text/wide_text.h"

#define DATA_BYTES 32u       /* of an event, that are shown */
#define TEXT_CHARACTERS 256u /* of EtwWriteString's text */

/* Bytes in hexadecimal, or the text that they are; " ..." where there are more. */
static void RunTraceData(char *Out, size_t Size, const CONTROL_MESSAGE *Message)
{
    const CONTROL_TRACE_EVENT *Event = &Message->TraceEvent;
    const uint8_t *Data = Message->Second.Data;
    size_t Used = 0;

    *Out = 0;
    if (Event->Flags & CONTROL_TRACE_STRING) {
        uint16_t Wide[TEXT_CHARACTERS];
        char Text[3 * TEXT_CHARACTERS + 1];
        size_t Count = Event->DataLength / 2 < TEXT_CHARACTERS ? Event->DataLength / 2
                                                               : TEXT_CHARACTERS;
        size_t End = 0;
        if (Count != 0) {
            memcpy(Wide, Data, Count * 2);
        }
        while (End < Count && Wide[End] != 0) {
            End++;
        }
        Text[WideToUtf8(Wide, End, Text)] = 0;
        TextCleanString(Out, Size, Text);
        return;
    }
    for (uint32_t i = 0; i < Event->DataLength && i < DATA_BYTES; i++) {
        Used += (size_t)snprintf(Out + Used, Size - Used, " %02x", Data[i]);
    }
    if (Event->WholeLength > DATA_BYTES) {
        snprintf(Out + Used, Size - Used, " ...");
    }
}

void RunOnTraceEvent(RUN *Run, const CONTROL_MESSAGE *Message)
{
    const CONTROL_TRACE_EVENT *Event = &Message->TraceEvent;
    bool String = (Event->Flags & CONTROL_TRACE_STRING) != 0;
    char Guid[TEXT_GUID], Activity[TEXT_GUID], Name[128], Data[1024], Id[32] = "", Keyword[32] = "";
    char Length[TEXT_NUMBER];

    TextGuid(Guid, Event->Guid);
    TextGuid(Activity, Event->Activity);
    TextClean(Name, sizeof(Name), (const char *)Message->First.Data, Message->First.Length);
    RunTraceData(Data, sizeof(Data), Message);
    TextGroups(Length, Event->WholeLength);
    if (!String) {
        snprintf(Id, sizeof(Id), "id %u, ", Event->Id);
    }
    if (Event->Keyword != 0) {
        snprintf(Keyword, sizeof(Keyword), ", keyword 0x%" PRIx64, Event->Keyword);
    }
    ReportLine(&Run->Report, "trace", "%s: %slevel %u%s%s%s%s%s", Name[0] != 0 ? Name : Guid, Id,
               Event->Level, Keyword, String ? ": " : ", ", String ? "" : Length,
               String ? "" : " bytes:", Data);
    ReportEvent(&Run->Report, "trace_event",
                json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:I, s:s, s:I, s:s}",
                          "guid", Guid, "provider", Name, "id", Event->Id, "version",
                          Event->Version, "channel", Event->Channel, "level", Event->Level,
                          "opcode", Event->Opcode, "task", Event->Task, "keyword",
                          ReportHex(Event->Keyword), "thread", (json_int_t)Event->Thread,
                          "activity", Activity, "bytes", (json_int_t)Event->WholeLength, "data",
                          String ? Data : Data + (Data[0] == ' ')));
}
