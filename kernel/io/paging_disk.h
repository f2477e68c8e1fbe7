/* SPDX-License-Identifier: MIT */
/*
 * The paging path to the disk: nonpaged code and memory only, no allocation, no IRP. Mm submits a
 * cluster of pages; the disk's interrupt queues a DPC, which completes it.
 */
#pragma once

#include "ke/ki.h"

#define PAGING_CLUSTER_MAXIMUM 32u /* pages in a request: 128 KB */

typedef struct _PAGING_REQUEST PAGING_REQUEST, *PPAGING_REQUEST;
typedef VOID PAGING_COMPLETION(PPAGING_REQUEST Request);

struct _PAGING_REQUEST {
    LIST_ENTRY Link;            /* the disk's, while queued */
    BOOLEAN Write;
    ULONG PageCount;            /* 1..PAGING_CLUSTER_MAXIMUM */
    ULONG64 Slot;               /* first page of the file */
    PFN_NUMBER Page[PAGING_CLUSTER_MAXIMUM];
    PAGING_COMPLETION *Complete; /* at DISPATCH_LEVEL, Status set; may free or reuse the request */
    PVOID Context;
    NTSTATUS Status;            /* STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR, ... */
    ULONG DeviceSlot;           /* the disk's */
};

/* Finds and starts the disk. STATUS_NO_SUCH_DEVICE: none. PASSIVE_LEVEL */
NTSTATUS IoInitializePagingDisk(PULONG64 PageCount);
/* Never fails, never blocks: waits in a list when the device's ring is full. <= DISPATCH_LEVEL */
VOID IoSubmitPagingRequest(PPAGING_REQUEST Request);
/*
 * The same, and Event is what the completion will set: where nothing else is ready to run, looks
 * for the completion for some microseconds before it returns. <= APC_LEVEL
 */
VOID IoSubmitAndPollPagingRequest(PPAGING_REQUEST Request, const KEVENT *Event);
/* The same I/O by polling, for bench's floor and for early boot. Returns the status. */
NTSTATUS IoPagingTransferPolled(PPAGING_REQUEST Request);
