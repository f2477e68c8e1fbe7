/* SPDX-License-Identifier: MIT */
/*
 * Sections and views: memory that two processes share, \Device\PhysicalMemory, MDLs mapped into a
 * process; their arguments; and nothing left when handles, views or processes go in any order.
 */
#include "ps/psp.h"
#include "test.h"

#include "mm/mi.h"
#include "nt/rtl.h"

#define TAG 'wVmT'
#define VIEW_PAGES 20
#define VIEW_BYTES (VIEW_PAGES * PAGE_SIZE)

typedef struct _TEST_PROCESS {
    PEPROCESS Process;
    KAPC_STATE ApcState;
} TEST_PROCESS;

static VOID ViewEnter(TEST_PROCESS *Test)
{
    EXPECT_EQUAL(PspCreateProcess("view", &Test->Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Test->Process->Pcb, &Test->ApcState);
}

static VOID ViewLeave(TEST_PROCESS *Test)
{
    KeUnstackDetachProcess(&Test->ApcState);
    PspExitProcess(Test->Process, STATUS_SUCCESS);
    ObDereferenceObject(Test->Process);
}

static NTSTATUS ViewCreate(PHANDLE Handle, LONGLONG Size, ULONG Protect)
{
    OBJECT_ATTRIBUTES Attributes;
    LARGE_INTEGER Maximum = {.QuadPart = Size};
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateSection(Handle, SECTION_ALL_ACCESS, &Attributes, &Maximum, Protect, SEC_COMMIT,
                           NULL);
}

static NTSTATUS ViewMap(HANDLE Section, PVOID *Base, LONGLONG *Offset, PSIZE_T Size, ULONG Protect)
{
    return ZwMapViewOfSection(Section, NtCurrentProcess(), Base, 0, 0, (PLARGE_INTEGER)Offset,
                              Size, ViewUnmap, 0, Protect);
}

static NTSTATUS ViewUnmapAt(PVOID Address)
{
    return ZwUnmapViewOfSection(NtCurrentProcess(), Address);
}

static HANDLE ViewOpenPhysical(VOID)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle = NULL;
    RtlInitUnicodeString(&Name, L"\\Device\\PhysicalMemory");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    EXPECT_EQUAL(ZwOpenSection(&Handle, SECTION_ALL_ACCESS, &Attributes), STATUS_SUCCESS);
    return Handle;
}

static __attribute__((noinline)) NTSTATUS ViewWrite(volatile UCHAR *Address, UCHAR Value)
{
    __try {
        *Address = Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

GUEST_TEST(mm_view_shares_a_section_between_processes)
{
    TEST_PROCESS First, Second;
    HANDLE Section;
    PUCHAR Mine = NULL, Other = NULL, Tail = NULL;
    SIZE_T Size = 0, TailSize = 0;
    LONGLONG Offset = 0x10000;

    EXPECT_EQUAL(ViewCreate(&Section, VIEW_BYTES - 100, PAGE_READWRITE), STATUS_SUCCESS);
    ViewEnter(&First);
    EXPECT_EQUAL(ViewMap(Section, (PVOID *)&Mine, NULL, &Size, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQUAL(Size, VIEW_BYTES);
    EXPECT_EQUAL((ULONG64)Mine & (MI_ALLOCATION_GRANULARITY - 1), 0);
    UCHAR Sum = 0;
    for (ULONG i = 0; i < VIEW_BYTES; i++) {
        Sum |= Mine[i];
    }
    EXPECT_EQUAL(Sum, 0);
    for (ULONG Page = 0; Page < VIEW_PAGES; Page++) {
        Mine[Page * PAGE_SIZE] = (UCHAR)(Page + 1);
    }
    /* A second view of its end, and one in another process, read only. */
    EXPECT_EQUAL(ViewMap(Section, (PVOID *)&Tail, &Offset, &TailSize, PAGE_READWRITE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(TailSize, 4 * PAGE_SIZE);
    EXPECT_EQUAL(Tail[0], 17);
    ViewEnter(&Second);
    Size = 0;
    EXPECT_EQUAL(ViewMap(Section, (PVOID *)&Other, NULL, &Size, PAGE_READONLY), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwClose(Section), STATUS_SUCCESS); /* the views keep the pages */
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(Other[16 * PAGE_SIZE], 17);
    EXPECT_EQUAL((ULONG)ViewWrite(Other, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ViewLeave(&Second);
    Tail[1] = 0x5a;
    EXPECT_EQUAL(Mine[Offset + 1], 0x5a);
    EXPECT_EQUAL(ViewUnmapAt(Mine + 3 * PAGE_SIZE + 5), STATUS_SUCCESS); /* anywhere in it */
    EXPECT_EQUAL((ULONG)ViewWrite(Mine, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL((ULONG)ViewUnmapAt(Mine), (ULONG)STATUS_NOT_MAPPED_VIEW);
    EXPECT_EQUAL((ULONG)MmFreeUserMemory(Tail), (ULONG)STATUS_UNABLE_TO_DELETE_SECTION);
    EXPECT_EQUAL(Tail[1], 0x5a);
    ViewLeave(&First); /* with the view of the end still mapped */
}

GUEST_TEST(mm_view_checks_its_arguments)
{
    TEST_PROCESS Test;
    HANDLE Section, None;
    PVOID Base = NULL, Same;
    SIZE_T Size = PAGE_SIZE;
    LONGLONG Offset;

    EXPECT_EQUAL((ULONG)ViewCreate(&None, 0, PAGE_READWRITE), (ULONG)STATUS_INVALID_PARAMETER_4);
    EXPECT_EQUAL((ULONG)ViewCreate(&None, -1, PAGE_READWRITE), (ULONG)STATUS_INVALID_PARAMETER_4);
    EXPECT_EQUAL((ULONG)ViewCreate(&None, PAGE_SIZE, 0x80000000),
                 (ULONG)STATUS_INVALID_PAGE_PROTECTION);
    EXPECT_EQUAL((ULONG)ViewCreate(&None, 1ll << 38, PAGE_READWRITE),
                 (ULONG)STATUS_COMMITMENT_LIMIT);
    EXPECT_EQUAL((ULONG)ViewCreate(&None, 1ll << 62, PAGE_READWRITE),
                 (ULONG)STATUS_SECTION_TOO_BIG);
    LARGE_INTEGER Maximum = {.QuadPart = PAGE_SIZE};
    EXPECT_EQUAL((ULONG)ZwCreateSection(&None, 0, NULL, &Maximum, PAGE_READWRITE, 0, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER_6);
    EXPECT_EQUAL((ULONG)ZwCreateSection(&None, 0, NULL, &Maximum, PAGE_READWRITE, SEC_COMMIT,
                                        (HANDLE)0x7ffffff0),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(ViewCreate(&Section, VIEW_BYTES, PAGE_READONLY), STATUS_SUCCESS);
    ViewEnter(&Test);
    EXPECT_EQUAL((ULONG)ViewMap(Section, &Base, NULL, &Size, PAGE_READWRITE),
                 (ULONG)STATUS_SECTION_PROTECTION);
    EXPECT_EQUAL((ULONG)ViewMap(Section, &Base, NULL, &Size, PAGE_EXECUTE_READ),
                 (ULONG)STATUS_SECTION_PROTECTION);
    EXPECT_EQUAL((ULONG)ViewMap(Section, &Base, NULL, &Size, 0),
                 (ULONG)STATUS_INVALID_PAGE_PROTECTION);
    EXPECT_EQUAL((ULONG)ViewMap(NtCurrentProcess(), &Base, NULL, &Size, PAGE_READONLY),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQUAL((ULONG)ZwMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, 0, NULL, &Size,
                                           0, 0, PAGE_READONLY),
                 (ULONG)STATUS_INVALID_PARAMETER_8);
    EXPECT_EQUAL((ULONG)ZwMapViewOfSection(Section, NtCurrentProcess(), &Base, 21, 0, NULL, &Size,
                                           ViewShare, 0, PAGE_READONLY),
                 (ULONG)STATUS_INVALID_PARAMETER_4);
    EXPECT_EQUAL((ULONG)ZwMapViewOfSection(Section, NtCurrentProcess(), &Base, 20, 0, NULL, &Size,
                                           ViewShare, 0, PAGE_READONLY),
                 (ULONG)STATUS_NO_MEMORY);
    Offset = VIEW_BYTES;
    EXPECT_EQUAL((ULONG)ViewMap(Section, &Base, &Offset, &Size, PAGE_READONLY),
                 (ULONG)STATUS_INVALID_VIEW_SIZE);
    Offset = 0;
    Size = VIEW_BYTES + 1;
    EXPECT_EQUAL((ULONG)ViewMap(Section, &Base, &Offset, &Size, PAGE_READONLY),
                 (ULONG)STATUS_INVALID_VIEW_SIZE);
    /* Offset and address go down to 64 KB; what was asked for is in the view. */
    Offset = 0x12345;
    Size = 1;
    Base = (PVOID)0x3ffff;
    EXPECT_EQUAL(ViewMap(Section, &Base, &Offset, &Size, PAGE_READONLY), STATUS_SUCCESS);
    EXPECT_EQUAL(Offset, 0x10000);
    EXPECT_EQUAL(Size, 3 * PAGE_SIZE);
    EXPECT_EQUAL((ULONG64)Base, 0x30000);
    static const ULONG64 Bad[] = {0x30000, 1, MM_USER_PROBE_ADDRESS, MM_SYSTEM_RANGE_START};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        Same = (PVOID)Bad[i];
        EXPECT_EQUAL((ULONG)ViewMap(Section, &Same, &Offset, &Size, PAGE_READONLY),
                     (ULONG)STATUS_CONFLICTING_ADDRESSES);
    }
    EXPECT_EQUAL((ULONG)ViewUnmapAt((PVOID)MM_SYSTEM_RANGE_START), (ULONG)STATUS_NOT_MAPPED_VIEW);
    EXPECT_EQUAL(ViewUnmapAt(Base), STATUS_SUCCESS);
    ViewLeave(&Test);
    EXPECT_EQUAL(ZwClose(Section), STATUS_SUCCESS);
}

GUEST_TEST(mm_view_of_physical_memory_shows_ram_and_devices)
{
    TEST_PROCESS Test;
    PUCHAR Pool = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    LONGLONG Physical = MmGetPhysicalAddress(Pool).QuadPart, Offset = Physical;
    LONGLONG Device = 0xfee00000;
    HANDLE Section = ViewOpenPhysical();
    PVOID Base = NULL, Registers = NULL;
    SIZE_T Size = PAGE_SIZE, RegistersSize = PAGE_SIZE;

    Pool[7] = 0x77;
    ViewEnter(&Test);
    EXPECT_EQUAL(ViewMap(Section, &Base, &Offset, &Size, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT(Offset <= Physical && Physical + PAGE_SIZE <= Offset + (LONGLONG)Size);
    PUCHAR Seen = (PUCHAR)Base + (Physical - Offset);
    EXPECT_EQUAL(Seen[7], 0x77);
    Seen[8] = 0x88;
    EXPECT_EQUAL(Pool[8], 0x88);
    EXPECT_EQUAL(MmGetPhysicalAddress(Seen).QuadPart, Physical);
    /* The local APIC, as MmMapIoSpace sees it. */
    EXPECT_EQUAL(ViewMap(Section, &Registers, &Device, &RegistersSize,
                         PAGE_READWRITE | PAGE_NOCACHE),
                 STATUS_SUCCESS);
    PHYSICAL_ADDRESS Apic = {.QuadPart = 0xfee00000};
    volatile ULONG *Io = MmMapIoSpaceEx(Apic, PAGE_SIZE, PAGE_READONLY | PAGE_NOCACHE);
    EXPECT(Io != NULL);
    EXPECT_EQUAL(((volatile ULONG *)Registers)[0x30 / 4], Io[0x30 / 4]);
    MmUnmapIoSpace((PVOID)Io, PAGE_SIZE);
    /* What is no RAM in use cannot be locked, but the page of pool can. */
    ULONG Frame;
    EXPECT_EQUAL((ULONG)MiLockPage(Registers, KernelMode, FALSE, &Frame),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(MiLockPage(Seen, UserMode, TRUE, &Frame), STATUS_SUCCESS);
    MiUnlockPage(Frame);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    /* Beyond what is a physical address. */
    Offset = 1ll << 46;
    Size = PAGE_SIZE;
    EXPECT_EQUAL((ULONG)ViewMap(Section, &Base, &Offset, &Size, PAGE_READONLY),
                 (ULONG)STATUS_INVALID_VIEW_SIZE);
    EXPECT_EQUAL(ViewUnmapAt(Registers), STATUS_SUCCESS);
    ViewLeave(&Test);
    ZwClose(Section);
    EXPECT_EQUAL(Pool[8], 0x88);
    ExFreePoolWithTag(Pool, TAG);
}

/* A driver may map in DriverEntry, that is in the system process, which has no memory else. */
GUEST_TEST(mm_view_in_the_system_process)
{
    HANDLE Section = ViewOpenPhysical();
    PVOID Base = NULL;
    SIZE_T Size = PAGE_SIZE;
    LONGLONG Offset = 0xf0000;

    EXPECT_EQUAL(ViewMap(Section, &Base, &Offset, &Size, PAGE_READONLY), STATUS_SUCCESS);
    EXPECT(MmIsAddressValid(Base));
    EXPECT_EQUAL(MiVerifyAll(), 0);
    EXPECT_EQUAL(ViewUnmapAt(Base), STATUS_SUCCESS);
    EXPECT(!MmIsAddressValid(Base));
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ZwClose(Section);
}

static __attribute__((noinline)) PVOID ViewMapMdl(PMDL Mdl, PVOID Requested, ULONG Priority,
                                                  NTSTATUS *Status)
{
    *Status = STATUS_SUCCESS;
    __try {
        return MmMapLockedPagesSpecifyCache(Mdl, UserMode, MmCached, Requested, FALSE, Priority);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        *Status = GetExceptionCode();
    }
    return NULL;
}

GUEST_TEST(mm_view_of_an_mdl_shares_pool_with_a_process)
{
    TEST_PROCESS Test;
    NTSTATUS Status;
    PUCHAR Pool = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, TAG);
    PMDL Mdl = ExAllocatePoolWithTag(NonPagedPool, MmSizeOfMdl(Pool + 100, 2 * PAGE_SIZE), TAG);

    MmInitializeMdl(Mdl, Pool + 100, 2 * PAGE_SIZE);
    MmBuildMdlForNonPagedPool(Mdl);
    ViewEnter(&Test);
    PUCHAR User = ViewMapMdl(Mdl, NULL, NormalPagePriority, &Status);
    EXPECT_EQUAL(Status, STATUS_SUCCESS);
    EXPECT(User != NULL && (ULONG64)User <= MM_HIGHEST_USER_ADDRESS);
    EXPECT_EQUAL(BYTE_OFFSET(User), 100);
    Pool[100] = 1;
    Pool[100 + 2 * PAGE_SIZE - 1] = 2;
    EXPECT_EQUAL(User[0], 1);
    EXPECT_EQUAL(User[2 * PAGE_SIZE - 1], 2);
    EXPECT_EQUAL(ViewWrite(User + 1, 3), STATUS_SUCCESS);
    EXPECT_EQUAL(Pool[101], 3);
    EXPECT(Mdl->MappedSystemVa == Pool + 100); /* the system's address is as it was */
    /* Where it was asked to be, read only; and not where something is. */
    PUCHAR There = ViewMapMdl(Mdl, (PVOID)0x5001000, NormalPagePriority | MdlMappingNoWrite,
                              &Status);
    EXPECT_EQUAL((ULONG64)There, 0x5001064);
    EXPECT_EQUAL(There[1], 3);
    EXPECT_EQUAL((ULONG)ViewWrite(There, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    static const ULONG64 Bad[] = {0x5002000, 0x1000, MM_USER_PROBE_ADDRESS - PAGE_SIZE,
                                  MM_SYSTEM_RANGE_START};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        EXPECT(ViewMapMdl(Mdl, (PVOID)Bad[i], NormalPagePriority, &Status) == NULL);
        EXPECT_EQUAL((ULONG)Status, (ULONG)STATUS_CONFLICTING_ADDRESSES);
    }
    EXPECT_EQUAL((ULONG)ViewUnmapAt(User), (ULONG)STATUS_NOT_MAPPED_VIEW);
    MmUnmapLockedPages(There, Mdl);
    EXPECT(!MmIsAddressValid(There));
    EXPECT_EQUAL(MiVerifyAll(), 0);
    /* The driver frees what the program still sees: the page is nobody else's until it goes. */
    ExFreePoolWithTag(Mdl, TAG);
    ExFreePoolWithTag(Pool, TAG);
    PUCHAR Next = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, TAG);
    for (ULONG i = 0; i < 9; i++) {
        EXPECT(MI_PTE_FRAME(*MI_PTE_OF(Next + i / 3 * PAGE_SIZE)) !=
               MI_PTE_FRAME(*MI_PTE_OF(User + i % 3 * PAGE_SIZE)));
    }
    EXPECT_EQUAL(User[1], 3);
    ExFreePoolWithTag(Next, TAG);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ViewLeave(&Test);
}

GUEST_TEST(mm_physical_ranges_are_all_ram)
{
    PPHYSICAL_MEMORY_RANGE Ranges = MmGetPhysicalMemoryRanges();
    LONGLONG Bytes = 0, Last = 0;
    ULONG i = 0;
    EXPECT(Ranges != NULL);
    for (; Ranges[i].NumberOfBytes.QuadPart != 0; i++) {
        EXPECT(i == 0 || Ranges[i].BaseAddress.QuadPart > Last); /* with a hole between */
        EXPECT_EQUAL(BYTE_OFFSET(Ranges[i].BaseAddress.QuadPart), 0);
        Last = Ranges[i].BaseAddress.QuadPart + Ranges[i].NumberOfBytes.QuadPart;
        Bytes += Ranges[i].NumberOfBytes.QuadPart;
    }
    EXPECT_EQUAL(Ranges[i].BaseAddress.QuadPart, 0);
    EXPECT_EQUAL(Bytes, MiPhysicalPages << PAGE_SHIFT);
    EXPECT_EQUAL(Last, (MiHighestFrame + 1) << PAGE_SHIFT);
    ExFreePool(Ranges);
}
