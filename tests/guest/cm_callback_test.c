/* SPDX-License-Identifier: MIT */
/*
 * Registry callbacks: altitudes, the order of notifications, operations blocked and bypassed,
 * contexts of keys. Expected values: the pages of CmRegisterCallbackEx and its like, and of
 * RegistryCallback (EX_CALLBACK_FUNCTION).
 */
#include "cm/cmp.h"
#include "test.h"

#define KEY_PATH L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\CmCallbackTest"

typedef struct _CALLBACK_TEST {
    CHAR Name; /* pre-notifications log it, post-notifications its capital */
    LARGE_INTEGER Cookie;
    NTSTATUS Answer; /* to RegNtPreSetValueKey */
    PVOID CallContext;
    PVOID SeenCallContext, SeenObjectContext, CleanedUp;
    NTSTATUS SeenStatus;
    PVOID Object; /* of the last pre-notification */
} CALLBACK_TEST;

static CALLBACK_TEST High = {.Name = 'h'}, Low = {.Name = 'l'}, Legacy = {.Name = 'o'};
static CHAR CallbackLog[32];
static ULONG CallbackLogLength;

static VOID LogCallback(CHAR What)
{
    if (CallbackLogLength < sizeof(CallbackLog) - 1) {
        CallbackLog[CallbackLogLength++] = What;
    }
}

static NTSTATUS RegistryRoutine(PVOID CallbackContext, PVOID Argument1, PVOID Argument2)
{
    CALLBACK_TEST *Test = CallbackContext;
    PREG_SET_VALUE_KEY_INFORMATION Pre = Argument2;
    PREG_POST_OPERATION_INFORMATION Post = Argument2;

    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    switch ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1) {
    case RegNtPreSetValueKey:
        LogCallback(Test->Name);
        Test->Object = Pre->Object;
        Test->SeenObjectContext = Pre->ObjectContext;
        Pre->CallContext = Test->CallContext;
        return Test->Answer;
    case RegNtPostSetValueKey:
        LogCallback((CHAR)(Test->Name - 'a' + 'A'));
        EXPECT(Post->Object == Test->Object && Post->PreInformation != NULL);
        Test->SeenCallContext = Post->CallContext;
        Test->SeenStatus = Post->Status;
        return STATUS_SUCCESS;
    case RegNtCallbackObjectContextCleanup:
        Test->CleanedUp = ((PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION)Argument2)->ObjectContext;
        return STATUS_SUCCESS;
    default:
        return STATUS_SUCCESS;
    }
}

static NTSTATUS Register(CALLBACK_TEST *Test, PCWSTR Altitude)
{
    UNICODE_STRING Text;
    CHAR Name = Test->Name;
    RtlZeroMemory(Test, sizeof(*Test));
    Test->Name = Name;
    if (Altitude == NULL) {
        return CmRegisterCallback(RegistryRoutine, Test, &Test->Cookie);
    }
    RtlInitUnicodeString(&Text, Altitude);
    return CmRegisterCallbackEx(RegistryRoutine, &Text, &High, Test, &Test->Cookie, NULL);
}

static HANDLE MakeKey(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(KEY_PATH);
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key = NULL;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    EXPECT_EQUAL(ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, REG_OPTION_VOLATILE, NULL),
                 STATUS_SUCCESS);
    return Key;
}

static NTSTATUS SetValue(HANDLE Key)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"value");
    ULONG Data = 1;
    RtlZeroMemory(CallbackLog, sizeof(CallbackLog));
    CallbackLogLength = 0;
    return ZwSetValueKey(Key, &Name, 0, REG_DWORD, &Data, sizeof(Data));
}

static BOOLEAN HasValue(HANDLE Key)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"value");
    KEY_VALUE_PARTIAL_INFORMATION Value;
    ULONG Length;
    return ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, &Value, sizeof(Value),
                           &Length) != STATUS_OBJECT_NAME_NOT_FOUND;
}

GUEST_TEST(cm_callbacks_go_by_altitude)
{
    static CHAR Context;

    EXPECT_EQUAL(Register(&Legacy, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(Register(&Low, L"99.5"), STATUS_SUCCESS);
    EXPECT_EQUAL(Register(&High, L"360000"), STATUS_SUCCESS);
    HANDLE Key = MakeKey();
    High.CallContext = &Context;
    EXPECT_EQUAL(SetValue(Key), STATUS_SUCCESS);
    EXPECT(strcmp(CallbackLog, "hloOLH") == 0);
    EXPECT(High.SeenCallContext == &Context && Low.SeenCallContext == NULL);
    EXPECT_EQUAL(High.SeenStatus, STATUS_SUCCESS);

    /* One that refuses hears nothing more; those above it do, those below it nothing at all. */
    Low.Answer = STATUS_ACCESS_DENIED;
    EXPECT_EQUAL((ULONG)SetValue(Key), (ULONG)STATUS_ACCESS_DENIED);
    EXPECT(strcmp(CallbackLog, "hlH") == 0);
    EXPECT_EQUAL((ULONG)High.SeenStatus, (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(CmUnRegisterCallback(Low.Cookie), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)CmUnRegisterCallback(Low.Cookie), (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(SetValue(Key), STATUS_SUCCESS);
    EXPECT(strcmp(CallbackLog, "hoOH") == 0);
    EXPECT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS);
    ZwClose(Key);
    EXPECT_EQUAL(CmUnRegisterCallback(High.Cookie), STATUS_SUCCESS);
    EXPECT_EQUAL(CmUnRegisterCallback(Legacy.Cookie), STATUS_SUCCESS);
}

/* STATUS_CALLBACK_BYPASS: the caller gets success, and the registry does nothing. */
GUEST_TEST(cm_callback_bypasses)
{
    EXPECT_EQUAL(Register(&High, L"1000"), STATUS_SUCCESS);
    HANDLE Key = MakeKey();
    High.Answer = STATUS_CALLBACK_BYPASS;
    EXPECT_EQUAL(SetValue(Key), STATUS_SUCCESS);
    EXPECT(!HasValue(Key));
    High.Answer = STATUS_SUCCESS;
    EXPECT_EQUAL(SetValue(Key), STATUS_SUCCESS);
    EXPECT(HasValue(Key));
    EXPECT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS);
    ZwClose(Key);
    EXPECT_EQUAL(CmUnRegisterCallback(High.Cookie), STATUS_SUCCESS);
}

GUEST_TEST(cm_callback_registration_is_checked)
{
    ULONG Major = 0, Minor = 99;
    static const PCWSTR Same[] = {L"360000", L"0360000", L"360000.0"};
    static const PCWSTR Bad[] = {L"", L"x", L"1.2.3", L"-1", L"."};

    CmGetCallbackVersion(&Major, &Minor);
    EXPECT_EQUAL(Major, 1);
    CmGetCallbackVersion(NULL, NULL);
    EXPECT_EQUAL(Register(&High, L"360000"), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Same); i++) {
        EXPECT_EQUAL((ULONG)Register(&Low, Same[i]), (ULONG)STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL((ULONG)Register(&Low, Bad[i]), (ULONG)STATUS_INVALID_PARAMETER);
    }
    EXPECT_EQUAL(Register(&Low, L"360000.01"), STATUS_SUCCESS);
    EXPECT_EQUAL(CmUnRegisterCallback(Low.Cookie), STATUS_SUCCESS);
    EXPECT_EQUAL(CmUnRegisterCallback(High.Cookie), STATUS_SUCCESS);
}

GUEST_TEST(cm_callback_contexts_of_keys)
{
    static CHAR First, Second;
    LARGE_INTEGER Nobodys = {.QuadPart = -1};
    PCUNICODE_STRING Name = NULL;
    PVOID Old = &Second, Key;
    ULONG_PTR Id = 0, IdEx = 0;
    static const WCHAR Path[] = KEY_PATH;

    EXPECT_EQUAL(Register(&High, L"1000"), STATUS_SUCCESS);
    HANDLE Handle = MakeKey();
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, CmKeyObjectType, KernelMode, &Key, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)CmSetCallbackObjectContext(Key, &Nobodys, &First, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(CmSetCallbackObjectContext(Key, &High.Cookie, &First, &Old), STATUS_SUCCESS);
    EXPECT(Old == NULL);
    EXPECT_EQUAL(SetValue(Handle), STATUS_SUCCESS);
    EXPECT(High.Object == Key && High.SeenObjectContext == &First);
    EXPECT_EQUAL(CmSetCallbackObjectContext(Key, &High.Cookie, &Second, &Old), STATUS_SUCCESS);
    EXPECT(Old == &First && High.CleanedUp == NULL);

    EXPECT_EQUAL(CmCallbackGetKeyObjectID(&High.Cookie, Key, &Id, &Name), STATUS_SUCCESS);
    EXPECT(Id != 0 && Name->Length == sizeof(Path) - sizeof(WCHAR) &&
           RtlEqualMemory(Name->Buffer, Path, Name->Length));
    EXPECT_EQUAL(CmCallbackGetKeyObjectIDEx(&High.Cookie, Key, &IdEx, &Name, 0), STATUS_SUCCESS);
    EXPECT(IdEx == Id && Name->Length == sizeof(Path) - sizeof(WCHAR));
    CmCallbackReleaseKeyObjectIDEx(Name);
    EXPECT_EQUAL((ULONG)CmCallbackGetKeyObjectIDEx(&High.Cookie, Key, &IdEx, &Name, 1),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)CmCallbackGetKeyObjectID(&Nobodys, Key, &Id, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)CmCallbackGetKeyObjectID(&High.Cookie, ExEventObjectType, &Id, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER); /* no key */
    EXPECT(CmGetBoundTransaction(&High.Cookie, Key) == NULL);
    EXPECT_EQUAL(ZwDeleteKey(Handle), STATUS_SUCCESS);
    ZwClose(Handle);
    ObDereferenceObject(Key);
    EXPECT(High.CleanedUp == &Second); /* the key's last handle is closed */

    /* Unregistering cleans up too. */
    Handle = MakeKey();
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, CmKeyObjectType, KernelMode, &Key, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(CmSetCallbackObjectContext(Key, &High.Cookie, &First, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(CmUnRegisterCallback(High.Cookie), STATUS_SUCCESS);
    EXPECT(High.CleanedUp == &First);
    EXPECT_EQUAL(ZwDeleteKey(Handle), STATUS_SUCCESS);
    ZwClose(Handle);
    ObDereferenceObject(Key);
}
