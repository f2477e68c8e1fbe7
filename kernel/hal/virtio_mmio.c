/* SPDX-License-Identifier: MIT */
/*
 * The MMIO transport of virtio 1.x ("modern"; a legacy device is refused). Every register access
 * is an exit to the machine emulator, so the paths of an I/O use two: notify, and acknowledge.
 */
#include "hal/virtio.h"

#include "mm/mm.h"

#define REGISTER_MAGIC 0x000
#define REGISTER_VERSION 0x004
#define REGISTER_DEVICE_ID 0x008
#define REGISTER_DEVICE_FEATURES 0x010
#define REGISTER_DEVICE_FEATURES_SELECT 0x014
#define REGISTER_DRIVER_FEATURES 0x020
#define REGISTER_DRIVER_FEATURES_SELECT 0x024
#define REGISTER_QUEUE_SELECT 0x030
#define REGISTER_QUEUE_SIZE_MAXIMUM 0x034
#define REGISTER_QUEUE_SIZE 0x038
#define REGISTER_QUEUE_READY 0x044
#define REGISTER_QUEUE_NOTIFY 0x050
#define REGISTER_INTERRUPT_ACKNOWLEDGE 0x064
#define REGISTER_STATUS 0x070
#define REGISTER_QUEUE_DESCRIPTORS 0x080
#define REGISTER_QUEUE_AVAILABLE 0x090
#define REGISTER_QUEUE_USED 0x0a0
#define REGISTER_CONFIGURATION_GENERATION 0x0fc
#define REGISTER_CONFIGURATION 0x100

#define VIRTIO_MAGIC 0x74726976u
#define VIRTIO_VERSION_MODERN 2u

#define DEVICE_ACKNOWLEDGE 1u
#define DEVICE_DRIVER 2u
#define DEVICE_DRIVER_OK 4u
#define DEVICE_FEATURES_OK 8u

#define INTERRUPT_USED_RING 1u
#define INTERRUPT_CONFIGURATION 2u

/* The microvm machine's slots, for a command line that does not name them. */
#define FIXED_SLOT_BASE 0xfeb00000ull
#define FIXED_SLOT_COUNT 8u
#define FIXED_SLOT_GSI 5u

#define RESET_POLLS 100000u
#define CONFIGURATION_RETRIES 100u

static ULONG HalpReadRegister(PVIRTIO_DEVICE Device, ULONG Offset)
{
    return *(volatile ULONG *)(Device->Registers + Offset);
}

static VOID HalpWriteRegister(PVIRTIO_DEVICE Device, ULONG Offset, ULONG Value)
{
    *(volatile ULONG *)(Device->Registers + Offset) = Value;
}

NTSTATUS HalFindVirtioDevice(ULONG DeviceId, ULONG Instance, PVIRTIO_DEVICE Device)
{
    VIRTIO_SLOT Slots[VIRTIO_MAX_SLOTS];
    ULONG Count = HalParseVirtioSlots(KeLoaderBlock->CommandLine,
                                      sizeof(KeLoaderBlock->CommandLine), Slots, VIRTIO_MAX_SLOTS);
    ULONG i;

    if (Count == 0) {
        for (Count = 0; Count < FIXED_SLOT_COUNT; Count++) {
            Slots[Count].Physical = FIXED_SLOT_BASE + Count * VIRTIO_SLOT_SIZE;
            Slots[Count].Gsi = FIXED_SLOT_GSI + Count;
        }
    }
    for (i = 0; i < Count; i++) {
        Device->Registers = MmPhysicalAddressToVirtual(Slots[i].Physical);
        Device->Gsi = Slots[i].Gsi;
        Device->Features = 0;
        if (HalpReadRegister(Device, REGISTER_MAGIC) != VIRTIO_MAGIC ||
            HalpReadRegister(Device, REGISTER_VERSION) != VIRTIO_VERSION_MODERN ||
            HalpReadRegister(Device, REGISTER_DEVICE_ID) != DeviceId) {
            continue;
        }
        if (Instance-- == 0) {
            return STATUS_SUCCESS;
        }
    }
    return STATUS_NO_SUCH_DEVICE;
}

VOID HalResetVirtioDevice(PVIRTIO_DEVICE Device)
{
    ULONG i;

    HalpWriteRegister(Device, REGISTER_STATUS, 0);
    for (i = 0; i < RESET_POLLS && HalpReadRegister(Device, REGISTER_STATUS) != 0; i++) {
        __builtin_ia32_pause();
    }
}

NTSTATUS HalNegotiateVirtioDevice(PVIRTIO_DEVICE Device, ULONG64 Wanted, ULONG64 Required)
{
    ULONG64 Offered;
    ULONG Status = DEVICE_ACKNOWLEDGE | DEVICE_DRIVER;

    Required |= VIRTIO_F_VERSION_1;
    HalResetVirtioDevice(Device);
    if (HalpReadRegister(Device, REGISTER_STATUS) != 0) {
        return STATUS_IO_DEVICE_ERROR;
    }
    HalpWriteRegister(Device, REGISTER_STATUS, Status);
    HalpWriteRegister(Device, REGISTER_DEVICE_FEATURES_SELECT, 0);
    Offered = HalpReadRegister(Device, REGISTER_DEVICE_FEATURES);
    HalpWriteRegister(Device, REGISTER_DEVICE_FEATURES_SELECT, 1);
    Offered |= (ULONG64)HalpReadRegister(Device, REGISTER_DEVICE_FEATURES) << 32;
    if ((Offered & Required) != Required) {
        HalResetVirtioDevice(Device);
        return STATUS_NOT_SUPPORTED;
    }
    Device->Features = Offered & (Wanted | Required);
    HalpWriteRegister(Device, REGISTER_DRIVER_FEATURES_SELECT, 0);
    HalpWriteRegister(Device, REGISTER_DRIVER_FEATURES, (ULONG)Device->Features);
    HalpWriteRegister(Device, REGISTER_DRIVER_FEATURES_SELECT, 1);
    HalpWriteRegister(Device, REGISTER_DRIVER_FEATURES, (ULONG)(Device->Features >> 32));
    Status |= DEVICE_FEATURES_OK;
    HalpWriteRegister(Device, REGISTER_STATUS, Status);
    if (!(HalpReadRegister(Device, REGISTER_STATUS) & DEVICE_FEATURES_OK)) {
        HalResetVirtioDevice(Device);
        return STATUS_NOT_SUPPORTED;
    }
    return STATUS_SUCCESS;
}

static VOID HalpWriteQueueAddress(PVIRTIO_DEVICE Device, ULONG Offset, PVOID Va)
{
    ULONG64 Physical = (ULONG64)MmGetPhysicalAddress(Va).QuadPart;

    HalpWriteRegister(Device, Offset, (ULONG)Physical);
    HalpWriteRegister(Device, Offset + 4, (ULONG)(Physical >> 32));
}

NTSTATUS HalCreateVirtioQueue(PVIRTIO_DEVICE Device, PVIRTIO_QUEUE Queue, PVIRTIO_RING Ring,
                              ULONG Number, ULONG Size)
{
    NT_VERIFY(Size != 0 && Size <= VIRTIO_QUEUE_MAXIMUM && (Size & (Size - 1)) == 0);
    HalpWriteRegister(Device, REGISTER_QUEUE_SELECT, Number);
    if (HalpReadRegister(Device, REGISTER_QUEUE_READY) != 0 ||
        HalpReadRegister(Device, REGISTER_QUEUE_SIZE_MAXIMUM) < Size) {
        return STATUS_NOT_SUPPORTED;
    }
    Queue->Device = Device;
    Queue->Ring = Ring;
    Queue->Number = Number;
    Queue->Size = (USHORT)Size;
    Queue->Available = Queue->Notified = Queue->Used = 0;
    __builtin_memset(Ring, 0, sizeof(*Ring));
    HalpWriteRegister(Device, REGISTER_QUEUE_SIZE, Size);
    HalpWriteQueueAddress(Device, REGISTER_QUEUE_DESCRIPTORS, Ring->Descriptor);
    HalpWriteQueueAddress(Device, REGISTER_QUEUE_AVAILABLE, &Ring->Available);
    HalpWriteQueueAddress(Device, REGISTER_QUEUE_USED, &Ring->Used);
    HalpWriteRegister(Device, REGISTER_QUEUE_READY, 1);
    return STATUS_SUCCESS;
}

NTSTATUS HalStartVirtioDevice(PVIRTIO_DEVICE Device)
{
    ULONG Status = DEVICE_ACKNOWLEDGE | DEVICE_DRIVER | DEVICE_FEATURES_OK | DEVICE_DRIVER_OK;

    HalpWriteRegister(Device, REGISTER_STATUS, Status);
    return HalpReadRegister(Device, REGISTER_STATUS) == Status ? STATUS_SUCCESS
                                                               : STATUS_IO_DEVICE_ERROR;
}

VOID HalReadVirtioConfiguration(PVIRTIO_DEVICE Device, ULONG Offset, PVOID Data, ULONG Size)
{
    ULONG Generation, Try, i;

    NT_VERIFY(Offset % 4 == 0 && Size % 4 == 0 &&
              Offset + Size <= VIRTIO_SLOT_SIZE - REGISTER_CONFIGURATION);
    /* The fields belong together only when the generation did not change meanwhile. */
    for (Try = 0; Try < CONFIGURATION_RETRIES; Try++) {
        Generation = HalpReadRegister(Device, REGISTER_CONFIGURATION_GENERATION);
        for (i = 0; i < Size / 4; i++) {
            ((PULONG)Data)[i] = HalpReadRegister(Device, REGISTER_CONFIGURATION + Offset + i * 4);
        }
        if (HalpReadRegister(Device, REGISTER_CONFIGURATION_GENERATION) == Generation) {
            return;
        }
    }
}

VOID HalAcknowledgeVirtioInterrupt(PVIRTIO_DEVICE Device)
{
    /*
     * Both causes, without reading which it was: the owners look at their rings anyhow, and
     * nothing depends on a change of configuration.
     */
    HalpWriteRegister(Device, REGISTER_INTERRUPT_ACKNOWLEDGE,
                      INTERRUPT_USED_RING | INTERRUPT_CONFIGURATION);
}

VOID HalNotifyVirtioQueue(PVIRTIO_QUEUE Queue)
{
    HalpWriteRegister(Queue->Device, REGISTER_QUEUE_NOTIFY, Queue->Number);
}
