/* SPDX-License-Identifier: MIT */
/*
 * The split virtqueue.
 *
 * Invariants, of the driver's own copies (the device cannot change them):
 *  1. Available - Used (16-bit) is the number of chains the device owns; never more than Size.
 *  2. The device may have moved its used index forward by at most that number; else it is broken.
 *  3. The driver's index in shared memory is written only after the entry it uncovers.
 *
 * Interrupts and notifications: with the event index negotiated, each side names the entry it
 * wants to be told about, which saves an interrupt per entry in a burst and a register write (an
 * exit to the machine emulator) where the device is busy anyway. Without it, flags do the same.
 */
#include "hal/virtio.h"

#define VIRTIO_AVAILABLE_NO_INTERRUPT 1
#define VIRTIO_USED_NO_NOTIFY 1

static volatile USHORT *HalpUsedEvent(PVIRTIO_QUEUE Queue)
{
    return &Queue->Ring->Available.Ring[Queue->Size];
}

static volatile USHORT *HalpAvailableEvent(PVIRTIO_QUEUE Queue)
{
    return (volatile USHORT *)&Queue->Ring->Used.Ring[Queue->Size];
}

VOID HalPublishVirtioChain(PVIRTIO_QUEUE Queue, USHORT Head)
{
    NT_ASSERT(Head < Queue->Size);
    NT_ASSERT(HalVirtioOutstanding(Queue) < Queue->Size);
    Queue->Ring->Available.Ring[Queue->Available & (Queue->Size - 1)] = Head;
    Queue->Available++;
    __atomic_store_n(&Queue->Ring->Available.Index, Queue->Available, __ATOMIC_RELEASE);
}

VOID HalKickVirtioQueue(PVIRTIO_QUEUE Queue)
{
    USHORT New = Queue->Available;
    USHORT Old = Queue->Notified;
    BOOLEAN Notify;

    if (New == Old) {
        return;
    }
    /* The device must see the new index before we look whether it sleeps. */
    KeMemoryBarrier();
    if (Queue->Device->Features & VIRTIO_F_EVENT_INDEX) {
        USHORT Event = *HalpAvailableEvent(Queue);
        Notify = (USHORT)(New - Event - 1) < (USHORT)(New - Old);
    } else {
        Notify = !(Queue->Ring->Used.Flags & VIRTIO_USED_NO_NOTIFY);
    }
    Queue->Notified = New;
    if (Notify) {
        HalNotifyVirtioQueue(Queue);
    }
}

VIRTIO_USED HalPopVirtioUsed(PVIRTIO_QUEUE Queue, PULONG Id, PULONG Length)
{
    USHORT DeviceIndex = __atomic_load_n(&Queue->Ring->Used.Index, __ATOMIC_ACQUIRE);
    USHORT Ready = (USHORT)(DeviceIndex - Queue->Used);
    volatile VIRTIO_USED_ELEMENT *Element;

    if (Ready == 0) {
        return VirtioUsedNone;
    }
    if (Ready > HalVirtioOutstanding(Queue)) {
        return VirtioUsedCorrupt;
    }
    Element = &Queue->Ring->Used.Ring[Queue->Used & (Queue->Size - 1)];
    *Id = Element->Id;
    *Length = Element->Length;
    Queue->Used++;
    return *Id < Queue->Size ? VirtioUsedEntry : VirtioUsedCorrupt;
}

BOOLEAN HalArmVirtioQueue(PVIRTIO_QUEUE Queue)
{
    if (Queue->Device->Features & VIRTIO_F_EVENT_INDEX) {
        *HalpUsedEvent(Queue) = Queue->Used;
    } else {
        Queue->Ring->Available.Flags = 0;
    }
    /* Either the device sees the request and interrupts, or we see what it did before. */
    KeMemoryBarrier();
    return Queue->Ring->Used.Index != Queue->Used;
}

VOID HalDisarmVirtioQueue(PVIRTIO_QUEUE Queue)
{
    if (Queue->Device->Features & VIRTIO_F_EVENT_INDEX) {
        /* The index furthest away: reached only after 65535 more entries. */
        *HalpUsedEvent(Queue) = (USHORT)(Queue->Used - 1);
    } else {
        Queue->Ring->Available.Flags = VIRTIO_AVAILABLE_NO_INTERRUPT;
    }
}
