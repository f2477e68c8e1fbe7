/* SPDX-License-Identifier: MIT */
/* sources: host/text/bug_check_names.c host/text/status_names.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/text/bug_check_names.h"
#include "host/text/status_names.h"

static const char *Value(uint32_t Code, uint64_t First, unsigned Index, uint64_t Number)
{
    static char Out[BUG_CHECK_TEXT];
    return BugCheckValueName(Code, First, Index, Number, Out);
}

static void TestBugChecks(void **State)
{
    const BUG_CHECK_NAME *Name = BugCheckName(0xd1);
    assert_string_equal(Name->Name, "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    assert_string_equal(Name->Parameter[0].Words, "memory referenced");
    assert_string_equal(Value(0xd1, 0, 1, 2), "DISPATCH_LEVEL");
    assert_string_equal(Value(0xd1, 0, 2, 8), "execute");
    assert_null(Value(0xd1, 8, 0, 8));
    assert_string_equal(Value(0x50, 0, 1, 2), "write");
    assert_string_equal(Value(0x7e, 0, 0, 0xffffffffc0000005), "STATUS_ACCESS_VIOLATION");
    assert_string_equal(Value(0x7e, 0, 0, 0xc0000005), "STATUS_ACCESS_VIOLATION");
    assert_null(Value(0x7e, 0, 0, 0xfffff880c0000005));
    assert_string_equal(Value(0xc8, 0x00020002, 0, 0x00020002),
                        "a DPC or callout returned at IRQL 2 (DISPATCH_LEVEL) instead of 0 "
                        "(PASSIVE_LEVEL)");
    assert_string_equal(BugCheckName(0x7a)->Name, "KERNEL_DATA_INPAGE_ERROR");
    assert_int_equal(BugCheckName(0xdead)->Code, 0);
    for (uint32_t Code = 0; Code < 0x200; Code++) {
        for (unsigned i = 0; i < 4; i++) {
            for (uint64_t Number = 0; Number < 300; Number++) {
                Value(Code, Number, i, Number);
            }
        }
        assert_non_null(BugCheckName(Code)->Cause);
        assert_non_null(BugCheckAdvice(Code, 0));
    }
}

static void TestCases(void **State)
{
    assert_string_equal(Value(0x1a, 0x3f, 0, 0x3f),
                        "a page came back from the paging file with a wrong CRC");
    assert_string_equal(BugCheckParameter(0xc4, 0x30, 2).Words, "IRQL asked for");
    assert_string_equal(Value(0xc4, 0x30, 2, 1), "APC_LEVEL");
    assert_null(BugCheckParameter(0xc4, 0x777, 1).Words);
    assert_string_equal(BugCheckAdvice(0xc4, 0x777), BugCheckName(0xc4)->Advice);
    assert_string_equal(BugCheckAdvice(0x7f, 0), "Check the divisor.");
    assert_null(BugCheckCase(0x1a, 0x100000000000003f));
}

/* What a lookup and the documentation count on: order, and every word there. */
static void TestTables(void **State)
{
    const BUG_CHECK_NAME *Name;
    const BUG_CHECK_CASE_NAME *Case;
    for (size_t i = 0; (Name = BugCheckByIndex(i)) != NULL; i++) {
        assert_true(i == 0 || Name->Code > BugCheckByIndex(i - 1)->Code);
        assert_ptr_equal(BugCheckName(Name->Code), Name);
        assert_int_equal(Name->Cause[strlen(Name->Cause) - 1], '.');
        assert_int_equal(Name->Advice[strlen(Name->Advice) - 1], '.');
        for (unsigned n = 0; n < 4; n++) {
            assert_true(n == 0 || Name->Parameter[n].Values != BugCheckKind);
        }
    }
    for (size_t i = 0; (Case = BugCheckCaseByIndex(i)) != NULL; i++) {
        const BUG_CHECK_CASE_NAME *Before = i != 0 ? BugCheckCaseByIndex(i - 1) : NULL;
        assert_int_equal(BugCheckName(Case->Code)->Parameter[0].Values, BugCheckKind);
        assert_true(Before == NULL || Case->Code > Before->Code ||
                    (Case->Code == Before->Code && Case->Value > Before->Value));
    }
}

static void TestIrqls(void **State)
{
    assert_string_equal(IrqlName(0), "PASSIVE_LEVEL");
    assert_string_equal(IrqlName(5), "DIRQL");
    assert_string_equal(IrqlName(15), "HIGH_LEVEL");
    assert_string_equal(IrqlName(16), "no IRQL");
    assert_string_equal(IrqlName(UINT32_MAX), "no IRQL");
}

static void TestStatuses(void **State)
{
    char Out[STATUS_NAME_SIZE];
    assert_string_equal(StatusName(Out, 0), "STATUS_SUCCESS");
    assert_string_equal(StatusName(Out, (int32_t)0xc0000005), "STATUS_ACCESS_VIOLATION");
    assert_string_equal(StatusName(Out, (int32_t)0xdeadbeef), "0xdeadbeef");
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestBugChecks),
        cmocka_unit_test(TestCases),
        cmocka_unit_test(TestTables),
        cmocka_unit_test(TestIrqls),
        cmocka_unit_test(TestStatuses),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
