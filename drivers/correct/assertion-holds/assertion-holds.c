/* SPDX-License-Identifier: MIT */
/* The ASSERT of a driver that was built checked holds. See README.md. */
#include <wdm.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD HoldsUnload;

#undef ASSERT
#define ASSERT(e) ((e) ? (VOID)0 : RtlAssert(#e, __FILE__, __LINE__, NULL)) /* as checked */

static volatile ULONG HoldsCount;

VOID HoldsUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = HoldsUnload;
    HoldsCount++;
    ASSERT(HoldsCount != 0);
    return STATUS_SUCCESS;
}
