/* SPDX-License-Identifier: MIT */
/* IoQueryDeviceDescription, with a serial port that the driver describes itself. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD DescriptionUnload;

#define SYSTEM L"\\Registry\\Machine\\Hardware\\Description\\System"
#define BUS SYSTEM L"\\MultifunctionAdapter"
#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

typedef struct _SEEN {
    ULONG Calls;
    ULONG Wrong;
    NTSTATUS Answer;
    ULONG LastController;
} SEEN, *PSEEN;

/* Parents before children. */
static const PCWSTR DescriptionKeys[] = {
    BUS, BUS L"\\0", BUS L"\\1", BUS L"\\1\\SerialController", BUS L"\\1\\SerialController\\0",
    BUS L"\\1\\SerialController\\1", BUS L"\\1\\SerialController\\1\\PointerPeripheral",
    BUS L"\\1\\SerialController\\1\\PointerPeripheral\\0",
};

#pragma code_seg("PAGE")

static NTSTATUS DescriptionKey(PCWSTR Path, PHANDLE Key)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    PAGED_CODE();
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ZwCreateKey(Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
}

static NTSTATUS DescriptionSetBus(PCWSTR Path, INTERFACE_TYPE Type, ULONG Number)
{
    static const WCHAR Text[] = L"ISA";
    UNICODE_STRING Data = RTL_CONSTANT_STRING(L"Configuration Data");
    UNICODE_STRING Identifier = RTL_CONSTANT_STRING(L"Identifier");
    CM_FULL_RESOURCE_DESCRIPTOR Descriptor = {Type, Number, {1, 1, 0}};
    HANDLE Key;
    PAGED_CODE();
    CHECK(NT_SUCCESS(DescriptionKey(Path, &Key)));
    CHECK(ZwSetValueKey(Key, &Data, 0, REG_FULL_RESOURCE_DESCRIPTOR, &Descriptor,
                        FIELD_OFFSET(CM_FULL_RESOURCE_DESCRIPTOR,
                                     PartialResourceList.PartialDescriptors)) == STATUS_SUCCESS);
    CHECK(ZwSetValueKey(Key, &Identifier, 0, REG_SZ, (PVOID)Text, sizeof(Text)) ==
          STATUS_SUCCESS);
    ZwClose(Key);
    return STATUS_SUCCESS;
}

static NTSTATUS DescriptionMake(VOID)
{
    HANDLE Key;
    PAGED_CODE();
    for (ULONG i = 0; i < RTL_NUMBER_OF(DescriptionKeys); i++) {
        CHECK(NT_SUCCESS(DescriptionKey(DescriptionKeys[i], &Key)));
        ZwClose(Key);
    }
    CHECK(NT_SUCCESS(DescriptionSetBus(BUS L"\\0", PCIBus, 0)));
    return DescriptionSetBus(BUS L"\\1", Isa, 0);
}

static VOID DescriptionDelete(VOID)
{
    PAGED_CODE();
    for (ULONG i = RTL_NUMBER_OF(DescriptionKeys); i-- > 0;) {
        HANDLE Key;
        if (NT_SUCCESS(DescriptionKey(DescriptionKeys[i], &Key))) {
            ZwDeleteKey(Key);
            ZwClose(Key);
        }
    }
}

static NTSTATUS DescriptionSeen(PVOID Context, PUNICODE_STRING PathName, INTERFACE_TYPE BusType,
                                ULONG BusNumber, PKEY_VALUE_FULL_INFORMATION *BusInformation,
                                CONFIGURATION_TYPE ControllerType, ULONG ControllerNumber,
                                PKEY_VALUE_FULL_INFORMATION *ControllerInformation,
                                CONFIGURATION_TYPE PeripheralType, ULONG PeripheralNumber,
                                PKEY_VALUE_FULL_INFORMATION *PeripheralInformation)
{
    UNICODE_STRING Start = RTL_CONSTANT_STRING(BUS);
    PSEEN Seen = Context;
    PAGED_CODE();
    Seen->Calls++;
    Seen->LastController = ControllerNumber;
    Seen->Wrong += BusNumber != 0 || !RtlPrefixUnicodeString(&Start, PathName, TRUE);
    Seen->Wrong += BusInformation[IoQueryDeviceConfigurationData] == NULL;
    Seen->Wrong += BusInformation[IoQueryDeviceIdentifier] == NULL ||
                   BusInformation[IoQueryDeviceIdentifier]->Type != REG_SZ;
    Seen->Wrong += BusInformation[IoQueryDeviceComponentInformation] != NULL;
    return Seen->Answer;
}

static NTSTATUS DescriptionAsk(INTERFACE_TYPE Bus, PULONG BusNumber, PCONFIGURATION_TYPE Controller,
                               PULONG ControllerNumber, PCONFIGURATION_TYPE Peripheral, PSEEN Seen)
{
    PAGED_CODE();
    Seen->Calls = Seen->Wrong = 0;
    NTSTATUS Status =
        IoQueryDeviceDescription(&Bus, BusNumber, Controller, ControllerNumber, Peripheral, NULL,
                                 DescriptionSeen, Seen);
    return Seen->Wrong == 0 ? Status : STATUS_DATA_ERROR;
}

/* ntddk.h, and the DDK's serial sample: one call for each that matches. */
static NTSTATUS DescriptionTry(VOID)
{
    CONFIGURATION_TYPE Serial = SerialController, Pointer = PointerPeripheral;
    CONFIGURATION_TYPE Processor = CentralProcessor;
    ULONG Zero = 0, One = 1;
    SEEN Seen = {0};

    PAGED_CODE();
    CHECK(DescriptionAsk(Isa, NULL, &Serial, NULL, NULL, &Seen) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(NT_SUCCESS(DescriptionMake()));
    CHECK(DescriptionAsk(Isa, NULL, NULL, NULL, NULL, &Seen) == STATUS_SUCCESS && Seen.Calls == 1);
    CHECK(DescriptionAsk(Isa, &Zero, &Serial, NULL, NULL, &Seen) == STATUS_SUCCESS);
    CHECK(Seen.Calls == 2 && Seen.LastController == 1);
    CHECK(DescriptionAsk(Isa, NULL, &Serial, &Zero, NULL, &Seen) == STATUS_SUCCESS);
    CHECK(Seen.Calls == 1 && Seen.LastController == 0);
    CHECK(DescriptionAsk(Isa, NULL, &Serial, NULL, &Pointer, &Seen) == STATUS_SUCCESS);
    CHECK(Seen.Calls == 1 && Seen.LastController == 1);
    CHECK(DescriptionAsk(Isa, &One, &Serial, NULL, NULL, &Seen) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(DescriptionAsk(PCIBus, NULL, &Serial, NULL, NULL, &Seen) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(DescriptionAsk(Isa, NULL, &Processor, NULL, NULL, &Seen) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(Seen.Calls == 0);
    Seen.Answer = STATUS_DEVICE_NOT_READY; /* ends it */
    CHECK(DescriptionAsk(Isa, NULL, &Serial, NULL, NULL, &Seen) == STATUS_DEVICE_NOT_READY);
    CHECK(Seen.Calls == 1);
    CHECK(IoQueryDeviceDescription(NULL, NULL, NULL, NULL, NULL, NULL, DescriptionSeen, &Seen) ==
          STATUS_INVALID_PARAMETER);
    DescriptionDelete();
    return STATUS_SUCCESS;
}

VOID DescriptionUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = DescriptionUnload;
    return DescriptionTry();
}
