/* SPDX-License-Identifier: MIT */
/* What a Storport miniport hands to its port driver, as far as that is provided. */
#pragma once

#include "ntdef.h"

#define STOR_FEATURE_VIRTUAL_MINIPORT 0x00000001 /* of FeatureSupport: no hardware of its own */

typedef struct _HW_INITIALIZATION_DATA {
    ULONG HwInitializationDataSize; /* bytes; older miniports end before FeatureSupport */
    LONG AdapterInterfaceType; /* INTERFACE_TYPE */
    PVOID HwInitialize;
    PVOID HwStartIo;
    PVOID HwInterrupt;
    PVOID HwFindAdapter;
    PVOID HwResetBus;
    PVOID HwDmaStarted;
    PVOID HwAdapterState;
    ULONG DeviceExtensionSize;
    ULONG SpecificLuExtensionSize;
    ULONG SrbExtensionSize;
    ULONG NumberOfAccessRanges;
    PVOID Reserved;
    UCHAR MapBuffers;
    BOOLEAN NeedPhysicalAddresses;
    BOOLEAN TaggedQueuing;
    BOOLEAN AutoRequestSense;
    BOOLEAN MultipleRequestPerLu;
    BOOLEAN ReceiveEvent;
    USHORT VendorIdLength;
    PVOID VendorId;
    USHORT PortVersionFlags;
    USHORT DeviceIdLength;
    PVOID DeviceId;
    PVOID HwAdapterControl;
    PVOID HwBuildIo;
    PVOID HwFreeAdapterResources;
    PVOID HwProcessServiceRequest;
    PVOID HwCompleteServiceIrp;
    PVOID HwInitializeTracing;
    PVOID HwCleanupTracing;
    PVOID HwTracingEnabled;
    ULONG FeatureSupport; /* STOR_FEATURE_x */
    ULONG SrbTypeFlags;
    ULONG AddressTypeFlags;
    ULONG Reserved1;
    PVOID HwUnitControl;
} HW_INITIALIZATION_DATA, *PHW_INITIALIZATION_DATA;
C_ASSERT(sizeof(HW_INITIALIZATION_DATA) == 0xd0);
C_ASSERT(offsetof(HW_INITIALIZATION_DATA, HwFreeAdapterResources) == 0x88);
C_ASSERT(offsetof(HW_INITIALIZATION_DATA, FeatureSupport) == 0xb8);

/* PASSIVE_LEVEL, from DriverEntry, which returns what this does. */
ULONG StorPortInitialize(PVOID Argument1, PVOID Argument2,
                         PHW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext);
