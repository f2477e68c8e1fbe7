/* SPDX-License-Identifier: MIT */
/*
 * fuzz.exe: system calls at random, most of them nearly right. The kernel answers each with a
 * status; what it may do to this program is up to what it was told: a call may overwrite the
 * program's own stack, or end it. The test starts it anew then.
 *
 * Each service has a word, one letter for an argument:
 *
 *   f file  v event  u token  g any of them or the current process, thread  H where one goes
 *   o OBJECT_ATTRIBUTES  i status block  p pointer  l length  q LARGE_INTEGER, t of a wait
 *   a access  y of a token  A file attributes  S share access  D disposition  O create options
 *   T type of event  c control code  k class  n bits  b BOOLEAN  r APC routine
 *   e list of extended attributes, m its length  d security descriptor
 */
#include "tests/user/fuzz_program.h"

#include "lib/xorshift.h"

#define FUZZ_HANDLES 16u /* of a kind */
#define FUZZ_WILD 96u    /* one argument in so many is anything at all */

enum { FuzzFile, FuzzEvent, FuzzToken, FuzzKinds };
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

VOID FuzzThread(ULONG64 PlanAndRole);

typedef struct _FUZZ {
    PFUZZ_PLAN Plan;
    FUZZ_PLAN Copy;
    ULONG64 State;
    ULONG64 Handles[FuzzKinds][FUZZ_HANDLES];
} FUZZ;

static const PCSTR FuzzWords[SERVICE_COUNT] = {
    [SERVICE_NtClose] = "g",
    [SERVICE_NtContinue] = "",
    [SERVICE_NtCreateEvent] = "HaoTb",
    [SERVICE_NtCreateFile] = "HaoiqASDOem",
    [SERVICE_NtDeviceIoControlFile] = "fvrpicplpl",
    [SERVICE_NtFsControlFile] = "fvrpicplpl",
    [SERVICE_NtNextClientRequest] = "p",
    [SERVICE_NtOpenFile] = "HaoiSO",
    [SERVICE_NtOpenProcessToken] = "gyH",
    [SERVICE_NtOpenProcessTokenEx] = "gynH",
    [SERVICE_NtOpenThreadToken] = "gybH",
    [SERVICE_NtOpenThreadTokenEx] = "gybnH",
    [SERVICE_NtQueryInformationFile] = "fiplk",
    [SERVICE_NtQueryInformationToken] = "ukplp",
    [SERVICE_NtQuerySecurityObject] = "gnplp",
    [SERVICE_NtReadFile] = "fvrpiplqp",
    [SERVICE_NtSetEvent] = "vp",
    [SERVICE_NtSetInformationFile] = "fiplk",
    [SERVICE_NtSetSecurityObject] = "vnd", /* what outlives the test keeps its own */
    [SERVICE_NtTerminateProcess] = "gn",
    [SERVICE_NtTerminateThread] = "gn",
    [SERVICE_NtTestAlert] = "",
    [SERVICE_NtWaitForSingleObject] = "gbt",
    [SERVICE_NtWriteFile] = "fvrpiplqp",
};

/* Files, a directory, the volume, the test's device, an event; names that are none. */
static const WCHAR *const FuzzNames[] = {
    L"\\DosDevices\\C:\\fuzz1", L"\\DosDevices\\C:\\fuzz2", L"\\DosDevices\\C:\\fuzzd",
    L"\\DosDevices\\C:\\fuzzd\\x", L"\\DosDevices\\C:\\fuzzd\\y", L"\\Device\\IoTest",
    L"\\Device\\IoTest\\y", L"\\Device\\IoTest", L"\\DosDevices\\C:\\fuzz1",
    L"\\DosDevices\\C:\\", L"\\DosDevices\\C:", L"\\BaseNamedObjects\\Fuzz", L"\\Device", L"",
    L"fuzz3", L"\\DosDevices\\C:\\fuzz1\\", L"\\DosDevices\\C:\\*",
};

static ULONG64 FuzzNext(FUZZ *Fuzz)
{
    return Fuzz->State = XorShift64(Fuzz->State);
}

/* From 0 on, less than Limit. */
static ULONG FuzzBelow(FUZZ *Fuzz, ULONG Limit)
{
    return (ULONG)(FuzzNext(Fuzz) >> 24) % Limit;
}

static ULONG64 FuzzWild(FUZZ *Fuzz)
{
    static const ULONG64 Wild[] = {
        0, 1, 7, 0xfff, 0x1000, 0xffff, 0x10000, 0x7ffe0000, 0x7ffe0ffc, 0x7fffffff, 0x80000000,
        0xffffffff, 0x100000000, 0x7ffffffeffff, 0x7fffffff0000, 0x7fffffffffff, 0x800000000000,
        0x8000000000000000, 0xffff800000000000, 0xfffff6fb7dbed000, 0xfffff78000000000,
        0xfffff80000000000, 0xffffffff80000004, 0xfffffffffffffff8, 0xffffffffffffffff,
    };
    ULONG Choice = FuzzBelow(Fuzz, 8);
    if (Choice == 0) {
        return FuzzNext(Fuzz);
    }
    return Choice == 1 ? Fuzz->Copy.Kernel[FuzzBelow(Fuzz, 4)] + FuzzBelow(Fuzz, 64)
                       : Wild[FuzzBelow(Fuzz, COUNT(Wild))];
}

/* Of Size bytes of the arena, aligned. */
static PUCHAR FuzzPlace(FUZZ *Fuzz, ULONG Size)
{
    return Fuzz->Copy.Arena + (FuzzBelow(Fuzz, Fuzz->Copy.ArenaSize - Size) & ~15u);
}

static ULONG64 FuzzPointer(FUZZ *Fuzz)
{
    switch (FuzzBelow(Fuzz, 16)) {
    case 0:
        return FuzzWild(Fuzz);
    case 1:
        return (ULONG64)FuzzPlace(Fuzz, 16) + FuzzBelow(Fuzz, 16);
    case 2: /* that runs over the end */
        return (ULONG64)Fuzz->Copy.Arena + Fuzz->Copy.ArenaSize - 8 * FuzzBelow(Fuzz, 16);
    case 3:
        return FuzzBelow(Fuzz, 8) != 0 ? 0 : (ULONG64)(FuzzBelow(Fuzz, 2) ? &Fuzz->State
                                                                : (PVOID)FuzzPointer);
    default:
        return (ULONG64)FuzzPlace(Fuzz, 4096);
    }
}

/* Of Kind, but for one in eight. */
static ULONG64 FuzzHandle(FUZZ *Fuzz, ULONG Kind)
{
    static const ULONG64 Special[] = {0, ~0ull, ~1ull, ~2ull, ~3ull, 0xffffffff80000004, 4, 8};
    switch (FuzzBelow(Fuzz, 24)) {
    case 0:
        return Special[FuzzBelow(Fuzz, COUNT(Special))];
    case 1:
        return FuzzBelow(Fuzz, 64) * 4;
    case 2:
        Kind = FuzzBelow(Fuzz, FuzzKinds);
    }
    return Fuzz->Handles[Kind][FuzzBelow(Fuzz, FUZZ_HANDLES)];
}

static ULONG64 FuzzAnyHandle(FUZZ *Fuzz)
{
    ULONG Choice = FuzzBelow(Fuzz, 8);
    if (Choice < 2) {
        return ~(ULONG64)Choice; /* the current process, the current thread */
    }
    return FuzzHandle(Fuzz, FuzzBelow(Fuzz, FuzzKinds));
}

/* One of the table, but for one in 32. */
static ULONG64 FuzzChoose(FUZZ *Fuzz, const ULONG *Table, ULONG Count)
{
    return FuzzBelow(Fuzz, 32) != 0 ? Table[FuzzBelow(Fuzz, Count)]
                                    : (ULONG)FuzzNext(Fuzz) >> FuzzBelow(Fuzz, 32);
}
#define CHOOSE(fuzz, ...)                                                          \
    FuzzChoose(fuzz, (const ULONG[]){__VA_ARGS__},                                 \
               (ULONG)(sizeof((const ULONG[]){__VA_ARGS__}) / sizeof(ULONG)))

static ULONG64 FuzzCreateOptions(FUZZ *Fuzz)
{
    return CHOOSE(Fuzz, 0, FILE_SYNCHRONOUS_IO_NONALERT, FILE_SYNCHRONOUS_IO_ALERT,
                  FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, FILE_DIRECTORY_FILE,
                  FILE_NON_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE, FILE_SEQUENTIAL_ONLY,
                  FILE_SYNCHRONOUS_IO_NONALERT | FILE_NO_INTERMEDIATE_BUFFERING);
}

static ULONG64 FuzzLength(FUZZ *Fuzz)
{
    static const ULONG Lengths[] = {0, 1, 2, 4, 8, 16, 24, 40, 56, 96, 100, 104, 256, 4096, 65535,
                                    65536, 0x10001, 0x100000};
    ULONG Choice = FuzzBelow(Fuzz, 32);
    if (Choice == 0) {
        return FuzzWild(Fuzz);
    }
    return Choice < 16 ? FuzzBelow(Fuzz, 128) : Lengths[FuzzBelow(Fuzz, COUNT(Lengths))];
}

static ULONG64 FuzzBits(FUZZ *Fuzz)
{
    ULONG64 Bits = 0;
    for (ULONG i = FuzzBelow(Fuzz, 4); i != 0; i--) {
        Bits |= 1ull << FuzzBelow(Fuzz, 24);
    }
    return FuzzBelow(Fuzz, 32) != 0 ? (FuzzBelow(Fuzz, 2) ? Bits : FuzzBelow(Fuzz, 8))
                                    : FuzzWild(Fuzz);
}

/* Most stay as they are; of the rest one byte is changed. */
static PVOID FuzzSpoil(FUZZ *Fuzz, PUCHAR Bytes, ULONG Size)
{
    if (FuzzBelow(Fuzz, 8) == 0) {
        Bytes[FuzzBelow(Fuzz, Size)] = (UCHAR)FuzzNext(Fuzz);
    }
    return Bytes;
}

typedef struct _FUZZ_NAME {
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    WCHAR Text[32];
} FUZZ_NAME;

static USHORT FuzzText(FUZZ *Fuzz, PWCHAR Text)
{
    const WCHAR *Name = FuzzNames[FuzzBelow(Fuzz, COUNT(FuzzNames))];
    USHORT Length = 0;
    for (; Name[Length] != 0; Length++) {
        Text[Length] = Name[Length];
    }
    return (USHORT)(Length * sizeof(WCHAR));
}

static PVOID FuzzObjectAttributes(FUZZ *Fuzz)
{
    FUZZ_NAME *Made = (FUZZ_NAME *)FuzzPlace(Fuzz, sizeof(*Made));
    Made->Name.Length = Made->Name.MaximumLength = FuzzText(Fuzz, Made->Text);
    Made->Name.Buffer = Made->Text;
    Made->Attributes = (OBJECT_ATTRIBUTES){
        .Length = sizeof(OBJECT_ATTRIBUTES),
        .RootDirectory = FuzzBelow(Fuzz, 16) == 0 ? (HANDLE)FuzzHandle(Fuzz, FuzzFile) : NULL,
        .ObjectName = FuzzBelow(Fuzz, 16) != 0 ? &Made->Name : NULL,
        .Attributes = FuzzBelow(Fuzz, 8) ? OBJ_CASE_INSENSITIVE : (ULONG)FuzzBits(Fuzz),
    };
    return FuzzSpoil(Fuzz, (PUCHAR)Made, sizeof(*Made));
}

static PVOID FuzzInteger(FUZZ *Fuzz, BOOLEAN Wait)
{
    LONGLONG *Value = (LONGLONG *)FuzzPlace(Fuzz, sizeof(*Value));
    switch (FuzzBelow(Fuzz, 8)) {
    case 0:
        *Value = Wait ? -1000 : (LONGLONG)FuzzWild(Fuzz);
        break;
    case 1:
        *Value = Wait ? 1 : -1 - (LONGLONG)FuzzBelow(Fuzz, 3);
        break;
    default:
        *Value = Wait ? 0 : FuzzBelow(Fuzz, 10000);
    }
    return Value;
}

static PVOID FuzzAttributeList(FUZZ *Fuzz)
{
    PFILE_FULL_EA_INFORMATION Entry = (PFILE_FULL_EA_INFORMATION)FuzzPlace(Fuzz, 64);
    *Entry = (FILE_FULL_EA_INFORMATION){.EaNameLength = 1, .EaName = {'A'}};
    Entry->EaName[1] = 0;
    return FuzzSpoil(Fuzz, (PUCHAR)Entry, 16);
}

/* Relative, with one list of one entry. */
static PVOID FuzzDescriptor(FUZZ *Fuzz)
{
    static const ULONG Words[] = {0x80040001, 0,          0, 0, 20, 0x001c0002, 1, 0x00140000,
                                  0x10000000, 0x00000101, 0x01000000, 0};
    PULONG Place = (PULONG)FuzzPlace(Fuzz, sizeof(Words));
    for (ULONG i = 0; i < COUNT(Words); i++) {
        Place[i] = Words[i];
    }
    return FuzzSpoil(Fuzz, (PUCHAR)Place, sizeof(Words));
}

/* A buffer that, now and then, begins as a rename does. */
static ULONG64 FuzzBuffer(FUZZ *Fuzz)
{
    if (FuzzBelow(Fuzz, 4) == 0) {
        PFILE_RENAME_INFORMATION Rename = (PFILE_RENAME_INFORMATION)FuzzPlace(Fuzz, 256);
        Rename->ReplaceIfExists = (BOOLEAN)FuzzBelow(Fuzz, 2);
        Rename->RootDirectory = FuzzBelow(Fuzz, 4) == 0 ? (HANDLE)FuzzHandle(Fuzz, FuzzFile) : NULL;
        Rename->FileNameLength = FuzzText(Fuzz, Rename->FileName);
        return (ULONG64)FuzzSpoil(Fuzz, (PUCHAR)Rename, 64);
    }
    return FuzzPointer(Fuzz);
}

static ULONG64 FuzzArgument(FUZZ *Fuzz, CHAR Letter)
{
    if (FuzzBelow(Fuzz, FUZZ_WILD) == 0) {
        return FuzzWild(Fuzz);
    }
    switch (Letter) {
    case 'f': return FuzzHandle(Fuzz, FuzzFile);
    case 'v': return FuzzBelow(Fuzz, 2) ? 0 : FuzzHandle(Fuzz, FuzzEvent);
    case 'u': return FuzzHandle(Fuzz, FuzzToken);
    case 'g': return FuzzAnyHandle(Fuzz);
    case 'H':
    case 'i': return (ULONG64)FuzzPlace(Fuzz, 16);
    case 'o': return (ULONG64)FuzzObjectAttributes(Fuzz);
    case 'l': return FuzzLength(Fuzz);
    case 'q': return FuzzBelow(Fuzz, 2) == 0 ? 0 : (ULONG64)FuzzInteger(Fuzz, FALSE);
    case 't': return (ULONG64)FuzzInteger(Fuzz, TRUE);
    case 'a':
        return (FuzzBelow(Fuzz, 4) ? SYNCHRONIZE | DELETE : 0) |
               CHOOSE(Fuzz, GENERIC_ALL, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE | DELETE,
                      MAXIMUM_ALLOWED, FILE_ALL_ACCESS, EVENT_ALL_ACCESS, SYNCHRONIZE, 0,
                      GENERIC_ALL, GENERIC_READ | SYNCHRONIZE, FILE_READ_ATTRIBUTES,
                      READ_CONTROL | WRITE_DAC | ACCESS_SYSTEM_SECURITY);
    case 'y': return CHOOSE(Fuzz, TOKEN_QUERY, MAXIMUM_ALLOWED, GENERIC_READ, READ_CONTROL, 0);
    case 'A':
        return CHOOSE(Fuzz, 0, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_NORMAL,
                      FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_HIDDEN);
    case 'S': return CHOOSE(Fuzz, 7, 7, 7, 7, 3, 1, 0);
    case 'D': return CHOOSE(Fuzz, 0, 1, 2, 3, 3, 3, 3, 4, 5);
    case 'O': return FuzzCreateOptions(Fuzz);
    case 'T': return CHOOSE(Fuzz, NotificationEvent, SynchronizationEvent);
    case 'c':
        return FuzzBelow(Fuzz, 4) ? 0x220000 | FuzzBelow(Fuzz, 0x10000) : (ULONG)FuzzNext(Fuzz);
    case 'k': return FuzzBelow(Fuzz, FuzzBelow(Fuzz, 4) ? 24 : 72);
    case 'n': return FuzzBits(Fuzz);
    case 'b': return FuzzBelow(Fuzz, 2);
    case 'r': return FuzzBelow(Fuzz, 8) == 0 ? (ULONG64)FuzzApcRoutine : 0;
    case 'e': return (ULONG64)FuzzAttributeList(Fuzz);
    case 'm': return CHOOSE(Fuzz, 0, 0, 0, 0, 0, 0, 10, 16);
    case 'd': return (ULONG64)FuzzDescriptor(Fuzz);
    default: return FuzzBuffer(Fuzz);
    }
}

static VOID FuzzMakeContinue(FUZZ *Fuzz)
{
    PCONTEXT Context = (PCONTEXT)FuzzPlace(Fuzz, 4096);
    BOOLEAN Return = FuzzBelow(Fuzz, 256) != 0;
    for (ULONG i = 0; i < sizeof(CONTEXT) / sizeof(ULONG64); i++) {
        ((PULONG64)Context)[i] = FuzzNext(Fuzz);
    }
    Context->ContextFlags = FuzzBelow(Fuzz, 8) == 0 ? (ULONG)FuzzNext(Fuzz)
                                                    : CONTEXT_AMD64 | FuzzBelow(Fuzz, 32);
    if (Return) {
        Context->EFlags &= ~0x40100u; /* neither single steps nor alignment checks */
    }
    FuzzContinue(Context, (BOOLEAN)FuzzBelow(Fuzz, 2), Return);
}

static ULONG FuzzKindOf(ULONG64 Service)
{
    switch (Service) {
    case SERVICE_NtCreateEvent: return FuzzEvent;
    case SERVICE_NtCreateFile:
    case SERVICE_NtOpenFile: return FuzzFile;
    default: return FuzzToken;
    }
}

/* A handle that a call gave is kept, when it went where it can be read. */
static VOID FuzzKeepHandle(FUZZ *Fuzz, ULONG64 Service, const ULONG64 *Arguments)
{
    PCSTR Word = FuzzWords[Service];
    for (ULONG i = 0; Word[i] != 0; i++) {
        ULONG64 Offset = Arguments[i] - (ULONG64)Fuzz->Copy.Arena;
        if (Word[i] == 'H' && Offset <= Fuzz->Copy.ArenaSize - sizeof(ULONG64)) {
            Fuzz->Handles[FuzzKindOf(Service)][FuzzBelow(Fuzz, FUZZ_HANDLES)] =
                *(volatile ULONG64 *)Arguments[i];
        }
    }
}

static VOID FuzzOnce(FUZZ *Fuzz)
{
    ULONG64 Arguments[FUZZ_ARGUMENTS];
    ULONG64 Service = FuzzBelow(Fuzz, 4) != 0
                          ? FuzzBelow(Fuzz, SERVICE_COUNT)
                          : CHOOSE(Fuzz, SERVICE_NtCreateFile, SERVICE_NtOpenFile,
                                   SERVICE_NtSetInformationFile) % SERVICE_COUNT;
    BOOLEAN Ends = Service == SERVICE_NtTerminateProcess || Service == SERVICE_NtTerminateThread;

    if (Ends && FuzzBelow(Fuzz, 256) != 0) { /* seldom enough to come far */
        Service = SERVICE_NtTestAlert;
    }
    PCSTR Word = FuzzWords[Service];
    for (ULONG i = 0, End = 0; i < FUZZ_ARGUMENTS; i++) {
        End = End || Word[i] == 0;
        Arguments[i] = End ? FuzzNext(Fuzz) : FuzzArgument(Fuzz, Word[i]);
        Fuzz->Plan->Argument[i] = Arguments[i];
    }
    if (FuzzBelow(Fuzz, 256) == 0) {
        Service = FuzzWild(Fuzz);
    }
    Fuzz->Plan->Service = Service;
    Fuzz->Plan->Made++;
    if (Service == SERVICE_NtContinue) {
        FuzzMakeContinue(Fuzz);
    } else if (NT_SUCCESS(FuzzCall(Service, Arguments)) && Service < SERVICE_COUNT) {
        Fuzz->Plan->Succeeded[Service]++;
        FuzzKeepHandle(Fuzz, Service, Arguments);
    }
}

/* What another thread changes while a service reads it. */
static VOID FuzzScribble(FUZZ *Fuzz)
{
    static const ULONG64 None[FUZZ_ARGUMENTS];
    for (;;) {
        for (ULONG i = 0; i < 4096; i++) {
            *(volatile ULONG64 *)FuzzPlace(Fuzz, 16) = FuzzWild(Fuzz);
        }
        FuzzCall(SERVICE_NtTestAlert, None);
    }
}

VOID FuzzThread(ULONG64 PlanAndRole)
{
    PFUZZ_PLAN Plan = (PFUZZ_PLAN)(PlanAndRole & ~(ULONG64)FUZZ_SCRIBBLES);
    ULONG Role = PlanAndRole & FUZZ_SCRIBBLES;
    FUZZ Fuzz = {.Plan = Plan, .Copy = *Plan, .State = Plan->Seed + Role};
    ULONG64 Arguments[FUZZ_ARGUMENTS] = {0, FUZZ_DONE};

    if (Role == FUZZ_SCRIBBLES) {
        FuzzScribble(&Fuzz);
    }
    while (Plan->Made < Fuzz.Copy.Calls) {
        FuzzOnce(&Fuzz);
    }
    FuzzCall(SERVICE_NtTerminateThread, Arguments);
}
