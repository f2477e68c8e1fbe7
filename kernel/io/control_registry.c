/* SPDX-License-Identifier: MIT */
/*
 * The registry on the host's behalf: keys and values of its file before the driver is loaded, a
 * scenario's changes and questions after. By the Zw services, so callbacks and notifications see
 * them as a program's changes. On the agent thread; paths and data are the host's, thus checked.
 */
#include "io/control_client.h"

#include "cm/cmp.h"

/* A text of the request's. Odd addresses are fine on this machine. */
static UNICODE_STRING IopRegistryText(const UCHAR *Bytes, ULONG Length)
{
    return (UNICODE_STRING){(USHORT)Length, (USHORT)Length, (PWCHAR)Bytes};
}

static NTSTATUS IopOpenRegistryKey(PCUNICODE_STRING Path, ACCESS_MASK Access, BOOLEAN Link,
                                   PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)Path, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwOpenKeyEx(Key, Access, &Attributes, Link ? REG_OPTION_OPEN_LINK : 0);
}

/* A key and the ones above it, as far as they do not exist. */
static NTSTATUS IopCreateRegistryPath(PCUNICODE_STRING Path, PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Part = *Path;
    NTSTATUS Status = IopOpenRegistryKey(Path, KEY_ALL_ACCESS, FALSE, Key);
    ULONG Count = Path->Length / sizeof(WCHAR);

    /* \REGISTRY\MACHINE\X: from the fourth backslash on, each is the end of a key's path. */
    for (ULONG i = 1; i <= Count && Status == STATUS_OBJECT_NAME_NOT_FOUND; i++) {
        if (i != Count && Path->Buffer[i] != L'\\') {
            continue;
        }
        Part.Length = Part.MaximumLength = (USHORT)(i * sizeof(WCHAR));
        InitializeObjectAttributes(&Attributes, &Part, OBJ_KERNEL_HANDLE, NULL, NULL);
        NTSTATUS Created = ZwCreateKey(Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL);
        if (!NT_SUCCESS(Created)) {
            return Created;
        }
        if (i == Count) {
            return Created;
        }
        ZwClose(*Key);
    }
    return Status;
}

/* Deletes the key and all below, deepest first, without recursion: the first subkey is always the
   next to be entered. Key is closed. */
static NTSTATUS IopDeleteRegistryTree(PCUNICODE_STRING Path)
{
    UCHAR Buffer[sizeof(KEY_BASIC_INFORMATION) + CMP_KEY_NAME_BYTES];
    PKEY_BASIC_INFORMATION Basic = (PKEY_BASIC_INFORMATION)Buffer;
    NTSTATUS Status;

    for (;;) {
        HANDLE Key, Sub;
        ULONG Length;
        BOOLEAN Top = TRUE;
        Status = IopOpenRegistryKey(Path, KEY_ALL_ACCESS, TRUE, &Key);
        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
        }
        while (NT_SUCCESS(ZwEnumerateKey(Key, 0, KeyBasicInformation, Basic, sizeof(Buffer),
                                         &Length))) {
            OBJECT_ATTRIBUTES Attributes;
            UNICODE_STRING Name = IopRegistryText((PUCHAR)Basic->Name, Basic->NameLength);
            InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, Key, NULL);
            Status = ZwOpenKeyEx(&Sub, KEY_ALL_ACCESS, &Attributes, REG_OPTION_OPEN_LINK);
            ZwClose(Key);
            if (!NT_SUCCESS(Status)) {
                return Status;
            }
            Key = Sub;
            Top = FALSE;
        }
        Status = ZwDeleteKey(Key);
        ZwClose(Key);
        if (!NT_SUCCESS(Status) || Top) {
            return Status;
        }
    }
}

static VOID IopQueryRegistryValue(PCONTROL_REQUEST Request, HANDLE Key, PUNICODE_STRING Name)
{
    const ULONG Fixed = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
    ULONG Id = Request->Message.Id, Length = 0;
    KEY_VALUE_PARTIAL_INFORMATION Header, *Value = NULL;
    NTSTATUS Status = ZwQueryValueKey(Key, Name, KeyValuePartialInformation, &Header,
                                      sizeof(Header), &Length);

    if (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW) {
        Value = ExAllocatePoolWithTag(NonPagedPoolNx, Length, CONTROL_TAG);
        Status = Value == NULL ? STATUS_INSUFFICIENT_RESOURCES
                               : ZwQueryValueKey(Key, Name, KeyValuePartialInformation, Value,
                                                 Length, &Length);
    }
    if (NT_SUCCESS(Status) && Value->DataLength > CONTROL_REGISTRY_DATA_MOST) {
        Status = STATUS_BUFFER_TOO_SMALL;
    }
    if (NT_SUCCESS(Status)) {
        NT_VERIFY(Length == Fixed + Value->DataLength);
        IopReply(Id, Status, Value->Type, Value->Data, Value->DataLength);
    } else {
        IopReply(Id, Status, 0, NULL, 0);
    }
    if (Value != NULL) {
        ExFreePoolWithTag(Value, CONTROL_TAG);
    }
}

static NTSTATUS IopChangeRegistry(const CONTROL_MESSAGE *Message, PCUNICODE_STRING Path,
                                  PUNICODE_STRING Name)
{
    const CONTROL_REGISTRY *Registry = &Message->Registry;
    HANDLE Key;
    NTSTATUS Status;

    if (Registry->Operation == ControlRegistryDeleteKey) {
        return IopDeleteRegistryTree(Path);
    }
    if (Registry->Operation == ControlRegistryDeleteValue) {
        Status = IopOpenRegistryKey(Path, KEY_SET_VALUE, FALSE, &Key);
        if (NT_SUCCESS(Status)) {
            Status = ZwDeleteValueKey(Key, Name);
            ZwClose(Key);
        }
        return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
    }
    Status = IopCreateRegistryPath(Path, &Key);
    if (NT_SUCCESS(Status)) {
        if (Registry->Operation == ControlRegistrySetValue) {
            Status = ZwSetValueKey(Key, Name, 0, Registry->Type, (PVOID)Message->Second.Data,
                                   Message->Second.Length);
        }
        ZwClose(Key);
    }
    return Status;
}

VOID IopControlRegistry(PCONTROL_REQUEST Request)
{
    const CONTROL_MESSAGE *Message = &Request->Message;
    ULONG KeyLength = Message->Registry.KeyLength;
    UNICODE_STRING Path = IopRegistryText(Message->First.Data, KeyLength);
    UNICODE_STRING Name = IopRegistryText(Message->First.Data + KeyLength,
                                          Message->First.Length - KeyLength);
    HANDLE Key;

    if (Message->Registry.Operation != ControlRegistryQueryValue) {
        IopReply(Message->Id, IopChangeRegistry(Message, &Path, &Name), 0, NULL, 0);
        return;
    }
    NTSTATUS Status = IopOpenRegistryKey(&Path, KEY_QUERY_VALUE, FALSE, &Key);
    if (!NT_SUCCESS(Status)) {
        IopReply(Message->Id, Status, 0, NULL, 0);
        return;
    }
    IopQueryRegistryValue(Request, Key, &Name);
    ZwClose(Key);
}
