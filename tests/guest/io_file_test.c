/* SPDX-License-Identifier: MIT */
/* Files on devices: open, cleanup, close, the transfer methods from user addresses. */
#include "io_test_driver.h"
#include "ps/psp.h"

static NTSTATUS OpenDevice(PCWSTR Path, KPROCESSOR_MODE Mode, PHANDLE Handle)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    return IopOpenFile(&Name, GENERIC_READ | GENERIC_WRITE, Mode, Handle);
}

GUEST_TEST(io_open_cleanup_close_come_in_order)
{
    HANDLE Handle;
    PFILE_OBJECT File;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    EXPECT_EQUAL(OpenDevice(L"\\device\\iotest\\some\\file", KernelMode, &Handle), STATUS_SUCCESS);
    EXPECT_EQUAL(wcscmp(IoTest.FileName, L"\\some\\file"), 0);
    EXPECT_EQUAL(IoTest.Device->ReferenceCount, 1);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, IoFileObjectType, KernelMode,
                                           (PVOID *)&File, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)File->DeviceObject, (ULONG_PTR)IoTest.Device);
    EXPECT_EQUAL(ZwClose(Handle), STATUS_SUCCESS);
    EXPECT_EQUAL(IoTest.Cleanups, 1);
    EXPECT_EQUAL(IoTest.Closes, 0);
    ObDereferenceObject(File);
    EXPECT_EQUAL(IoTest.Closes, 1);
    EXPECT_EQUAL(IoTest.Device->ReferenceCount, 0);
    IoTestUnload();
}

GUEST_TEST(io_failed_open_is_not_closed)
{
    HANDLE Handle;
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.CreateStatus = STATUS_SHARING_VIOLATION;
    EXPECT_EQUAL((ULONG)OpenDevice(IO_TEST_DEVICE, KernelMode, &Handle),
                 (ULONG)STATUS_SHARING_VIOLATION);
    EXPECT_EQUAL(IoTest.Creates, 1);
    EXPECT_EQUAL(IoTest.Cleanups + IoTest.Closes, 0);
    EXPECT_EQUAL(IoTest.Device->ReferenceCount, 0);
    IoTest.Device->Flags |= DO_DEVICE_INITIALIZING;
    EXPECT_EQUAL((ULONG)OpenDevice(IO_TEST_DEVICE, KernelMode, &Handle),
                 (ULONG)STATUS_NO_SUCH_DEVICE);
    EXPECT_EQUAL(IoTest.Creates, 1);
    IoTestUnload();
}

GUEST_TEST(io_exclusive_device_opens_once)
{
    HANDLE First, Second;
    if (!IoTestLoad(0, TRUE)) {
        return;
    }
    EXPECT_EQUAL(OpenDevice(IO_TEST_DEVICE, KernelMode, &First), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)OpenDevice(IO_TEST_DEVICE, KernelMode, &Second),
                 (ULONG)STATUS_ACCESS_DENIED);
    ZwClose(First);
    EXPECT_EQUAL(OpenDevice(IO_TEST_DEVICE, KernelMode, &Second), STATUS_SUCCESS);
    ZwClose(Second);
    IoTestUnload();
}

/* A device deleted while it is open stays until the close, and nobody opens it again. */
GUEST_TEST(io_deleted_device_waits_for_its_files)
{
    HANDLE Handle, Other;
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    EXPECT_EQUAL(OpenDevice(IO_TEST_DEVICE, KernelMode, &Handle), STATUS_SUCCESS);
    PDEVICE_OBJECT Device = IoTest.Device;
    IoDeleteDevice(Device);
    EXPECT_EQUAL((ULONG_PTR)IoTest.Driver->DeviceObject, (ULONG_PTR)Device);
    EXPECT_EQUAL((ULONG)OpenDevice(IO_TEST_DEVICE, KernelMode, &Other),
                 (ULONG)STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(Handle);
    EXPECT_EQUAL(IoTest.Closes, 1);
    EXPECT_EQUAL((ULONG_PTR)IoTest.Driver->DeviceObject, 0);
    IoTest.Device = NULL;
    IoTestUnload();
}

/* Each method adds 1 to every input byte and gives it back. */
static NTSTATUS IoTestAddOne(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG Length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    PUCHAR In = Irp->AssociatedIrp.SystemBuffer;
    PUCHAR Out = In;
    if (Length > Stack->Parameters.DeviceIoControl.OutputBufferLength) {
        return IoTestComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    if (METHOD_FROM_CTL_CODE(Code) == METHOD_OUT_DIRECT) {
        Out = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    } else if (METHOD_FROM_CTL_CODE(Code) == METHOD_NEITHER) {
        In = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        Out = Irp->UserBuffer;
        EXPECT_EQUAL(Irp->RequestorMode, UserMode);
        EXPECT_EQUAL(ExGetPreviousMode(), UserMode);
    }
    for (ULONG i = 0; i < Length; i++) {
        Out[i] = (UCHAR)(In[i] + 1);
    }
    return IoTestComplete(Irp, STATUS_SUCCESS, Length);
}

GUEST_TEST(io_transfer_methods_from_user_mode)
{
    static const ULONG Methods[] = {METHOD_BUFFERED, METHOD_OUT_DIRECT, METHOD_NEITHER};
    PEPROCESS Process;
    KAPC_STATE ApcState;
    IO_STATUS_BLOCK IoStatus;
    PUCHAR Base = NULL;
    HANDLE Handle;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Handle = IoTestAddOne;
    EXPECT_EQUAL(PspCreateProcess("client", &Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&Base, 4 * PAGE_SIZE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(OpenDevice(IO_TEST_DEVICE, UserMode, &Handle), STATUS_SUCCESS);
    for (ULONG m = 0; m < RTL_NUMBER_OF(Methods); m++) {
        ULONG Code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, Methods[m], FILE_ANY_ACCESS);
        PUCHAR In = Base + PAGE_SIZE - 50, Out = Base + 3 * PAGE_SIZE - 50; /* across pages */
        for (ULONG i = 0; i < 100; i++) {
            In[i] = (UCHAR)(i * 3);
            Out[i] = 0xee;
        }
        EXPECT_EQUAL(IopDeviceControlFile(Handle, Code, In, 100, Out, 100, &IoStatus),
                     STATUS_SUCCESS);
        EXPECT_EQUAL(IoStatus.Information, 100);
        for (ULONG i = 0; i < 100; i++) {
            EXPECT_EQUAL(Out[i], (UCHAR)(i * 3 + 1));
        }
        EXPECT_EQUAL((ULONG)IopDeviceControlFile(Handle, Code, In, 100, Out, 50, &IoStatus),
                     (ULONG)STATUS_BUFFER_TOO_SMALL);
    }
    KeUnstackDetachProcess(&ApcState);
    PspExitProcess(Process, STATUS_SUCCESS); /* closes the handle */
    ObDereferenceObject(Process);
    EXPECT_EQUAL(IoTest.Cleanups, 1);
    EXPECT_EQUAL(IoTest.Closes, 1);
    EXPECT_EQUAL(IoTest.Findings, 0);
    IoTestUnload();
}

GUEST_TEST(io_bad_user_addresses_never_reach_the_driver)
{
    ULONG Buffered = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS);
    ULONG Direct = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_OUT_DIRECT, FILE_ANY_ACCESS);
    static const ULONG_PTR Bad[] = {0x10, 0x00007ffffffefff0, 0x0000800000000000,
                                    0xfffff80000000000, 0xfffffffffffffff0};
    PEPROCESS Process;
    KAPC_STATE ApcState;
    IO_STATUS_BLOCK IoStatus;
    PUCHAR Base = NULL;
    HANDLE Handle;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Handle = NULL; /* a call would be fatal */
    EXPECT_EQUAL(PspCreateProcess("client", &Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&Base, PAGE_SIZE, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQUAL(OpenDevice(IO_TEST_DEVICE, UserMode, &Handle), STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL((ULONG)IopDeviceControlFile(Handle, Buffered, (PVOID)Bad[i], 32, Base, 32,
                                                 &IoStatus),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        EXPECT_EQUAL((ULONG)IopDeviceControlFile(Handle, Buffered, Base, 32, (PVOID)Bad[i], 32,
                                                 &IoStatus),
                     (ULONG)STATUS_ACCESS_VIOLATION);
        EXPECT_EQUAL((ULONG)IopDeviceControlFile(Handle, Direct, Base, 32, (PVOID)Bad[i], 32,
                                                 &IoStatus),
                     (ULONG)STATUS_ACCESS_VIOLATION);
    }
    KeUnstackDetachProcess(&ApcState);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
    IoTestUnload();
}

static NTSTATUS IoTestClaimTooMuch(PDEVICE_OBJECT Device, PIRP Irp)
{
    return IoTestComplete(Irp, STATUS_SUCCESS, 0x100000);
}

GUEST_TEST(io_information_larger_than_the_buffer_is_found)
{
    ULONG Code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS);
    UCHAR Buffer[16];
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Handle = IoTestClaimTooMuch;
    RtlInitUnicodeString(&Name, IO_TEST_DEVICE);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateFile(&Handle, GENERIC_READ | SYNCHRONIZE, &Attributes, &IoStatus, NULL, 0,
                              0, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Information, FILE_OPENED);
    EXPECT_EQUAL(ZwDeviceIoControlFile(Handle, NULL, NULL, NULL, &IoStatus, Code, NULL, 0, Buffer,
                                       sizeof(Buffer)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoTest.Findings, 1);
    EXPECT_EQUAL(IoTest.LastFinding, IopFindingBufferOverrun);
    ZwClose(Handle);
    IoTestUnload();
}

/* "A" with one byte of value in 12 bytes, "B" with none behind it. */
GUEST_TEST(io_lists_of_extended_attributes)
{
    DECLSPEC_ALIGN(8) UCHAR List[32] = {0};
    PFILE_FULL_EA_INFORMATION First = (PFILE_FULL_EA_INFORMATION)List;
    PFILE_FULL_EA_INFORMATION Second = (PFILE_FULL_EA_INFORMATION)(List + 12);
    ULONG Where = 99;

    *First = (FILE_FULL_EA_INFORMATION){12, 0, 1, 1, {'A'}};
    *Second = (FILE_FULL_EA_INFORMATION){0, 0, 1, 0, {'B'}};
    EXPECT_EQUAL(IoCheckEaBufferValidity(First, 22, &Where), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)IoCheckEaBufferValidity(First, 21, &Where),
                 (ULONG)STATUS_EA_LIST_INCONSISTENT);
    EXPECT_EQUAL(Where, 12);
    Second->EaName[1] = 'x'; /* no NUL */
    EXPECT_EQUAL((ULONG)IoCheckEaBufferValidity(First, 22, &Where),
                 (ULONG)STATUS_EA_LIST_INCONSISTENT);
    EXPECT_EQUAL(Where, 12);
    First->NextEntryOffset = 14; /* not a multiple of 4 */
    EXPECT_EQUAL((ULONG)IoCheckEaBufferValidity(First, 32, &Where),
                 (ULONG)STATUS_EA_LIST_INCONSISTENT);
    EXPECT_EQUAL(Where, 0);
    EXPECT_EQUAL((ULONG)IoCheckEaBufferValidity(First, 0, &Where),
                 (ULONG)STATUS_EA_LIST_INCONSISTENT);
}
