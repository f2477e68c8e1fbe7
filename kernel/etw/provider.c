/* SPDX-License-Identifier: MIT */
/* Providers: registered, enabled by the session, told so, unregistered. */
#include "etw/etwp.h"

#include "io/iop.h"
#include "nt/rtl.h"

typedef struct _ETWP_WANT {
    BOOLEAN Used;
    UCHAR Level;
    GUID Guid;
    ULONGLONG MatchAny, MatchAll;
} ETWP_WANT, *PETWP_WANT;

static ETWP_PROVIDER EtwpProviders[ETWP_PROVIDERS];
static ETWP_WANT EtwpWanted[ETWP_WANTED];
static KEVENT EtwpLock;

VOID EtwpInitialize(VOID)
{
    KeInitializeEvent(&EtwpLock, SynchronizationEvent, TRUE);
}

static VOID EtwpAcquire(VOID)
{
    KeWaitForSingleObject(&EtwpLock, Executive, KernelMode, FALSE, NULL);
}

static VOID EtwpRelease(VOID)
{
    KeSetEvent(&EtwpLock, 0, FALSE);
}

/* 0 is no handle: the generation of a registered provider is odd. */
static REGHANDLE EtwpHandleOf(const ETWP_PROVIDER *Provider)
{
    return ((REGHANDLE)(Provider - EtwpProviders) << 32) | Provider->Generation;
}

PETWP_PROVIDER EtwpReferenceHandle(REGHANDLE Handle)
{
    ULONG Index = (ULONG)(Handle >> 32), Generation = (ULONG)Handle;
    if (Index >= ETWP_PROVIDERS || !(Generation & 1) ||
        EtwpProviders[Index].Generation != Generation) {
        return NULL;
    }
    return &EtwpProviders[Index];
}

BOOLEAN EtwpWants(const ETWP_PROVIDER *Provider, UCHAR Level, ULONGLONG Keyword)
{
    if (!Provider->Enabled || (Provider->Level != 0 && Level > Provider->Level)) {
        return FALSE;
    }
    return Keyword == 0 || ((Keyword & Provider->MatchAny) != 0 &&
                            (Keyword & Provider->MatchAll) == Provider->MatchAll);
}

static PETWP_WANT EtwpFindWanted(const GUID *Guid)
{
    for (ULONG i = 0; i < ETWP_WANTED; i++) {
        if (EtwpWanted[i].Used && RtlEqualMemory(&EtwpWanted[i].Guid, Guid, sizeof(GUID))) {
            return &EtwpWanted[i];
        }
    }
    return NULL;
}

/* Lock held. Want NULL: not any more. Any keyword 0 stands for all, as documented. */
static VOID EtwpTell(PETWP_PROVIDER Provider, const ETWP_WANT *Want)
{
    static const GUID NoSource;

    Provider->Level = Want != NULL ? Want->Level : 0;
    Provider->MatchAny = Want != NULL ? Want->MatchAny : 0;
    Provider->MatchAll = Want != NULL ? Want->MatchAll : 0;
    if (Want != NULL && Provider->MatchAny == 0) {
        Provider->MatchAny = ~0ull;
    }
    Provider->Enabled = Want != NULL;
    if (Provider->Callback != NULL) {
        Provider->Callback(&NoSource,
                           Want != NULL ? EVENT_CONTROL_CODE_ENABLE_PROVIDER
                                        : EVENT_CONTROL_CODE_DISABLE_PROVIDER,
                           Provider->Level, Provider->MatchAny, Provider->MatchAll, NULL,
                           Provider->Context);
    }
}

NTSTATUS EtwpEnable(const GUID *Guid, BOOLEAN Enable, UCHAR Level, ULONGLONG MatchAny,
                    ULONGLONG MatchAll)
{
    EtwpAcquire();
    PETWP_WANT Want = EtwpFindWanted(Guid);
    if (Want == NULL && Enable) {
        for (ULONG i = 0; i < ETWP_WANTED && Want == NULL; i++) {
            Want = EtwpWanted[i].Used ? NULL : &EtwpWanted[i];
        }
        if (Want == NULL) {
            EtwpRelease();
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    if (Want != NULL) {
        *Want = (ETWP_WANT){Enable, Level, *Guid, MatchAny, MatchAll};
        for (ULONG i = 0; i < ETWP_PROVIDERS; i++) {
            PETWP_PROVIDER Provider = &EtwpProviders[i];
            if ((Provider->Generation & 1) && RtlEqualMemory(&Provider->Guid, Guid, sizeof(GUID))) {
                EtwpTell(Provider, Enable ? Want : NULL);
            }
        }
    }
    EtwpRelease();
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL. The callback comes before this returns when the session waits for the provider. */
NTSTATUS EtwRegister(LPCGUID ProviderId, PETWENABLECALLBACK EnableCallback, PVOID CallbackContext,
                     PREGHANDLE RegHandle)
{
    PETWP_PROVIDER Provider = NULL;

    if (ProviderId == NULL || RegHandle == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    EtwpAcquire();
    for (ULONG i = 0; i < ETWP_PROVIDERS && Provider == NULL; i++) {
        Provider = EtwpProviders[i].Generation & 1 ? NULL : &EtwpProviders[i];
    }
    if (Provider == NULL) {
        EtwpRelease();
        return STATUS_NO_MEMORY;
    }
    Provider->Enabled = FALSE;
    Provider->Name[0] = 0;
    Provider->Guid = *ProviderId;
    Provider->Callback = EnableCallback;
    Provider->Context = CallbackContext;
    Provider->Caller = KI_RETURN_ADDRESS();
    Provider->Handle = RegHandle;
    Provider->Generation++;
    *RegHandle = EtwpHandleOf(Provider);
    PETWP_WANT Want = EtwpFindWanted(ProviderId);
    if (Want != NULL) {
        EtwpTell(Provider, Want);
    }
    EtwpRelease();
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL. No callback runs any more when this returns. */
NTSTATUS EtwUnregister(REGHANDLE RegHandle)
{
    NTSTATUS Status = STATUS_INVALID_HANDLE;
    EtwpAcquire();
    PETWP_PROVIDER Provider = EtwpReferenceHandle(RegHandle);
    if (Provider != NULL) {
        Provider->Enabled = FALSE;
        Provider->Generation++;
        Status = STATUS_SUCCESS;
    }
    EtwpRelease();
    return Status;
}

static BOOLEAN EtwpIsIn(PDRIVER_OBJECT Driver, const VOID *Address)
{
    return (ULONG_PTR)Address - (ULONG_PTR)Driver->DriverStart < Driver->DriverSize;
}

/*
 * Of a driver's are those that it registered, or that keep their handle in it: of a call that is a
 * routine's last act (a tail call) the return address is not the driver's.
 */
static PVOID EtwpPlaceIn(PDRIVER_OBJECT Driver, const ETWP_PROVIDER *Provider)
{
    if (EtwpIsIn(Driver, Provider->Caller)) {
        return KI_CALL_SITE(Provider->Caller);
    }
    if (Provider->Callback != NULL && EtwpIsIn(Driver, (PVOID)Provider->Callback)) {
        return (PVOID)Provider->Callback;
    }
    return EtwpIsIn(Driver, Provider->Handle) ? Provider->Handle : NULL;
}

VOID EtwpReportLeftProviders(PDRIVER_OBJECT Driver)
{
    for (ULONG i = 0; i < ETWP_PROVIDERS; i++) {
        PETWP_PROVIDER Provider = &EtwpProviders[i];
        PVOID Place = Provider->Generation & 1 ? EtwpPlaceIn(Driver, Provider) : NULL;
        if (Place != NULL) {
            IopReportFinding(IopFindingEtwRegistration,
                             "registered with ETW and not unregistered before the unload", Place);
            EtwUnregister(EtwpHandleOf(Provider));
        }
    }
}

/* The name that traits begin with; of what follows nothing is used. */
static NTSTATUS EtwpSetTraits(PETWP_PROVIDER Provider, const UCHAR *Traits, ULONG Length)
{
    if (Traits == NULL || Length < sizeof(USHORT) + 1 ||
        (ULONG)(Traits[0] | Traits[1] << 8) != Length || Traits[Length - 1] != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    _snprintf(Provider->Name, ETWP_NAME - 1, "%s", (PCSTR)Traits + sizeof(USHORT));
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL */
NTSTATUS EtwSetInformation(REGHANDLE RegHandle, EVENT_INFO_CLASS InformationClass,
                           PVOID EventInformation, ULONG InformationLength)
{
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    EtwpAcquire();
    PETWP_PROVIDER Provider = EtwpReferenceHandle(RegHandle);
    if (Provider == NULL) {
        Status = STATUS_INVALID_HANDLE;
    } else if (InformationClass == EventProviderSetTraits) {
        Status = EtwpSetTraits(Provider, EventInformation, InformationLength);
    } else if (InformationClass == EventProviderUseDescriptorType) {
        Status = InformationLength == 1 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    EtwpRelease();
    return Status;
}
