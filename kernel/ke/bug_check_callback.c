/* SPDX-License-Identifier: MIT */
/*
 * The KeRegisterBugCheckCallback family. Records are the drivers' memory, so before a routine is
 * called its record is checked: readable, in the list, with the checksum it had when registered.
 * KiCallbackLock guards both lists; taken with interrupts off, at any IRQL.
 *
 * Reason callbacks contribute to a dump file. None is written here, so they are kept and never
 * called.
 */
#include "ke/bug_check.h"

#include "mm/mm.h"
#include "nt/bug_check.h"

#define MAX_CALLBACKS 256 /* a ring that is longer is damaged */

static LIST_ENTRY KiCallbacks = {&KiCallbacks, &KiCallbacks};
static LIST_ENTRY KiReasonCallbacks = {&KiReasonCallbacks, &KiReasonCallbacks};
static KSPIN_LOCK KiCallbackLock;

static ULONG64 KiLockCallbacks(VOID)
{
    ULONG64 Flags = KiDisableInterrupts();
    KiAcquireSpinLockRaw(&KiCallbackLock);
    return Flags;
}

static VOID KiUnlockCallbacks(ULONG64 Flags)
{
    KiReleaseSpinLockRaw(&KiCallbackLock);
    KiRestoreInterrupts(Flags);
}

static ULONG_PTR KiCallbackChecksum(const KBUGCHECK_CALLBACK_RECORD *Record)
{
    return (ULONG_PTR)Record->CallbackRoutine + (ULONG_PTR)Record->Buffer + Record->Length +
           (ULONG_PTR)Record->Component;
}

/* FALSE: the record, whose list entry and state these are, is in no list. */
static BOOLEAN KiRemoveCallback(PLIST_ENTRY Entry, PUCHAR State)
{
    ULONG64 Flags = KiLockCallbacks();
    BOOLEAN Removed = *State == BufferInserted;
    if (Removed) {
        *State = BufferEmpty;
        RemoveEntryList(Entry);
    }
    KiUnlockCallbacks(Flags);
    return Removed;
}

BOOLEAN KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                   PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                   ULONG Length, PUCHAR Component)
{
    BOOLEAN Registered = FALSE;
    ULONG64 Flags = KiLockCallbacks();
    if (CallbackRecord->State == BufferEmpty) {
        CallbackRecord->CallbackRoutine = CallbackRoutine;
        CallbackRecord->Buffer = Buffer;
        CallbackRecord->Length = Length;
        CallbackRecord->Component = Component;
        CallbackRecord->Checksum = KiCallbackChecksum(CallbackRecord);
        CallbackRecord->State = BufferInserted;
        InsertTailList(&KiCallbacks, &CallbackRecord->Entry);
        Registered = TRUE;
    }
    KiUnlockCallbacks(Flags);
    return Registered;
}

BOOLEAN KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    return KiRemoveCallback(&CallbackRecord->Entry, &CallbackRecord->State);
}

BOOLEAN KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                         KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component)
{
    BOOLEAN Registered = FALSE;
    ULONG64 Flags = KiLockCallbacks();
    if (CallbackRecord->State == BufferEmpty) {
        CallbackRecord->CallbackRoutine = CallbackRoutine;
        CallbackRecord->Reason = Reason;
        CallbackRecord->Component = Component;
        CallbackRecord->State = BufferInserted;
        InsertTailList(&KiReasonCallbacks, &CallbackRecord->Entry);
        Registered = TRUE;
    }
    KiUnlockCallbacks(Flags);
    return Registered;
}

BOOLEAN KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord)
{
    return KiRemoveCallback(&CallbackRecord->Entry, &CallbackRecord->State);
}

/* The lock is not taken: its holder may be the code that was stopped. */
VOID KiCallBugCheckCallbacks(VOID)
{
    PLIST_ENTRY Link = KiCallbacks.Flink;
    for (ULONG Count = 0; Link != &KiCallbacks && Count < MAX_CALLBACKS; Count++) {
        PKBUGCHECK_CALLBACK_RECORD Record =
            CONTAINING_RECORD(Link, KBUGCHECK_CALLBACK_RECORD, Entry);
        if (!MmIsAddressValid(Record) || !MmIsAddressValid(&Record->State)) {
            return;
        }
        if (Record->State == BufferInserted && Record->Checksum == KiCallbackChecksum(Record) &&
            MmIsAddressValid((PVOID)(ULONG_PTR)Record->CallbackRoutine)) {
            Record->State = BufferStarted;
            Record->CallbackRoutine(Record->Buffer, Record->Length);
            Record->State = BufferFinished;
        }
        Link = Link->Flink;
    }
}
