/* SPDX-License-Identifier: MIT */
/*
 * Callback objects: named lists of routines that one component calls to tell others of something.
 *
 * A registration that is being called is Busy, so the spin lock need not be held over the call;
 * ExUnregisterCallback marks it and waits for the last call to end, after which it is freed.
 */
#include "ex/ex.h"
#include "ob/obp.h"

#define EXP_CALLBACK_TAG 0x67526243u /* 'CbRg' */
#define EXP_CALLBACK_SIGNATURE 0x6c6c6143u /* 'Call' */

typedef struct _CALLBACK_OBJECT {
    ULONG Signature;
    KSPIN_LOCK Lock;
    LIST_ENTRY RegisteredCallbacks;
    BOOLEAN AllowMultipleCallbacks;
} CALLBACK_OBJECT;

typedef struct _EXP_CALLBACK_REGISTRATION {
    LIST_ENTRY Link;
    PCALLBACK_OBJECT CallbackObject;
    PCALLBACK_FUNCTION CallbackFunction;
    PVOID CallbackContext;
    ULONG Busy;
    KEVENT *Unregistering; /* set: no new calls; signalled when Busy falls to 0 */
} EXP_CALLBACK_REGISTRATION;

POBJECT_TYPE ExCallbackObjectType;

static NTSTATUS ExpCreateSystemCallback(PCWSTR Name)
{
    UNICODE_STRING Path;
    OBJECT_ATTRIBUTES Attributes;
    PCALLBACK_OBJECT Callback;

    RtlInitUnicodeString(&Path, Name);
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT, NULL,
                               NULL);
    NTSTATUS Status = ExCreateCallback(&Callback, &Attributes, TRUE, TRUE);
    if (NT_SUCCESS(Status)) {
        ObfDereferenceObject(Callback);
    }
    return Status;
}

/* The callbacks that drivers expect to find. Nothing notifies them: none of it happens here. */
NTSTATUS ExpInitializeCallbackType(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Info = {
        .ValidAccessMask = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1,
        .PoolType = NonPagedPoolNx,
    };
    static const PCWSTR Names[] = {L"\\Callback\\SetSystemTime", L"\\Callback\\PowerState",
                                   L"\\Callback\\ProcessorAdd"};
    NTSTATUS Status = ObCreateObjectType(L"Callback", &Info, OB_NOT_WAITABLE,
                                         &ExCallbackObjectType);

    for (ULONG i = 0; NT_SUCCESS(Status) && i < RTL_NUMBER_OF(Names); i++) {
        Status = ExpCreateSystemCallback(Names[i]);
    }
    return Status;
}

static NTSTATUS ExpInsertCallback(POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN AllowMultiple,
                                  PHANDLE Handle)
{
    PCALLBACK_OBJECT Callback;
    NTSTATUS Status = ObCreateObject(KernelMode, ExCallbackObjectType, ObjectAttributes,
                                     KernelMode, NULL, sizeof(CALLBACK_OBJECT), 0, 0,
                                     (PVOID *)&Callback);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Callback->Signature = EXP_CALLBACK_SIGNATURE;
    Callback->Lock = 0;
    InitializeListHead(&Callback->RegisteredCallbacks);
    Callback->AllowMultipleCallbacks = AllowMultiple;
    return ObInsertObject(Callback, NULL, 0, 0, NULL, Handle);
}

/* The object comes referenced. An existing one is opened; Create: else made. PASSIVE_LEVEL */
NTSTATUS ExCreateCallback(PCALLBACK_OBJECT *CallbackObject, POBJECT_ATTRIBUTES ObjectAttributes,
                          BOOLEAN Create, BOOLEAN AllowMultipleCallbacks)
{
    HANDLE Handle;
    NTSTATUS Status = STATUS_UNSUCCESSFUL;

    *CallbackObject = NULL;
    if (ObjectAttributes->ObjectName != NULL) {
        Status = ObOpenObjectByName(ObjectAttributes, ExCallbackObjectType, KernelMode, NULL, 0,
                                    NULL, &Handle);
    }
    if (!NT_SUCCESS(Status) && Create) {
        Status = ExpInsertCallback(ObjectAttributes, AllowMultipleCallbacks, &Handle);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(Handle, 0, ExCallbackObjectType, KernelMode,
                                       (PVOID *)CallbackObject, NULL);
    ZwClose(Handle);
    return Status;
}

/* NULL: no memory, or the object takes one registration and has it. <= APC_LEVEL */
PVOID ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction,
                         PVOID CallbackContext)
{
    EXP_CALLBACK_REGISTRATION *Registration =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Registration), EXP_CALLBACK_TAG);

    if (Registration == NULL) {
        return NULL;
    }
    Registration->CallbackObject = CallbackObject;
    Registration->CallbackFunction = CallbackFunction;
    Registration->CallbackContext = CallbackContext;
    Registration->Busy = 0;
    Registration->Unregistering = NULL;
    ObfReferenceObject(CallbackObject);

    KIRQL OldIrql = KiAcquireSpinLock(&CallbackObject->Lock);
    BOOLEAN Accepted = CallbackObject->AllowMultipleCallbacks ||
                       IsListEmpty(&CallbackObject->RegisteredCallbacks);
    if (Accepted) {
        InsertTailList(&CallbackObject->RegisteredCallbacks, &Registration->Link);
    }
    KiReleaseSpinLock(&CallbackObject->Lock, OldIrql);
    if (!Accepted) {
        ObfDereferenceObject(CallbackObject);
        ExFreePoolWithTag(Registration, EXP_CALLBACK_TAG);
        return NULL;
    }
    return Registration;
}

/* Returns when the routine is not running and will not be called again. <= APC_LEVEL */
VOID ExUnregisterCallback(PVOID CallbackRegistration)
{
    EXP_CALLBACK_REGISTRATION *Registration = CallbackRegistration;
    PCALLBACK_OBJECT Callback = Registration->CallbackObject;
    KEVENT Idle;

    KeInitializeEvent(&Idle, NotificationEvent, FALSE);
    KIRQL OldIrql = KiAcquireSpinLock(&Callback->Lock);
    BOOLEAN Busy = Registration->Busy != 0;
    Registration->Unregistering = &Idle;
    if (!Busy) {
        RemoveEntryList(&Registration->Link);
    }
    KiReleaseSpinLock(&Callback->Lock, OldIrql);
    if (Busy) {
        KeWaitForSingleObject(&Idle, Executive, KernelMode, FALSE, NULL);
    }
    ExFreePoolWithTag(Registration, EXP_CALLBACK_TAG);
    ObfDereferenceObject(Callback);
}

/* <= DISPATCH_LEVEL; the routines run at the caller's IRQL. */
VOID ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2)
{
    PCALLBACK_OBJECT Callback = CallbackObject;

    if (Callback == NULL) {
        return;
    }
    KIRQL OldIrql = KiAcquireSpinLock(&Callback->Lock);
    PLIST_ENTRY Link = Callback->RegisteredCallbacks.Flink;
    while (Link != &Callback->RegisteredCallbacks) {
        EXP_CALLBACK_REGISTRATION *Registration =
            CONTAINING_RECORD(Link, EXP_CALLBACK_REGISTRATION, Link);

        if (Registration->Unregistering == NULL) {
            Registration->Busy++;
            KiReleaseSpinLock(&Callback->Lock, OldIrql);
            Registration->CallbackFunction(Registration->CallbackContext, Argument1, Argument2);
            OldIrql = KiAcquireSpinLock(&Callback->Lock);
            Registration->Busy--;
        }
        /* Busy or listed, it was not freed; after the next line it may be. */
        Link = Link->Flink;
        if (Registration->Busy == 0 && Registration->Unregistering != NULL) {
            RemoveEntryList(&Registration->Link);
            KeSetEvent(Registration->Unregistering, 0, FALSE);
        }
    }
    KiReleaseSpinLock(&Callback->Lock, OldIrql);
}
