/* SPDX-License-Identifier: MIT */
/* An upper filter of sensors: passes everything on, and adds an offset to each reading. */
#pragma once

#include "correct/sensor-port/sensor.h"

typedef struct {
    PDEVICE_OBJECT Self, Lower;
    IO_REMOVE_LOCK RemoveLock; /* held by each request that is below */
    volatile LONG Offset;
    volatile LONG Readings, Failures, Starts, PowerRequests;
} FILTER_DEVICE;

/* ---- reading.c ---- */
/* The driver below completes a reading, in whatever context and at whatever level it likes. */
NTSTATUS NTAPI FilterReadingDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context);
