/* SPDX-License-Identifier: MIT */
/* sources: kernel/fsrtl/name.c kernel/rtl/ansi_string.c kernel/rtl/upcase.c */
/*
 * FsRtl's names: the documented wildcards by examples, and any expression against a matcher that
 * tries everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/xorshift.h"
#include "nt/fsrtl.h"
#include "rtl/rtlp.h"

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return malloc(NumberOfBytes);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    free(P);
}

VOID ExRaiseStatus(NTSTATUS Status)
{
    abort();
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static UNICODE_STRING Text(const WCHAR *Characters)
{
    USHORT Length = 0;
    while (Characters[Length] != 0) {
        Length++;
    }
    return (UNICODE_STRING){(USHORT)(Length * 2), (USHORT)(Length * 2), (WCHAR *)Characters};
}

static bool Matches(const WCHAR *Expression, const WCHAR *Name, bool IgnoreCase)
{
    UNICODE_STRING E = Text(Expression), N = Text(Name);
    return FsRtlIsNameInExpression(&E, &N, IgnoreCase, NULL) != 0;
}

static void TestExamples(void **State)
{
    static const struct {
        const WCHAR *Expression, *Name;
        bool Yes;
    } Cases[] = {
        {L"*", L"a.txt", true},       {L"*.TXT", L"a.txt", true},   {L"*.TXT", L"a.txt.b", false},
        {L"A?C", L"abc", true},       {L"A?C", L"ac", false},       {L"A*C*", L"abcd", true},
        {L"*A*A*A*B", L"aaaaaaaaaaaaaaaaaaaa", false},              {L"ABC", L"abcd", false},
        {L"", L"", true},             {L"", L"a", false},           {L"*", L"", false},
        /* dir *.txt becomes <.TXT; dir *. becomes < alone: names without an extension */
        {L"<.TXT", L"a.b.txt", true}, {L"<", L"name", true},        {L"<", L"name.txt", false},
        {L"<\"*", L"name", true},     {L"<\"*", L"a.b", true},
        /* >: one character, or none at a period or the end */
        {L">>>>.TXT", L"ab.txt", true},  {L">>>>.TXT", L"abcd.txt", true},
        {L">>.TXT", L"abc.txt", false},  {L"AB>>", L"ab", true},    {L"AB>>", L"abcde", false},
        {L"AB\"", L"ab", true},          {L"AB\"", L"ab.", true},   {L"AB\"", L"abc", false},
    };
    for (size_t i = 0; i < COUNT(Cases); i++) {
        if (Matches(Cases[i].Expression, Cases[i].Name, true) != Cases[i].Yes) {
            fail_msg("case %zu is not %d", i, Cases[i].Yes);
        }
    }
    assert_false(Matches(L"ABC", L"abc", false));
    assert_true(Matches(L"abc", L"abc", false));
}

/* The same by trying every way: the definition, in exponential time. */
static bool Try(const WCHAR *E, const WCHAR *N, const WCHAR *LastPeriod)
{
    bool End = *N == 0;
    switch (*E) {
    case 0:
        return End;
    case L'*':
        return Try(E + 1, N, LastPeriod) || (!End && Try(E, N + 1, LastPeriod));
    case DOS_STAR:
        return Try(E + 1, N, LastPeriod) || (!End && N != LastPeriod && Try(E, N + 1, LastPeriod));
    case L'?':
        return !End && Try(E + 1, N + 1, LastPeriod);
    case DOS_QM:
        return End || *N == L'.' ? Try(E + 1, N, LastPeriod) : Try(E + 1, N + 1, LastPeriod);
    case DOS_DOT:
        return End ? Try(E + 1, N, LastPeriod) : *N == L'.' && Try(E + 1, N + 1, LastPeriod);
    default:
        return *E == *N && Try(E + 1, N + 1, LastPeriod);
    }
}

static void TestAgainstDefinition(void **State)
{
    static const WCHAR InName[] = L"AB..", InExpression[] = L"AB.*?<>\"*A";
    uint64_t Random = 20260101;
    unsigned Yes = 0;
    for (unsigned Round = 0; Round < 200000; Round++) {
        WCHAR E[8] = {0}, N[8] = {0};
        const WCHAR *LastPeriod = NULL;
        unsigned ELength = (unsigned)((Random = XorShift64(Random)) % 7) + 1;
        unsigned NLength = (unsigned)((Random = XorShift64(Random)) % 7) + 1;
        for (unsigned i = 0; i < ELength; i++) {
            E[i] = InExpression[(Random = XorShift64(Random)) % (COUNT(InExpression) - 1)];
        }
        for (unsigned i = 0; i < NLength; i++) {
            N[i] = InName[(Random = XorShift64(Random)) % (COUNT(InName) - 1)];
            LastPeriod = N[i] == L'.' ? &N[i] : LastPeriod;
        }
        bool Expected = Try(E, N, LastPeriod);
        Yes += Expected;
        if (Matches(E, N, true) != Expected) {
            fail_msg("round %u: expected %d", Round, Expected);
        }
    }
    assert_true(Yes > 10000);
}

/* Longer than the set on the stack; many stars against a name that never matches: no blow-up. */
static void TestLong(void **State)
{
    static WCHAR E[4001], N[256];
    for (unsigned i = 0; i < 4000; i += 2) {
        E[i] = L'*';
        E[i + 1] = i == 3998 ? L'B' : L'A';
    }
    for (unsigned i = 0; i < 255; i++) {
        N[i] = L'a';
    }
    assert_false(Matches(E, N, true));
    E[300] = 0;
    assert_true(Matches(E, N, true));
}

static void TestDissect(void **State)
{
    static const struct {
        const WCHAR *Path, *First, *Rest;
    } Cases[] = {
        {L"", L"", L""},           {L"\\", L"", L""},          {L"a", L"a", L""},
        {L"\\a\\b\\c", L"a", L"b\\c"}, {L"a\\b", L"a", L"b"},      {L"\\a\\", L"a", L""},
    };
    for (size_t i = 0; i < COUNT(Cases); i++) {
        UNICODE_STRING First, Rest, F = Text(Cases[i].First), R = Text(Cases[i].Rest);
        FsRtlDissectName(Text(Cases[i].Path), &First, &Rest);
        assert_true(FsRtlAreNamesEqual(&First, &F, FALSE, NULL));
        assert_true(FsRtlAreNamesEqual(&Rest, &R, FALSE, NULL));
    }
}

static void TestNames(void **State)
{
    UNICODE_STRING A = Text(L"Name.Txt"), B = Text(L"name.TXT"), Wild = Text(L"a<b"),
                   Long = Text(L"name.TXTs");
    assert_true(FsRtlAreNamesEqual(&A, &B, TRUE, NULL));
    assert_false(FsRtlAreNamesEqual(&A, &B, FALSE, NULL));
    assert_false(FsRtlAreNamesEqual(&A, &Long, TRUE, NULL));
    assert_true(FsRtlDoesNameContainWildCards(&Wild));
    assert_false(FsRtlDoesNameContainWildCards(&A));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestExamples), cmocka_unit_test(TestAgainstDefinition),
        cmocka_unit_test(TestLong),     cmocka_unit_test(TestDissect),
        cmocka_unit_test(TestNames),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
