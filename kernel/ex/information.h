/* SPDX-License-Identifier: MIT */
/*
 * Answers to Zw/NtQueryInformation...: each class is answered into a buffer of the kernel's,
 * whether the question came from user or kernel mode; information.c deals with the modes.
 */
#pragma once

#include "ke/ki.h"

typedef struct _EX_QUERY {
    PVOID Object; /* asked about; NULL: the system */
    ULONG Class;
    PUCHAR Buffer;   /* Length bytes that may be written */
    ULONG_PTR Target; /* where the asker will find Buffer's bytes: for pointers among them */
    ULONG Length;
    ULONG Needed;  /* set: what the whole answer takes */
    ULONG Written; /* set: bytes of Buffer that mean something, also when the status is an error */
} EX_QUERY, *PEX_QUERY;

/* PASSIVE_LEVEL; the buffer may be pageable. */
typedef NTSTATUS EX_QUERY_ROUTINE(PEX_QUERY Query);

/* The classes of SYSTEM_INFORMATION_CLASS that other components answer. */
EX_QUERY_ROUTINE MmQueryBasicInformation, MmQueryModules, PsQueryProcessList;
NTSTATUS ObQueryHandles(PEX_QUERY Query, BOOLEAN Extended);

/* The answer of a class of one size. */
NTSTATUS ExAnswer(PEX_QUERY Query, const VOID *Data, ULONG Size);
/*
 * Has Routine answer for Mode. From user mode the addresses are probed, and a fault on them is the
 * status; from kernel mode they are taken as they are. Query has Object and Class.
 */
NTSTATUS ExQueryInformation(KPROCESSOR_MODE Mode, EX_QUERY_ROUTINE *Routine, PEX_QUERY Query,
                            PVOID Buffer, ULONG Length, PULONG ReturnLength);
