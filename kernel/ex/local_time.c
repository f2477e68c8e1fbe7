/* SPDX-License-Identifier: MIT */
/* Local time, timer resolution, identifiers, the previous mode. */
#include "ex/ex.h"
#include "ke/dispatcher.h"

/* The time zone's bias, 100 ns, is in KUSER_SHARED_DATA as drivers read it. */
static LONGLONG ExpTimeZoneBias(VOID)
{
    const volatile ULONG *Bias =
        (const volatile ULONG *)(KI_USER_SHARED_DATA + KI_SHARED_TIME_ZONE_BIAS);

    return (LONGLONG)(((ULONG64)Bias[1] << 32) | Bias[0]);
}

VOID ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    LocalTime->QuadPart = SystemTime->QuadPart - ExpTimeZoneBias();
}

VOID ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    SystemTime->QuadPart = LocalTime->QuadPart + ExpTimeZoneBias();
}

/* The clock has one rate; what is asked for is noted by nobody. Returns that rate. */
ULONG ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution)
{
    return KI_CLOCK_INTERVAL_100NS;
}

VOID ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime)
{
    *MaximumTime = KI_CLOCK_INTERVAL_100NS;
    *MinimumTime = KI_CLOCK_INTERVAL_100NS;
    *CurrentTime = KI_CLOCK_INTERVAL_100NS;
}

KPROCESSOR_MODE ExGetPreviousMode(VOID)
{
    return KiCurrentThread()->PreviousMode;
}

/*
 * A time-based identifier (version 1): 100 ns since 15 October 1582, never the same twice, and a
 * node that is no network card's (multicast bit set), drawn from the time stamp counter at first
 * use. It is unique in this machine only, and says so.
 */
NTSTATUS ExUuidCreate(UUID *Uuid)
{
    static KSPIN_LOCK Lock;
    static ULONG64 LastTime, Node;
    LARGE_INTEGER Now;

    KeQuerySystemTimePrecise(&Now);
    /* From 1582-10-15 to 1601-01-01: 6,653 days. */
    ULONG64 Time = (ULONG64)Now.QuadPart + 6653ull * 24 * 3600 * 10000000;
    KIRQL OldIrql = KiAcquireSpinLock(&Lock);
    if (Node == 0) {
        Node = KiReadTimeStampCounter() * 0x9e3779b97f4a7c15ull | 1;
    }
    if (Time <= LastTime) {
        Time = LastTime + 1;
    }
    LastTime = Time;
    KiReleaseSpinLock(&Lock, OldIrql);

    Uuid->Data1 = (ULONG)Time;
    Uuid->Data2 = (USHORT)(Time >> 32);
    Uuid->Data3 = (USHORT)(((Time >> 48) & 0x0fff) | 0x1000);
    Uuid->Data4[0] = (UCHAR)(((Node >> 56) & 0x3f) | 0x80);
    Uuid->Data4[1] = (UCHAR)(Node >> 48);
    for (ULONG i = 0; i < 6; i++) {
        Uuid->Data4[2 + i] = (UCHAR)(Node >> (8 * i));
    }
    Uuid->Data4[2] |= 1;
    return RPC_NT_UUID_LOCAL_ONLY;
}
