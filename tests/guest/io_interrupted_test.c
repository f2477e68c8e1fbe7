/* SPDX-License-Identifier: MIT */
/* Waits for requests on synchronous files: what ends them, and what does not. */
#include "io_test_driver.h"
#include "ring3.h"
#include "wire/system_service.h"

extern const UCHAR Ring3Calls[];

static PIRP volatile HeldRead;
static ULONG CancelledReads;

static VOID CancelRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    CancelledReads++;
    IoTestComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS HoldRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction != IRP_MJ_READ) {
        return IoTestComplete(Irp, STATUS_SUCCESS, 0);
    }
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CancelRead);
    HeldRead = Irp;
    return STATUS_PENDING;
}

static BOOLEAN LoadHolder(VOID)
{
    HeldRead = NULL;
    CancelledReads = 0;
    if (!IoTestLoad(0, FALSE)) {
        return FALSE;
    }
    IoTest.Handle = HoldRead;
    return TRUE;
}

static NTSTATUS OpenHolder(ULONG Attributes, ULONG Options, PHANDLE File)
{
    static UNICODE_STRING Name = RTL_CONSTANT_STRING(IO_TEST_DEVICE);
    OBJECT_ATTRIBUTES ObjectAttributes;
    IO_STATUS_BLOCK IoStatus;

    InitializeObjectAttributes(&ObjectAttributes, &Name, Attributes, NULL, NULL);
    return ZwOpenFile(File, GENERIC_READ | SYNCHRONIZE, &ObjectAttributes, &IoStatus,
                      FILE_SHARE_READ, Options);
}

/* The read is in the driver's hands and its thread waits. */
static VOID AwaitRead(PKTHREAD Thread)
{
    TEST_AWAIT(HeldRead != NULL && Thread->State == Waiting);
}

/* Nobody has cancelled it: the driver is done with it. */
static VOID FinishRead(VOID)
{
    IoSetCancelRoutine(HeldRead, NULL);
    IoTestComplete(HeldRead, STATUS_SUCCESS, 0);
}

GUEST_TEST(io_request_of_a_thread_that_is_ended_is_cancelled)
{
    RING3 Test;
    HANDLE File = NULL;

    if (!LoadHolder()) {
        return;
    }
    Ring3Create(&Test);
    Ring3Attach(&Test);
    EXPECT_EQUAL(OpenHolder(0, FILE_SYNCHRONOUS_IO_NONALERT, &File), STATUS_SUCCESS);
    Ring3Detach(&Test);
    Ring3Put(&Test, 0, 1);
    Ring3Put(&Test, 0x10, SERVICE_NtReadFile);
    Ring3Put(&Test, 0x20, (ULONG64)File);
    Ring3Put(&Test, 0x40, (ULONG64)Test.Page + 0x800); /* IoStatusBlock */
    Ring3Put(&Test, 0x48, (ULONG64)Test.Page + 0x900); /* Buffer, Length */
    Ring3Put(&Test, 0x50, 16);
    PETHREAD Thread = Ring3Start(&Test, Ring3Calls);
    AwaitRead(&Thread->Tcb);
    EXPECT(!PsIsThreadTerminating(Thread));
    EXPECT_EQUAL(PspTerminateThread(Thread, STATUS_TIMEOUT), STATUS_SUCCESS);
    EXPECT(PsIsThreadTerminating(Thread));
    TestSettle();
    EXPECT_EQUAL(CancelledReads, 1);
    if (CancelledReads == 0) {
        FinishRead();
    }
    EXPECT_EQUAL((ULONG)Ring3Join(Thread), (ULONG)STATUS_TIMEOUT);
    Ring3Delete(&Test);
    IoTestUnload();
}

typedef struct _ALERTED_READ {
    ULONG Options;
    NTSTATUS Status;
    BOOLEAN AlertLeft;
} ALERTED_READ;

static VOID ReadOnce(PVOID Context)
{
    ALERTED_READ *Read = Context;
    IO_STATUS_BLOCK IoStatus;
    HANDLE File;
    UCHAR Buffer[16];

    EXPECT_EQUAL(OpenHolder(OBJ_KERNEL_HANDLE, Read->Options, &File), STATUS_SUCCESS);
    Read->Status = ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Buffer, sizeof(Buffer), NULL,
                              NULL);
    EXPECT_EQUAL((ULONG)IoStatus.Status, (ULONG)Read->Status);
    Read->AlertLeft = KeTestAlertThread(KernelMode);
    ZwClose(File);
}

/* FILE_SYNCHRONOUS_IO_ALERT: "any wait is subject to premature termination from alerts". */
GUEST_TEST(io_alert_ends_a_wait_on_a_file_opened_for_it)
{
    static const ULONG Options[] = {FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT};

    for (ULONG i = 0; i < RTL_NUMBER_OF(Options); i++) {
        ALERTED_READ Read = {.Options = Options[i]};
        if (!LoadHolder()) {
            return;
        }
        PKTHREAD Thread = TestStartThread(ReadOnce, &Read);
        AwaitRead(Thread);
        EXPECT(!KeAlertThread(Thread, KernelMode));
        TestSettle();
        EXPECT_EQUAL(CancelledReads, i == 0 ? 1 : 0);
        if (CancelledReads == 0) {
            FinishRead();
        }
        TestJoinThread(Thread);
        EXPECT_EQUAL((ULONG)Read.Status, (ULONG)(i == 0 ? STATUS_CANCELLED : STATUS_SUCCESS));
        EXPECT_EQUAL(Read.AlertLeft, i != 0);
        IoTestUnload();
    }
}
