/* SPDX-License-Identifier: MIT */
/*
 * JUnit's XML as CI pages read it: a suite for each driver, a case for each scenario and page-out
 * mode, with all memory sizes and seeds in it. The case fails with its first finding as the message
 * and all of them as the text; what is not the driver's fault, or keeps it from being loaded, is an
 * error. The format has no standard: these are the elements that Jenkins, GitLab and GitHub's
 * actions agree on.
 */
#include <libxml/xmlwriter.h>
#include <string.h>

#include "host/check/check.h"
#include "host/text/text.h"

/* libxml2's strings are bytes of UTF-8; U+FFFE and U+FFFF, which XML does not allow, become ?. */
static const xmlChar *JunitText(char *Text)
{
    for (char *c = Text; (c = strstr(c, "\xef\xbf")) != NULL; c++) {
        if ((uint8_t)c[2] >= 0xbe) {
            memcpy(c, "???", 3);
        }
    }
    return (const xmlChar *)Text;
}

static void JunitAttribute(xmlTextWriter *Writer, const char *Name, const char *Value)
{
    char *Copy = strdup(Value);
    if (Copy != NULL) {
        xmlTextWriterWriteAttribute(Writer, (const xmlChar *)Name, JunitText(Copy));
    }
    free(Copy);
}

static void JunitNumber(xmlTextWriter *Writer, const char *Name, uint64_t Number)
{
    xmlTextWriterWriteFormatAttribute(Writer, (const xmlChar *)Name, "%llu",
                                      (unsigned long long)Number);
}

static void JunitSeconds(xmlTextWriter *Writer, uint64_t Ms)
{
    xmlTextWriterWriteFormatAttribute(Writer, (const xmlChar *)"time", "%llu.%03llu",
                                      (unsigned long long)Ms / 1000,
                                      (unsigned long long)Ms % 1000);
}

static void JunitLine(xmlTextWriter *Writer, const char *Label, const char *Value)
{
    char *Line = NULL;
    if (*Value != 0 && asprintf(&Line, "%-12s%s\n", Label, Value) > 0) {
        xmlTextWriterWriteString(Writer, JunitText(Line));
    }
    free(Line);
}

static void JunitFinding(xmlTextWriter *Writer, const CHECK_FINDING *Entry, const json_t *InCase,
                         uint64_t Runs)
{
    const json_t *Finding = Entry->Finding, *Frame;
    char Text[1400];
    size_t i;

    TextFormat(Text, sizeof(Text), "%.100s %.300s", ResultText(Finding, "rule"),
               ResultText(Finding, "name"));
    JunitLine(Writer, Entry->Muted ? "muted" : "finding", Text);
    JunitLine(Writer, "cause", ResultText(Finding, "text"));
    JunitLine(Writer, "where", ResultText(Finding, "where"));
    JunitLine(Writer, "advice", ResultText(Finding, "advice"));
    json_array_foreach(json_object_get(Finding, "stack"), i, Frame) {
        int64_t Line = ResultNumber(Frame, "line");
        TextFormat(Text, sizeof(Text), "%02zu %.400s", i, ResultText(Frame, "routine"));
        if (Line != 0) {
            TextAppendFormat(Text, sizeof(Text), " (%.800s:%lld)", ResultText(Frame, "file"),
                             (long long)Line);
        }
        JunitLine(Writer, i == 0 ? "stack" : "", Text);
    }
    snprintf(Text, sizeof(Text), "%lld of %llu", (long long)ResultNumber(InCase, "runs"),
             (unsigned long long)Runs);
    JunitLine(Writer, "runs", Text);
    JunitLine(Writer, "fingerprint", ResultText(Finding, "fingerprint"));
    JunitLine(Writer, "replay", ResultText(InCase, "replay"));
    xmlTextWriterWriteString(Writer, (const xmlChar *)"\n");
}

/* All of one kind, muted or not; the first one begins the element. */
static void JunitFindings(xmlTextWriter *Writer, const CHECK_SUMMARY *Summary,
                          const CHECK_CASE *Case, bool Muted, const char *Element)
{
    const json_t *InCase;
    size_t i;
    bool Open = false;
    json_array_foreach(Case->Findings, i, InCase) {
        const CHECK_FINDING *Entry = &Summary->Findings[ResultNumber(InCase, "index")];
        if (Entry->Muted != Muted) {
            continue;
        }
        if (!Open) {
            xmlTextWriterStartElement(Writer, (const xmlChar *)Element);
        }
        if (!Open && !Muted) {
            JunitAttribute(Writer, "type", ResultText(Entry->Finding, "rule"));
            JunitAttribute(Writer, "message", ResultText(Entry->Finding, "text"));
        }
        Open = true;
        JunitFinding(Writer, Entry, InCase, Case->Runs);
    }
    if (Open) {
        xmlTextWriterEndElement(Writer);
    }
}

static bool JunitIsError(const CHECK_CASE *Case)
{
    return Case->Code == ExitNotLoadable || Case->Code == ExitEnvironment;
}

/* Where GitLab leads to from a case that failed: the source file of its first finding. */
static void JunitFile(xmlTextWriter *Writer, const CHECK_SUMMARY *Summary, const CHECK_CASE *Case)
{
    const json_t *InCase;
    size_t i;
    json_array_foreach(Case->Findings, i, InCase) {
        const CHECK_FINDING *Entry = &Summary->Findings[ResultNumber(InCase, "index")];
        if (!Entry->Muted && *ResultText(Entry->Finding, "file") != 0) {
            JunitAttribute(Writer, "file", ResultText(Entry->Finding, "file"));
            return;
        }
    }
}

static void JunitCase(xmlTextWriter *Writer, const CHECK_SUMMARY *Summary, const CHECK_CASE *Case)
{
    char Name[1200], Class[1200];
    TextFormat(Name, sizeof(Name), "%.900s %.100s", TextBaseName(Case->Scenario), Case->PageOut);
    TextFormat(Class, sizeof(Class), "%.1000s", TextBaseName(Case->Driver));
    xmlTextWriterStartElement(Writer, (const xmlChar *)"testcase");
    JunitAttribute(Writer, "classname", Class);
    JunitAttribute(Writer, "name", Name);
    JunitSeconds(Writer, Case->Ms);
    JunitFile(Writer, Summary, Case);
    JunitFindings(Writer, Summary, Case, false, JunitIsError(Case) ? "error" : "failure");
    JunitFindings(Writer, Summary, Case, true, "system-out");
    xmlTextWriterEndElement(Writer);
}

/* The counts of cases First up to Last, as attributes. */
static void JunitCounts(xmlTextWriter *Writer, const CHECK_SUMMARY *Summary, size_t First,
                        size_t Last)
{
    uint64_t Failures = 0, Errors = 0, Ms = 0;
    for (size_t i = First; i < Last; i++) {
        const CHECK_CASE *Case = &Summary->Cases[i];
        Errors += JunitIsError(Case);
        Failures += Case->Code != ExitClean && !JunitIsError(Case);
        Ms += Case->Ms;
    }
    JunitNumber(Writer, "tests", Last - First);
    JunitNumber(Writer, "failures", Failures);
    JunitNumber(Writer, "errors", Errors);
    JunitNumber(Writer, "skipped", 0);
    JunitSeconds(Writer, Ms);
}

static void JunitSuites(xmlTextWriter *Writer, const CHECK_SUMMARY *Summary)
{
    xmlTextWriterStartElement(Writer, (const xmlChar *)"testsuites");
    JunitAttribute(Writer, "name", "pageable check");
    JunitCounts(Writer, Summary, 0, Summary->CaseCount);
    for (size_t First = 0, Last; First < Summary->CaseCount; First = Last) {
        const char *Driver = Summary->Cases[First].Driver;
        for (Last = First; Last < Summary->CaseCount &&
                           strcmp(Summary->Cases[Last].Driver, Driver) == 0; Last++) {
        }
        xmlTextWriterStartElement(Writer, (const xmlChar *)"testsuite");
        JunitAttribute(Writer, "name", Driver);
        JunitCounts(Writer, Summary, First, Last);
        for (size_t i = First; i < Last; i++) {
            JunitCase(Writer, Summary, &Summary->Cases[i]);
        }
        xmlTextWriterEndElement(Writer);
    }
    xmlTextWriterEndElement(Writer);
}

bool JunitWrite(FILE *File, const CHECK_SETTINGS *Settings, const CHECK_SUMMARY *Summary)
{
    xmlBuffer *Buffer = xmlBufferCreate();
    xmlTextWriter *Writer = Buffer != NULL ? xmlNewTextWriterMemory(Buffer, 0) : NULL;
    bool Good = Writer != NULL;

    if (Good) {
        xmlTextWriterSetIndent(Writer, 1);
        xmlTextWriterStartDocument(Writer, NULL, "UTF-8", NULL);
        JunitSuites(Writer, Summary);
        Good = xmlTextWriterEndDocument(Writer) >= 0;
        xmlFreeTextWriter(Writer);
    }
    if (Good) {
        fwrite(xmlBufferContent(Buffer), 1, (size_t)xmlBufferLength(Buffer), File);
    }
    xmlBufferFree(Buffer);
    xmlCleanupParser();
    return Good;
}
