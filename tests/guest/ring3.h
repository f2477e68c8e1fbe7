/* SPDX-License-Identifier: MIT */
/*
 * Programs of ring 3 for guest tests: a process with the routines of ring3_program.S in memory that
 * may be executed but not written, and one page that may be written, for what they are told and
 * tell.
 */
#pragma once

#include "mm/mi.h"
#include "ps/user_mode.h"
#include "test_thread.h"

#define RING3_EXIT 0x12345 /* the status with which a routine that works ends its thread */

extern const UCHAR Ring3Program[], Ring3ProgramEnd[];

typedef struct _RING3 {
    PEPROCESS Process;
    PUCHAR Code; /* user addresses */
    PVOID Page;
    KAPC_STATE ApcState;
} RING3;

static inline VOID Ring3Attach(RING3 *Test)
{
    KeStackAttachProcess(&Test->Process->Pcb, &Test->ApcState);
}

static inline VOID Ring3Detach(RING3 *Test)
{
    KeUnstackDetachProcess(&Test->ApcState);
}

static inline VOID Ring3Create(RING3 *Test)
{
    ULONG64 Code = 0;

    Test->Page = NULL;
    EXPECT_EQUAL(PspCreateProcess("ring3", &Test->Process), STATUS_SUCCESS);
    Ring3Attach(Test);
    EXPECT_EQUAL(MiAllocatePrivateVad(&Code, (SIZE_T)(Ring3ProgramEnd - Ring3Program),
                                      MI_EXECUTE_READ),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MmFillUserMemory((PVOID)Code, Ring3Program,
                                  (SIZE_T)(Ring3ProgramEnd - Ring3Program)),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MmAllocateUserMemory(&Test->Page, PAGE_SIZE, PAGE_READWRITE), STATUS_SUCCESS);
    Ring3Detach(Test);
    Test->Code = (PUCHAR)Code;
}

/* Writes and reads a word of the page. */
static inline VOID Ring3Put(RING3 *Test, ULONG Offset, ULONG64 Value)
{
    Ring3Attach(Test);
    *(volatile ULONG64 *)((PUCHAR)Test->Page + Offset) = Value;
    Ring3Detach(Test);
}

static inline ULONG64 Ring3Get(RING3 *Test, ULONG Offset)
{
    Ring3Attach(Test);
    ULONG64 Value = *(volatile ULONG64 *)((PUCHAR)Test->Page + Offset);
    Ring3Detach(Test);
    return Value;
}

static inline PETHREAD Ring3Start(RING3 *Test, const UCHAR *Routine)
{
    PETHREAD Thread = NULL;
    EXPECT_EQUAL(PspCreateUserThread(Test->Process, Test->Code + (Routine - Ring3Program),
                                     Test->Page, &Thread),
                 STATUS_SUCCESS);
    return Thread;
}

/* The status with which the thread ended. */
static inline NTSTATUS Ring3Join(PETHREAD Thread)
{
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
    if (Thread == NULL) {
        return STATUS_UNSUCCESSFUL;
    }
    EXPECT_EQUAL(KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    NTSTATUS Status = PsGetThreadExitStatus(Thread);
    ObDereferenceObject(Thread);
    return Status;
}

static inline NTSTATUS Ring3Run(RING3 *Test, const UCHAR *Routine)
{
    return Ring3Join(Ring3Start(Test, Routine));
}

/* A process that has ended by itself only loses its reference. */
static inline VOID Ring3Delete(RING3 *Test)
{
    if (!Test->Process->Terminating) {
        PspExitProcess(Test->Process, STATUS_SUCCESS);
    }
    ObDereferenceObject(Test->Process);
}
