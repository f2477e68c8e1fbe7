/* SPDX-License-Identifier: MIT */
/*
 * Cm's start: the Key type, \REGISTRY in Ob's namespace, and the keys that drivers expect to find:
 * what every Windows machine has, without what an installation would add.
 */
#include "cm/cmp.h"

POBJECT_TYPE CmKeyObjectType;

#define CMP_SET1 L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001"
#define CMP_CURRENT L"\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet"
#define CMP_NT L"\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"

/* Parents before children. */
static const PCWSTR CmpStandardKeys[] = {
    L"\\REGISTRY\\MACHINE\\SYSTEM\\Select",
    CMP_SET1,
    CMP_SET1 L"\\Control",
    CMP_SET1 L"\\Control\\Class",
    CMP_SET1 L"\\Control\\DeviceClasses",
    CMP_SET1 L"\\Control\\Session Manager",
    CMP_SET1 L"\\Enum",
    CMP_SET1 L"\\Enum\\Root",
    CMP_SET1 L"\\Hardware Profiles",
    CMP_SET1 L"\\Services",
    L"\\REGISTRY\\MACHINE\\SYSTEM\\Setup",
    L"\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft",
    L"\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows",
    L"\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion",
    L"\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows NT",
    CMP_NT,
    L"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION",
    L"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\System",
    L"\\REGISTRY\\MACHINE\\HARDWARE\\DEVICEMAP",
    L"\\REGISTRY\\MACHINE\\HARDWARE\\RESOURCEMAP",
};

static const struct {
    PCWSTR Key;
    PCWSTR Name;
    PCWSTR Text; /* NULL: a number */
    ULONG Number;
} CmpStandardValues[] = {
    {L"\\REGISTRY\\MACHINE\\SYSTEM\\Select", L"Current", NULL, 1},
    {L"\\REGISTRY\\MACHINE\\SYSTEM\\Select", L"Default", NULL, 1},
    {L"\\REGISTRY\\MACHINE\\SYSTEM\\Select", L"Failed", NULL, 0},
    {L"\\REGISTRY\\MACHINE\\SYSTEM\\Select", L"LastKnownGood", NULL, 1},
    {L"\\REGISTRY\\MACHINE\\SYSTEM\\Setup", L"SystemSetupInProgress", NULL, 0},
    {CMP_NT, L"CurrentVersion", L"6.3", 0}, /* as every Windows 10 says */
    {CMP_NT, L"CurrentBuildNumber", L"18362", 0},
    {CMP_NT, L"CurrentMajorVersionNumber", NULL, 10},
    {CMP_NT, L"CurrentMinorVersionNumber", NULL, 0},
    {CMP_NT, L"SystemRoot", L"C:\\Windows", 0},
};

static VOID CmpCreateType(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Info = {
        .GenericMapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS},
        .ValidAccessMask = KEY_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .CloseProcedure = CmpCloseKeyObject,
        .DeleteProcedure = CmpDeleteKeyObject,
        .ParseProcedure = CmpParseKey,
        .QueryNameProcedure = CmpQueryKeyName,
    };
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"Key", &Info, OB_NOT_WAITABLE, &CmKeyObjectType)));
}

static PCM_KEY_NODE CmpCreateBuiltIn(PCM_KEY_NODE Parent, PCWSTR Name)
{
    UNICODE_STRING String;
    PCM_KEY_NODE Node;
    RtlInitUnicodeString(&String, Name);
    NT_VERIFY(NT_SUCCESS(CmpCreateNode(Parent, &String, NULL, CM_NODE_BUILT_IN, &Node)));
    return Node;
}

/* The root and the hives that NT mounts below it. */
static VOID CmpCreateRoots(VOID)
{
    static const PCWSTR Hives[] = {L"SYSTEM", L"SOFTWARE", L"HARDWARE"};
    static const UNICODE_STRING RootPath = RTL_CONSTANT_STRING(L"\\REGISTRY");
    PCM_KEY_BODY Body;

    CmpLockRegistry();
    CmpRootNode = CmpCreateBuiltIn(NULL, L"REGISTRY");
    PCM_KEY_NODE Machine = CmpCreateBuiltIn(CmpRootNode, L"MACHINE");
    for (ULONG i = 0; i < RTL_NUMBER_OF(Hives); i++) {
        CmpCreateBuiltIn(Machine, Hives[i]);
    }
    CmpCreateBuiltIn(CmpCreateBuiltIn(CmpRootNode, L"USER"), L".DEFAULT");
    CmpRootNode->References++;
    CmpUnlockRegistry();
    NT_VERIFY(NT_SUCCESS(
        ObpAllocateObject(CmKeyObjectType, &RootPath, sizeof(*Body), (PVOID *)&Body)));
    InitializeListHead(&Body->Contexts);
    Body->Node = CmpRootNode;
    CmpRootObject = Body;
    NT_VERIFY(NT_SUCCESS(RtlDuplicateUnicodeString(0, &RootPath, &Body->Path)));
    NT_VERIFY(NT_SUCCESS(ObpInsertNamedObject(Body, &RootPath, OBJ_PERMANENT)));
}

static NTSTATUS CmpCreatePath(PCUNICODE_STRING Path, ULONG Options, PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)Path, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateKey(Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, Options, NULL);
}

/* A text with its terminator, or a number; a value that is there already stays. */
static NTSTATUS CmpSetDefault(HANDLE Key, PCWSTR Name, ULONG Type, PCWSTR Text, ULONG Number)
{
    KEY_VALUE_BASIC_INFORMATION Basic;
    UNICODE_STRING String;
    ULONG Length;

    RtlInitUnicodeString(&String, Name);
    NTSTATUS Status = ZwQueryValueKey(Key, &String, KeyValueBasicInformation, &Basic,
                                      sizeof(Basic), &Length);
    if (Status != STATUS_OBJECT_NAME_NOT_FOUND) {
        return Status == STATUS_BUFFER_OVERFLOW ? STATUS_SUCCESS : Status;
    }
    if (Text == NULL) {
        return ZwSetValueKey(Key, &String, 0, Type, &Number, sizeof(Number));
    }
    return ZwSetValueKey(Key, &String, 0, Type, (PVOID)Text,
                         (ULONG)((wcslen(Text) + 1) * sizeof(WCHAR)));
}

static VOID CmpCreateStandardKeys(VOID)
{
    static const WCHAR Target[] = CMP_SET1;
    UNICODE_STRING Path, Name;
    HANDLE Key;

    for (ULONG i = 0; i < RTL_NUMBER_OF(CmpStandardKeys); i++) {
        RtlInitUnicodeString(&Path, CmpStandardKeys[i]);
        NT_VERIFY(NT_SUCCESS(CmpCreatePath(&Path, 0, &Key)));
        ZwClose(Key);
    }
    RtlInitUnicodeString(&Path, CMP_CURRENT);
    NT_VERIFY(NT_SUCCESS(
        CmpCreatePath(&Path, REG_OPTION_CREATE_LINK | REG_OPTION_VOLATILE, &Key)));
    RtlInitUnicodeString(&Name, L"SymbolicLinkValue");
    /* A link's target is not terminated. */
    NT_VERIFY(NT_SUCCESS(ZwSetValueKey(Key, &Name, 0, REG_LINK, (PVOID)Target,
                                       sizeof(Target) - sizeof(WCHAR))));
    ZwClose(Key);
    for (ULONG i = 0; i < RTL_NUMBER_OF(CmpStandardValues); i++) {
        RtlInitUnicodeString(&Path, CmpStandardValues[i].Key);
        NT_VERIFY(NT_SUCCESS(CmpCreatePath(&Path, 0, &Key)));
        NT_VERIFY(NT_SUCCESS(CmpSetDefault(
            Key, CmpStandardValues[i].Name,
            CmpStandardValues[i].Text != NULL ? REG_SZ : REG_DWORD, CmpStandardValues[i].Text,
            CmpStandardValues[i].Number)));
        ZwClose(Key);
    }
}

NTSTATUS CmCreateServiceKey(PCUNICODE_STRING Path, PCUNICODE_STRING Service)
{
    static const WCHAR Folder[] = L"\\SystemRoot\\System32\\drivers\\";
    SIZE_T Bytes = sizeof(Folder) + Service->Length + sizeof(L".sys");
    UNICODE_STRING Image;
    HANDLE Key;

    if (Bytes > UNICODE_STRING_MAX_BYTES) {
        return STATUS_NAME_TOO_LONG;
    }
    PWCHAR Text = ExAllocatePoolWithTag(PagedPool, Bytes, CM_TAG);
    if (Text == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Text, Bytes);
    RtlInitEmptyUnicodeString(&Image, Text, (USHORT)Bytes);
    RtlAppendUnicodeToString(&Image, Folder);
    RtlAppendUnicodeStringToString(&Image, Service);
    RtlAppendUnicodeToString(&Image, L".sys");
    NTSTATUS Status = CmpCreatePath(Path, 0, &Key);
    if (NT_SUCCESS(Status)) {
        /* SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL */
        Status = CmpSetDefault(Key, L"Type", REG_DWORD, NULL, 1);
        Status = NT_SUCCESS(Status) ? CmpSetDefault(Key, L"Start", REG_DWORD, NULL, 3) : Status;
        Status = NT_SUCCESS(Status) ? CmpSetDefault(Key, L"ErrorControl", REG_DWORD, NULL, 1)
                                    : Status;
        Status = NT_SUCCESS(Status) ? CmpSetDefault(Key, L"ImagePath", REG_EXPAND_SZ, Text, 0)
                                    : Status;
        ZwClose(Key);
    }
    ExFreePoolWithTag(Text, CM_TAG);
    return Status;
}

VOID CmInitializeSystem(VOID)
{
    CmpInitializeNodes();
    CmpInitializeCallbacks();
    CmpInitializeNotifications();
    CmpCreateType();
    CmpCreateRoots();
    CmpCreateStandardKeys();
}
