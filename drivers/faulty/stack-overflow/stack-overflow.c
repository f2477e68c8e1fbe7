/* SPDX-License-Identifier: MIT */
/* A recursion uses up the kernel stack. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD MazeUnload;
DRIVER_DISPATCH MazeCreate, MazeClose;
static ULONG MazeWalk(ULONG Depth);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, MazeUnload)
#pragma alloc_text(PAGE, MazeCreate)
#pragma alloc_text(PAGE, MazeWalk)

#define MAZE_DEPTH 1000

static ULONG MazeRooms;

static NTSTATUS MazeComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The mistake: a kernel stack has 24 KB, and each level takes more than 100 bytes of it. */
static DECLSPEC_NOINLINE ULONG MazeWalk(ULONG Depth)
{
    volatile ULONG Path[16];
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Path); Index++) {
        Path[Index] = Depth + Index;
    }
    return Depth < MAZE_DEPTH ? MazeWalk(Depth + 1) + Path[Depth % RTL_NUMBER_OF(Path)] : Depth;
}

NTSTATUS MazeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MazeRooms = MazeWalk(0);
    return MazeComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS MazeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return MazeComplete(Irp, STATUS_SUCCESS);
}

VOID MazeUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Maze");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MazeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MazeClose;
    DriverObject->DriverUnload = MazeUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
