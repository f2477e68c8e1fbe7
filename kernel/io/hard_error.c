/* SPDX-License-Identifier: MIT */
/*
 * Hard errors: whether a thread wants the system to ask its user about them, and the device whose
 * medium a request of the thread found changed. Nobody is asked here: a request simply fails.
 */
#include "io/iop.h"
#include "ps/psp.h"

/* Of the current thread; returns what it was. */
BOOLEAN IoSetThreadHardErrorMode(BOOLEAN EnableHardErrors)
{
    PETHREAD Thread = PsGetCurrentThread();
    const ULONG64 Disabled = PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED;
    ULONG64 Before = EnableHardErrors
                         ? __sync_fetch_and_and(&Thread->CrossThreadFlags, ~Disabled)
                         : __sync_fetch_and_or(&Thread->CrossThreadFlags, Disabled);
    return (Before & Disabled) == 0;
}

VOID IoSetDeviceToVerify(PETHREAD Thread, PDEVICE_OBJECT DeviceObject)
{
    Thread->DeviceToVerify = DeviceObject;
}

PDEVICE_OBJECT IoGetDeviceToVerify(PETHREAD Thread)
{
    return Thread->DeviceToVerify;
}

/* Of the thread that the request came from, if it came from one. */
VOID IoSetHardErrorOrVerifyDevice(PIRP Irp, PDEVICE_OBJECT DeviceObject)
{
    if (Irp->Tail.Overlay.Thread != NULL) {
        IoSetDeviceToVerify(Irp->Tail.Overlay.Thread, DeviceObject);
    }
}
