/* SPDX-License-Identifier: MIT */
/*
 * Creation in two steps, as NT's components and drivers do it: ObCreateObject gives a body with
 * one reference and remembers name and attributes; ObInsertObject enters the name and turns that
 * reference into a handle.
 */
#include "ob/obp.h"
#include "nt/security.h"

NTSTATUS ObCreateObject(KPROCESSOR_MODE ProbeMode, POBJECT_TYPE ObjectType,
                        POBJECT_ATTRIBUTES ObjectAttributes, KPROCESSOR_MODE OwnershipMode,
                        PVOID ParseContext, ULONG ObjectBodySize, ULONG PagedPoolCharge,
                        ULONG NonPagedPoolCharge, PVOID *Object)
{
    struct _OBJECT_CREATE_INFORMATION *Create;
    PUNICODE_STRING Name = ObjectAttributes != NULL ? ObjectAttributes->ObjectName : NULL;

    *Object = NULL;
    if (ObjectAttributes != NULL && ObjectAttributes->Length != sizeof(OBJECT_ATTRIBUTES)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Name != NULL && (Name->Length & 1)) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Create = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Create), OB_TAG_CREATE);
    if (Create == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Create->Attributes = ObjectAttributes != NULL ? ObjectAttributes->Attributes : 0;
    Create->RootDirectory = ObjectAttributes != NULL ? ObjectAttributes->RootDirectory : NULL;
    Create->ParseContext = ParseContext;
    Create->ProbeMode = ProbeMode;
    NTSTATUS Status = SeCaptureSecurityDescriptor(
        ObjectAttributes != NULL ? ObjectAttributes->SecurityDescriptor : NULL, ProbeMode,
        PagedPool, TRUE, &Create->SecurityDescriptor);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Create, OB_TAG_CREATE);
        return Status;
    }
    Status = ObpAllocateObject(ObjectType, Name, ObjectBodySize, Object);
    if (!NT_SUCCESS(Status)) {
        SeReleaseSecurityDescriptor(Create->SecurityDescriptor, KernelMode, TRUE);
        ExFreePoolWithTag(Create, OB_TAG_CREATE);
        return Status;
    }
    POBJECT_HEADER Header = ObpHeaderOf(*Object);
    Header->ObjectCreateInfo = Create;
    if (Create->Attributes & OBJ_EXCLUSIVE) {
        Header->Flags |= OB_FLAG_EXCLUSIVE_OBJECT;
    }
    return STATUS_SUCCESS;
}

/* Enters the name if there is one. *Found: the object to make the handle for, referenced. */
static NTSTATUS ObpInsertName(PVOID Object, const OBJECT_CREATE_INFORMATION *Create, PVOID *Found)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    POBJECT_TYPE Type = ObpTypeOf(Header);
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(Header);
    OB_PARSE_PARAMETERS Parameters = {
        .Type = Type, .AccessMode = Create->ProbeMode, .Attributes = Create->Attributes};

    *Found = NULL;
    if (Create->Attributes & OBJ_PERMANENT) {
        Header->Flags |= OB_FLAG_PERMANENT_OBJECT;
    }
    if (NameInfo == NULL) {
        Header->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
        return STATUS_SUCCESS;
    }
    UNICODE_STRING Path;
    NTSTATUS Status = RtlDuplicateUnicodeString(0, &NameInfo->Name, &Path);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpLookupObjectName(Create->RootDirectory, &Path, Object, &Parameters, Found);
    RtlFreeUnicodeString(&Path);
    if (Status == STATUS_OBJECT_NAME_EXISTS && !(Create->Attributes & OBJ_OPENIF)) {
        ObfDereferenceObject(*Found);
        *Found = NULL;
        Status = STATUS_OBJECT_NAME_COLLISION;
    }
    if (Status == STATUS_SUCCESS) {
        *Found = NULL; /* it is Object itself */
    }
    return Status;
}

/*
 * Takes over the caller's reference, on failure too: then the object goes. With Handle NULL and
 * success the reference stays the caller's. ObjectPointerBias more references are left.
 */
NTSTATUS ObInsertObject(PVOID Object, PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                        ULONG ObjectPointerBias, PVOID *NewObject, PHANDLE Handle)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    OBJECT_CREATE_INFORMATION Create = {0};
    PVOID Existing;

    if (Header->ObjectCreateInfo != NULL) {
        Create = *Header->ObjectCreateInfo;
        ExFreePoolWithTag(Header->ObjectCreateInfo, OB_TAG_CREATE);
        Header->ObjectCreateInfo = NULL;
    }
    NTSTATUS Status = STATUS_SUCCESS;
    if (ObpNameInfoOf(Header) != NULL || Create.SecurityDescriptor != NULL) {
        Status = ObpAssignSecurity(Object, Create.SecurityDescriptor);
        SeReleaseSecurityDescriptor(Create.SecurityDescriptor, KernelMode, TRUE);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpInsertName(Object, &Create, &Existing);
    }
    if (!NT_SUCCESS(Status)) {
        Header->Flags &= (UCHAR)~OB_FLAG_PERMANENT_OBJECT;
        ObfDereferenceObject(Object);
        return Status;
    }
    ACCESS_MASK Access = ObpMapAccess(ObpTypeOf(Header), DesiredAccess);
    if (Existing != NULL) {
        /* OBJ_OPENIF met an object of that name: it takes the new one's place. */
        Header->Flags &= (UCHAR)~OB_FLAG_PERMANENT_OBJECT;
        ObfDereferenceObject(Object);
        Object = Existing;
        NTSTATUS Allowed = ObpCheckAccess(Object, DesiredAccess, Create.Attributes,
                                          Create.ProbeMode, &Access);
        if (!NT_SUCCESS(Allowed)) {
            ObfDereferenceObject(Object);
            return Allowed;
        }
    }
    for (ULONG i = 0; i < ObjectPointerBias; i++) {
        ObfReferenceObject(Object);
    }
    if (NewObject != NULL) {
        *NewObject = Object;
    }
    if (Handle == NULL) {
        return Status;
    }
    NTSTATUS HandleStatus = ObpCreateHandle(Object, Access, Create.Attributes, Handle);
    if (!NT_SUCCESS(HandleStatus)) {
        for (ULONG i = 0; i < ObjectPointerBias; i++) {
            ObfDereferenceObject(Object);
        }
        if (Existing == NULL) {
            ObMakeTemporaryObject(Object);
        }
        Status = HandleStatus;
    }
    ObfDereferenceObject(Object);
    return Status;
}

/*
 * The object of that name, referenced, and what its handle may grant. The descriptor has been
 * asked, by the parse procedure of a type that keeps its descriptors elsewhere.
 */
static NTSTATUS ObpReferenceNamed(HANDLE Root, PCUNICODE_STRING Name,
                                  POB_PARSE_PARAMETERS Parameters, PVOID *Object,
                                  PACCESS_MASK Granted)
{
    if (Parameters->Type != NULL) {
        RtlMapGenericMask(&Parameters->DesiredAccess, &Parameters->Type->TypeInfo.GenericMapping);
    }
    NTSTATUS Status = ObpLookupObjectName(Root, Name, NULL, Parameters, Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(*Object));
    NTSTATUS Allowed = STATUS_SUCCESS;
    *Granted = ObpMapAccess(Type, Parameters->DesiredAccess);
    if (Type->TypeInfo.SecurityProcedure == NULL) {
        Allowed = ObpCheckAccess(*Object, Parameters->DesiredAccess, Parameters->Attributes,
                                 Parameters->AccessMode, Granted);
    }
    if (!NT_SUCCESS(Allowed)) {
        ObfDereferenceObject(*Object);
        *Object = NULL;
        return Allowed;
    }
    return Status;
}

NTSTATUS ObOpenObjectByName(POBJECT_ATTRIBUTES ObjectAttributes, POBJECT_TYPE ObjectType,
                            KPROCESSOR_MODE AccessMode, PACCESS_STATE AccessState,
                            ACCESS_MASK DesiredAccess, PVOID ParseContext, PHANDLE Handle)
{
    PVOID Object;
    ACCESS_MASK Granted;
    static const UNICODE_STRING Empty = {0, 0, NULL};

    *Handle = NULL;
    if (ObjectAttributes == NULL || ObjectAttributes->Length != sizeof(OBJECT_ATTRIBUTES)) {
        return STATUS_INVALID_PARAMETER;
    }
    OB_PARSE_PARAMETERS Parameters = {
        .Type = ObjectType,
        .AccessMode = AccessMode,
        .DesiredAccess = DesiredAccess,
        .Attributes = ObjectAttributes->Attributes,
        .Context = ParseContext,
    };
    NTSTATUS Status = ObpReferenceNamed(
        ObjectAttributes->RootDirectory,
        ObjectAttributes->ObjectName != NULL ? ObjectAttributes->ObjectName : &Empty, &Parameters,
        &Object, &Granted);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    NTSTATUS HandleStatus =
        ObpCreateHandle(Object, Granted, ObjectAttributes->Attributes, Handle);
    ObfDereferenceObject(Object);
    return NT_SUCCESS(HandleStatus) ? Status : HandleStatus;
}

/* The access is not kept: the caller has a pointer. ObjectType NULL: any. */
NTSTATUS ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                 PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                                 POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                 PVOID ParseContext, PVOID *Object)
{
    ACCESS_MASK Granted;
    OB_PARSE_PARAMETERS Parameters = {
        .Type = ObjectType,
        .AccessMode = AccessMode,
        .DesiredAccess = DesiredAccess,
        .Attributes = Attributes,
        .Context = ParseContext,
    };
    return ObpReferenceNamed(NULL, ObjectName, &Parameters, Object, &Granted);
}
