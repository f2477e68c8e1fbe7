/* SPDX-License-Identifier: MIT */
/*
 * A serial port whose line leads back to itself: what is written comes in again, at the speed of
 * the line. No hardware; the rest is as such drivers have it: queues of requests that can be
 * cancelled, a timer's DPC in place of the interrupt, time limits, masks of events, and code that
 * is pageable while the port is closed and locked while it is open.
 *
 * Sections. PAGE: what runs at PASSIVE_LEVEL. PAGESER: what runs at DISPATCH_LEVEL, with a lock or
 * in a DPC; locked from the first open to the last close, and the DPCs are drained before.
 * PAGEDATA: the table of speeds, read at PASSIVE_LEVEL.
 *
 * Locks, in this order: Port->OpenLock (opens, settings; a mutex and no fast mutex, as the last
 * close drains the DPCs, which PASSIVE_LEVEL is for), Port->Lock (rings, queues, counters).
 */
#pragma once

#include <ntddk.h>

#define SERIAL_TAG 'lreS'
#define SERIAL_RING 2048u       /* bytes, a power of two */
#define SERIAL_PERIOD_MS 1      /* of the DPC that moves bytes */
#define SERIAL_NO_LIMIT 0       /* of a read, in milliseconds */

#define PAGE_CODE __attribute__((section("PAGE")))
#define LOCKED_CODE __attribute__((section("PAGESER")))
#define INIT_CODE __attribute__((section("INIT")))
#define PAGE_DATA __attribute__((section("PAGEDATA")))

#define SERIAL_CODE(number) \
    CTL_CODE(FILE_DEVICE_SERIAL_PORT, number, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_LOOP_SET_SPEED SERIAL_CODE(0x801)   /* in: ULONG, bits a second */
#define IOCTL_LOOP_GET_SPEED SERIAL_CODE(0x802)   /* out: ULONG */
#define IOCTL_LOOP_SET_LIMIT SERIAL_CODE(0x803)   /* in: ULONG, milliseconds for a read */
#define IOCTL_LOOP_SET_MASK SERIAL_CODE(0x804)    /* in: ULONG, SERIAL_EVENT_x */
#define IOCTL_LOOP_WAIT_MASK SERIAL_CODE(0x805)   /* out: ULONG, those that came; waits */
#define IOCTL_LOOP_PURGE SERIAL_CODE(0x806)       /* cancels all, empties the rings */
#define IOCTL_LOOP_GET_COUNTS SERIAL_CODE(0x807)  /* out: SERIAL_COUNTS */
#define IOCTL_LOOP_TRY_CANCEL SERIAL_CODE(0x808)  /* out: ULONG, how many of its own requests were
                                                     cancelled */

#define SERIAL_EVENT_RECEIVED 1u
#define SERIAL_EVENT_SENT 2u     /* the line is idle again */
#define SERIAL_EVENT_OVERRUN 4u

typedef struct {
    ULONG Sent, Received, Lost; /* bytes */
    ULONG Reads, Writes, Cancelled;
} SERIAL_COUNTS;

/* Bytes between Tail and Head, which only grow; Port->Lock. */
typedef struct {
    ULONG Head, Tail;
    UCHAR Bytes[SERIAL_RING];
} SERIAL_RING_BUFFER;

typedef struct SERIAL_PORT SERIAL_PORT;

typedef struct {
    IO_CSQ Csq;
    LIST_ENTRY Requests; /* Port->Lock */
    SERIAL_PORT *Port;
} SERIAL_QUEUE;

struct SERIAL_PORT {
    PDEVICE_OBJECT Device;
    KMUTEX OpenLock;
    ULONG Opens;         /* OpenLock */
    PVOID LockedCode;    /* the handle of PAGESER while it is open */
    KSPIN_LOCK Lock;
    KTIMER Timer;
    KDPC Dpc;
    SERIAL_QUEUE Reads, Writes, Waits;
    SERIAL_RING_BUFFER *Out, *In; /* nonpaged pool, while it is open */
    ULONG BitsPerSecond, BitsLeft; /* over from the last period */
    ULONG ReadLimit;               /* milliseconds */
    ULONG Mask, Events;
    BOOLEAN Busy; /* there were bytes on the line in the last period */
    SERIAL_COUNTS Counts;
};

/* ---- ring: SERIAL_RING bytes at most; Port->Lock held ---- */
ULONG SerialRingCount(const SERIAL_RING_BUFFER *Ring);
ULONG SerialRingPut(SERIAL_RING_BUFFER *Ring, const UCHAR *Bytes, ULONG Length);
ULONG SerialRingGet(SERIAL_RING_BUFFER *Ring, UCHAR *Bytes, ULONG Length);

/* ---- queue: requests that wait; any of them may be cancelled at any time ---- */
NTSTATUS SerialQueueInitialize(SERIAL_QUEUE *Queue, SERIAL_PORT *Port);
/* Marks the request pending and returns STATUS_PENDING, or why not. <= DISPATCH_LEVEL */
NTSTATUS SerialQueueAdd(SERIAL_QUEUE *Queue, PIRP Irp);
/* The first request that can be completed now, taken out; or NULL. */
PIRP SerialQueueTakeReady(SERIAL_QUEUE *Queue);
/* Cancels what is of File, or all with NULL. <= DISPATCH_LEVEL */
VOID SerialQueueCancel(SERIAL_QUEUE *Queue, PFILE_OBJECT File);

/* ---- line ---- */
KDEFERRED_ROUTINE SerialLineDpc;
/* Whether a request of the queue can be completed; Port->Lock held. */
BOOLEAN SerialIsReady(SERIAL_QUEUE *Queue, PIRP Irp);
/* Completes all that can be; without the lock. */
VOID SerialCompleteReady(SERIAL_PORT *Port);
/* Of a write: what of it is on the line already; kept in the request. */
#define SERIAL_DONE(irp) (*(ULONG *)&(irp)->Tail.Overlay.DriverContext[0])
/* Of a read: the interrupt time, in 100 ns, at which it ends with what is there; 0: never. */
#define SERIAL_DEADLINE(irp) (*(ULONG64 *)&(irp)->Tail.Overlay.DriverContext[1])

/* ---- control ---- */
DRIVER_DISPATCH SerialDeviceControl;
NTSTATUS SerialComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
