/* SPDX-License-Identifier: MIT */
/*
 * What a service reads from its caller and gives back. User mode's addresses are probed and touched
 * under __try only, once each: another thread may change what is there, or take it away, at any
 * time. Kernel mode's are taken as they are: a bad one is the bug check that it would be anywhere.
 */
#include "ex/ex.h"

#include "nt/io.h"
#include "nt/rtl.h"

#define EX_TAG_CALLER 'llaC'

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

NTSTATUS ExMakeCallerBuffer(PEX_CALLER_BUFFER Buffer, PVOID Address, ULONG Length,
                            KPROCESSOR_MODE Mode)
{
    *Buffer = (EX_CALLER_BUFFER){Address, Address, Length, Mode};
    if (Mode == KernelMode) {
        return STATUS_SUCCESS;
    }
    Buffer->Length = Length < EX_CALLER_BUFFER_MOST ? Length : EX_CALLER_BUFFER_MOST;
    Buffer->Bytes = NULL;
    if (Buffer->Length == 0) {
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ExProbeCaller(Address, Length, sizeof(ULONG), Mode);
    if (NT_SUCCESS(Status)) {
        Buffer->Bytes = ExAllocatePoolWithTag(PagedPool, Buffer->Length, EX_TAG_CALLER);
        Status = Buffer->Bytes != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    return Status;
}

NTSTATUS ExFinishCallerBuffer(PEX_CALLER_BUFFER Buffer, ULONG Used)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (Buffer->Mode != KernelMode && Buffer->Bytes != NULL) {
        Status = ExCopyToCaller(Buffer->Address, Buffer->Bytes, Used, Buffer->Mode);
        ExFreePoolWithTag(Buffer->Bytes, EX_TAG_CALLER);
    }
    return Status;
}
