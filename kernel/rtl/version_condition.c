/* SPDX-License-Identifier: MIT */
/*
 * Conditions on the version: three bits for each thing that can be compared, in the order of the
 * VER_ type bits.
 */
#include "rtlp.h"

#define CONDITION_BITS 3u
#define CONDITION_MASK 7u
#define VERSION_PARTS \
    (VER_MAJORVERSION | VER_MINORVERSION | VER_SERVICEPACKMAJOR | VER_SERVICEPACKMINOR)

static ULONG RtlpConditionOf(ULONGLONG ConditionMask, ULONG Type)
{
    return (ULONG)(ConditionMask >> ((ULONG)__builtin_ctz(Type) * CONDITION_BITS)) & CONDITION_MASK;
}

/* TypeMask names one type; with several the highest counts. Nothing changes for none. */
ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition)
{
    ULONG Type = TypeMask & VER_EVERYTHING;
    if (Type == 0 || (Condition & CONDITION_MASK) == 0) {
        return ConditionMask;
    }
    ULONG Shift = (31u - (ULONG)__builtin_clz(Type)) * CONDITION_BITS;
    return ConditionMask | (ULONGLONG)(Condition & CONDITION_MASK) << Shift;
}

static BOOLEAN RtlpHolds(LONGLONG Order, ULONG Condition)
{
    switch (Condition) {
    case VER_EQUAL:
        return Order == 0;
    case VER_GREATER:
        return Order > 0;
    case VER_GREATER_EQUAL:
        return Order >= 0;
    case VER_LESS:
        return Order < 0;
    case VER_LESS_EQUAL:
        return Order <= 0;
    default:
        return FALSE;
    }
}

/*
 * Major, minor, service pack: the first part that differs decides, by the condition of the first
 * part that is asked for. So 10.0 is greater than 6.1, though 0 is less than 1.
 */
static BOOLEAN RtlpVersionHolds(const RTL_OSVERSIONINFOEXW *Asked, const RTL_OSVERSIONINFOEXW *Have,
                                ULONG TypeMask, ULONGLONG ConditionMask)
{
    const struct {
        ULONG Type, Asked, Have;
    } Parts[] = {
        {VER_MAJORVERSION, Asked->dwMajorVersion, Have->dwMajorVersion},
        {VER_MINORVERSION, Asked->dwMinorVersion, Have->dwMinorVersion},
        {VER_SERVICEPACKMAJOR, Asked->wServicePackMajor, Have->wServicePackMajor},
        {VER_SERVICEPACKMINOR, Asked->wServicePackMinor, Have->wServicePackMinor},
    };
    ULONG Condition = 0;
    LONGLONG Order = 0;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Parts) && Order == 0; i++) {
        if (TypeMask & Parts[i].Type) {
            Condition = Condition != 0 ? Condition : RtlpConditionOf(ConditionMask, Parts[i].Type);
            Order = (LONGLONG)Parts[i].Have - Parts[i].Asked;
        }
    }
    return RtlpHolds(Order, Condition);
}

static BOOLEAN RtlpSuiteHolds(USHORT Asked, USHORT Have, ULONG Condition)
{
    return Condition == VER_AND ? (Asked & Have) == Asked
                                : Condition == VER_OR && (Asked & Have) != 0;
}

/*
 * PASSIVE_LEVEL. STATUS_INVALID_PARAMETER: nothing to compare, or a type without a condition.
 * STATUS_REVISION_MISMATCH: this system is another.
 */
NTSTATUS RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                              ULONGLONG ConditionMask)
{
    RTL_OSVERSIONINFOEXW Have = {.dwOSVersionInfoSize = sizeof(Have)};

    if (TypeMask == 0 || (TypeMask & ~(ULONG)VER_EVERYTHING) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG Type = 1; Type <= VER_PRODUCT_TYPE; Type <<= 1) {
        if ((TypeMask & Type) && RtlpConditionOf(ConditionMask, Type) == 0) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    RtlGetVersion((PRTL_OSVERSIONINFOW)&Have);
    const struct {
        ULONG Type;
        LONGLONG Order;
    } Alone[] = {
        {VER_BUILDNUMBER, (LONGLONG)Have.dwBuildNumber - VersionInfo->dwBuildNumber},
        {VER_PLATFORMID, (LONGLONG)Have.dwPlatformId - VersionInfo->dwPlatformId},
        {VER_PRODUCT_TYPE, (LONGLONG)Have.wProductType - VersionInfo->wProductType},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Alone); i++) {
        if ((TypeMask & Alone[i].Type) &&
            !RtlpHolds(Alone[i].Order, RtlpConditionOf(ConditionMask, Alone[i].Type))) {
            return STATUS_REVISION_MISMATCH;
        }
    }
    if ((TypeMask & VER_SUITENAME) && !RtlpSuiteHolds(VersionInfo->wSuiteMask, Have.wSuiteMask,
                                                      RtlpConditionOf(ConditionMask,
                                                                      VER_SUITENAME))) {
        return STATUS_REVISION_MISMATCH;
    }
    if ((TypeMask & VERSION_PARTS) && !RtlpVersionHolds(VersionInfo, &Have, TypeMask,
                                                        ConditionMask)) {
        return STATUS_REVISION_MISMATCH;
    }
    return STATUS_SUCCESS;
}
