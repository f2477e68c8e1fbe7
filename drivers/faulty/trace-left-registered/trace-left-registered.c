/* SPDX-License-Identifier: MIT */
/* A provider of events that is registered still when the driver is unloaded. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LeftUnload;
ETWENABLECALLBACK LeftEnabled;

static const GUID LeftGuid = {
    0x21a4be77, 0x58d2, 0x4e0f, {0xb1, 0x3c, 0x0d, 0x5a, 0x77, 0x1e, 0x92, 0x40}};
static REGHANDLE LeftHandle;

#pragma code_seg("PAGE")

VOID LeftEnabled(LPCGUID SourceId, ULONG ControlCode, UCHAR Level, ULONGLONG MatchAnyKeyword,
                 ULONGLONG MatchAllKeyword, PEVENT_FILTER_DESCRIPTOR FilterData,
                 PVOID CallbackContext)
{
    PAGED_CODE();
}

VOID LeftUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE(); /* EtwUnregister(LeftHandle) is missing: the callback's code goes */
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = EtwRegister(&LeftGuid, LeftEnabled, NULL, &LeftHandle);
    DriverObject->DriverUnload = LeftUnload;
    return Status;
}
