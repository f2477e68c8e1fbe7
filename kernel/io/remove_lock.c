/* SPDX-License-Identifier: MIT */
/*
 * Remove locks: IoCount is 1 for the device's being there and 1 for each holder; the last to
 * leave after ReleaseAndWait sets RemoveEvent. A checked driver passes the size of the debugging
 * form; its additional part is only cleared: holders are not tracked.
 */
#include "io/iop.h"

VOID IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                              ULONG HighWatermark, ULONG RemlockSize)
{
    NT_VERIFY(RemlockSize >= sizeof(IO_REMOVE_LOCK) && RemlockSize <= 0x100);
    RtlZeroMemory(Lock, RemlockSize);
    Lock->Common.IoCount = 1;
    KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                               ULONG RemlockSize)
{
    LONG Count = InterlockedIncrement(&RemoveLock->Common.IoCount);
    NT_VERIFY(Count > 0);
    if (!RemoveLock->Common.Removed) {
        return STATUS_SUCCESS;
    }
    if (InterlockedDecrement(&RemoveLock->Common.IoCount) == 0) {
        KeSetEvent(&RemoveLock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_DELETE_PENDING;
}

VOID IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    LONG Count = InterlockedDecrement(&RemoveLock->Common.IoCount);
    NT_VERIFY(Count >= 0);
    if (Count == 0) {
        NT_VERIFY(RemoveLock->Common.Removed);
        KeSetEvent(&RemoveLock->Common.RemoveEvent, IO_NO_INCREMENT, FALSE);
    }
}

/* PASSIVE_LEVEL, by the holder of one acquisition, which it gives back. */
VOID IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    RemoveLock->Common.Removed = TRUE;
    LONG Count = InterlockedDecrement(&RemoveLock->Common.IoCount);
    NT_VERIFY(Count > 0);
    if (InterlockedDecrement(&RemoveLock->Common.IoCount) > 0) {
        KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
    }
}
