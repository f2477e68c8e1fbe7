/* SPDX-License-Identifier: MIT */
/* What is asked and set through a handle: its object's counts, name and type, and its own flags. */
#include "ex/information.h"
#include "ob/obp.h"

typedef struct _OBP_HANDLE_QUERY {
    PVOID Object;
    OBJECT_HANDLE_INFORMATION Handle;
} OBP_HANDLE_QUERY;

static NTSTATUS ObpAnswerBasic(PEX_QUERY Query, const OBP_HANDLE_QUERY *About)
{
    POBJECT_HEADER Header = ObpHeaderOf(About->Object);
    POBJECT_TYPE Type = ObpTypeOf(Header);
    POBJECT_HEADER_NAME_INFO Name = ObpNameInfoOf(Header);
    OBJECT_BASIC_INFORMATION Basic = {
        .Attributes = About->Handle.HandleAttributes,
        .GrantedAccess = About->Handle.GrantedAccess,
        .HandleCount = (ULONG)Header->HandleCount,
        .PointerCount = (ULONG)Header->PointerCount - 1, /* less the one of this question */
        .NonPagedPoolCharge = Type->TypeInfo.DefaultNonPagedPoolCharge,
        .PagedPoolCharge = Type->TypeInfo.DefaultPagedPoolCharge,
        .NameInformationLength = Name != NULL ? Name->Name.Length : 0,
        .TypeInformationLength = (ULONG)sizeof(OBJECT_TYPE_INFORMATION) + Type->Name.Length,
    };
    if (Header->Flags & OB_FLAG_PERMANENT_OBJECT) {
        Basic.Attributes |= OBJ_PERMANENT;
    }
    return ExAnswer(Query, &Basic, sizeof(Basic));
}

static NTSTATUS ObpAnswerName(PEX_QUERY Query, PVOID Object)
{
    POBJECT_NAME_INFORMATION Answer = (PVOID)Query->Buffer;
    NTSTATUS Status = ObQueryNameString(Object, Answer, Query->Length, &Query->Needed);
    if (NT_SUCCESS(Status)) {
        Query->Written = Query->Needed;
        if (Answer->Name.Buffer != NULL) {
            ULONG_PTR Offset = (ULONG_PTR)Answer->Name.Buffer - (ULONG_PTR)Answer;
            Answer->Name.Buffer = (PWSTR)(Query->Target + Offset);
        }
    }
    return Status;
}

static NTSTATUS ObpAnswerType(PEX_QUERY Query, POBJECT_TYPE Type)
{
    const OBJECT_TYPE_INITIALIZER *Info = &Type->TypeInfo;
    ULONG NameBytes = Type->Name.Length + (ULONG)sizeof(WCHAR);

    Query->Needed = ((ULONG)sizeof(OBJECT_TYPE_INFORMATION) + NameBytes + 7) & ~7u;
    if (Query->Length < Query->Needed) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlZeroMemory(Query->Buffer, Query->Needed);
    OBJECT_TYPE_INFORMATION *Answer = (PVOID)Query->Buffer;
    *Answer = (OBJECT_TYPE_INFORMATION){
        .TypeName = {Type->Name.Length, (USHORT)NameBytes,
                     (PWSTR)(Query->Target + sizeof(*Answer))},
        .TotalNumberOfObjects = (ULONG)Type->TotalNumberOfObjects,
        .TotalNumberOfHandles = (ULONG)Type->TotalNumberOfHandles,
        .HighWaterNumberOfObjects = (ULONG)Type->HighWaterNumberOfObjects,
        .HighWaterNumberOfHandles = (ULONG)Type->HighWaterNumberOfHandles,
        .InvalidAttributes = Info->InvalidAttributes,
        .GenericMapping = Info->GenericMapping,
        .ValidAccessMask = Info->ValidAccessMask,
        .TypeIndex = Type->Index,
        .PoolType = (ULONG)Info->PoolType,
        .DefaultPagedPoolCharge = Info->DefaultPagedPoolCharge,
        .DefaultNonPagedPoolCharge = Info->DefaultNonPagedPoolCharge,
    };
    RtlCopyMemory(Answer + 1, Type->Name.Buffer, Type->Name.Length);
    Query->Written = Query->Needed;
    return STATUS_SUCCESS;
}

static NTSTATUS ObpQueryObject(PEX_QUERY Query)
{
    const OBP_HANDLE_QUERY *About = Query->Object;
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {
        (About->Handle.HandleAttributes & OBJ_INHERIT) != 0,
        (About->Handle.HandleAttributes & OBJ_PROTECT_CLOSE) != 0,
    };
    switch (Query->Class) {
    case ObjectBasicInformation:
        return ObpAnswerBasic(Query, About);
    case ObjectNameInformation:
        return ObpAnswerName(Query, About->Object);
    case ObjectTypeInformation:
        return ObpAnswerType(Query, ObpTypeOf(ObpHeaderOf(About->Object)));
    case ObjectHandleFlagInformation:
        return ExAnswer(Query, &Flags, sizeof(Flags));
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

NTSTATUS ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                       PVOID ObjectInformation, ULONG ObjectInformationLength,
                       PULONG ReturnLength)
{
    OBP_HANDLE_QUERY About;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &About.Object,
                                                &About.Handle);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    EX_QUERY Query = {.Object = &About, .Class = ObjectInformationClass};
    Status = ExQueryInformation(KernelMode, ObpQueryObject, &Query, ObjectInformation,
                                ObjectInformationLength, ReturnLength);
    ObfDereferenceObject(About.Object);
    return Status;
}

NTSTATUS ObSetHandleAttributes(HANDLE Handle, POBJECT_HANDLE_FLAG_INFORMATION HandleFlags,
                               KPROCESSOR_MODE PreviousMode)
{
    ULONG Attributes = (HandleFlags->Inherit ? OBJ_INHERIT : 0) |
                       (HandleFlags->ProtectFromClose ? OBJ_PROTECT_CLOSE : 0);
    return ObpSetHandleAttributes(Handle, PreviousMode, Attributes);
}

NTSTATUS ZwSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                                PVOID ObjectInformation, ULONG ObjectInformationLength)
{
    if (ObjectInformationClass != ObjectHandleFlagInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ObjectInformationLength != sizeof(OBJECT_HANDLE_FLAG_INFORMATION)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    return ObSetHandleAttributes(Handle, ObjectInformation, KernelMode);
}
