/* SPDX-License-Identifier: MIT */
/*
 * RtlQueryRegistryValues: a table of values to look up, and for each a routine to call or a place
 * to store it. PASSIVE_LEVEL.
 *
 * An entry's data goes: the registry (or the entry's default) -> expanded (REG_EXPAND_SZ gets its
 * variables, REG_MULTI_SZ is handed over string by string; not with RTL_QUERY_REGISTRY_NOEXPAND)
 * -> the entry's routine, or its place (RTL_QUERY_REGISTRY_DIRECT).
 */
#include "rtl/registry.h"

/* One call. */
typedef struct _RTLP_QUERY {
    HANDLE Top;     /* of RelativeTo and Path */
    HANDLE Current; /* Top, or the SUBKEY entry's: then it is closed */
    PVOID Context;
    PCWSTR Environment; /* NAME=VALUE strings, an empty one ends them; or NULL */
} RTLP_QUERY, *PRTLP_QUERY;

static BOOLEAN RtlpIsString(ULONG Type)
{
    return Type == REG_SZ || Type == REG_EXPAND_SZ || Type == REG_MULTI_SZ;
}

/* ---- a place ---- */

/* A UNICODE_STRING: its buffer is allocated when there is none; the text is terminated. */
static NTSTATUS RtlpStoreString(PUNICODE_STRING Place, ULONG Type, const VOID *Data, ULONG Bytes)
{
    const WCHAR *Text = Data;
    Bytes &= ~1u;
    BOOLEAN Ended = Bytes != 0 && Text[Bytes / sizeof(WCHAR) - 1] == 0;
    ULONG Length = Ended && Type != REG_MULTI_SZ ? Bytes - sizeof(WCHAR) : Bytes;
    ULONG Needed = Type == REG_MULTI_SZ ? Bytes : Length + sizeof(WCHAR);

    if (Needed > UNICODE_STRING_MAX_BYTES) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (Place->Buffer == NULL) {
        Place->Buffer = ExAllocatePoolWithTag(PagedPool, Needed != 0 ? Needed : sizeof(WCHAR),
                                              RTLP_REGISTRY_TAG);
        if (Place->Buffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Place->MaximumLength = (USHORT)Needed;
    } else if (Place->MaximumLength < Needed) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(Place->Buffer, Data, Length);
    if (Needed > Length) {
        Place->Buffer[Length / sizeof(WCHAR)] = 0;
    }
    Place->Length = (USHORT)Length;
    return STATUS_SUCCESS;
}

/*
 * No string: up to a ULONG is stored as it is. A longer one has a place that begins with its
 * size in bytes: negative, and only data is stored; otherwise length, type and data are.
 */
static NTSTATUS RtlpStoreBytes(PVOID Place, ULONG Type, const VOID *Data, ULONG Bytes)
{
    PULONG Words = Place;
    if (Bytes <= sizeof(ULONG)) {
        RtlCopyMemory(Place, Data, Bytes);
        return STATUS_SUCCESS;
    }
    LONG Size = *(PLONG)Place;
    if (Size < 0) {
        if ((ULONG)-(LONGLONG)Size < Bytes) {
            return STATUS_BUFFER_TOO_SMALL;
        }
        RtlCopyMemory(Place, Data, Bytes);
        return STATUS_SUCCESS;
    }
    if ((ULONG)Size < 2 * sizeof(ULONG) || (ULONG)Size - 2 * sizeof(ULONG) < Bytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    Words[0] = Bytes;
    Words[1] = Type;
    RtlCopyMemory(&Words[2], Data, Bytes);
    return STATUS_SUCCESS;
}

/* Data to the routine or the place. */
static NTSTATUS RtlpHandOver(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry, PWSTR Name,
                             ULONG Type, PVOID Data, ULONG Bytes)
{
    if (!(Entry->Flags & RTL_QUERY_REGISTRY_DIRECT)) {
        return Entry->QueryRoutine(Name, Type, Data, Bytes, Query->Context, Entry->EntryContext);
    }
    return RtlpIsString(Type) ? RtlpStoreString(Entry->EntryContext, Type, Data, Bytes)
                              : RtlpStoreBytes(Entry->EntryContext, Type, Data, Bytes);
}

/* ---- expansion ---- */

/* The variable's value, not terminated; NULL: there is none of that name. */
static PCWSTR RtlpFindVariable(PCWSTR Environment, PCWSTR Name, SIZE_T NameLength,
                               PSIZE_T ValueLength)
{
    for (PCWSTR Variable = Environment; Variable != NULL && *Variable != 0;
         Variable += wcslen(Variable) + 1) {
        if (_wcsnicmp(Variable, Name, NameLength) == 0 && Variable[NameLength] == L'=') {
            *ValueLength = wcslen(Variable + NameLength + 1);
            return Variable + NameLength + 1;
        }
    }
    return NULL;
}

/*
 * %NAME% becomes its value; a name that is not known stays as it is. Out NULL: counts. Returns
 * characters without a terminator.
 */
static SIZE_T RtlpExpand(PCWSTR Environment, const WCHAR *Text, SIZE_T Length, PWCHAR Out)
{
    SIZE_T Written = 0;
    for (SIZE_T i = 0; i < Length; i++) {
        SIZE_T End = i + 1, ValueLength;
        PCWSTR Value = NULL;
        if (Text[i] == L'%') {
            while (End < Length && Text[End] != L'%') {
                End++;
            }
            if (End < Length && End > i + 1) {
                Value = RtlpFindVariable(Environment, Text + i + 1, End - i - 1, &ValueLength);
            }
        }
        if (Value == NULL) {
            Value = Text + i;
            ValueLength = 1;
            End = i;
        }
        if (Out != NULL) {
            RtlCopyMemory(Out + Written, Value, ValueLength * sizeof(WCHAR));
        }
        Written += ValueLength;
        i = End;
    }
    return Written;
}

static NTSTATUS RtlpHandOverExpanded(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry,
                                     PWSTR Name, PVOID Data, ULONG Bytes)
{
    SIZE_T Length = wcsnlen(Data, Bytes / sizeof(WCHAR));
    SIZE_T Characters = RtlpExpand(Query->Environment, Data, Length, NULL);
    PWCHAR Text =
        ExAllocatePoolWithTag(PagedPool, (Characters + 1) * sizeof(WCHAR), RTLP_REGISTRY_TAG);
    if (Text == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlpExpand(Query->Environment, Data, Length, Text);
    Text[Characters] = 0;
    NTSTATUS Status = RtlpHandOver(Query, Entry, Name, REG_SZ, Text,
                                   (ULONG)((Characters + 1) * sizeof(WCHAR)));
    ExFreePoolWithTag(Text, RTLP_REGISTRY_TAG);
    return Status;
}

/* Data is ours, with a terminator behind it that Bytes does not count. */
static NTSTATUS RtlpDeliver(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry, PWSTR Name,
                            ULONG Type, PVOID Data, ULONG Bytes)
{
    if (!(Entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND)) {
        if (Type == REG_EXPAND_SZ) {
            return RtlpHandOverExpanded(Query, Entry, Name, Data, Bytes);
        }
        if (Type == REG_MULTI_SZ && !(Entry->Flags & RTL_QUERY_REGISTRY_DIRECT)) {
            NTSTATUS Status = STATUS_SUCCESS;
            PWCHAR Text = Data, End = Text + Bytes / sizeof(WCHAR);
            while (NT_SUCCESS(Status) && Text < End && *Text != 0) {
                SIZE_T Length = wcslen(Text) + 1;
                Status = RtlpHandOver(Query, Entry, Name, REG_SZ, Text,
                                      (ULONG)(Length * sizeof(WCHAR)));
                Text += Length;
            }
            return Status;
        }
        if (Type == REG_MULTI_SZ) {
            return STATUS_INVALID_PARAMETER; /* DIRECT needs NOEXPAND for it; NV: the status */
        }
    }
    return RtlpHandOver(Query, Entry, Name, Type, Data, Bytes);
}

/* ---- entries ---- */

static ULONG RtlpDefaultType(const RTL_QUERY_REGISTRY_TABLE *Entry)
{
    return (Entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK)
               ? Entry->DefaultType & ~RTL_QUERY_REGISTRY_TYPECHECK_MASK
               : Entry->DefaultType;
}

/* The value is not there, or holds nothing. */
static NTSTATUS RtlpUseDefault(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry)
{
    ULONG Type = RtlpDefaultType(Entry);
    ULONG Bytes = Entry->DefaultLength;

    if (Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (Type == REG_NONE) {
        return STATUS_SUCCESS;
    }
    if (Bytes == 0 && Entry->DefaultData != NULL && RtlpIsString(Type)) {
        const WCHAR *Text = Entry->DefaultData;
        SIZE_T Length = wcslen(Text) + 1;
        while (Type == REG_MULTI_SZ && Text[Length - 1] == 0 && Length > 1 && Text[Length] != 0) {
            Length += wcslen(Text + Length) + 1;
        }
        Length += Type == REG_MULTI_SZ && Length > 1 ? 1 : 0; /* the list's own terminator */
        Bytes = (ULONG)(Length * sizeof(WCHAR));
    }
    PUCHAR Copy = ExAllocatePoolWithTag(PagedPool, Bytes + 2 * sizeof(WCHAR), RTLP_REGISTRY_TAG);
    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Copy, Bytes + 2 * sizeof(WCHAR));
    if (Entry->DefaultData != NULL) {
        RtlCopyMemory(Copy, Entry->DefaultData, Bytes);
    }
    NTSTATUS Status = RtlpDeliver(Query, Entry, Entry->Name, Type, Copy, Bytes);
    ExFreePoolWithTag(Copy, RTLP_REGISTRY_TAG);
    return Status;
}

/*
 * Full information of the value Name, or of number Index when Name is NULL, in pool, with two
 * zero characters behind data and name. It may change between the two questions: then again.
 */
static NTSTATUS RtlpReadValue(HANDLE Key, PUNICODE_STRING Name, ULONG Index,
                              PKEY_VALUE_FULL_INFORMATION *Value)
{
    PKEY_VALUE_FULL_INFORMATION Buffer = NULL;
    ULONG Size = 0, Needed = 0;

    for (;;) {
        NTSTATUS Status =
            Name != NULL
                ? ZwQueryValueKey(Key, Name, KeyValueFullInformationAlign64, Buffer, Size, &Needed)
                : ZwEnumerateValueKey(Key, Index, KeyValueFullInformationAlign64, Buffer, Size,
                                      &Needed);
        if (NT_SUCCESS(Status)) {
            *Value = Buffer;
            return Status;
        }
        if (Buffer != NULL) {
            ExFreePoolWithTag(Buffer, RTLP_REGISTRY_TAG);
        }
        if (Status != STATUS_BUFFER_TOO_SMALL && Status != STATUS_BUFFER_OVERFLOW) {
            return Status;
        }
        Size = Needed;
        Buffer = ExAllocatePoolWithTag(PagedPool, Size + 2 * sizeof(WCHAR), RTLP_REGISTRY_TAG);
        if (Buffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlZeroMemory(Buffer, Size + 2 * sizeof(WCHAR));
    }
}

/* The value as an entry's routine sees it: type checked, empty ones replaced by the default. */
static NTSTATUS RtlpProcessValue(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry,
                                 PWSTR Name, PKEY_VALUE_FULL_INFORMATION Value)
{
    if (Value->Type == REG_NONE ||
        (Value->DataLength == 0 && Value->Type == RtlpDefaultType(Entry))) {
        return RtlpUseDefault(Query, Entry);
    }
    if ((Entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) &&
        (Entry->Flags & RTL_QUERY_REGISTRY_DIRECT) &&
        Value->Type != Entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    PVOID Data = Value->DataLength != 0 ? (PUCHAR)Value + Value->DataOffset : (PVOID)Value->Name;
    return RtlpDeliver(Query, Entry, Name, Value->Type, Data, Value->DataLength);
}

static NTSTATUS RtlpQueryOne(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry)
{
    PKEY_VALUE_FULL_INFORMATION Value;
    UNICODE_STRING Name;

    NTSTATUS Status = RtlInitUnicodeStringEx(&Name, Entry->Name);
    if (NT_SUCCESS(Status)) {
        Status = RtlpReadValue(Query->Current, &Name, 0, &Value);
    }
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        return RtlpUseDefault(Query, Entry);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = RtlpProcessValue(Query, Entry, Entry->Name, Value);
    ExFreePoolWithTag(Value, RTLP_REGISTRY_TAG);
    if (NT_SUCCESS(Status) && (Entry->Flags & RTL_QUERY_REGISTRY_DELETE)) {
        ZwDeleteValueKey(Query->Current, &Name);
    }
    return Status;
}

/* An entry without a name: all values. A terminated copy of each name is made. */
static NTSTATUS RtlpQueryAll(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Found = 0;

    for (ULONG Index = 0; NT_SUCCESS(Status); Index++, Found++) {
        PKEY_VALUE_FULL_INFORMATION Value;
        Status = RtlpReadValue(Query->Current, NULL, Index, &Value);
        if (Status == STATUS_NO_MORE_ENTRIES) {
            return Found == 0 && (Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
                       ? STATUS_OBJECT_NAME_NOT_FOUND
                       : STATUS_SUCCESS;
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        UNICODE_STRING Counted = {(USHORT)Value->NameLength, (USHORT)Value->NameLength,
                                  Value->Name};
        UNICODE_STRING Name;
        Status = RtlDuplicateUnicodeString(RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE |
                                               RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING,
                                           &Counted, &Name);
        if (NT_SUCCESS(Status)) {
            Status = RtlpProcessValue(Query, Entry, Name.Buffer, Value);
            if (NT_SUCCESS(Status) && (Entry->Flags & RTL_QUERY_REGISTRY_DELETE) &&
                NT_SUCCESS(ZwDeleteValueKey(Query->Current, &Name))) {
                Index--;
            }
            RtlFreeUnicodeString(&Name);
        }
        ExFreePoolWithTag(Value, RTLP_REGISTRY_TAG);
    }
    return Status;
}

static VOID RtlpReturnToTop(PRTLP_QUERY Query)
{
    if (Query->Current != Query->Top) {
        ZwClose(Query->Current);
        Query->Current = Query->Top;
    }
}

/* The following entries are about Entry->Name, a path below the top key. */
static NTSTATUS RtlpEnterSubKey(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;

    RtlpReturnToTop(Query);
    if (Entry->Name == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = RtlInitUnicodeStringEx(&Name, Entry->Name);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               Query->Top, NULL);
    Status = ZwOpenKey(&Key, KEY_READ | KEY_SET_VALUE, &Attributes);
    if (NT_SUCCESS(Status)) {
        Query->Current = Key;
    }
    return Status;
}

static NTSTATUS RtlpProcessEntry(PRTLP_QUERY Query, const RTL_QUERY_REGISTRY_TABLE *Entry)
{
    ULONG Flags = Entry->Flags;

    if ((Flags & RTL_QUERY_REGISTRY_DIRECT) &&
        (Entry->Name == NULL || (Flags & RTL_QUERY_REGISTRY_SUBKEY) ||
         Entry->QueryRoutine != NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY)) {
        RtlpReturnToTop(Query);
    }
    if (Flags & RTL_QUERY_REGISTRY_SUBKEY) {
        NTSTATUS Status = RtlpEnterSubKey(Query, Entry);
        return NT_SUCCESS(Status) && Entry->QueryRoutine != NULL ? RtlpQueryAll(Query, Entry)
                                                                 : Status;
    }
    if (Entry->QueryRoutine == NULL && !(Flags & RTL_QUERY_REGISTRY_DIRECT)) {
        return STATUS_SUCCESS; /* TOPKEY alone, or a name without anything to do */
    }
    if (Flags & RTL_QUERY_REGISTRY_NOVALUE) {
        return Entry->QueryRoutine == NULL
                   ? STATUS_SUCCESS
                   : Entry->QueryRoutine(NULL, REG_NONE, NULL, 0, Query->Context,
                                         Entry->EntryContext);
    }
    return Entry->Name == NULL ? RtlpQueryAll(Query, Entry) : RtlpQueryOne(Query, Entry);
}

/* The table ends with an entry that asks for nothing. */
static BOOLEAN RtlpIsEnd(const RTL_QUERY_REGISTRY_TABLE *Entry)
{
    return Entry->QueryRoutine == NULL && Entry->Name == NULL &&
           !(Entry->Flags & (RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_SUBKEY |
                             RTL_QUERY_REGISTRY_TOPKEY));
}

NTSTATUS RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path,
                                PRTL_QUERY_REGISTRY_TABLE QueryTable, PVOID Context,
                                PVOID Environment)
{
    RTLP_QUERY Query = {.Context = Context, .Environment = Environment};
    NTSTATUS Status = RtlpOpenRegistry(RelativeTo, Path, KEY_READ | KEY_SET_VALUE, FALSE,
                                       &Query.Top);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Query.Current = Query.Top;
    for (; NT_SUCCESS(Status) && !RtlpIsEnd(QueryTable); QueryTable++) {
        Status = RtlpProcessEntry(&Query, QueryTable);
    }
    RtlpReturnToTop(&Query);
    RtlpCloseRegistry(RelativeTo, Query.Top);
    return Status;
}
