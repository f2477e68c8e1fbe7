/* SPDX-License-Identifier: MIT */
#include "correct/serial-loop/serial-loop.h"

LOCKED_CODE ULONG SerialRingCount(const SERIAL_RING_BUFFER *Ring)
{
    return Ring->Head - Ring->Tail;
}

LOCKED_CODE ULONG SerialRingPut(SERIAL_RING_BUFFER *Ring, const UCHAR *Bytes, ULONG Length)
{
    ULONG Room = SERIAL_RING - SerialRingCount(Ring);
    ULONG Count = Length < Room ? Length : Room;
    for (ULONG i = 0; i < Count; i++) {
        Ring->Bytes[Ring->Head++ % SERIAL_RING] = Bytes[i];
    }
    return Count;
}

LOCKED_CODE ULONG SerialRingGet(SERIAL_RING_BUFFER *Ring, UCHAR *Bytes, ULONG Length)
{
    ULONG There = SerialRingCount(Ring);
    ULONG Count = Length < There ? Length : There;
    for (ULONG i = 0; i < Count; i++) {
        Bytes[i] = Ring->Bytes[Ring->Tail++ % SERIAL_RING];
    }
    return Count;
}
