/* SPDX-License-Identifier: MIT */
/*
 * The line between a debugger and the guest's UART: a socket in the file system that one debugger
 * at a time may connect to, leave and connect to again. It is passed through this process so that
 * a debugger's presence is known, for it suspends the time limit, and so that the guest never waits
 * for one that is gone: what the guest says to nobody is dropped, as on a real line.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    int Stop;     /* an eventfd that ends the thread */
    bool Running;
    pthread_t Thread;
    KD_LINE_FLOW ToMachine, ToClient;
    _Atomic uint64_t AttachedSince; /* of TextNow; 0: nobody is connected */
    _Atomic uint64_t AttachedTime;  /* milliseconds, of those who have left */
} KD_LINE;

/*
 * Listens at Path, for this user only. A socket that nobody listens to any more is replaced;
 * anything else that is there is an error. The file goes with KdLineClose.
 */
bool KdLineOpen(KD_LINE *Line, const char *Path, char *Error, size_t ErrorSize);
/* A line with a debugger that is connected already, and no other after it. */
void KdLineAdopt(KD_LINE *Line, int Client);
/*
 * Bytes flow from now on, by a thread of its own: whatever else the program does, a debugger and
 * the guest hear each other at once. False: no thread.
 */
bool KdLineStart(KD_LINE *Line, int Machine);
void KdLineClose(KD_LINE *Line); /* may be repeated */
/* Any thread. */
static inline bool KdLineAttached(const KD_LINE *Line)
{
    return Line->AttachedSince != 0;
}
/* How long debuggers have been connected until now, in milliseconds. Any thread. */
uint64_t KdLineAttachedTime(const KD_LINE *Line);
