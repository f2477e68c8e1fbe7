/* SPDX-License-Identifier: MIT */
/* Imports from hal.dll beside those from ntoskrnl.exe. See README.md. */
#include <ntddk.h>

#define CMOS_STATUS_D 0x0d
#define CMOS_VALID_TIME 0x80

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD HalUserUnload;
DRIVER_DISPATCH HalUserCreateClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, HalUserUnload)
#pragma alloc_text(PAGE, HalUserCreateClose)

/* 200 microseconds of stalling take at least that long, and less than a second. */
static BOOLEAN HalUserStalls(VOID)
{
    LARGE_INTEGER Frequency, After, Before = KeQueryPerformanceCounter(&Frequency);
    for (ULONG i = 0; i < 4; i++) {
        KeStallExecutionProcessor(50);
    }
    After = KeQueryPerformanceCounter(NULL);
    LONGLONG Microseconds = (After.QuadPart - Before.QuadPart) * 1000000 / Frequency.QuadPart;
    return Microseconds >= 200 && Microseconds < 1000000;
}

NTSTATUS HalUserCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = HalUserStalls() ? STATUS_SUCCESS : STATUS_DEVICE_NOT_READY;
    PAGED_CODE();
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID HalUserUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    UCHAR StatusD = 0, Slot[4] = {0};

    /* There is no PCI bus here: 0 bytes, or the two of an empty slot's vendor. */
    ULONG Length = HalGetBusDataByOffset(PCIConfiguration, 0, 0, Slot, 0, sizeof(Slot));
    if (Length != 0 && Length != 2) {
        return STATUS_UNSUCCESSFUL;
    }
    if (HalGetBusDataByOffset(Cmos, 0, 0, &StatusD, CMOS_STATUS_D, 1) == 1) {
        DbgPrint("hal-imports: the clock's time is %s\n",
                 StatusD & CMOS_VALID_TIME ? "valid" : "not valid");
    }
    RtlInitUnicodeString(&Name, L"\\Device\\HalImports");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = HalUserCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = HalUserCreateClose;
    DriverObject->DriverUnload = HalUserUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
