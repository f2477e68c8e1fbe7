/* SPDX-License-Identifier: MIT */
/* A virtual Storport miniport calls paging routines. See README.md. */
#include <ntddk.h>
#include <storport.h>

DRIVER_INITIALIZE DriverEntry;

#pragma alloc_text(INIT, DriverEntry)

/* Nothing calls these as long as there is no adapter. */
static BOOLEAN MiniInitialize(PVOID DeviceExtension)
{
    return TRUE;
}

static BOOLEAN MiniStartIo(PVOID DeviceExtension, PVOID Srb)
{
    return FALSE;
}

static ULONG MiniFindAdapter(PVOID DeviceExtension)
{
    return 1; /* SP_RETURN_NOT_FOUND */
}

static BOOLEAN MiniResetBus(PVOID DeviceExtension, ULONG PathId)
{
    return FALSE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA Data = {.HwInitializationDataSize = sizeof(Data),
                                   .HwInitialize = (PVOID)MiniInitialize,
                                   .HwStartIo = (PVOID)MiniStartIo,
                                   .HwFindAdapter = (PVOID)MiniFindAdapter,
                                   .HwResetBus = (PVOID)MiniResetBus};
    Data.FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT;
    MmPageEntireDriver(DriverEntry);
    NTSTATUS Status = (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
    MmResetDriverPaging(DriverEntry);
    return Status;
}
