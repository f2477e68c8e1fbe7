/* SPDX-License-Identifier: MIT */
/*
 * Notification routines: up to 64 of each kind, called at PASSIVE_LEVEL in the order they were
 * registered. The lock is held while they run, so that a routine that has been removed is not
 * running any more when its Remove returns; a routine must not register or remove one, as the
 * documentation says.
 */
#include "ps/psp.h"

#define PSP_MAXIMUM_ROUTINES 64

typedef struct _PSP_NOTIFY_LIST {
    KMUTEX Lock;
    ULONG Count;
    PVOID Routine[PSP_MAXIMUM_ROUTINES];
} PSP_NOTIFY_LIST, *PPSP_NOTIFY_LIST;

static PSP_NOTIFY_LIST PspProcessRoutines, PspThreadRoutines, PspImageRoutines;

VOID PspInitializeNotify(VOID)
{
    KeInitializeMutex(&PspProcessRoutines.Lock, 0);
    KeInitializeMutex(&PspThreadRoutines.Lock, 0);
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

static NTSTATUS PspAddRoutine(PPSP_NOTIFY_LIST List, PVOID Routine)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PspLock(List);
    if (List->Count == PSP_MAXIMUM_ROUTINES) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        List->Routine[List->Count++] = Routine;
    }
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

NTSTATUS PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine,
                                         BOOLEAN Remove)
{
    if (Remove) {
        NTSTATUS Status = PspRemoveRoutine(&PspProcessRoutines, (PVOID)NotifyRoutine);
        return NT_SUCCESS(Status) ? Status : STATUS_INVALID_PARAMETER;
    }
    PspLock(&PspProcessRoutines);
    BOOLEAN Present = PspFindRoutine(&PspProcessRoutines, (PVOID)NotifyRoutine) <
                      PspProcessRoutines.Count;
    PspUnlock(&PspProcessRoutines);
    NTSTATUS Status = Present ? STATUS_INVALID_PARAMETER
                              : PspAddRoutine(&PspProcessRoutines, (PVOID)NotifyRoutine);
    /* The documentation gives STATUS_INVALID_PARAMETER for a full table too. */
    return NT_SUCCESS(Status) ? Status : STATUS_INVALID_PARAMETER;
}

NTSTATUS PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspAddRoutine(&PspThreadRoutines, (PVOID)NotifyRoutine);
}

NTSTATUS PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspRemoveRoutine(&PspThreadRoutines, (PVOID)NotifyRoutine);
}

NTSTATUS PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspAddRoutine(&PspImageRoutines, (PVOID)NotifyRoutine);
}

NTSTATUS PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return PspRemoveRoutine(&PspImageRoutines, (PVOID)NotifyRoutine);
}

VOID PspCallProcessNotify(HANDLE ParentId, HANDLE ProcessId, BOOLEAN Create)
{
    if (PspProcessRoutines.Count == 0) {
        return;
    }
    PspLock(&PspProcessRoutines);
    for (ULONG i = 0; i < PspProcessRoutines.Count; i++) {
        ((PCREATE_PROCESS_NOTIFY_ROUTINE)PspProcessRoutines.Routine[i])(ParentId, ProcessId,
                                                                        Create);
    }
    PspUnlock(&PspProcessRoutines);
}

VOID PspCallThreadNotify(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    if (PspThreadRoutines.Count == 0) {
        return; /* also on the boot stack, which may not wait */
    }
    PspLock(&PspThreadRoutines);
    for (ULONG i = 0; i < PspThreadRoutines.Count; i++) {
        ((PCREATE_THREAD_NOTIFY_ROUTINE)PspThreadRoutines.Routine[i])(ProcessId, ThreadId, Create);
    }
    PspUnlock(&PspThreadRoutines);
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
