/* SPDX-License-Identifier: MIT */
/* A PnP driver's life on its root-enumerated device; properties and interfaces. */
#include "io_test_driver.h"

static PDEVICE_OBJECT FunctionDevice, PhysicalDevice, NextDevice;
static ULONG MinorFunctions; /* a bit for each that was seen */
static NTSTATUS QueryRemoveStatus;

static NTSTATUS PnpDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    EXPECT_EQUAL(Stack->MajorFunction, IRP_MJ_PNP);
    EXPECT_EQUAL((ULONG)Irp->IoStatus.Status, (ULONG)STATUS_NOT_SUPPORTED);
    MinorFunctions |= 1u << Stack->MinorFunction;
    switch (Stack->MinorFunction) {
    case IRP_MN_START_DEVICE: {
        EXPECT(IoForwardIrpSynchronously(NextDevice, Irp));
        EXPECT_EQUAL(Irp->IoStatus.Status, STATUS_SUCCESS);
        NTSTATUS Status = Irp->IoStatus.Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    case IRP_MN_QUERY_REMOVE_DEVICE:
        if (!NT_SUCCESS(QueryRemoveStatus)) {
            return IoTestComplete(Irp, QueryRemoveStatus, 0);
        }
        break;
    case IRP_MN_REMOVE_DEVICE: {
        IoSkipCurrentIrpStackLocation(Irp);
        NTSTATUS Status = IoCallDriver(NextDevice, Irp);
        IoDetachDevice(NextDevice);
        IoDeleteDevice(Device);
        return Status;
    }
    default:
        break;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(NextDevice, Irp);
}

static NTSTATUS AddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical)
{
    PhysicalDevice = Physical;
    NTSTATUS Status =
        IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &FunctionDevice);
    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    NextDevice = IoAttachDeviceToDeviceStack(FunctionDevice, Physical);
    EXPECT_EQUAL((ULONG_PTR)NextDevice, (ULONG_PTR)Physical);
    FunctionDevice->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static BOOLEAN AddTestDevice(VOID)
{
    if (!IoTestLoad(0, FALSE)) {
        return FALSE;
    }
    MinorFunctions = 0;
    QueryRemoveStatus = STATUS_SUCCESS;
    IoTest.Handle = PnpDispatch;
    IoTest.Driver->DriverExtension->AddDevice = AddDevice;
    NTSTATUS Status = IopAddRootDevice(IoTest.Driver);
    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    return NT_SUCCESS(Status);
}

GUEST_TEST(io_pnp_device_is_started_and_removed)
{
    if (!AddTestDevice()) {
        return;
    }
    EXPECT_EQUAL(MinorFunctions, 1u << IRP_MN_START_DEVICE);
    EXPECT_EQUAL(IopDriverExtension(IoTest.Driver)->PnpState, IopPnpStarted);
    QueryRemoveStatus = STATUS_DEVICE_BUSY;
    EXPECT_EQUAL((ULONG)IopQueryRemoveRootDevice(IoTest.Driver), (ULONG)STATUS_DEVICE_BUSY);
    EXPECT(MinorFunctions & (1u << IRP_MN_CANCEL_REMOVE_DEVICE));
    QueryRemoveStatus = STATUS_SUCCESS;
    EXPECT_EQUAL(IopQueryRemoveRootDevice(IoTest.Driver), STATUS_SUCCESS);
    IopRemoveRootDevice(IoTest.Driver);
    EXPECT(MinorFunctions & (1u << IRP_MN_REMOVE_DEVICE));
    EXPECT(IopDriverExtension(IoTest.Driver)->PhysicalDevice == NULL);
    EXPECT_EQUAL(IoTest.Findings, 0);
    IoTestUnload();
}

GUEST_TEST(io_device_interface_is_a_link_while_enabled)
{
    static const GUID Class = {0x12345678, 0x1234, 0x5678, {1, 2, 3, 4, 5, 6, 7, 8}};
    UNICODE_STRING Name, Prefix;
    HANDLE Handle;
    WCHAR Text[64];
    ULONG Length;

    if (!AddTestDevice()) {
        return;
    }
    EXPECT_EQUAL(IoGetDeviceProperty(PhysicalDevice, DevicePropertyEnumeratorName, sizeof(Text),
                                     Text, &Length),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(wcscmp(Text, L"ROOT"), 0);
    EXPECT_EQUAL((ULONG)IoGetDeviceProperty(PhysicalDevice, DevicePropertyEnumeratorName, 4, Text,
                                            &Length),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(Length, sizeof(L"ROOT"));
    EXPECT_EQUAL((ULONG)IoGetDeviceProperty(PhysicalDevice, (DEVICE_REGISTRY_PROPERTY)99,
                                            sizeof(Text), Text, &Length),
                 (ULONG)STATUS_INVALID_PARAMETER_2);
    EXPECT_EQUAL((ULONG)IoGetDeviceProperty(FunctionDevice, DevicePropertyEnumeratorName,
                                            sizeof(Text), Text, &Length),
                 (ULONG)STATUS_INVALID_DEVICE_REQUEST);
    EXPECT_EQUAL((ULONG)IoRegisterDeviceInterface(FunctionDevice, &Class, NULL, &Name),
                 (ULONG)STATUS_INVALID_DEVICE_REQUEST);
    EXPECT_EQUAL(IoRegisterDeviceInterface(PhysicalDevice, &Class, NULL, &Name), STATUS_SUCCESS);
    RtlInitUnicodeString(&Prefix, L"\\??\\ROOT#IoTest#0000#{12345678-1234-5678-0102-");
    EXPECT(RtlPrefixUnicodeString(&Prefix, &Name, TRUE));
    EXPECT_EQUAL((ULONG)IopOpenFile(&Name, GENERIC_READ, KernelMode, &Handle),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQUAL(IoSetDeviceInterfaceState(&Name, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL(IoSetDeviceInterfaceState(&Name, TRUE), STATUS_OBJECT_NAME_EXISTS);
    EXPECT_EQUAL(IopOpenFile(&Name, GENERIC_READ, KernelMode, &Handle), STATUS_SUCCESS);
    EXPECT_EQUAL(IoTest.Creates, 1); /* through the stack of the physical device */
    ZwClose(Handle);
    EXPECT_EQUAL(IoSetDeviceInterfaceState(&Name, FALSE), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)IoSetDeviceInterfaceState(&Name, FALSE),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    RtlFreeUnicodeString(&Name);
    IopRemoveRootDevice(IoTest.Driver);
    IoTestUnload();
}
