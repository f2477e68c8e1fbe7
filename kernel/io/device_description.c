/* SPDX-License-Identifier: MIT */
/*
 * IoQueryDeviceDescription, which PnP has replaced: buses, their controllers and those's
 * peripherals, as HARDWARE\DESCRIPTION\System in the registry tells of them. Firmware fills that on
 * a PC; here a .reg file or a driver does, and without one nothing is found.
 *
 *   ...\MultifunctionAdapter\N                                    a bus; EisaAdapter as well
 *   ...\MultifunctionAdapter\N\SerialController\N                 a controller on it
 *   ...\MultifunctionAdapter\N\DiskController\N\FloppyDiskPeripheral\N
 *
 * Numbers count from 0 without a gap. What kind of bus N is, and its number among those, is in the
 * CM_FULL_RESOURCE_DESCRIPTOR that is its "Configuration Data". PASSIVE_LEVEL
 */
#include "io/iop.h"
#include "nt/device_description.h"
#include "nt/rtl.h"

#define IO_TAG_DESCRIPTION 0x65446f49u /* 'IoDe' */
#define PATH_BYTES 1024u
#define ROOT L"\\Registry\\Machine\\Hardware\\Description\\System"

typedef enum _IOP_LEVEL { IopBus, IopController, IopPeripheral, IopLevels } IOP_LEVEL;

/* One bus, controller or peripheral on the way down. */
typedef struct _IOP_DESCRIBED {
    ULONG Type;
    ULONG Number;
    PKEY_VALUE_FULL_INFORMATION Value[IoQueryDeviceMaxData]; /* NULL: it has none */
} IOP_DESCRIBED;

typedef struct _IOP_DESCRIPTION_QUERY {
    const ULONG *Type[IopLevels]; /* what is asked for; NULL ends the levels */
    const ULONG *Number[IopLevels]; /* NULL: all */
    PIO_QUERY_DEVICE_ROUTINE Callout;
    PVOID Context;
    IOP_DESCRIBED At[IopLevels];
    UNICODE_STRING Path;
    BOOLEAN Found;
} IOP_DESCRIPTION_QUERY, *PIOP_DESCRIPTION_QUERY;

/* By CONFIGURATION_TYPE, from DiskController on. */
static const PCWSTR IopTypeNames[] = {
    L"DiskController",     L"TapeController",       L"CdRomController",
    L"WormController",     L"SerialController",     L"NetworkController",
    L"DisplayController",  L"ParallelController",   L"PointerController",
    L"KeyboardController", L"AudioController",      L"OtherController",
    L"DiskPeripheral",     L"FloppyDiskPeripheral", L"TapePeripheral",
    L"ModemPeripheral",    L"MonitorPeripheral",    L"PrinterPeripheral",
    L"PointerPeripheral",  L"KeyboardPeripheral",   L"TerminalPeripheral",
    L"OtherPeripheral",    L"LinePeripheral",       L"NetworkPeripheral",
};
C_ASSERT(RTL_NUMBER_OF(IopTypeNames) == SystemMemory - DiskController);

static NTSTATUS IopDescribeNext(PIOP_DESCRIPTION_QUERY Query, IOP_LEVEL Level);

/* NULL: there is no such value, or no memory for it. */
static PKEY_VALUE_FULL_INFORMATION IopReadDescription(HANDLE Key, PCWSTR Name)
{
    UNICODE_STRING Value;
    PKEY_VALUE_FULL_INFORMATION Information = NULL;
    ULONG Length = 0;

    RtlInitUnicodeString(&Value, Name);
    NTSTATUS Status =
        ZwQueryValueKey(Key, &Value, KeyValueFullInformation, NULL, 0, &Length);
    if (Status == STATUS_BUFFER_TOO_SMALL || Status == STATUS_BUFFER_OVERFLOW) {
        Information = ExAllocatePoolWithTag(PagedPool, Length, IO_TAG_DESCRIPTION);
    }
    if (Information != NULL &&
        !NT_SUCCESS(ZwQueryValueKey(Key, &Value, KeyValueFullInformation, Information, Length,
                                    &Length))) {
        ExFreePoolWithTag(Information, IO_TAG_DESCRIPTION);
        Information = NULL;
    }
    return Information;
}

static VOID IopFreeDescribed(IOP_DESCRIBED *Described)
{
    for (ULONG i = 0; i < IoQueryDeviceMaxData; i++) {
        if (Described->Value[i] != NULL) {
            ExFreePoolWithTag(Described->Value[i], IO_TAG_DESCRIPTION);
            Described->Value[i] = NULL;
        }
    }
}

/* The values of the key at Path. */
static NTSTATUS IopReadDescribed(PUNICODE_STRING Path, IOP_DESCRIBED *Described)
{
    static const PCWSTR Names[IoQueryDeviceMaxData] = {L"Identifier", L"Configuration Data",
                                                       L"Component Information"};
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;

    InitializeObjectAttributes(&Attributes, Path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    NTSTATUS Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
    if (NT_SUCCESS(Status)) {
        for (ULONG i = 0; i < IoQueryDeviceMaxData; i++) {
            Described->Value[i] = IopReadDescription(Key, Names[i]);
        }
        ZwClose(Key);
    }
    return Status;
}

/* Sets kind and number of the bus. */
static BOOLEAN IopIsWantedBus(PIOP_DESCRIPTION_QUERY Query)
{
    IOP_DESCRIBED *Bus = &Query->At[IopBus];
    PKEY_VALUE_FULL_INFORMATION Value = Bus->Value[IoQueryDeviceConfigurationData];
    CM_FULL_RESOURCE_DESCRIPTOR Descriptor;
    const ULONG Needed = offsetof(CM_FULL_RESOURCE_DESCRIPTOR, PartialResourceList);

    if (Value == NULL || Value->Type != REG_FULL_RESOURCE_DESCRIPTOR ||
        Value->DataLength < Needed) {
        return FALSE;
    }
    RtlCopyMemory(&Descriptor, (PUCHAR)Value + Value->DataOffset, Needed);
    Bus->Type = (ULONG)Descriptor.InterfaceType;
    Bus->Number = Descriptor.BusNumber;
    return Bus->Type == *Query->Type[IopBus] &&
           (Query->Number[IopBus] == NULL || Bus->Number == *Query->Number[IopBus]);
}

static NTSTATUS IopCallOut(PIOP_DESCRIPTION_QUERY Query)
{
    IOP_DESCRIBED *At = Query->At;
    Query->Found = TRUE;
    return Query->Callout(Query->Context, &Query->Path, (INTERFACE_TYPE)At[IopBus].Type,
                          At[IopBus].Number, At[IopBus].Value,
                          (CONFIGURATION_TYPE)At[IopController].Type, At[IopController].Number,
                          At[IopController].Value, (CONFIGURATION_TYPE)At[IopPeripheral].Type,
                          At[IopPeripheral].Number, At[IopPeripheral].Value);
}

/* Path\Name\0, 1, 2 ... STATUS_OBJECT_NAME_NOT_FOUND: that was all of them. */
static NTSTATUS IopDescribeEach(PIOP_DESCRIPTION_QUERY Query, IOP_LEVEL Level, PCWSTR Name)
{
    IOP_DESCRIBED *Here = &Query->At[Level];
    const ULONG *Wanted = Level == IopBus ? NULL : Query->Number[Level];
    USHORT Length = Query->Path.Length;
    NTSTATUS Status = STATUS_SUCCESS;

    for (ULONG i = Wanted != NULL ? *Wanted : 0; NT_SUCCESS(Status); i++) {
        WCHAR Number[12];
        _snwprintf(Number, RTL_NUMBER_OF(Number), L"\\%u", i);
        Query->Path.Length = Length;
        RtlAppendUnicodeToString(&Query->Path, L"\\");
        RtlAppendUnicodeToString(&Query->Path, Name);
        Status = RtlAppendUnicodeToString(&Query->Path, Number);
        if (NT_SUCCESS(Status)) {
            Status = IopReadDescribed(&Query->Path, Here);
        }
        if (NT_SUCCESS(Status)) {
            Here->Number = i;
            if (Level != IopBus || IopIsWantedBus(Query)) {
                Status = IopDescribeNext(Query, Level + 1);
            }
            IopFreeDescribed(Here);
        }
        if (Wanted != NULL) {
            break;
        }
    }
    Query->Path.Length = Length;
    return Status == STATUS_OBJECT_NAME_NOT_FOUND || Status == STATUS_OBJECT_PATH_NOT_FOUND
               ? STATUS_SUCCESS
               : Status;
}

/* Below the bus or controller that Path is at; it is itself what was asked for at the end. */
static NTSTATUS IopDescribeNext(PIOP_DESCRIPTION_QUERY Query, IOP_LEVEL Level)
{
    if (Level == IopLevels || Query->Type[Level] == NULL) {
        return IopCallOut(Query);
    }
    ULONG Type = *Query->Type[Level];
    if (Type < DiskController || Type >= SystemMemory) {
        return STATUS_SUCCESS; /* nothing of that kind is on a bus */
    }
    Query->At[Level].Type = Type;
    return IopDescribeEach(Query, Level, IopTypeNames[Type - DiskController]);
}

/*
 * Calls CalloutRoutine for each that matches, until it returns an error, which is returned.
 * STATUS_OBJECT_NAME_NOT_FOUND: nothing does.
 */
NTSTATUS IoQueryDeviceDescription(PINTERFACE_TYPE BusType, PULONG BusNumber,
                                  PCONFIGURATION_TYPE ControllerType, PULONG ControllerNumber,
                                  PCONFIGURATION_TYPE PeripheralType, PULONG PeripheralNumber,
                                  PIO_QUERY_DEVICE_ROUTINE CalloutRoutine, PVOID Context)
{
    static const PCWSTR Adapters[] = {L"MultifunctionAdapter", L"EisaAdapter"};
    NTSTATUS Status = STATUS_SUCCESS;

    if (BusType == NULL || CalloutRoutine == NULL ||
        (ControllerType == NULL && PeripheralType != NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    PIOP_DESCRIPTION_QUERY Query =
        ExAllocatePoolWithTag(PagedPool, sizeof(*Query) + PATH_BYTES, IO_TAG_DESCRIPTION);
    if (Query == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Query = (IOP_DESCRIPTION_QUERY){
        .Type = {(PULONG)BusType, (PULONG)ControllerType, (PULONG)PeripheralType},
        .Number = {BusNumber, ControllerNumber, PeripheralNumber},
        .Callout = CalloutRoutine,
        .Context = Context};
    RtlInitEmptyUnicodeString(&Query->Path, (PWCHAR)(Query + 1), PATH_BYTES);
    RtlAppendUnicodeToString(&Query->Path, ROOT);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Adapters) && NT_SUCCESS(Status); i++) {
        Status = IopDescribeEach(Query, IopBus, Adapters[i]);
    }
    if (NT_SUCCESS(Status) && !Query->Found) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    }
    ExFreePoolWithTag(Query, IO_TAG_DESCRIPTION);
    return Status;
}
