/* SPDX-License-Identifier: MIT */
/*
 * Object types. A type is itself an object, of the type "Type"; its index in ObTypeIndexTable is
 * what object headers carry. Types are never deleted.
 */
#include "ob/obp.h"

POBJECT_TYPE ObTypeIndexTable[OBP_MAXIMUM_TYPES];
UCHAR ObHeaderCookie; /* 0: our addresses are no secret */
POBJECT_TYPE ObpTypeObjectType;
static UCHAR ObpNextTypeIndex = 2; /* as in NT: 0 and 1 are no types */

/* The generic rights of Access become the type's own; MAXIMUM_ALLOWED becomes all of them. */
ACCESS_MASK ObpMapAccess(POBJECT_TYPE Type, ACCESS_MASK Access)
{
    const GENERIC_MAPPING *Mapping = &Type->TypeInfo.GenericMapping;
    ACCESS_MASK Mapped =
        Access & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL | MAXIMUM_ALLOWED);
    if (Access & GENERIC_READ) {
        Mapped |= Mapping->GenericRead;
    }
    if (Access & GENERIC_WRITE) {
        Mapped |= Mapping->GenericWrite;
    }
    if (Access & GENERIC_EXECUTE) {
        Mapped |= Mapping->GenericExecute;
    }
    if (Access & (GENERIC_ALL | MAXIMUM_ALLOWED)) {
        Mapped |= Mapping->GenericAll;
    }
    return Mapped;
}

NTSTATUS ObCreateObjectType(PCWSTR Name, const OBJECT_TYPE_INITIALIZER *Info,
                            PVOID DefaultObject, POBJECT_TYPE *Type)
{
    POBJECT_TYPE New;
    UNICODE_STRING NameString;

    RtlInitUnicodeString(&NameString, Name);
    NT_VERIFY(ObpNextTypeIndex < OBP_MAXIMUM_TYPES);
    NTSTATUS Status =
        ObpAllocateObject(ObpTypeObjectType, &NameString, sizeof(OBJECT_TYPE), (PVOID *)&New);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeListHead(&New->TypeList);
    InitializeListHead(&New->CallbackList);
    New->Name = NameString;
    New->DefaultObject = DefaultObject;
    New->TypeInfo = *Info;
    New->TypeInfo.Length = sizeof(OBJECT_TYPE_INITIALIZER);
    New->Index = ObpNextTypeIndex++;
    ObTypeIndexTable[New->Index] = New;
    if (ObpTypeObjectType == NULL) {
        /* The first type is the type of types: its own header could not be encoded before. */
        ObpTypeObjectType = New;
        ObpHeaderOf(New)->TypeIndex = ObpEncodeTypeIndex(ObpHeaderOf(New), New->Index);
        New->TotalNumberOfObjects = 1;
    }
    ObpHeaderOf(New)->Flags |= OB_FLAG_PERMANENT_OBJECT | OB_FLAG_KERNEL_OBJECT;
    *Type = New;
    if (ObpRootDirectoryObject != NULL) {
        return ObpPublishTypes();
    }
    return STATUS_SUCCESS;
}

/* Enters the types that are not in it yet into \ObjectTypes. */
NTSTATUS ObpPublishTypes(VOID)
{
    for (UCHAR Index = 2; Index < ObpNextTypeIndex; Index++) {
        POBJECT_TYPE Type = ObTypeIndexTable[Index];
        POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(ObpHeaderOf(Type));
        WCHAR Buffer[64];
        UNICODE_STRING Path;
        if (NameInfo == NULL || NameInfo->Directory != NULL) {
            continue;
        }
        RtlInitEmptyUnicodeString(&Path, Buffer, sizeof(Buffer));
        RtlAppendUnicodeToString(&Path, L"\\ObjectTypes\\");
        NTSTATUS Status = RtlAppendUnicodeStringToString(&Path, &Type->Name);
        if (NT_SUCCESS(Status)) {
            Status = ObpInsertNamedObject(Type, &Path, OBJ_PERMANENT);
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    return STATUS_SUCCESS;
}

/* NT documents no way to learn a type from a driver; ObGetObjectType is exported all the same. */
POBJECT_TYPE ObGetObjectType(PVOID Object)
{
    return ObpTypeOf(ObpHeaderOf(Object));
}
