/* SPDX-License-Identifier: MIT */
/*
 * The registry by RelativeTo and Path: check, create, write, delete. PASSIVE_LEVEL.
 *
 * RTL_REGISTRY_OPTIONAL says that key and values are optional, which nothing here depends on: a
 * missing key has its status either way.
 */
#include "nt/ps.h"
#include "nt/security.h"
#include "rtl/registry.h"
#include "rtl/rtlp.h"

#define RTLP_MACHINE L"\\Registry\\Machine\\"

static const PCWSTR RtlpRoots[RTL_REGISTRY_MAXIMUM] = {
    [RTL_REGISTRY_ABSOLUTE] = L"",
    [RTL_REGISTRY_SERVICES] = RTLP_MACHINE L"System\\CurrentControlSet\\Services",
    [RTL_REGISTRY_CONTROL] = RTLP_MACHINE L"System\\CurrentControlSet\\Control",
    [RTL_REGISTRY_WINDOWS_NT] = RTLP_MACHINE L"Software\\Microsoft\\Windows NT\\CurrentVersion",
    [RTL_REGISTRY_DEVICEMAP] = RTLP_MACHINE L"Hardware\\DeviceMap",
    [RTL_REGISTRY_USER] = L"\\Registry\\User\\.Default",
};

/* Root and Path with one backslash between them, in pool; Path may be NULL. */
static NTSTATUS RtlpJoinPath(PCWSTR Root, PCWSTR Path, PUNICODE_STRING Joined)
{
    SIZE_T RootLength = wcslen(Root), PathLength = Path != NULL ? wcslen(Path) : 0;
    SIZE_T Bytes = (RootLength + PathLength + 2) * sizeof(WCHAR);

    if (Bytes > UNICODE_STRING_MAX_BYTES) {
        return STATUS_NAME_TOO_LONG;
    }
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Bytes, RTLP_REGISTRY_TAG);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlInitEmptyUnicodeString(Joined, Buffer, (USHORT)Bytes);
    RtlAppendUnicodeToString(Joined, Root);
    if (RootLength != 0 && PathLength != 0 && Path[0] != L'\\') {
        RtlAppendUnicodeToString(Joined, L"\\");
    }
    return PathLength != 0 ? RtlAppendUnicodeToString(Joined, Path) : STATUS_SUCCESS;
}

static NTSTATUS RtlpCreateLast(PUNICODE_STRING Path, ACCESS_MASK Access, PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    return ZwCreateKey(Key, Access, &Attributes, 0, NULL, REG_OPTION_NON_VOLATILE, NULL);
}

NTSTATUS RtlpOpenRegistry(ULONG RelativeTo, PCWSTR Path, ACCESS_MASK Access, BOOLEAN Create,
                          PHANDLE Key)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    ULONG Root = RelativeTo & ~RTL_REGISTRY_OPTIONAL;

    *Key = NULL;
    if (RelativeTo & RTL_REGISTRY_HANDLE) {
        *Key = (HANDLE)Path;
        return STATUS_SUCCESS;
    }
    if (Root >= RTL_REGISTRY_MAXIMUM || (Root == RTL_REGISTRY_ABSOLUTE && Path == NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = RtlpJoinPath(RtlpRoots[Root], Path, &Name);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Create) {
        Status = RtlpCreateLast(&Name, Access, Key);
    } else {
        InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                                   NULL, NULL);
        Status = ZwOpenKey(Key, Access, &Attributes);
    }
    ExFreePoolWithTag(Name.Buffer, RTLP_REGISTRY_TAG);
    return Status;
}

/* The caller's own handle stays open. */
VOID RtlpCloseRegistry(ULONG RelativeTo, HANDLE Key)
{
    if (!(RelativeTo & RTL_REGISTRY_HANDLE)) {
        ZwClose(Key);
    }
}

NTSTATUS RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE Key;
    NTSTATUS Status = RtlpOpenRegistry(RelativeTo, Path, KEY_QUERY_VALUE, FALSE, &Key);
    if (NT_SUCCESS(Status)) {
        RtlpCloseRegistry(RelativeTo, Key);
    }
    return Status;
}

NTSTATUS RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE Key;
    NTSTATUS Status = RtlpOpenRegistry(RelativeTo, Path, KEY_WRITE, TRUE, &Key);
    if (NT_SUCCESS(Status)) {
        RtlpCloseRegistry(RelativeTo, Key);
    }
    return Status;
}

/* The key is created when it is not there, as documented. */
NTSTATUS RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType,
                               PVOID ValueData, ULONG ValueLength)
{
    HANDLE Key;
    UNICODE_STRING Name;
    NTSTATUS Status = RtlInitUnicodeStringEx(&Name, ValueName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = RtlpOpenRegistry(RelativeTo, Path, KEY_SET_VALUE, TRUE, &Key);
    if (NT_SUCCESS(Status)) {
        Status = ZwSetValueKey(Key, &Name, 0, ValueType, ValueData, ValueLength);
        RtlpCloseRegistry(RelativeTo, Key);
    }
    return Status;
}

NTSTATUS RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
    HANDLE Key;
    UNICODE_STRING Name;
    NTSTATUS Status = RtlInitUnicodeStringEx(&Name, ValueName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = RtlpOpenRegistry(RelativeTo, Path, KEY_SET_VALUE, FALSE, &Key);
    if (NT_SUCCESS(Status)) {
        Status = ZwDeleteValueKey(Key, &Name);
        RtlpCloseRegistry(RelativeTo, Key);
    }
    return Status;
}

/*
 * \REGISTRY\USER\S-1-5-... of the current process's user, who need have no key there.
 * RtlFreeUnicodeString ends it.
 */
NTSTATUS RtlFormatCurrentUserKeyPath(PUNICODE_STRING CurrentUserKeyPath)
{
    UNICODE_STRING Sid = {0}, Root = RTL_CONSTANT_STRING(L"\\REGISTRY\\USER\\");
    PTOKEN_USER User;

    *CurrentUserKeyPath = (UNICODE_STRING){0};
    PACCESS_TOKEN Token = PsReferencePrimaryToken(PsGetCurrentProcess());
    NTSTATUS Status = SeQueryInformationToken(Token, TokenUser, (PVOID *)&User);
    PsDereferencePrimaryToken(Token);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = RtlConvertSidToUnicodeString(&Sid, User->User.Sid, TRUE);
    ExFreePool(User);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    USHORT Bytes = Root.Length + Sid.Length + sizeof(WCHAR);
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Bytes, RTLP_STRING_TAG);
    Status = Buffer == NULL ? STATUS_NO_MEMORY : STATUS_SUCCESS;
    if (Buffer != NULL) {
        RtlInitEmptyUnicodeString(CurrentUserKeyPath, Buffer, Bytes);
        RtlAppendUnicodeStringToString(CurrentUserKeyPath, &Root);
        RtlAppendUnicodeStringToString(CurrentUserKeyPath, &Sid);
    }
    RtlFreeUnicodeString(&Sid);
    return Status;
}
