/* SPDX-License-Identifier: MIT */
/*
 * Notification routines: up to 64 of each kind, called at PASSIVE_LEVEL with normal kernel APCs
 * disabled, in the order of their slots; a new one gets the first free slot.
 *
 * The lock is not held while a routine runs: it may wait for a thread or a driver of which others
 * are told meanwhile, here too. Run-down protection of its slot keeps a routine from being removed
 * while it runs; so Remove must not be called by the routine itself, as the documentation says.
 */
#include "ex/ex.h"
#include "mm/mm.h"
#include "ps/psp.h"

#define PSP_MAXIMUM_ROUTINES 64

typedef struct _PSP_NOTIFY_SLOT {
    PVOID Routine; /* NULL: free */
    BOOLEAN Leaving;
    EX_RUNDOWN_REF Rundown; /* one for each call that is under way */
} PSP_NOTIFY_SLOT;

typedef struct _PSP_NOTIFY_LIST {
    KMUTEX Lock;
    volatile ULONG Count; /* slots in use */
    PSP_NOTIFY_SLOT Slot[PSP_MAXIMUM_ROUTINES];
} PSP_NOTIFY_LIST, *PPSP_NOTIFY_LIST;

static PSP_NOTIFY_LIST PspProcessRoutines, PspThreadRoutines, PspImageRoutines;
static PSP_NOTIFY_LIST PspUserThreadRoutines; /* called in the thread itself */
static PSP_NOTIFY_LIST PspExtendedRoutines; /* of processes, with PS_CREATE_NOTIFY_INFO */

VOID PspInitializeNotify(VOID)
{
    KeInitializeMutex(&PspProcessRoutines.Lock, 0);
    KeInitializeMutex(&PspExtendedRoutines.Lock, 0);
    KeInitializeMutex(&PspThreadRoutines.Lock, 0);
    KeInitializeMutex(&PspUserThreadRoutines.Lock, 0);
    KeInitializeMutex(&PspImageRoutines.Lock, 0);
}

static VOID PspLock(PPSP_NOTIFY_LIST List)
{
    KeWaitForSingleObject(&List->Lock, Executive, KernelMode, FALSE, NULL);
}

static VOID PspUnlock(PPSP_NOTIFY_LIST List)
{
    KeReleaseMutex(&List->Lock, FALSE);
}

/* Lock held. NULL: it is not there. Routine NULL looks for a free slot. */
static PSP_NOTIFY_SLOT *PspFindSlot(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    for (ULONG i = 0; i < PSP_MAXIMUM_ROUTINES; i++) {
        if (List->Slot[i].Routine == Routine && !List->Slot[i].Leaving) {
            return &List->Slot[i];
        }
    }
    return NULL;
}

static NTSTATUS PspAddRoutineLocked(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    PSP_NOTIFY_SLOT *Slot = PspFindSlot(List, NULL);
    if (Routine == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Slot == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExInitializeRundownProtection(&Slot->Rundown);
    Slot->Routine = Routine;
    List->Count++;
    return STATUS_SUCCESS;
}

static NTSTATUS PspAddRoutine(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    PspLock(List);
    NTSTATUS Status = PspAddRoutineLocked(List, Routine);
    PspUnlock(List);
    return Status;
}

/* It is not running any more when this returns. */
static NTSTATUS PspRemoveRoutine(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    PspLock(List);
    PSP_NOTIFY_SLOT *Slot = Routine != NULL ? PspFindSlot(List, Routine) : NULL;
    if (Slot != NULL) {
        Slot->Leaving = TRUE;
    }
    PspUnlock(List);
    if (Slot == NULL) {
        return STATUS_PROCEDURE_NOT_FOUND;
    }
    ExWaitForRundownProtectionRelease(&Slot->Rundown);
    PspLock(List);
    Slot->Routine = NULL;
    Slot->Leaving = FALSE;
    List->Count--;
    PspUnlock(List);
    return STATUS_SUCCESS;
}

/* The routine to call, protected until PspLeaveRoutine; NULL: there is none in that slot. */
static PVOID PspEnterRoutine(PPSP_NOTIFY_LIST List, ULONG Index)
{
    PSP_NOTIFY_SLOT *Slot = &List->Slot[Index];
    PVOID Routine = NULL;
    if (Slot->Routine != NULL) {
        PspLock(List);
        if (Slot->Routine != NULL && !Slot->Leaving &&
            ExAcquireRundownProtection(&Slot->Rundown)) {
            KeEnterCriticalRegion();
            Routine = Slot->Routine;
        }
        PspUnlock(List);
    }
    return Routine;
}

static VOID PspLeaveRoutine(PPSP_NOTIFY_LIST List, ULONG Index)
{
    KeLeaveCriticalRegion();
    ExReleaseRundownProtection(&List->Slot[Index].Rundown);
}

/* The documentation gives STATUS_INVALID_PARAMETER for a full table too, and for a second time. */
static NTSTATUS PspChangeProcessRoutine(PPSP_NOTIFY_LIST List, PVOID Routine, BOOLEAN Remove)
{
    NTSTATUS Status;
    if (Remove) {
        Status = PspRemoveRoutine(List, Routine);
    } else {
        PspLock(List);
        Status = PspFindSlot(List, Routine) != NULL ? STATUS_INVALID_PARAMETER
                                                    : PspAddRoutineLocked(List, Routine);
        PspUnlock(List);
    }
    return NT_SUCCESS(Status) ? Status : STATUS_INVALID_PARAMETER;
}

NTSTATUS PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine,
                                         BOOLEAN Remove)
{
    return PspChangeProcessRoutine(&PspProcessRoutines, (PVOID)NotifyRoutine, Remove);
}

/*
 * A routine that can refuse a process must be in an image linked with /INTEGRITYCHECK, as the
 * documentation says: FORCE_INTEGRITY in its header.
 */
static NTSTATUS PspSetExtendedRoutine(PVOID Routine, BOOLEAN Remove)
{
    if (!Remove) {
        PMM_IMAGE Image = MmFindImage(Routine);
        if (Image != NULL && !MmImageForcesIntegrity(Image)) {
            return STATUS_ACCESS_DENIED;
        }
    }
    return PspChangeProcessRoutine(&PspExtendedRoutines, Routine, Remove);
}

NTSTATUS PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX NotifyRoutine,
                                           BOOLEAN Remove)
{
    return PspSetExtendedRoutine((PVOID)NotifyRoutine, Remove);
}

/* There are no subsystem processes, so that both kinds of routine see the same. */
NTSTATUS PsSetCreateProcessNotifyRoutineEx2(PSCREATEPROCESSNOTIFYTYPE NotifyType,
                                            PVOID NotifyInformation, BOOLEAN Remove)
{
    return NotifyType == PsCreateProcessNotifySubsystems
               ? PspSetExtendedRoutine(NotifyInformation, Remove)
               : STATUS_INVALID_PARAMETER;
}

NTSTATUS PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspAddRoutine(&PspThreadRoutines, (PVOID)NotifyRoutine);
}

/* There are no subsystem processes: routines that want their threads too see the same. */
NTSTATUS PsSetCreateThreadNotifyRoutineEx(PSCREATETHREADNOTIFYTYPE NotifyType,
                                          PVOID NotifyInformation)
{
    switch (NotifyType) {
    case PsCreateThreadNotifyNonSystem:
        return PspAddRoutine(&PspUserThreadRoutines, NotifyInformation);
    case PsCreateThreadNotifySubsystems:
        return PspAddRoutine(&PspThreadRoutines, NotifyInformation);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    NTSTATUS Status = PspRemoveRoutine(&PspThreadRoutines, (PVOID)NotifyRoutine);
    return NT_SUCCESS(Status) ? Status
                              : PspRemoveRoutine(&PspUserThreadRoutines, (PVOID)NotifyRoutine);
}

NTSTATUS PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspAddRoutine(&PspImageRoutines, (PVOID)NotifyRoutine);
}

/* Flags asks for images of other architectures too, which do not come here. */
NTSTATUS PsSetLoadImageNotifyRoutineEx(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine, ULONG_PTR Flags)
{
    return Flags & ~(ULONG_PTR)PS_IMAGE_NOTIFY_CONFLICTING_ARCHITECTURE
               ? STATUS_INVALID_PARAMETER_2
               : PspAddRoutine(&PspImageRoutines, (PVOID)NotifyRoutine);
}

NTSTATUS PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspRemoveRoutine(&PspImageRoutines, (PVOID)NotifyRoutine);
}

/* Routines after one that refuses still see the process, and its status. */
static NTSTATUS PspCallExtendedRoutines(PEPROCESS Process, BOOLEAN Create)
{
    PETHREAD Thread = PsGetCurrentThread();
    PS_CREATE_NOTIFY_INFO Info = {
        .Size = sizeof(Info),
        .ParentProcessId = Process->InheritedFromUniqueProcessId,
        .CreatingThreadId = Thread->Cid,
        .ImageFileName = PspImageName(Process),
        .CreationStatus = STATUS_SUCCESS,
    };
    for (ULONG i = 0; i < PSP_MAXIMUM_ROUTINES; i++) {
        PCREATE_PROCESS_NOTIFY_ROUTINE_EX Routine = PspEnterRoutine(&PspExtendedRoutines, i);
        if (Routine != NULL) {
            Routine(Process, Process->UniqueProcessId, Create ? &Info : NULL);
            PspLeaveRoutine(&PspExtendedRoutines, i);
        }
    }
    return Info.CreationStatus;
}

NTSTATUS PspCallProcessNotify(PEPROCESS Process, BOOLEAN Create)
{
    NTSTATUS Status = STATUS_SUCCESS;
    for (ULONG i = 0; i < PSP_MAXIMUM_ROUTINES && PspProcessRoutines.Count != 0; i++) {
        PCREATE_PROCESS_NOTIFY_ROUTINE Routine = PspEnterRoutine(&PspProcessRoutines, i);
        if (Routine != NULL) {
            Routine(Process->InheritedFromUniqueProcessId, Process->UniqueProcessId, Create);
            PspLeaveRoutine(&PspProcessRoutines, i);
        }
    }
    if (PspExtendedRoutines.Count != 0) {
        Status = PspCallExtendedRoutines(Process, Create);
    }
    return Create ? Status : STATUS_SUCCESS;
}

static VOID PspCallThreadRoutines(PPSP_NOTIFY_LIST List, PETHREAD Thread, BOOLEAN Create)
{
    /* Without routines also on the boot stack, which may not wait. */
    for (ULONG i = 0; i < PSP_MAXIMUM_ROUTINES && List->Count != 0; i++) {
        PCREATE_THREAD_NOTIFY_ROUTINE Routine = PspEnterRoutine(List, i);
        if (Routine != NULL) {
            Routine(Thread->Cid.UniqueProcess, Thread->Cid.UniqueThread, Create);
            PspLeaveRoutine(List, i);
        }
    }
}

VOID PspCallThreadNotify(PETHREAD Thread, BOOLEAN Create)
{
    PspCallThreadRoutines(&PspThreadRoutines, Thread, Create);
    if (!Create && !PsIsSystemThread(Thread)) {
        PspCallThreadRoutines(&PspUserThreadRoutines, Thread, FALSE);
    }
}

VOID PspCallUserThreadNotify(VOID)
{
    PspCallThreadRoutines(&PspUserThreadRoutines, PsGetCurrentThread(), TRUE);
}

VOID PsCallImageNotifyRoutines(PUNICODE_STRING FullImageName, HANDLE ProcessId,
                               PIMAGE_INFO ImageInfo)
{
    for (ULONG i = 0; i < PSP_MAXIMUM_ROUTINES && PspImageRoutines.Count != 0; i++) {
        PLOAD_IMAGE_NOTIFY_ROUTINE Routine = PspEnterRoutine(&PspImageRoutines, i);
        if (Routine != NULL) {
            Routine(FullImageName, ProcessId, ImageInfo);
            PspLeaveRoutine(&PspImageRoutines, i);
        }
    }
}
