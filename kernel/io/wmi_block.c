/* SPDX-License-Identifier: MIT */
/*
 * Blocks of data that drivers ask for: IoWMIOpenBlock gives an object that stands for a GUID; its
 * queries are sent to every device that registered it. <= APC_LEVEL by the documentation; requests
 * are sent at the caller's IRQL, and a driver's WMI dispatch routine is called at PASSIVE_LEVEL: so
 * PASSIVE_LEVEL is what callers should be at.
 */
#include "io/wmip.h"

#define WMIP_PROVIDERS_MOST 64u

typedef struct _WMIP_DATA_BLOCK {
    GUID Guid;
    ULONG Access;
} WMIP_DATA_BLOCK, *PWMIP_DATA_BLOCK;

static POBJECT_TYPE WmipGuidType;

VOID WmipInitializeBlocks(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Info = {.PoolType = NonPagedPoolNx};
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"WmiGuid", &Info, OB_NOT_WAITABLE, &WmipGuidType)));
}

/* WmipLock held. NULL: Provider has no such block. */
static PWMIP_BLOCK WmipFindBlock(PWMIP_PROVIDER Provider, const GUID *Guid)
{
    for (ULONG i = 0; i < Provider->BlockCount; i++) {
        if (RtlCompareMemory(&Provider->Blocks[i].Guid, Guid, sizeof(*Guid)) == sizeof(*Guid)) {
            return &Provider->Blocks[i];
        }
    }
    return NULL;
}

/* What registrations are under way is waited for: a block opened right after them is there. */
static VOID WmipAwaitRegistrations(VOID)
{
    PWMIP_PROVIDER Pending;
    do {
        Pending = NULL;
        ExAcquireFastMutex(&WmipLock);
        for (PLIST_ENTRY Link = WmipProviders.Flink; Link != &WmipProviders; Link = Link->Flink) {
            PWMIP_PROVIDER Provider = CONTAINING_RECORD(Link, WMIP_PROVIDER, Links);
            if (KeReadStateEvent(&Provider->Asked) == 0 &&
                ExAcquireRundownProtection(&Provider->Rundown)) {
                Pending = Provider;
                break;
            }
        }
        ExReleaseFastMutex(&WmipLock);
        if (Pending != NULL) {
            KeWaitForSingleObject(&Pending->Asked, Executive, KernelMode, FALSE, NULL);
            ExReleaseRundownProtection(&Pending->Rundown);
        }
    } while (Pending != NULL);
}

/* Devices that have the block, protected; at most WMIP_PROVIDERS_MOST. */
static ULONG WmipHoldProviders(const GUID *Guid, PWMIP_PROVIDER *Providers)
{
    ULONG Count = 0;
    ExAcquireFastMutex(&WmipLock);
    for (PLIST_ENTRY Link = WmipProviders.Flink;
         Link != &WmipProviders && Count < WMIP_PROVIDERS_MOST; Link = Link->Flink) {
        PWMIP_PROVIDER Provider = CONTAINING_RECORD(Link, WMIP_PROVIDER, Links);
        if (WmipFindBlock(Provider, Guid) != NULL &&
            ExAcquireRundownProtection(&Provider->Rundown)) {
            Providers[Count++] = Provider;
        }
    }
    ExReleaseFastMutex(&WmipLock);
    return Count;
}

static VOID WmipReleaseProviders(PWMIP_PROVIDER *Providers, ULONG Count)
{
    while (Count != 0) {
        ExReleaseRundownProtection(&Providers[--Count]->Rundown);
    }
}

NTSTATUS IoWMIOpenBlock(const GUID *Guid, ULONG DesiredAccess, PVOID *DataBlockObject)
{
    PWMIP_PROVIDER Providers[WMIP_PROVIDERS_MOST];
    PWMIP_DATA_BLOCK Block;

    *DataBlockObject = NULL;
    WmipAwaitRegistrations();
    ULONG Count = WmipHoldProviders(Guid, Providers);
    WmipReleaseProviders(Providers, Count);
    if (Count == 0) {
        return STATUS_WMI_GUID_NOT_FOUND;
    }
    NTSTATUS Status = ObpAllocateObject(WmipGuidType, NULL, sizeof(*Block), (PVOID *)&Block);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpHeaderOf(Block)->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    Block->Guid = *Guid;
    Block->Access = DesiredAccess;
    *DataBlockObject = Block;
    return STATUS_SUCCESS;
}

static NTSTATUS WmipCheckBlock(PVOID DataBlockObject, ULONG Access)
{
    if (ObGetObjectType(DataBlockObject) != WmipGuidType) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ULONG Granted = ((PWMIP_DATA_BLOCK)DataBlockObject)->Access;
    return (Granted & Access) == Access || (Granted & (GENERIC_ALL | GENERIC_READ | GENERIC_WRITE))
               ? STATUS_SUCCESS
               : STATUS_ACCESS_DENIED;
}

/* Nodes begin at multiples of 8 and are linked; one that does not fit is only counted. */
typedef struct _WMIP_ANSWER {
    PUCHAR Buffer;
    ULONG Size;
    ULONG Needed;
    PWNODE_HEADER Last;
} WMIP_ANSWER;

static VOID WmipAppendNode(WMIP_ANSWER *Answer, const WNODE_HEADER *Node)
{
    ULONG Offset = (Answer->Needed + 7) & ~7u;
    Answer->Needed = Offset + Node->BufferSize;
    if (Answer->Buffer == NULL || Answer->Needed > Answer->Size) {
        return;
    }
    PWNODE_HEADER New = (PWNODE_HEADER)(Answer->Buffer + Offset);
    RtlCopyMemory(New, Node, Node->BufferSize);
    New->Linkage = 0;
    if (Answer->Last != NULL) {
        Answer->Last->Linkage = (ULONG)((PUCHAR)New - (PUCHAR)Answer->Last);
    }
    Answer->Last = New;
}

NTSTATUS IoWMIQueryAllData(PVOID DataBlockObject, PULONG InOutBufferSize, PVOID OutBuffer)
{
    PWMIP_DATA_BLOCK Block = DataBlockObject;
    PWMIP_PROVIDER Providers[WMIP_PROVIDERS_MOST];
    WMIP_ANSWER Answer = {OutBuffer, OutBuffer != NULL ? *InOutBufferSize : 0, 0, NULL};
    NTSTATUS Status = WmipCheckBlock(DataBlockObject, WMIGUID_QUERY);
    ULONG Answered = 0;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    WNODE_ALL_DATA Head = {.WnodeHeader = {.BufferSize = sizeof(Head), .Guid = Block->Guid,
                                           .Flags = WNODE_FLAG_ALL_DATA}};
    ULONG Count = WmipHoldProviders(&Block->Guid, Providers);
    for (ULONG i = 0; i < Count; i++) {
        PWNODE_HEADER Node;
        NTSTATUS One = WmipAskNode(Providers[i], IRP_MN_QUERY_ALL_DATA, &Head.WnodeHeader, &Node);
        if (NT_SUCCESS(One)) {
            WmipAppendNode(&Answer, Node);
            ExFreePoolWithTag(Node, WMI_TAG);
            Answered++;
        } else {
            Status = One;
        }
    }
    WmipReleaseProviders(Providers, Count);
    if (Answered == 0) {
        return Count == 0 ? STATUS_WMI_GUID_NOT_FOUND : Status;
    }
    *InOutBufferSize = Answer.Needed;
    return Answer.Needed > Answer.Size || OutBuffer == NULL ? STATUS_BUFFER_TOO_SMALL
                                                            : STATUS_SUCCESS;
}

/* "Base_12": the number after Base, when it is one of the block's instances. */
static BOOLEAN WmipInstanceIndex(PWMIP_BLOCK Block, PCUNICODE_STRING Name, PULONG Index)
{
    UNICODE_STRING Rest = *Name;
    ULONG Number = 0;
    if (!RtlPrefixUnicodeString(&Block->BaseName, Name, TRUE)) {
        return FALSE;
    }
    ULONG At = Block->BaseName.Length / sizeof(WCHAR), End = Rest.Length / sizeof(WCHAR);
    if (At < End && Rest.Buffer[At] == L'_') {
        At++;
    }
    if (At == End || End - At > 6) {
        return FALSE;
    }
    for (; At < End; At++) {
        if (Rest.Buffer[At] < L'0' || Rest.Buffer[At] > L'9') {
            return FALSE;
        }
        Number = Number * 10 + (Rest.Buffer[At] - L'0');
    }
    *Index = Number;
    return Number < Block->InstanceCount;
}

/* The provider that has the instance, protected; NULL: none has. */
static PWMIP_PROVIDER WmipHoldInstance(const GUID *Guid, PCUNICODE_STRING Name, PULONG Index,
                                       PBOOLEAN GuidKnown)
{
    PWMIP_PROVIDER Found = NULL;
    *GuidKnown = FALSE;
    ExAcquireFastMutex(&WmipLock);
    for (PLIST_ENTRY Link = WmipProviders.Flink; Link != &WmipProviders && Found == NULL;
         Link = Link->Flink) {
        PWMIP_PROVIDER Provider = CONTAINING_RECORD(Link, WMIP_PROVIDER, Links);
        PWMIP_BLOCK Block = WmipFindBlock(Provider, Guid);
        *GuidKnown = *GuidKnown || Block != NULL;
        if (Block != NULL && WmipInstanceIndex(Block, Name, Index) &&
            ExAcquireRundownProtection(&Provider->Rundown)) {
            Found = Provider;
        }
    }
    ExReleaseFastMutex(&WmipLock);
    return Found;
}

/* What a request about one instance carries: its node is Head bytes, then Size bytes of Value. */
typedef struct _WMIP_INSTANCE_REQUEST {
    UCHAR MinorFunction;
    ULONG Access;
    ULONG Flags;
    ULONG Version;
    ULONG Number; /* of item or method; not used otherwise */
    BOOLEAN HasNumber;
    const VOID *Value;
    ULONG Size;
} WMIP_INSTANCE_REQUEST;

/* The three kinds of node differ in a number between InstanceIndex and DataBlockOffset. */
static PWNODE_SINGLE_INSTANCE WmipMakeNode(const WMIP_INSTANCE_REQUEST *Request, const GUID *Guid,
                                           ULONG Index)
{
    ULONG Offset = Request->HasNumber ? FIELD_OFFSET(WNODE_METHOD_ITEM, VariableData) + 4
                                      : FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData);
    PWNODE_SINGLE_INSTANCE Node =
        ExAllocatePoolWithTag(NonPagedPoolNx, Offset + Request->Size, WMI_TAG);
    if (Node == NULL) {
        return NULL;
    }
    RtlZeroMemory(Node, Offset);
    Node->WnodeHeader.BufferSize = Offset + Request->Size;
    Node->WnodeHeader.Guid = *Guid;
    Node->WnodeHeader.Version = Request->Version;
    Node->WnodeHeader.Flags = Request->Flags | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    Node->InstanceIndex = Index;
    if (Request->HasNumber) {
        ((PWNODE_METHOD_ITEM)Node)->MethodId = Request->Number;
        ((PWNODE_METHOD_ITEM)Node)->DataBlockOffset = Offset;
        ((PWNODE_METHOD_ITEM)Node)->SizeDataBlock = Request->Size;
    } else {
        Node->DataBlockOffset = Offset;
        Node->SizeDataBlock = Request->Size;
    }
    RtlCopyMemory((PUCHAR)Node + Offset, Request->Value, Request->Size);
    return Node;
}

static NTSTATUS WmipAskInstance(PVOID DataBlockObject, PCUNICODE_STRING Name,
                                const WMIP_INSTANCE_REQUEST *Request, PWNODE_HEADER *Node)
{
    PWMIP_DATA_BLOCK Block = DataBlockObject;
    BOOLEAN GuidKnown;
    ULONG Index;
    NTSTATUS Status = WmipCheckBlock(DataBlockObject, Request->Access);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Request->Size > WMIP_BUFFER_MOST / 2) {
        return STATUS_INVALID_PARAMETER;
    }
    PWMIP_PROVIDER Provider = WmipHoldInstance(&Block->Guid, Name, &Index, &GuidKnown);
    if (Provider == NULL) {
        return GuidKnown ? STATUS_WMI_INSTANCE_NOT_FOUND : STATUS_WMI_GUID_NOT_FOUND;
    }
    PWNODE_SINGLE_INSTANCE Head = WmipMakeNode(Request, &Block->Guid, Index);
    Status = STATUS_INSUFFICIENT_RESOURCES;
    if (Head != NULL) {
        Status = WmipAskNode(Provider, Request->MinorFunction, &Head->WnodeHeader, Node);
        ExFreePoolWithTag(Head, WMI_TAG);
    }
    ExReleaseRundownProtection(&Provider->Rundown);
    return Status;
}

NTSTATUS IoWMIQuerySingleInstance(PVOID DataBlockObject, PUNICODE_STRING InstanceName,
                                  PULONG InOutBufferSize, PVOID OutBuffer)
{
    const WMIP_INSTANCE_REQUEST Request = {.MinorFunction = IRP_MN_QUERY_SINGLE_INSTANCE,
                                           .Access = WMIGUID_QUERY,
                                           .Flags = WNODE_FLAG_SINGLE_INSTANCE,
                                           .Value = ""};
    WMIP_ANSWER Answer = {OutBuffer, OutBuffer != NULL ? *InOutBufferSize : 0, 0, NULL};
    PWNODE_HEADER Node;
    NTSTATUS Status = WmipAskInstance(DataBlockObject, InstanceName, &Request, &Node);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    WmipAppendNode(&Answer, Node);
    ExFreePoolWithTag(Node, WMI_TAG);
    *InOutBufferSize = Answer.Needed;
    return Answer.Last == NULL ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

static NTSTATUS WmipSetInstance(PVOID DataBlockObject, PCUNICODE_STRING InstanceName,
                                const WMIP_INSTANCE_REQUEST *Request)
{
    PWNODE_HEADER Node;
    NTSTATUS Status = WmipAskInstance(DataBlockObject, InstanceName, Request, &Node);
    if (NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Node, WMI_TAG);
    }
    return Status;
}

NTSTATUS IoWMISetSingleInstance(PVOID DataBlockObject, PUNICODE_STRING InstanceName, ULONG Version,
                                ULONG ValueBufferSize, PVOID ValueBuffer)
{
    const WMIP_INSTANCE_REQUEST Request = {.MinorFunction = IRP_MN_CHANGE_SINGLE_INSTANCE,
                                           .Access = WMIGUID_SET,
                                           .Flags = WNODE_FLAG_SINGLE_INSTANCE,
                                           .Version = Version,
                                           .Value = ValueBuffer,
                                           .Size = ValueBufferSize};
    return WmipSetInstance(DataBlockObject, InstanceName, &Request);
}

NTSTATUS IoWMISetSingleItem(PVOID DataBlockObject, PUNICODE_STRING InstanceName, ULONG DataItemId,
                            ULONG Version, ULONG ValueBufferSize, PVOID ValueBuffer)
{
    const WMIP_INSTANCE_REQUEST Request = {.MinorFunction = IRP_MN_CHANGE_SINGLE_ITEM,
                                           .Access = WMIGUID_SET,
                                           .Flags = WNODE_FLAG_SINGLE_ITEM,
                                           .Version = Version,
                                           .Number = DataItemId,
                                           .HasNumber = TRUE,
                                           .Value = ValueBuffer,
                                           .Size = ValueBufferSize};
    return WmipSetInstance(DataBlockObject, InstanceName, &Request);
}

/* What the method gives back, from its node to the caller's buffer. */
static NTSTATUS WmipCopyResult(PWNODE_METHOD_ITEM Node, PULONG OutBufferSize, PUCHAR InOutBuffer)
{
    ULONG Room = InOutBuffer != NULL ? *OutBufferSize : 0;
    ULONG Total = Node->WnodeHeader.BufferSize;
    if (Node->DataBlockOffset > Total || Node->SizeDataBlock > Total - Node->DataBlockOffset) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    *OutBufferSize = Node->SizeDataBlock;
    if (Node->SizeDataBlock > Room) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(InOutBuffer, (PUCHAR)Node + Node->DataBlockOffset, Node->SizeDataBlock);
    return STATUS_SUCCESS;
}

NTSTATUS IoWMIExecuteMethod(PVOID DataBlockObject, PUNICODE_STRING InstanceName, ULONG MethodId,
                            ULONG InBufferSize, PULONG OutBufferSize, PUCHAR InOutBuffer)
{
    const WMIP_INSTANCE_REQUEST Request = {.MinorFunction = IRP_MN_EXECUTE_METHOD,
                                           .Access = WMIGUID_EXECUTE,
                                           .Flags = WNODE_FLAG_METHOD_ITEM,
                                           .Number = MethodId,
                                           .HasNumber = TRUE,
                                           .Value = InOutBuffer,
                                           .Size = InBufferSize};
    PWNODE_HEADER Node;
    NTSTATUS Status = WmipAskInstance(DataBlockObject, InstanceName, &Request, &Node);
    if (NT_SUCCESS(Status)) {
        Status = WmipCopyResult((PWNODE_METHOD_ITEM)Node, OutBufferSize, InOutBuffer);
        ExFreePoolWithTag(Node, WMI_TAG);
    }
    return Status;
}
