/* SPDX-License-Identifier: MIT */
/* Io's start: its object types, the reserve packet, timers, the root driver. */
#include "etw/etwp.h"
#include "io/iop.h"
#include "io/pnp_notification.h"
#include "io/power.h"
#include "io/wmip.h"

POBJECT_TYPE IoDeviceObjectType, IoDriverObjectType, IoFileObjectType;

#define IOP_FILE_MAPPING \
    {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS}

static VOID IopCreateTypes(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Driver = {
        .GenericMapping = IOP_FILE_MAPPING,
        .ValidAccessMask = FILE_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .DeleteProcedure = IopDeleteDriver,
    };
    static const OBJECT_TYPE_INITIALIZER Device = {
        .GenericMapping = IOP_FILE_MAPPING,
        .ValidAccessMask = FILE_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .DeleteProcedure = IopDeleteDevice,
        .ParseProcedure = IopParseDevice,
        .SecurityProcedure = IopDeviceSecurity,
    };
    static const OBJECT_TYPE_INITIALIZER File = {
        .GenericMapping = IOP_FILE_MAPPING,
        .ValidAccessMask = FILE_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .CloseProcedure = IopCloseFile,
        .DeleteProcedure = IopDeleteFile,
        .ParseProcedure = IopParseFile,
        .SecurityProcedure = IopFileSecurity,
        .QueryNameProcedure = IopQueryFileName,
    };
    NT_VERIFY(NT_SUCCESS(
        ObCreateObjectType(L"Driver", &Driver, OB_NOT_WAITABLE, &IoDriverObjectType)));
    NT_VERIFY(NT_SUCCESS(
        ObCreateObjectType(L"Device", &Device, OB_NOT_WAITABLE, &IoDeviceObjectType)));
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(
        L"File", &File, (PVOID)offsetof(FILE_OBJECT, Event), &IoFileObjectType)));
}

/* WDM 6.0 and what came before it. */
BOOLEAN IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion)
{
    return MajorVersion < 6 || (MajorVersion == 6 && MinorVersion == 0);
}

VOID IoInitializeSystem(VOID)
{
    KeInitializeSpinLock(&IopDatabaseLock);
    KeInitializeSpinLock(&IopCancelLock);
    IopCreateTypes();
    IopInitializeIrpReserve();
    IopInitializeTimers();
    IopInitializeShutdown();
    IopInitializeInterfaces();
    IopInitializeNotifications();
    IopInitializePowerSettings();
    IopInitializeServices();
    IopInitializeRootDriver();
    IopInitializeClaims();
    WmipInitialize();
    EtwpInitialize();
}
