/* SPDX-License-Identifier: MIT */
/*
 * The round trip of an empty device control request, built, sent, completed at once by the driver
 * and freed with its I/O completion, against the bare call of the driver's routine with a request
 * that is there already.
 */
#include "bench/bench.h"
#include "tests/guest/io_test_driver.h"

#define ROUND_TRIPS 2000
#define EMPTY_CODE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_NEITHER, FILE_ANY_ACCESS)

static NTSTATUS EmptyRequest(PDEVICE_OBJECT Device, PIRP Irp)
{
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
