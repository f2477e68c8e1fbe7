/* SPDX-License-Identifier: MIT */
/*
 * The CMOS clock. Its registers change together once a second; a reading counts when no update was
 * in progress and a second reading gives the same. Polls a bounded number of times, waits never.
 */
#include "hal/hal.h"
#include "nt/rtl.h"

#define CMOS_SECONDS 0x00
#define CMOS_MINUTES 0x02
#define CMOS_HOURS 0x04
#define CMOS_DAY 0x07
#define CMOS_MONTH 0x08
#define CMOS_YEAR 0x09
#define CMOS_STATUS_A 0x0a
#define CMOS_STATUS_B 0x0b
#define CMOS_CENTURY 0x32

#define STATUS_A_UPDATING 0x80
#define STATUS_B_BINARY 0x04
#define STATUS_B_24_HOURS 0x02
#define HOURS_PM 0x80
#define MAX_POLLS 4000 /* an update is announced 244 us ahead and takes less than 2 ms */

typedef struct _CMOS_READING {
    UCHAR Value[7]; /* second, minute, hour, day, month, year, century */
} CMOS_READING;

static const UCHAR HalpCmosRegisters[7] = {CMOS_SECONDS, CMOS_MINUTES, CMOS_HOURS,  CMOS_DAY,
                                           CMOS_MONTH,   CMOS_YEAR,    CMOS_CENTURY};

static UCHAR HalpReadCmos(UCHAR Register)
{
    UCHAR Value;
    HalGetBusDataByOffset(Cmos, 0, 0, &Value, Register, 1);
    return Value;
}

static BOOLEAN HalpReadStable(CMOS_READING *Reading)
{
    CMOS_READING Previous;
    BOOLEAN HavePrevious = FALSE;
    for (ULONG Poll = 0; Poll < MAX_POLLS; Poll++) {
        if (HalpReadCmos(CMOS_STATUS_A) & STATUS_A_UPDATING) {
            HavePrevious = FALSE;
            continue;
        }
        for (ULONG Index = 0; Index < sizeof(HalpCmosRegisters); Index++) {
            Reading->Value[Index] = HalpReadCmos(HalpCmosRegisters[Index]);
        }
        if (HavePrevious && __builtin_memcmp(Reading, &Previous, sizeof(Previous)) == 0) {
            return TRUE;
        }
        Previous = *Reading;
        HavePrevious = TRUE;
    }
    return FALSE;
}

static CSHORT HalpNumber(UCHAR Value, UCHAR StatusB)
{
    return StatusB & STATUS_B_BINARY ? Value : (Value >> 4) * 10 + (Value & 15);
}

static CSHORT HalpHour(UCHAR Value, UCHAR StatusB)
{
    CSHORT Hour = HalpNumber(Value & ~HOURS_PM, StatusB);
    if (StatusB & STATUS_B_24_HOURS) {
        return HalpNumber(Value, StatusB);
    }
    return Hour % 12 + (Value & HOURS_PM ? 12 : 0);
}

LONGLONG HalReadCmosTime(VOID)
{
    CMOS_READING Reading;
    LARGE_INTEGER Time;
    if (!HalpReadStable(&Reading)) {
        return 0;
    }
    UCHAR StatusB = HalpReadCmos(CMOS_STATUS_B);
    CSHORT Century = HalpNumber(Reading.Value[6], StatusB);
    TIME_FIELDS Fields = {
        .Second = HalpNumber(Reading.Value[0], StatusB),
        .Minute = HalpNumber(Reading.Value[1], StatusB),
        .Hour = HalpHour(Reading.Value[2], StatusB),
        .Day = HalpNumber(Reading.Value[3], StatusB),
        .Month = HalpNumber(Reading.Value[4], StatusB),
        .Year = (Century >= 19 && Century <= 29 ? Century : 20) * 100 +
                HalpNumber(Reading.Value[5], StatusB),
    };
    return RtlTimeFieldsToTime(&Fields, &Time) ? Time.QuadPart : 0;
}
