/* SPDX-License-Identifier: MIT */
/*
 * Images and stacks, asked by the kernel of itself; routines that are exported under the names of
 * header macros. Expected values: the PE format, the x64 unwind rules, and the page of each
 * routine in the Windows Driver Kit's reference.
 */
#include "mm/mm.h"
#include "nt/io.h"
#include "nt/kd.h"
#include "nt/pe.h"
#include "nt/rtl.h"
#include "nt/se.h"
#include "test.h"

GUEST_TEST(rtl_image_headers_of_the_kernel)
{
    PVOID Base = NULL;
    ULONG Size = 0;
    UCHAR NoImage[64] = {'M', 'Z'};

    EXPECT(RtlPcToFileHeader((PVOID)(ULONG_PTR)KeSetEvent, &Base) == Base && Base != NULL);
    EXPECT(RtlPcToFileHeader(NoImage, &Base) == NULL && Base == NULL);
    RtlPcToFileHeader((PVOID)(ULONG_PTR)KeSetEvent, &Base);
    PIMAGE_NT_HEADERS Headers = RtlImageNtHeader(Base);
    EXPECT(Headers != NULL && Headers->FileHeader.Machine == 0x8664);
    EXPECT(RtlImageNtHeader(NULL) == NULL && RtlImageNtHeader((PVOID)-1) == NULL);
    *(PULONG)(NoImage + 0x3c) = 0x7fffffff; /* e_lfanew */
    EXPECT(RtlImageNtHeader(NoImage) == NULL);
    *(PULONG)(NoImage + 0x3c) = 0x20; /* no signature there */
    EXPECT(RtlImageNtHeader(NoImage) == NULL);

    const USHORT Entry = IMAGE_DIRECTORY_ENTRY_EXPORT;
    PUCHAR Exports = RtlImageDirectoryEntryToData(Base, TRUE, Entry, &Size);
    EXPECT(Exports != NULL && Size != 0);
    EXPECT_EQUAL(Exports - (PUCHAR)Base,
                 Headers->OptionalHeader.DataDirectory[Entry].VirtualAddress);
    EXPECT(RtlImageDirectoryEntryToData(Base, TRUE, 16, &Size) == NULL && Size == 0);
    EXPECT(RtlImageDirectoryEntryToData(NoImage, TRUE, Entry, &Size) == NULL);

    EXPECT(RtlFindExportedRoutineByName(Base, "KeSetEvent") == (PVOID)(ULONG_PTR)KeSetEvent);
    EXPECT(RtlFindExportedRoutineByName(Base, "KeSetEvenT") == NULL);
    EXPECT(RtlFindExportedRoutineByName(Base, "") == NULL);
    EXPECT(RtlFindExportedRoutineByName(NoImage, "KeSetEvent") == NULL);
}

static __attribute__((noinline)) ULONG UnwindOnce(PULONG64 Caller, PVOID *Found)
{
    CONTEXT Context;
    ULONG64 Base = 0, Frame = 0;
    PVOID Data;

    RtlCaptureContext(&Context);
    EXPECT(Context.Rsp == 0 || Context.Rip > MM_SYSTEM_RANGE_START);
    PRUNTIME_FUNCTION Function = RtlLookupFunctionEntry(Context.Rip, &Base, NULL);
    *Found = Function;
    if (Function == NULL) {
        return 0;
    }
    ULONG64 Stack = Context.Rsp;
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, Base, Context.Rip, Function, &Context, &Data, &Frame, NULL);
    EXPECT(Context.Rsp > Stack && Frame >= Stack);
    *Caller = Context.Rip;
    return (ULONG)(Function->EndAddress - Function->BeginAddress);
}

GUEST_TEST(rtl_one_step_up_the_stack)
{
    ULONG64 Caller = 0, Base;
    PVOID Found = NULL, File;

    EXPECT(UnwindOnce(&Caller, &Found) != 0);
    PRUNTIME_FUNCTION Here = RtlLookupFunctionEntry(Caller, &Base, NULL);
    EXPECT(Here != NULL && Here != Found);
    EXPECT(Caller - Base >= Here->BeginAddress && Caller - Base < Here->EndAddress);
    EXPECT(RtlPcToFileHeader((PVOID)Caller, &File) == (PVOID)Base);
    EXPECT(RtlLookupFunctionEntry((ULONG64)&Caller, &Base, NULL) == NULL); /* no image */
}

static ULONG BreakGuarded(VOID)
{
    __try {
        DbgBreakPointWithStatus(1 /* DBG_STATUS_CONTROL_C */);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return 0;
}

/* Without a debugger a breakpoint is an exception like others. */
GUEST_TEST(rtl_break_point_without_a_debugger)
{
    EXPECT(KdDebuggerNotPresent);
    EXPECT_EQUAL(BreakGuarded(), (ULONG)STATUS_BREAKPOINT);
}

static ULONG PrintTo(PCSTR Prefix, PCSTR Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    ULONG Status = Prefix != NULL
                       ? vDbgPrintExWithPrefix(Prefix, DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL,
                                               Format, Arguments)
                       : vDbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, Format, Arguments);
    va_end(Arguments);
    return Status;
}

GUEST_TEST(rtl_messages_with_a_prefix)
{
    KIRQL OldIrql;
    static CHAR Long[700];

    EXPECT_EQUAL(PrintTo("prefix: ", "%d of %s\n", 1, "two"), STATUS_SUCCESS);
    EXPECT_EQUAL(PrintTo(NULL, "%d of %s\n", 1, "two"), STATUS_SUCCESS);
    for (ULONG i = 0; i < sizeof(Long) - 1; i++) {
        Long[i] = 'x';
    }
    EXPECT_EQUAL(PrintTo(Long, "%s\n", Long), STATUS_SUCCESS); /* cut at 512 bytes */
    KeRaiseIrql(DISPATCH_LEVEL + 3, &OldIrql);
    EXPECT_EQUAL(PrintTo("at DIRQL: ", "%lu\n", (ULONG)KeGetCurrentIrql()), STATUS_SUCCESS);
    KeLowerIrql(OldIrql);
}

static PVOID Routine(PCWSTR Name)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, Name);
    PVOID Address = MmGetSystemRoutineAddress(&String);
    EXPECT(Address != NULL);
    return Address;
}

GUEST_TEST(rtl_memory_routines_by_name)
{
    VOID (*Copy)(PVOID, const VOID *, SIZE_T) = Routine(L"RtlCopyMemory");
    VOID (*Move)(PVOID, const VOID *, SIZE_T) = Routine(L"RtlMoveMemory");
    VOID (*Fill)(PVOID, SIZE_T, UCHAR) = Routine(L"RtlFillMemory");
    VOID (*Zero)(PVOID, SIZE_T) = Routine(L"RtlZeroMemory");
    CHAR Text[16] = "0123456789abcde";

    Copy(Text, "xyz", 3);
    EXPECT(strcmp(Text, "xyz3456789abcde") == 0);
    Move(Text + 2, Text, 8); /* upwards over itself */
    EXPECT(strcmp(Text, "xyxyz34567abcde") == 0);
    Move(Text, Text + 2, 8);
    EXPECT(strcmp(Text, "xyz3456767abcde") == 0);
    Fill(Text + 1, 2, 0x1ab & 0xff);
    EXPECT((UCHAR)Text[1] == 0xab && (UCHAR)Text[2] == 0xab && Text[3] == '3' && Text[0] == 'x');
    Zero(Text, 4);
    EXPECT(Text[3] == 0 && Text[4] == '4');
    Zero(Text, 0);
    Fill(Text + 4, 0, 1);
    EXPECT_EQUAL(Text[4], '4');
}

GUEST_TEST(rtl_bit_is_cleared)
{
    ULONG Words[2] = {MAXULONG, MAXULONG};
    RTL_BITMAP Bitmap;

    RtlInitializeBitMap(&Bitmap, Words, 64);
    RtlClearBit(&Bitmap, 0);
    RtlClearBit(&Bitmap, 63);
    RtlClearBit(&Bitmap, 63);
    EXPECT(Words[0] == 0xfffffffe && Words[1] == 0x7fffffff);
    EXPECT_EQUAL(RtlNumberOfClearBits(&Bitmap), 2);
}
