/* SPDX-License-Identifier: MIT */
/* System time (100 ns since 1601-01-01, Gregorian) to calendar fields and to other epochs. */
#include "rtlp.h"

#define TICKS_PER_MS 10000ll
#define TICKS_PER_SECOND 10000000ll
#define MS_PER_DAY 86400000ll
#define DAYS_PER_400_YEARS 146097u
#define DAYS_PER_100_YEARS 36524u
#define DAYS_PER_4_YEARS 1461u
#define DAYS_PER_YEAR 365u
#define FIRST_YEAR 1601u
#define LAST_YEAR 30827u
#define FIRST_WEEKDAY 1u /* 1601-01-01 was a Monday */
#define SECONDS_1601_TO_1970 11644473600ll
#define SECONDS_1601_TO_1980 11960006400ll

/* Days before a month, from January, without a leap day. */
static const USHORT RtlpDaysBefore[13] = {0,   31,  59,  90,  120, 151, 181,
                                          212, 243, 273, 304, 334, 365};

static BOOLEAN RtlpIsLeapYear(ULONG Year)
{
    return Year % 4 == 0 && (Year % 100 != 0 || Year % 400 == 0);
}

static ULONG RtlpDaysBeforeMonth(ULONG Month, BOOLEAN Leap)
{
    return RtlpDaysBefore[Month] + (Leap && Month >= 2 ? 1u : 0u);
}

/* A time before 1601 is taken as 1601-01-01. */
VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields)
{
    ULONG64 Ms = Time->QuadPart < 0 ? 0 : (ULONG64)(Time->QuadPart / TICKS_PER_MS);
    ULONG Days = (ULONG)(Ms / MS_PER_DAY);
    ULONG InDay = (ULONG)(Ms % MS_PER_DAY);

    TimeFields->Weekday = (CSHORT)((Days + FIRST_WEEKDAY) % 7);
    TimeFields->Milliseconds = (CSHORT)(InDay % 1000);
    TimeFields->Second = (CSHORT)(InDay / 1000 % 60);
    TimeFields->Minute = (CSHORT)(InDay / 60000 % 60);
    TimeFields->Hour = (CSHORT)(InDay / 3600000);

    ULONG Year = FIRST_YEAR + Days / DAYS_PER_400_YEARS * 400;
    Days %= DAYS_PER_400_YEARS;
    ULONG Part = Days / DAYS_PER_100_YEARS;
    Part = Part > 3 ? 3 : Part; /* the fourth century has one day more */
    Year += Part * 100;
    Days -= Part * DAYS_PER_100_YEARS;
    Year += Days / DAYS_PER_4_YEARS * 4;
    Days %= DAYS_PER_4_YEARS;
    Part = Days / DAYS_PER_YEAR;
    Part = Part > 3 ? 3 : Part; /* so has the fourth year */
    Year += Part;
    Days -= Part * DAYS_PER_YEAR;

    BOOLEAN Leap = RtlpIsLeapYear(Year);
    ULONG Month = 0;
    while (Days >= RtlpDaysBeforeMonth(Month + 1, Leap)) {
        Month += 1;
    }
    TimeFields->Year = (CSHORT)Year;
    TimeFields->Month = (CSHORT)(Month + 1);
    TimeFields->Day = (CSHORT)(Days - RtlpDaysBeforeMonth(Month, Leap) + 1);
}

/* FALSE when a field is out of range; Weekday is not looked at. */
BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    const TIME_FIELDS *f = TimeFields;
    if (f->Year < (CSHORT)FIRST_YEAR || f->Year > (CSHORT)LAST_YEAR || f->Month < 1 ||
        f->Month > 12 || f->Hour < 0 || f->Hour > 23 || f->Minute < 0 || f->Minute > 59 ||
        f->Second < 0 || f->Second > 59 || f->Milliseconds < 0 || f->Milliseconds > 999) {
        return FALSE;
    }
    BOOLEAN Leap = RtlpIsLeapYear((ULONG)f->Year);
    ULONG Month = (ULONG)f->Month - 1;
    ULONG InMonth = RtlpDaysBeforeMonth(Month + 1, Leap) - RtlpDaysBeforeMonth(Month, Leap);
    if (f->Day < 1 || (ULONG)f->Day > InMonth) {
        return FALSE;
    }
    ULONG Years = (ULONG)f->Year - FIRST_YEAR;
    LONGLONG Days = Years * 365ll + Years / 4 - Years / 100 + Years / 400;
    Days += RtlpDaysBeforeMonth(Month, Leap) + (ULONG)f->Day - 1;
    LONGLONG Seconds = ((LONGLONG)f->Hour * 60 + f->Minute) * 60 + f->Second;
    Time->QuadPart =
        (Days * MS_PER_DAY + Seconds * 1000 + f->Milliseconds) * TICKS_PER_MS;
    return TRUE;
}

static BOOLEAN RtlpToSeconds(LONGLONG Time, LONGLONG Epoch, PULONG Seconds)
{
    LONGLONG Elapsed = Time / TICKS_PER_SECOND - Epoch;
    if (Time < 0 || Elapsed < 0 || Elapsed > MAXULONG) {
        return FALSE;
    }
    *Seconds = (ULONG)Elapsed;
    return TRUE;
}

BOOLEAN RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return RtlpToSeconds(Time->QuadPart, SECONDS_1601_TO_1970, ElapsedSeconds);
}

BOOLEAN RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return RtlpToSeconds(Time->QuadPart, SECONDS_1601_TO_1980, ElapsedSeconds);
}

VOID RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + SECONDS_1601_TO_1970) * TICKS_PER_SECOND;
}

VOID RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + SECONDS_1601_TO_1980) * TICKS_PER_SECOND;
}
