/* SPDX-License-Identifier: MIT */
/* A provider of events: Etw... routines, good, bad and at their limits. See README.md. */
#include <ntddk.h>

#define TRACE_CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_TRACE_CHECK TRACE_CODE(0x800) /* every routine; the session wants nothing, or all */
#define IOCTL_TRACE_WRITE TRACE_CODE(0x801) /* events of each level, at several IRQLs */
#define IOCTL_TRACE_CALLS TRACE_CODE(0x802) /* out: TRACE_CALLS */

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TraceUnload;
DRIVER_DISPATCH TraceCreateClose, TraceDeviceControl;
ETWENABLECALLBACK TraceEnabled;

#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

/* What the callback was told last, and how often. */
typedef struct _TRACE_CALLS {
    ULONG Calls, ControlCode, Level, Wrong;
    ULONGLONG Any, All;
} TRACE_CALLS;

static const GUID TraceGuid = {
    0x6f3f0a51, 0x2b0c, 0x4f5e, {0x8d, 0x11, 0x90, 0x2a, 0x44, 0x5c, 0x16, 0x73}};
static REGHANDLE TraceHandle;
static KSPIN_LOCK TraceLock;
static ULONG TraceNumber; /* nonpaged: written as data at DISPATCH_LEVEL */

#pragma data_seg("PAGEDATA")
static TRACE_CALLS TraceSeen = {0};
#pragma data_seg()

#pragma code_seg("PAGE")

VOID TraceEnabled(LPCGUID SourceId, ULONG ControlCode, UCHAR Level, ULONGLONG MatchAnyKeyword,
                  ULONGLONG MatchAllKeyword, PEVENT_FILTER_DESCRIPTOR FilterData,
                  PVOID CallbackContext)
{
    PAGED_CODE();
    TraceSeen.Calls++;
    TraceSeen.ControlCode = ControlCode;
    TraceSeen.Level = Level;
    TraceSeen.Any = MatchAnyKeyword;
    TraceSeen.All = MatchAllKeyword;
    TraceSeen.Wrong += SourceId == NULL || CallbackContext != &TraceSeen || KeAreApcsDisabled();
}

/* [EtwRegister, EtwUnregister, EtwSetInformation] */
static NTSTATUS TraceRegistration(VOID)
{
    static const struct {
        USHORT Size;
        CHAR Name[6];
    } Traits = {sizeof(Traits), "Other"};
    GUID Guid = {1, 2, 3, {4}};
    EVENT_DESCRIPTOR Event = {.Id = 1, .Level = 4};
    REGHANDLE Handle = 0, Second = 0;

    PAGED_CODE();
    CHECK(EtwRegister(NULL, NULL, NULL, &Handle) == STATUS_INVALID_PARAMETER);
    CHECK(EtwRegister(&Guid, NULL, NULL, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(EtwRegister(&Guid, NULL, NULL, &Handle) == STATUS_SUCCESS && Handle != 0);
    CHECK(EtwRegister(&Guid, NULL, NULL, &Second) == STATUS_SUCCESS && Second != Handle);
    CHECK(EtwSetInformation(Handle, EventProviderSetTraits, (PVOID)&Traits, sizeof(Traits)) ==
          STATUS_SUCCESS);
    CHECK(EtwSetInformation(Handle, EventProviderSetTraits, (PVOID)&Traits, sizeof(Traits) - 1) ==
          STATUS_INVALID_PARAMETER);
    CHECK(EtwSetInformation(Handle, EventProviderBinaryTrackInfo, NULL, 0) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(!EtwEventEnabled(Handle, &Event) && !EtwProviderEnabled(Handle, 0, 0));
    CHECK(EtwWrite(Handle, &Event, NULL, 0, NULL) == STATUS_SUCCESS); /* nobody wants it */
    CHECK(EtwUnregister(Handle) == STATUS_SUCCESS && EtwUnregister(Second) == STATUS_SUCCESS);
    CHECK(EtwUnregister(Handle) == STATUS_INVALID_HANDLE);
    CHECK(EtwUnregister(0) == STATUS_INVALID_HANDLE && EtwUnregister(~0ull) ==
          STATUS_INVALID_HANDLE);
    CHECK(EtwWrite(Handle, &Event, NULL, 0, NULL) == STATUS_INVALID_HANDLE);
    CHECK(EtwWriteString(Handle, 4, 0, NULL, L"late") == STATUS_INVALID_HANDLE);
    CHECK(EtwSetInformation(Handle, EventProviderSetTraits, (PVOID)&Traits, sizeof(Traits)) ==
          STATUS_INVALID_HANDLE);
    CHECK(!EtwEventEnabled(Handle, &Event) && !EtwProviderEnabled(Handle, 4, 1));
    return STATUS_SUCCESS;
}

/* [EtwActivityIdControl] */
static NTSTATUS TraceActivity(VOID)
{
    static const GUID Zero;
    GUID Mine, First, Second;

    PAGED_CODE();
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_GET_ID, &Mine) == STATUS_SUCCESS);
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_CREATE_ID, &First) == STATUS_SUCCESS);
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_CREATE_ID, &Second) == STATUS_SUCCESS);
    CHECK(!RtlEqualMemory(&First, &Second, sizeof(GUID)));
    CHECK(!RtlEqualMemory(&First, &Zero, sizeof(GUID)));
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_SET_ID, &First) == STATUS_SUCCESS);
    Second = Zero;
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_GET_SET_ID, &Second) == STATUS_SUCCESS);
    CHECK(RtlEqualMemory(&Second, &First, sizeof(GUID)));
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_CREATE_SET_ID, &Second) == STATUS_SUCCESS);
    CHECK(RtlEqualMemory(&Second, &Zero, sizeof(GUID)));
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_GET_ID, &Second) == STATUS_SUCCESS);
    CHECK(!RtlEqualMemory(&Second, &Zero, sizeof(GUID)));
    CHECK(EtwActivityIdControl(0, &Second) == STATUS_INVALID_PARAMETER);
    CHECK(EtwActivityIdControl(EVENT_ACTIVITY_CTRL_GET_ID, NULL) == STATUS_INVALID_PARAMETER);
    return EtwActivityIdControl(EVENT_ACTIVITY_CTRL_SET_ID, &Mine);
}

/* What a session says that wants level 4 and less, of keywords 2 and 4 each with 4. [EtwWrite] */
static NTSTATUS TraceFilter(VOID)
{
    EVENT_DESCRIPTOR Event = {.Id = 7, .Level = 4, .Keyword = 4};
    BOOLEAN On = TraceSeen.ControlCode == EVENT_CONTROL_CODE_ENABLE_PROVIDER;

    PAGED_CODE();
    CHECK(EtwEventEnabled(TraceHandle, &Event) == On);
    CHECK(EtwProviderEnabled(TraceHandle, 4, 6) == On);
    CHECK(EtwProviderEnabled(TraceHandle, 1, 0) == On);
    CHECK(!EtwProviderEnabled(TraceHandle, 5, 4));
    CHECK(!EtwProviderEnabled(TraceHandle, 4, 2)); /* not with 4 */
    CHECK(!EtwProviderEnabled(TraceHandle, 4, 8));
    Event.Level = 5;
    CHECK(!EtwEventEnabled(TraceHandle, &Event));
    return EtwWrite(TraceHandle, &Event, NULL, 0, NULL); /* which is not shown */
}

static NTSTATUS TraceBad(VOID)
{
    EVENT_DESCRIPTOR Event = {.Id = 8, .Level = 1};
    EVENT_DATA_DESCRIPTOR Data[2];

    PAGED_CODE();
    CHECK(EtwWrite(TraceHandle, NULL, NULL, 0, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(EtwWrite(TraceHandle, &Event, NULL, 1, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(EtwWrite(TraceHandle, &Event, NULL, MAX_EVENT_DATA_DESCRIPTORS + 1, Data) ==
          STATUS_INVALID_PARAMETER);
    CHECK(EtwWriteString(TraceHandle, 1, 0, NULL, NULL) == STATUS_INVALID_PARAMETER);
    if (TraceSeen.ControlCode == EVENT_CONTROL_CODE_ENABLE_PROVIDER) {
        EventDataDescCreate(&Data[0], &Event, 0x8000);
        EventDataDescCreate(&Data[1], &Event, 0x8000);
        CHECK(EtwWrite(TraceHandle, &Event, NULL, 2, Data) == STATUS_INTEGER_OVERFLOW);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS TraceCheck(VOID)
{
    PAGED_CODE();
    NTSTATUS Status = TraceRegistration();
    if (NT_SUCCESS(Status)) {
        Status = TraceActivity();
    }
    if (NT_SUCCESS(Status)) {
        Status = TraceFilter();
    }
    return NT_SUCCESS(Status) ? TraceBad() : Status;
}

#pragma code_seg()

/* "If IRQL is higher than APC_LEVEL, the data must be nonpaged." [EtwWrite] */
static NTSTATUS TraceWrite(VOID)
{
    static const GUID Activity = {0xac, 1, 2, {3}};
    EVENT_DESCRIPTOR Event = {.Id = 20, .Version = 1, .Level = 4, .Opcode = 2, .Task = 3,
                              .Keyword = 4};
    EVENT_DATA_DESCRIPTOR Data[2];
    KIRQL OldIrql;
    PUCHAR Large = ExAllocatePoolWithTag(PagedPool, 9000, 'carT');

    if (Large == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlFillMemory(Large, 9000, 0x41);
    TraceNumber = 0x11223344;
    EventDataDescCreate(&Data[0], &TraceNumber, sizeof(TraceNumber));
    EventDataDescCreate(&Data[1], Large, 9000);
    NTSTATUS Status = EtwWrite(TraceHandle, &Event, NULL, 2, Data);
    Event.Id++;
    KeAcquireSpinLock(&TraceLock, &OldIrql);
    Status |= EtwWriteTransfer(TraceHandle, &Event, &Activity, &Activity, 1, Data);
    KeReleaseSpinLock(&TraceLock, OldIrql);
    Event.Id++;
    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    Status |= EtwWrite(TraceHandle, &Event, NULL, 1, Data);
    KeLowerIrql(OldIrql);
    Status |= EtwWriteString(TraceHandle, 3, 4, NULL, L"a string of the driver's");
    Event.Id++;
    Status |= EtwWriteEx(TraceHandle, &Event, 1, 0, NULL, NULL, 1, Data); /* not for this session */
    ExFreePoolWithTag(Large, 'carT');
    return Status == STATUS_SUCCESS ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS TraceDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    Irp->IoStatus.Information = 0;
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_TRACE_CHECK: Status = TraceCheck(); break;
    case IOCTL_TRACE_WRITE: Status = TraceWrite(); break;
    case IOCTL_TRACE_CALLS:
        Status = STATUS_BUFFER_TOO_SMALL;
        if (Stack->Parameters.DeviceIoControl.OutputBufferLength >= sizeof(TraceSeen)) {
            *(TRACE_CALLS *)Irp->AssociatedIrp.SystemBuffer = TraceSeen;
            Irp->IoStatus.Information = sizeof(TraceSeen);
            Status = STATUS_SUCCESS;
        }
        break;
    default: break;
    }
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

#pragma code_seg("PAGE")

NTSTATUS TraceCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID TraceUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    EtwUnregister(TraceHandle);
    IoDeleteDevice(DriverObject->DeviceObject);
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const struct {
        USHORT Size;
        CHAR Name[14];
    } Traits = {sizeof(Traits), "Sample.Tracer"};
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\TraceProvider");
    PDEVICE_OBJECT Device;

    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = EtwRegister(&TraceGuid, TraceEnabled, &TraceSeen, &TraceHandle);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    EtwSetInformation(TraceHandle, EventProviderSetTraits, (PVOID)&Traits, sizeof(Traits));
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TraceCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TraceCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = TraceDeviceControl;
    DriverObject->DriverUnload = TraceUnload;
    return STATUS_SUCCESS;
}
