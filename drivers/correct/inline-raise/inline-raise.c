/* SPDX-License-Identifier: MIT */
/* Raises and lowers the IRQL by inline writes of CR8, from all registers. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SampleUnload;
DRIVER_DISPATCH SampleCreate, SampleClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SampleUnload)

static LONG OpenCount; /* nonpaged: it is changed at DISPATCH_LEVEL */

/*
 * Writes CR8 from the register with this name and reads back what it got. The registers that the
 * compiler itself may need are saved around.
 */
#define SET_AND_CHECK(reg, level)                                                       \
    do {                                                                                \
        ULONG64 Level_ = (level), Read_;                                                \
        __asm__ volatile("movq %1, %%rax; pushq %%" #reg "; movq %%rax, %%" #reg        \
                         "; movq %%" #reg ", %%cr8; popq %%" #reg "; movq %%cr8, %0"    \
                         : "=r"(Read_)                                                  \
                         : "r"(Level_)                                                  \
                         : "rax", "memory");                                            \
        if (Read_ != Level_) {                                                          \
            return FALSE;                                                               \
        }                                                                               \
    } while (0)

/* Up and down with each register that can be the operand and is not the stack pointer. */
static BOOLEAN SampleTryRegisters(VOID)
{
    SET_AND_CHECK(rcx, DISPATCH_LEVEL);
    SET_AND_CHECK(rdx, APC_LEVEL);
    SET_AND_CHECK(rbx, DISPATCH_LEVEL);
    SET_AND_CHECK(rbp, HIGH_LEVEL);
    SET_AND_CHECK(rsi, DISPATCH_LEVEL);
    SET_AND_CHECK(rdi, PASSIVE_LEVEL);
    SET_AND_CHECK(r8, APC_LEVEL);
    SET_AND_CHECK(r9, DISPATCH_LEVEL);
    SET_AND_CHECK(r10, SYNCH_LEVEL);
    SET_AND_CHECK(r11, DISPATCH_LEVEL);
    SET_AND_CHECK(r12, APC_LEVEL);
    SET_AND_CHECK(r13, DISPATCH_LEVEL);
    SET_AND_CHECK(r14, APC_LEVEL);
    SET_AND_CHECK(r15, PASSIVE_LEVEL);
    return TRUE;
}

NTSTATUS SampleCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG64 OldIrql = KeGetCurrentIrql();
    ULONG64 Dispatch = DISPATCH_LEVEL;
    __asm__ volatile("movq %0, %%cr8" : : "r"(Dispatch) : "memory");
    OpenCount++;
    __asm__ volatile("movq %0, %%cr8" : : "r"(OldIrql) : "memory");
    Irp->IoStatus.Status = SampleTryRegisters() ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    Irp->IoStatus.Information = 0;
    NTSTATUS Status = Irp->IoStatus.Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS SampleClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID SampleUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\InlineRaise");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SampleCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SampleClose;
    DriverObject->DriverUnload = SampleUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
