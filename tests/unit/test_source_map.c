/* SPDX-License-Identifier: MIT */
/* sources: host/symbols/source_map.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/symbols/source_map.h"

/* What Rules, separated by commas, make of File. */
static const char *Applied(const char *Rules, const char *File)
{
    static char Out[64], Text[256];
    SOURCE_MAP Map = {.Count = 0};
    strcpy(Text, Rules);
    for (char *Rule = strtok(Text, ","); Rule != NULL; Rule = strtok(NULL, ",")) {
        assert_null(SourceMapAdd(&Map, Rule));
    }
    SourceMapApply(&Map, File, Out, sizeof(Out));
    return Out;
}

static void TestMapped(void **State)
{
    static const char *const Cases[][3] = {
        {"C:\\src=driver", "C:\\src\\a\\b.c", "driver/a/b.c"},
        {"C:\\src\\=driver/", "C:\\src\\a\\b.c", "driver/a/b.c"},
        {"c:/SRC=driver", "C:\\src\\a/b.c", "driver/a/b.c"},
        {"C:\\src=", "C:\\src\\a\\b.c", "a/b.c"},
        {"C:\\=/", "C:\\src\\b.c", "/src/b.c"},
        {"C:=x", "C:\\src\\b.c", "x/src/b.c"},
        {"/build/src=.", "/build/src/b.c", "./b.c"},
        {"/=/there", "/build/b.c", "/there/build/b.c"},
        {"C:\\src=one,C:\\src\\a=two", "C:\\src\\a\\b.c", "one/a/b.c"}, /* the first that fits */
        {"D:\\x=one,C:\\src=two", "C:\\src\\b.c", "two/b.c"},
        {"C:\\src=a=b", "C:\\src\\b.c", "a=b/b.c"},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        assert_string_equal(Applied(Cases[i][0], Cases[i][1]), Cases[i][2]);
    }
}

static void TestLeftAsItIs(void **State)
{
    static const char *const Cases[][2] = {
        {"C:\\src=driver", "C:\\src2\\b.c"}, /* not below it */
        {"C:\\src=driver", "C:\\sr"},
        {"C:\\src=driver", "C:\\src"},
        {"C:\\src=driver", ""},
        {"/build/Src=x", "/build/src/b.c"}, /* no Windows path: case counts */
        {"/build/src=x", "\\build\\src\\b.c"},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        assert_string_equal(Applied(Cases[i][0], Cases[i][1]), Cases[i][1]);
    }
    char Out[64];
    SourceMapApply(NULL, "C:\\b.c", Out, sizeof(Out));
    assert_string_equal(Out, "C:\\b.c");
}

static void TestRefused(void **State)
{
    SOURCE_MAP Map = {.Count = 0};
    assert_non_null(SourceMapAdd(&Map, ""));
    assert_non_null(SourceMapAdd(&Map, "C:\\src"));
    assert_non_null(SourceMapAdd(&Map, "=driver"));
    assert_non_null(SourceMapAdd(&Map, "C:\\src=\x1b[31m"));
    assert_int_equal(Map.Count, 0);
    for (unsigned i = 0; i < SOURCE_MAP_MOST; i++) {
        assert_null(SourceMapAdd(&Map, "a=b"));
    }
    assert_non_null(SourceMapAdd(&Map, "a=b"));
}

static void TestCut(void **State)
{
    SOURCE_MAP Map = {.Count = 0};
    char Out[8];
    assert_null(SourceMapAdd(&Map, "C:\\src=driver"));
    SourceMapApply(&Map, "C:\\src\\a\\b.c", Out, sizeof(Out));
    assert_string_equal(Out, "driver/");
    SourceMapApply(&Map, "C:\\src\\a\\b.c", Out, 4);
    assert_string_equal(Out, "dri");
    SourceMapApply(&Map, "C:\\other.c", Out, sizeof(Out));
    assert_string_equal(Out, "C:\\othe");
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestMapped),
        cmocka_unit_test(TestLeftAsItIs),
        cmocka_unit_test(TestRefused),
        cmocka_unit_test(TestCut),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
