/* SPDX-License-Identifier: MIT */
/* sources: host/check/junit.c host/check/sarif.c host/check/check_summary.c host/check/rule.c host/bug_check_names.c host/status_names.c host/text.c */
/* JUnit and SARIF of results with names that are awkward in XML and in URIs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/check/check.h"

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

static void Add(const char *Driver, const char *PageOut, int Code, json_t *Found)
{
    unsigned New;
    json_t *Result = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:[]}", "driver", Driver,
                               "scenario", "a/s.lua", "page_out", PageOut, "exit_code", Code, "ms",
                               1500, "replay", "pageable run", "findings");
    if (Found != NULL) {
        json_array_append_new(json_object_get(Result, "findings"), Found);
    }
    SummaryAdd(&Summary, Result, &New);
    json_decref(Result);
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

int main(void)
{
    const struct CMUnitTest Tests[] = {cmocka_unit_test(TestJunit), cmocka_unit_test(TestSarif)};
    int Failed = cmocka_run_group_tests(Tests, NULL, NULL);
    xmlCleanupParser();
    return Failed;
}
