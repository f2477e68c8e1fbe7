/* SPDX-License-Identifier: MIT */
/* sources: host/check/junit.c host/check/sarif.c host/check/page.c host/timeline/html_document.c host/check/check_summary.c host/check/rule.c host/text/bug_check_names.c host/text/status_names.c host/text/text.c */
/* JUnit, SARIF and the HTML report of results with names that are awkward in XML and in URIs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/timeline/html_document.h"

const char HtmlPage[] = "A<!--style-->B<!--data-->C<!--script-->D", HtmlStyle[] = "s",
           HtmlScript[] = "j";

/* What run_result.c and baseline.c give; here a fingerprint that begins with "known" is muted. */
const char *ResultText(const json_t *Object, const char *Name)
{
    const char *Text = json_string_value(json_object_get(Object, Name));
    return Text != NULL ? Text : "";
}

int64_t ResultNumber(const json_t *Object, const char *Name)
{
    return json_integer_value(json_object_get(Object, Name));
}

bool FindingIsFault(const json_t *Finding)
{
    return strcmp(ResultText(Finding, "rule"), "machine-fault") == 0;
}

bool BaselineMutes(const BASELINE *Baseline, const char *Fingerprint)
{
    return strncmp(Fingerprint, "known", 5) == 0;
}

static CHECK_SUMMARY Summary;
static CHECK_SETTINGS Settings;

static json_t *Finding(const char *Fingerprint, const char *Rule, const char *Text,
                       const char *File)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:[{s:s, s:s, s:i}]}",
                     "fingerprint", Fingerprint, "rule", Rule, "name", "N", "text", Text, "where",
                     "w", "routine", "x!A", "file", File, "line", *File != 0 ? 7 : 0, "advice",
                     "Do it.", "stack", "routine", "x!B", "file", File, "line", 3);
}

/* To the page, too, with a timeline of Text, when a page is written. */
static FILE *Page;
static int Step;

static void AddTimeline(const json_t *Result, EXIT_CODE Counted, const char *Text)
{
    int File = Text != NULL ? memfd_create("timeline", 0) : -1;
    if (Text != NULL) {
        assert_int_equal(write(File, Text, strlen(Text)), strlen(Text));
    }
    PageAddRun(Page, &Summary, Result, Counted, File);
    if (File >= 0) {
        close(File);
    }
}

static void AddWith(const char *Driver, const char *PageOut, int Code, json_t *Found,
                    const char *Timeline)
{
    unsigned New;
    json_t *Result = json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:s, s:[]}", "step", Step++,
                               "driver", Driver,
                               "scenario", "a/s.lua", "page_out", PageOut, "exit_code", Code, "ms",
                               1500, "replay", "pageable run", "findings");
    if (Found != NULL) {
        json_array_append_new(json_object_get(Result, "findings"), Found);
    }
    EXIT_CODE Counted = SummaryAdd(&Summary, Result, &New);
    if (Page != NULL) {
        AddTimeline(Result, Counted, Timeline);
    }
    json_decref(Result);
}

static void Add(const char *Driver, const char *PageOut, int Code, json_t *Found)
{
    AddWith(Driver, PageOut, Code, Found, NULL);
}

static char *Written(bool (*Write)(FILE *, const CHECK_SETTINGS *, const CHECK_SUMMARY *),
                     size_t *Size)
{
    char *Text;
    FILE *File = open_memstream(&Text, Size);
    assert_true(Write(File, &Settings, &Summary));
    fclose(File);
    return Text;
}

static void Count(xmlDoc *Document, const char *Path, double Expected)
{
    xmlXPathContext *Context = xmlXPathNewContext(Document);
    xmlXPathObject *Value = xmlXPathEvalExpression((const xmlChar *)Path, Context);
    if (Value == NULL || xmlXPathCastToNumber(Value) != Expected) {
        fail_msg("%s is %f", Path, Value != NULL ? xmlXPathCastToNumber(Value) : -1);
    }
    xmlXPathFreeObject(Value);
    xmlXPathFreeContext(Context);
}

static void TestJunit(void **State)
{
    size_t Size;
    SummaryInit(&Summary, NULL);
    Add("d/<&\".sys", "always", 0, NULL);
    Add("d/<&\".sys", "always", 1, Finding("1", "0xD1", "a ]]> & <b> \xef\xbf\xbf", "f.c"));
    Add("d/<&\".sys", "never", 1, Finding("known1", "leak", "t", "f.c"));
    Add("e.sys", "always", 3, Finding("2", "not-loadable", "t", ""));
    Add("e.sys", "never", 5, Finding("3", "machine-fault", "t", ""));
    Add("e.sys", "random", 4, Finding("4", "time-limit", "t", ""));
    char *Text = Written(JunitWrite, &Size);
    xmlDoc *Document = xmlReadMemory(Text, (int)Size, NULL, NULL, XML_PARSE_NONET);
    assert_non_null(Document);
    Count(Document, "count(/testsuites/testsuite)", 2);
    Count(Document, "count(//testcase)", 5);
    Count(Document, "sum(/testsuites/@tests)", 5);
    Count(Document, "sum(/testsuites/@failures)", 2);
    Count(Document, "sum(/testsuites/@errors)", 2);
    Count(Document, "count(//failure)", 2);
    Count(Document, "count(//error)", 2);
    Count(Document, "count(//testcase[@name='s.lua never'][@time='1.500']/system-out)", 1);
    Count(Document, "count(//testcase[@classname='<&\".sys'][@time='3.000'][@file='f.c'])", 1);
    Count(Document, "count(//failure[@message='a ]]> & <b> \?\?\?'][contains(., '1 of 2')])", 1);
    Count(Document, "count(//testcase[@classname='e.sys'][@name='s.lua random']/failure)", 1);
    xmlFreeDoc(Document);
    free(Text);
    SummaryFree(&Summary);
}

static const char *Uri(const json_t *Results, size_t Index)
{
    const json_t *Location = json_array_get(
        json_object_get(json_array_get(Results, Index), "locations"), 0);
    return ResultText(json_object_get(json_object_get(Location, "physicalLocation"),
                                      "artifactLocation"), "uri");
}

/* What does not fit is cut at a character: else the file would be no XML. */
static void TestJunitOfLongNames(void **State)
{
    char Long[1201] = "a", Driver[1300];
    size_t Size;
    for (size_t i = 1; i + 2 < sizeof(Long); i += 2) {
        memcpy(Long + i, "\xc3\xbc", 2);
    }
    snprintf(Driver, sizeof(Driver), "d/%s", Long);
    json_t *Found = Finding("1", "0xD1", Long, Long);
    json_object_set_new(Found, "name", json_string(Long));
    json_object_set_new(json_array_get(json_object_get(Found, "stack"), 0), "routine",
                        json_string(Long));
    SummaryInit(&Summary, NULL);
    Add(Driver, "always", 1, Found);
    char *Text = Written(JunitWrite, &Size);
    xmlDoc *Document = xmlReadMemory(Text, (int)Size, NULL, NULL, XML_PARSE_NONET);
    assert_non_null(Document);
    Count(Document, "count(//failure)", 1);
    xmlFreeDoc(Document);
    free(Text);
    SummaryFree(&Summary);
}

static void TestSarif(void **State)
{
    char Here[4096], Inside[4200];
    size_t Size;
    snprintf(Inside, sizeof(Inside), "%s/src/a b#?.c", getcwd(Here, sizeof(Here)));
    SummaryInit(&Summary, NULL);
    Settings.Baseline = "known.txt";
    Add("x.sys", "always", 1, Finding("1", "0xD1", "a", "C:\\src\\a b.c"));
    Add("x.sys", "always", 1, Finding("2", "0xD1", "a", Inside));
    Add("x.sys", "always", 1, Finding("3", "leak", "a", "/usr/a.c"));
    Add("x.sys", "always", 1, Finding("known4", "0xC4/0x3B", "a?", "http:x/\xc3\xa9.c"));
    Add("my x.sys", "always", 1, Finding("5", "0xFFFFFFFF", "a", ""));
    Add("x.sys", "always", 5, Finding("6", "machine-fault", "no QEMU", ""));
    char *Text = Written(SarifWrite, &Size);
    json_t *Log = json_loadb(Text, Size, 0, NULL);
    const json_t *Run = json_array_get(json_object_get(Log, "runs"), 0);
    const json_t *Results = json_object_get(Run, "results");
    const json_t *Invocation = json_array_get(json_object_get(Run, "invocations"), 0);
    assert_int_equal(json_array_size(Results), 5);
    assert_string_equal(Uri(Results, 0), "file:///C:/src/a%20b.c");
    assert_string_equal(Uri(Results, 1), "src/a%20b%23%3F.c");
    assert_string_equal(Uri(Results, 2), "file:///usr/a.c");
    assert_string_equal(Uri(Results, 3), "./http:x/%C3%A9.c");
    assert_string_equal(Uri(Results, 4), "my%20x.sys");
    static const int Rules[] = {0, 0, 1, 2, 3};
    for (size_t i = 0; i < 5; i++) {
        const json_t *Result = json_array_get(Results, i);
        assert_int_equal(ResultNumber(Result, "ruleIndex"), Rules[i]);
        assert_string_equal(ResultText(Result, "baselineState"), i == 3 ? "unchanged" : "new");
        assert_int_equal(json_array_size(json_object_get(Result, "suppressions")), i == 3);
    }
    assert_string_equal(
        ResultText(json_object_get(json_array_get(Results, 0), "message"), "text"), "a. Do it.");
    assert_string_equal(
        ResultText(json_object_get(json_array_get(Results, 3), "message"), "text"), "a? Do it.");
    assert_true(json_is_false(json_object_get(Invocation, "executionSuccessful")));
    json_decref(Log);
    free(Text);
    SummaryFree(&Summary);
}

/* The element of an Id, parsed; NULL: there is none, or no JSON. */
static json_t *Element(const char *Text, const char *Id)
{
    char Open[100];
    snprintf(Open, sizeof(Open), "id=\"%s\">\n", Id);
    const char *Start = strstr(Text, Open);
    const char *End = Start != NULL ? strstr(Start, "</script>") : NULL;
    if (End == NULL) {
        return NULL;
    }
    Start += strlen(Open);
    return json_loadb(Start, (size_t)(End - Start), 0, NULL);
}

static void TestPage(void **State)
{
    char *Text;
    size_t Size;
    Page = open_memstream(&Text, &Size);
    Step = 0;
    SummaryInit(&Summary, NULL);
    HtmlBegin(Page);
    AddWith("a.sys", "always", 0, NULL, "{\"n\":0}\n");
    AddWith("a.sys", "always", 0, NULL, "{\"n\":1}\n");     /* clean, not the first */
    AddWith("a.sys", "always", 1, Finding("1", "0xD1", "</script><b>", "f.c"), "{\"n\":2}\n");
    AddWith("a.sys", "never", 1, Finding("1", "0xD1", "t", "f.c"), "{\"n\":\"</script>\"}\n");
    AddWith("b.sys", "never", 1, Finding("2", "0xD1", "t", "f.c"), "{\"n\":4"); /* cut */
    AddWith("c.sys", "never", 1, Finding("known3", "0xD1", "t", "f.c"), "{\"n\":5}\n");
    AddWith("d.sys", "never", 1, Finding("4", "0xD1", "t", "f.c"), "");
    for (int i = 0; i < 5000; i++) {
        Add("e.sys", "never", 0, NULL);
    }
    AddWith("e.sys", "never", 1, Finding("5", "0xD1", "t", "f.c"), "{\"n\":6}\n");
    assert_true(PageWrite(Page, &Settings, &Summary));
    fclose(Page);
    Page = NULL;

    static const int Timelines[] = {0, -1, 2, -1, -1, 5, -1};
    json_t *Data = Element(Text, HTML_DATA_ID);
    const json_t *Rows = json_object_get(Data, "runs"), *Check = json_object_get(Data, "check");
    assert_int_equal(json_array_size(Rows), 5001); /* the last one has a timeline */
    assert_int_equal(json_array_size(json_object_get(Check, "findings")), 5);
    assert_int_equal(ResultNumber(Check, "runs"), 5008);
    for (size_t i = 0; i < sizeof(Timelines) / sizeof(Timelines[0]); i++) {
        char Id[64];
        const json_t *Timeline = json_object_get(json_array_get(Rows, i), "timeline");
        snprintf(Id, sizeof(Id), HTML_TIMELINE_ID "%zu", i);
        assert_int_equal(Timeline != NULL ? json_integer_value(Timeline) : -1, Timelines[i]);
        json_t *There = Element(Text, Id);
        assert_int_equal(There != NULL ? ResultNumber(There, "n") : -1, Timelines[i]);
        json_decref(There);
    }
    assert_true(json_is_true(json_object_get(json_array_get(Rows, 5), "muted")));
    assert_non_null(strstr(Text, "timeline-of-5007\""));
    assert_null(strstr(Text, "<b>"));
    assert_memory_equal(Text, "A<style>\ns</style>B<script type", 30);
    assert_string_equal(Text + Size - strlen("<script>\nj</script>D"), "<script>\nj</script>D");
    json_decref(Data);
    free(Text);
    SummaryFree(&Summary);
}

/* Timelines of clean runs leave room for those of findings, and all have a bound. */
static void TestPageRoom(void **State)
{
    const size_t Bytes = 3u << 20;
    char *Large = malloc(Bytes + 1), *Text, Driver[16];
    size_t Size;
    memset(Large, ' ', Bytes);
    memcpy(Large, "{", 1);
    memcpy(Large + Bytes - 2, "}\n", 3);
    Page = open_memstream(&Text, &Size);
    Step = 0;
    SummaryInit(&Summary, NULL);
    HtmlBegin(Page);
    for (int i = 0; i < 20; i++) {
        snprintf(Driver, sizeof(Driver), "%d.sys", i);
        AddWith(Driver, "always", 0, NULL, Large);
    }
    assert_int_equal(Summary.PageBytes, 5 * Bytes); /* of 16 MB */
    for (int i = 0; i < 20; i++) {
        snprintf(Driver, sizeof(Driver), "%d", i);
        AddWith("x.sys", "always", 1, Finding(Driver, "0xD1", "t", "f.c"), Large);
    }
    assert_int_equal(Summary.PageBytes, 10 * Bytes); /* of 32 MB */
    assert_true(PageWrite(Page, &Settings, &Summary));
    fclose(Page);
    Page = NULL;
    free(Text);
    free(Large);
    SummaryFree(&Summary);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestJunit),    cmocka_unit_test(TestJunitOfLongNames),
        cmocka_unit_test(TestSarif),    cmocka_unit_test(TestPage),
        cmocka_unit_test(TestPageRoom),
    };
    int Failed = cmocka_run_group_tests(Tests, NULL, NULL);
    xmlCleanupParser();
    return Failed;
}
