/* SPDX-License-Identifier: MIT */
/*
 * The guest's end of the control channel (include/wire/control.h): what a scenario on the host asks
 * for, and what the host is told.
 *
 * kernel/io/control_agent.c    the agent thread: frames in, requests in order
 * kernel/io/control_client.c   open devices: a thread for each, in the client process
 * kernel/io/control_driver.c   the driver under test: load, unload, sections
 * kernel/io/control_event.c    replies and events out
 *
 * Order of requests: the agent thread runs them one after the other as they come, except those on
 * a device (open, close, ioctl, read, write): it queues these to the device's client thread, which
 * runs them in their order. So a host that waits for each reply sees strict order, and one that
 * does not may have an ioctl under way on each of several handles, and page out, count or wait
 * meanwhile. Replies carry the request's number and come as the requests end. Requests on a handle
 * that was opened overlapped run side by side, in a thread each; one that the driver leaves pending
 * is answered by STATUS_PENDING once it is under way, and its end is an event.
 */
#pragma once

#include "ke/ki.h"
#include "wire/control.h"

/*
 * Starts console and hooks and serves the host's requests for the rest of the machine's life, in
 * the calling thread. Without a console the machine can not be controlled: it says so in the log
 * and exits. PASSIVE_LEVEL
 */
DECLSPEC_NORETURN VOID IoRunControlAgent(VOID);

/* Any IRQL. Text is resident. Address: whom it is about, or NULL. */
VOID IoReportFinding(ULONG Code, PVOID Address, PCSTR Text);
/* What DbgPrint made; set as KdPrintHook. */
VOID IoReportDebugPrint(PCSTR Text, ULONG Length);
VOID IoReportTestResult(PCSTR Name, ULONG Failures, PCSTR FirstFailure);
/* The last words of a dying system: by polling, whatever was interrupted. */
VOID IoReportBugCheck(const CONTROL_BUG_CHECK *Report, const CONTROL_HISTORY *History);
