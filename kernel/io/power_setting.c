/* SPDX-License-Identifier: MIT */
/*
 * Power setting callbacks. The machine runs from the mains with its display on, and none of that
 * changes: a callback for a setting it knows is called once, soon after it is registered, from a
 * worker; others are never called. Unregistering waits for a call under way.
 */
#include "io/power.h"

typedef struct _IOP_POWER_SETTING {
    LIST_ENTRY Links;
    EX_RUNDOWN_REF Rundown; /* held by the call to come */
    WORK_QUEUE_ITEM Work;
    GUID Setting;
    ULONG Value;
    PPOWER_SETTING_CALLBACK Callback;
    PVOID Context;
} IOP_POWER_SETTING, *PIOP_POWER_SETTING;

static LIST_ENTRY IopPowerSettings = {&IopPowerSettings, &IopPowerSettings};
static FAST_MUTEX IopPowerSettingLock;

VOID IopInitializePowerSettings(VOID)
{
    ExInitializeFastMutex(&IopPowerSettingLock);
}

static VOID IopCallPowerSetting(PVOID Context)
{
    PIOP_POWER_SETTING Setting = Context;
    Setting->Callback(&Setting->Setting, &Setting->Value, sizeof(Setting->Value),
                      Setting->Context);
    ExReleaseRundownProtection(&Setting->Rundown);
}

static BOOLEAN IopPowerSettingValue(const GUID *Setting, PULONG Value)
{
    static const struct {
        const GUID *Setting;
        ULONG Value;
    } Known[] = {
        {&GUID_ACDC_POWER_SOURCE, 0}, /* PoAc */
        {&GUID_MONITOR_POWER_ON, 1},
        {&GUID_CONSOLE_DISPLAY_STATE, 1},
        {&GUID_BATTERY_PERCENTAGE_REMAINING, 100},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Known); i++) {
        if (RtlEqualMemory(Known[i].Setting, Setting, sizeof(GUID))) {
            *Value = Known[i].Value;
            return TRUE;
        }
    }
    return FALSE;
}

NTSTATUS PoRegisterPowerSettingCallback(PDEVICE_OBJECT DeviceObject, const GUID *SettingGuid,
                                        PPOWER_SETTING_CALLBACK Callback, PVOID Context,
                                        PVOID *Handle)
{
    if (SettingGuid == NULL || Callback == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    PIOP_POWER_SETTING New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), IO_TAG_WORK);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *New = (IOP_POWER_SETTING){.Setting = *SettingGuid, .Callback = Callback, .Context = Context};
    ExInitializeRundownProtection(&New->Rundown);
    ExAcquireFastMutex(&IopPowerSettingLock);
    InsertTailList(&IopPowerSettings, &New->Links);
    ExReleaseFastMutex(&IopPowerSettingLock);
    if (Handle != NULL) {
        *Handle = New;
    }
    if (IopPowerSettingValue(SettingGuid, &New->Value)) {
        NT_VERIFY(ExAcquireRundownProtection(&New->Rundown));
        ExInitializeWorkItem(&New->Work, IopCallPowerSetting, New);
        ExQueueWorkItem(&New->Work, DelayedWorkQueue);
    }
    return STATUS_SUCCESS;
}

/* STATUS_INVALID_PARAMETER: Handle is none. */
NTSTATUS PoUnregisterPowerSettingCallback(PVOID Handle)
{
    PIOP_POWER_SETTING Found = NULL;
    ExAcquireFastMutex(&IopPowerSettingLock);
    for (PLIST_ENTRY Entry = IopPowerSettings.Flink; Entry != &IopPowerSettings;
         Entry = Entry->Flink) {
        if (CONTAINING_RECORD(Entry, IOP_POWER_SETTING, Links) == Handle) {
            Found = Handle;
            RemoveEntryList(Entry);
            break;
        }
    }
    ExReleaseFastMutex(&IopPowerSettingLock);
    if (Found == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    ExWaitForRundownProtectionRelease(&Found->Rundown);
    ExFreePoolWithTag(Found, IO_TAG_WORK);
    return STATUS_SUCCESS;
}
