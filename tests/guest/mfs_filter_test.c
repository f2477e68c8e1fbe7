/* SPDX-License-Identifier: MIT */
/* A filter above the volume sees the requests on its files; who opens below it does not show. */
#include "mfs_test.h"

static struct {
    PDRIVER_OBJECT Driver;
    PDEVICE_OBJECT Device, Lower;
    LONG Seen[IRP_MJ_MAXIMUM_FUNCTION + 1];
    NTSTATUS ReadStatus; /* not success: reads end here with it */
} Filter;

static NTSTATUS FilterDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    UCHAR Major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
    InterlockedIncrement(&Filter.Seen[Major]);
    if (Major == IRP_MJ_READ && !NT_SUCCESS(Filter.ReadStatus)) {
        Irp->IoStatus.Status = Filter.ReadStatus;
        Irp->IoStatus.Information = 0;
        IofCompleteRequest(Irp, IO_NO_INCREMENT);
        return Filter.ReadStatus;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IofCallDriver(Filter.Lower, Irp);
}

static NTSTATUS FilterEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    Filter.Driver = Driver;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        Driver->MajorFunction[i] = FilterDispatch;
    }
    return STATUS_SUCCESS;
}

/* As file system filters do it: the volume by a file on it, flags of the device below. */
static BOOLEAN FilterAttach(VOID)
{
    HANDLE File;
    PFILE_OBJECT Object;
    RtlZeroMemory(&Filter, sizeof(Filter));
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\", FILE_READ_ATTRIBUTES, FILE_OPEN, 0, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(File, 0, IoFileObjectType, KernelMode,
                                           (PVOID *)&Object, NULL),
                 STATUS_SUCCESS);
    PDEVICE_OBJECT Volume = IoGetRelatedDeviceObject(Object);
    EXPECT_EQUAL(IoCreateDriver(NULL, FilterEntry), STATUS_SUCCESS);
    EXPECT_EQUAL(IoCreateDevice(Filter.Driver, 0, NULL, Volume->DeviceType, 0, FALSE,
                                &Filter.Device),
                 STATUS_SUCCESS);
    Filter.Device->Flags |= Volume->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO);
    EXPECT_EQUAL(IoAttachDeviceToDeviceStackSafe(Filter.Device, Volume, &Filter.Lower),
                 STATUS_SUCCESS);
    Filter.Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    EXPECT_EQUAL((ULONG_PTR)IoGetRelatedDeviceObject(Object), (ULONG_PTR)Filter.Device);
    PDEVICE_OBJECT Base = IoGetDeviceAttachmentBaseRef(Filter.Device);
    EXPECT_EQUAL((ULONG_PTR)Base, (ULONG_PTR)IoGetBaseFileSystemDeviceObject(Object));
    ObDereferenceObject(Base);
    ObDereferenceObject(Object);
    ZwClose(File); /* its cleanup and close go through the filter already */
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_CLEANUP], 1);
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_CLOSE], 1);
    RtlZeroMemory(Filter.Seen, sizeof(Filter.Seen));
    return Filter.Lower != NULL;
}

static VOID FilterDetach(VOID)
{
    IoDetachDevice(Filter.Lower);
    IoDeleteDevice(Filter.Device);
    IoDeleteDriver(Filter.Driver);
}

GUEST_TEST(mfs_filter_sees_requests)
{
    HANDLE File;
    IO_STATUS_BLOCK IoStatus;
    CHAR Byte;
    LARGE_INTEGER Start = {.QuadPart = 0};

    if (!FilterAttach()) {
        return;
    }
    MfsTestWriteWhole(L"\\??\\C:\\filtered", "x", 1);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\filtered", MFS_TEST_ACCESS, FILE_OPEN,
                               FILE_SYNCHRONOUS_IO_NONALERT, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, &Byte, 1, &Start, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Byte, 'x');
    Filter.ReadStatus = STATUS_ACCESS_DENIED;
    EXPECT_EQUAL((ULONG)ZwReadFile(File, NULL, NULL, NULL, &IoStatus, &Byte, 1, &Start, NULL),
                 (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(MfsTestSize(File), 1);
    ZwClose(File);
    EXPECT_EQUAL(MfsTestDelete(L"\\??\\C:\\filtered"), STATUS_SUCCESS);
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_CREATE], 3);
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_WRITE], 1);
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_READ], 2);
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_QUERY_INFORMATION], 1);
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_CLEANUP], 3);
    EXPECT_EQUAL(Filter.Seen[IRP_MJ_CLOSE], 3);
    FilterDetach();
}

static NTSTATUS OpenWithHint(PVOID Device, PHANDLE File)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\SystemRoot\\System32\\ntoskrnl.exe");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return IoCreateFileSpecifyDeviceObjectHint(
        File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &IoStatus, NULL, 0, FILE_SHARE_READ,
        FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0, 0, NULL, IO_IGNORE_SHARE_ACCESS_CHECK,
        Device);
}

GUEST_TEST(mfs_hint_opens_below_a_filter)
{
    HANDLE File, Exclusive;
    IO_STATUS_BLOCK IoStatus;
    CHAR Byte = 0;

    if (!FilterAttach()) {
        return;
    }
    MfsTestShare = 0;
    EXPECT_EQUAL(MfsTestCreate(L"\\SystemRoot\\System32\\ntoskrnl.exe", FILE_READ_DATA, FILE_OPEN,
                               0, &Exclusive),
                 STATUS_SUCCESS);
    MfsTestShare = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    RtlZeroMemory(Filter.Seen, sizeof(Filter.Seen));
    EXPECT_EQUAL(OpenWithHint(Filter.Lower, &File), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, &Byte, 1, NULL, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Byte, 'M');
    ZwClose(File);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        EXPECT_EQUAL(Filter.Seen[i], 0);
    }
    ZwClose(Exclusive);
    FilterDetach();
    /* A device that is not in the volume's stack. */
    PDEVICE_OBJECT Other = NULL;
    EXPECT_EQUAL(IoCreateDriver(NULL, FilterEntry), STATUS_SUCCESS);
    EXPECT_EQUAL(IoCreateDevice(Filter.Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Other),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)OpenWithHint(Other, &File),
                 (ULONG)STATUS_INVALID_DEVICE_OBJECT_PARAMETER);
    IoDeleteDevice(Other);
    IoDeleteDriver(Filter.Driver);
}
