/* SPDX-License-Identifier: MIT */
/*
 * Threads that run in ring 3. Such a thread is made as a system thread is, but its start routine
 * leaves for user mode and never comes back: each later entry into the kernel begins on an empty
 * kernel stack. Tcb.Teb, not NULL, says that a thread has a user mode.
 *
 * One piece of user memory holds, from low to high addresses, the stack and the TEB; below it lies
 * nothing, so a stack that runs over faults.
 */
#include "ps/user_mode.h"

#include "lib/pe_image.h"
#include "mm/mm.h"

#define PSP_TEB_SIZE ROUND_TO_PAGES(sizeof(TEB))
#define PSP_USER_RFLAGS 0x202u /* IF, and the bit that is always 1 */
#define PSP_FIRST_HOME 0x28u   /* a return address, 0, and the home area: rsp is as after a call */

/* The current process's user memory may fail to be there, however fresh. */
static __attribute__((noinline)) NTSTATUS PspFillTeb(PTEB Teb, PVOID StackBase,
                                                     const ETHREAD *Thread)
{
    __try {
        Teb->StackBase = Teb;
        Teb->StackLimit = StackBase;
        Teb->Self = Teb;
        Teb->ClientId = Thread->Cid;
        Teb->ProcessEnvironmentBlock = Thread->ThreadsProcess->Peb;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS PspCreateUserStack(PETHREAD Thread)
{
    PVOID Base = NULL;
    KAPC_STATE ApcState;

    KeStackAttachProcess(&Thread->ThreadsProcess->Pcb, &ApcState);
    NTSTATUS Status =
        MmAllocateUserMemory(&Base, PSP_USER_STACK_SIZE + PSP_TEB_SIZE, PAGE_READWRITE);
    if (NT_SUCCESS(Status)) {
        PTEB Teb = (PTEB)((PUCHAR)Base + PSP_USER_STACK_SIZE);
        Status = PspFillTeb(Teb, Base, Thread);
        if (NT_SUCCESS(Status)) {
            KiSetUserGsBase(&Thread->Tcb, Teb);
        } else {
            MmFreeUserMemory(Base);
        }
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

static __attribute__((noinline)) NTSTATUS PspFillPeb(PPEB Peb, PVOID ImageBase)
{
    __try {
        Peb->ImageBaseAddress = ImageBase;
        Peb->NumberOfProcessors = 1;
        Peb->OSMajorVersion = 10;
        Peb->OSBuildNumber = RTL_BUILD_NUMBER;
        Peb->OSPlatformId = 2; /* VER_PLATFORM_WIN32_NT */
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* NULL: the program has no such export. */
static PVOID PspFindUserExport(const VOID *File, SIZE_T Size, PVOID Base, PCSTR Name)
{
    PE_IMAGE Image;
    PE_ERROR Error;
    ULONG Rva;

    return PeImageOpen(&Image, File, Size, &Error) && PeImageFindExport(&Image, Name, &Rva, &Error)
               ? (PUCHAR)Base + Rva
               : NULL;
}

NTSTATUS PspLoadProgram(PEPROCESS Process, const VOID *File, SIZE_T Size, PVOID *EntryPoint)
{
    PVOID Base = NULL, Peb = NULL;
    KAPC_STATE ApcState;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    NTSTATUS Status = MmMapUserImage(File, Size, &Base, EntryPoint);
    if (NT_SUCCESS(Status)) {
        Status = MmAllocateUserMemory(&Peb, sizeof(PEB), PAGE_READWRITE);
    }
    if (NT_SUCCESS(Status)) {
        Status = PspFillPeb(Peb, Base);
        Process->Peb = Peb;
        Process->SectionBaseAddress = Base;
        Process->UserApcDispatcher = PspFindUserExport(File, Size, Base, "KiUserApcDispatcher");
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

VOID PspFreeUserStack(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();
    PVOID Base = (PUCHAR)Thread->Teb - PSP_USER_STACK_SIZE;

    NT_VERIFY(Thread->Teb != NULL && Thread->ApcStateIndex == OriginalApcEnvironment);
    KiSetUserGsBase(Thread, NULL);
    MmFreeUserMemory(Base); /* the process may have freed it itself */
}

static DECLSPEC_NORETURN VOID PspUserThreadStartup(PVOID Argument)
{
    PETHREAD Thread = PsGetCurrentThread();
    DECLSPEC_ALIGN(16) KTRAP_FRAME Frame = {
        .PreviousMode = UserMode,
        .MxCsr = INITIAL_MXCSR,
        .Rcx = (ULONG64)Argument,
        .Rip = (ULONG64)Thread->Win32StartAddress,
        .SegCs = KGDT64_R3_CODE | 3,
        .EFlags = PSP_USER_RFLAGS,
        .Rsp = (ULONG64)Thread->Tcb.Teb - PSP_FIRST_HOME,
        .SegSs = KGDT64_R3_DATA | 3,
    };

    PspCallUserThreadNotify();
    KiReturnToUserMode(&Frame);
}

NTSTATUS PspCreateUserThread(PEPROCESS Process, PVOID StartAddress, PVOID Argument,
                             PETHREAD *Thread)
{
    PETHREAD New;

    if (Process->Terminating) { /* when it becomes so later, the thread ends as soon as it begins */
        return STATUS_PROCESS_IS_TERMINATING;
    }
    NTSTATUS Status = PspAllocateThread(Process, PspUserThreadStartup, Argument, &New);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* Beyond the user half it would be an address that iretq itself may fault at. */
    New->Win32StartAddress = (ULONG64)StartAddress <= MM_HIGHEST_USER_ADDRESS ? StartAddress : NULL;
    New->CrossThreadFlags = 0;
    New->Tcb.SystemThread = 0;
    Status = PspCreateUserStack(New);
    if (!NT_SUCCESS(Status)) {
        PspAbandonThread(New);
        return Status;
    }
    if (Thread != NULL) {
        ObfReferenceObject(New);
        *Thread = New;
    }
    PspStartThread(New);
    return STATUS_SUCCESS;
}
