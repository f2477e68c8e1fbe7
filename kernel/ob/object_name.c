/* SPDX-License-Identifier: MIT */
/*
 * Names: the walk from a path to an object, and from an object back to its path.
 *
 * The walk holds a reference on the object it stands on and takes ObpNamespaceLock only to look
 * one component up. A symbolic link restarts it at the root with the link's target in front of
 * what remains; OBP_MAXIMUM_REPARSES such restarts end it, so that a cycle of links does.
 */
#include "ob/obp.h"

#define OBP_MAXIMUM_REPARSES 32

FAST_MUTEX ObpNamespaceLock;

typedef struct _OBP_WALK {
    UNICODE_STRING Path; /* what remains, with a leading backslash unless at the start */
    PWCHAR Buffer;       /* the text of Path when it is a substituted one */
    PVOID Current;       /* referenced */
    ULONG Reparses;
} OBP_WALK, *POBP_WALK;

static PVOID ObpReferenceRoot(VOID)
{
    ObfReferenceObject(ObpRootDirectoryObject);
    return ObpRootDirectoryObject;
}

/* Splits the first component off Path. Empty components are not allowed. */
static NTSTATUS ObpNextComponent(PUNICODE_STRING Path, PUNICODE_STRING Component)
{
    if (Path->Buffer[0] == L'\\') {
        Path->Buffer++;
        Path->Length -= sizeof(WCHAR);
    }
    ULONG Count = 0;
    while (Count < Path->Length / sizeof(WCHAR) && Path->Buffer[Count] != L'\\') {
        Count++;
    }
    if (Count == 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Component->Buffer = Path->Buffer;
    Component->Length = Component->MaximumLength = (USHORT)(Count * sizeof(WCHAR));
    Path->Buffer += Count;
    Path->Length -= Component->Length;
    return STATUS_SUCCESS;
}

/* The walk stands on a symbolic link: goes on from the root with target + what remains. */
static NTSTATUS ObpFollowLink(POBP_WALK Walk)
{
    POBJECT_SYMBOLIC_LINK Link = Walk->Current;
    ULONG Length = (ULONG)Link->LinkTarget.Length + Walk->Path.Length;

    if (++Walk->Reparses > OBP_MAXIMUM_REPARSES) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (Length > UNICODE_STRING_MAX_BYTES || Length == 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    PWCHAR Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Length, OB_TAG_NAME);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Buffer, Link->LinkTarget.Buffer, Link->LinkTarget.Length);
    RtlCopyMemory((PCHAR)Buffer + Link->LinkTarget.Length, Walk->Path.Buffer, Walk->Path.Length);
    if (Walk->Buffer != NULL) {
        ExFreePoolWithTag(Walk->Buffer, OB_TAG_NAME);
    }
    Walk->Buffer = Buffer;
    Walk->Path.Buffer = Buffer;
    Walk->Path.Length = Walk->Path.MaximumLength = (USHORT)Length;
    if (Buffer[0] != L'\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    ObfDereferenceObject(Walk->Current);
    Walk->Current = ObpReferenceRoot();
    return STATUS_SUCCESS;
}

/* Lock held. The object's name becomes Component, a suffix of the path it was created with. */
static NTSTATUS ObpEnterName(POBJECT_DIRECTORY Directory, PVOID Object,
                             PCUNICODE_STRING Component)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(Header);
    NT_VERIFY(NameInfo != NULL && Component->Length <= NameInfo->Name.MaximumLength);
    RtlMoveMemory(NameInfo->Name.Buffer, Component->Buffer, Component->Length);
    NameInfo->Name.Length = Component->Length;
    NTSTATUS Status = ObpInsertDirectory(Directory, Object);
    if (NT_SUCCESS(Status)) {
        Header->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    }
    return Status;
}

/*
 * One component. STATUS_REPARSE: the walk stands on what was found, Path is what remains;
 * STATUS_SUCCESS: Insert was entered.
 */
static NTSTATUS ObpStep(POBP_WALK Walk, PVOID Insert)
{
    UNICODE_STRING Component;
    NTSTATUS Status = ObpNextComponent(&Walk->Path, &Component);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ExAcquireFastMutex(&ObpNamespaceLock);
    PVOID Found = ObpLookupDirectory(Walk->Current, &Component);
    if (Found != NULL) {
        ObfReferenceObject(Found);
        Status = STATUS_REPARSE;
    } else if (Walk->Path.Length != 0) {
        Status = STATUS_OBJECT_PATH_NOT_FOUND;
    } else if (Insert == NULL) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else {
        Status = ObpEnterName(Walk->Current, Insert, &Component);
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
    if (Found != NULL) {
        ObfDereferenceObject(Walk->Current);
        Walk->Current = Found;
    }
    return Status;
}

static NTSTATUS ObpParse(POBP_WALK Walk, POB_PARSE_PARAMETERS Parameters)
{
    PVOID Result = NULL;
    OB_PARSE_METHOD *Parse = ObpTypeOf(ObpHeaderOf(Walk->Current))->TypeInfo.ParseProcedure;
    Parameters->Object = Walk->Current;
    Parameters->Remaining = Walk->Path;
    NTSTATUS Status = Parse(Parameters, &Result);
    if (NT_SUCCESS(Status)) {
        ObfDereferenceObject(Walk->Current);
        Walk->Current = Result;
        Walk->Path.Length = 0;
    }
    return Status;
}

/* From a directory to the end of the path. STATUS_OBJECT_NAME_EXISTS: Insert met Walk->Current. */
static NTSTATUS ObpWalk(POBP_WALK Walk, PVOID Insert, POB_PARSE_PARAMETERS Parameters)
{
    while (Walk->Path.Length != 0) {
        NTSTATUS Status = ObpStep(Walk, Insert);
        if (Status != STATUS_REPARSE) {
            return Status;
        }
        POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Walk->Current));
        BOOLEAN Last = Walk->Path.Length == 0;
        if (Type == ObpDirectoryObjectType) {
            continue;
        }
        if (Last && Insert != NULL) {
            return STATUS_OBJECT_NAME_EXISTS;
        }
        if (Type == ObpSymbolicLinkObjectType && !(Last && Parameters->Type == Type)) {
            Status = ObpFollowLink(Walk);
            if (!NT_SUCCESS(Status)) {
                return Status;
            }
            continue;
        }
        if (Insert == NULL && Type->TypeInfo.ParseProcedure != NULL) {
            return ObpParse(Walk, Parameters);
        }
        return Last ? STATUS_SUCCESS : STATUS_OBJECT_TYPE_MISMATCH;
    }
    return Insert != NULL ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

/* Where the walk begins: the root, or what a RootDirectory handle stands for. */
static NTSTATUS ObpStartWalk(POBP_WALK Walk, HANDLE Root, PCUNICODE_STRING Name,
                             POB_PARSE_PARAMETERS Parameters)
{
    Walk->Buffer = NULL;
    Walk->Reparses = 0;
    Walk->Current = NULL;
    Walk->Path = *Name;
    if (Name->Length & 1) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Root == NULL) {
        if (Name->Length == 0 || Name->Buffer[0] != L'\\') {
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        }
        if (Name->Length == sizeof(WCHAR)) {
            Walk->Path.Length = 0;
        }
        Walk->Current = ObpReferenceRoot();
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(Root, 0, NULL, Parameters->AccessMode,
                                                &Walk->Current, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Walk->Current));
    if (Type != ObpDirectoryObjectType) {
        return Type->TypeInfo.ParseProcedure != NULL ? STATUS_REPARSE
                                                     : STATUS_OBJECT_TYPE_MISMATCH;
    }
    return Name->Length != 0 && Name->Buffer[0] == L'\\' ? STATUS_OBJECT_PATH_SYNTAX_BAD
                                                         : STATUS_SUCCESS;
}

NTSTATUS ObpLookupObjectName(HANDLE Root, PCUNICODE_STRING Name, PVOID Insert,
                             POB_PARSE_PARAMETERS Parameters, PVOID *Object)
{
    OBP_WALK Walk;
    *Object = NULL;
    NTSTATUS Status = ObpStartWalk(&Walk, Root, Name, Parameters);
    if (Status == STATUS_REPARSE) {
        Status = Insert == NULL ? ObpParse(&Walk, Parameters) : STATUS_OBJECT_TYPE_MISMATCH;
    } else if (NT_SUCCESS(Status)) {
        Status = ObpWalk(&Walk, Insert, Parameters);
    }
    if (Insert != NULL && Status == STATUS_SUCCESS) {
        *Object = Insert;
    } else if (NT_SUCCESS(Status)) {
        if (Parameters->Type != NULL &&
            ObpTypeOf(ObpHeaderOf(Walk.Current)) != Parameters->Type) {
            Status = Insert != NULL && !(Parameters->Attributes & OBJ_OPENIF)
                         ? STATUS_OBJECT_NAME_COLLISION
                         : STATUS_OBJECT_TYPE_MISMATCH;
        } else {
            *Object = Walk.Current;
            Walk.Current = NULL;
        }
    }
    if (Walk.Current != NULL) {
        ObfDereferenceObject(Walk.Current);
    }
    if (Walk.Buffer != NULL) {
        ExFreePoolWithTag(Walk.Buffer, OB_TAG_NAME);
    }
    return Status;
}

NTSTATUS ObpInsertNamedObject(PVOID Object, PCUNICODE_STRING Path, ULONG Attributes)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    OB_PARSE_PARAMETERS Parameters = {.AccessMode = KernelMode, .Attributes = Attributes};
    PVOID Existing;

    if (Attributes & OBJ_PERMANENT) {
        Header->Flags |= OB_FLAG_PERMANENT_OBJECT;
    }
    NTSTATUS Status = ObpLookupObjectName(NULL, Path, Object, &Parameters, &Existing);
    if (Status == STATUS_OBJECT_NAME_EXISTS) {
        ObfDereferenceObject(Existing);
        Status = STATUS_OBJECT_NAME_COLLISION;
    }
    if (!NT_SUCCESS(Status)) {
        Header->Flags &= (UCHAR)~OB_FLAG_PERMANENT_OBJECT;
    }
    return Status;
}

VOID ObpDeleteNameCheck(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(Header);
    POBJECT_DIRECTORY Directory = NULL;

    if (NameInfo == NULL) {
        return;
    }
    ExAcquireFastMutex(&ObpNamespaceLock);
    if (Header->HandleCount == 0 && !(Header->Flags & OB_FLAG_PERMANENT_OBJECT) &&
        NameInfo->Directory != NULL) {
        Directory = NameInfo->Directory;
        NT_VERIFY(ObpRemoveDirectory(Directory, Object));
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
    if (Directory != NULL) {
        ObfDereferenceObject(Directory);
        ObfDereferenceObject(Object);
    }
}

VOID ObMakeTemporaryObject(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    ExAcquireFastMutex(&ObpNamespaceLock);
    Header->Flags &= (UCHAR)~OB_FLAG_PERMANENT_OBJECT;
    ExReleaseFastMutex(&ObpNamespaceLock);
    ObpDeleteNameCheck(Object);
}

/* Lock held. Bytes of the full path, 0: it has none; writes it backwards from End when not NULL. */
static ULONG ObpBuildPath(PVOID Object, PCHAR End)
{
    ULONG Length = 0;
    if (Object == ObpRootDirectoryObject) {
        if (End != NULL) {
            *(PWCHAR)(End - sizeof(WCHAR)) = L'\\';
        }
        return sizeof(WCHAR);
    }
    while (Object != ObpRootDirectoryObject) {
        POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfoOf(ObpHeaderOf(Object));
        if (NameInfo == NULL || NameInfo->Directory == NULL) {
            return 0;
        }
        Length += NameInfo->Name.Length + sizeof(WCHAR);
        if (End != NULL) {
            End -= NameInfo->Name.Length;
            RtlCopyMemory(End, NameInfo->Name.Buffer, NameInfo->Name.Length);
            End -= sizeof(WCHAR);
            *(PWCHAR)End = L'\\';
        }
        Object = NameInfo->Directory;
    }
    return Length;
}

/* An object without a name gives success and an empty string. */
NTSTATUS ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length,
                           PULONG ReturnLength)
{
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    UNICODE_STRING Suffix = {0, 0, NULL};
    PVOID Base = Object, Block = NULL;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Type->TypeInfo.QueryNameProcedure != NULL) {
        Block = Type->TypeInfo.QueryNameProcedure(Object, &Base, &Suffix);
    }
    ExAcquireFastMutex(&ObpNamespaceLock);
    ULONG PathLength = ObpBuildPath(Base, NULL);
    ULONG Bytes = PathLength == 0 ? 0 : PathLength + Suffix.Length;
    ULONG Needed = sizeof(*ObjectNameInfo) + (Bytes == 0 ? 0 : Bytes + sizeof(WCHAR));
    if (Bytes > UNICODE_STRING_MAX_BYTES - sizeof(WCHAR)) {
        Status = STATUS_NAME_TOO_LONG;
    } else if (Length < Needed) {
        Status = STATUS_INFO_LENGTH_MISMATCH;
    } else {
        PCHAR Text = (PCHAR)(ObjectNameInfo + 1);
        ObjectNameInfo->Name.Length = (USHORT)Bytes;
        ObjectNameInfo->Name.MaximumLength = (USHORT)(Bytes == 0 ? 0 : Bytes + sizeof(WCHAR));
        ObjectNameInfo->Name.Buffer = Bytes == 0 ? NULL : (PWCHAR)Text;
        if (Bytes != 0) {
            ObpBuildPath(Base, Text + PathLength);
            RtlCopyMemory(Text + PathLength, Suffix.Buffer, Suffix.Length);
            *(PWCHAR)(Text + Bytes) = 0;
        }
    }
    ExReleaseFastMutex(&ObpNamespaceLock);
    if (Block != NULL) {
        ExFreePool(Block);
    }
    *ReturnLength = Needed;
    return Status;
}
