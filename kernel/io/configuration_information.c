/* SPDX-License-Identifier: MIT */
/*
 * Counts of devices that drivers keep for each other: the structure is theirs to read and change.
 * And the spin lock of volume parameter blocks, for drivers that take it by its routines.
 */
#include "io/iop.h"

#include "ke/driver_irql.h"

static CONFIGURATION_INFORMATION IopConfigurationInformation = {
    .Version = sizeof(CONFIGURATION_INFORMATION),
};
static KSPIN_LOCK IopVpbLock;

PCONFIGURATION_INFORMATION IoGetConfigurationInformation(VOID)
{
    return &IopConfigurationInformation;
}

/* A driver's raise, as KeAcquireSpinLock is one: Mm is told of it. */
VOID IoAcquireVpbSpinLock(PKIRQL Irql)
{
    *Irql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());
    KeAcquireSpinLockAtDpcLevel(&IopVpbLock);
}

VOID IoReleaseVpbSpinLock(KIRQL Irql)
{
    KeReleaseSpinLockFromDpcLevel(&IopVpbLock);
    KiLowerIrqlForDriver(Irql, KI_RETURN_ADDRESS());
}
