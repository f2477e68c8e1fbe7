/* SPDX-License-Identifier: MIT */
/* Services that drivers use one or two of: copies, debug filter, claims. See README.md. */
#include <ntifs.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SmallUnload;

#define TAG 'lamS'
#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

static ULONG_PTR SmallIrql(ULONG_PTR Argument)
{
    return KeGetCurrentIrql() + Argument;
}

#pragma code_seg("PAGE")

static NTSTATUS SmallCopies(VOID)
{
    ULONG Source = 0x12345678, Target = 0;
    MM_COPY_ADDRESS Address = {.VirtualAddress = &Source};
    SIZE_T Done = 9;

    PAGED_CODE();
    CHECK(MmCopyMemory(&Target, Address, 4, MM_COPY_MEMORY_VIRTUAL, &Done) == STATUS_SUCCESS);
    CHECK(Target == Source && Done == 4);
    Address.PhysicalAddress = MmGetPhysicalAddress(&Source);
    Target = 0;
    CHECK(MmCopyMemory(&Target, Address, 4, MM_COPY_MEMORY_PHYSICAL, &Done) == STATUS_SUCCESS);
    CHECK(Target == Source && Done == 4);
    CHECK(MmCopyMemory(&Target, Address, 4, 3, &Done) == STATUS_INVALID_PARAMETER_4 && Done == 0);
    Address.PhysicalAddress.QuadPart = 1ll << 44; /* no memory is there */
    CHECK(MmCopyMemory(&Target, Address, 4, MM_COPY_MEMORY_PHYSICAL, &Done) ==
          STATUS_PARTIAL_COPY && Done == 0);
    Address.VirtualAddress = (PVOID)0xffff900000000000ull;
    CHECK(MmCopyMemory(&Target, Address, 4, MM_COPY_MEMORY_VIRTUAL, &Done) ==
          STATUS_PARTIAL_COPY && Done == 0);
    CHECK(MmCopyVirtualMemory(PsGetCurrentProcess(), &Source, PsGetCurrentProcess(), &Target, 4,
                              KernelMode, &Done) == STATUS_SUCCESS && Done == 4);
    CHECK(MmCopyVirtualMemory(PsGetCurrentProcess(), &Source, PsGetCurrentProcess(), &Target, 4,
                              UserMode, &Done) == STATUS_ACCESS_VIOLATION && Done == 0);
    return STATUS_SUCCESS;
}

static NTSTATUS SmallMdl(VOID)
{
    PVOID Memory = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);

    PAGED_CODE();
    CHECK(Memory != NULL);
    PMDL Mdl = IoAllocateMdl(Memory, PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK(Mdl != NULL);
    NTSTATUS Unmapped = MmProtectMdlSystemAddress(Mdl, PAGE_READONLY);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    PULONG Mapped = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                                 NormalPagePriority);
    NTSTATUS Invalid = MmProtectMdlSystemAddress(Mdl, 0x77);
    NTSTATUS ReadOnly = MmProtectMdlSystemAddress(Mdl, PAGE_READONLY);
    ULONG Value = *Mapped; /* can still be read */
    NTSTATUS Writable = MmProtectMdlSystemAddress(Mdl, PAGE_READWRITE);
    *Mapped = Value;
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Memory, TAG);
    CHECK(Unmapped == STATUS_NOT_MAPPED_VIEW && Invalid == STATUS_INVALID_PAGE_PROTECTION);
    CHECK(ReadOnly == STATUS_SUCCESS && Writable == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* The system process has no user memory; wrong arguments come first. */
static NTSTATUS SmallVirtual(VOID)
{
    PVOID Base = NULL;
    SIZE_T Size = 1;
    MEMORY_BASIC_INFORMATION Basic;

    PAGED_CODE();
    CHECK(ZwAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Size, 0, PAGE_READWRITE) ==
          STATUS_INVALID_PARAMETER_5);
    CHECK(ZwAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Size, MEM_COMMIT, 0x77) ==
          STATUS_INVALID_PAGE_PROTECTION);
    CHECK(ZwAllocateVirtualMemory((HANDLE)0x7ffc, &Base, 0, &Size, MEM_COMMIT, PAGE_READWRITE) ==
          STATUS_INVALID_HANDLE);
    CHECK(ZwFreeVirtualMemory(NtCurrentProcess(), &Base, &Size, 3) == STATUS_INVALID_PARAMETER_4);
    CHECK(ZwFreeVirtualMemory(NtCurrentProcess(), &Base, &Size, MEM_RELEASE) ==
          STATUS_MEMORY_NOT_ALLOCATED);
    CHECK(ZwQueryVirtualMemory(NtCurrentProcess(), NULL, MemoryBasicInformation, &Basic, 47,
                               NULL) == STATUS_INFO_LENGTH_MISMATCH);
    CHECK(ZwQueryVirtualMemory(NtCurrentProcess(), NULL, (MEMORY_INFORMATION_CLASS)99, &Basic,
                               sizeof(Basic), NULL) == STATUS_INVALID_INFO_CLASS);
    return STATUS_SUCCESS;
}

static NTSTATUS SmallDebug(VOID)
{
    BOOLEAN Block = TRUE;
    ULONG Needed = 1;

    PAGED_CODE();
    CHECK(DbgQueryDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL) == TRUE);
    CHECK(DbgSetDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, FALSE) == STATUS_SUCCESS);
    CHECK(DbgQueryDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL) == FALSE);
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "line that must not be printed\n");
    CHECK(DbgSetDebugFilterState(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, TRUE) == STATUS_SUCCESS);
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "filtered once, and printed now\n");
    CHECK(DbgSetDebugFilterState(100000, 0, TRUE) == STATUS_INVALID_PARAMETER_1);
    if (!*KdDebuggerEnabled) {
        CHECK(KdChangeOption(KD_OPTION_SET_BLOCK_ENABLE, 1, &Block, 0, NULL, &Needed) ==
              STATUS_DEBUGGER_INACTIVE);
        CHECK(KdSystemDebugControl(8, NULL, 0, NULL, 0, &Needed, KernelMode) ==
              STATUS_DEBUGGER_INACTIVE);
    }
    NTSTATUS Status = ZwYieldExecution();
    CHECK(Status == STATUS_SUCCESS || Status == STATUS_NO_YIELD_PERFORMED);
    CHECK(KeIpiGenericCall(SmallIrql, 100) == 100 + IPI_LEVEL);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && KeInvalidateAllCaches());
    KeFlushEntireTb(TRUE, TRUE);
    return STATUS_SUCCESS;
}

static NTSTATUS SmallClaims(PDRIVER_OBJECT DriverObject)
{
    CM_RESOURCE_LIST List = {1, {{Isa, 0, {1, 1, 1, {{CmResourceTypePort}}}}}};
    BOOLEAN Conflict = TRUE;
    HANDLE First, Second;

    PAGED_CODE();
    List.List[0].PartialResourceList.PartialDescriptors[0].u.Port.Start.QuadPart = 0x60;
    List.List[0].PartialResourceList.PartialDescriptors[0].u.Port.Length = 1;
    CHECK(IoReportResourceUsage(NULL, DriverObject, &List, sizeof(List), NULL, NULL, 0, FALSE,
                                &Conflict) == STATUS_SUCCESS && !Conflict);
    CHECK(IoReportResourceUsage(NULL, DriverObject, &List, sizeof(List) - 1, NULL, NULL, 0, FALSE,
                                &Conflict) == STATUS_INVALID_PARAMETER);
    CHECK(IoReportResourceUsage(NULL, DriverObject, NULL, 0, NULL, NULL, 0, FALSE, &Conflict) ==
          STATUS_SUCCESS);
    CHECK(IoGetConfigurationInformation()->Version == sizeof(CONFIGURATION_INFORMATION));
    CHECK(HalAllocateHardwareCounters(NULL, 0, NULL, &First) == STATUS_SUCCESS);
    CHECK(HalAllocateHardwareCounters(NULL, 0, NULL, &Second) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(HalAllocateHardwareCounters(NULL, 1, NULL, &Second) == STATUS_INVALID_PARAMETER);
    CHECK(HalFreeHardwareCounters(First) == STATUS_SUCCESS);
    CHECK(HalFreeHardwareCounters(First) == STATUS_INVALID_PARAMETER);
    return STATUS_SUCCESS;
}

/* No server has made a port: no name and no handle leads to one. */
static NTSTATUS SmallPorts(VOID)
{
    UNICODE_STRING Nowhere = RTL_CONSTANT_STRING(L"\\RPC Control\\Nobody");
    UNICODE_STRING Directory = RTL_CONSTANT_STRING(L"\\Device");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Port = NULL, Event;

    PAGED_CODE();
    CHECK(!NT_SUCCESS(ZwConnectPort(&Port, &Nowhere, NULL, NULL, NULL, NULL, NULL, NULL)));
    CHECK(ZwConnectPort(&Port, &Directory, NULL, NULL, NULL, NULL, NULL, NULL) ==
          STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(Port == NULL);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE) ==
          STATUS_SUCCESS);
    CHECK(ZwRequestWaitReplyPort(Event, NULL, NULL) == STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(ZwClose(Event) == STATUS_SUCCESS);
    CHECK(ZwRequestWaitReplyPort(NULL, NULL, NULL) == STATUS_INVALID_HANDLE);
    return STATUS_SUCCESS;
}

VOID SmallUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = SmallUnload;
    NTSTATUS Status = SmallCopies();
    if (NT_SUCCESS(Status)) {
        Status = SmallMdl();
    }
    if (NT_SUCCESS(Status)) {
        Status = SmallVirtual();
    }
    if (NT_SUCCESS(Status)) {
        Status = SmallDebug();
    }
    if (NT_SUCCESS(Status)) {
        Status = SmallPorts();
    }
    return NT_SUCCESS(Status) ? SmallClaims(DriverObject) : Status;
}
