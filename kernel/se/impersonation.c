/* SPDX-License-Identifier: MIT */
/*
 * A thread that acts with another token than its process's.
 *
 * ETHREAD.ClientSecurity is a referenced token, with the level in bits 0 and 1 and "effective only"
 * in bit 2, as in build 18362; 0: the thread does not impersonate. It changes under SepThreadLock,
 * a spin lock, innermost, with the two flags of CrossThreadFlags that belong to it; only a thread
 * that finds its own 0 needs no lock. What was there before loses its reference after the lock.
 *
 * NT lowers the level to SecurityIdentification where the server's process has not
 * SeImpersonatePrivilege and is another user than the client. Every process here has it.
 *
 * PASSIVE_LEVEL, where nothing else is said.
 */
#include "ob/obp.h"
#include "ps/psp.h"
#include "se/sep.h"

#define CLIENT_LEVEL_MASK 3ull
#define CLIENT_EFFECTIVE_ONLY 4ull
#define CLIENT_TOKEN_MASK (~7ull)
#define CLIENT_FLAGS \
    (PS_CROSS_THREAD_FLAGS_IMPERSONATING | PS_CROSS_THREAD_FLAGS_COPY_TOKEN_ON_OPEN)

static KSPIN_LOCK SepThreadLock;

static VOID SepSetClientSecurity(PETHREAD Thread, ULONG64 Security, ULONG64 Flags)
{
    KIRQL OldIrql = KiAcquireSpinLock(&SepThreadLock);
    ULONG64 Before = Thread->ClientSecurity;
    Thread->ClientSecurity = Security;
    __sync_fetch_and_and(&Thread->CrossThreadFlags, ~(ULONG64)CLIENT_FLAGS);
    __sync_fetch_and_or(&Thread->CrossThreadFlags, Flags);
    KiReleaseSpinLock(&SepThreadLock, OldIrql);
    if (Before != 0) {
        ObfDereferenceObject((PVOID)(Before & CLIENT_TOKEN_MASK));
    }
}

VOID SepRevertThread(PETHREAD Thread)
{
    if (Thread->ClientSecurity != 0) {
        SepSetClientSecurity(Thread, 0, 0);
    }
}

VOID PsRevertToSelf(VOID)
{
    SepRevertThread(PsGetCurrentThread());
}

/* Token NULL: Thread is itself again. The thread has a reference of its own to Token. */
NTSTATUS PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen,
                             BOOLEAN EffectiveOnly,
                             SECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    if (Token == NULL) {
        SepRevertThread(Thread);
        return STATUS_SUCCESS;
    }
    ObfReferenceObject(Token);
    SepSetClientSecurity(Thread,
                         (ULONG64)Token | ((ULONG64)ImpersonationLevel & CLIENT_LEVEL_MASK) |
                             (EffectiveOnly ? CLIENT_EFFECTIVE_ONLY : 0),
                         PS_CROSS_THREAD_FLAGS_IMPERSONATING |
                             (CopyOnOpen ? PS_CROSS_THREAD_FLAGS_COPY_TOKEN_ON_OPEN : 0));
    return STATUS_SUCCESS;
}

/* Token: a handle of the caller's that may be used to impersonate, or NULL to end it. */
NTSTATUS PsAssignImpersonationToken(PETHREAD Thread, HANDLE TokenHandle)
{
    PTOKEN Token;

    if (TokenHandle == NULL) {
        SepRevertThread(Thread);
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(TokenHandle, TOKEN_IMPERSONATE, SeTokenObjectType,
                                                ExGetPreviousMode(), (PVOID *)&Token, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = Token->Type == TokenImpersonation
                 ? PsImpersonateClient(Thread, Token, FALSE, FALSE, Token->ImpersonationLevel)
                 : STATUS_BAD_TOKEN_TYPE;
    ObfDereferenceObject(Token);
    return Status;
}

/* NULL: the thread does not impersonate, and nothing is stored. */
PACCESS_TOKEN PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen,
                                            PBOOLEAN EffectiveOnly,
                                            PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    if (Thread->ClientSecurity == 0) {
        return NULL;
    }
    KIRQL OldIrql = KiAcquireSpinLock(&SepThreadLock);
    ULONG64 Security = Thread->ClientSecurity, Flags = Thread->CrossThreadFlags;
    PACCESS_TOKEN Token = (PACCESS_TOKEN)(Security & CLIENT_TOKEN_MASK);
    if (Token != NULL) {
        ObfReferenceObject(Token);
    }
    KiReleaseSpinLock(&SepThreadLock, OldIrql);
    if (Token != NULL) {
        *CopyOnOpen = (Flags & PS_CROSS_THREAD_FLAGS_COPY_TOKEN_ON_OPEN) != 0;
        *EffectiveOnly = (Security & CLIENT_EFFECTIVE_ONLY) != 0;
        *ImpersonationLevel = (SECURITY_IMPERSONATION_LEVEL)(Security & CLIENT_LEVEL_MASK);
    }
    return Token;
}

/* NULL, which PsReferenceImpersonationToken gave, is let pass. <= DISPATCH_LEVEL */
VOID PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken)
{
    if (ImpersonationToken != NULL) {
        ObfDereferenceObject(ImpersonationToken);
    }
}
