/* SPDX-License-Identifier: MIT */
/* The Zw services for keys. Kernel-mode callers: buffers are not probed. PASSIVE_LEVEL */
#include "cm/cmp.h"

#define CMP_CREATE_OPTIONS                                                         \
    (REG_OPTION_VOLATILE | REG_OPTION_CREATE_LINK | REG_OPTION_BACKUP_RESTORE |    \
     REG_OPTION_OPEN_LINK | REG_OPTION_DONT_VIRTUALIZE)
#define CMP_OPEN_OPTIONS \
    (REG_OPTION_BACKUP_RESTORE | REG_OPTION_OPEN_LINK | REG_OPTION_DONT_VIRTUALIZE)

/* A name below a RootDirectory has no leading backslash. */
static NTSTATUS CmpOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES Attributes, PCM_PARSE_CONTEXT Context)
{
    PUNICODE_STRING Name = Attributes != NULL ? Attributes->ObjectName : NULL;
    *KeyHandle = NULL;
    Context->CompleteName = Name;
    if (Name != NULL && (Name->Length & 1)) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Name != NULL && Attributes->RootDirectory != NULL && Name->Length != 0 &&
        Name->Buffer[0] == L'\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    return ObOpenObjectByName(Attributes, CmKeyObjectType, KernelMode, NULL, DesiredAccess,
                              Context, KeyHandle);
}

NTSTATUS ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                     POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex, PUNICODE_STRING Class,
                     ULONG CreateOptions, PULONG Disposition)
{
    CM_PARSE_CONTEXT Context = {.Create = TRUE,
                                .Options = CreateOptions,
                                .Disposition = REG_OPENED_EXISTING_KEY};
    if (CreateOptions & ~(ULONG)CMP_CREATE_OPTIONS) {
        *KeyHandle = NULL;
        return STATUS_INVALID_PARAMETER;
    }
    if (Class != NULL) {
        Context.Class = *Class;
        Context.Class.Length &= (USHORT)~1;
    }
    NTSTATUS Status = CmpOpenKey(KeyHandle, DesiredAccess, ObjectAttributes, &Context);
    if (NT_SUCCESS(Status) && Disposition != NULL) {
        *Disposition = Context.Disposition;
    }
    return Status;
}

NTSTATUS ZwOpenKeyEx(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                     POBJECT_ATTRIBUTES ObjectAttributes, ULONG OpenOptions)
{
    CM_PARSE_CONTEXT Context = {.Options = OpenOptions};
    if (OpenOptions & ~(ULONG)CMP_OPEN_OPTIONS) {
        *KeyHandle = NULL;
        return STATUS_INVALID_PARAMETER_4;
    }
    return CmpOpenKey(KeyHandle, DesiredAccess, ObjectAttributes, &Context);
}

NTSTATUS ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZwOpenKeyEx(KeyHandle, DesiredAccess, ObjectAttributes, 0);
}

static NTSTATUS CmpDeleteBody(PCM_KEY_BODY Body, PVOID Information)
{
    return CmpDeleteNode(Body->Node);
}

NTSTATUS ZwDeleteKey(HANDLE KeyHandle)
{
    REG_DELETE_KEY_INFORMATION Information = {0};
    CMP_OPERATION Operation =
        CMP_OPERATION_OF(DeleteKey, NULL, &Information, REG_DELETE_KEY_INFORMATION);
    return CmpPerform(KeyHandle, DELETE, &Operation, CmpDeleteBody);
}

/* The hive is memory: there is nothing to write, and nothing that could fail. */
static NTSTATUS CmpFlushBody(PCM_KEY_BODY Body, PVOID Information)
{
    return STATUS_SUCCESS;
}

NTSTATUS ZwFlushKey(HANDLE KeyHandle)
{
    REG_FLUSH_KEY_INFORMATION Information = {0};
    CMP_OPERATION Operation =
        CMP_OPERATION_OF(FlushKey, NULL, &Information, REG_FLUSH_KEY_INFORMATION);
    return CmpPerform(KeyHandle, 0, &Operation, CmpFlushBody);
}

/* The longest names, classes and data below a key, in bytes. */
typedef struct _CMP_MAXIMA {
    ULONG Name, Class, ValueName, ValueData;
} CMP_MAXIMA;

static VOID CmpRaise(PULONG Maximum, ULONG Bytes)
{
    *Maximum = Bytes > *Maximum ? Bytes : *Maximum;
}

static CMP_MAXIMA CmpMaxima(PCM_KEY_NODE Node)
{
    CMP_MAXIMA Maxima = {0};
    for (PLIST_ENTRY Entry = Node->SubKeys.Flink; Entry != &Node->SubKeys; Entry = Entry->Flink) {
        PCM_KEY_NODE SubKey = CONTAINING_RECORD(Entry, CM_KEY_NODE, Siblings);
        CmpRaise(&Maxima.Name, SubKey->Name.Length);
        CmpRaise(&Maxima.Class, SubKey->Class.Length);
    }
    for (PLIST_ENTRY Entry = Node->Values.Flink; Entry != &Node->Values; Entry = Entry->Flink) {
        PCM_VALUE Value = CONTAINING_RECORD(Entry, CM_VALUE, Links);
        CmpRaise(&Maxima.ValueName, Value->NameLength);
        CmpRaise(&Maxima.ValueData, Value->DataLength);
    }
    return Maxima;
}

static NTSTATUS CmpWriteBasic(PCM_KEY_NODE Node, PVOID Buffer, ULONG Length, PULONG ResultLength)
{
    KEY_BASIC_INFORMATION Basic = {.LastWriteTime = Node->LastWriteTime,
                                   .NameLength = Node->Name.Length};
    const ULONG Fixed = offsetof(KEY_BASIC_INFORMATION, Name);
    const CMP_PIECE Pieces[] = {{0, Fixed, &Basic},
                                {Fixed, Node->Name.Length, Node->Name.Buffer}};
    return CmpWritePieces(Pieces, 2, Buffer, Length, ResultLength);
}

/* A key without class has the class offset -1. */
static NTSTATUS CmpWriteNode(PCM_KEY_NODE Node, PVOID Buffer, ULONG Length, PULONG ResultLength)
{
    const ULONG Fixed = offsetof(KEY_NODE_INFORMATION, Name);
    ULONG ClassOffset = (Fixed + Node->Name.Length + 3) & ~3u;
    KEY_NODE_INFORMATION Information = {
        .LastWriteTime = Node->LastWriteTime,
        .ClassOffset = Node->Class.Length != 0 ? ClassOffset : (ULONG)-1,
        .ClassLength = Node->Class.Length,
        .NameLength = Node->Name.Length,
    };
    const CMP_PIECE Pieces[] = {{0, Fixed, &Information},
                                {Fixed, Node->Name.Length, Node->Name.Buffer},
                                {ClassOffset, Node->Class.Length, Node->Class.Buffer}};
    return CmpWritePieces(Pieces, Node->Class.Length != 0 ? 3 : 2, Buffer, Length, ResultLength);
}

static NTSTATUS CmpWriteFull(PCM_KEY_NODE Node, PVOID Buffer, ULONG Length, PULONG ResultLength)
{
    const ULONG Fixed = offsetof(KEY_FULL_INFORMATION, Class);
    CMP_MAXIMA Maxima = CmpMaxima(Node);
    KEY_FULL_INFORMATION Full = {
        .LastWriteTime = Node->LastWriteTime,
        .ClassOffset = Node->Class.Length != 0 ? Fixed : (ULONG)-1,
        .ClassLength = Node->Class.Length,
        .SubKeys = Node->SubKeyCount,
        .MaxNameLen = Maxima.Name,
        .MaxClassLen = Maxima.Class,
        .Values = Node->ValueCount,
        .MaxValueNameLen = Maxima.ValueName,
        .MaxValueDataLen = Maxima.ValueData,
    };
    const CMP_PIECE Pieces[] = {{0, Fixed, &Full},
                                {Fixed, Node->Class.Length, Node->Class.Buffer}};
    return CmpWritePieces(Pieces, 2, Buffer, Length, ResultLength);
}

static NTSTATUS CmpWriteCached(PCM_KEY_NODE Node, PVOID Buffer, ULONG Length, PULONG ResultLength)
{
    CMP_MAXIMA Maxima = CmpMaxima(Node);
    KEY_CACHED_INFORMATION Cached = {
        .LastWriteTime = Node->LastWriteTime,
        .SubKeys = Node->SubKeyCount,
        .MaxNameLen = Maxima.Name,
        .Values = Node->ValueCount,
        .MaxValueNameLen = Maxima.ValueName,
        .MaxValueDataLen = Maxima.ValueData,
        .NameLength = Node->Name.Length,
    };
    const CMP_PIECE Piece = {0, sizeof(Cached), &Cached};
    return CmpWritePieces(&Piece, 1, Buffer, Length, ResultLength);
}

static NTSTATUS CmpWriteName(PCUNICODE_STRING Path, PVOID Buffer, ULONG Length,
                             PULONG ResultLength)
{
    KEY_NAME_INFORMATION Name = {.NameLength = Path->Length};
    const ULONG Fixed = offsetof(KEY_NAME_INFORMATION, Name);
    const CMP_PIECE Pieces[] = {{0, Fixed, &Name}, {Fixed, Path->Length, Path->Buffer}};
    return CmpWritePieces(Pieces, 2, Buffer, Length, ResultLength);
}

/* CmpLock held. Path: for KeyNameInformation; NULL: that class is not valid here. */
static NTSTATUS CmpQueryNode(PCM_KEY_NODE Node, PCUNICODE_STRING Path,
                             KEY_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length,
                             PULONG ResultLength)
{
    if (Class == KeyBasicInformation) {
        return CmpWriteBasic(Node, Buffer, Length, ResultLength);
    }
    if (Class == KeyNodeInformation) {
        return CmpWriteNode(Node, Buffer, Length, ResultLength);
    }
    if (Class == KeyFullInformation) {
        return CmpWriteFull(Node, Buffer, Length, ResultLength);
    }
    if (Class == KeyCachedInformation && Path != NULL) {
        return CmpWriteCached(Node, Buffer, Length, ResultLength);
    }
    if (Class == KeyNameInformation && Path != NULL) {
        return CmpWriteName(Path, Buffer, Length, ResultLength);
    }
    return STATUS_INVALID_PARAMETER;
}

static NTSTATUS CmpQueryBody(PCM_KEY_BODY Body, PVOID Information)
{
    PREG_QUERY_KEY_INFORMATION Query = Information;
    return CmpQueryNode(Body->Node, &Body->Path, Query->KeyInformationClass,
                        Query->KeyInformation, Query->Length, Query->ResultLength);
}

NTSTATUS ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                    PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    REG_QUERY_KEY_INFORMATION Information = {
        .KeyInformationClass = KeyInformationClass,
        .KeyInformation = KeyInformation,
        .Length = Length,
        .ResultLength = ResultLength,
    };
    CMP_OPERATION Operation =
        CMP_OPERATION_OF(QueryKey, NULL, &Information, REG_QUERY_KEY_INFORMATION);
    ACCESS_MASK Access = KeyInformationClass == KeyNameInformation ? 0 : KEY_QUERY_VALUE;
    return CmpPerform(KeyHandle, Access, &Operation, CmpQueryBody);
}

/* Subkeys are enumerated by name. */
static NTSTATUS CmpEnumerateBody(PCM_KEY_BODY Body, PVOID Information)
{
    PREG_ENUMERATE_KEY_INFORMATION Query = Information;
    PCM_KEY_NODE Node = Body->Node;

    if (Query->Index >= Node->SubKeyCount) {
        return STATUS_NO_MORE_ENTRIES;
    }
    PLIST_ENTRY Entry = Node->SubKeys.Flink;
    for (ULONG i = 0; i < Query->Index; i++) {
        Entry = Entry->Flink;
    }
    return CmpQueryNode(CONTAINING_RECORD(Entry, CM_KEY_NODE, Siblings), NULL,
                        Query->KeyInformationClass, Query->KeyInformation, Query->Length,
                        Query->ResultLength);
}

NTSTATUS ZwEnumerateKey(HANDLE KeyHandle, ULONG Index, KEY_INFORMATION_CLASS KeyInformationClass,
                        PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    REG_ENUMERATE_KEY_INFORMATION Information = {
        .Index = Index,
        .KeyInformationClass = KeyInformationClass,
        .KeyInformation = KeyInformation,
        .Length = Length,
        .ResultLength = ResultLength,
    };
    CMP_OPERATION Operation =
        CMP_OPERATION_OF(EnumerateKey, NULL, &Information, REG_ENUMERATE_KEY_INFORMATION);
    return CmpPerform(KeyHandle, KEY_ENUMERATE_SUB_KEYS, &Operation, CmpEnumerateBody);
}
