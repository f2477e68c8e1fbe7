/* SPDX-License-Identifier: MIT */
/*
 * Handles to tokens, and what is asked through them. Nt: for the previous mode of the thread; Zw:
 * for kernel mode. PASSIVE_LEVEL
 */
#include "se/sep.h"

#include "ex/ex.h"
#include "ob/obp.h"

NTSTATUS SepGiveTokenHandle(PACCESS_TOKEN Token, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                            PHANDLE TokenHandle, KPROCESSOR_MODE Mode)
{
    HANDLE Handle;

    if (Mode != KernelMode) {
        HandleAttributes &= ~(ULONG)OBJ_KERNEL_HANDLE;
    }
    NTSTATUS Status = ObOpenObjectByPointer(Token, HandleAttributes, NULL, DesiredAccess,
                                            SeTokenObjectType, Mode, &Handle);
    return NT_SUCCESS(Status) ? ExCopyToCaller(TokenHandle, &Handle, sizeof(Handle), Mode)
                              : Status;
}

/* OBJ_KERNEL_HANDLE, OBJ_INHERIT: what a token's handle may be. */
NTSTATUS NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                              ULONG HandleAttributes, PHANDLE TokenHandle)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PEPROCESS Process;

    if (HandleAttributes & ~(ULONG)OBJ_VALID_ATTRIBUTES) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ExProbeCaller(TokenHandle, sizeof(HANDLE), sizeof(HANDLE), Mode);
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_QUERY_INFORMATION, PsProcessType,
                                           Mode, (PVOID *)&Process, NULL);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PACCESS_TOKEN Token = PsReferencePrimaryToken(Process);
    ObfDereferenceObject(Process);
    Status = SepGiveTokenHandle(Token, DesiredAccess, HandleAttributes, TokenHandle, Mode);
    PsDereferencePrimaryToken(Token);
    return Status;
}

NTSTATUS ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                              ULONG HandleAttributes, PHANDLE TokenHandle)
{
    return KE_CALL_AS_KERNEL(
        NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, HandleAttributes, TokenHandle));
}

NTSTATUS NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
    return NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

NTSTATUS ZwOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
    return ZwOpenProcessTokenEx(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

/*
 * The token that a thread impersonates with, referenced, for a handle: a copy where the thread was
 * told so. STATUS_NO_TOKEN: it does not impersonate.
 */
static NTSTATUS SepTokenToOpen(PETHREAD Thread, PTOKEN *Token)
{
    SECURITY_IMPERSONATION_LEVEL Level;
    BOOLEAN CopyOnOpen, EffectiveOnly;
    PTOKEN Client = PsReferenceImpersonationToken(Thread, &CopyOnOpen, &EffectiveOnly, &Level);
    NTSTATUS Status = STATUS_SUCCESS;

    *Token = Client;
    if (Client == NULL) {
        return STATUS_NO_TOKEN;
    }
    if (Level == SecurityAnonymous) {
        Status = STATUS_CANT_OPEN_ANONYMOUS;
    } else if (CopyOnOpen) {
        Status = SepDuplicateToken(Client, TokenImpersonation, Level, EffectiveOnly, Token);
    } else {
        return STATUS_SUCCESS;
    }
    PsDereferenceImpersonationToken(Client);
    return Status;
}

/* Tokens have no descriptors, so that OpenAsSelf, whose rights are asked, says nothing. */
NTSTATUS NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                             ULONG HandleAttributes, PHANDLE TokenHandle)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PETHREAD Thread;
    PTOKEN Token;

    UNREFERENCED_PARAMETER(OpenAsSelf);
    if (HandleAttributes & ~(ULONG)OBJ_VALID_ATTRIBUTES) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ExProbeCaller(TokenHandle, sizeof(HANDLE), sizeof(HANDLE), Mode);
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_QUERY_INFORMATION, PsThreadType,
                                           Mode, (PVOID *)&Thread, NULL);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = SepTokenToOpen(Thread, &Token);
    ObfDereferenceObject(Thread);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = SepGiveTokenHandle(Token, DesiredAccess, HandleAttributes, TokenHandle, Mode);
    ObfDereferenceObject(Token);
    return Status;
}

NTSTATUS ZwOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                             ULONG HandleAttributes, PHANDLE TokenHandle)
{
    return KE_CALL_AS_KERNEL(NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf,
                                                 HandleAttributes, TokenHandle));
}

NTSTATUS NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                           PHANDLE TokenHandle)
{
    return NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, 0, TokenHandle);
}

NTSTATUS ZwOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                           PHANDLE TokenHandle)
{
    return ZwOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, 0, TokenHandle);
}

/* *ReturnLength is how many bytes the class wants, also with STATUS_BUFFER_TOO_SMALL. */
NTSTATUS NtQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                 PVOID TokenInformation, ULONG TokenInformationLength,
                                 PULONG ReturnLength)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PTOKEN Token;
    EX_CALLER_BUFFER Buffer;
    ULONG Required = 0;
    ULONG Access = TokenInformationClass == TokenSource ? TOKEN_QUERY_SOURCE : TOKEN_QUERY;
    NTSTATUS Status = ExProbeCaller(ReturnLength, sizeof(ULONG), sizeof(ULONG), Mode);

    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(TokenHandle, Access, SeTokenObjectType, Mode,
                                           (PVOID *)&Token, NULL);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ExMakeCallerBuffer(&Buffer, TokenInformation, TokenInformationLength, Mode);
    if (NT_SUCCESS(Status)) {
        Status = SepQueryToken(Token, TokenInformationClass, Buffer.Bytes, Buffer.Length,
                               &Required);
        NTSTATUS Copied = ExFinishCallerBuffer(&Buffer, NT_SUCCESS(Status) ? Required : 0);
        if (NT_SUCCESS(Copied)) {
            Copied = ExCopyToCaller(ReturnLength, &Required, sizeof(ULONG), Mode);
        }
        Status = NT_SUCCESS(Copied) ? Status : Copied;
    }
    ObfDereferenceObject(Token);
    return Status;
}

NTSTATUS ZwQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                 PVOID TokenInformation, ULONG TokenInformationLength,
                                 PULONG ReturnLength)
{
    return KE_CALL_AS_KERNEL(NtQueryInformationToken(TokenHandle, TokenInformationClass,
                                                     TokenInformation, TokenInformationLength,
                                                     ReturnLength));
}
