/* SPDX-License-Identifier: MIT */
/*
 * The round trip of an empty device control request, built, sent, completed at once by the driver
 * and freed with its I/O completion, against the bare call of the driver's routine with a request
 * that is there already. And the same from a program in ring 3, by system call and handle, against
 * the same service called by kernel mode.
 */
#include "bench/bench.h"
#include "tests/guest/io_test_driver.h"
#include "tests/guest/ring3.h"
#include "wire/system_service.h"

#define ROUND_TRIPS 2000
#define USER_TRIPS 500 /* of a batch; the start and end of its thread count too */
#define EMPTY_CODE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_NEITHER, FILE_ANY_ACCESS)

static ULONG EmptyRequests;

static NTSTATUS EmptyRequest(PDEVICE_OBJECT Device, PIRP Irp)
{
    EmptyRequests++;
    return IoTestComplete(Irp, STATUS_SUCCESS, 0);
}

__attribute__((noinline)) static NTSTATUS BareRoutine(PDEVICE_OBJECT Device, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    return STATUS_SUCCESS;
}

static ULONG64 BareCalls(VOID)
{
    NTSTATUS (*volatile Routine)(PDEVICE_OBJECT, PIRP) = BareRoutine;
    PIRP Irp = IoAllocateIrp(IoTest.Device->StackSize, FALSE);
    ULONG64 Start = KiReadTimeStampCounter();
    for (ULONG i = 0; i < ROUND_TRIPS; i++) {
        Routine(IoTest.Device, Irp);
    }
    ULONG64 Spent = KiReadTimeStampCounter() - Start;
    IoFreeIrp(Irp);
    return BenchNanoseconds(Spent, ROUND_TRIPS);
}

GUEST_TEST(bench_7_irp_round_trip)
{
    KEVENT Event;
    IO_STATUS_BLOCK Result;
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Handle = EmptyRequest;
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    ULONG64 Start = KiReadTimeStampCounter();
    for (ULONG i = 0; i < ROUND_TRIPS; i++) {
        PIRP Irp = IoBuildDeviceIoControlRequest(EMPTY_CODE, IoTest.Device, NULL, 0, NULL, 0,
                                                 FALSE, &Event, &Result);
        EXPECT(Irp != NULL);
        EXPECT_EQUAL(IoCallDriver(IoTest.Device, Irp), STATUS_SUCCESS);
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    ULONG64 Spent = BenchNanoseconds(KiReadTimeStampCounter() - Start, ROUND_TRIPS);
    BenchReport("IRP round trip, empty ioctl", Spent, BareCalls());
    IoTestUnload();
}

extern const UCHAR Ring3Repeat[];

/* What a request needs to be known by, in the order of NtDeviceIoControlFile's arguments. */
static VOID PutCall(RING3 *Test, HANDLE File)
{
    ULONG64 Arguments[] = {(ULONG64)File, 0, 0, 0, (ULONG64)Test->Page + 0x80, EMPTY_CODE};
    Ring3Put(Test, 0, USER_TRIPS);
    Ring3Put(Test, 0x10, SERVICE_NtDeviceIoControlFile);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Arguments); i++) {
        Ring3Put(Test, 0x20 + 8 * i, Arguments[i]);
    }
}

static ULONG64 KernelCalls(HANDLE File)
{
    IO_STATUS_BLOCK Result;
    ULONG64 Start = KiReadTimeStampCounter();
    for (ULONG i = 0; i < USER_TRIPS; i++) {
        EXPECT_EQUAL(ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Result, EMPTY_CODE, NULL, 0,
                                           NULL, 0),
                     STATUS_SUCCESS);
    }
    return BenchNanoseconds(KiReadTimeStampCounter() - Start, USER_TRIPS);
}

GUEST_TEST(bench_8_ring_3_round_trip)
{
    static UNICODE_STRING Name = RTL_CONSTANT_STRING(IO_TEST_DEVICE);
    RING3 Test;
    HANDLE File;
    ULONG64 User[BENCH_BATCHES], Kernel[BENCH_BATCHES];
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Handle = EmptyRequest;
    Ring3Create(&Test);
    Ring3Attach(&Test);
    EXPECT_EQUAL(IopOpenFile(&Name, GENERIC_READ | GENERIC_WRITE, UserMode, &File),
                 STATUS_SUCCESS);
    Ring3Detach(&Test);
    PutCall(&Test, File);
    EmptyRequests = 0;
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        Ring3Attach(&Test);
        Kernel[b] = KernelCalls(File);
        Ring3Detach(&Test);
        ULONG64 Start = KiReadTimeStampCounter();
        EXPECT_EQUAL(Ring3Run(&Test, Ring3Repeat), RING3_EXIT);
        User[b] = BenchNanoseconds(KiReadTimeStampCounter() - Start, USER_TRIPS);
        EXPECT_EQUAL(Ring3Get(&Test, 0x18), STATUS_SUCCESS);
    }
    EXPECT_EQUAL(EmptyRequests, 2 * BENCH_BATCHES * USER_TRIPS);
    BenchReport("ioctl round trip from ring 3", BenchMedian(User, BENCH_BATCHES),
                BenchMedian(Kernel, BENCH_BATCHES));
    Ring3Delete(&Test);
    IoTestUnload();
}
