/* SPDX-License-Identifier: MIT */
/*
 * WMI between the drivers that register blocks of data and those that ask for them.
 *
 * A provider is a device that IoWMIRegistrationControl registered; what blocks it has is asked by
 * an IRP_MN_REGINFO(_EX) in a work item, as the device need not be ready at the call. WmipLock (a
 * fast mutex) guards the list of providers and their blocks; no request is sent with it held. Who
 * sends one holds the provider's rundown protection; deregistering waits for that.
 */
#pragma once

#include "io/iop.h"
#include "nt/wmi.h"

#define WMI_TAG 0x70696d57u /* 'Wmip' */
#define WMIP_BUFFER_MOST 0x100000u

typedef struct _WMIP_BLOCK {
    GUID Guid;
    ULONG Flags;
    ULONG InstanceCount;
    UNICODE_STRING BaseName; /* instance n is BaseName_n */
} WMIP_BLOCK, *PWMIP_BLOCK;

typedef struct _WMIP_PROVIDER {
    LIST_ENTRY Links;
    PDEVICE_OBJECT Device; /* referenced; NULL: a trace callback */
    PVOID Callback;
    PVOID Caller;          /* return address of the registration */
    EX_RUNDOWN_REF Rundown;
    WORK_QUEUE_ITEM WorkItem;
    KEVENT Asked; /* the registration information has come, or none will */
    ULONG Update; /* WMIREGISTER or WMIUPDATE, of the work item */
    volatile LONG Blocked;
    ULONG BlockCount;
    PWMIP_BLOCK Blocks; /* with their names, in one piece of pool */
} WMIP_PROVIDER, *PWMIP_PROVIDER;

extern LIST_ENTRY WmipProviders;
extern FAST_MUTEX WmipLock;

VOID WmipInitialize(VOID);
/* What Driver left registered is told and taken back. PASSIVE_LEVEL */
VOID WmipReportLeftProviders(PDRIVER_OBJECT Driver);

/* ---- wmi_request.c: PASSIVE_LEVEL ---- */
/*
 * Sends the request to the top of the device's stack and waits. Buffer is nonpaged, BufferSize is
 * what the driver may write of it; *Information how much it says it wrote.
 */
NTSTATUS WmipSendRequest(PWMIP_PROVIDER Provider, UCHAR MinorFunction, PVOID DataPath,
                         ULONG BufferSize, PVOID Buffer, PULONG_PTR Information);
/*
 * Sends one that answers with a node, in a buffer of a size that fits: the driver says how much it
 * needs. The buffer begins with Head's Head->BufferSize bytes. *Node is the caller's to free, and
 * what it says of its size is true.
 */
NTSTATUS WmipAskNode(PWMIP_PROVIDER Provider, UCHAR MinorFunction, const WNODE_HEADER *Head,
                     PWNODE_HEADER *Node);

/* ---- wmi_block.c ---- */
VOID WmipInitializeBlocks(VOID);

/* ---- wmi_registration.c ---- */
/*
 * Replaces the blocks by what Info (of Size bytes, as the driver left it) says. Referenced: it
 * holds a reference to each physical device that it names.
 */
NTSTATUS WmipTakeRegistration(PWMIP_PROVIDER Provider, const WMIREGINFO *Info, ULONG Size,
                              BOOLEAN Referenced);
