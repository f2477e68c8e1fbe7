/* SPDX-License-Identifier: MIT */
/*
 * Virtio 1.x over MMIO, split virtqueues; the paging disk and the console stand on it.
 *
 * The device is not trusted: it may write anything into the used ring at any time. So the driver
 * keeps its own copy of every index, never reads back a descriptor, and HalPopVirtioUsed answers
 * VirtioUsedCorrupt for an index or id that cannot be. What to do then is the owner's affair:
 * HalResetVirtioDevice stops the device from touching memory.
 *
 * A queue has no lock of its own; its owner serialises all calls on it.
 */
#pragma once

#include "hal/virtio_slots.h"
#include "ke/ki.h"

#define VIRTIO_ID_BLOCK 2u
#define VIRTIO_ID_CONSOLE 3u

#define VIRTIO_F_INDIRECT (1ull << 28)
#define VIRTIO_F_EVENT_INDEX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

typedef struct _VIRTIO_DEVICE {
    volatile UCHAR *Registers;
    ULONG64 Features; /* negotiated */
    ULONG Gsi;
} VIRTIO_DEVICE, *PVIRTIO_DEVICE;

#define VIRTIO_QUEUE_MAXIMUM 256u

#define VIRTIO_DESCRIPTOR_NEXT 1
#define VIRTIO_DESCRIPTOR_WRITE 2 /* the device writes */
#define VIRTIO_DESCRIPTOR_INDIRECT 4

typedef struct _VIRTIO_DESCRIPTOR {
    ULONG64 Address;
    ULONG Length;
    USHORT Flags;
    USHORT Next;
} VIRTIO_DESCRIPTOR, *PVIRTIO_DESCRIPTOR;

typedef struct _VIRTIO_USED_ELEMENT {
    ULONG Id;
    ULONG Length;
} VIRTIO_USED_ELEMENT;

/*
 * What driver and device share, two pages which need not follow each other in physical memory.
 * In a queue of Size entries, Available.Ring[Size] is the index of the used entry to interrupt
 * for, and the two bytes after Used.Ring[Size - 1] the available entry to notify for.
 */
typedef struct DECLSPEC_ALIGN(4096) _VIRTIO_RING {
    VIRTIO_DESCRIPTOR Descriptor[VIRTIO_QUEUE_MAXIMUM];
    struct {
        USHORT Flags;
        volatile USHORT Index;
        volatile USHORT Ring[VIRTIO_QUEUE_MAXIMUM + 1];
    } Available;
    struct DECLSPEC_ALIGN(1024) {
        volatile USHORT Flags;
        volatile USHORT Index;
        volatile VIRTIO_USED_ELEMENT Ring[VIRTIO_QUEUE_MAXIMUM + 1];
    } Used;
} VIRTIO_RING, *PVIRTIO_RING;

C_ASSERT(sizeof(VIRTIO_DESCRIPTOR) == 16);
C_ASSERT(offsetof(VIRTIO_RING, Available) == PAGE_SIZE);
C_ASSERT(offsetof(VIRTIO_RING, Used) == PAGE_SIZE + 1024);
C_ASSERT(sizeof(VIRTIO_RING) == 2 * PAGE_SIZE);

typedef struct _VIRTIO_QUEUE {
    PVIRTIO_DEVICE Device;
    PVIRTIO_RING Ring;
    ULONG Number;         /* of the queue in the device */
    USHORT Size;          /* entries, a power of two */
    USHORT Available;     /* index of the next entry to publish */
    USHORT Notified;      /* Available when the device was last notified or found awake */
    USHORT Used;          /* index of the next used entry to take */
} VIRTIO_QUEUE, *PVIRTIO_QUEUE;

typedef enum _VIRTIO_USED {
    VirtioUsedNone,
    VirtioUsedEntry,
    VirtioUsedCorrupt,
} VIRTIO_USED;

/* ---- virtio_mmio.c: PASSIVE_LEVEL unless said otherwise ---- */

/* The Instance-th device of that kind. STATUS_NO_SUCH_DEVICE: there is none. */
NTSTATUS HalFindVirtioDevice(ULONG DeviceId, ULONG Instance, PVIRTIO_DEVICE Device);
/* Reset and feature negotiation. STATUS_NOT_SUPPORTED: a Required feature is not offered. */
NTSTATUS HalNegotiateVirtioDevice(PVIRTIO_DEVICE Device, ULONG64 Wanted, ULONG64 Required);
/* Before HalStartVirtioDevice. Size is a power of two, at most VIRTIO_QUEUE_MAXIMUM. */
NTSTATUS HalCreateVirtioQueue(PVIRTIO_DEVICE Device, PVIRTIO_QUEUE Queue, PVIRTIO_RING Ring,
                              ULONG Number, ULONG Size);
NTSTATUS HalStartVirtioDevice(PVIRTIO_DEVICE Device);
/* The device stops: nothing of ours is written after the return. Any IRQL. */
VOID HalResetVirtioDevice(PVIRTIO_DEVICE Device);
VOID HalReadVirtioConfiguration(PVIRTIO_DEVICE Device, ULONG Offset, PVOID Data, ULONG Size);
/* In the interrupt routine, before the end of interrupt. */
VOID HalAcknowledgeVirtioInterrupt(PVIRTIO_DEVICE Device);
VOID HalNotifyVirtioQueue(PVIRTIO_QUEUE Queue);

/* ---- virtio_queue.c: any IRQL ---- */

/* Offers the chain that begins at descriptor Head; the device may use it from now on. */
VOID HalPublishVirtioChain(PVIRTIO_QUEUE Queue, USHORT Head);
/* Tells the device about published chains, unless it has said that it looks anyway. */
VOID HalKickVirtioQueue(PVIRTIO_QUEUE Queue);
VIRTIO_USED HalPopVirtioUsed(PVIRTIO_QUEUE Queue, PULONG Id, PULONG Length);
/* Asks for an interrupt at the next used entry. TRUE: one is there already, take it first. */
BOOLEAN HalArmVirtioQueue(PVIRTIO_QUEUE Queue);
VOID HalDisarmVirtioQueue(PVIRTIO_QUEUE Queue);
/* How many published chains the device has not given back. */
FORCEINLINE USHORT HalVirtioOutstanding(PVIRTIO_QUEUE Queue)
{
    return (USHORT)(Queue->Available - Queue->Used);
}

/* Whether HalPopVirtioUsed may have something; cheap, needs no lock. */
FORCEINLINE BOOLEAN HalVirtioUsedWaiting(PVIRTIO_QUEUE Queue)
{
    return Queue->Ring->Used.Index != *(volatile USHORT *)&Queue->Used;
}

FORCEINLINE VOID HalSetVirtioDescriptor(PVIRTIO_DESCRIPTOR Descriptor, ULONG64 Address,
                                        ULONG Length, USHORT Flags, USHORT Next)
{
    Descriptor->Address = Address;
    Descriptor->Length = Length;
    Descriptor->Flags = Flags;
    Descriptor->Next = Next;
}
