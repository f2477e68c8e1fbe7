/* SPDX-License-Identifier: MIT */
/* The Zw services for values. Kernel-mode callers: buffers are not probed. PASSIVE_LEVEL */
#include "cm/cmp.h"

/* A NULL name is the default value's, which is empty. */
static UNICODE_STRING CmpNoName = {0, 0, NULL};

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

static NTSTATUS CmpQueryNamedValue(PCM_KEY_BODY Body, PVOID Information)
{
    PREG_QUERY_VALUE_KEY_INFORMATION Query = Information;
    PCM_VALUE Value = CmpFindValue(Body->Node, Query->ValueName);
    return Value == NULL ? STATUS_OBJECT_NAME_NOT_FOUND
                         : CmpQueryValue(Value, Query->KeyValueInformationClass,
                                         Query->KeyValueInformation, Query->Length,
                                         Query->ResultLength);
}

/* ValueName NULL or empty: the key's default value. */
NTSTATUS ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                         KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                         PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    REG_QUERY_VALUE_KEY_INFORMATION Information = {
        .ValueName = ValueName != NULL ? ValueName : &CmpNoName,
        .KeyValueInformationClass = KeyValueInformationClass,
        .KeyValueInformation = KeyValueInformation,
        .Length = Length,
        .ResultLength = ResultLength,
    };
    CMP_OPERATION Operation =
        CMP_OPERATION_OF(QueryValueKey, NULL, &Information, REG_QUERY_VALUE_KEY_INFORMATION);
    return CmpPerform(KeyHandle, KEY_QUERY_VALUE, &Operation, CmpQueryNamedValue);
}

static NTSTATUS CmpEnumerateValue(PCM_KEY_BODY Body, PVOID Information)
{
    PREG_ENUMERATE_VALUE_KEY_INFORMATION Query = Information;
    PCM_KEY_NODE Node = Body->Node;

    if (Query->Index >= Node->ValueCount) {
        return STATUS_NO_MORE_ENTRIES;
    }
    PLIST_ENTRY Entry = Node->Values.Flink;
    for (ULONG i = 0; i < Query->Index; i++) {
        Entry = Entry->Flink;
    }
    return CmpQueryValue(CONTAINING_RECORD(Entry, CM_VALUE, Links),
                         Query->KeyValueInformationClass, Query->KeyValueInformation,
                         Query->Length, Query->ResultLength);
}

NTSTATUS ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                             KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                             PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    REG_ENUMERATE_VALUE_KEY_INFORMATION Information = {
        .Index = Index,
        .KeyValueInformationClass = KeyValueInformationClass,
        .KeyValueInformation = KeyValueInformation,
        .Length = Length,
        .ResultLength = ResultLength,
    };
    CMP_OPERATION Operation = CMP_OPERATION_OF(EnumerateValueKey, NULL, &Information,
                                               REG_ENUMERATE_VALUE_KEY_INFORMATION);
    return CmpPerform(KeyHandle, KEY_QUERY_VALUE, &Operation, CmpEnumerateValue);
}

static NTSTATUS CmpSetNamedValue(PCM_KEY_BODY Body, PVOID Information)
{
    PREG_SET_VALUE_KEY_INFORMATION Set = Information;
    return CmpSetValue(Body->Node, Set->ValueName, Set->Type, Set->Data, Set->DataSize);
}

/* Data NULL with a size of 0: a value without data. */
NTSTATUS ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                       PVOID Data, ULONG DataSize)
{
    REG_SET_VALUE_KEY_INFORMATION Information = {
        .ValueName = ValueName != NULL ? ValueName : &CmpNoName,
        .TitleIndex = TitleIndex,
        .Type = Type,
        .Data = Data,
        .DataSize = DataSize,
    };
    CMP_OPERATION Operation =
        CMP_OPERATION_OF(SetValueKey, NULL, &Information, REG_SET_VALUE_KEY_INFORMATION);
    return CmpPerform(KeyHandle, KEY_SET_VALUE, &Operation, CmpSetNamedValue);
}

static NTSTATUS CmpDeleteNamedValue(PCM_KEY_BODY Body, PVOID Information)
{
    PREG_DELETE_VALUE_KEY_INFORMATION Delete = Information;
    PCM_VALUE Value = CmpFindValue(Body->Node, Delete->ValueName);
    if (Value == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    CmpRemoveValue(Body->Node, Value);
    return STATUS_SUCCESS;
}

NTSTATUS ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    REG_DELETE_VALUE_KEY_INFORMATION Information = {
        .ValueName = ValueName != NULL ? ValueName : &CmpNoName,
    };
    CMP_OPERATION Operation =
        CMP_OPERATION_OF(DeleteValueKey, NULL, &Information, REG_DELETE_VALUE_KEY_INFORMATION);
    return CmpPerform(KeyHandle, KEY_SET_VALUE, &Operation, CmpDeleteNamedValue);
}
