/* SPDX-License-Identifier: MIT */
/*
 * Notification routines: up to 64 of each kind, called at PASSIVE_LEVEL in the order they were
 * registered. The lock is held while they run, so that a routine that has been removed is not
 * running any more when its Remove returns; a routine must not register or remove one, as the
 * documentation says.
 */
#include "mm/mm.h"
#include "ps/psp.h"

#define PSP_MAXIMUM_ROUTINES 64

typedef struct _PSP_NOTIFY_LIST {
    KMUTEX Lock;
    ULONG Count;
    PVOID Routine[PSP_MAXIMUM_ROUTINES];
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

/* Lock held. Count when it is not there. */
static ULONG PspFindRoutine(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    ULONG i = 0;
    while (i < List->Count && List->Routine[i] != Routine) {
        i++;
    }
    return i;
}

static NTSTATUS PspAddRoutineLocked(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    if (List->Count == PSP_MAXIMUM_ROUTINES) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    List->Routine[List->Count++] = Routine;
    return STATUS_SUCCESS;
}

static NTSTATUS PspAddRoutine(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    PspLock(List);
    NTSTATUS Status = PspAddRoutineLocked(List, Routine);
    PspUnlock(List);
    return Status;
}

static NTSTATUS PspRemoveRoutine(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PspLock(List);
    ULONG i = PspFindRoutine(List, Routine);
    if (i == List->Count) {
        Status = STATUS_PROCEDURE_NOT_FOUND;
    } else {
        for (List->Count--; i < List->Count; i++) {
            List->Routine[i] = List->Routine[i + 1];
        }
    }
    PspUnlock(List);
    return Status;
}

/* The documentation gives STATUS_INVALID_PARAMETER for a full table too, and for a second time. */
static NTSTATUS PspChangeProcessRoutine(PPSP_NOTIFY_LIST List, PVOID Routine, BOOLEAN Remove)
{
    NTSTATUS Status;
    if (Remove) {
        Status = PspRemoveRoutine(List, Routine);
    } else {
        PspLock(List);
        Status = PspFindRoutine(List, Routine) < List->Count ? STATUS_INVALID_PARAMETER
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
    PspLock(&PspExtendedRoutines);
    for (ULONG i = 0; i < PspExtendedRoutines.Count; i++) {
        ((PCREATE_PROCESS_NOTIFY_ROUTINE_EX)PspExtendedRoutines.Routine[i])(
            Process, Process->UniqueProcessId, Create ? &Info : NULL);
    }
    PspUnlock(&PspExtendedRoutines);
    return Info.CreationStatus;
}

NTSTATUS PspCallProcessNotify(PEPROCESS Process, BOOLEAN Create)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (PspProcessRoutines.Count != 0) {
        PspLock(&PspProcessRoutines);
        for (ULONG i = 0; i < PspProcessRoutines.Count; i++) {
            ((PCREATE_PROCESS_NOTIFY_ROUTINE)PspProcessRoutines.Routine[i])(
                Process->InheritedFromUniqueProcessId, Process->UniqueProcessId, Create);
        }
        PspUnlock(&PspProcessRoutines);
    }
    if (PspExtendedRoutines.Count != 0) {
        Status = PspCallExtendedRoutines(Process, Create);
    }
    return Create ? Status : STATUS_SUCCESS;
}

static VOID PspCallThreadRoutines(PPSP_NOTIFY_LIST List, PETHREAD Thread, BOOLEAN Create)
{
    if (List->Count == 0) {
        return; /* also on the boot stack, which may not wait */
    }
    PspLock(List);
    for (ULONG i = 0; i < List->Count; i++) {
        ((PCREATE_THREAD_NOTIFY_ROUTINE)List->Routine[i])(Thread->Cid.UniqueProcess,
                                                          Thread->Cid.UniqueThread, Create);
    }
    PspUnlock(List);
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
    if (PspImageRoutines.Count == 0) {
        return;
    }
    PspLock(&PspImageRoutines);
    for (ULONG i = 0; i < PspImageRoutines.Count; i++) {
        ((PLOAD_IMAGE_NOTIFY_ROUTINE)PspImageRoutines.Routine[i])(FullImageName, ProcessId,
                                                                  ImageInfo);
    }
    PspUnlock(&PspImageRoutines);
}
