/* SPDX-License-Identifier: MIT */
/*
 * Callbacks on the making of handles to processes and threads.
 *
 * Registrations are in ObpCallbacks, highest altitude first; ObpCallbackLock (a fast mutex) guards
 * the list and is not held while a callback runs, since a callback may make handles itself. An
 * operation holds the rundown protection of each registration it calls, from the pre to the post
 * callback; unregistering first waits for that, and only then leaves the list, so that an operation
 * can go on from where it is.
 */
#include "mm/mm.h"
#include "nt/ob_callback.h"
#include "ob/obp.h"

#define OB_TAG_CALLBACK 0x6243624fu /* 'ObCb' */

typedef struct _OBP_CALLBACK {
    LIST_ENTRY Links;
    EX_RUNDOWN_REF Rundown;
    PVOID Context;
    UNICODE_STRING Altitude; /* its text is behind Operation */
    USHORT Count;
    OB_OPERATION_REGISTRATION Operation[]; /* ObjectType: the type itself, not its variable */
} OBP_CALLBACK, *POBP_CALLBACK;

static LIST_ENTRY ObpCallbacks = {&ObpCallbacks, &ObpCallbacks};
static FAST_MUTEX ObpCallbackLock;

VOID ObpInitializeCallbacks(VOID)
{
    ExInitializeFastMutex(&ObpCallbackLock);
}

/* Digits, and one point at most. */
static BOOLEAN ObpIsAltitude(PCUNICODE_STRING Altitude)
{
    ULONG Points = 0, Digits = 0;
    for (ULONG i = 0; i < Altitude->Length / sizeof(WCHAR); i++) {
        WCHAR Char = Altitude->Buffer[i];
        Digits += Char >= L'0' && Char <= L'9';
        Points += Char == L'.';
    }
    return Points <= 1 && Digits != 0 && Points + Digits == Altitude->Length / sizeof(WCHAR);
}

/* Where the fraction begins, and where the number does, without leading zeros. */
static ULONG ObpWholeDigits(PCUNICODE_STRING Altitude, PULONG First)
{
    ULONG End = 0;
    while (End < Altitude->Length / sizeof(WCHAR) && Altitude->Buffer[End] != L'.') {
        End++;
    }
    *First = 0;
    while (*First < End && Altitude->Buffer[*First] == L'0') {
        (*First)++;
    }
    return End - *First;
}

/* As decimal numbers: < 0, 0, > 0. */
static LONG ObpCompareAltitudes(PCUNICODE_STRING Left, PCUNICODE_STRING Right)
{
    ULONG LeftAt, RightAt;
    LONG Difference = (LONG)ObpWholeDigits(Left, &LeftAt) - (LONG)ObpWholeDigits(Right, &RightAt);
    ULONG LeftEnd = Left->Length / sizeof(WCHAR), RightEnd = Right->Length / sizeof(WCHAR);

    /* With as many digits before the point, text order is number order; a missing digit is a 0. */
    while (Difference == 0 && (LeftAt < LeftEnd || RightAt < RightEnd)) {
        WCHAR LeftChar = LeftAt < LeftEnd ? Left->Buffer[LeftAt++] : L'0';
        WCHAR RightChar = RightAt < RightEnd ? Right->Buffer[RightAt++] : L'0';
        LeftChar = LeftChar == L'.' ? L'0' : LeftChar;
        RightChar = RightChar == L'.' ? L'0' : RightChar;
        Difference = (LONG)LeftChar - (LONG)RightChar;
    }
    return Difference;
}

/* Code that may take rights away must be in an image linked with /INTEGRITYCHECK. */
static BOOLEAN ObpMayBeCallback(PVOID Routine)
{
    PMM_IMAGE Image = Routine != NULL ? MmFindImage(Routine) : NULL;
    return Image == NULL || MmImageForcesIntegrity(Image);
}

static NTSTATUS ObpCheckOperation(const OB_OPERATION_REGISTRATION *Operation)
{
    if (Operation->ObjectType == NULL || Operation->Operations == 0 ||
        (*Operation->ObjectType != PsProcessType && *Operation->ObjectType != PsThreadType) ||
        (Operation->Operations &
         ~(ULONG)(OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE)) ||
        (Operation->PreOperation == NULL && Operation->PostOperation == NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    return ObpMayBeCallback((PVOID)Operation->PreOperation) &&
                   ObpMayBeCallback((PVOID)Operation->PostOperation)
               ? STATUS_SUCCESS
               : STATUS_ACCESS_DENIED;
}

/* Lock held. FALSE: the altitude is taken. */
static BOOLEAN ObpInsertCallback(POBP_CALLBACK New)
{
    PLIST_ENTRY Link;
    for (Link = ObpCallbacks.Flink; Link != &ObpCallbacks; Link = Link->Flink) {
        POBP_CALLBACK Other = CONTAINING_RECORD(Link, OBP_CALLBACK, Links);
        LONG Order = ObpCompareAltitudes(&New->Altitude, &Other->Altitude);
        if (Order == 0) {
            return FALSE;
        }
        if (Order > 0) {
            break;
        }
    }
    InsertTailList(Link, &New->Links); /* before Link */
    return TRUE;
}

NTSTATUS ObRegisterCallbacks(POB_CALLBACK_REGISTRATION CallbackRegistration,
                             PVOID *RegistrationHandle)
{
    const OB_CALLBACK_REGISTRATION *From = CallbackRegistration;
    USHORT Count = From->OperationRegistrationCount;

    if ((From->Version & 0xff00) != (OB_FLT_REGISTRATION_VERSION & 0xff00) || Count == 0 ||
        !ObpIsAltitude(&From->Altitude)) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG i = 0; i < Count; i++) {
        NTSTATUS Status = ObpCheckOperation(&From->OperationRegistration[i]);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    SIZE_T Size = sizeof(OBP_CALLBACK) + Count * sizeof(OB_OPERATION_REGISTRATION);
    POBP_CALLBACK New = ExAllocatePoolWithTag(NonPagedPoolNx, Size + From->Altitude.Length,
                                              OB_TAG_CALLBACK);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExInitializeRundownProtection(&New->Rundown);
    New->Context = From->RegistrationContext;
    New->Count = Count;
    for (ULONG i = 0; i < Count; i++) {
        New->Operation[i] = From->OperationRegistration[i];
        New->Operation[i].ObjectType = (POBJECT_TYPE *)*From->OperationRegistration[i].ObjectType;
    }
    New->Altitude = From->Altitude;
    New->Altitude.Buffer = (PWSTR)((PUCHAR)New + Size);
    RtlCopyMemory(New->Altitude.Buffer, From->Altitude.Buffer, From->Altitude.Length);
    ExAcquireFastMutex(&ObpCallbackLock);
    BOOLEAN Inserted = ObpInsertCallback(New);
    ExReleaseFastMutex(&ObpCallbackLock);
    if (!Inserted) {
        ExFreePoolWithTag(New, OB_TAG_CALLBACK);
        return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
    }
    *RegistrationHandle = New;
    return STATUS_SUCCESS;
}

VOID ObUnRegisterCallbacks(PVOID RegistrationHandle)
{
    POBP_CALLBACK Callback = RegistrationHandle;
    ExWaitForRundownProtectionRelease(&Callback->Rundown);
    ExAcquireFastMutex(&ObpCallbackLock);
    RemoveEntryList(&Callback->Links);
    ExReleaseFastMutex(&ObpCallbackLock);
    ExFreePoolWithTag(Callback, OB_TAG_CALLBACK);
}

USHORT ObGetFilterVersion(VOID)
{
    return OB_FLT_REGISTRATION_VERSION;
}

/* What Callback wants of Type's Operation; NULL: nothing. */
static const OB_OPERATION_REGISTRATION *ObpWanted(POBP_CALLBACK Callback, POBJECT_TYPE Type,
                                                  OB_OPERATION Operation)
{
    for (ULONG i = 0; i < Callback->Count; i++) {
        if ((POBJECT_TYPE)Callback->Operation[i].ObjectType == Type &&
            (Callback->Operation[i].Operations & Operation)) {
            return &Callback->Operation[i];
        }
    }
    return NULL;
}

/* The registrations that want it, protected; as many as there is room for. */
static VOID ObpCollectCallbacks(POBP_HANDLE_OPERATION Operation, POBJECT_TYPE Type)
{
    ExAcquireFastMutex(&ObpCallbackLock);
    for (PLIST_ENTRY Link = ObpCallbacks.Flink;
         Link != &ObpCallbacks && Operation->Count < OBP_MAXIMUM_CALLBACKS; Link = Link->Flink) {
        POBP_CALLBACK Callback = CONTAINING_RECORD(Link, OBP_CALLBACK, Links);
        if (ObpWanted(Callback, Type, Operation->Operation) != NULL &&
            ExAcquireRundownProtection(&Callback->Rundown)) {
            Operation->Called[Operation->Count++].Callback = Callback;
        }
    }
    ExReleaseFastMutex(&ObpCallbackLock);
}

ACCESS_MASK ObpCallPreOperation(POBP_HANDLE_OPERATION Operation, PVOID Object,
                                ACCESS_MASK Access, BOOLEAN KernelHandle)
{
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    ACCESS_MASK Granted = Access;

    Operation->Count = 0;
    Operation->KernelHandle = KernelHandle;
    if (IsListEmpty(&ObpCallbacks)) {
        return Access;
    }
    ObpCollectCallbacks(Operation, Type);
    for (ULONG i = 0; i < Operation->Count; i++) {
        POBP_CALLBACK Callback = Operation->Called[i].Callback;
        const OB_OPERATION_REGISTRATION *Wanted = ObpWanted(Callback, Type, Operation->Operation);
        OB_PRE_OPERATION_PARAMETERS Parameters = {.DuplicateHandleInformation = {
            Granted, Access, Operation->Source, Operation->Target}};
        OB_PRE_OPERATION_INFORMATION Information = {
            .Operation = Operation->Operation, .KernelHandle = KernelHandle, .Object = Object,
            .ObjectType = Type, .Parameters = &Parameters};
        if (Wanted->PreOperation != NULL) {
            Wanted->PreOperation(Callback->Context, &Information);
            Granted &= Parameters.CreateHandleInformation.DesiredAccess; /* none is added */
        }
        Operation->Called[i].CallContext = Information.CallContext;
    }
    return Granted;
}

VOID ObpCallPostOperation(POBP_HANDLE_OPERATION Operation, PVOID Object, NTSTATUS Status,
                          ACCESS_MASK Granted)
{
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    while (Operation->Count != 0) { /* from the lowest altitude up */
        POBP_CALLBACK Callback = Operation->Called[--Operation->Count].Callback;
        const OB_OPERATION_REGISTRATION *Wanted = ObpWanted(Callback, Type, Operation->Operation);
        OB_POST_OPERATION_PARAMETERS Parameters = {{NT_SUCCESS(Status) ? Granted : 0}};
        OB_POST_OPERATION_INFORMATION Information = {
            .Operation = Operation->Operation, .KernelHandle = Operation->KernelHandle,
            .Object = Object, .ObjectType = Type,
            .CallContext = Operation->Called[Operation->Count].CallContext,
            .ReturnStatus = Status, .Parameters = &Parameters};
        if (Wanted->PostOperation != NULL) {
            Wanted->PostOperation(Callback->Context, &Information);
        }
        ExReleaseRundownProtection(&Callback->Rundown);
    }
}
