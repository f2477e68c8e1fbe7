/* SPDX-License-Identifier: MIT */
/*
 * The life of an object: allocation, references, deletion.
 *
 * A delete procedure may wait and touch pageable memory, so it runs at PASSIVE_LEVEL. When the
 * last reference goes above that, the header is pushed on ObpReapList (linked by NextToFree) and
 * a worker deletes it. The worker is queued by whoever finds the list empty; it takes the whole
 * list at once, so a header is pushed exactly once and never lost.
 */
#include "ob/obp.h"
#include "nt/security.h"

static POBJECT_HEADER volatile ObpReapList;
static WORK_QUEUE_ITEM ObpReapWorkItem;

static VOID ObpAccountNewObject(POBJECT_TYPE Type)
{
    LONG Total = InterlockedIncrement(&Type->TotalNumberOfObjects);
    if (Total > Type->HighWaterNumberOfObjects) {
        Type->HighWaterNumberOfObjects = Total; /* a statistic: a lost race does not matter */
    }
}

/*
 * Returns a zeroed body with one reference. Name, when not NULL, is copied; it may be a path, of
 * which only the last component stays once the object is inserted. <= DISPATCH_LEVEL.
 */
NTSTATUS ObpAllocateObject(POBJECT_TYPE Type, PCUNICODE_STRING Name, ULONG BodySize,
                           PVOID *Object)
{
    SIZE_T Prefix = 0;
    PWCHAR NameBuffer = NULL;

    *Object = NULL;
    if (Name != NULL && Name->Length != 0) {
        NameBuffer = ExAllocatePoolWithTag(NonPagedPoolNx, Name->Length, OB_TAG_NAME);
        if (NameBuffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(NameBuffer, Name->Buffer, Name->Length);
        Prefix = sizeof(OBJECT_HEADER_NAME_INFO);
    }
    SIZE_T Size = Prefix + sizeof(OBJECT_HEADER) + BodySize;
    PCHAR Block = ExAllocatePoolWithTag(NonPagedPoolNx, Size,
                                        Type != NULL && Type->Key != 0 ? Type->Key : OB_TAG_CREATE);
    if (Block == NULL) {
        if (NameBuffer != NULL) {
            ExFreePoolWithTag(NameBuffer, OB_TAG_NAME);
        }
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Block, Size);
    POBJECT_HEADER Header = (POBJECT_HEADER)(Block + Prefix);
    Header->PointerCount = 1;
    Header->Flags = OB_FLAG_NEW_OBJECT;
    if (NameBuffer != NULL) {
        POBJECT_HEADER_NAME_INFO NameInfo = (POBJECT_HEADER_NAME_INFO)Block;
        Header->InfoMask = OB_INFOMASK_NAME;
        NameInfo->Name.Buffer = NameBuffer;
        NameInfo->Name.Length = NameInfo->Name.MaximumLength = Name->Length;
        NameInfo->ReferenceCount = 1;
    }
    if (Type != NULL) {
        Header->TypeIndex = ObpEncodeTypeIndex(Header, Type->Index);
        ObpAccountNewObject(Type);
    }
    *Object = ObpBodyOf(Header);
    return STATUS_SUCCESS;
}

VOID ObInitializeStaticObject(POBJECT_HEADER Header, POBJECT_TYPE Type)
{
    Header->PointerCount = 1;
    Header->HandleCount = 0;
    Header->InfoMask = 0;
    Header->Flags = OB_FLAG_STATIC | OB_FLAG_PERMANENT_OBJECT | OB_FLAG_KERNEL_OBJECT;
    Header->TypeIndex = ObpEncodeTypeIndex(Header, Type->Index);
    ObpAccountNewObject(Type);
}

/* PASSIVE_LEVEL, no references, no name in a directory. */
static VOID ObpDeleteObject(POBJECT_HEADER Header)
{
    POBJECT_TYPE Type = ObpTypeOf(Header);
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(Header);

    NT_VERIFY(Type != NULL);
    NT_VERIFY(!(Header->Flags & OB_FLAG_STATIC));
    NT_ASSERT(NameInfo == NULL || NameInfo->Directory == NULL);
    if (Header->ObjectCreateInfo != NULL) {
        SeReleaseSecurityDescriptor(Header->ObjectCreateInfo->SecurityDescriptor, KernelMode, TRUE);
        ExFreePoolWithTag(Header->ObjectCreateInfo, OB_TAG_CREATE);
        Header->ObjectCreateInfo = NULL;
    }
    /* A type's delete procedure also sees objects that were never inserted. */
    if (Type->TypeInfo.DeleteProcedure != NULL) {
        Type->TypeInfo.DeleteProcedure(ObpBodyOf(Header));
    }
    ObpDeleteSecurity(ObpBodyOf(Header));
    InterlockedDecrement(&Type->TotalNumberOfObjects);
    if (NameInfo != NULL && NameInfo->Name.Buffer != NULL) {
        ExFreePoolWithTag(NameInfo->Name.Buffer, OB_TAG_NAME);
    }
    ExFreePoolWithTag(NameInfo != NULL ? (PVOID)NameInfo : (PVOID)Header,
                      Type->Key != 0 ? Type->Key : OB_TAG_CREATE);
}

static VOID ObpReapWorker(PVOID Parameter)
{
    POBJECT_HEADER Header =
        InterlockedExchangePointer((PVOID volatile *)&ObpReapList, NULL);
    while (Header != NULL) {
        POBJECT_HEADER Next = Header->NextToFree;
        ObpDeleteObject(Header);
        Header = Next;
    }
}

static VOID ObpDeferDelete(POBJECT_HEADER Header)
{
    POBJECT_HEADER First;
    do {
        First = ObpReapList;
        Header->NextToFree = First;
    } while (InterlockedCompareExchangePointer((PVOID volatile *)&ObpReapList, Header, First) !=
             First);
    if (First == NULL) {
        /*
         * The item cannot still be queued: the worker empties the list after it was taken off
         * the queue, and only then can the list be found empty again.
         */
        ExInitializeWorkItem(&ObpReapWorkItem, ObpReapWorker, NULL);
        ExQueueWorkItem(&ObpReapWorkItem, CriticalWorkQueue);
    }
}

LONG_PTR ObfReferenceObject(PVOID Object)
{
    LONG64 Count = InterlockedIncrement64(&ObpHeaderOf(Object)->PointerCount);
    if (Count <= 1) {
        /* 0x18: type, object, reason 0x03 (count was not positive), count */
        KeBugCheckEx(REFERENCE_BY_POINTER, 0, (ULONG_PTR)Object, 0x3, (ULONG_PTR)Count);
    }
    return Count;
}

/* FALSE: the object is being deleted and must not be used. */
BOOLEAN ObReferenceObjectSafe(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    LONG64 Count = Header->PointerCount;
    while (Count > 0) {
        LONG64 Seen = InterlockedCompareExchange64(&Header->PointerCount, Count + 1, Count);
        if (Seen == Count) {
            return TRUE;
        }
        Count = Seen;
    }
    return FALSE;
}

static LONG_PTR ObpDereference(PVOID Object, BOOLEAN Defer)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    LONG64 Count = InterlockedDecrement64(&Header->PointerCount);
    if (Count > 0) {
        return Count;
    }
    if (Count < 0 || Header->HandleCount != 0) {
        KeBugCheckEx(REFERENCE_BY_POINTER, (ULONG_PTR)ObpTypeOf(Header), (ULONG_PTR)Object,
                     Count < 0 ? 0x2 : 0x1, (ULONG_PTR)Count);
    }
    if (!Defer && KeGetCurrentIrql() == PASSIVE_LEVEL) {
        ObpDeleteObject(Header);
    } else {
        ObpDeferDelete(Header);
    }
    return 0;
}

LONG_PTR ObfDereferenceObject(PVOID Object)
{
    return ObpDereference(Object, FALSE);
}

VOID ObDereferenceObjectDeferDelete(PVOID Object)
{
    ObpDereference(Object, TRUE);
}

/* Tags serve reference tracing, which this kernel does not do. */
LONG_PTR ObfReferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    return ObfReferenceObject(Object);
}

LONG_PTR ObfDereferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    return ObpDereference(Object, FALSE);
}

VOID ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG Tag)
{
    ObpDereference(Object, TRUE);
}

/* A kernel-mode caller may leave ObjectType NULL: any type. */
NTSTATUS ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                    POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    if (Type != ObjectType && (AccessMode != KernelMode || ObjectType != NULL)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ObfReferenceObject(Object);
    return STATUS_SUCCESS;
}

NTSTATUS ObReferenceObjectByPointerWithTag(PVOID Object, ACCESS_MASK DesiredAccess,
                                           POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                           ULONG Tag)
{
    return ObReferenceObjectByPointer(Object, DesiredAccess, ObjectType, AccessMode);
}
