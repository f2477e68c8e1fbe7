/* SPDX-License-Identifier: MIT */
/*
 * A meter: takes a sample every few milliseconds, keeps a history, gives sums to programs and to
 * WMI. A sample's way: timer -> DPC (a block of the lookaside list into Fresh) -> work item (into
 * the history, paged pool) -> thread (sums).
 *
 * Sections. PAGE: all of PASSIVE_LEVEL. PAGESAMP: what runs with Fresh's lock; locked by its handle
 * while samples are taken. PAGEDATA: the label, the period.
 *
 * Locks, in this order: Meter.StartLock, Meter.Lock (ERESOURCE: history, sums, label),
 * Meter.FreshLock (spin lock).
 */
#pragma once

#include <ntddk.h>
#include <wmilib.h>

#define METER_TAG 'reMT'
#define METER_HISTORY 4096u /* samples; a power of two */
#define METER_LABEL 32u     /* bytes */

#define PAGE_CODE __attribute__((section("PAGE")))
#define SAMPLE_CODE __attribute__((section("PAGESAMP"))) __attribute__((noinline))
#define INIT_CODE __attribute__((section("INIT")))
#define PAGE_DATA __attribute__((section("PAGEDATA")))

#define METER_CONTROL(number, method) \
    CTL_CODE(FILE_DEVICE_UNKNOWN, number, method, FILE_ANY_ACCESS)
#define IOCTL_METER_START METER_CONTROL(0x801, METHOD_BUFFERED)
#define IOCTL_METER_STOP METER_CONTROL(0x802, METHOD_BUFFERED)
#define IOCTL_METER_SUMS METER_CONTROL(0x803, METHOD_BUFFERED)      /* out: METER_SUMS */
#define IOCTL_METER_HISTORY METER_CONTROL(0x804, METHOD_OUT_DIRECT) /* out: ULONG[], newest last */
/* in: the new label, of at most METER_LABEL bytes; out: the one before */
#define IOCTL_METER_LABEL METER_CONTROL(0x805, METHOD_NEITHER)
#define IOCTL_METER_ASK METER_CONTROL(0x806, METHOD_BUFFERED) /* out: METER_SUMS, through WMI */

typedef struct {
    ULONG64 Count, Sum;
    ULONG Least, Most;
    ULONG Period; /* milliseconds */
    ULONG Reinitialized; /* how often */
} METER_SUMS;

typedef struct {
    LIST_ENTRY Link;
    ULONG Value;
} METER_SAMPLE;

typedef struct {
    PDEVICE_OBJECT Device;
    UNICODE_STRING RegistryPath;
    ERESOURCE Lock;
    PULONG History; /* paged pool */
    METER_SUMS Sums;
    KMUTEX StartLock; /* no fast mutex: the DPCs are drained under it, at PASSIVE_LEVEL */
    ULONG Started;    /* StartLock: how many have asked for samples */
    PVOID SampleCode; /* the handle of PAGESAMP */
    KTIMER Timer;
    KDPC Dpc;
    PIO_WORKITEM Work;
    KEVENT WorkDone; /* set under FreshLock: Fresh is empty, no work item is queued */
    NPAGED_LOOKASIDE_LIST Samples;
    KSPIN_LOCK FreshLock;
    LIST_ENTRY Fresh; /* FreshLock */
    BOOLEAN Queued;   /* FreshLock: the work item */
    ULONG Scale;      /* of samples; set before they are taken */
    KEVENT Wake;      /* the thread: new samples, or the end */
    volatile LONG Ending;
    PVOID Thread;
} METER;

extern METER Meter;

/* ---- dpc.c; PAGESAMP ---- */
KDEFERRED_ROUTINE MeterTick;

/* ---- sampler.c ---- */
NTSTATUS MeterInitializeSampler(VOID);
VOID MeterDeleteSampler(VOID);
VOID MeterStart(VOID);
/* FALSE: nobody had started it. */
BOOLEAN MeterStop(VOID);
/* PAGESAMP is locked: a sample into Fresh, and the work item. DISPATCH_LEVEL */
VOID MeterKeep(ULONG Value);
NTSTATUS MeterStartThread(VOID);
VOID MeterEndThread(VOID);

/* ---- provider.c; PASSIVE_LEVEL ---- */
NTSTATUS NTAPI MeterSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp);
NTSTATUS MeterAsk(METER_SUMS *Sums);
VOID MeterFire(ULONG Value);

/* ---- settings.c; PASSIVE_LEVEL ---- */
extern ULONG MeterPeriod; /* PAGEDATA: milliseconds */
extern ULONG MeterScale;  /* PAGEDATA: as the registry says */
DRIVER_REINITIALIZE MeterReinitialize;
/* User addresses, of the current process. */
NTSTATUS MeterExchangeLabel(PVOID New, ULONG NewLength, PVOID Old, ULONG OldLength,
                            PULONG_PTR Information);
