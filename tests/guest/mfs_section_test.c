/* SPDX-License-Identifier: MIT */
/* Sections of files: read by real requests, written back, images laid out; and what is refused. */
#include "mfs_test.h"
#include "nt/cc.h"
#include "ps/psp.h"

#include "lib/pe_image.h"

#define BYTES 9000u
#define PATH L"\\??\\C:\\section"

static NTSTATUS MakeSection(HANDLE File, LONGLONG Size, ULONG Protect, ULONG Attributes,
                            PHANDLE Section)
{
    OBJECT_ATTRIBUTES ObjectAttributes;
    LARGE_INTEGER Maximum = {.QuadPart = Size};
    InitializeObjectAttributes(&ObjectAttributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateSection(Section, SECTION_ALL_ACCESS, &ObjectAttributes,
                           Size != 0 ? &Maximum : NULL, Protect, Attributes, File);
}

static NTSTATUS Map(HANDLE Section, ULONG Protect, PVOID *Base, PSIZE_T Size)
{
    *Base = NULL;
    *Size = 0;
    return ZwMapViewOfSection(Section, NtCurrentProcess(), Base, 0, 0, NULL, Size, ViewUnmap, 0,
                              Protect);
}

/* A process of its own, for its user addresses. */
static PEPROCESS Process;
static KAPC_STATE ApcState;

static VOID Enter(VOID)
{
    EXPECT_EQUAL(PspCreateProcess("section", &Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
}

static VOID Leave(VOID)
{
    KeUnstackDetachProcess(&ApcState);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
}

GUEST_TEST(mfs_section_reads_and_writes_its_file)
{
    HANDLE File, Section;
    PUCHAR Text = ExAllocatePoolWithTag(PagedPool, BYTES, 'tseT');
    PVOID Base;
    SIZE_T Size;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Offset = {.QuadPart = 5000};

    for (ULONG i = 0; i < BYTES; i++) {
        Text[i] = (UCHAR)(i * 7);
    }
    MfsTestWriteWhole(PATH, (PCSTR)Text, BYTES);
    EXPECT_EQUAL(MfsTestCreate(PATH, MFS_TEST_ACCESS, FILE_OPEN,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MakeSection(File, 0, PAGE_READWRITE, SEC_COMMIT, &Section), STATUS_SUCCESS);
    Enter();
    EXPECT_EQUAL(Map(Section, PAGE_READWRITE, &Base, &Size), STATUS_SUCCESS);
    EXPECT_EQUAL(Size, 3 * PAGE_SIZE);
    EXPECT(RtlEqualMemory(Base, Text, BYTES));
    ((PUCHAR)Base)[5000] = 0xee;
    ZwClose(Section);
    EXPECT_EQUAL(ZwUnmapViewOfSection(NtCurrentProcess(), Base), STATUS_SUCCESS);
    Leave();
    EXPECT_EQUAL(ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Text, 1, &Offset, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Text[0], 0xee);
    EXPECT_EQUAL(MfsTestSize(File), BYTES);
    /* A larger section makes the file longer when it may be written, and only then. */
    EXPECT_EQUAL((ULONG)MakeSection(File, 20000, PAGE_READONLY, SEC_COMMIT, &Section),
                 (ULONG)STATUS_SECTION_TOO_BIG);
    EXPECT_EQUAL(MakeSection(File, 20000, PAGE_READWRITE, SEC_COMMIT, &Section), STATUS_SUCCESS);
    EXPECT_EQUAL(MfsTestSize(File), 20000);
    ZwClose(Section);
    ZwClose(File);
    ExFreePoolWithTag(Text, 'tseT');
}

GUEST_TEST(mfs_section_refuses_what_it_cannot)
{
    HANDLE File, Section;
    EXPECT_EQUAL(MfsTestCreate(PATH, MFS_TEST_ACCESS, FILE_CREATE, FILE_DELETE_ON_CLOSE, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)MakeSection(File, 0, PAGE_READONLY, SEC_COMMIT, &Section),
                 (ULONG)STATUS_MAPPED_FILE_SIZE_ZERO);
    EXPECT_EQUAL((ULONG)MakeSection(File, 0, PAGE_READONLY, SEC_IMAGE, &Section),
                 (ULONG)STATUS_INVALID_IMAGE_FORMAT);
    EXPECT_EQUAL((ULONG)MakeSection(File, -1, PAGE_READWRITE, SEC_COMMIT, &Section),
                 (ULONG)STATUS_INVALID_PARAMETER_4);
    EXPECT_EQUAL((ULONG)MakeSection(File, 1ll << 40, PAGE_READWRITE, SEC_COMMIT, &Section),
                 (ULONG)STATUS_SECTION_TOO_BIG);
    EXPECT_EQUAL((ULONG)MakeSection(NULL, 4096, PAGE_READWRITE, SEC_IMAGE, &Section),
                 (ULONG)STATUS_INVALID_FILE_FOR_SECTION);
    EXPECT_EQUAL((ULONG)MakeSection(File, 0, PAGE_READONLY, SEC_IMAGE | SEC_COMMIT, &Section),
                 (ULONG)STATUS_INVALID_PARAMETER_6);
    ZwClose(File);
    EXPECT_EQUAL(MfsTestCreate(L"\\SystemRoot", FILE_READ_DATA, FILE_OPEN, 0, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)MakeSection(File, 0, PAGE_READONLY, SEC_COMMIT, &Section),
                 (ULONG)STATUS_INVALID_FILE_FOR_SECTION);
    ZwClose(File);
    EXPECT_EQUAL((ULONG)MakeSection((HANDLE)0x7ffffff0, 0, PAGE_READONLY, SEC_COMMIT, &Section),
                 (ULONG)STATUS_INVALID_HANDLE);
}

/* As drivers look up the kernel's exports: from its file, mapped as an image. */
GUEST_TEST(mfs_section_of_an_image)
{
    HANDLE File, Section;
    PVOID Base;
    SIZE_T Size;
    PE_IMAGE Image;
    PE_ERROR Error;
    uint32_t Rva = 0;

    EXPECT_EQUAL(MfsTestCreate(L"\\SystemRoot\\System32\\ntoskrnl.exe", FILE_READ_DATA, FILE_OPEN,
                               0, &File),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MakeSection(File, 0, PAGE_EXECUTE_READ, SEC_IMAGE, &Section), STATUS_SUCCESS);
    ZwClose(File);
    Enter();
    EXPECT_EQUAL(Map(Section, PAGE_READONLY, &Base, &Size), STATUS_IMAGE_NOT_AT_BASE);
    EXPECT(PeMappedOpen(&Image, Base, Size, &Error));
    EXPECT(PeImageFindExport(&Image, "ZwCreateFile", &Rva, &Error));
    EXPECT(RtlEqualMemory((PUCHAR)Base + Rva, (PVOID)ZwCreateFile, 16));
    EXPECT_EQUAL(ZwUnmapViewOfSection(NtCurrentProcess(), Base), STATUS_SUCCESS);
    Leave();
    ZwClose(Section);
}

GUEST_TEST(mfs_nothing_is_cached)
{
    SECTION_OBJECT_POINTERS Pointers = {0};
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 7};

    CcFlushCache(&Pointers, NULL, 0, &IoStatus);
    EXPECT(IoStatus.Status == STATUS_SUCCESS && IoStatus.Information == 0);
    CcFlushCache(&Pointers, NULL, 0, NULL);
    EXPECT(CcPurgeCacheSection(&Pointers, NULL, 0, 0));
}
