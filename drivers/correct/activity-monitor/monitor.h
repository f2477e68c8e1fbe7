/* SPDX-License-Identifier: MIT */
/*
 * A monitor of what the system does: processes, threads, images, registry values, handles to
 * processes. Programs learn of it by requests that wait until there is something to tell.
 *
 * Sections. PAGE: the callbacks, which the system calls at PASSIVE_LEVEL, and the dispatch
 * routines. PAGEMON: what runs with the queue's lock, at DISPATCH_LEVEL; locked while the device is
 * open. PAGEDATA: what programs have set, which the callbacks alone look at.
 *
 * Nobody is told anything while the device is closed: whoever records an event holds
 * Monitor.Listening, and the last close waits for them before it unlocks PAGEMON.
 */
#pragma once

#include <ntddk.h>

#define MONITOR_TAG 'noMA'
#define MONITOR_EVENTS 32u /* remembered when no request waits */
#define MONITOR_NAME 96u   /* characters of a name; longer ones are cut at the front */

#define PAGE_CODE __attribute__((section("PAGE")))
#define MONITOR_CODE __attribute__((section("PAGEMON"))) __attribute__((noinline))
#define INIT_CODE __attribute__((section("INIT")))
#define PAGE_DATA __attribute__((section("PAGEDATA")))

#define MONITOR_CONTROL(number, access) \
    CTL_CODE(FILE_DEVICE_UNKNOWN, number, METHOD_BUFFERED, access)
#define IOCTL_MONITOR_NEXT MONITOR_CONTROL(0x801, FILE_READ_ACCESS)     /* out: MONITOR_EVENT */
#define IOCTL_MONITOR_SELECT MONITOR_CONTROL(0x802, FILE_WRITE_ACCESS)  /* in: ULONG, 1 << kind */
#define IOCTL_MONITOR_PROTECT MONITOR_CONTROL(0x803, FILE_WRITE_ACCESS) /* in: ULONG64, a process */
#define IOCTL_MONITOR_COUNTS MONITOR_CONTROL(0x804, FILE_READ_ACCESS)   /* out: MONITOR_COUNTS */
/* Does something of each kind itself: a thread, a registry value, a handle to the caller. */
#define IOCTL_MONITOR_STIR MONITOR_CONTROL(0x805, FILE_WRITE_ACCESS)

typedef enum {
    MonitorProcessCreated = 1, /* Subject: the process; Other: its parent */
    MonitorProcessEnded,
    MonitorThreadCreated,      /* Subject: the process; Other: the thread */
    MonitorThreadEnded,
    MonitorImageLoaded,        /* Subject: the process, 0: a driver; Other: the address */
    MonitorValueSet,           /* Subject: the process; Other: the type; the key's name */
    MonitorHandleOpened,       /* Subject: the process; Other: the access that was granted */
} MONITOR_KIND;

typedef struct {
    ULONG Kind;
    ULONG NameLength; /* bytes */
    ULONG64 Sequence; /* from 1 on; what is missing was lost */
    LARGE_INTEGER Time;
    ULONG64 Subject;
    ULONG64 Other;
    WCHAR Name[MONITOR_NAME];
} MONITOR_EVENT;

typedef struct {
    ULONG Recorded, Delivered, Lost, Cancelled;
} MONITOR_COUNTS;

typedef struct {
    PDEVICE_OBJECT Device;
    PDRIVER_OBJECT Driver;
    FAST_MUTEX OpenLock;
    ULONG Opens;              /* OpenLock */
    PVOID QueueCode;          /* the handle of PAGEMON */
    EX_RUNDOWN_REF Listening; /* run down while the device is closed */
    LARGE_INTEGER RegistryCookie;
    PVOID ObjectHandle;
    PWCHAR ServiceKey; /* paged pool */
    /* Under Lock: */
    KSPIN_LOCK Lock;
    IO_CSQ Waiting;
    LIST_ENTRY Requests;
    MONITOR_EVENT *Ring; /* nonpaged pool */
    ULONG First, Count;
    ULONG64 Sequence;
    MONITOR_COUNTS Counts;
} MONITOR;

extern MONITOR Monitor;

/* ---- queue.c; PAGEMON is locked ---- */
NTSTATUS MonitorInitializeQueue(VOID);
/* Answers the request that waits longest, or remembers the event. <= DISPATCH_LEVEL */
VOID MonitorPost(const MONITOR_EVENT *Event);
/* Completes the request with an event, or keeps it. */
NTSTATUS MonitorNext(PIRP Irp);
VOID MonitorCancelRequests(PFILE_OBJECT File);
VOID MonitorForget(VOID);
VOID MonitorQueryCounts(MONITOR_COUNTS *Counts);

/* ---- record.c; PASSIVE_LEVEL ---- */
/* Name may be NULL; what is too long loses its front. */
VOID MonitorRecord(MONITOR_KIND Kind, HANDLE Subject, ULONG64 Other, PCUNICODE_STRING Name);
VOID MonitorSelect(ULONG Kinds);

/* ---- watch.c; PASSIVE_LEVEL ---- */
NTSTATUS MonitorStartWatching(VOID);
VOID MonitorStopWatching(VOID);
VOID MonitorProtect(HANDLE Process);
