/* SPDX-License-Identifier: MIT */
/* A block of two instances, provided through WMILIB and asked for through WMI. See README.md. */
#include <wdm.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ProviderUnload;
DRIVER_DISPATCH ProviderCreateClose;
DRIVER_DISPATCH ProviderSystemControl;

#define TAG 'vorP'
#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

static const GUID ProviderGuid = {
    0x4ba3f5c1, 0x1d2e, 0x4f60, {0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8}};
static const GUID NobodysGuid = {
    0x4ba3f5c2, 0x1d2e, 0x4f60, {0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8}};
static WMIGUIDREGINFO ProviderGuids[] = {{&ProviderGuid, 2, 0}};
static ULONG ProviderValue[2] = {11, 22};
static PDEVICE_OBJECT ProviderDevice;

#pragma code_seg("PAGE")

/* Instances are called sample_0 and sample_1; WMILIB frees the name. */
static NTSTATUS ProviderQueryRegInfo(PDEVICE_OBJECT DeviceObject, PULONG RegFlags,
                                     PUNICODE_STRING InstanceName, PUNICODE_STRING *RegistryPath,
                                     PUNICODE_STRING MofResourceName, PDEVICE_OBJECT *Pdo)
{
    static const WCHAR Name[] = L"sample";

    PAGED_CODE();
    InstanceName->Buffer = ExAllocatePoolWithTag(PagedPool, sizeof(Name), TAG);
    if (InstanceName->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(InstanceName->Buffer, Name, sizeof(Name));
    InstanceName->Length = InstanceName->MaximumLength = sizeof(Name) - sizeof(WCHAR);
    *RegFlags = WMIREG_FLAG_INSTANCE_BASENAME;
    *RegistryPath = NULL;
    return STATUS_SUCCESS;
}

static NTSTATUS ProviderQuery(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                              ULONG InstanceIndex, ULONG InstanceCount,
                              PULONG InstanceLengthArray, ULONG BufferAvail, PUCHAR Buffer)
{
    ULONG Needed = (InstanceCount - 1) * 8 + sizeof(ULONG); /* each at a multiple of 8 */

    PAGED_CODE();
    if (BufferAvail < Needed) {
        return WmiCompleteRequest(DeviceObject, Irp, STATUS_BUFFER_TOO_SMALL, Needed,
                                  IO_NO_INCREMENT);
    }
    for (ULONG i = 0; i < InstanceCount; i++) {
        *(PULONG)(Buffer + i * 8) = ProviderValue[InstanceIndex + i];
        InstanceLengthArray[i] = sizeof(ULONG);
    }
    return WmiCompleteRequest(DeviceObject, Irp, STATUS_SUCCESS, Needed, IO_NO_INCREMENT);
}

static NTSTATUS ProviderSet(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                            ULONG InstanceIndex, ULONG BufferSize, PUCHAR Buffer)
{
    NTSTATUS Status = BufferSize == sizeof(ULONG) ? STATUS_SUCCESS : STATUS_WMI_SET_FAILURE;

    PAGED_CODE();
    if (NT_SUCCESS(Status)) {
        ProviderValue[InstanceIndex] = *(PULONG)Buffer;
    }
    return WmiCompleteRequest(DeviceObject, Irp, Status, 0, IO_NO_INCREMENT);
}

/* Method 1 doubles its argument. */
static NTSTATUS ProviderMethod(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG GuidIndex,
                               ULONG InstanceIndex, ULONG MethodId, ULONG InBufferSize,
                               ULONG OutBufferSize, PUCHAR Buffer)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (MethodId != 1) {
        Status = STATUS_WMI_ITEMID_NOT_FOUND;
    } else if (InBufferSize != sizeof(ULONG) || OutBufferSize < sizeof(ULONG)) {
        Status = STATUS_BUFFER_TOO_SMALL;
    } else {
        *(PULONG)Buffer *= 2;
    }
    return WmiCompleteRequest(DeviceObject, Irp, Status, sizeof(ULONG), IO_NO_INCREMENT);
}

static WMILIB_CONTEXT ProviderLibrary = {
    RTL_NUMBER_OF(ProviderGuids), ProviderGuids, ProviderQueryRegInfo, ProviderQuery,
    ProviderSet,                  NULL,          ProviderMethod,       NULL,
};

NTSTATUS ProviderSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SYSCTL_IRP_DISPOSITION Disposition;
    NTSTATUS Status;

    PAGED_CODE();
    Status = WmiSystemControl(&ProviderLibrary, DeviceObject, Irp, &Disposition);
    if (Disposition != IrpProcessed) { /* there is no device below */
        if (Disposition != IrpNotCompleted) {
            Irp->IoStatus.Status = Status = STATUS_INVALID_DEVICE_REQUEST;
        }
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
    }
    return Status;
}

static NTSTATUS ProviderAskAll(PVOID Block)
{
    UCHAR Buffer[256];
    PWNODE_ALL_DATA Node = (PVOID)Buffer;
    ULONG Size = 0;

    PAGED_CODE();
    CHECK(IoWMIQueryAllData(Block, &Size, NULL) == STATUS_BUFFER_TOO_SMALL);
    CHECK(Size > sizeof(WNODE_ALL_DATA) && Size <= sizeof(Buffer));
    CHECK(IoWMIQueryAllData(Block, &Size, Buffer) == STATUS_SUCCESS);
    CHECK(Node->InstanceCount == 2 && Node->WnodeHeader.BufferSize == Size);
    CHECK(Node->WnodeHeader.Flags & WNODE_FLAG_ALL_DATA);
    for (ULONG i = 0; i < 2; i++) {
        ULONG Offset = Node->OffsetInstanceDataAndLength[i].OffsetInstanceData;
        CHECK(Node->OffsetInstanceDataAndLength[i].LengthInstanceData == sizeof(ULONG));
        CHECK(Offset % 8 == 0 && *(PULONG)(Buffer + Offset) == ProviderValue[i]);
    }
    Size--;
    CHECK(IoWMIQueryAllData(Block, &Size, Buffer) == STATUS_BUFFER_TOO_SMALL);
    return STATUS_SUCCESS;
}

static NTSTATUS ProviderAskOne(PVOID Block)
{
    UNICODE_STRING Second = RTL_CONSTANT_STRING(L"sample_1"), Third =
        RTL_CONSTANT_STRING(L"sample_2");
    UCHAR Buffer[128];
    PWNODE_SINGLE_INSTANCE Node = (PVOID)Buffer;
    ULONG Size = sizeof(Buffer), Value = 44, Length = sizeof(Value);

    PAGED_CODE();
    CHECK(IoWMISetSingleInstance(Block, &Second, 0, sizeof(Value), &Value) == STATUS_SUCCESS);
    CHECK(ProviderValue[1] == 44);
    CHECK(IoWMISetSingleInstance(Block, &Second, 0, 3, &Value) == STATUS_WMI_SET_FAILURE);
    CHECK(IoWMISetSingleItem(Block, &Second, 1, 0, sizeof(Value), &Value) ==
          STATUS_WMI_READ_ONLY);
    CHECK(IoWMIQuerySingleInstance(Block, &Second, &Size, Buffer) == STATUS_SUCCESS);
    CHECK(Node->InstanceIndex == 1 && Node->SizeDataBlock == sizeof(ULONG));
    CHECK(*(PULONG)(Buffer + Node->DataBlockOffset) == 44);
    CHECK(IoWMIQuerySingleInstance(Block, &Third, &Size, Buffer) ==
          STATUS_WMI_INSTANCE_NOT_FOUND);
    CHECK(IoWMIExecuteMethod(Block, &Second, 1, sizeof(Value), &Length, (PUCHAR)&Value) ==
          STATUS_SUCCESS);
    CHECK(Length == sizeof(Value) && Value == 88);
    CHECK(IoWMIExecuteMethod(Block, &Second, 2, sizeof(Value), &Length, (PUCHAR)&Value) ==
          STATUS_WMI_ITEMID_NOT_FOUND);
    return STATUS_SUCCESS;
}

static NTSTATUS ProviderFire(VOID)
{
    PULONG Data = ExAllocatePoolWithTag(NonPagedPool, sizeof(ULONG), TAG);

    PAGED_CODE();
    CHECK(Data != NULL);
    *Data = 5;
    CHECK(WmiFireEvent(ProviderDevice, &ProviderGuid, 1, sizeof(*Data), Data) == STATUS_SUCCESS);
    Data = ExAllocatePoolWithTag(NonPagedPool, 2000, TAG);
    CHECK(Data != NULL);
    CHECK(WmiFireEvent(ProviderDevice, &ProviderGuid, 1, 2000, Data) == STATUS_BUFFER_OVERFLOW);
    return STATUS_SUCCESS;
}

static NTSTATUS ProviderAsk(VOID)
{
    PVOID Block, Reader;

    PAGED_CODE();
    CHECK(IoWMIOpenBlock(&NobodysGuid, WMIGUID_QUERY, &Block) == STATUS_WMI_GUID_NOT_FOUND);
    CHECK(IoWMIOpenBlock(&ProviderGuid, WMIGUID_QUERY | WMIGUID_SET | WMIGUID_EXECUTE, &Block) ==
          STATUS_SUCCESS);
    NTSTATUS Status = ProviderAskAll(Block);
    if (NT_SUCCESS(Status)) {
        Status = ProviderAskOne(Block);
    }
    IoWMICloseBlock(Block);
    CHECK(NT_SUCCESS(Status));
    CHECK(IoWMIOpenBlock(&ProviderGuid, WMIGUID_NOTIFICATION, &Reader) == STATUS_SUCCESS);
    ULONG Size = 0;
    CHECK(IoWMIQueryAllData(Reader, &Size, NULL) == STATUS_ACCESS_DENIED);
    IoWMICloseBlock(Reader);
    CHECK(IoWMIRegistrationControl(ProviderDevice, WMIREG_ACTION_REGISTER) ==
          STATUS_INVALID_PARAMETER);
    CHECK(IoWMIRegistrationControl(ProviderDevice, 77) == STATUS_INVALID_PARAMETER);
    CHECK(IoWMIRegistrationControl(ProviderDevice, WMIREG_ACTION_UPDATE_GUIDS) == STATUS_SUCCESS);
    return ProviderFire();
}

NTSTATUS ProviderCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        Status = ProviderAsk();
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID ProviderUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoWMIRegistrationControl(DriverObject->DeviceObject, WMIREG_ACTION_DEREGISTER);
    IoDeleteDevice(DriverObject->DeviceObject);
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, L"\\Device\\WmiProvider");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ProviderCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ProviderCreateClose;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = ProviderSystemControl;
    DriverObject->DriverUnload = ProviderUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &ProviderDevice);
    if (NT_SUCCESS(Status)) {
        Status = IoWMIRegistrationControl(ProviderDevice, WMIREG_ACTION_REGISTER);
    }
    return Status;
}
