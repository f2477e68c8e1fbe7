/* SPDX-License-Identifier: MIT */
/* sources: host/bug_check_names.c host/status_names.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/bug_check_names.h"
#include "host/status_names.h"

static void TestBugChecks(void **State)
{
    const BUG_CHECK_NAME *Name = BugCheckName(0xd1);
    assert_string_equal(Name->Name, "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    assert_string_equal(Name->Parameter[0], "memory referenced");
    assert_string_equal(BugCheckValueName(0xd1, 1, 2), "DISPATCH_LEVEL");
    assert_string_equal(BugCheckValueName(0xd1, 2, 8), "execute");
    assert_null(BugCheckValueName(0xd1, 0, 8));
    assert_string_equal(BugCheckValueName(0x50, 1, 2), "write");
    assert_non_null(BugCheckValueName(0x1a, 0, 0x3f));
    assert_string_equal(BugCheckName(0x7a)->Name, "KERNEL_DATA_INPAGE_ERROR");
    for (uint32_t Code = 0; Code < 0x200; Code++) {
        for (unsigned i = 0; i < 4; i++) {
            for (uint64_t Value = 0; Value < 300; Value++) {
                BugCheckValueName(Code, i, Value);
            }
        }
        assert_non_null(BugCheckName(Code)->Meaning);
    }
}

static void TestIrqls(void **State)
{
    assert_string_equal(IrqlName(0), "PASSIVE_LEVEL");
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
        cmocka_unit_test(TestIrqls),
        cmocka_unit_test(TestStatuses),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
