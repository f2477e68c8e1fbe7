/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/version.c kernel/rtl/version_condition.c */
/* Expected: the reference of VerSetConditionMask and RtlVerifyVersionInfo; we are 10.0.18362. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "nt/rtl.h"

static RTL_OSVERSIONINFOEXW Asked;

static NTSTATUS Ask(ULONG Major, ULONG Minor, UCHAR Condition)
{
    ULONGLONG Mask = VerSetConditionMask(0, VER_MAJORVERSION, Condition);
    Mask = VerSetConditionMask(Mask, VER_MINORVERSION, Condition);
    Asked.dwMajorVersion = Major;
    Asked.dwMinorVersion = Minor;
    return RtlVerifyVersionInfo(&Asked, VER_MAJORVERSION | VER_MINORVERSION, Mask);
}

static void version_is_compared_by_its_first_difference(void **State)
{
    assert_int_equal(Ask(10, 0, VER_EQUAL), STATUS_SUCCESS);
    assert_int_equal(Ask(10, 0, VER_GREATER_EQUAL), STATUS_SUCCESS);
    assert_int_equal(Ask(10, 0, VER_GREATER), STATUS_REVISION_MISMATCH);
    assert_int_equal(Ask(6, 1, VER_GREATER), STATUS_SUCCESS);
    assert_int_equal(Ask(6, 1, VER_EQUAL), STATUS_REVISION_MISMATCH);
    assert_int_equal(Ask(10, 1, VER_LESS), STATUS_SUCCESS);
    assert_int_equal(Ask(11, 0, VER_LESS_EQUAL), STATUS_SUCCESS);
    assert_int_equal(Ask(9, 9, VER_LESS_EQUAL), STATUS_REVISION_MISMATCH);
}

static void other_types_stand_alone(void **State)
{
    Asked.dwBuildNumber = 18362;
    Asked.wProductType = VER_NT_WORKSTATION;
    Asked.wSuiteMask = 2;
    assert_int_equal(VerSetConditionMask(0, VER_PRODUCT_TYPE, VER_EQUAL), 1ull << 21);
    assert_int_equal(VerSetConditionMask(5, 0, VER_EQUAL), 5);
    assert_int_equal(RtlVerifyVersionInfo(&Asked, VER_BUILDNUMBER | VER_PRODUCT_TYPE,
                                          (ULONGLONG)VER_GREATER_EQUAL << 6 | 1ull << 21),
                     STATUS_SUCCESS);
    Asked.dwBuildNumber = 18363;
    assert_int_equal(RtlVerifyVersionInfo(&Asked, VER_BUILDNUMBER,
                                          (ULONGLONG)VER_GREATER_EQUAL << 6),
                     STATUS_REVISION_MISMATCH);
    assert_int_equal(RtlVerifyVersionInfo(&Asked, VER_SUITENAME, (ULONGLONG)VER_OR << 18),
                     STATUS_REVISION_MISMATCH);
    Asked.wSuiteMask = 0;
    assert_int_equal(RtlVerifyVersionInfo(&Asked, VER_SUITENAME, (ULONGLONG)VER_AND << 18),
                     STATUS_SUCCESS);
    assert_int_equal(RtlVerifyVersionInfo(&Asked, 0, 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlVerifyVersionInfo(&Asked, VER_BUILDNUMBER, 0), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(version_is_compared_by_its_first_difference),
        cmocka_unit_test(other_types_stand_alone),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
