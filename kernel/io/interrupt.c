/* SPDX-License-Identifier: MIT */
/* Connecting a driver's interrupt service routine. Vectors come from HalGetInterruptVector. */
#include "io/iop.h"
#include "ke/interrupt_object.h"

#define IO_TAG_INTERRUPT 0x6e496f49u /* 'IoIn' */

/* PASSIVE_LEVEL. There is one processor; the mask must name it. */
NTSTATUS IoConnectInterrupt(PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine,
                            PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql,
                            KIRQL SynchronizeIrql, KINTERRUPT_MODE InterruptMode,
                            BOOLEAN ShareVector, KAFFINITY ProcessorEnableMask,
                            BOOLEAN FloatingSave)
{
    *InterruptObject = NULL;
    if ((ProcessorEnableMask & KeQueryActiveProcessors()) == 0 || ServiceRoutine == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    PKINTERRUPT Interrupt =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Interrupt), IO_TAG_INTERRUPT);
    if (Interrupt == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Interrupt, sizeof(*Interrupt));
    NTSTATUS Status =
        KiInitializeInterruptObject(Interrupt, ServiceRoutine, ServiceContext, SpinLock, Vector,
                                    Irql, SynchronizeIrql, InterruptMode, ShareVector);
    if (NT_SUCCESS(Status)) {
        /* The routine may run before the call returns, and synchronize with itself. */
        *InterruptObject = Interrupt;
        Status = KiConnectInterruptObject(Interrupt);
    }
    if (!NT_SUCCESS(Status)) {
        *InterruptObject = NULL;
        ExFreePoolWithTag(Interrupt, IO_TAG_INTERRUPT);
    }
    return Status;
}

/* PASSIVE_LEVEL */
VOID IoDisconnectInterrupt(PKINTERRUPT InterruptObject)
{
    KiDisconnectInterruptObject(InterruptObject);
    ExFreePoolWithTag(InterruptObject, IO_TAG_INTERRUPT);
}

/*
 * CONNECT_LINE_BASED takes the line from the device's resources, which root-enumerated devices do
 * not have, and message interrupts need a PCI device: both are refused as the documentation says.
 */
NTSTATUS IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    switch (Parameters->Version) {
    case CONNECT_FULLY_SPECIFIED:
    case CONNECT_FULLY_SPECIFIED_GROUP: {
        IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS *Full = &Parameters->FullySpecified;
        if (Parameters->Version == CONNECT_FULLY_SPECIFIED_GROUP && Full->Group != 0) {
            return STATUS_INVALID_PARAMETER;
        }
        return IoConnectInterrupt(Full->InterruptObject, Full->ServiceRoutine,
                                  Full->ServiceContext, Full->SpinLock, Full->Vector, Full->Irql,
                                  Full->SynchronizeIrql, Full->InterruptMode, Full->ShareVector,
                                  Full->ProcessorEnableMask, Full->FloatingSave);
    }
    case CONNECT_LINE_BASED:
    case CONNECT_MESSAGE_BASED:
        return STATUS_NOT_FOUND; /* no such interrupt among the device's resources */
    default:
        Parameters->Version = CONNECT_FULLY_SPECIFIED_GROUP; /* the highest there is */
        return STATUS_NOT_SUPPORTED;
    }
}

VOID IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters)
{
    IoDisconnectInterrupt(Parameters->ConnectionContext.InterruptObject);
}
