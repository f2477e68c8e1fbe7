/* SPDX-License-Identifier: MIT */
/*
 * Three devices of one test driver, one on top of the other. What each does with a control request
 * stands in its TEST_LAYER; what happened, in order, in the stack's log.
 */
#pragma once

#include "io/iop.h"
#include "nt/rtl.h"
#include "test_thread.h"

#define LAYER_CODE(method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, (method), FILE_ANY_ACCESS)

typedef struct _TEST_LAYER {
    CHAR Name; /* b, m, t: bottom, middle, top; a completion routine logs the capital */
    PDEVICE_OBJECT Device;
    PDEVICE_OBJECT Lower; /* NULL: the bottom */
    PDRIVER_DISPATCH Dispatch;
    PIO_COMPLETION_ROUTINE Completion; /* NULL: passes on without a location of its own */
    BOOLEAN OnSuccess, OnError, OnCancel;
    NTSTATUS Status;       /* the bottom completes with it */
    ULONG_PTR Information;
    PIRP Held;             /* pending at the bottom, or kept by a completion routine */
    KEVENT Event;
    BOOLEAN PendingReturned; /* seen by the completion routine */
    NTSTATUS SeenStatus;
    KIRQL SeenIrql;
    PDEVICE_OBJECT SeenDevice;
} TEST_LAYER, *PTEST_LAYER;

typedef struct _TEST_STACK {
    PDRIVER_OBJECT Driver;
    TEST_LAYER Bottom, Middle, Top;
    CHAR Log[32];
    volatile LONG LogLength;
} TEST_STACK, *PTEST_STACK;

extern TEST_STACK Layers;

/* Clears the log, builds the stack: the bottom completes at once, the others forward. PASSIVE */
VOID LayerCreate(VOID);
VOID LayerDelete(VOID);
VOID LayerLog(CHAR What); /* any IRQL */
PTEST_LAYER LayerOf(PDEVICE_OBJECT Device);
NTSTATUS LayerComplete(PTEST_LAYER Layer, PIRP Irp);
/* Dispatch routines. The last keeps the request pending in Held and sets Event. */
DRIVER_DISPATCH LayerCompleteNow, LayerForward, LayerHold;
/* Logs, notes what it saw, passes the pending mark on; the second keeps the request in Held. */
IO_COMPLETION_ROUTINE LayerNote, LayerKeep;
/* A request to the top of the stack, sent; waits when it is pending. Returns the final status. */
NTSTATUS LayerSend(ULONG Code, PVOID Input, ULONG InputLength, PVOID Output, ULONG OutputLength,
                   PIO_STATUS_BLOCK IoStatus);
