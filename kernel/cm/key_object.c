/* SPDX-License-Identifier: MIT */
/*
 * Key objects, and the walk from a path to a key.
 *
 * Ob stands on \REGISTRY, or on the key that a RootDirectory handle names, and hands the rest of
 * the path to CmpParseKey. The walk goes a component at a time; a link on the way (at its end,
 * unless the link itself is wanted) starts it anew at the root with the link's target ahead of
 * what remains, CMP_MAXIMUM_REPARSES times at most. Extra backslashes are skipped, as NT does.
 * Only the last component is ever created.
 */
#include "cm/cmp.h"

PVOID CmpRootObject;

typedef struct _CMP_WALK {
    PCM_KEY_NODE Node;
    UNICODE_STRING Path; /* what remains */
    PWCHAR Buffer;       /* Path's text when a link was followed */
    ULONG Reparses;
    BOOLEAN OpenLink;
} CMP_WALK, *PCMP_WALK;

static const UNICODE_STRING CmpRegistryName = RTL_CONSTANT_STRING(L"\\REGISTRY");
static const UNICODE_STRING CmpLinkValueName = RTL_CONSTANT_STRING(L"SymbolicLinkValue");

static VOID CmpSkip(PUNICODE_STRING Path, ULONG Characters)
{
    Path->Buffer += Characters;
    Path->Length -= (USHORT)(Characters * sizeof(WCHAR));
}

static VOID CmpSkipSeparators(PUNICODE_STRING Path)
{
    while (Path->Length != 0 && Path->Buffer[0] == L'\\') {
        CmpSkip(Path, 1);
    }
}

/* FALSE: the path is at its end. What follows the component begins without a backslash. */
static BOOLEAN CmpNextComponent(PUNICODE_STRING Path, PUNICODE_STRING Component)
{
    ULONG Count = 0;
    CmpSkipSeparators(Path);
    while (Count < Path->Length / sizeof(WCHAR) && Path->Buffer[Count] != L'\\') {
        Count++;
    }
    Component->Buffer = Path->Buffer;
    Component->Length = Component->MaximumLength = (USHORT)(Count * sizeof(WCHAR));
    CmpSkip(Path, Count);
    CmpSkipSeparators(Path);
    return Count != 0;
}

/* Walk->Path becomes what follows \REGISTRY in Link's target, and what remained. */
static NTSTATUS CmpFollowLink(PCMP_WALK Walk, PCM_KEY_NODE Link)
{
    PCM_VALUE Value = CmpFindValue(Link, &CmpLinkValueName);
    if (++Walk->Reparses > CMP_MAXIMUM_REPARSES || Value == NULL || Value->Type != REG_LINK ||
        Value->DataLength > UNICODE_STRING_MAX_BYTES || (Value->DataLength & 1)) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    USHORT Bytes = (USHORT)Value->DataLength;
    UNICODE_STRING Target = {Bytes, Bytes, CmpValueData(Value)};
    ULONG Prefix = CmpRegistryName.Length / sizeof(WCHAR);
    if (!RtlPrefixUnicodeString(&CmpRegistryName, &Target, TRUE) ||
        (Target.Length > CmpRegistryName.Length && Target.Buffer[Prefix] != L'\\')) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    CmpSkip(&Target, Prefix);
    ULONG Length = (ULONG)Target.Length + sizeof(WCHAR) + Walk->Path.Length;
    if (Length > UNICODE_STRING_MAX_BYTES) {
        return STATUS_NAME_TOO_LONG;
    }
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Length, CM_TAG);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Buffer, Target.Buffer, Target.Length);
    Buffer[Target.Length / sizeof(WCHAR)] = L'\\';
    RtlCopyMemory(Buffer + Target.Length / sizeof(WCHAR) + 1, Walk->Path.Buffer,
                  Walk->Path.Length);
    if (Walk->Buffer != NULL) {
        ExFreePoolWithTag(Walk->Buffer, CM_TAG);
    }
    Walk->Buffer = Walk->Path.Buffer = Buffer;
    Walk->Path.Length = Walk->Path.MaximumLength = (USHORT)Length;
    Walk->Node = CmpRootNode;
    return STATUS_SUCCESS;
}

static NTSTATUS CmpCreateLast(PCMP_WALK Walk, PCUNICODE_STRING Name, PCM_PARSE_CONTEXT Context)
{
    ULONG Flags = ((Context->Options & REG_OPTION_VOLATILE) ? CM_NODE_VOLATILE : 0) |
                  ((Context->Options & REG_OPTION_CREATE_LINK) ? CM_NODE_LINK : 0);
    if (Walk->Node->Depth < 2) {
        return STATUS_INVALID_PARAMETER; /* NV: hives are mounted there, keys are not created */
    }
    NTSTATUS Status = CmpCreateNode(Walk->Node, Name, &Context->Class, Flags, &Walk->Node);
    Context->Disposition = REG_CREATED_NEW_KEY;
    return Status;
}

/* CmpLock held. Walk->Node becomes the key of Walk->Path. */
static NTSTATUS CmpWalkPath(PCMP_WALK Walk, PCM_PARSE_CONTEXT Context)
{
    UNICODE_STRING Component;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Walk->Node->Flags & CM_NODE_DELETED) {
        return STATUS_KEY_DELETED;
    }
    while (NT_SUCCESS(Status) && CmpNextComponent(&Walk->Path, &Component)) {
        BOOLEAN Last = Walk->Path.Length == 0;
        BOOLEAN Creating = Last && Context != NULL && Context->Create;
        if (Component.Length > CMP_KEY_NAME_BYTES) {
            return STATUS_INVALID_PARAMETER;
        }
        PCM_KEY_NODE Found = CmpFindSubKey(Walk->Node, &Component);
        if (Found == NULL) {
            return Creating ? CmpCreateLast(Walk, &Component, Context)
                            : STATUS_OBJECT_NAME_NOT_FOUND;
        }
        if (Creating && (Context->Options & REG_OPTION_CREATE_LINK)) {
            return STATUS_OBJECT_NAME_COLLISION;
        }
        if ((Found->Flags & CM_NODE_LINK) && !(Last && Walk->OpenLink)) {
            Status = CmpFollowLink(Walk, Found);
        } else {
            Walk->Node = Found;
        }
    }
    return Status;
}

/* CmpLock held: the body takes its reference on the node, and a copy of its path. */
static NTSTATUS CmpFillBody(PCM_KEY_BODY Body, PCM_KEY_NODE Node)
{
    ULONG Length = CmpBuildPath(Node, NULL);
    Body->Path.Buffer = ExAllocatePoolWithTag(PagedPool, Length + sizeof(WCHAR), CM_TAG);
    if (Body->Path.Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    CmpBuildPath(Node, (PCHAR)Body->Path.Buffer + Length);
    Body->Path.Buffer[Length / sizeof(WCHAR)] = 0;
    Body->Path.Length = (USHORT)Length;
    Body->Path.MaximumLength = (USHORT)(Length + sizeof(WCHAR));
    Node->References++;
    Body->Node = Node;
    return STATUS_SUCCESS;
}

/* The walk itself, and the body of what it finds. */
static NTSTATUS CmpOpenNode(POB_PARSE_PARAMETERS Parameters, PCM_PARSE_CONTEXT Context,
                            PVOID *Object)
{
    PCM_KEY_BODY Start = Parameters->Object, Body;
    ULONG Options = Context != NULL ? Context->Options : 0;
    NTSTATUS Status =
        ObpAllocateObject(CmKeyObjectType, NULL, sizeof(CM_KEY_BODY), (PVOID *)&Body);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpHeaderOf(Body)->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    InitializeListHead(&Body->Contexts);
    CMP_WALK Walk = {
        .Node = Start->Node,
        .Path = Parameters->Remaining,
        .OpenLink = (Options & REG_OPTION_OPEN_LINK) || (Parameters->Attributes & OBJ_OPENLINK),
    };
    CmpLockRegistry();
    __try {
        Status = CmpWalkPath(&Walk, Context);
        if (NT_SUCCESS(Status)) {
            Status = CmpFillBody(Body, Walk.Node);
        }
    } __finally {
        CmpUnlockRegistry();
    }
    if (Walk.Buffer != NULL) {
        ExFreePoolWithTag(Walk.Buffer, CM_TAG);
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Body);
        return Status;
    }
    *Object = Body;
    return STATUS_SUCCESS;
}

/*
 * With callbacks. One that bypasses the open gives the object, referenced; of the access it grants
 * nothing is kept, as a handle here grants what was asked for.
 */
static NTSTATUS CmpOpenWithCallbacks(POB_PARSE_PARAMETERS Parameters, PCM_PARSE_CONTEXT Context,
                                     PVOID *Object)
{
    REG_CREATE_KEY_INFORMATION_V1 Information = {
        .CompleteName = Context->CompleteName,
        .RootObject = Parameters->Object,
        .ObjectType = CmKeyObjectType,
        .Options = Context->Options,
        .Class = Context->Create ? &Context->Class : NULL,
        .DesiredAccess = Parameters->DesiredAccess,
        .GrantedAccess = ObpMapAccess(CmKeyObjectType, Parameters->DesiredAccess),
        .Disposition = &Context->Disposition,
        .ResultObject = Object,
        .Version = 1,
        .RemainingName = &Parameters->Remaining,
        .Attributes = Parameters->Attributes,
        .CheckAccessMode = Parameters->AccessMode,
    };
    CMP_OPERATION Operation = {
        .Pre = Context->Create ? RegNtPreCreateKeyEx : RegNtPreOpenKeyEx,
        .Post = Context->Create ? RegNtPostCreateKeyEx : RegNtPostOpenKeyEx,
        .Information = &Information,
        .ContextOffset = offsetof(REG_CREATE_KEY_INFORMATION_V1, CallContext),
        .Body = Parameters->Object,
    };
    NTSTATUS Status = CmpBeginOperation(&Operation)
                          ? CmpOpenNode(Parameters, Context, Object)
                          : Operation.Status;
    Status = CmpEndOperation(&Operation, Status, *Object);
    if (NT_SUCCESS(Status) &&
        (*Object == NULL || ObGetObjectType(*Object) != CmKeyObjectType)) {
        return STATUS_OBJECT_TYPE_MISMATCH; /* a callback's success without a key */
    }
    if (!NT_SUCCESS(Status) && *Object != NULL) {
        ObfDereferenceObject(*Object);
        *Object = NULL;
    }
    return Status;
}

NTSTATUS CmpParseKey(POB_PARSE_PARAMETERS Parameters, PVOID *Object)
{
    /* Another type's opener has a context of its own. */
    PCM_PARSE_CONTEXT Context =
        Parameters->Type == CmKeyObjectType ? Parameters->Context : NULL;

    *Object = NULL;
    if (Parameters->Type != NULL && Parameters->Type != CmKeyObjectType) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return Context == NULL ? CmpOpenNode(Parameters, NULL, Object)
                           : CmpOpenWithCallbacks(Parameters, Context, Object);
}

VOID CmpDeleteKeyObject(PVOID Object)
{
    PCM_KEY_BODY Body = Object;
    CmpEndObjectContexts(Body); /* of an object that never had a handle */
    if (Body->Node != NULL) {
        CmpLockRegistry();
        CmpDereferenceNode(Body->Node);
        CmpUnlockRegistry();
    }
    if (Body->Path.Buffer != NULL) {
        ExFreePoolWithTag(Body->Path.Buffer, CM_TAG);
    }
}

PVOID CmpQueryKeyName(PVOID Object, PVOID *Base, PUNICODE_STRING Suffix)
{
    PCM_KEY_BODY Body = Object;
    *Base = CmpRootObject;
    if (Object != CmpRootObject) {
        *Suffix = Body->Path;
        CmpSkip(Suffix, CmpRegistryName.Length / sizeof(WCHAR));
    }
    return NULL;
}

/* PASSIVE_LEVEL. The body is referenced. */
NTSTATUS CmpReferenceKey(HANDLE Handle, ACCESS_MASK Access, PCM_KEY_BODY *Body)
{
    return ObReferenceObjectByHandle(Handle, Access, CmKeyObjectType, KernelMode, (PVOID *)Body,
                                     NULL);
}
