/* SPDX-License-Identifier: MIT */
/* Requests down and up a stack of three devices: completion routines, pending, buffers. */
#include "io_layer.h"

#define TAG 'tIoT'

static VOID WatchEverything(PTEST_LAYER Layer)
{
    Layer->Completion = LayerNote;
    Layer->OnSuccess = Layer->OnError = Layer->OnCancel = TRUE;
}

GUEST_TEST(io_completion_routines_run_from_the_bottom_up)
{
    IO_STATUS_BLOCK IoStatus = {{.Status = 0x55}, 0x55};

    LayerCreate();
    WatchEverything(&Layers.Middle);
    WatchEverything(&Layers.Top);
    Layers.Bottom.Information = 7;
    EXPECT_EQUAL(LayerSend(LAYER_CODE(METHOD_BUFFERED), NULL, 0, NULL, 0, &IoStatus),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbMT"), 0);
    EXPECT_EQUAL(IoStatus.Information, 7);
    EXPECT_EQUAL(IoStatus.Status, STATUS_SUCCESS);
    /* A routine is called with the device of the driver that set it. */
    EXPECT(Layers.Middle.SeenDevice == Layers.Middle.Device);
    EXPECT(Layers.Top.SeenDevice == Layers.Top.Device);
    EXPECT(!Layers.Top.PendingReturned);
    LayerDelete();
}

GUEST_TEST(io_completion_routine_is_called_for_what_it_asked)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};

    LayerCreate();
    WatchEverything(&Layers.Middle);
    WatchEverything(&Layers.Top);
    Layers.Middle.OnError = FALSE;
    Layers.Middle.OnCancel = FALSE;
    Layers.Top.OnSuccess = FALSE;
    EXPECT_EQUAL(LayerSend(LAYER_CODE(METHOD_BUFFERED), NULL, 0, NULL, 0, &IoStatus),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbM"), 0);
    /* An informational status is success, a warning is none. */
    Layers.Bottom.Status = STATUS_BUFFER_OVERFLOW;
    EXPECT_EQUAL((ULONG)LayerSend(LAYER_CODE(METHOD_BUFFERED), NULL, 0, NULL, 0, &IoStatus),
                 (ULONG)STATUS_BUFFER_OVERFLOW);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbMtmbT"), 0);
    EXPECT_EQUAL((ULONG)IoStatus.Status, (ULONG)STATUS_BUFFER_OVERFLOW);
    IoStatus.Status = 0x55;
    Layers.Bottom.Status = STATUS_UNSUCCESSFUL;
    EXPECT_EQUAL((ULONG)LayerSend(LAYER_CODE(METHOD_BUFFERED), NULL, 0, NULL, 0, &IoStatus),
                 (ULONG)STATUS_UNSUCCESSFUL);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbMtmbTtmbT"), 0);
    EXPECT_EQUAL((ULONG)Layers.Top.SeenStatus, (ULONG)STATUS_UNSUCCESSFUL);
    /* An error that the dispatch routine returned is the caller's: the block is not written. */
    EXPECT_EQUAL(IoStatus.Status, 0x55);
    LayerDelete();
}

/* The middle keeps the packet at completion, looks at it in its dispatch routine, and goes on. */
static NTSTATUS ForwardAndWait(PDEVICE_OBJECT Device, PIRP Irp)
{
    PTEST_LAYER Layer = LayerOf(Device);
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, LayerKeep, Layer, TRUE, TRUE, TRUE);
    IoCallDriver(Layer->Lower, Irp);
    EXPECT_EQUAL(KeWaitForSingleObject(&Layer->Event, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    EXPECT(Layer->Held == Irp);
    EXPECT(IoGetCurrentIrpStackLocation(Irp)->DeviceObject == Device);
    LayerLog('w');
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

GUEST_TEST(io_more_processing_required_stops_the_way_up)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};

    LayerCreate();
    Layers.Middle.Dispatch = ForwardAndWait;
    WatchEverything(&Layers.Top);
    Layers.Bottom.Status = STATUS_NO_MEMORY;
    Layers.Bottom.Information = 3;
    EXPECT_EQUAL(LayerSend(LAYER_CODE(METHOD_BUFFERED), NULL, 0, NULL, 0, &IoStatus),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbMwT"), 0);
    EXPECT_EQUAL((ULONG)Layers.Middle.SeenStatus, (ULONG)STATUS_NO_MEMORY);
    EXPECT_EQUAL(Layers.Top.SeenStatus, STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Information, 3);
    LayerDelete();
}

/* ---- pending ---- */

static KTIMER PendTimer;
static KDPC PendDpc;

static VOID PendExpired(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LayerLog('d');
    LayerComplete(&Layers.Bottom, Layers.Bottom.Held);
}

static NTSTATUS PendForTimer(PDEVICE_OBJECT Device, PIRP Irp)
{
    LARGE_INTEGER Due = {.QuadPart = 20 * TEST_MILLISECOND};

    IoMarkIrpPending(Irp);
    LayerOf(Device)->Held = Irp;
    KeInitializeDpc(&PendDpc, PendExpired, NULL);
    KeInitializeTimer(&PendTimer);
    KeSetTimer(&PendTimer, Due, &PendDpc);
    return STATUS_PENDING;
}

GUEST_TEST(io_pending_request_is_completed_by_a_dpc)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    CHAR Output[16] = "old old old old";

    LayerCreate();
    Layers.Bottom.Dispatch = PendForTimer;
    Layers.Bottom.Information = 5;
    WatchEverything(&Layers.Middle);
    EXPECT_EQUAL(LayerSend(LAYER_CODE(METHOD_BUFFERED), "input", 6, Output, sizeof(Output),
                           &IoStatus),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbdM"), 0);
    EXPECT(Layers.Middle.PendingReturned);
    EXPECT_EQUAL(Layers.Middle.SeenIrql, DISPATCH_LEVEL);
    EXPECT_EQUAL(IoStatus.Information, 5);
    /* As many bytes come back as Information says. */
    EXPECT_EQUAL(memcmp(Output, "inputld old old", 16), 0);
    LayerDelete();
}

GUEST_TEST(io_forward_synchronously_waits_for_the_dpc)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    PIRP Irp = IoAllocateIrp(4, FALSE);

    LayerCreate();
    Layers.Bottom.Dispatch = PendForTimer;
    Layers.Bottom.Status = STATUS_NOT_FOUND;
    /* A packet of a driver, with a location of its own. */
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    EXPECT(IoForwardIrpSynchronously(Layers.Top.Device, Irp));
    EXPECT_EQUAL((ULONG)Irp->IoStatus.Status, (ULONG)STATUS_NOT_FOUND);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbd"), 0);
    EXPECT_EQUAL(Irp->CurrentLocation, 4);
    EXPECT_EQUAL(IoStatus.Status, 0);
    IoFreeIrp(Irp);
    LayerDelete();
}

/* ---- buffers ---- */

typedef struct _SEEN_BUFFERS {
    PVOID System, Type3, User, Mapped;
    ULONG MdlBytes;
    CHAR Input[8];
} SEEN_BUFFERS;

static SEEN_BUFFERS Seen;

static NTSTATUS LookAtBuffers(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID Output;

    Seen.System = Irp->AssociatedIrp.SystemBuffer;
    Seen.Type3 = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
    Seen.User = Irp->UserBuffer;
    if (Irp->MdlAddress != NULL) {
        Seen.MdlBytes = MmGetMdlByteCount(Irp->MdlAddress);
        Seen.Mapped = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    BOOLEAN Neither =
        METHOD_FROM_CTL_CODE(Stack->Parameters.DeviceIoControl.IoControlCode) == METHOD_NEITHER;
    memcpy(Seen.Input, Neither ? Seen.Type3 : Seen.System, sizeof(Seen.Input));
    Output = Neither ? Seen.User : Seen.Mapped != NULL ? Seen.Mapped : Seen.System;
    if (METHOD_FROM_CTL_CODE(Stack->Parameters.DeviceIoControl.IoControlCode) !=
        METHOD_IN_DIRECT) {
        memcpy(Output, "answer!", 8);
    }
    return LayerComplete(LayerOf(Device), Irp);
}

/* Buffers in paged pool, out when the request is made, at an odd offset. */
static VOID SendBuffers(ULONG Method, PCHAR Input, PCHAR Output)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};

    RtlZeroMemory(&Seen, sizeof(Seen));
    memcpy(Input, "request", 8);
    memcpy(Output, "nothing", 8);
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(LayerSend(LAYER_CODE(Method), Input, 8, Output, 8, &IoStatus),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoStatus.Information, 8);
    EXPECT_EQUAL(memcmp(Seen.Input, "request", 8), 0);
    EXPECT_EQUAL(memcmp(Output, Method == METHOD_IN_DIRECT ? "nothing" : "answer!", 8), 0);
}

GUEST_TEST(io_control_methods_pass_buffers_as_documented)
{
    PCHAR Memory = ExAllocatePoolWithTag(PagedPool, 3 * PAGE_SIZE, TAG);
    PCHAR Input = Memory + 11, Output = Memory + 2 * PAGE_SIZE - 3; /* crosses a page */

    LayerCreate();
    Layers.Bottom.Dispatch = LookAtBuffers;
    Layers.Bottom.Information = 8;
    SendBuffers(METHOD_BUFFERED, Input, Output);
    EXPECT(Seen.System != NULL && Seen.System != Input && Seen.System != Output);
    EXPECT(Seen.User == Output && Seen.MdlBytes == 0);
    SendBuffers(METHOD_IN_DIRECT, Input, Output);
    EXPECT(Seen.System != NULL && Seen.System != Input);
    EXPECT_EQUAL(Seen.MdlBytes, 8);
    EXPECT_EQUAL(BYTE_OFFSET(Seen.Mapped), BYTE_OFFSET(Output));
    SendBuffers(METHOD_OUT_DIRECT, Input, Output);
    EXPECT_EQUAL(Seen.MdlBytes, 8);
    EXPECT(Seen.Mapped != Output);
    SendBuffers(METHOD_NEITHER, Input, Output);
    EXPECT(Seen.Type3 == Input && Seen.User == Output && Seen.System == NULL);
    LayerDelete();
    ExFreePoolWithTag(Memory, TAG);
}

/* ---- associated packets ---- */

#define PARTS 3

/* The top splits a request into three, which go to the middle. */
static NTSTATUS SplitRequest(PDEVICE_OBJECT Device, PIRP Irp)
{
    PTEST_LAYER Layer = LayerOf(Device);
    PIRP Parts[PARTS];

    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 33;
    Irp->AssociatedIrp.IrpCount = PARTS;
    for (ULONG i = 0; i < PARTS; i++) {
        Parts[i] = IoMakeAssociatedIrp(Irp, Layer->Lower->StackSize);
        EXPECT(Parts[i] != NULL);
        IoGetNextIrpStackLocation(Parts[i])->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    }
    for (ULONG i = 0; i < PARTS; i++) {
        IoCallDriver(Layer->Lower, Parts[i]);
        LayerLog((CHAR)('1' + i));
    }
    return STATUS_PENDING;
}

static PIRP PartsHeld[PARTS];
static ULONG HeldParts;

static NTSTATUS HoldPart(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    PartsHeld[HeldParts++] = Irp;
    return STATUS_PENDING;
}

GUEST_TEST(io_associated_requests_complete_their_master)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    KEVENT Event;

    LayerCreate();
    Layers.Top.Dispatch = SplitRequest;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    /* No buffer: AssociatedIrp counts the parts. */
    EXPECT_EQUAL(LayerSend(LAYER_CODE(METHOD_NEITHER), NULL, 0, NULL, 0, &IoStatus),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmb1mb2mb3"), 0);
    EXPECT_EQUAL(IoStatus.Information, 33);

    /* The parts are late: so is the master. */
    Layers.Bottom.Dispatch = HoldPart;
    HeldParts = 0;
    PIRP Irp = IoBuildDeviceIoControlRequest(LAYER_CODE(METHOD_NEITHER), Layers.Top.Device,
                                             NULL, 0, NULL, 0, FALSE, &Event, &IoStatus);
    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irp), STATUS_PENDING);
    for (ULONG i = 0; i < PARTS; i++) {
        EXPECT_EQUAL(Irp->AssociatedIrp.IrpCount, PARTS - i);
        EXPECT_EQUAL(KeReadStateEvent(&Event), 0);
        LayerComplete(&Layers.Bottom, PartsHeld[i]);
    }
    EXPECT_EQUAL(KeReadStateEvent(&Event), 1);
    LayerDelete();
}

/* ---- packets of drivers ---- */

static NTSTATUS FreeRequest(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    EXPECT(Device == NULL); /* the creator has no location */
    LayerLog('F');
    IoFreeIrp(Irp);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

GUEST_TEST(io_asynchronous_request_is_its_creators)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    LARGE_INTEGER Offset = {.QuadPart = 0x123456789}, Patience = {.QuadPart = TEST_PATIENCE};
    KEVENT Event;
    CHAR Buffer[32];

    LayerCreate();
    Layers.Bottom.Dispatch = PendForTimer;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, Layers.Top.Device, Buffer,
                                             sizeof(Buffer), &Offset, &IoStatus);
    EXPECT(Irp != NULL);
    EXPECT_EQUAL(IoGetNextIrpStackLocation(Irp)->Parameters.Read.ByteOffset.QuadPart,
                 Offset.QuadPart);
    EXPECT(Irp->UserBuffer == Buffer); /* neither buffered nor direct */
    IoSetCompletionRoutine(Irp, FreeRequest, &Event, TRUE, TRUE, TRUE);
    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irp), STATUS_PENDING);
    EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbdF"), 0);
    LayerDelete();
}

static NTSTATUS KeepRequest(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    LayerLog('K');
    return STATUS_MORE_PROCESSING_REQUIRED;
}

GUEST_TEST(io_request_is_used_again)
{
    LayerCreate();
    PIRP Irp = IoAllocateIrp(Layers.Top.Device->StackSize, FALSE);
    for (ULONG Round = 0; Round < 3; Round++) {
        IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
        IoSetCompletionRoutine(Irp, KeepRequest, NULL, TRUE, TRUE, TRUE);
        Layers.Bottom.Status = Round == 1 ? STATUS_DATA_ERROR : STATUS_SUCCESS;
        EXPECT_EQUAL((ULONG)IoCallDriver(Layers.Top.Device, Irp),
                     (ULONG)Layers.Bottom.Status);
        EXPECT_EQUAL((ULONG)Irp->IoStatus.Status, (ULONG)Layers.Bottom.Status);
        IoReuseIrp(Irp, STATUS_UNSUCCESSFUL);
        EXPECT_EQUAL((ULONG)Irp->IoStatus.Status, (ULONG)STATUS_UNSUCCESSFUL);
        EXPECT_EQUAL(Irp->CurrentLocation, 4);
    }
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbKtmbKtmbK"), 0);
    IoFreeIrp(Irp);
    LayerDelete();
}

GUEST_TEST(io_unknown_function_is_refused)
{
    LayerCreate();
    PIRP Irp = IoAllocateIrp(3, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_QUERY_INFORMATION;
    IoSetCompletionRoutine(Irp, KeepRequest, NULL, TRUE, TRUE, TRUE);
    EXPECT_EQUAL((ULONG)IoCallDriver(Layers.Top.Device, Irp),
                 (ULONG)STATUS_INVALID_DEVICE_REQUEST);
    EXPECT_EQUAL(strcmp(Layers.Log, "K"), 0);
    IoFreeIrp(Irp);
    LayerDelete();
}
