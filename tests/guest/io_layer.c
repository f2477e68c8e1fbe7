/* SPDX-License-Identifier: MIT */
#include "io_layer.h"

TEST_STACK Layers;

VOID LayerLog(CHAR What)
{
    LONG Place = InterlockedIncrement(&Layers.LogLength) - 1;
    if (Place < (LONG)sizeof(Layers.Log) - 1) {
        Layers.Log[Place] = What;
    }
}

PTEST_LAYER LayerOf(PDEVICE_OBJECT Device)
{
    return *(PTEST_LAYER *)Device->DeviceExtension;
}

static NTSTATUS LayerDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    PTEST_LAYER Layer = LayerOf(Device);
    LayerLog(Layer->Name);
    return Layer->Dispatch(Device, Irp);
}

static NTSTATUS LayerEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    Layers.Driver = Driver;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LayerDispatch;
    Driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = LayerDispatch;
    Driver->MajorFunction[IRP_MJ_READ] = LayerDispatch;
    return STATUS_SUCCESS;
}

static VOID LayerCreateLayer(PTEST_LAYER Layer, CHAR Name, PTEST_LAYER Below)
{
    Layer->Name = Name;
    KeInitializeEvent(&Layer->Event, SynchronizationEvent, FALSE);
    Layer->Dispatch = Below == NULL ? LayerCompleteNow : LayerForward;
    EXPECT_EQUAL(IoCreateDevice(Layers.Driver, sizeof(PTEST_LAYER), NULL,
                                FILE_DEVICE_UNKNOWN, 0, FALSE, &Layer->Device),
                 STATUS_SUCCESS);
    *(PTEST_LAYER *)Layer->Device->DeviceExtension = Layer;
    if (Below != NULL) {
        Layer->Lower = IoAttachDeviceToDeviceStack(Layer->Device, Below->Device);
        EXPECT(Layer->Lower == Below->Device);
    }
    Layer->Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

VOID LayerCreate(VOID)
{
    RtlZeroMemory(&Layers, sizeof(Layers));
    EXPECT_EQUAL(IoCreateDriver(NULL, LayerEntry), STATUS_SUCCESS);
    LayerCreateLayer(&Layers.Bottom, 'b', NULL);
    LayerCreateLayer(&Layers.Middle, 'm', &Layers.Bottom);
    LayerCreateLayer(&Layers.Top, 't', &Layers.Middle);
    EXPECT_EQUAL(Layers.Top.Device->StackSize, 3);
}

VOID LayerDelete(VOID)
{
    IoDetachDevice(Layers.Top.Lower);
    IoDetachDevice(Layers.Middle.Lower);
    IoDeleteDevice(Layers.Top.Device);
    IoDeleteDevice(Layers.Middle.Device);
    IoDeleteDevice(Layers.Bottom.Device);
    IoDeleteDriver(Layers.Driver);
}

NTSTATUS LayerComplete(PTEST_LAYER Layer, PIRP Irp)
{
    NTSTATUS Status = Layer->Status;
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Layer->Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS LayerCompleteNow(PDEVICE_OBJECT Device, PIRP Irp)
{
    return LayerComplete(LayerOf(Device), Irp);
}

NTSTATUS LayerForward(PDEVICE_OBJECT Device, PIRP Irp)
{
    PTEST_LAYER Layer = LayerOf(Device);
    if (Layer->Completion == NULL) {
        IoSkipCurrentIrpStackLocation(Irp);
    } else {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, Layer->Completion, Layer, Layer->OnSuccess, Layer->OnError,
                               Layer->OnCancel);
    }
    return IoCallDriver(Layer->Lower, Irp);
}

NTSTATUS LayerHold(PDEVICE_OBJECT Device, PIRP Irp)
{
    PTEST_LAYER Layer = LayerOf(Device);
    IoMarkIrpPending(Irp);
    Layer->Held = Irp;
    KeSetEvent(&Layer->Event, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
}

static VOID LayerSee(PDEVICE_OBJECT Device, PIRP Irp, PTEST_LAYER Layer)
{
    LayerLog((CHAR)(Layer->Name - 'a' + 'A'));
    Layer->PendingReturned = Irp->PendingReturned;
    Layer->SeenStatus = Irp->IoStatus.Status;
    Layer->SeenIrql = KeGetCurrentIrql();
    Layer->SeenDevice = Device;
}

NTSTATUS LayerNote(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    LayerSee(Device, Irp, Context);
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    return STATUS_CONTINUE_COMPLETION;
}

NTSTATUS LayerKeep(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PTEST_LAYER Layer = Context;
    LayerSee(Device, Irp, Layer);
    Layer->Held = Irp;
    KeSetEvent(&Layer->Event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS LayerSend(ULONG Code, PVOID Input, ULONG InputLength, PVOID Output, ULONG OutputLength,
                   PIO_STATUS_BLOCK IoStatus)
{
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildDeviceIoControlRequest(Code, Layers.Top.Device, Input, InputLength,
                                             Output, OutputLength, FALSE, &Event, IoStatus);
    EXPECT(Irp != NULL);
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = IoCallDriver(Layers.Top.Device, Irp);
    if (Status == STATUS_PENDING) {
        EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Patience),
                     STATUS_SUCCESS);
        Status = IoStatus->Status;
    }
    return Status;
}
