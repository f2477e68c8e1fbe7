/* SPDX-License-Identifier: MIT */
/*
 * The control channel's wire: port 1 of a virtio console device (QEMU: virtserialport, nr=1), a
 * stream of bytes each way. Nothing is lost: the host is held up while no receive buffer is free,
 * the guest while the host does not read. (A virtconsole port would not do: QEMU drops what a
 * console writes while its host end is full.)
 */
#pragma once

#include "hal/virtio.h"

/* A part of one write. Resident memory: it may be read at any IRQL, from any thread. */
typedef struct _CONSOLE_PIECE {
    const VOID *Data;
    SIZE_T Length;
} CONSOLE_PIECE, *PCONSOLE_PIECE;

/* Finds and starts the device. STATUS_NO_SUCH_DEVICE: none. PASSIVE_LEVEL */
NTSTATUS IoInitializeConsole(VOID);

/*
 * Writes the pieces one after the other, with nothing of another writer between them; writes keep
 * the order of their calls. Returns when the device has been handed every byte. Any IRQL; below
 * DISPATCH_LEVEL with interrupts on the thread waits while the host is slow, else it spins.
 */
VOID IoWriteConsole(const CONSOLE_PIECE *Pieces, ULONG Count);

/*
 * The same for a system that is dying: interrupts off, no lock, no wait. First sends the rest of
 * what others had begun, so that the stream stays whole. Gives up on a host that has not read for
 * five seconds. From the first call on IoWriteConsole works this way too.
 */
VOID IoWriteConsolePolled(const CONSOLE_PIECE *Pieces, ULONG Count);

/* Returns once the device has taken all that was written, or after five seconds. Any IRQL */
VOID IoDrainConsole(VOID);

/*
 * Reads what there is, up to Length bytes; waits while there is nothing. 0: the device broke the
 * protocol, nothing more will come. One reader thread, PASSIVE_LEVEL.
 */
ULONG IoReadConsole(PVOID Buffer, ULONG Length);

/* ---- between virtio_console.c and console_transmit.c ---- */

#define CONSOLE_BUFFER_SIZE PAGE_SIZE

VOID IopInitializeTransmit(PVIRTIO_DEVICE Device, PVIRTIO_QUEUE Queue);
/* From the console's DPC. */
VOID IopTransmitDpc(VOID);
/* From any IRQL: has the console's DPC run. */
VOID IopQueueConsoleDpc(VOID);
