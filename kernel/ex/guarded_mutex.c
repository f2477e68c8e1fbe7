/* SPDX-License-Identifier: MIT */
/*
 * Guarded mutexes: fast mutexes whose owner is in a guarded region in place of at APC_LEVEL. The
 * gate is a synchronization event. With the Unsafe routines the caller is in such a region already.
 */
#include "ex/ex.h"

C_ASSERT(sizeof(KGATE) == sizeof(KEVENT));

VOID KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    Mutex->Count = 1;
    Mutex->Owner = NULL;
    Mutex->Contention = 0;
    KeInitializeEvent((PKEVENT)&Mutex->Gate, SynchronizationEvent, FALSE);
    Mutex->CombinedApcDisable = 0;
}

VOID KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    if (InterlockedDecrement(&Mutex->Count) != 0) {
        Mutex->Contention++;
        KeWaitForSingleObject(&Mutex->Gate, WrMutex, KernelMode, FALSE, NULL);
    }
    Mutex->Owner = KiCurrentThread();
    Mutex->SpecialApcDisable = KiCurrentThread()->SpecialApcDisable;
}

VOID KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    Mutex->Owner = NULL;
    if (InterlockedIncrement(&Mutex->Count) <= 0) {
        KeSetEvent((PKEVENT)&Mutex->Gate, EVENT_INCREMENT, FALSE);
    }
}

VOID KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(Mutex);
}

VOID KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeReleaseGuardedMutexUnsafe(Mutex);
    KeLeaveGuardedRegion();
}

BOOLEAN KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    if (InterlockedCompareExchange(&Mutex->Count, 0, 1) != 1) {
        KeLeaveGuardedRegion();
        return FALSE;
    }
    Mutex->Owner = KiCurrentThread();
    Mutex->SpecialApcDisable = KiCurrentThread()->SpecialApcDisable;
    return TRUE;
}
