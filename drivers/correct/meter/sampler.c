/* SPDX-License-Identifier: MIT */
/* From the DPC's sample to the sums. See meter.h. */
#include "correct/meter/meter.h"

METER Meter;

/* ---- PAGESAMP ---- */

static IO_WORKITEM_ROUTINE MeterWork;

SAMPLE_CODE VOID MeterKeep(ULONG Value)
{
    METER_SAMPLE *Sample = ExAllocateFromNPagedLookasideList(&Meter.Samples);
    if (Sample == NULL) {
        return;
    }
    Sample->Value = Value;
    KeAcquireSpinLockAtDpcLevel(&Meter.FreshLock);
    InsertTailList(&Meter.Fresh, &Sample->Link);
    BOOLEAN Queue = !Meter.Queued;
    Meter.Queued = TRUE;
    KeClearEvent(&Meter.WorkDone);
    KeReleaseSpinLockFromDpcLevel(&Meter.FreshLock);
    if (Queue) {
        IoQueueWorkItem(Meter.Work, MeterWork, DelayedWorkQueue, NULL);
    }
}

/* NULL: all are taken, and the next sample queues the work item again. */
static SAMPLE_CODE METER_SAMPLE *MeterTake(VOID)
{
    METER_SAMPLE *Sample = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Meter.FreshLock, &OldIrql);
    if (IsListEmpty(&Meter.Fresh)) {
        Meter.Queued = FALSE;
        KeSetEvent(&Meter.WorkDone, IO_NO_INCREMENT, FALSE);
    } else {
        Sample = CONTAINING_RECORD(RemoveHeadList(&Meter.Fresh), METER_SAMPLE, Link);
    }
    KeReleaseSpinLock(&Meter.FreshLock, OldIrql);
    return Sample;
}

/* Who has set WorkDone has let go of the lock. Not in PAGESAMP, which is to be unlocked. */
static __attribute__((noinline)) VOID MeterDrain(VOID)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Meter.FreshLock, &OldIrql);
    KeReleaseSpinLock(&Meter.FreshLock, OldIrql);
}

/* ---- PASSIVE_LEVEL ---- */

static PAGE_CODE VOID NTAPI MeterWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    METER_SAMPLE *Sample;

    PAGED_CODE();
    while ((Sample = MeterTake()) != NULL) {
        KeEnterCriticalRegion();
        ExAcquireResourceExclusiveLite(&Meter.Lock, TRUE);
        Meter.History[Meter.Sums.Count++ % METER_HISTORY] = Sample->Value;
        ExReleaseResourceLite(&Meter.Lock);
        KeLeaveCriticalRegion();
        ExFreeToNPagedLookasideList(&Meter.Samples, Sample);
    }
    KeSetEvent(&Meter.Wake, IO_NO_INCREMENT, FALSE);
}

/* Sums of what has come since the last time. */
static PAGE_CODE VOID MeterSumUp(PULONG64 Done)
{
    ULONG Most = 0;

    PAGED_CODE();
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Meter.Lock, TRUE);
    for (; *Done < Meter.Sums.Count; (*Done)++) {
        ULONG Value = Meter.History[*Done % METER_HISTORY];
        Meter.Sums.Sum += Value;
        Meter.Sums.Least = *Done == 0 || Value < Meter.Sums.Least ? Value : Meter.Sums.Least;
        Most = Value > Meter.Sums.Most && Value > Most ? Value : Most;
    }
    Meter.Sums.Most = Most != 0 ? Most : Meter.Sums.Most;
    ExReleaseResourceLite(&Meter.Lock);
    KeLeaveCriticalRegion();
    if (Most != 0) {
        MeterFire(Most);
    }
}

static PAGE_CODE VOID NTAPI MeterThread(PVOID Context)
{
    ULONG64 Done = 0;

    PAGED_CODE();
    while (Meter.Ending == 0) {
        KeWaitForSingleObject(&Meter.Wake, Executive, KernelMode, FALSE, NULL);
        MeterSumUp(&Done);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

PAGE_CODE NTSTATUS MeterStartThread(VOID)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;

    PAGED_CODE();
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, &Attributes, NULL, NULL,
                                           MeterThread, NULL);
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, *PsThreadType, KernelMode,
                                           &Meter.Thread, NULL);
        NT_ASSERT(NT_SUCCESS(Status)); /* the handle is ours */
        ZwClose(Handle);
    }
    return Status;
}

PAGE_CODE VOID MeterEndThread(VOID)
{
    PAGED_CODE();
    InterlockedExchange(&Meter.Ending, 1);
    KeSetEvent(&Meter.Wake, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Meter.Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Meter.Thread);
}

PAGE_CODE NTSTATUS MeterInitializeSampler(VOID)
{
    PAGED_CODE();
    Meter.History = ExAllocatePoolWithTag(PagedPool, METER_HISTORY * sizeof(ULONG), METER_TAG);
    Meter.Work = IoAllocateWorkItem(Meter.Device);
    if (Meter.History == NULL || Meter.Work == NULL) {
        if (Meter.History != NULL) {
            ExFreePoolWithTag(Meter.History, METER_TAG);
        }
        if (Meter.Work != NULL) {
            IoFreeWorkItem(Meter.Work);
        }
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExInitializeResourceLite(&Meter.Lock);
    KeInitializeMutex(&Meter.StartLock, 0);
    ExInitializeNPagedLookasideList(&Meter.Samples, NULL, NULL, 0, sizeof(METER_SAMPLE), METER_TAG,
                                    0);
    KeInitializeSpinLock(&Meter.FreshLock);
    InitializeListHead(&Meter.Fresh);
    KeInitializeEvent(&Meter.WorkDone, NotificationEvent, TRUE);
    KeInitializeEvent(&Meter.Wake, SynchronizationEvent, FALSE);
    KeInitializeTimerEx(&Meter.Timer, SynchronizationTimer);
    KeInitializeDpc(&Meter.Dpc, MeterTick, NULL);
    Meter.SampleCode = MmLockPagableCodeSection(MeterTick);
    MmUnlockPagableImageSection(Meter.SampleCode);
    return STATUS_SUCCESS;
}

PAGE_CODE VOID MeterDeleteSampler(VOID)
{
    PAGED_CODE();
    ExDeleteNPagedLookasideList(&Meter.Samples);
    ExDeleteResourceLite(&Meter.Lock);
    IoFreeWorkItem(Meter.Work);
    ExFreePoolWithTag(Meter.History, METER_TAG);
}

PAGE_CODE VOID MeterStart(VOID)
{
    LARGE_INTEGER Due;

    PAGED_CODE();
    KeWaitForSingleObject(&Meter.StartLock, Executive, KernelMode, FALSE, NULL);
    if (Meter.Started++ == 0) {
        MmLockPagableSectionByHandle(Meter.SampleCode);
        Meter.Scale = MeterScale;
        Due.QuadPart = -10000 * (LONGLONG)MeterPeriod;
        KeSetTimerEx(&Meter.Timer, Due, (LONG)MeterPeriod, &Meter.Dpc);
    }
    KeReleaseMutex(&Meter.StartLock, FALSE);
}

PAGE_CODE BOOLEAN MeterStop(VOID)
{
    PAGED_CODE();
    KeWaitForSingleObject(&Meter.StartLock, Executive, KernelMode, FALSE, NULL);
    BOOLEAN Started = Meter.Started != 0;
    if (Started && --Meter.Started == 0) {
        KeCancelTimer(&Meter.Timer);
        KeFlushQueuedDpcs();
        KeWaitForSingleObject(&Meter.WorkDone, Executive, KernelMode, FALSE, NULL);
        MeterDrain();
        MmUnlockPagableImageSection(Meter.SampleCode);
    }
    KeReleaseMutex(&Meter.StartLock, FALSE);
    return Started;
}
