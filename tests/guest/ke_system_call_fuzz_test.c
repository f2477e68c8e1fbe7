/* SPDX-License-Identifier: MIT */
/*
 * System calls at random, made by fuzz.exe (tests/user) in ring 3: whatever a program says, no call
 * is a bug check, touches the kernel's memory, hangs its thread or leaves anything behind. The
 * runner compares pool and slots with those before; a thread that does not end stays until the
 * host's time limit. fuzz-calls=N on the command line makes more calls. In every second process
 * another thread writes over what the calls point to while they read it, so what a seed does
 * depends on when threads are switched there.
 */
#include "io_test_driver.h"
#include "ke/command_line.h"
#include "mfs_test.h"
#include "nt/security.h"
#include "ps/user_mode.h"
#include "tests/user/fuzz_program.h"

#define FUZZ_TAG 'zzuF'
#define FUZZ_CALLS 12000u
#define FUZZ_CALLS_OF_A_PROCESS 2000u
#define FUZZ_ARENA 0x10000u
#define FUZZ_PATTERN 0x5aa55aa5u
#define FUZZ_SEEDS_OF_A_TEST 1000003u
#define FUZZ_LOOK_MILLISECONDS 20
#define FUZZ_LOOKS_IN_ALL 500 /* without a call made: it runs in circles */
#define FUZZ_LOOKS 3 /* without a call made, waiting with WaitMode UserMode: maybe for ever */

extern const UCHAR FuzzImage[], FuzzImageEnd[];

/* ---- the device: answers of all kinds, some of them later ---- */

static struct {
    KSPIN_LOCK Lock;
    LIST_ENTRY Pending;
    KDPC Dpc;
    ULONG64 State;
} FuzzDevice;

static VOID FuzzCompletePending(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    for (;;) {
        PLIST_ENTRY Entry =
            ExInterlockedRemoveHeadList(&FuzzDevice.Pending, &FuzzDevice.Lock);
        if (Entry == NULL) {
            return;
        }
        IoTestComplete(CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry), STATUS_SUCCESS, 0);
    }
}

/* METHOD_NEITHER, as a driver has to do it. */
static NTSTATUS FuzzTouch(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Done)
{
    ULONG In = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Out = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG Size = In < Out ? In : Out;
    __try {
        ProbeForRead(Stack->Parameters.DeviceIoControl.Type3InputBuffer, In, 1);
        ProbeForWrite(Irp->UserBuffer, Out, 1);
        RtlMoveMemory(Irp->UserBuffer, Stack->Parameters.DeviceIoControl.Type3InputBuffer, Size);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    *Done = Size;
    return STATUS_SUCCESS;
}

static NTSTATUS FuzzHandle(PDEVICE_OBJECT Device, PIRP Irp)
{
    static const NTSTATUS Statuses[] = {STATUS_SUCCESS, STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW,
                                        STATUS_DEVICE_BUSY, STATUS_INVALID_DEVICE_REQUEST};
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG64 Random = TestNextRandom(&FuzzDevice.State) >> 8;
    NTSTATUS Status = Statuses[Random % RTL_NUMBER_OF(Statuses)];
    ULONG_PTR Done = 0;

    EXPECT_EQUAL(Irp->RequestorMode, UserMode);
    if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL &&
        METHOD_FROM_CTL_CODE(Stack->Parameters.DeviceIoControl.IoControlCode) == METHOD_NEITHER) {
        Status = FuzzTouch(Irp, Stack, &Done);
    } else if ((Random >> 16) % 4 == 0) {
        IoMarkIrpPending(Irp);
        ExInterlockedInsertTailList(&FuzzDevice.Pending, &Irp->Tail.Overlay.ListEntry,
                                    &FuzzDevice.Lock);
        KeInsertQueueDpc(&FuzzDevice.Dpc, NULL, NULL);
        return STATUS_PENDING;
    } else if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        ULONG Length = Stack->Parameters.DeviceIoControl.OutputBufferLength;
        Done = Length != 0 ? Random % Length : 0;
    }
    return IoTestComplete(Irp, Status, Done);
}

/* ---- one process ---- */

typedef struct _FUZZ_RUN {
    ULONG64 Seed;
    ULONG Left; /* calls */
    PULONG Guarded[2]; /* pages of pool, nonpaged and paged, that nobody may write */
    FUZZ_PLAN Last;
    ULONG Succeeded[SERVICE_COUNT];
} FUZZ_RUN;

/* In the process's memory: the plan, the arena behind it. */
static PFUZZ_PLAN FuzzMakePlan(FUZZ_RUN *Run, PEPROCESS Process, ULONG Calls)
{
    PFUZZ_PLAN Plan = NULL;
    KAPC_STATE ApcState;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&Plan, PAGE_SIZE + FUZZ_ARENA, PAGE_READWRITE),
                 STATUS_SUCCESS);
    if (Plan != NULL) {
        *Plan = (FUZZ_PLAN){
            .Seed = Run->Seed,
            .Calls = Calls,
            .ArenaSize = FUZZ_ARENA,
            .Arena = (PUCHAR)Plan + PAGE_SIZE,
            .Kernel = {(ULONG64)Run->Guarded[0], (ULONG64)Run->Guarded[1],
                       (ULONG64)KeGetCurrentThread(), (ULONG64)FuzzImage},
        };
    }
    KeUnstackDetachProcess(&ApcState);
    return Plan;
}

/* What the program says of itself; it may have overwritten it. */
static ULONG FuzzReadPlan(FUZZ_RUN *Run, PEPROCESS Process, PFUZZ_PLAN Plan)
{
    KAPC_STATE ApcState;
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    MmCopyGuarded(&Run->Last, Plan, sizeof(Run->Last));
    KeUnstackDetachProcess(&ApcState);
    return Run->Last.Made;
}

/* Until the thread that calls has ended, or waits for what may never come. */
static VOID FuzzWatch(FUZZ_RUN *Run, PEPROCESS Process, PFUZZ_PLAN Plan, PETHREAD Thread)
{
    LARGE_INTEGER Look = {.QuadPart = FUZZ_LOOK_MILLISECONDS * TEST_MILLISECOND};
    ULONG Made = 0, Idle = 0, Still = 0;

    while (Idle < FUZZ_LOOKS && Still < FUZZ_LOOKS_IN_ALL &&
           KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, &Look) == STATUS_TIMEOUT) {
        ULONG Now = FuzzReadPlan(Run, Process, Plan);
        BOOLEAN Waits = Thread->Tcb.State == Waiting && Thread->Tcb.WaitMode == UserMode;
        Idle = Waits && Now == Made ? Idle + 1 : 0;
        Still = Now == Made ? Still + 1 : 0;
        Made = Now;
    }
}

static VOID FuzzRunProcess(FUZZ_RUN *Run, BOOLEAN Scribbles)
{
    ULONG Calls = Run->Left < FUZZ_CALLS_OF_A_PROCESS ? Run->Left : FUZZ_CALLS_OF_A_PROCESS;
    PETHREAD Threads[2] = {NULL, NULL};
    PVOID Entry = NULL;
    PEPROCESS Process;

    EXPECT_EQUAL(PspCreateProcess("fuzz.exe", &Process), STATUS_SUCCESS);
    EXPECT_EQUAL(PspLoadProgram(Process, FuzzImage, (SIZE_T)(FuzzImageEnd - FuzzImage), &Entry),
                 STATUS_SUCCESS);
    PFUZZ_PLAN Plan = FuzzMakePlan(Run, Process, Calls);
    if (Plan != NULL) {
        for (ULONG i = 0; i < (Scribbles ? 2u : 1u); i++) {
            EXPECT_EQUAL(PspCreateUserThread(Process, Entry, (PUCHAR)Plan + i * FUZZ_SCRIBBLES,
                                             &Threads[i]),
                         STATUS_SUCCESS);
        }
        FuzzWatch(Run, Process, Plan, Threads[0]);
        ULONG Made = FuzzReadPlan(Run, Process, Plan);
        Run->Left -= Made == 0 ? 1 : Made < Calls ? Made : Calls;
        for (ULONG i = 0; i < SERVICE_COUNT; i++) {
            Run->Succeeded[i] += Run->Last.Succeeded[i];
        }
    } else {
        Run->Left = 0;
    }
    PspTerminateProcess(Process, STATUS_CANCELLED);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        TestAwaitThread((PKTHREAD)Threads[i]);
    }
    KeWaitForSingleObject(Process, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Process);
}

/* ---- the test ---- */

static VOID FuzzGuard(FUZZ_RUN *Run)
{
    for (ULONG i = 0; i < 2; i++) {
        Run->Guarded[i] =
            ExAllocatePoolWithTag(i == 0 ? NonPagedPoolNx : PagedPool, PAGE_SIZE, FUZZ_TAG);
        for (ULONG Word = 0; Word < PAGE_SIZE / sizeof(ULONG); Word++) {
            Run->Guarded[i][Word] = FUZZ_PATTERN;
        }
    }
}

static VOID FuzzCheckGuards(FUZZ_RUN *Run)
{
    for (ULONG i = 0; i < 2; i++) {
        for (ULONG Word = 0; Word < PAGE_SIZE / sizeof(ULONG); Word++) {
            EXPECT_EQUAL(Run->Guarded[i][Word], FUZZ_PATTERN);
        }
        ExFreePoolWithTag(Run->Guarded[i], FUZZ_TAG);
    }
}

/* A fuzzer whose calls are all refused at the door finds nothing. */
static VOID FuzzCheckReach(const FUZZ_RUN *Run)
{
    static const ULONG Services[] = {SERVICE_NtClose, SERVICE_NtCreateEvent, SERVICE_NtCreateFile,
                                     SERVICE_NtDeviceIoControlFile, SERVICE_NtOpenFile,
                                     SERVICE_NtOpenProcessToken, SERVICE_NtQueryInformationFile,
                                     SERVICE_NtReadFile, SERVICE_NtSetEvent,
                                     SERVICE_NtSetInformationFile, SERVICE_NtWriteFile};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Services); i++) {
        EXPECT(Run->Succeeded[Services[i]] != 0);
    }
}

GUEST_TEST(ke_system_call_fuzz)
{
    FUZZ_RUN *Run = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Run), FUZZ_TAG);
    ULONG Processes = 0;

    if (Run == NULL || !IoTestLoad(0, FALSE)) {
        EXPECT(!"memory");
        return;
    }
    *Run = (FUZZ_RUN){.Left = (ULONG)KiQueryCommandLineNumber("fuzz-calls", FUZZ_CALLS)};
    KeInitializeSpinLock(&FuzzDevice.Lock);
    InitializeListHead(&FuzzDevice.Pending);
    KeInitializeDpc(&FuzzDevice.Dpc, FuzzCompletePending, NULL);
    FuzzDevice.State = TestRandomState(1);
    IoTest.Handle = FuzzHandle;
    FuzzGuard(Run);
    while (Run->Left != 0) {
        Run->Seed = TestRandomState(FUZZ_SEEDS_OF_A_TEST * GuestTestSeed() + Processes);
        FuzzRunProcess(Run, (BOOLEAN)(Processes++ & 1));
    }
    DbgPrint("fuzz: %u processes, seed %I64u\n", Processes, GuestTestSeed());
    FuzzCheckGuards(Run);
    FuzzCheckReach(Run);
    MfsTestEmptyVolume();
    IoTestUnload();
    ExFreePoolWithTag(Run, FUZZ_TAG);
}
