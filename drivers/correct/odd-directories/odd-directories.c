/* SPDX-License-Identifier: MIT */
/*
 * Directories that the loader of drivers does not act on: delayed imports, thread-local storage,
 * exports with a forwarder. See README.md.
 */
#include <ntddk.h>
#include <pe.h>

/* What the linker's helper gets; all are RVAs. */
typedef struct {
    ULONG Attributes; /* 1: RVAs */
    ULONG DllName;
    ULONG ModuleHandle;
    ULONG AddressTable;
    ULONG NameTable;
    ULONG BoundTable, UnloadTable, TimeStamp;
} DELAY_DESCRIPTOR;

typedef struct {
    ULONG64 Start, End, Index, Callbacks;
    ULONG ZeroFill, Characteristics;
} TLS_DIRECTORY;

extern const IMAGE_DOS_HEADER __ImageBase;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD OddUnload;
DRIVER_DISPATCH OddCreateClose;
PVOID __delayLoadHelper2(const DELAY_DESCRIPTOR *Descriptor, PVOID *Slot);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, OddUnload)
#pragma alloc_text(PAGE, OddCreateClose)
#pragma alloc_text(PAGE, __delayLoadHelper2)

static ULONG OddTlsCalls, OddDelayLoads, OddInitializeCalls;

static VOID OddTlsCallback(PVOID Image, ULONG Reason, PVOID Reserved)
{
    OddTlsCalls++;
}

static VOID (*const OddTlsCallbacks[])(PVOID, ULONG, PVOID) = {OddTlsCallback, NULL};
static ULONG OddTlsIndex = 0xabcd;
const TLS_DIRECTORY _tls_used = {
    .Index = (ULONG64)&OddTlsIndex,
    .Callbacks = (ULONG64)OddTlsCallbacks,
};

/* Exported: called for a driver that another one imports from, and for no other. */
NTSTATUS DllInitialize(PUNICODE_STRING RegistryPath)
{
    OddInitializeCalls++;
    return STATUS_SUCCESS;
}

NTSTATUS DllUnload(VOID)
{
    return STATUS_SUCCESS;
}

/* The first call of a delayed import comes here; the kernel has no helper of its own. */
PVOID __delayLoadHelper2(const DELAY_DESCRIPTOR *Descriptor, PVOID *Slot)
{
    const UCHAR *Base = (const UCHAR *)&__ImageBase;
    SIZE_T Index = (SIZE_T)(Slot - (PVOID *)(Base + Descriptor->AddressTable));
    const ULONG64 *Names = (const ULONG64 *)(Base + Descriptor->NameTable);
    ANSI_STRING Narrow;
    UNICODE_STRING Name;

    RtlInitAnsiString(&Narrow, (PCSZ)(Base + Names[Index] + sizeof(USHORT)));
    if (!NT_SUCCESS(RtlAnsiStringToUnicodeString(&Name, &Narrow, TRUE))) {
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    }
    *Slot = MmGetSystemRoutineAddress(&Name);
    RtlFreeUnicodeString(&Name);
    if (*Slot == NULL) {
        ExRaiseStatus(STATUS_PROCEDURE_NOT_FOUND);
    }
    OddDelayLoads++;
    return *Slot;
}

NTSTATUS OddCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;
    KeStallExecutionProcessor(1); /* delayed: hal.def, link.txt */
    if (OddTlsCalls != 0 || OddTlsIndex != 0xabcd || OddInitializeCalls != 0 ||
        OddDelayLoads != 1) {
        DbgPrint("odd-directories: %u TLS calls, index %x, %u initializations, %u delay loads\n",
                 OddTlsCalls, OddTlsIndex, OddInitializeCalls, OddDelayLoads);
        Status = STATUS_UNSUCCESSFUL;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID OddUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\OddDirectories");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = OddCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = OddCreateClose;
    DriverObject->DriverUnload = OddUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
