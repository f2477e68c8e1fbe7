/* SPDX-License-Identifier: MIT */
/* The PC's real-time clock (MC146818): its ports, and what its periodic interrupt needs. */
#pragma once

#define RTC_LINE 8 /* ISA interrupt */
#define RTC_INDEX ((PUCHAR)0x70)
#define RTC_DATA ((PUCHAR)0x71)
#define RTC_STATUS_B 0x0b
#define RTC_STATUS_C 0x0c /* reading it ends the interrupt */
#define STATUS_B_PERIODIC 0x40
#define STATUS_C_INTERRUPT 0x80
