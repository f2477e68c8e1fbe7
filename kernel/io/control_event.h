/* SPDX-License-Identifier: MIT */
/* Frames to the host. Any IRQL unless said otherwise; what is sent must be resident. */
#pragma once

#include "io/control_agent.h"
#include "lib/control_codec.h"
#include "mm/mm.h"

/* Fixed has the type's size; First and Second are what it calls for, or empty. */
VOID IopSendControl(ULONG Type, ULONG Id, const VOID *Fixed, CONTROL_BYTES First,
                    CONTROL_BYTES Second);
VOID IopReply(ULONG Id, NTSTATUS Status, ULONG64 Information, const VOID *Data, ULONG Length);
/* An event of Unicode names, sent as UTF-8; Second may be NULL. PASSIVE_LEVEL, APC_LEVEL */
VOID IopSendNames(ULONG Type, PCUNICODE_STRING First, PCUNICODE_STRING Second);
VOID IopSendImageEvent(ULONG Type, PVOID Base, ULONG Size, CONTROL_BYTES Name, BOOLEAN UnderTest);
/* Of a driver that is not the one under test. PASSIVE_LEVEL */
VOID IopSendServiceImageEvent(ULONG Type, PMM_IMAGE Image);
/* Object: the driver or device that logged it. Strings: Bytes of whole strings, each with a NUL. */
VOID IopSendErrorLog(CONTROL_ERROR_LOG *Log, PVOID Object, PCWSTR Strings, ULONG Bytes);
/* Names that end in NULs, one behind the other. */
VOID IoReportTimelineNames(PCSTR Names, ULONG Length);
/* Batch->Length is the sum of both runs. Polled: as IoWriteConsolePolled. */
VOID IoReportTimeline(const TIMELINE_BATCH *Batch, const TIMELINE_ENTRY *First, ULONG FirstBytes,
                      const TIMELINE_ENTRY *Second, ULONG SecondBytes, BOOLEAN Polled);
/* An exception that ends the current process. PspUserExceptionHook. PASSIVE_LEVEL */
VOID IopReportUserException(PEXCEPTION_RECORD Record, PCONTEXT Context);
/* A process has ended; nothing is told of what had no program, or of what is known. <= DISPATCH */
VOID IopReportProcessEnd(PEPROCESS Process);
/* From now on what the kernel reports goes to the host. */
VOID IopConnectControlEvents(VOID);
/* Says why in log and channel, and ends the machine. */
DECLSPEC_NORETURN VOID IopEndControlSession(PCSTR Reason);

FORCEINLINE CONTROL_BYTES IopControlBytes(const VOID *Data, SIZE_T Length)
{
    CONTROL_BYTES Bytes = {Data, (ULONG)Length};
    return Bytes;
}

#define CONTROL_NOTHING IopControlBytes("", 0)
