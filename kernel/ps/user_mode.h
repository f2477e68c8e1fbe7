/* SPDX-License-Identifier: MIT */
/*
 * What a process's user mode finds of itself: thread and process environment blocks, as far as this
 * kernel fills them in. Offsets are those of 64-bit Windows 10.
 */
#pragma once

#include "ps/psp.h"

#define PSP_USER_STACK_SIZE 0x8000u /* committed when the thread is made */

typedef struct _PEB {
    UCHAR InheritedAddressSpace, ReadImageFileExecOptions, BeingDebugged, BitField;
    PVOID Mutant;
    PVOID ImageBaseAddress; /* 10 */
    UCHAR Fill1[0xb8 - 0x18];
    ULONG NumberOfProcessors; /* B8 */
    UCHAR Fill2[0x118 - 0xbc];
    ULONG OSMajorVersion; /* 118 */
    ULONG OSMinorVersion;
    USHORT OSBuildNumber; /* 120 */
    USHORT OSCSDVersion;
    ULONG OSPlatformId;
    UCHAR Fill3[0x7c8 - 0x128];
} PEB, *PPEB;

typedef struct _TEB {
    PVOID ExceptionList; /* 00: NT_TIB */
    PVOID StackBase;     /* top */
    PVOID StackLimit;
    PVOID SubSystemTib, FiberData, ArbitraryUserPointer;
    struct _TEB *Self; /* 30 */
    PVOID EnvironmentPointer;
    CLIENT_ID ClientId; /* 40 */
    PVOID ActiveRpcHandle, ThreadLocalStoragePointer;
    PPEB ProcessEnvironmentBlock; /* 60 */
    ULONG LastErrorValue;
    UCHAR Fill1[0x1838 - 0x6c];
} TEB, *PTEB;

C_ASSERT(offsetof(PEB, ImageBaseAddress) == 0x10);
C_ASSERT(offsetof(PEB, OSBuildNumber) == 0x120);
C_ASSERT(offsetof(TEB, Self) == 0x30);
C_ASSERT(offsetof(TEB, ClientId) == 0x40);
C_ASSERT(offsetof(TEB, ProcessEnvironmentBlock) == 0x60);

/* ---- user_thread.c ---- */
/*
 * Makes a thread of Process that begins in ring 3 at StartAddress, with Argument in rcx, on a stack
 * of its own. Both addresses are taken as they are: bad ones fault in user mode. The caller gets a
 * reference to *Thread, when wanted. PASSIVE_LEVEL, not attached
 */
NTSTATUS PspCreateUserThread(PEPROCESS Process, PVOID StartAddress, PVOID Argument,
                             PETHREAD *Thread);
/* Of the current thread: stack and TEB go. It has no user mode any more. PASSIVE_LEVEL */
VOID PspFreeUserStack(VOID);

/*
 * Maps a program (mm/user_image.c) and makes the process's PEB. On failure the process is left as
 * far as it came, to be ended. PASSIVE_LEVEL
 */
NTSTATUS PspLoadProgram(PEPROCESS Process, const VOID *File, SIZE_T Size, PVOID *EntryPoint);

/* ---- terminate.c ---- */
/*
 * Both ask; the threads end when they are about to return to user mode, or at once out of a wait of
 * user mode's. A wait for a request on a synchronous file is one: the request is cancelled. A
 * thread that a driver keeps all the same stays until the driver lets it go, as on Windows.
 * STATUS_THREAD_IS_TERMINATING, STATUS_PROCESS_IS_TERMINATING: somebody asked before.
 * STATUS_ACCESS_DENIED: it has kernel threads. PASSIVE_LEVEL
 */
NTSTATUS PspTerminateThread(PETHREAD Thread, NTSTATUS ExitStatus);
/* When the last thread has ended, the process does. It does at once when it has none. */
NTSTATUS PspTerminateProcess(PEPROCESS Process, NTSTATUS ExitStatus);
NTSTATUS NtTerminateThread(HANDLE ThreadHandle, NTSTATUS ExitStatus);
NTSTATUS NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus);
/* KiUserExceptionRoutine: no handler of user mode is asked, the process ends. */
BOOLEAN PspUserException(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN FirstChance);
/*
 * Told of an exception that ends a process, in the thread that had it; and of the end of each
 * thread that had a user mode, in that thread, before its requests are cancelled. PASSIVE_LEVEL.
 * NULL: nobody
 */
extern VOID (*PspUserExceptionHook)(PEXCEPTION_RECORD Record, PCONTEXT Context);
extern VOID (*PspUserThreadEndHook)(PETHREAD Thread, NTSTATUS ExitStatus);
/* Of each process that ends, its handles closed. PASSIVE_LEVEL. NULL: nobody */
extern VOID (*PspProcessEndHook)(PEPROCESS Process);
