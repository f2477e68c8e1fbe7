/* SPDX-License-Identifier: MIT */
/*
 * Counts of devices that drivers keep for each other: the structure is theirs to read and change.
 * And the spin lock of volume parameter blocks, for drivers that take it by its routines.
 */
#include "io/iop.h"

static CONFIGURATION_INFORMATION IopConfigurationInformation = {
    .Version = sizeof(CONFIGURATION_INFORMATION),
};
static KSPIN_LOCK IopVpbLock;

PCONFIGURATION_INFORMATION IoGetConfigurationInformation(VOID)
{
    return &IopConfigurationInformation;
}

VOID IoAcquireVpbSpinLock(PKIRQL Irql)
{
    *Irql = KiAcquireSpinLock(&IopVpbLock);
}

VOID IoReleaseVpbSpinLock(KIRQL Irql)
{
    KiReleaseSpinLock(&IopVpbLock, Irql);
}
