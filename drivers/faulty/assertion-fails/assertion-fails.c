/* SPDX-License-Identifier: MIT */
/* An ASSERT of a driver that was built checked does not hold. See README.md. */
#include <wdm.h>

DRIVER_INITIALIZE DriverEntry;

#undef ASSERT
#define ASSERT(e) ((e) ? (VOID)0 : RtlAssert(#e, __FILE__, __LINE__, NULL)) /* as checked */

static volatile ULONG FaultyCount;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ASSERT(FaultyCount != 0);
    return STATUS_SUCCESS;
}
