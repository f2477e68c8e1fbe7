/* SPDX-License-Identifier: MIT */
/*
 * The volume at its limits: what a request asks that the services do not let through but a driver's
 * own packet may, what is refused whole and not in part, names and directories at their bounds.
 */
#include "mfs_test.h"

#include "mfs/mfs.h"

/* A packet that a driver has built, to the stack of File, and waited for. */
static NTSTATUS Transfer(HANDLE File, ULONG Major, PVOID Buffer, ULONG Length, LONGLONG At,
                         PULONG_PTR Information)
{
    LARGE_INTEGER Offset = {.QuadPart = At};
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    PFILE_OBJECT Object;
    KEVENT Event;

    EXPECT_EQUAL(ObReferenceObjectByHandle(File, 0, IoFileObjectType, KernelMode,
                                           (PVOID *)&Object, NULL),
                 STATUS_SUCCESS);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(Major, IoGetRelatedDeviceObject(Object), Buffer,
                                            Length, &Offset, &Event, &IoStatus);
    EXPECT(Irp != NULL);
    IoGetNextIrpStackLocation(Irp)->FileObject = Object;
    if (IofCallDriver(IoGetRelatedDeviceObject(Object), Irp) == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    ObDereferenceObject(Object);
    *Information = IoStatus.Information;
    return IoStatus.Status;
}

/* An offset below 0 is none, whatever the length would make of it. */
GUEST_TEST(mfs_packets_with_offsets_below_zero)
{
    static const LONGLONG Bad[] = {-16, -3, -4096, INT64_MIN, INT64_MIN + 1};
    CHAR Text[32] = "0123456789abcdef0123456789abcde";
    ULONG_PTR Information;
    HANDLE File;

    MfsTestWriteWhole(L"\\??\\C:\\below", "whole", 5);
    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\below", MFS_TEST_ACCESS, FILE_OPEN,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_WRITE, Text, sizeof(Text), Bad[i], &Information),
                     (ULONG)STATUS_INVALID_PARAMETER);
        EXPECT_EQUAL(Information, 0);
        EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_READ, Text, sizeof(Text), Bad[i], &Information),
                     (ULONG)STATUS_INVALID_PARAMETER);
    }
    EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_WRITE, Text, sizeof(Text), INT64_MAX, &Information),
                 (ULONG)STATUS_INVALID_PARAMETER); /* its end is behind the largest offset */
    EXPECT_EQUAL((ULONG)Transfer(File, IRP_MJ_READ, Text, sizeof(Text), INT64_MAX, &Information),
                 (ULONG)STATUS_END_OF_FILE);
    EXPECT_EQUAL(MfsTestSize(File), 5);
    EXPECT_EQUAL(Transfer(File, IRP_MJ_READ, Text, sizeof(Text), 0, &Information),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Information, 5);
    EXPECT(RtlEqualMemory(Text, "whole", 5));
    ZwClose(File);
}

/* The position of a file without buffering is a multiple of the sector's bytes. */
GUEST_TEST(mfs_position_of_an_unbuffered_file)
{
    DECLSPEC_ALIGN(512) UCHAR Sector[MFS_SECTOR_BYTES] = {1};
    FILE_POSITION_INFORMATION Position;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Odd = {.QuadPart = 1}, Zero = {.QuadPart = 0};
    HANDLE File;

    EXPECT_EQUAL(MfsTestCreate(L"\\??\\C:\\unbuffered",
                               FILE_READ_DATA | FILE_WRITE_DATA | DELETE, FILE_CREATE,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_NO_INTERMEDIATE_BUFFERING |
                                   FILE_DELETE_ON_CLOSE,
                               &File),
                 STATUS_SUCCESS);
    Position.CurrentByteOffset.QuadPart = 1;
    EXPECT_EQUAL((ULONG)ZwSetInformationFile(File, &IoStatus, &Position, sizeof(Position),
                                             FilePositionInformation),
                 (ULONG)STATUS_INVALID_PARAMETER);
    Position.CurrentByteOffset.QuadPart = -512;
    EXPECT_EQUAL((ULONG)ZwSetInformationFile(File, &IoStatus, &Position, sizeof(Position),
                                             FilePositionInformation),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Sector, 511, &Zero, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Sector, 512, &Odd, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Sector, 512, &Zero, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestSize(File), 512);
    ZwClose(File);
}
