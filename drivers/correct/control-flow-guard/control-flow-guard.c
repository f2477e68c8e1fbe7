/* SPDX-License-Identifier: MIT */
/* Calls through pointers, guarded by the compiler and the linker. See README.md. */
#include <ntddk.h>
#include <pe.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD GuardUnload;
DRIVER_DISPATCH GuardCreateClose;
typedef ULONG GUARD_STEP(ULONG Value);
static GUARD_STEP GuardAdd, GuardDouble, GuardNegate, GuardTouch;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, GuardUnload)
#pragma alloc_text(PAGE, GuardCreateClose)
#pragma alloc_text(PAGE, GuardDouble)
#pragma alloc_text(PAGE, GuardNegate)

/* What the WDK's library has: the target is called, unchecked. clang puts it into rax. */
static __attribute__((naked)) VOID GuardDispatchDefault(VOID)
{
    __asm__ volatile("jmpq *%rax");
}

static VOID GuardCheckDefault(VOID)
{
}

VOID (*const __guard_dispatch_icall_fptr)(VOID) = GuardDispatchDefault;
VOID (*const __guard_check_icall_fptr)(VOID) = GuardCheckDefault;

/* The linker's: relative addresses of valid targets, how many, and what the table is like. */
extern UCHAR __guard_fids_table[], __guard_fids_count[], __guard_flags[];
extern UCHAR __guard_iat_table[], __guard_iat_count[], __guard_longjmp_table[],
    __guard_longjmp_count[];

/* GuardFlags takes the low half of an address that is an absolute value. */
typedef struct _GUARD_CONFIG {
    UCHAR Begin[offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardCFCheckFunctionPointer)];
    ULONG64 CheckFunctionPointer, DispatchFunctionPointer, FunctionTable, FunctionCount, Flags;
    ULONG64 CodeIntegrity; /* the rest of it */
    ULONG64 IatTable, IatCount, LongJumpTable, LongJumpCount;
} GUARD_CONFIG;
C_ASSERT(offsetof(GUARD_CONFIG, Flags) == offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardFlags));

const GUARD_CONFIG _load_config_used = {
    .Begin = {sizeof(GUARD_CONFIG)},
    .CheckFunctionPointer = (ULONG64)&__guard_check_icall_fptr,
    .DispatchFunctionPointer = (ULONG64)&__guard_dispatch_icall_fptr,
    .FunctionTable = (ULONG64)__guard_fids_table,
    .FunctionCount = (ULONG64)__guard_fids_count,
    .Flags = (ULONG64)__guard_flags,
    .IatTable = (ULONG64)__guard_iat_table,
    .IatCount = (ULONG64)__guard_iat_count,
    .LongJumpTable = (ULONG64)__guard_longjmp_table,
    .LongJumpCount = (ULONG64)__guard_longjmp_count,
};

static ULONG GuardTouched;

static ULONG GuardAdd(ULONG Value)
{
    return Value + 3;
}

static ULONG GuardDouble(ULONG Value)
{
    return Value * 2;
}

static ULONG GuardNegate(ULONG Value)
{
    return 0 - Value;
}

static ULONG GuardTouch(ULONG Value)
{
    GuardTouched = Value;
    return Value;
}

/* volatile: the compiler must not see which routines these are. */
static GUARD_STEP *volatile GuardSteps[] = {GuardAdd, GuardDouble, GuardNegate, GuardTouch};

static NTSTATUS GuardCall(VOID)
{
    ULONG Value = 4;
    ULONG Calls = 0;

    for (; Calls < RTL_NUMBER_OF(GuardSteps); Calls++) {
        Value = GuardSteps[Calls](Value);
    }
    DbgPrint("control-flow-guard: %u calls arrived\n", Calls);
    return GuardTouched == 0u - 14 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS GuardCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    NTSTATUS Status = GuardCall();
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID GuardUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, L"\\Device\\ControlFlowGuard");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = GuardCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GuardCreateClose;
    DriverObject->DriverUnload = GuardUnload;
    NTSTATUS Status = GuardCall();
    return NT_SUCCESS(Status) ? IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0,
                                               FALSE, &Device)
                              : Status;
}
