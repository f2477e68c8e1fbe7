/* SPDX-License-Identifier: MIT */
/* Local time, timer resolution, identifiers. */
#include "ex/ex.h"
#include "nt/rtl.h"
#include "test.h"

/* TimeZoneBias of KUSER_SHARED_DATA, at its documented place. */
#define TIME_ZONE_BIAS ((volatile ULONG *)0xfffff78000000020ull)

GUEST_TEST(ex_local_time_is_system_time_less_the_bias)
{
    LARGE_INTEGER System = {.QuadPart = 130000000000000000ll}, Local, Back;
    ULONG Old[2] = {TIME_ZONE_BIAS[0], TIME_ZONE_BIAS[1]};
    LONGLONG Bias = -36000000000ll; /* an hour east of Greenwich */

    TIME_ZONE_BIAS[0] = (ULONG)Bias;
    TIME_ZONE_BIAS[1] = (ULONG)((ULONG64)Bias >> 32);
    ExSystemTimeToLocalTime(&System, &Local);
    EXPECT_EQUAL(Local.QuadPart, System.QuadPart + 36000000000ll);
    ExLocalTimeToSystemTime(&Local, &Back);
    EXPECT_EQUAL(Back.QuadPart, System.QuadPart);
    ExLocalTimeToSystemTime(&Local, &Local); /* in place */
    EXPECT_EQUAL(Local.QuadPart, System.QuadPart);
    TIME_ZONE_BIAS[0] = Old[0];
    TIME_ZONE_BIAS[1] = Old[1];
}

/* In 100 ns; the longest interval is the first. */
GUEST_TEST(ex_timer_resolution)
{
    ULONG Longest = 0, Shortest = 0, Current = 0;

    ExQueryTimerResolution(&Longest, &Shortest, &Current);
    EXPECT(Shortest != 0 && Shortest <= Current && Current <= Longest);
    EXPECT_EQUAL(Current, KeQueryTimeIncrement());
    EXPECT_EQUAL(ExSetTimerResolution(Shortest, TRUE), Current);
    EXPECT_EQUAL(ExSetTimerResolution(0, FALSE), Current);
}

/* RFC 4122: version 1, variant 10b; without a network card the node has its multicast bit set. */
GUEST_TEST(ex_uuids_are_all_different)
{
    UUID Last = {0};

    for (ULONG i = 0; i < 100; i++) {
        UUID Uuid;
        NTSTATUS Status = ExUuidCreate(&Uuid);
        EXPECT(Status == STATUS_SUCCESS || Status == RPC_NT_UUID_LOCAL_ONLY);
        EXPECT_EQUAL(Uuid.Data3 >> 12, 1);
        EXPECT_EQUAL(Uuid.Data4[0] >> 6, 2);
        EXPECT_EQUAL(Uuid.Data4[2] & 1, 1);
        EXPECT(!RtlEqualMemory(&Uuid, &Last, sizeof(Uuid)));
        Last = Uuid;
    }
}
