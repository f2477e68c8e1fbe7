/* SPDX-License-Identifier: MIT */
/*
 * IoReportResourceUsage: a driver that is not Plug and Play claims ports, memory and interrupts for
 * itself or for a device. Claims of other drivers conflict when they overlap and not both are
 * shared. A claim replaces the one that the driver or device had; an empty one takes it back.
 *
 * IopClaimLock (a fast mutex) guards the list.
 */
#include "io/iop.h"

#include "nt/ex.h"
#include "nt/resource.h"

#define IO_TAG_CLAIM 0x6d6c4349u /* 'IClm' */
#define IOP_CLAIM_MOST 0x10000u  /* bytes of a list */

typedef struct _IOP_CLAIM {
    LIST_ENTRY Links;
    PDRIVER_OBJECT Driver;
    PDEVICE_OBJECT Device; /* NULL: the driver's own */
    ULONG Count;
    CM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor[];
} IOP_CLAIM, *PIOP_CLAIM;

static LIST_ENTRY IopClaims = {&IopClaims, &IopClaims};
static FAST_MUTEX IopClaimLock;

VOID IopInitializeClaims(VOID)
{
    ExInitializeFastMutex(&IopClaimLock);
}

/* The descriptors of List behind each other in Out, or only counted. FALSE: they leave List. */
static BOOLEAN IopFlattenList(const CM_RESOURCE_LIST *List, ULONG Size,
                              PCM_PARTIAL_RESOURCE_DESCRIPTOR Out, PULONG Count)
{
    const ULONG Head = FIELD_OFFSET(CM_FULL_RESOURCE_DESCRIPTOR,
                                    PartialResourceList.PartialDescriptors);
    ULONG Offset = FIELD_OFFSET(CM_RESOURCE_LIST, List);
    *Count = 0;
    if (List == NULL || Size == 0) {
        return TRUE;
    }
    if (Size < Offset || Size > IOP_CLAIM_MOST) {
        return FALSE;
    }
    for (ULONG i = 0; i < List->Count; i++) {
        const CM_FULL_RESOURCE_DESCRIPTOR *Full =
            (const CM_FULL_RESOURCE_DESCRIPTOR *)((const UCHAR *)List + Offset);
        if (Size - Offset < Head) {
            return FALSE;
        }
        ULONG Each = Full->PartialResourceList.Count;
        Offset += Head;
        if (Each > (Size - Offset) / sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR)) {
            return FALSE;
        }
        for (ULONG k = 0; Out != NULL && k < Each; k++) {
            Out[*Count + k] = Full->PartialResourceList.PartialDescriptors[k];
        }
        *Count += Each;
        Offset += Each * (ULONG)sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    }
    return TRUE;
}

static BOOLEAN IopOverlap(ULONG64 First, ULONG64 FirstLength, ULONG64 Second, ULONG64 SecondLength)
{
    return FirstLength != 0 && SecondLength != 0 && First < Second + SecondLength &&
           Second < First + FirstLength;
}

static BOOLEAN IopConflict(const CM_PARTIAL_RESOURCE_DESCRIPTOR *First,
                           const CM_PARTIAL_RESOURCE_DESCRIPTOR *Second)
{
    if (First->Type != Second->Type ||
        (First->ShareDisposition == CmResourceShareShared &&
         Second->ShareDisposition == CmResourceShareShared)) {
        return FALSE;
    }
    switch (First->Type) {
    case CmResourceTypePort:
    case CmResourceTypeMemory: /* port and memory descriptors are laid out alike */
        return IopOverlap((ULONG64)First->u.Memory.Start.QuadPart, First->u.Memory.Length,
                          (ULONG64)Second->u.Memory.Start.QuadPart, Second->u.Memory.Length);
    case CmResourceTypeInterrupt:
        return First->u.Interrupt.Vector == Second->u.Interrupt.Vector;
    default:
        return FALSE;
    }
}

/* Lock held. */
static BOOLEAN IopConflictsWithOthers(const IOP_CLAIM *Claim)
{
    for (PLIST_ENTRY Link = IopClaims.Flink; Link != &IopClaims; Link = Link->Flink) {
        const IOP_CLAIM *Other = CONTAINING_RECORD(Link, IOP_CLAIM, Links);
        for (ULONG i = 0; Other->Driver != Claim->Driver && i < Other->Count; i++) {
            for (ULONG k = 0; k < Claim->Count; k++) {
                if (IopConflict(&Other->Descriptor[i], &Claim->Descriptor[k])) {
                    return TRUE;
                }
            }
        }
    }
    return FALSE;
}

/* Lock held. Takes out what Driver claimed for Device; for everything when All. */
static VOID IopRemoveClaims(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Device, BOOLEAN All)
{
    for (PLIST_ENTRY Link = IopClaims.Flink; Link != &IopClaims;) {
        PIOP_CLAIM Claim = CONTAINING_RECORD(Link, IOP_CLAIM, Links);
        Link = Link->Flink;
        if (Claim->Driver == Driver && (All || Claim->Device == Device)) {
            RemoveEntryList(&Claim->Links);
            ExFreePoolWithTag(Claim, IO_TAG_CLAIM);
        }
    }
}

VOID IopForgetClaims(PDRIVER_OBJECT Driver)
{
    ExAcquireFastMutex(&IopClaimLock);
    IopRemoveClaims(Driver, NULL, TRUE);
    ExReleaseFastMutex(&IopClaimLock);
}

/* PASSIVE_LEVEL. *ConflictDetected is TRUE also when the claim was kept by OverrideConflict. */
NTSTATUS IoReportResourceUsage(PUNICODE_STRING DriverClassName, PDRIVER_OBJECT DriverObject,
                               PCM_RESOURCE_LIST DriverList, ULONG DriverListSize,
                               PDEVICE_OBJECT DeviceObject, PCM_RESOURCE_LIST DeviceList,
                               ULONG DeviceListSize, BOOLEAN OverrideConflict,
                               PBOOLEAN ConflictDetected)
{
    PCM_RESOURCE_LIST List = DeviceObject != NULL ? DeviceList : DriverList;
    ULONG Size = DeviceObject != NULL ? DeviceListSize : DriverListSize;
    ULONG Count;

    *ConflictDetected = FALSE;
    if (!IopFlattenList(List, Size, NULL, &Count)) {
        return STATUS_INVALID_PARAMETER;
    }
    PIOP_CLAIM Claim = ExAllocatePoolWithTag(
        PagedPool, sizeof(*Claim) + Count * sizeof(Claim->Descriptor[0]), IO_TAG_CLAIM);
    if (Claim == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Claim->Driver = DriverObject;
    Claim->Device = DeviceObject;
    IopFlattenList(List, Size, Claim->Descriptor, &Claim->Count);
    ExAcquireFastMutex(&IopClaimLock);
    *ConflictDetected = IopConflictsWithOthers(Claim);
    BOOLEAN Keep = (!*ConflictDetected || OverrideConflict);
    if (Keep) {
        IopRemoveClaims(DriverObject, DeviceObject, FALSE);
        if (Count != 0) {
            InsertTailList(&IopClaims, &Claim->Links);
        }
    }
    ExReleaseFastMutex(&IopClaimLock);
    if (!Keep || Count == 0) {
        ExFreePoolWithTag(Claim, IO_TAG_CLAIM);
    }
    return Keep ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES;
}
