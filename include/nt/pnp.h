/* SPDX-License-Identifier: MIT */
/* Plug and play and power, as a driver sees them: notifications, device keys, power requests. */
#pragma once

#include "io.h"

typedef enum _IO_NOTIFICATION_EVENT_CATEGORY {
    EventCategoryReserved,
    EventCategoryHardwareProfileChange,
    EventCategoryDeviceInterfaceChange, /* data: GUID of the class */
    EventCategoryTargetDeviceChange,    /* data: FILE_OBJECT of a handle to the device */
    EventCategoryKernelSoftRestart,
} IO_NOTIFICATION_EVENT_CATEGORY;

#define PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES 0x1

/* What each notification begins with. */
typedef struct _PLUGPLAY_NOTIFICATION_HEADER {
    USHORT Version; /* 1 */
    USHORT Size;
    GUID Event;
} PLUGPLAY_NOTIFICATION_HEADER, *PPLUGPLAY_NOTIFICATION_HEADER;

typedef struct _DEVICE_INTERFACE_CHANGE_NOTIFICATION {
    USHORT Version;
    USHORT Size;
    GUID Event;
    GUID InterfaceClassGuid;
    PUNICODE_STRING SymbolicLinkName;
} DEVICE_INTERFACE_CHANGE_NOTIFICATION, *PDEVICE_INTERFACE_CHANGE_NOTIFICATION;

typedef struct _TARGET_DEVICE_REMOVAL_NOTIFICATION {
    USHORT Version;
    USHORT Size;
    GUID Event;
    PFILE_OBJECT FileObject;
} TARGET_DEVICE_REMOVAL_NOTIFICATION, *PTARGET_DEVICE_REMOVAL_NOTIFICATION;

typedef struct _TARGET_DEVICE_CUSTOM_NOTIFICATION {
    USHORT Version;
    USHORT Size;
    GUID Event;
    PFILE_OBJECT FileObject;
    LONG NameBufferOffset; /* in CustomDataBuffer, -1: no name */
    UCHAR CustomDataBuffer[1];
} TARGET_DEVICE_CUSTOM_NOTIFICATION, *PTARGET_DEVICE_CUSTOM_NOTIFICATION;

C_ASSERT(sizeof(PLUGPLAY_NOTIFICATION_HEADER) == 20);
C_ASSERT(sizeof(DEVICE_INTERFACE_CHANGE_NOTIFICATION) == 48);
C_ASSERT(offsetof(TARGET_DEVICE_REMOVAL_NOTIFICATION, FileObject) == 24);
C_ASSERT(offsetof(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer) == 36);

typedef NTSTATUS DRIVER_NOTIFICATION_CALLBACK_ROUTINE(PVOID NotificationStructure, PVOID Context);
typedef DRIVER_NOTIFICATION_CALLBACK_ROUTINE *PDRIVER_NOTIFICATION_CALLBACK_ROUTINE;
typedef VOID DEVICE_CHANGE_COMPLETE_CALLBACK(PVOID Context);
typedef DEVICE_CHANGE_COMPLETE_CALLBACK *PDEVICE_CHANGE_COMPLETE_CALLBACK;
typedef VOID REQUEST_POWER_COMPLETE(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                    POWER_STATE PowerState, PVOID Context,
                                    PIO_STATUS_BLOCK IoStatus);
typedef REQUEST_POWER_COMPLETE *PREQUEST_POWER_COMPLETE;
typedef NTSTATUS POWER_SETTING_CALLBACK(const GUID *SettingGuid, PVOID Value, ULONG ValueLength,
                                        PVOID Context);
typedef POWER_SETTING_CALLBACK *PPOWER_SETTING_CALLBACK;

/* IO_STACK_LOCATION.Parameters.Power.ShutdownType */
typedef enum _POWER_ACTION {
    PowerActionNone,
    PowerActionReserved,
    PowerActionSleep,
    PowerActionHibernate,
    PowerActionShutdown,
    PowerActionShutdownReset,
    PowerActionShutdownOff,
    PowerActionWarmEject
} POWER_ACTION, *PPOWER_ACTION;

#define DEVICE_INTERFACE_INCLUDE_NONACTIVE 0x1
#define PLUGPLAY_REGKEY_DEVICE 1
#define PLUGPLAY_REGKEY_DRIVER 2
#define PLUGPLAY_REGKEY_CURRENT_HWPROFILE 4

#define ES_SYSTEM_REQUIRED 0x1
#define ES_DISPLAY_REQUIRED 0x2
#define ES_USER_PRESENT 0x4
#define ES_CONTINUOUS 0x80000000u

typedef GUID DEVPROPGUID;
typedef ULONG DEVPROPID;
typedef ULONG DEVPROPTYPE, *PDEVPROPTYPE;
typedef struct _DEVPROPKEY {
    DEVPROPGUID fmtid;
    DEVPROPID pid;
} DEVPROPKEY, *PDEVPROPKEY;
C_ASSERT(sizeof(DEVPROPKEY) == 20);

#define DEVPROPID_FIRST_USABLE 2
#define PLUGPLAY_PROPERTY_PERSISTENT 0x1
#define DEVPROP_TYPE_EMPTY 0x0
#define DEVPROP_TYPE_UINT32 0x7
#define DEVPROP_TYPE_STRING 0x12
#define DEVPROP_TYPE_BINARY 0x1003

#ifdef _WIN32

/* As DEFINE_GUID with INITGUID would define them. */
#define PNP_GUID(name, a, b, c, ...) \
    __declspec(selectany) extern const GUID name = {a, b, c, {__VA_ARGS__}}
PNP_GUID(GUID_DEVICE_INTERFACE_ARRIVAL, 0xcb3a4004, 0x46f0, 0x11d0, 0xb0, 0x8f, 0x00, 0x60, 0x97,
         0x13, 0x05, 0x3f);
PNP_GUID(GUID_DEVICE_INTERFACE_REMOVAL, 0xcb3a4005, 0x46f0, 0x11d0, 0xb0, 0x8f, 0x00, 0x60, 0x97,
         0x13, 0x05, 0x3f);
PNP_GUID(GUID_TARGET_DEVICE_QUERY_REMOVE, 0xcb3a4006, 0x46f0, 0x11d0, 0xb0, 0x8f, 0x00, 0x60,
         0x97, 0x13, 0x05, 0x3f);
PNP_GUID(GUID_TARGET_DEVICE_REMOVE_CANCELLED, 0xcb3a4007, 0x46f0, 0x11d0, 0xb0, 0x8f, 0x00, 0x60,
         0x97, 0x13, 0x05, 0x3f);
PNP_GUID(GUID_TARGET_DEVICE_REMOVE_COMPLETE, 0xcb3a4008, 0x46f0, 0x11d0, 0xb0, 0x8f, 0x00, 0x60,
         0x97, 0x13, 0x05, 0x3f);
PNP_GUID(GUID_ACDC_POWER_SOURCE, 0x5d3e9a59, 0xe9d5, 0x4b00, 0xa6, 0xbd, 0xff, 0x34, 0xff, 0x51,
         0x65, 0x48);
PNP_GUID(GUID_MONITOR_POWER_ON, 0x02731015, 0x4510, 0x4526, 0x99, 0xe6, 0xe5, 0xa1, 0x7e, 0xbd,
         0x1a, 0xea);
PNP_GUID(GUID_CONSOLE_DISPLAY_STATE, 0x6fe69556, 0x704a, 0x47a0, 0x8f, 0x24, 0xc2, 0x8d, 0x93,
         0x6f, 0xda, 0x47);
PNP_GUID(GUID_BATTERY_PERCENTAGE_REMAINING, 0xa7ad8041, 0xb45a, 0x4cae, 0x87, 0xa3, 0xee, 0xcb,
         0xb4, 0x68, 0xa9, 0xe1);

/* All PASSIVE_LEVEL, where nothing else is said. */
/* IRP_MN_QUERY_PNP_DEVICE_STATE's answer, in IoStatus.Information. */
typedef ULONG PNP_DEVICE_STATE, *PPNP_DEVICE_STATE;
#define PNP_DEVICE_DISABLED 0x01u
#define PNP_DEVICE_DONT_DISPLAY_IN_UI 0x02u
#define PNP_DEVICE_FAILED 0x04u
#define PNP_DEVICE_REMOVED 0x08u
#define PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED 0x10u
#define PNP_DEVICE_NOT_DISABLEABLE 0x20u

NTSTATUS IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                        ULONG EventCategoryFlags, PVOID EventCategoryData,
                                        PDRIVER_OBJECT DriverObject,
                                        PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                        PVOID Context, PVOID *NotificationEntry);
NTSTATUS IoUnregisterPlugPlayNotification(PVOID NotificationEntry);
NTSTATUS IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry);
VOID IoInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type);
VOID IoInvalidateDeviceState(PDEVICE_OBJECT PhysicalDeviceObject);
NTSTATUS IoReportTargetDeviceChange(PDEVICE_OBJECT PhysicalDeviceObject,
                                    PVOID NotificationStructure);
/* <= DISPATCH_LEVEL */
NTSTATUS IoReportTargetDeviceChangeAsynchronous(PDEVICE_OBJECT PhysicalDeviceObject,
                                                PVOID NotificationStructure,
                                                PDEVICE_CHANGE_COMPLETE_CALLBACK Callback,
                                                PVOID Context);
NTSTATUS IoGetDeviceInterfaces(const GUID *InterfaceClassGuid, PDEVICE_OBJECT PhysicalDeviceObject,
                               ULONG Flags, PWSTR *SymbolicLinkList);
NTSTATUS IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                 ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey);
NTSTATUS IoOpenDeviceInterfaceRegistryKey(PUNICODE_STRING SymbolicLinkName,
                                          ACCESS_MASK DesiredAccess,
                                          PHANDLE DeviceInterfaceRegKey);

/* <= APC_LEVEL */
NTSTATUS IoSetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, ULONG Lcid,
                                 ULONG Flags, DEVPROPTYPE Type, ULONG Size, PVOID Data);
NTSTATUS IoSetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                          const DEVPROPKEY *PropertyKey, ULONG Lcid, ULONG Flags,
                                          DEVPROPTYPE Type, ULONG Size, PVOID Data);
NTSTATUS IoGetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                          const DEVPROPKEY *PropertyKey, ULONG Lcid, ULONG Flags,
                                          ULONG Size, PVOID Data, PULONG RequiredSize,
                                          PDEVPROPTYPE Type);
NTSTATUS IoGetDeviceInterfaceAlias(PUNICODE_STRING SymbolicLinkName,
                                   const GUID *AliasInterfaceClassGuid,
                                   PUNICODE_STRING AliasSymbolicLinkName);
NTSTATUS IoGetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, ULONG Lcid,
                                 ULONG Flags, ULONG Size, PVOID Data, PULONG RequiredSize,
                                 PDEVPROPTYPE Type);

/* <= DISPATCH_LEVEL */
NTSTATUS PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                           POWER_STATE PowerState, PREQUEST_POWER_COMPLETE CompletionFunction,
                           PVOID Context, PIRP *Irp);
POWER_STATE PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type,
                            POWER_STATE State);
/* <= APC_LEVEL */
PVOID PoRegisterSystemState(PVOID StateHandle, ULONG Flags);
VOID PoUnregisterSystemState(PVOID StateHandle);
NTSTATUS PoRegisterPowerSettingCallback(PDEVICE_OBJECT DeviceObject, const GUID *SettingGuid,
                                        PPOWER_SETTING_CALLBACK Callback, PVOID Context,
                                        PVOID *Handle);
NTSTATUS PoUnregisterPowerSettingCallback(PVOID Handle);

#endif
