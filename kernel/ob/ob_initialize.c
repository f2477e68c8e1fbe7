/* SPDX-License-Identifier: MIT */
/*
 * Ob's start: the types of its own objects, the root directory and the namespace's standard
 * directories and links. Failing here is fatal: there is no system without a namespace.
 */
#include "ob/obp.h"

POBJECT_DIRECTORY ObpRootDirectoryObject;
POBJECT_TYPE ObpDirectoryObjectType, ObpSymbolicLinkObjectType;

static VOID ObpInitializeOwnTypes(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Type = {
        .GenericMapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE,
                           STANDARD_RIGHTS_REQUIRED | 1},
        .ValidAccessMask = STANDARD_RIGHTS_REQUIRED | 1,
        .PoolType = NonPagedPoolNx,
    };
    static const OBJECT_TYPE_INITIALIZER Directory = {
        .GenericMapping = {STANDARD_RIGHTS_READ | DIRECTORY_QUERY | DIRECTORY_TRAVERSE,
                           STANDARD_RIGHTS_WRITE | DIRECTORY_CREATE_OBJECT |
                               DIRECTORY_CREATE_SUBDIRECTORY,
                           STANDARD_RIGHTS_EXECUTE | DIRECTORY_QUERY | DIRECTORY_TRAVERSE,
                           DIRECTORY_ALL_ACCESS},
        .ValidAccessMask = DIRECTORY_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
    };
    static const OBJECT_TYPE_INITIALIZER SymbolicLink = {
        .GenericMapping = {STANDARD_RIGHTS_READ | SYMBOLIC_LINK_QUERY, STANDARD_RIGHTS_WRITE,
                           STANDARD_RIGHTS_EXECUTE | SYMBOLIC_LINK_QUERY,
                           SYMBOLIC_LINK_ALL_ACCESS},
        .ValidAccessMask = SYMBOLIC_LINK_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .DeleteProcedure = ObpDeleteSymbolicLink,
    };
    POBJECT_TYPE Unused;
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"Type", &Type, OB_NOT_WAITABLE, &Unused)));
    NT_VERIFY(NT_SUCCESS(
        ObCreateObjectType(L"Directory", &Directory, OB_NOT_WAITABLE, &ObpDirectoryObjectType)));
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"SymbolicLink", &SymbolicLink, OB_NOT_WAITABLE,
                                            &ObpSymbolicLinkObjectType)));
}

static VOID ObpCreateStandardNames(VOID)
{
    static const PCWSTR Directories[] = {L"\\ObjectTypes", L"\\Device", L"\\Driver",
                                         L"\\FileSystem", L"\\??", L"\\BaseNamedObjects",
                                         L"\\KernelObjects", L"\\Callback"};
    static const struct {
        PCWSTR Path;
        PCWSTR Target;
    } Links[] = {
        {L"\\DosDevices", L"\\??"},
        {L"\\GLOBAL??", L"\\??"},
        {L"\\??\\Global", L"\\??"},
        {L"\\??\\GLOBALROOT", L""},
    };
    UNICODE_STRING Path, Target;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Directories); i++) {
        RtlInitUnicodeString(&Path, Directories[i]);
        NT_VERIFY(NT_SUCCESS(ObpCreateDirectory(&Path)));
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Links); i++) {
        RtlInitUnicodeString(&Path, Links[i].Path);
        RtlInitUnicodeString(&Target, Links[i].Target);
        NT_VERIFY(NT_SUCCESS(ObpCreateSymbolicLink(&Path, &Target)));
    }
}

/* On the boot stack, which is the idle thread's: nothing here may wait. */
VOID ObInitializeSystem(VOID)
{
    ExInitializeFastMutex(&ObpNamespaceLock);
    ObpInitializeSecurity();
    ObpInitializeCallbacks();
    ObpInitializeOwnTypes();
    NT_VERIFY(NT_SUCCESS(ObpInitializeEventType()));
    ObpCreateBareTypes();
    PVOID Root;
    NT_VERIFY(NT_SUCCESS(
        ObpAllocateObject(ObpDirectoryObjectType, NULL, sizeof(OBJECT_DIRECTORY), &Root)));
    ObpHeaderOf(Root)->Flags = OB_FLAG_PERMANENT_OBJECT | OB_FLAG_KERNEL_OBJECT;
    ObpRootDirectoryObject = Root;
    ObpCreateStandardNames();
    NT_VERIFY(NT_SUCCESS(ObpPublishTypes()));
}
