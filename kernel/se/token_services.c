/* SPDX-License-Identifier: MIT */
/* Handles to tokens, and what is asked through them. PASSIVE_LEVEL */
#include "se/sep.h"
#include "ob/obp.h"

/* OBJ_KERNEL_HANDLE, OBJ_INHERIT: what a token's handle may be. */
NTSTATUS ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                              ULONG HandleAttributes, PHANDLE TokenHandle)
{
    PEPROCESS Process;

    if (HandleAttributes & ~(ULONG)OBJ_VALID_ATTRIBUTES) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_QUERY_INFORMATION,
                                                PsProcessType, KernelMode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PACCESS_TOKEN Token = PsReferencePrimaryToken(Process);
    ObfDereferenceObject(Process);
    Status = ObOpenObjectByPointer(Token, HandleAttributes, NULL, DesiredAccess,
                                   SeTokenObjectType, KernelMode, TokenHandle);
    PsDereferencePrimaryToken(Token);
    return Status;
}

NTSTATUS ZwOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
    return ZwOpenProcessTokenEx(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

/* STATUS_NO_TOKEN: the thread does not impersonate; no thread here does. */
NTSTATUS ZwOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                             ULONG HandleAttributes, PHANDLE TokenHandle)
{
    PETHREAD Thread;
    SECURITY_IMPERSONATION_LEVEL Level;
    BOOLEAN CopyOnOpen, EffectiveOnly;

    UNREFERENCED_PARAMETER(OpenAsSelf);
    if (HandleAttributes & ~(ULONG)OBJ_VALID_ATTRIBUTES) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_QUERY_INFORMATION,
                                                PsThreadType, KernelMode, (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PACCESS_TOKEN Token =
        PsReferenceImpersonationToken(Thread, &CopyOnOpen, &EffectiveOnly, &Level);
    ObfDereferenceObject(Thread);
    if (Token == NULL) {
        return STATUS_NO_TOKEN;
    }
    Status = ObOpenObjectByPointer(Token, HandleAttributes, NULL, DesiredAccess,
                                   SeTokenObjectType, KernelMode, TokenHandle);
    PsDereferenceImpersonationToken(Token);
    return Status;
}

NTSTATUS ZwOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                           PHANDLE TokenHandle)
{
    return ZwOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, 0, TokenHandle);
}

/* *ReturnLength is how many bytes the class wants, also with STATUS_BUFFER_TOO_SMALL. */
NTSTATUS ZwQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                 PVOID TokenInformation, ULONG TokenInformationLength,
                                 PULONG ReturnLength)
{
    PTOKEN Token;
    ULONG Access = TokenInformationClass == TokenSource ? TOKEN_QUERY_SOURCE : TOKEN_QUERY;
    NTSTATUS Status = ObReferenceObjectByHandle(TokenHandle, Access, SeTokenObjectType, KernelMode,
                                                (PVOID *)&Token, NULL);
    if (NT_SUCCESS(Status)) {
        Status = SepQueryToken(Token, TokenInformationClass, TokenInformation,
                               TokenInformationLength, ReturnLength);
        ObfDereferenceObject(Token);
    }
    return Status;
}
