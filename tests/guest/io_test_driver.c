/* SPDX-License-Identifier: MIT */
#include "io_test_driver.h"

IO_TEST_DRIVER IoTest;
static VOID (*IoTestOldFinding)(ULONG Code, PCSTR Text, PVOID Address);

NTSTATUS IoTestComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS IoTestDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    switch (Stack->MajorFunction) {
    case IRP_MJ_CREATE: {
        UNICODE_STRING Name = {0, sizeof(IoTest.FileName), IoTest.FileName};
        RtlZeroMemory(IoTest.FileName, sizeof(IoTest.FileName));
        RtlCopyUnicodeString(&Name, &Stack->FileObject->FileName);
        IoTest.Creates++;
        return IoTestComplete(Irp, IoTest.CreateStatus, FILE_OPENED);
    }
    case IRP_MJ_CLEANUP:
        IoTest.Cleanups++;
        return IoTestComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_CLOSE:
        IoTest.Closes++;
        return IoTestComplete(Irp, STATUS_SUCCESS, 0);
    default:
        return IoTest.Handle(Device, Irp);
    }
}

static VOID IoTestFinding(ULONG Code, PCSTR Text, PVOID Address)
{
    IoTest.Findings++;
    IoTest.LastFinding = Code;
}

static NTSTATUS IoTestEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    IoTest.Driver = Driver;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        Driver->MajorFunction[i] = IoTestDispatch;
    }
    return STATUS_SUCCESS;
}

BOOLEAN IoTestLoad(ULONG ExtraFlags, BOOLEAN Exclusive)
{
    UNICODE_STRING DriverName, DeviceName;
    RtlZeroMemory(&IoTest, sizeof(IoTest));
    IoTestOldFinding = IopFinding;
    IopFinding = IoTestFinding;
    RtlInitUnicodeString(&DriverName, L"\\Driver\\IoTest");
    RtlInitUnicodeString(&DeviceName, IO_TEST_DEVICE);
    NTSTATUS Status = IoCreateDriver(&DriverName, IoTestEntry);
    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    if (NT_SUCCESS(Status)) {
        Status = IoCreateDevice(IoTest.Driver, 40, &DeviceName, FILE_DEVICE_UNKNOWN, 0, Exclusive,
                                &IoTest.Device);
        EXPECT_EQUAL(Status, STATUS_SUCCESS);
    }
    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    IoTest.Device->Flags |= ExtraFlags;
    IoTest.Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return TRUE;
}

VOID IoTestUnload(VOID)
{
    if (IoTest.Device != NULL) {
        IoDeleteDevice(IoTest.Device);
    }
    IoDeleteDriver(IoTest.Driver);
    IopFinding = IoTestOldFinding;
}
