/* SPDX-License-Identifier: MIT */
/*
 * What a service reads from its caller and gives back. User mode's addresses are probed and touched
 * under __try only, once each: another thread may change what is there, or take it away, at any
 * time. Kernel mode's are taken as they are: a bad one is the bug check that it would be anywhere.
 */
#include "ex/ex.h"

#include "nt/io.h"
#include "nt/rtl.h"

static __attribute__((noinline)) NTSTATUS ExpCopyUser(PVOID To, const VOID *From, SIZE_T Size,
                                                      const VOID *User)
{
    __try {
        ProbeForRead(User, Size, 1);
        RtlCopyMemory(To, From, Size);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS ExCopyFromCaller(PVOID To, const VOID *From, SIZE_T Size, KPROCESSOR_MODE Mode)
{
    if (Mode == KernelMode) {
        RtlCopyMemory(To, From, Size);
        return STATUS_SUCCESS;
    }
    return ExpCopyUser(To, From, Size, From);
}

NTSTATUS ExCopyToCaller(PVOID To, const VOID *From, SIZE_T Size, KPROCESSOR_MODE Mode)
{
    if (Mode == KernelMode) {
        RtlCopyMemory(To, From, Size);
        return STATUS_SUCCESS;
    }
    return ExpCopyUser(To, From, Size, To);
}

__attribute__((noinline)) NTSTATUS ExProbeCaller(PVOID Address, SIZE_T Size, ULONG Alignment,
                                                 KPROCESSOR_MODE Mode)
{
    if (Mode == KernelMode) {
        return STATUS_SUCCESS;
    }
    __try {
        ProbeForWrite(Address, Size, Alignment);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}
