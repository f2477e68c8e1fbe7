/* SPDX-License-Identifier: MIT */
/* The Zw services for values. Kernel-mode callers: buffers are not probed. PASSIVE_LEVEL */
#include "cm/cmp.h"

static const UNICODE_STRING CmpNoName = {0, 0, NULL};

static NTSTATUS CmpWriteFullValue(PCM_VALUE Value, ULONG Alignment, PVOID Buffer, ULONG Length,
                                  PULONG ResultLength)
{
    const ULONG Fixed = offsetof(KEY_VALUE_FULL_INFORMATION, Name);
    ULONG DataOffset = (Fixed + Value->NameLength + Alignment - 1) & ~(Alignment - 1);
    KEY_VALUE_FULL_INFORMATION Full = {
        .Type = Value->Type,
        .DataOffset = Value->DataLength != 0 ? DataOffset : (ULONG)-1,
        .DataLength = Value->DataLength,
        .NameLength = Value->NameLength,
    };
    const CMP_PIECE Pieces[] = {{0, Fixed, &Full},
                                {Fixed, Value->NameLength, Value->Name},
                                {DataOffset, Value->DataLength, CmpValueData(Value)}};
    return CmpWritePieces(Pieces, Value->DataLength != 0 ? 3 : 2, Buffer, Length, ResultLength);
}

/* CmpLock held */
static NTSTATUS CmpQueryValue(PCM_VALUE Value, KEY_VALUE_INFORMATION_CLASS Class, PVOID Buffer,
                              ULONG Length, PULONG ResultLength)
{
    switch (Class) {
    case KeyValueBasicInformation: {
        KEY_VALUE_BASIC_INFORMATION Basic = {.Type = Value->Type,
                                             .NameLength = Value->NameLength};
        const ULONG Fixed = offsetof(KEY_VALUE_BASIC_INFORMATION, Name);
        const CMP_PIECE Pieces[] = {{0, Fixed, &Basic}, {Fixed, Value->NameLength, Value->Name}};
        return CmpWritePieces(Pieces, 2, Buffer, Length, ResultLength);
    }
    case KeyValueFullInformation:
        return CmpWriteFullValue(Value, 4, Buffer, Length, ResultLength);
    case KeyValueFullInformationAlign64:
        return CmpWriteFullValue(Value, 8, Buffer, Length, ResultLength);
    case KeyValuePartialInformation: {
        KEY_VALUE_PARTIAL_INFORMATION Partial = {.Type = Value->Type,
                                                 .DataLength = Value->DataLength};
        const ULONG Fixed = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
        const CMP_PIECE Pieces[] = {{0, Fixed, &Partial},
                                    {Fixed, Value->DataLength, CmpValueData(Value)}};
        return CmpWritePieces(Pieces, 2, Buffer, Length, ResultLength);
    }
    case KeyValuePartialInformationAlign64: {
        KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 Partial = {.Type = Value->Type,
                                                         .DataLength = Value->DataLength};
        const ULONG Fixed = offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data);
        const CMP_PIECE Pieces[] = {{0, Fixed, &Partial},
                                    {Fixed, Value->DataLength, CmpValueData(Value)}};
        return CmpWritePieces(Pieces, 2, Buffer, Length, ResultLength);
    }
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static NTSTATUS CmpQueryNamedValue(PCM_KEY_NODE Node, PCUNICODE_STRING Name,
                                   KEY_VALUE_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length,
                                   PULONG ResultLength)
{
    if (Node->Flags & CM_NODE_DELETED) {
        return STATUS_KEY_DELETED;
    }
    PCM_VALUE Value = CmpFindValue(Node, Name);
    return Value == NULL ? STATUS_OBJECT_NAME_NOT_FOUND
                         : CmpQueryValue(Value, Class, Buffer, Length, ResultLength);
}

/* ValueName NULL or empty: the key's default value. */
NTSTATUS ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                         KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                         PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    PCM_KEY_BODY Body;
    NTSTATUS Status = CmpReferenceKey(KeyHandle, KEY_QUERY_VALUE, &Body);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpLockRegistry();
    __try {
        Status = CmpQueryNamedValue(Body->Node, ValueName != NULL ? ValueName : &CmpNoName,
                                    KeyValueInformationClass, KeyValueInformation, Length,
                                    ResultLength);
    } __finally {
        CmpUnlockRegistry();
        ObfDereferenceObject(Body);
    }
    return Status;
}

static NTSTATUS CmpEnumerateValue(PCM_KEY_NODE Node, ULONG Index,
                                  KEY_VALUE_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length,
                                  PULONG ResultLength)
{
    if (Node->Flags & CM_NODE_DELETED) {
        return STATUS_KEY_DELETED;
    }
    if (Index >= Node->ValueCount) {
        return STATUS_NO_MORE_ENTRIES;
    }
    PLIST_ENTRY Entry = Node->Values.Flink;
    for (ULONG i = 0; i < Index; i++) {
        Entry = Entry->Flink;
    }
    return CmpQueryValue(CONTAINING_RECORD(Entry, CM_VALUE, Links), Class, Buffer, Length,
                         ResultLength);
}

NTSTATUS ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                             KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                             PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    PCM_KEY_BODY Body;
    NTSTATUS Status = CmpReferenceKey(KeyHandle, KEY_QUERY_VALUE, &Body);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpLockRegistry();
    __try {
        Status = CmpEnumerateValue(Body->Node, Index, KeyValueInformationClass,
                                   KeyValueInformation, Length, ResultLength);
    } __finally {
        CmpUnlockRegistry();
        ObfDereferenceObject(Body);
    }
    return Status;
}

/* Data NULL with a size of 0: a value without data. */
NTSTATUS ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                       PVOID Data, ULONG DataSize)
{
    PCM_KEY_BODY Body;
    NTSTATUS Status = CmpReferenceKey(KeyHandle, KEY_SET_VALUE, &Body);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpLockRegistry();
    __try {
        Status = CmpSetValue(Body->Node, ValueName != NULL ? ValueName : &CmpNoName, Type, Data,
                             DataSize);
    } __finally {
        CmpUnlockRegistry();
        ObfDereferenceObject(Body);
    }
    return Status;
}

static NTSTATUS CmpDeleteNamedValue(PCM_KEY_NODE Node, PCUNICODE_STRING Name)
{
    if (Node->Flags & CM_NODE_DELETED) {
        return STATUS_KEY_DELETED;
    }
    PCM_VALUE Value = CmpFindValue(Node, Name);
    if (Value == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    CmpRemoveValue(Node, Value);
    return STATUS_SUCCESS;
}

NTSTATUS ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    PCM_KEY_BODY Body;
    NTSTATUS Status = CmpReferenceKey(KeyHandle, KEY_SET_VALUE, &Body);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CmpLockRegistry();
    __try {
        Status = CmpDeleteNamedValue(Body->Node, ValueName != NULL ? ValueName : &CmpNoName);
    } __finally {
        CmpUnlockRegistry();
        ObfDereferenceObject(Body);
    }
    return Status;
}
