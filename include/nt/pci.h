/* SPDX-License-Identifier: MIT */
/* PCI configuration space as a driver sees it: slot numbers, the common header, its bits. */
#pragma once

#include "ntdef.h"

#define PCI_INVALID_VENDORID 0xffff
#define PCI_MAX_DEVICES 32
#define PCI_MAX_FUNCTION 8
#define PCI_TYPE0_ADDRESSES 6

#define PCI_MULTIFUNCTION 0x80 /* of HeaderType */
#define PCI_DEVICE_TYPE 0x00
#define PCI_BRIDGE_TYPE 0x01

#define PCI_ENABLE_IO_SPACE 0x0001 /* of Command */
#define PCI_ENABLE_MEMORY_SPACE 0x0002
#define PCI_ENABLE_BUS_MASTER 0x0004

#define PCI_ADDRESS_IO_SPACE 0x00000001 /* of a base address */
#define PCI_ADDRESS_MEMORY_TYPE_MASK 0x00000006
#define PCI_ADDRESS_MEMORY_PREFETCHABLE 0x00000008
#define PCI_ADDRESS_MEMORY_ADDRESS_MASK 0xfffffff0
#define PCI_TYPE_32BIT 0
#define PCI_TYPE_20BIT 2
#define PCI_TYPE_64BIT 4

typedef struct _PCI_SLOT_NUMBER {
    union {
        struct {
            ULONG DeviceNumber : 5;
            ULONG FunctionNumber : 3;
            ULONG Reserved : 24;
        } bits;
        ULONG AsULONG;
    } u;
} PCI_SLOT_NUMBER, *PPCI_SLOT_NUMBER;

typedef struct _PCI_COMMON_CONFIG {
    USHORT VendorID;
    USHORT DeviceID;
    USHORT Command;
    USHORT Status;
    UCHAR RevisionID;
    UCHAR ProgIf;
    UCHAR SubClass;
    UCHAR BaseClass;
    UCHAR CacheLineSize;
    UCHAR LatencyTimer;
    UCHAR HeaderType;
    UCHAR BIST;
    union {
        struct {
            ULONG BaseAddresses[PCI_TYPE0_ADDRESSES];
            ULONG CIS;
            USHORT SubVendorID;
            USHORT SubSystemID;
            ULONG ROMBaseAddress;
            UCHAR CapabilitiesPtr;
            UCHAR Reserved1[3];
            ULONG Reserved2;
            UCHAR InterruptLine;
            UCHAR InterruptPin;
            UCHAR MinimumGrant;
            UCHAR MaximumLatency;
        } type0;
    } u;
    UCHAR DeviceSpecific[192];
} PCI_COMMON_CONFIG, *PPCI_COMMON_CONFIG;

#define PCI_COMMON_HDR_LENGTH FIELD_OFFSET(PCI_COMMON_CONFIG, DeviceSpecific)

C_ASSERT(sizeof(PCI_COMMON_CONFIG) == 256);
C_ASSERT(FIELD_OFFSET(PCI_COMMON_CONFIG, u.type0.BaseAddresses) == 0x10);
C_ASSERT(FIELD_OFFSET(PCI_COMMON_CONFIG, u.type0.InterruptLine) == 0x3c);
