/* SPDX-License-Identifier: MIT */
/*
 * The PCI bus of --machine=pci, with a host bridge in slot 0 and the edu device: configuration
 * space, and an interrupt that stays until the device has been served. On a machine without the
 * bus each test sees that there is none.
 */
#include "test.h"

#include "drivers/devices/edu.h"
#include "hal/hal.h"
#include "mm/mi.h"
#include "nt/io.h"

#define HOST_BRIDGE_ID 0x00081b36u
#define EMPTY_SLOT 31u
#define EDU_ID (EDU_DEVICE_ID << 16 | EDU_VENDOR_ID)
#define MOST_CALLS 10u /* of a routine that does not serve its device, before it does after all */

static ULONG ReadConfiguration(ULONG Bus, ULONG Slot, PVOID Buffer, ULONG Offset, ULONG Length)
{
    return HalGetBusDataByOffset(PCIConfiguration, Bus, Slot, Buffer, Offset, Length);
}

static NTSTATUS AskForResources(ULONG Bus, ULONG Slot, PCM_RESOURCE_LIST *List)
{
    return HalAssignSlotResources(NULL, NULL, NULL, NULL, PCIBus, Bus, Slot, List);
}

/* FALSE: no bus, and all that asks for one says so. */
static BOOLEAN HasBus(VOID)
{
    ULONG Id = 0x55555555, Space = 0;
    KIRQL Irql;
    KAFFINITY Affinity;
    PHYSICAL_ADDRESS Address = {.QuadPart = 0xc0000000}, Translated;
    PCM_RESOURCE_LIST List;
    if (ReadConfiguration(0, 0, &Id, 0, sizeof(Id)) == sizeof(Id)) {
        EXPECT_EQUAL(Id, HOST_BRIDGE_ID);
        return TRUE;
    }
    EXPECT_EQUAL(ReadConfiguration(0, 0, &Id, 0, sizeof(Id)), 0);
    EXPECT_EQUAL(Id, 0x55555555);
    EXPECT_EQUAL(HalSetBusDataByOffset(PCIConfiguration, 0, 0, &Id, 0x3c, 1), 0);
    EXPECT_EQUAL(HalGetInterruptVector(PCIBus, 0, 13, 13, &Irql, &Affinity), 0);
    EXPECT(!HalTranslateBusAddress(PCIBus, 0, Address, &Space, &Translated));
    EXPECT(HalGetInterruptVector(Isa, 0, 13, 13, &Irql, &Affinity) != 0);
    EXPECT_EQUAL((ULONG)AskForResources(0, 0, &List), (ULONG)STATUS_NO_SUCH_DEVICE);
    EXPECT(List == NULL);
    return FALSE;
}

static BOOLEAN FindEdu(PULONG Slot)
{
    for (*Slot = 0; *Slot < PCI_MAX_DEVICES; ++*Slot) {
        ULONG Id = 0;
        ReadConfiguration(0, *Slot, &Id, 0, sizeof(Id));
        if (Id == EDU_ID) {
            return TRUE;
        }
    }
    EXPECT(!"the machine has an edu device");
    return FALSE;
}

GUEST_TEST(hal_pci_configuration_space)
{
    UCHAR Whole[256], Part[8];
    ULONG Slot;
    if (!HasBus() || !FindEdu(&Slot)) {
        return;
    }
    EXPECT_EQUAL(HalGetBusData(PCIConfiguration, 0, Slot, Whole, sizeof(Whole)), sizeof(Whole));
    for (ULONG Offset = 0; Offset < 0x40; Offset++) { /* each alignment and each length */
        for (ULONG Length = 1; Length <= sizeof(Part); Length++) {
            __builtin_memset(Part, 0xee, sizeof(Part));
            EXPECT_EQUAL(ReadConfiguration(0, Slot, Part, Offset, Length), Length);
            EXPECT_EQUAL(__builtin_memcmp(Part, Whole + Offset, Length), 0);
            EXPECT(Length == sizeof(Part) || Part[Length] == 0xee);
        }
    }
    EXPECT_EQUAL(ReadConfiguration(0, Slot, Part, PAGE_SIZE - 1, sizeof(Part)), 1);
    EXPECT_EQUAL(ReadConfiguration(0, Slot, Part, PAGE_SIZE, 1), 0);
    EXPECT_EQUAL(ReadConfiguration(0, Slot, Part, MAXULONG, 1), 0);

    /* A byte that can be written, and one that cannot; what is beside stays. */
    UCHAR Line = 0x5a, Revision = Whole[8] ^ 0xff;
    EXPECT_EQUAL(HalSetBusDataByOffset(PCIConfiguration, 0, Slot, &Line, 0x3c, 1), 1);
    EXPECT_EQUAL(HalSetBusDataByOffset(PCIConfiguration, 0, Slot, &Revision, 8, 1), 1);
    EXPECT_EQUAL(ReadConfiguration(0, Slot, Part, 0x3c, 4), 4);
    EXPECT_EQUAL(Part[0], 0x5a);
    EXPECT_EQUAL(__builtin_memcmp(Part + 1, Whole + 0x3d, 3), 0);
    EXPECT_EQUAL(HalSetBusDataByOffset(PCIConfiguration, 0, Slot, Whole + 0x3c, 0x3c, 1), 1);
    EXPECT_EQUAL(HalGetBusData(PCIConfiguration, 0, Slot, Part, 8), 8);
    EXPECT_EQUAL(ReadConfiguration(0, Slot, &Revision, 8, 1), 1);
    EXPECT_EQUAL(Revision, Whole[8]);
}

GUEST_TEST(hal_pci_slots_and_buses_that_are_not_there)
{
    ULONG Id = 0x55555555;
    if (!HasBus()) {
        return;
    }
    EXPECT_EQUAL(ReadConfiguration(1, 0, &Id, 0, sizeof(Id)), 0);
    EXPECT_EQUAL(Id, 0x55555555);
    EXPECT_EQUAL(ReadConfiguration(0, EMPTY_SLOT, &Id, 0, sizeof(Id)), 2);
    EXPECT_EQUAL(Id, 0x5555ffff);
    Id = 0x55555555;
    EXPECT_EQUAL(ReadConfiguration(0, EMPTY_SLOT, &Id, 0, 1), 1);
    EXPECT_EQUAL(Id, 0x555555ff);
    EXPECT_EQUAL(ReadConfiguration(0, 0xffffff00, &Id, 0, sizeof(Id)), 2); /* reserved bits */
    EXPECT_EQUAL(HalSetBusDataByOffset(PCIConfiguration, 0, EMPTY_SLOT, &Id, 0x3c, 1), 0);
    EXPECT_EQUAL(HalSetBusDataByOffset(PCIConfiguration, 1, 0, &Id, 0x3c, 1), 0);
}

GUEST_TEST(hal_pci_slot_resources)
{
    PCI_COMMON_CONFIG Configuration;
    PCM_RESOURCE_LIST List;
    ULONG Slot;
    if (!HasBus() || !FindEdu(&Slot)) {
        return;
    }
    HalGetBusData(PCIConfiguration, 0, Slot, &Configuration, PCI_COMMON_HDR_LENGTH);
    EXPECT_EQUAL(Configuration.Command & PCI_ENABLE_MEMORY_SPACE, PCI_ENABLE_MEMORY_SPACE);
    EXPECT_EQUAL(AskForResources(0, Slot, &List), STATUS_SUCCESS);
    EXPECT_EQUAL(List->Count, 1);
    EXPECT_EQUAL(List->List[0].InterfaceType, PCIBus);
    PCM_PARTIAL_RESOURCE_LIST Partial = &List->List[0].PartialResourceList;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory = &Partial->PartialDescriptors[0];
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt = &Partial->PartialDescriptors[1];
    EXPECT_EQUAL(Partial->Count, 2);
    EXPECT_EQUAL(Memory->Type, CmResourceTypeMemory);
    EXPECT_EQUAL(Memory->u.Memory.Start.QuadPart, Configuration.u.type0.BaseAddresses[0]);
    EXPECT_EQUAL(Memory->u.Memory.Length, 0x100000);
    EXPECT_EQUAL(Interrupt->Type, CmResourceTypeInterrupt);
    EXPECT_EQUAL(Interrupt->Flags, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE);
    EXPECT_EQUAL(Interrupt->ShareDisposition, CmResourceShareShared);
    EXPECT_EQUAL(Interrupt->u.Interrupt.Level, Configuration.u.type0.InterruptLine);
    ExFreePool(List);
    EXPECT_EQUAL(AskForResources(0, 0, &List), STATUS_SUCCESS); /* the bridge needs nothing */
    EXPECT_EQUAL(List->List[0].PartialResourceList.Count, 0);
    ExFreePool(List);
    EXPECT_EQUAL((ULONG)AskForResources(0, EMPTY_SLOT, &List), (ULONG)STATUS_NO_SUCH_DEVICE);
    EXPECT_EQUAL((ULONG)AskForResources(1, Slot, &List), (ULONG)STATUS_NO_SUCH_DEVICE);
    EXPECT(List == NULL);
}

/* One of two routines on the device's line. */
typedef struct _EDU_LISTENER {
    PKINTERRUPT Object;
    PUCHAR Registers;
    BOOLEAN Claims;
    ULONG ServeAt; /* acknowledges the device in this call and in no earlier one */
    volatile ULONG Calls;
    KIRQL Irql;
} EDU_LISTENER;

static BOOLEAN ListenerRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    EDU_LISTENER *Listener = Context;
    Listener->Irql = KeGetCurrentIrql();
    Listener->Calls++;
    if (Listener->Calls == Listener->ServeAt || Listener->Calls == MOST_CALLS) {
        WRITE_REGISTER_ULONG((PULONG)(Listener->Registers + EDU_INTERRUPT_ACKNOWLEDGE), MAXULONG);
    }
    return Listener->Claims;
}

static NTSTATUS ListenerConnect(EDU_LISTENER *Listener, ULONG Vector, KIRQL Irql,
                                KINTERRUPT_MODE Mode)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {
        .Version = CONNECT_FULLY_SPECIFIED,
        .FullySpecified = {.InterruptObject = &Listener->Object,
                           .ServiceRoutine = ListenerRoutine,
                           .ServiceContext = Listener,
                           .Vector = Vector,
                           .Irql = Irql,
                           .SynchronizeIrql = Irql,
                           .ShareVector = TRUE,
                           .InterruptMode = Mode,
                           .ProcessorEnableMask = 1},
    };
    return IoConnectInterruptEx(&Parameters);
}

GUEST_TEST(hal_pci_interrupt_is_level_triggered_and_shared)
{
    PCI_COMMON_CONFIG Configuration;
    PHYSICAL_ADDRESS Address, Translated;
    ULONG Slot, Space = 0;
    KIRQL Irql, Old;
    KAFFINITY Affinity;
    if (!HasBus() || !FindEdu(&Slot)) {
        return;
    }
    EXPECT_EQUAL(HalGetBusData(PCIConfiguration, 0, Slot, &Configuration, PCI_COMMON_HDR_LENGTH),
                 PCI_COMMON_HDR_LENGTH);
    ULONG Line = Configuration.u.type0.InterruptLine;
    Address.QuadPart = Configuration.u.type0.BaseAddresses[0] & PCI_ADDRESS_MEMORY_ADDRESS_MASK;
    EXPECT(HalTranslateBusAddress(PCIBus, 0, Address, &Space, &Translated));
    EXPECT_EQUAL(Translated.QuadPart, Address.QuadPart);
    Space = 1;
    EXPECT(!HalTranslateBusAddress(PCIBus, 0, Address, &Space, &Translated)); /* no ports */
    ULONG Vector = HalGetInterruptVector(PCIBus, 0, Line, Line, &Irql, &Affinity);
    EXPECT(Vector != 0 && Irql == Vector >> 4 && Affinity == 1);
    EXPECT_EQUAL(HalGetInterruptVector(Isa, 0, Line, Line, &Irql, &Affinity), 0);
    EXPECT_EQUAL(HalGetInterruptVector(PCIBus, 0, 8, 8, &Irql, &Affinity), 0); /* an ISA line */
    Irql = (KIRQL)(Vector >> 4);

    PUCHAR Registers = MmMapIoSpace(Address, EDU_REGISTERS_SIZE, MmNonCached);
    EXPECT_EQUAL(*MI_PTE_OF(Registers) & (MI_PTE_CACHE_DISABLE | MI_PTE_NO_EXECUTE),
                 MI_PTE_CACHE_DISABLE | MI_PTE_NO_EXECUTE);
    EDU_LISTENER First = {.Registers = Registers};
    EDU_LISTENER Second = {.Registers = Registers, .Claims = TRUE, .ServeAt = 3};
    EXPECT_EQUAL((ULONG)ListenerConnect(&First, Vector, Irql, Latched),
                 (ULONG)STATUS_INVALID_PARAMETER); /* the line is level-triggered */
    EXPECT_EQUAL(ListenerConnect(&First, Vector, Irql, LevelSensitive), STATUS_SUCCESS);
    EXPECT_EQUAL(ListenerConnect(&Second, Vector, Irql, LevelSensitive), STATUS_SUCCESS);

    KeRaiseIrql(Irql, &Old);
    WRITE_REGISTER_ULONG((PULONG)(Registers + EDU_INTERRUPT_RAISE), 0x80);
    KeStallExecutionProcessor(50);
    EXPECT_EQUAL(First.Calls, 0); /* its IRQL keeps it off */
    KeLowerIrql(Old);
    KeStallExecutionProcessor(50);
    EXPECT_EQUAL(First.Calls, 3); /* it comes again until the device is served */
    EXPECT_EQUAL(Second.Calls, 3);
    EXPECT_EQUAL(Second.Irql, Irql);
    EXPECT_EQUAL(READ_REGISTER_ULONG((PULONG)(Registers + EDU_INTERRUPT_STATUS)), 0);
    IoDisconnectInterrupt(First.Object);
    IoDisconnectInterrupt(Second.Object);

    /* Raised while nobody listens: it is there when somebody does. */
    WRITE_REGISTER_ULONG((PULONG)(Registers + EDU_INTERRUPT_RAISE), 1);
    KeStallExecutionProcessor(50);
    Second.Calls = 0;
    Second.ServeAt = 1;
    EXPECT_EQUAL(ListenerConnect(&Second, Vector, Irql, LevelSensitive), STATUS_SUCCESS);
    KeStallExecutionProcessor(50);
    EXPECT_EQUAL(Second.Calls, 1);
    IoDisconnectInterrupt(Second.Object);
    MmUnmapIoSpace(Registers, EDU_REGISTERS_SIZE);
}
