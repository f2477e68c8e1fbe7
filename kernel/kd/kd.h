/* SPDX-License-Identifier: MIT */
/*
 * Kd's internals: the target's side of the kernel debugger. README.md has the walk of a stop.
 *
 * Everything here runs with interrupts off (KdEnterDebugger), on one processor, the others frozen;
 * that is the only lock. Nothing here may fault: memory is reached through MmDbgCopyMemory, and
 * code and data of the kernel are never paged.
 */
#pragma once

#include "ke/ki.h"
#include "mm/mm.h"
#include "nt/kd.h"
#include "nt/rtl.h"
#include "wire/kd.h"
#include "wire/kd_data.h"

#define KD_MAX_REPLY_DATA (KD_MAX_PAYLOAD - (ULONG)sizeof(DBGKD_MANIPULATE_STATE64))
#define KI_SHARED_KD_DEBUGGER_ENABLED 0x2D4 /* bit 0: enabled, bit 1: a debugger is present */

#define KD_PRINT_BUFFER_SIZE 0x8000u /* bytes that are kept of what was printed */
extern CHAR KdPrintDefaultCircularBuffer[KD_PRINT_BUFFER_SIZE];
extern PCHAR KdPrintCircularBuffer, KdPrintWritePointer;
extern ULONG KdPrintBufferSize, KdPrintRolloverCount;

/* ---- initialize.c ---- */
/* The word "kd" on the kernel's command line. Without it the UART is never touched. */
VOID KdInitSystem(VOID);
extern KDDEBUGGER_DATA64 KdDebuggerDataBlock; /* debugger_data.c; filled by KdInitSystem */
/* A debugger was heard, or is given up. Any IRQL. */
VOID KdpSetPresent(BOOLEAN Present);
/* Of a request's bytes, at most KD_MAX_REPLY_DATA; "kd-max-read=N" makes it less. */
extern ULONG KdpMaximumRead;

/* ---- load_symbols.c ---- */
/* An image came or goes. PASSIVE_LEVEL */
VOID KdReportImage(PCUNICODE_STRING Name, PVOID Base, ULONG Size, ULONG CheckSum, BOOLEAN Unload);

/* ---- uart.c: COM1, polled ---- */
BOOLEAN KdpInitializeUart(VOID); /* FALSE: there is none */
BOOLEAN KdpReadUart(PUCHAR Byte); /* FALSE: no byte is there now */
VOID KdpWriteUart(const VOID *Bytes, SIZE_T Size);

/* ---- kdcom.c: packets, ids, acknowledgements. Interrupts off. ---- */
typedef enum _KDP_RECEIVE {
    KdpReceived,     /* KdpPayload() holds a packet of the type wanted */
    KdpAcknowledged, /* what was sent has arrived */
    KdpTimedOut,
    KdpResend,       /* what was pending is to be sent again */
    KdpReset,        /* as well, and the other side has forgotten all that was before */
} KDP_RECEIVE;

VOID KdpInitializePackets(VOID);
/*
 * Sends until it is acknowledged. KdpAcknowledged; KdpTimedOut: given up after KD_PRINT_RETRIES,
 * which only prints and load-symbols changes may be, and no debugger is present then; KdpReset: an
 * answer that its asker, which has begun anew, no longer waits for.
 */
KDP_RECEIVE KdpSendPacket(USHORT Type, const VOID *Header, SIZE_T HeaderSize, const VOID *Data,
                      SIZE_T DataSize);
/* Waits for a packet of Type, of at least LeastSize bytes: all but KdpAcknowledged. */
KDP_RECEIVE KdpReceivePacket(USHORT Type, SIZE_T LeastSize);
/* The last packet received; good until the next send or receive. */
const UCHAR *KdpPayload(PULONG Size);
/* Looks at what has come in; TRUE: a debugger wants to break in. Interrupts off. */
BOOLEAN KdpTestBreakIn(VOID);
VOID KdpForgetBreakIn(VOID);

/* ---- trap.c ---- */
/* KiDebugRoutine: TRUE, continue at Context. */
BOOLEAN KdpTrap(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN SecondChance);
/* Freezes the system; FALSE: it is frozen already, by a debugger that has itself faulted. */
BOOLEAN KdEnterDebugger(PCONTEXT Context);
VOID KdExitDebugger(PCONTEXT Context);
/* From the clock interrupt, when KdDebuggerEnabled: breaks in when it was asked to. */
VOID KdCheckForDebugBreak(VOID);
/* In the debugger now. */
extern BOOLEAN KdpEntered;

/* ---- state_change.c: between KdEnterDebugger and KdExitDebugger ---- */
/* TRUE: handled. FirstChance as in the packet. */
BOOLEAN KdpReportException(const EXCEPTION_RECORD *Record, PCONTEXT Context, BOOLEAN SecondChance);
VOID KdpReportLoadSymbols(PCSTR Path, ULONG PathSize, const KD_SYMBOLS_INFO *Info, BOOLEAN Unload,
                          PCONTEXT Context);
VOID KdpReportCommandString(PCSTR Name, ULONG NameSize, PCSTR Command, ULONG CommandSize,
                            PCONTEXT Context);

/* ---- manipulate.c: one request of the debugger ---- */
typedef enum _KDP_ANSWER {
    KdpAnswer,          /* the header, and ReplySize bytes of Reply */
    KdpAnswerNothing,   /* the protocol has no answer for it */
    KdpContinueHandled, /* leaves the debugger */
    KdpContinueNotHandled,
    KdpStateChange,     /* a new state change is the answer */
    KdpAskedAnew,       /* nobody waits for the answer: the same state change again */
} KDP_ANSWER;

typedef struct _KDP_REQUEST {
    DBGKD_MANIPULATE_STATE64 Header; /* echoed; ReturnStatus is success unless changed */
    const UCHAR *Data;               /* of DataSize bytes, behind the header */
    ULONG DataSize;
    PCONTEXT Context;                /* of the stop */
    PUCHAR Reply;                    /* room for KD_MAX_REPLY_DATA */
    ULONG ReplySize;
} KDP_REQUEST, *PKDP_REQUEST;

typedef KDP_ANSWER KDP_MANIPULATE(PKDP_REQUEST Request);
KDP_ANSWER KdpManipulate(PKDP_REQUEST Request);
VOID KdpForgetContextSent(VOID); /* at each stop */

KDP_MANIPULATE KdpReadVirtual, KdpWriteVirtual, KdpReadPhysical, KdpWritePhysical, KdpSearchMemory,
    KdpFillMemory, KdpQueryMemory;                                            /* memory.c */
KDP_MANIPULATE KdpGetContext, KdpSetContext, KdpGetContextEx, KdpSetContextEx; /* context.c */
KDP_MANIPULATE KdpReadControlSpace, KdpWriteControlSpace, KdpReadMsr,
    KdpWriteMsr;                                                        /* control_space.c */
KDP_MANIPULATE KdpReadIoSpace, KdpWriteIoSpace, KdpReadIoSpaceExtended,
    KdpWriteIoSpaceExtended;                                                  /* io_space.c */
KDP_MANIPULATE KdpWriteBreakpoint, KdpRestoreBreakpoint;                      /* breakpoint.c */

/* ---- breakpoint.c ---- */
/* Takes out the breakpoints in [First, Last] of this address space and forgets them. Any IRQL. */
VOID KdpDeleteBreakpointRange(ULONG64 First, ULONG64 Last);
VOID KdpDeleteAllBreakpoints(VOID); /* interrupts off */
/* Sets those in [First, Last] whose byte is gone, and those that are owed. Any IRQL. */
VOID KdpRearmBreakpoints(ULONG64 First, ULONG64 Last);

/* ---- debugger_data.c ---- */
extern DBGKD_GET_VERSION64 KdVersionBlock;
VOID KdpInitializeDebuggerData(VOID);

/* ---- debug_print.c ---- */
/* Called with each text printed; any IRQL, so it may only copy. NULL: nobody listens. */
extern VOID (*KdPrintHook)(PCSTR Text, ULONG Length);
/* To all who listen, a debugger too. Any IRQL. */
VOID KdpPrint(PCSTR Text, ULONG Length);
/* debug_filter.c: what the driver asked not to print. Any IRQL */
BOOLEAN KdpIsFiltered(ULONG ComponentId, ULONG Level);
extern BOOLEAN KdpBlockEnable; /* debug_control.c: KdEnableDebugger fails */
/* To the debugger alone, when one is present. Any IRQL. */
VOID KdpPrintToDebugger(PCSTR Text, ULONG Length);
/* Asks the debugger; returns the length of the answer in Response. 0: nobody answers. */
ULONG KdpPrompt(PCSTR Prompt, ULONG PromptLength, PCHAR Response, ULONG ResponseSize);

/* ---- service.c: int 2Dh ---- */
/* Asks for the services (break.S). Any IRQL */
VOID DbgpPrintString(PCSTR Text, USHORT Length, ULONG ComponentId, ULONG Level);
ULONG DbgpPromptString(PCSTR Prompt, USHORT Length, PCHAR Response, USHORT Room);
VOID DbgLoadImageSymbols(PSTRING Path, KD_SYMBOLS_INFO *Info);
VOID DbgUnLoadImageSymbols(PSTRING Path, KD_SYMBOLS_INFO *Info);
VOID DbgpCommandString(PSTRING Name, PSTRING Command);
/* TRUE: Record is of an int 2Dh, and was served. */
BOOLEAN KdpService(PEXCEPTION_RECORD Record, PCONTEXT Context);
BOOLEAN KdpIsService(const EXCEPTION_RECORD *Record);
