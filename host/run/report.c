/* SPDX-License-Identifier: MIT */
#include "host/run/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/text/text.h"

#define LABEL_WIDTH 11 /* and a blank behind it, whatever the label */

bool ReportOpen(REPORT *Report, const char *JsonPath, bool Verbose, char *Error, size_t ErrorSize)
{
    const char *NoColor = getenv("NO_COLOR");
    const char *Terminal = getenv("TERM");

    *Report = (REPORT){.Text = stdout, .JsonPath = JsonPath, .Start = TextNow(),
                       .Verbose = Verbose};
    if (JsonPath != NULL && strcmp(JsonPath, "-") == 0) {
        Report->Text = stderr;
        Report->Json = stdout;
    } else if (JsonPath != NULL && (Report->Json = fopen(JsonPath, "we")) == NULL) {
        char Clean[512];
        TextCleanString(Clean, sizeof(Clean), JsonPath);
        snprintf(Error, ErrorSize, "%s: %s", Clean, strerror(errno));
        return false;
    }
    Report->Color = isatty(fileno(Report->Text)) && (NoColor == NULL || *NoColor == 0) &&
                    Terminal != NULL && strcmp(Terminal, "dumb") != 0;
    if (!isatty(fileno(Report->Text))) {
        setvbuf(Report->Text, NULL, _IOLBF, 0); /* a reader of a pipe sees lines as they come */
    }
    ReportEvent(Report, "schema",
                json_pack("{s:i, s:s}", "schema_version", REPORT_SCHEMA_VERSION, "pageable",
                          PAGEABLE_VERSION));
    return true;
}

bool ReportClose(REPORT *Report, char *Error, size_t ErrorSize)
{
    char Clean[512];
    bool Good = true;
    fflush(Report->Text);
    if (Report->Json != NULL) {
        Good = fflush(Report->Json) == 0 && ferror(Report->Json) == 0;
        if (Report->Json != stdout) {
            Good = fclose(Report->Json) == 0 && Good;
        }
        if (!Good) {
            TextCleanString(Clean, sizeof(Clean), Report->JsonPath);
            snprintf(Error, ErrorSize, "%s: the events could not be written whole", Clean);
        }
        Report->Json = NULL;
    }
    json_decref(Report->Kept);
    Report->Kept = NULL;
    return Good;
}

static void ReportWrite(REPORT *Report, REPORT_TONE Tone, const char *Label, const char *Format,
                        va_list Values)
{
    static const char *const Colors[] = {"", "\033[32m", "\033[31m"};
    const char *Color = Report->Color ? Colors[Tone] : "";
    fprintf(Report->Text, "%s%-*s ", Color, LABEL_WIDTH, Label);
    vfprintf(Report->Text, Format, Values);
    fprintf(Report->Text, "%s\n", *Color != 0 ? "\033[0m" : "");
}

void ReportLine(REPORT *Report, const char *Label, const char *Format, ...)
{
    va_list Values;
    va_start(Values, Format);
    ReportWrite(Report, ReportPlain, Label, Format, Values);
    va_end(Values);
}

void ReportToned(REPORT *Report, REPORT_TONE Tone, const char *Label, const char *Format, ...)
{
    va_list Values;
    va_start(Values, Format);
    ReportWrite(Report, Tone, Label, Format, Values);
    va_end(Values);
}

void ReportBlank(REPORT *Report)
{
    fputc('\n', Report->Text);
}

void ReportLines(REPORT *Report, const char *Label, const char *Lines)
{
    while (*Lines != 0) {
        size_t Length = strcspn(Lines, "\n");
        ReportLine(Report, Label, "%.*s", (int)Length, Lines);
        Label = "";
        Lines += Length + (Lines[Length] == '\n');
    }
}

/* A run may have any number of the others; findings are bounded where they are told. */
static bool ReportKeeps(const char *Event)
{
    static const char *const Kept[] = {"run",     "driver_entry", "finding",
                                       "budget",  "bug_check"};
    for (size_t i = 0; i < sizeof(Kept) / sizeof(Kept[0]); i++) {
        if (strcmp(Event, Kept[i]) == 0) {
            return true;
        }
    }
    return false;
}

void ReportKeep(REPORT *Report, const char *Event, json_t *Fields)
{
    if (Report->Kept != NULL) {
        json_t *Copy = json_pack("{s:s}", "event", Event);
        json_object_update_missing(Copy, Fields);
        json_array_append_new(Report->Kept, Copy);
    }
}

void ReportEvent(REPORT *Report, const char *Event, json_t *Fields)
{
    if (Report->Json != NULL) {
        json_t *Object = json_pack("{s:s, s:I}", "event", Event, "ms",
                                   (json_int_t)(TextNow() - Report->Start));
        json_object_update_missing(Object, Fields);
        json_dumpf(Object, Report->Json, JSON_COMPACT);
        fputc('\n', Report->Json);
        fflush(Report->Json);
        json_decref(Object);
    }
    if (ReportKeeps(Event)) {
        ReportKeep(Report, Event, Fields);
    }
    json_decref(Fields);
}

json_t *ReportHex(uint64_t Number)
{
    char Text[TEXT_NUMBER];
    return json_string(TextHex(Text, Number));
}
