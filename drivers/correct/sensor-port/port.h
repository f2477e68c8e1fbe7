/* SPDX-License-Identifier: MIT */
/*
 * The function driver of a sensor that has a new reading every few milliseconds.
 *
 * Sections. PAGE: plug and play, power and dispatch routines; its device is DO_POWER_PAGABLE.
 * PAGETICK: the timer's DPC, which runs only while the device is started; locked from start to
 * stop. The queue is nonpaged: requests come, and are cancelled, at any time.
 */
#pragma once

#include "sensor.h"

#define TICK_CODE __attribute__((section("PAGETICK"))) __attribute__((noinline))
#define PORT_PERIOD_MS 2

typedef struct {
    PDEVICE_OBJECT Self, Physical, Lower;
    IO_REMOVE_LOCK RemoveLock; /* held by each request until it is completed */
    UNICODE_STRING Link;
    BOOLEAN Started, Gone;
    KTIMER Timer;
    KDPC Dpc;
    /* Under Lock: */
    KSPIN_LOCK Lock;
    IO_CSQ Waiting;
    LIST_ENTRY Requests;
    SENSOR_COUNTS Counts;
} PORT_DEVICE;

/* ---- tick.c ---- */
NTSTATUS PortInitializeQueue(PORT_DEVICE *Device);
KDEFERRED_ROUTINE PortTick;
/* Keeps the request, whose remove lock is held. <= DISPATCH_LEVEL */
NTSTATUS PortWait(PORT_DEVICE *Device, PIRP Irp);
/* Those of File, or all with NULL, end with Status. <= DISPATCH_LEVEL */
VOID PortEndRequests(PORT_DEVICE *Device, PFILE_OBJECT File, NTSTATUS Status);
VOID PortQueryCounts(PORT_DEVICE *Device, SENSOR_COUNTS *Counts);
VOID PortStartTimer(PORT_DEVICE *Device);

/* ---- power.c ---- */
NTSTATUS NTAPI PortPower(PDEVICE_OBJECT DeviceObject, PIRP Irp);

/* ---- sensor-port.c ---- */
NTSTATUS PortComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
