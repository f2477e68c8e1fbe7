/* SPDX-License-Identifier: MIT */
/*
 * The line between a debugger and the guest's UART: a socket in the file system that one debugger
 * at a time may connect to, leave and connect to again. It is passed through this process so that
 * a debugger's presence is known, for it suspends the time limit, and so that the guest never waits
 * for one that is gone: what the guest says to nobody is dropped, as on a real line.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KD_LINE_POLLS 3u
#define KD_LINE_BUFFER 16384u

/* One direction: bytes that were read and are not yet written. */
typedef struct {
    uint8_t Bytes[KD_LINE_BUFFER];
    size_t Start, End;
} KD_LINE_FLOW;

typedef struct {
    char Path[108];
    int Listener; /* -1: closed */
    int Client;   /* -1: nobody is connected */
    int Machine;  /* the UART's end; not ours to close. -1: closed by the machine */
    KD_LINE_FLOW ToMachine, ToClient;
} KD_LINE;

/*
 * Listens at Path, for this user only. A socket that nobody listens to any more is replaced;
 * anything else that is there is an error. The file goes with KdLineClose.
 */
bool KdLineOpen(KD_LINE *Line, const char *Path, char *Error, size_t ErrorSize);
/* A line with a debugger that is connected already, and no other after it. */
void KdLineAdopt(KD_LINE *Line, int Client);
void KdLineClose(KD_LINE *Line); /* may be repeated */
static inline bool KdLineAttached(const KD_LINE *Line)
{
    return Line->Client >= 0;
}
/* What to wait for; fills KD_LINE_POLLS entries. */
void KdLinePoll(const KD_LINE *Line, struct pollfd Poll[KD_LINE_POLLS]);
/* Moves what can be moved, takes or refuses who comes. Never waits. */
void KdLineRun(KD_LINE *Line);
