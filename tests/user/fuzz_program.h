/* SPDX-License-Identifier: MIT */
/* Between fuzz.exe, in ring 3, and the test that runs it. */
#pragma once

#include "nt/ntddk.h"
#include "wire/system_service.h"

#define FUZZ_ARGUMENTS 11
/* With this the thread that calls ends when it has made all. */
#define FUZZ_DONE ((NTSTATUS)0x7a0001)

/* Added to the plan's address: the thread scribbles, in place of calling. */
#define FUZZ_SCRIBBLES 1u

/* In user memory. A copy of it is taken by the program: what it points to may be overwritten. */
typedef struct _FUZZ_PLAN {
    ULONG64 Seed; /* not 0 */
    ULONG Calls;
    ULONG ArenaSize;
    PUCHAR Arena;              /* where the structures and buffers of the calls are */
    ULONG64 Kernel[4];         /* addresses of the kernel, which nothing may touch */
    volatile ULONG Made;       /* calls begun */
    volatile ULONG64 Service;  /* of the last one */
    ULONG64 Argument[FUZZ_ARGUMENTS];
    ULONG Succeeded[SERVICE_COUNT];
} FUZZ_PLAN, *PFUZZ_PLAN;

/* ---- fuzz_call.S ---- */
NTSTATUS FuzzCall(ULONG64 Service, const ULONG64 *Arguments);
/*
 * NtContinue with a CONTEXT that leads back to here, whatever else it has, when Return is set.
 * Returns the status of a call that came back with one.
 */
NTSTATUS FuzzContinue(PCONTEXT Context, BOOLEAN TestAlert, BOOLEAN Return);
VOID FuzzApcRoutine(PVOID Context, PIO_STATUS_BLOCK IoStatus, ULONG Reserved);
