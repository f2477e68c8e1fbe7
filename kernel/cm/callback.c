/* SPDX-License-Identifier: MIT */
/*
 * Registry callbacks: drivers that are told of each operation before and after it.
 *
 * Registrations are in a list by altitude, the highest first; those of CmRegisterCallback, which
 * have none, come after all others in the order of their registration (NV: where NT puts them).
 * Pre-notifications go down the list, post-notifications up, to those callbacks whose pre-
 * notification succeeded. A registration is held by run-down protection from its pre- to its post-
 * notification, so that CmUnRegisterCallback waits for operations under way. A callback that
 * unregisters itself therefore waits for ever; NT forbids it too.
 *
 * CmpCallbackLock guards the list and all object contexts. It is never held while a callback runs;
 * an element that is held by run-down protection stays linked, so the walk can go on from it.
 * Lock order: CmpCallbackLock is innermost, and CmpLock is not held when a callback is called.
 */
#include "cm/cmp.h"

typedef struct _CM_CALLBACK {
    LIST_ENTRY Links;
    EX_RUNDOWN_REF Rundown;
    PEX_CALLBACK_FUNCTION Function;
    PVOID Context;
    LARGE_INTEGER Cookie;
    LIST_ENTRY ObjectContexts; /* CM_OBJECT_CONTEXT.CallbackLinks */
    BOOLEAN Leaving;           /* CmUnRegisterCallback has it */
    UNICODE_STRING Altitude;   /* empty: of CmRegisterCallback */
    WCHAR AltitudeText[];
} CM_CALLBACK, *PCM_CALLBACK;

/* What a driver attached to a key object. */
typedef struct _CM_OBJECT_CONTEXT {
    LIST_ENTRY CallbackLinks;
    LIST_ENTRY BodyLinks;
    PCM_CALLBACK Callback;
    PCM_KEY_BODY Body;
    PVOID Context;
} CM_OBJECT_CONTEXT, *PCM_OBJECT_CONTEXT;

/* A callback whose pre-notification succeeded. */
typedef struct _CM_CALLBACK_FRAME {
    struct _CM_CALLBACK_FRAME *Higher;
    PCM_CALLBACK Callback;
    PVOID CallContext;
} CM_CALLBACK_FRAME;

static LIST_ENTRY CmpCallbacks;
static FAST_MUTEX CmpCallbackLock;
static ULONG CmpCallbackCount; /* read without the lock: an operation may just miss a newcomer */
static LONGLONG CmpLastCookie;

VOID CmpInitializeCallbacks(VOID)
{
    InitializeListHead(&CmpCallbacks);
    ExInitializeFastMutex(&CmpCallbackLock);
}

/* ---- altitudes: decimal numbers of any length, perhaps with a fraction ---- */

static BOOLEAN CmpIsAltitude(PCUNICODE_STRING Text)
{
    ULONG Count = Text->Length / sizeof(WCHAR), Points = 0;
    for (ULONG i = 0; i < Count; i++) {
        if (Text->Buffer[i] == L'.') {
            Points++;
        } else if (Text->Buffer[i] < L'0' || Text->Buffer[i] > L'9') {
            return FALSE;
        }
    }
    return Count != 0 && Points <= 1 && Points < Count && (Text->Length & 1) == 0;
}

static ULONG CmpIntegerDigits(PCUNICODE_STRING Text, PULONG First)
{
    ULONG Count = Text->Length / sizeof(WCHAR), End = 0;
    while (End < Count && Text->Buffer[End] != L'.') {
        End++;
    }
    for (*First = 0; *First < End && Text->Buffer[*First] == L'0'; (*First)++) {
    }
    return End - *First;
}

static WCHAR CmpDigit(PCUNICODE_STRING Text, ULONG Index)
{
    return Index < Text->Length / sizeof(WCHAR) ? Text->Buffer[Index] : L'0';
}

/* Below 0: A is lower. An empty altitude is below all others and equal to none. */
static LONG CmpCompareAltitudes(PCUNICODE_STRING A, PCUNICODE_STRING B)
{
    ULONG FirstA, FirstB;
    ULONG DigitsA = CmpIntegerDigits(A, &FirstA), DigitsB = CmpIntegerDigits(B, &FirstB);
    ULONG Most = (A->Length > B->Length ? A->Length : B->Length) / sizeof(WCHAR) + 1;

    if (A->Length == 0 || B->Length == 0) {
        return A->Length == 0 ? -1 : 1;
    }
    if (DigitsA != DigitsB) {
        return DigitsA < DigitsB ? -1 : 1;
    }
    for (ULONG i = 0; i < Most; i++) { /* the point stands at the same place in both */
        WCHAR DigitA = CmpDigit(A, FirstA + i), DigitB = CmpDigit(B, FirstB + i);
        DigitA = DigitA == L'.' ? L'0' : DigitA;
        DigitB = DigitB == L'.' ? L'0' : DigitB;
        if (DigitA != DigitB) {
            return DigitA < DigitB ? -1 : 1;
        }
    }
    return 0;
}

/* ---- registration ---- */

/* Lock held. */
static NTSTATUS CmpInsertCallback(PCM_CALLBACK New)
{
    PLIST_ENTRY Place = CmpCallbacks.Flink;
    for (; Place != &CmpCallbacks; Place = Place->Flink) {
        PCM_CALLBACK Callback = CONTAINING_RECORD(Place, CM_CALLBACK, Links);
        LONG Order = CmpCompareAltitudes(&New->Altitude, &Callback->Altitude);
        if (Order == 0) {
            return STATUS_FLT_INSTANCE_ALTITUDE_COLLISION;
        }
        if (Order > 0) {
            break;
        }
    }
    New->Cookie.QuadPart = ++CmpLastCookie;
    InsertTailList(Place, &New->Links); /* before Place */
    CmpCallbackCount++;
    return STATUS_SUCCESS;
}

static NTSTATUS CmpRegisterCallback(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude,
                                    PVOID Context, PLARGE_INTEGER Cookie)
{
    PCM_CALLBACK New = ExAllocatePoolWithTag(
        NonPagedPoolNx, sizeof(*New) + Altitude->Length, CM_TAG);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, sizeof(*New));
    New->Function = Function;
    New->Context = Context;
    ExInitializeRundownProtection(&New->Rundown);
    InitializeListHead(&New->ObjectContexts);
    New->Altitude.Buffer = New->AltitudeText;
    New->Altitude.Length = New->Altitude.MaximumLength = Altitude->Length;
    RtlCopyMemory(New->AltitudeText, Altitude->Buffer, Altitude->Length);
    ExAcquireFastMutex(&CmpCallbackLock);
    NTSTATUS Status = CmpInsertCallback(New);
    if (NT_SUCCESS(Status)) {
        *Cookie = New->Cookie; /* before the first notification can come */
    }
    ExReleaseFastMutex(&CmpCallbackLock);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(New, CM_TAG);
    }
    return Status;
}

NTSTATUS CmRegisterCallbackEx(PEX_CALLBACK_FUNCTION Function, PCUNICODE_STRING Altitude,
                              PVOID Driver, PVOID Context, PLARGE_INTEGER Cookie, PVOID Reserved)
{
    /* NV: the status of an altitude that is no number */
    if (Function == NULL || Driver == NULL || !CmpIsAltitude(Altitude)) {
        return STATUS_INVALID_PARAMETER;
    }
    return CmpRegisterCallback(Function, Altitude, Context, Cookie);
}

NTSTATUS CmRegisterCallback(PEX_CALLBACK_FUNCTION Function, PVOID Context, PLARGE_INTEGER Cookie)
{
    static const UNICODE_STRING None;
    return CmpRegisterCallback(Function, &None, Context, Cookie);
}

/* Lock held. NULL: there is none, or it is leaving. */
static PCM_CALLBACK CmpFindCallback(LARGE_INTEGER Cookie)
{
    for (PLIST_ENTRY Entry = CmpCallbacks.Flink; Entry != &CmpCallbacks; Entry = Entry->Flink) {
        PCM_CALLBACK Callback = CONTAINING_RECORD(Entry, CM_CALLBACK, Links);
        if (Callback->Cookie.QuadPart == Cookie.QuadPart && !Callback->Leaving) {
            return Callback;
        }
    }
    return NULL;
}

/* Lock held on entry and on return, not in between: the driver is told to free its context. */
static VOID CmpEndObjectContext(PCM_OBJECT_CONTEXT Attached)
{
    REG_CALLBACK_CONTEXT_CLEANUP_INFORMATION Information = {.Object = Attached->Body,
                                                            .ObjectContext = Attached->Context};
    PCM_CALLBACK Callback = Attached->Callback;

    RemoveEntryList(&Attached->CallbackLinks);
    RemoveEntryList(&Attached->BodyLinks);
    ExReleaseFastMutex(&CmpCallbackLock);
    ExFreePoolWithTag(Attached, CM_TAG);
    Callback->Function(Callback->Context, (PVOID)(ULONG_PTR)RegNtCallbackObjectContextCleanup,
                       &Information);
    ExAcquireFastMutex(&CmpCallbackLock);
}

/* Waits for operations under way. STATUS_INVALID_PARAMETER: no such registration. */
NTSTATUS CmUnRegisterCallback(LARGE_INTEGER Cookie)
{
    ExAcquireFastMutex(&CmpCallbackLock);
    PCM_CALLBACK Callback = CmpFindCallback(Cookie);
    if (Callback != NULL) {
        Callback->Leaving = TRUE;
    }
    ExReleaseFastMutex(&CmpCallbackLock);
    if (Callback == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    ExWaitForRundownProtectionRelease(&Callback->Rundown);
    ExAcquireFastMutex(&CmpCallbackLock);
    while (!IsListEmpty(&Callback->ObjectContexts)) {
        CmpEndObjectContext(
            CONTAINING_RECORD(Callback->ObjectContexts.Flink, CM_OBJECT_CONTEXT, CallbackLinks));
    }
    RemoveEntryList(&Callback->Links);
    CmpCallbackCount--;
    ExReleaseFastMutex(&CmpCallbackLock);
    ExFreePoolWithTag(Callback, CM_TAG);
    return STATUS_SUCCESS;
}

VOID CmGetCallbackVersion(PULONG Major, PULONG Minor)
{
    if (Major != NULL) {
        *Major = 1;
    }
    if (Minor != NULL) {
        *Minor = 1; /* the create and open structures are version 1 */
    }
}

/* ---- contexts of key objects ---- */

/* Lock held. */
static PCM_OBJECT_CONTEXT CmpFindObjectContext(PCM_KEY_BODY Body, PCM_CALLBACK Callback)
{
    for (PLIST_ENTRY Entry = Body->Contexts.Flink; Entry != &Body->Contexts;
         Entry = Entry->Flink) {
        PCM_OBJECT_CONTEXT Attached = CONTAINING_RECORD(Entry, CM_OBJECT_CONTEXT, BodyLinks);
        if (Attached->Callback == Callback) {
            return Attached;
        }
    }
    return NULL;
}

static PVOID CmpObjectContext(PCM_KEY_BODY Body, PCM_CALLBACK Callback)
{
    PVOID Context = NULL;
    if (Body != NULL) {
        ExAcquireFastMutex(&CmpCallbackLock);
        PCM_OBJECT_CONTEXT Attached = CmpFindObjectContext(Body, Callback);
        Context = Attached != NULL ? Attached->Context : NULL;
        ExReleaseFastMutex(&CmpCallbackLock);
    }
    return Context;
}

/* NewContext NULL: nothing is attached any more. The old one is the caller's to free. */
NTSTATUS CmSetCallbackObjectContext(PVOID Object, PLARGE_INTEGER Cookie, PVOID NewContext,
                                    PVOID *OldContext)
{
    PCM_KEY_BODY Body = Object;
    PCM_OBJECT_CONTEXT Room =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(CM_OBJECT_CONTEXT), CM_TAG);
    PVOID Old = NULL;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Room == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExAcquireFastMutex(&CmpCallbackLock);
    PCM_CALLBACK Callback = CmpFindCallback(*Cookie);
    if (Callback == NULL || Body == NULL) {
        Status = STATUS_INVALID_PARAMETER;
    } else {
        PCM_OBJECT_CONTEXT Attached = CmpFindObjectContext(Body, Callback);
        if (Attached != NULL) {
            Old = Attached->Context;
            Attached->Context = NewContext;
        } else if (NewContext != NULL) {
            *Room = (CM_OBJECT_CONTEXT){.Callback = Callback, .Body = Body, .Context = NewContext};
            InsertTailList(&Callback->ObjectContexts, &Room->CallbackLinks);
            InsertTailList(&Body->Contexts, &Room->BodyLinks);
            Room = NULL;
        }
        if (Attached != NULL && NewContext == NULL) {
            RemoveEntryList(&Attached->CallbackLinks);
            RemoveEntryList(&Attached->BodyLinks);
            ExFreePoolWithTag(Room, CM_TAG);
            Room = Attached;
        }
    }
    ExReleaseFastMutex(&CmpCallbackLock);
    if (Room != NULL) {
        ExFreePoolWithTag(Room, CM_TAG);
    }
    if (NT_SUCCESS(Status) && OldContext != NULL) {
        *OldContext = Old;
    }
    return Status;
}

VOID CmpEndObjectContexts(PCM_KEY_BODY Body)
{
    if (IsListEmpty(&Body->Contexts)) {
        return;
    }
    ExAcquireFastMutex(&CmpCallbackLock);
    for (PLIST_ENTRY Entry = Body->Contexts.Flink; Entry != &Body->Contexts;) {
        PCM_OBJECT_CONTEXT Attached = CONTAINING_RECORD(Entry, CM_OBJECT_CONTEXT, BodyLinks);
        PCM_CALLBACK Callback = Attached->Callback;
        Entry = Entry->Flink;
        if (!ExAcquireRundownProtection(&Callback->Rundown)) {
            /* CmUnRegisterCallback ends it; it waits for nothing of ours. */
            RemoveEntryList(&Attached->BodyLinks);
            InitializeListHead(&Attached->BodyLinks);
            Attached->Body = NULL;
            continue;
        }
        CmpEndObjectContext(Attached);
        ExReleaseRundownProtection(&Callback->Rundown);
        Entry = Body->Contexts.Flink; /* the list was unlocked */
    }
    ExReleaseFastMutex(&CmpCallbackLock);
}

static NTSTATUS CmpCheckKeyObject(PLARGE_INTEGER Cookie, PVOID Object)
{
    ExAcquireFastMutex(&CmpCallbackLock);
    PCM_CALLBACK Callback = CmpFindCallback(*Cookie);
    ExReleaseFastMutex(&CmpCallbackLock);
    return Callback != NULL && Object != NULL && ObGetObjectType(Object) == CmKeyObjectType
               ? STATUS_SUCCESS
               : STATUS_INVALID_PARAMETER;
}

/* The name is the object's own: good as long as the object is. */
NTSTATUS CmCallbackGetKeyObjectID(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                  PCUNICODE_STRING *ObjectName)
{
    PCM_KEY_BODY Body = Object;
    NTSTATUS Status = CmpCheckKeyObject(Cookie, Object);
    if (NT_SUCCESS(Status) && ObjectID != NULL) {
        *ObjectID = (ULONG_PTR)Body->Node;
    }
    if (NT_SUCCESS(Status) && ObjectName != NULL) {
        *ObjectName = &Body->Path;
    }
    return Status;
}

/* The name is the caller's, to be released by CmCallbackReleaseKeyObjectIDEx. */
NTSTATUS CmCallbackGetKeyObjectIDEx(PLARGE_INTEGER Cookie, PVOID Object, PULONG_PTR ObjectID,
                                    PCUNICODE_STRING *ObjectName, ULONG Flags)
{
    PCM_KEY_BODY Body = Object;
    NTSTATUS Status = Flags != 0 ? STATUS_INVALID_PARAMETER : CmpCheckKeyObject(Cookie, Object);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (ObjectName != NULL) {
        PUNICODE_STRING Copy =
            ExAllocatePoolWithTag(PagedPool, sizeof(*Copy) + Body->Path.Length, CM_TAG);
        if (Copy == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Copy->Buffer = (PWCHAR)(Copy + 1);
        Copy->Length = Copy->MaximumLength = Body->Path.Length;
        RtlCopyMemory(Copy->Buffer, Body->Path.Buffer, Body->Path.Length);
        *ObjectName = Copy;
    }
    if (ObjectID != NULL) {
        *ObjectID = (ULONG_PTR)Body->Node;
    }
    return STATUS_SUCCESS;
}

VOID CmCallbackReleaseKeyObjectIDEx(PCUNICODE_STRING ObjectName)
{
    ExFreePoolWithTag((PVOID)ObjectName, CM_TAG);
}

/* No operation belongs to a transaction: there are none. */
PVOID CmGetBoundTransaction(PLARGE_INTEGER Cookie, PVOID Object)
{
    return NULL;
}

/* ---- notification ---- */

/* The next callback after Previous (NULL: from the top) that is not leaving, held. */
static PCM_CALLBACK CmpNextCallback(PCM_CALLBACK Previous)
{
    PCM_CALLBACK Found = NULL;
    ExAcquireFastMutex(&CmpCallbackLock);
    PLIST_ENTRY Entry = Previous != NULL ? Previous->Links.Flink : CmpCallbacks.Flink;
    for (; Entry != &CmpCallbacks && Found == NULL; Entry = Entry->Flink) {
        PCM_CALLBACK Callback = CONTAINING_RECORD(Entry, CM_CALLBACK, Links);
        if (ExAcquireRundownProtection(&Callback->Rundown)) {
            Found = Callback;
        }
    }
    ExReleaseFastMutex(&CmpCallbackLock);
    return Found;
}

/* CallContext and ObjectContext stand one after the other in every structure. */
static PVOID *CmpContexts(PCMP_OPERATION Operation)
{
    return (PVOID *)((PUCHAR)Operation->Information + Operation->ContextOffset);
}

BOOLEAN CmpBeginOperation(PCMP_OPERATION Operation)
{
    PCM_CALLBACK Callback = NULL;

    Operation->Frames = NULL;
    Operation->Status = STATUS_SUCCESS;
    if (CmpCallbackCount == 0) {
        return TRUE;
    }
    while (Operation->Status == STATUS_SUCCESS) {
        /* The frame holds the callback before this one, so the walk goes on from there. */
        Callback = CmpNextCallback(Callback);
        if (Callback == NULL) {
            return TRUE;
        }
        PCM_CALLBACK_FRAME Frame = ExAllocatePoolWithTag(PagedPool, sizeof(*Frame), CM_TAG);
        if (Frame == NULL) {
            ExReleaseRundownProtection(&Callback->Rundown);
            Operation->Status = STATUS_INSUFFICIENT_RESOURCES;
            break;
        }
        PVOID *Contexts = CmpContexts(Operation);
        Contexts[0] = NULL;
        Contexts[1] = CmpObjectContext(Operation->Body, Callback);
        NTSTATUS Status = Callback->Function(Callback->Context, (PVOID)(ULONG_PTR)Operation->Pre,
                                             Operation->Information);
        if (NT_SUCCESS(Status)) {
            *Frame = (CM_CALLBACK_FRAME){Operation->Frames, Callback, Contexts[0]};
            Operation->Frames = Frame;
        } else {
            /* It gets no post-notification: it knows how the operation ended. */
            Operation->Status = Status;
            ExFreePoolWithTag(Frame, CM_TAG);
            ExReleaseRundownProtection(&Callback->Rundown);
        }
    }
    Operation->Bypassed = Operation->Status == STATUS_CALLBACK_BYPASS;
    if (Operation->Bypassed) {
        Operation->Status = STATUS_SUCCESS;
    }
    return FALSE;
}

NTSTATUS CmpEndOperation(PCMP_OPERATION Operation, NTSTATUS Status, PVOID Object)
{
    while (Operation->Frames != NULL) {
        PCM_CALLBACK_FRAME Frame = Operation->Frames;
        PCM_CALLBACK Callback = Frame->Callback;
        REG_POST_OPERATION_INFORMATION Post = {
            .Object = Object,
            .Status = Status,
            .PreInformation = Operation->Information,
            .ReturnStatus = Status,
            .CallContext = Frame->CallContext,
            .ObjectContext = CmpObjectContext(Operation->Body, Callback),
        };
        Operation->Frames = Frame->Higher;
        ExFreePoolWithTag(Frame, CM_TAG);
        /* Another status than this one changes nothing: the operation has been done. */
        if (Callback->Function(Callback->Context, (PVOID)(ULONG_PTR)Operation->Post, &Post) ==
            STATUS_CALLBACK_BYPASS) {
            Status = Post.ReturnStatus;
        }
        ExReleaseRundownProtection(&Callback->Rundown);
    }
    return Status;
}

VOID CmpCloseKeyObject(PEPROCESS Process, PVOID Object, ACCESS_MASK GrantedAccess,
                       LONG64 HandlesBefore)
{
    PCM_KEY_BODY Body = Object;
    REG_KEY_HANDLE_CLOSE_INFORMATION Information = {.Object = Object};
    CMP_OPERATION Operation = CMP_OPERATION_OF(KeyHandleClose, Body, &Information,
                                               REG_KEY_HANDLE_CLOSE_INFORMATION);
    if (HandlesBefore == 1) {
        CmpEndNotifications(Body);
        CmpBeginOperation(&Operation); /* a close cannot be prevented */
        CmpEndOperation(&Operation, STATUS_SUCCESS, Object);
        CmpEndObjectContexts(Body);
    }
}
