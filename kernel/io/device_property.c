/* SPDX-License-Identifier: MIT */
/*
 * Properties of the root-enumerated devices: what there is without a registry and without
 * hardware. Others do not exist: STATUS_OBJECT_NAME_NOT_FOUND.
 */
#include "io/iop.h"

typedef struct _IOP_PROPERTY_WRITER {
    PCHAR Buffer;
    ULONG Room;
    ULONG Length; /* needed */
} IOP_PROPERTY_WRITER, *PIOP_PROPERTY_WRITER;

/* What does not fit is counted, not written. */
static VOID IopWriteProperty(PIOP_PROPERTY_WRITER Writer, const VOID *Data, ULONG Bytes)
{
    if (Writer->Length + Bytes <= Writer->Room) {
        RtlCopyMemory(Writer->Buffer + Writer->Length, Data, Bytes);
    }
    Writer->Length += Bytes;
}

static VOID IopWriteText(PIOP_PROPERTY_WRITER Writer, PCWSTR Text)
{
    IopWriteProperty(Writer, Text, (ULONG)(wcslen(Text) * sizeof(WCHAR)));
}

static const WCHAR IopTerminators[2];

/* PASSIVE_LEVEL. STATUS_INVALID_DEVICE_REQUEST: not a physical device object. */
NTSTATUS IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject, DEVICE_REGISTRY_PROPERTY Property,
                             ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength)
{
    PCUNICODE_STRING Name = IopRootDeviceName(DeviceObject);
    PCUNICODE_STRING Service = IopRootDeviceService(DeviceObject);
    IOP_PROPERTY_WRITER Writer = {PropertyBuffer, BufferLength, 0};

    *ResultLength = 0;
    if (Name == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    switch (Property) {
    case DevicePropertyPhysicalDeviceObjectName:
        IopWriteProperty(&Writer, Name->Buffer, Name->Length);
        IopWriteProperty(&Writer, IopTerminators, sizeof(WCHAR));
        break;
    case DevicePropertyEnumeratorName:
        IopWriteText(&Writer, L"ROOT");
        IopWriteProperty(&Writer, IopTerminators, sizeof(WCHAR));
        break;
    case DevicePropertyDeviceDescription:
        IopWriteProperty(&Writer, Service->Buffer, Service->Length);
        IopWriteProperty(&Writer, IopTerminators, sizeof(WCHAR));
        break;
    case DevicePropertyHardwareID:
        IopWriteText(&Writer, L"ROOT\\");
        IopWriteProperty(&Writer, Service->Buffer, Service->Length);
        IopWriteProperty(&Writer, IopTerminators, sizeof(IopTerminators));
        break;
    case DevicePropertyInstallState:
    case DevicePropertyRemovalPolicy: {
        /* InstallStateInstalled is 0, RemovalPolicyExpectNoRemoval is 1. */
        ULONG Value = Property == DevicePropertyRemovalPolicy ? 1 : 0;
        IopWriteProperty(&Writer, &Value, sizeof(Value));
        break;
    }
    default:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *ResultLength = Writer.Length;
    return Writer.Length > BufferLength ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}
