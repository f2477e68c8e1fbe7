/* SPDX-License-Identifier: MIT */
/*
 * One root-enumerated device for each PnP driver: a physical device object of \Driver\PnpManager,
 * AddDevice of the driver and its filters (device_filter.c), IRP_MN_START_DEVICE without resources,
 * and at the end query-remove and remove. A scenario takes the other ways:
 *
 *   None -AddDevice-> Added -start-> Started -query-stop-> StopPending -stop-> Stopped
 *   Stopped -start-> Started
 *   StopPending -cancel-stop-> Started
 *   Started, Stopped -query-remove-> RemovePending -remove-> None, -cancel-remove-> what it was
 *   Started, Stopped -surprise-removal-> SurpriseRemoved -remove-> None
 *
 * A query that the stack refuses is cancelled, and the state stays. All under IopLockPnp.
 */
#include "io/pnp_notification.h"

typedef struct _IOP_ROOT_DEVICE {
    PDRIVER_OBJECT Driver;  /* NULL: the device is gone */
    UNICODE_STRING Service; /* the driver's; its registry path's text */
    UNICODE_STRING Name;
    WCHAR NameBuffer[24];
} IOP_ROOT_DEVICE, *PIOP_ROOT_DEVICE;

static PDRIVER_OBJECT IopRootDriver;

/*
 * Requests of the agent thread (a scenario's, load and unload) and those that drivers have queued
 * (device_invalidate.c) come one at a time. An event and no mutex: drivers are called with APCs on.
 */
static KEVENT IopPnpIdle;

static PIOP_ROOT_DEVICE IopRootDeviceOf(PDEVICE_OBJECT Device)
{
    return Device != NULL && Device->DriverObject == IopRootDriver ? Device->DeviceExtension
                                                                   : NULL;
}

PCUNICODE_STRING IopRootDeviceName(PDEVICE_OBJECT Device)
{
    PIOP_ROOT_DEVICE Root = IopRootDeviceOf(Device);
    return Root == NULL ? NULL : &Root->Name;
}

PDRIVER_OBJECT IopRootDeviceDriver(PDEVICE_OBJECT Device)
{
    PIOP_ROOT_DEVICE Root = IopRootDeviceOf(Device);
    return Root == NULL ? NULL : Root->Driver;
}

PCUNICODE_STRING IopRootDeviceService(PDEVICE_OBJECT Device)
{
    PIOP_ROOT_DEVICE Root = IopRootDeviceOf(Device);
    return Root == NULL ? NULL : &Root->Service;
}

/* A device that is no hardware: always at D0, may go at any time. */
static VOID IopFillCapabilities(PDEVICE_CAPABILITIES Capabilities)
{
    Capabilities->SilentInstall = 1;
    Capabilities->RawDeviceOK = 1;
    Capabilities->SurpriseRemovalOK = 1;
    Capabilities->Address = MAXULONG;
    Capabilities->UINumber = MAXULONG;
    Capabilities->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (ULONG i = PowerSystemSleeping1; i < PowerSystemMaximum; i++) {
        Capabilities->DeviceState[i] = PowerDeviceD3;
    }
}

static NTSTATUS IopAnswerTargetRelation(PDEVICE_OBJECT Device, PIRP Irp)
{
    PDEVICE_RELATIONS Relations =
        ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS), IO_TAG_EXTENSION);
    if (Relations == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObfReferenceObject(Device);
    Relations->Count = 1;
    Relations->Objects[0] = Device;
    Irp->IoStatus.Information = (ULONG_PTR)Relations;
    return STATUS_SUCCESS;
}

/* The bus driver's end of the stack: what it does not know keeps the status it came with. */
static NTSTATUS IopRootPnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = Irp->IoStatus.Status;

    switch (Stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        Status = STATUS_SUCCESS;
        break;
    case IRP_MN_QUERY_CAPABILITIES:
        if (Stack->Parameters.DeviceCapabilities.Capabilities->Version != 1 ||
            Stack->Parameters.DeviceCapabilities.Capabilities->Size <
                sizeof(DEVICE_CAPABILITIES)) {
            Status = STATUS_INVALID_PARAMETER;
        } else {
            IopFillCapabilities(Stack->Parameters.DeviceCapabilities.Capabilities);
            Status = STATUS_SUCCESS;
        }
        break;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (Stack->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation) {
            Status = IopAnswerTargetRelation(Device, Irp);
        }
        break;
    default:
        break;
    }
    Irp->IoStatus.Status = Status;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS IopRootSuccess(PDEVICE_OBJECT Device, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS IopRootEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    IopRootDriver = Driver;
    Driver->MajorFunction[IRP_MJ_PNP] = IopRootPnp;
    Driver->MajorFunction[IRP_MJ_POWER] = IopRootSuccess;
    Driver->MajorFunction[IRP_MJ_CREATE] = IopRootSuccess;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = IopRootSuccess;
    Driver->MajorFunction[IRP_MJ_CLOSE] = IopRootSuccess;
    return STATUS_SUCCESS;
}

VOID IopInitializeRootDriver(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Driver\\PnpManager");
    KeInitializeEvent(&IopPnpIdle, SynchronizationEvent, TRUE);
    NT_VERIFY(NT_SUCCESS(IoCreateDriver(&Name, IopRootEntry)));
}

VOID IopLockPnp(VOID)
{
    KeWaitForSingleObject(&IopPnpIdle, Executive, KernelMode, FALSE, NULL);
}

VOID IopUnlockPnp(VOID)
{
    KeSetEvent(&IopPnpIdle, IO_NO_INCREMENT, FALSE);
}

NTSTATUS IopAskPnp(PDEVICE_OBJECT Physical, UCHAR MinorFunction, DEVICE_RELATION_TYPE Type,
                   PULONG_PTR Information)
{
    PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(Physical);
    PIRP Irp = IopAllocateIrpMustSucceed(Top->StackSize);
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);

    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    Stack->MajorFunction = IRP_MJ_PNP;
    Stack->MinorFunction = MinorFunction;
    if (MinorFunction == IRP_MN_QUERY_DEVICE_RELATIONS) {
        Stack->Parameters.QueryDeviceRelations.Type = Type;
    }
    NTSTATUS Status = IopSendAndWait(Top, Irp, Information);
    ObfDereferenceObject(Top);
    return Status;
}

static NTSTATUS IopSendPnp(PDEVICE_OBJECT Physical, UCHAR MinorFunction)
{
    return IopAskPnp(Physical, MinorFunction, BusRelations, NULL);
}

static NTSTATUS IopCreateRootDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT *Physical)
{
    UCHAR Buffer[sizeof(OBJECT_NAME_INFORMATION) + 64];
    POBJECT_NAME_INFORMATION Information = (POBJECT_NAME_INFORMATION)Buffer;
    PDEVICE_OBJECT Device;
    ULONG Length;

    NTSTATUS Status = IoCreateDevice(IopRootDriver, sizeof(IOP_ROOT_DEVICE), NULL,
                                     FILE_DEVICE_CONTROLLER, FILE_AUTOGENERATED_DEVICE_NAME, FALSE,
                                     &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIOP_ROOT_DEVICE Root = Device->DeviceExtension;
    Status = ObQueryNameString(Device, Information, sizeof(Buffer), &Length);
    NT_VERIFY(NT_SUCCESS(Status) && Information->Name.Length <= sizeof(Root->NameBuffer));
    RtlInitEmptyUnicodeString(&Root->Name, Root->NameBuffer, sizeof(Root->NameBuffer));
    RtlCopyUnicodeString(&Root->Name, &Information->Name);
    Root->Driver = Driver;
    Root->Service = Driver->DriverExtension->ServiceKeyName;
    Device->Flags |= DO_BUS_ENUMERATED_DEVICE;
    Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    *Physical = Device;
    return STATUS_SUCCESS;
}

static VOID IopDeleteRootDevice(PDRIVER_OBJECT Driver)
{
    PDEVICE_OBJECT Physical = IopDriverExtension(Driver)->PhysicalDevice;
    IopDriverExtension(Driver)->PhysicalDevice = NULL;
    IopRootDeviceOf(Physical)->Driver = NULL;
    IopDriverExtension(Driver)->PnpState = IopPnpNone;
    IopForgetInterfaces(IopRootDeviceName(Physical));
    if (Physical->AttachedDevice != NULL) {
        /* The driver did not detach; its device must not hang above freed memory. */
        IopReportFinding(IopFindingDeletedAttached,
                         "a device is still attached after IRP_MN_REMOVE_DEVICE",
                         Physical->AttachedDevice);
        IoDetachDevice(Physical);
    }
    IoDeleteDevice(Physical);
    IopUnloadFilters(Driver);
}

/* A device that does not start is removed. */
NTSTATUS IopStartRootDevice(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    NTSTATUS Status = IopSendPnp(Extension->PhysicalDevice, IRP_MN_START_DEVICE);
    if (!NT_SUCCESS(Status)) {
        IopRemoveRootDevice(Driver);
        return Status;
    }
    Extension->PnpState = IopPnpStarted;
    return STATUS_SUCCESS;
}

NTSTATUS IopCallAddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    PDRIVER_ADD_DEVICE AddDevice = Driver->DriverExtension->AddDevice;
    NTSTATUS Status = AddDevice(Driver, Physical);
    KIRQL After = KeGetCurrentIrql();
    if (After != PASSIVE_LEVEL) {
        KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x12, (ULONG_PTR)AddDevice,
                     PASSIVE_LEVEL, After);
    }
    for (PDEVICE_OBJECT Device = NT_SUCCESS(Status) ? Driver->DeviceObject : NULL; Device != NULL;
         Device = Device->NextDevice) {
        if (Device->Flags & DO_DEVICE_INITIALIZING) {
            IopReportFinding(IopFindingDeviceInitializing,
                             "AddDevice left DO_DEVICE_INITIALIZING set: it cannot be opened",
                             Device);
        }
    }
    return Status;
}

NTSTATUS IopAddRootDevice(PDRIVER_OBJECT Driver)
{
    PDEVICE_OBJECT Physical;
    NTSTATUS Status = IopCreateRootDevice(Driver, &Physical);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    IopDriverExtension(Driver)->PhysicalDevice = Physical;
    IopDriverExtension(Driver)->PnpState = IopPnpAdded;
    Status = IopAddFilters(Driver, Physical, L"LowerFilters");
    if (NT_SUCCESS(Status)) {
        Status = IopCallAddDevice(Driver, Physical);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopAddFilters(Driver, Physical, L"UpperFilters");
    }
    if (!NT_SUCCESS(Status)) {
        if (IopDriverExtension(Driver)->Filters != NULL) {
            IopSendPnp(Physical, IRP_MN_REMOVE_DEVICE); /* to those that did add theirs */
        }
        IopDeleteRootDevice(Driver);
        return Status;
    }
    return IopStartRootDevice(Driver);
}

/* Those who hold files are asked first. Failure leaves the device as it was. */
NTSTATUS IopQueryRemoveRootDevice(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    PDEVICE_OBJECT Physical = Extension->PhysicalDevice;
    NTSTATUS Status = IopNotifyTargetDevice(Physical, &GUID_TARGET_DEVICE_QUERY_REMOVE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopSendPnp(Physical, IRP_MN_QUERY_REMOVE_DEVICE);
    if (!NT_SUCCESS(Status)) {
        IopSendPnp(Physical, IRP_MN_CANCEL_REMOVE_DEVICE);
        IopNotifyTargetDevice(Physical, &GUID_TARGET_DEVICE_REMOVE_CANCELLED);
        return Status;
    }
    Extension->StateBeforeQuery = Extension->PnpState;
    Extension->PnpState = IopPnpRemovePending;
    return STATUS_SUCCESS;
}

VOID IopCancelRemoveRootDevice(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    IopSendPnp(Extension->PhysicalDevice, IRP_MN_CANCEL_REMOVE_DEVICE);
    IopNotifyTargetDevice(Extension->PhysicalDevice, &GUID_TARGET_DEVICE_REMOVE_CANCELLED);
    Extension->PnpState = Extension->StateBeforeQuery;
}

VOID IopRemoveRootDevice(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    if (Extension->PnpState == IopPnpRemovePending) {
        /* After a surprise removal they have been told. */
        IopNotifyTargetDevice(Extension->PhysicalDevice, &GUID_TARGET_DEVICE_REMOVE_COMPLETE);
    }
    IopSendPnp(Extension->PhysicalDevice, IRP_MN_REMOVE_DEVICE);
    IopDeleteRootDevice(Driver);
}

NTSTATUS IopQueryStopRootDevice(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    NTSTATUS Status = IopSendPnp(Extension->PhysicalDevice, IRP_MN_QUERY_STOP_DEVICE);
    if (!NT_SUCCESS(Status)) {
        IopSendPnp(Extension->PhysicalDevice, IRP_MN_CANCEL_STOP_DEVICE);
        return Status;
    }
    Extension->PnpState = IopPnpStopPending;
    return STATUS_SUCCESS;
}

VOID IopCancelStopRootDevice(PDRIVER_OBJECT Driver)
{
    IopSendPnp(IopDriverExtension(Driver)->PhysicalDevice, IRP_MN_CANCEL_STOP_DEVICE);
    IopDriverExtension(Driver)->PnpState = IopPnpStarted;
}

VOID IopStopRootDevice(PDRIVER_OBJECT Driver)
{
    IopSendPnp(IopDriverExtension(Driver)->PhysicalDevice, IRP_MN_STOP_DEVICE);
    IopDriverExtension(Driver)->PnpState = IopPnpStopped;
}

/* The device is gone: its interfaces with it. IRP_MN_REMOVE_DEVICE comes when no file is open. */
VOID IopSurpriseRemoveRootDevice(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    Extension->PnpState = IopPnpSurpriseRemoved;
    IopSendPnp(Extension->PhysicalDevice, IRP_MN_SURPRISE_REMOVAL);
    IopNotifyTargetDevice(Extension->PhysicalDevice, &GUID_TARGET_DEVICE_REMOVE_COMPLETE);
}

BOOLEAN IopHasOpenFiles(PDRIVER_OBJECT Driver)
{
    LONG Count = IopDriverExtension(Driver)->PhysicalDevice->ReferenceCount;
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        Count += Device->ReferenceCount;
    }
    return Count != 0;
}
