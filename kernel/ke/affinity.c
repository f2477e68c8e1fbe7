/* SPDX-License-Identifier: MIT */
/* Processor numbers, groups and affinities, of a machine with one processor in one group. */
#include "dispatcher.h"

CCHAR KeNumberProcessors = 1;

static KAFFINITY KiActiveProcessors(VOID)
{
    return ((KAFFINITY)1 << KeNumberProcessors) - 1;
}

KAFFINITY KeQueryActiveProcessors(VOID)
{
    return KiActiveProcessors();
}

ULONG KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    if (ActiveProcessors != NULL) {
        *ActiveProcessors = KiActiveProcessors();
    }
    return (ULONG)KeNumberProcessors;
}

ULONG KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? (ULONG)KeNumberProcessors : 0;
}

ULONG KeQueryMaximumProcessorCount(VOID)
{
    return (ULONG)KeNumberProcessors;
}

ULONG KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
    return KeQueryActiveProcessorCountEx(GroupNumber);
}

USHORT KeQueryActiveGroupCount(VOID)
{
    return 1;
}

USHORT KeQueryMaximumGroupCount(VOID)
{
    return 1;
}

KAFFINITY KeQueryGroupAffinity(USHORT GroupNumber)
{
    return GroupNumber == 0 ? KiActiveProcessors() : 0;
}

ULONG KeGetCurrentProcessorNumber(VOID)
{
    return KeGetCurrentPrcb()->Number;
}

ULONG KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    ULONG Number = KeGetCurrentPrcb()->Number;

    if (ProcNumber != NULL) {
        *ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)Number};
    }
    return Number;
}

NTSTATUS KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcIndex >= (ULONG)KeNumberProcessors) {
        return STATUS_INVALID_PARAMETER;
    }
    *ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)ProcIndex};
    return STATUS_SUCCESS;
}

ULONG KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcNumber->Group != 0 || ProcNumber->Reserved != 0 ||
        ProcNumber->Number >= (UCHAR)KeNumberProcessors) {
        return INVALID_PROCESSOR_INDEX;
    }
    return ProcNumber->Number;
}

/*
 * A thread runs on the processor there is, whatever it asks for. What must hold all the same: an
 * affinity without an active processor is refused, and the old affinity is returned, 0 when the
 * thread had not set one.
 */
KAFFINITY KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    PKTHREAD Thread = KiCurrentThread();
    KAFFINITY Old = Thread->SystemAffinity;

    if ((Affinity & KiActiveProcessors()) != 0) {
        Thread->SystemAffinity = Affinity & KiActiveProcessors();
    }
    return Old;
}

VOID KeSetSystemAffinityThread(KAFFINITY Affinity)
{
    KeSetSystemAffinityThreadEx(Affinity);
}

/* 0: the affinity that the thread had as a user thread. */
VOID KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
    KiCurrentThread()->SystemAffinity = Affinity & KiActiveProcessors();
}

VOID KeRevertToUserAffinityThread(VOID)
{
    KeRevertToUserAffinityThreadEx(0);
}

VOID KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity)
{
    GROUP_AFFINITY Previous = {.Mask = KiCurrentThread()->SystemAffinity};

    if (Affinity->Group == 0) {
        KeSetSystemAffinityThreadEx(Affinity->Mask);
    }
    if (PreviousAffinity != NULL) {
        *PreviousAffinity = Previous;
    }
}

VOID KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
    KeRevertToUserAffinityThreadEx(PreviousAffinity->Mask);
}
