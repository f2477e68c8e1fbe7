/* SPDX-License-Identifier: MIT */
/* What programs ask of a sensor, and of the filter above it. */
#pragma once

#include <ntddk.h>

#define PAGE_CODE __attribute__((section("PAGE")))
#define INIT_CODE __attribute__((section("INIT")))
#define PAGE_DATA __attribute__((section("PAGEDATA")))
/* Nonpaged, and kept out of its pageable callers. */
#define NONPAGED_CODE __attribute__((noinline))

#define SENSOR_TAG 'sneS'
#define SENSOR_CONTROL(number) \
    CTL_CODE(FILE_DEVICE_UNKNOWN, number, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* out: SENSOR_READING, the next one; waits for it */
#define IOCTL_SENSOR_READ SENSOR_CONTROL(0x801)
#define IOCTL_SENSOR_COUNTS SENSOR_CONTROL(0x802) /* out: SENSOR_COUNTS */
/* The filter's own. */
#define IOCTL_FILTER_SET_OFFSET SENSOR_CONTROL(0x811) /* in: ULONG, added to each reading */
#define IOCTL_FILTER_COUNTS SENSOR_CONTROL(0x812)     /* out: FILTER_COUNTS */

typedef struct {
    ULONG Value;
    ULONG Offset; /* what a filter has added */
} SENSOR_READING;

typedef struct {
    ULONG Ticks, Delivered, Cancelled, PowerUps;
} SENSOR_COUNTS;

typedef struct {
    ULONG Readings, Failures, Starts, PowerRequests;
} FILTER_COUNTS;
