/* SPDX-License-Identifier: MIT */
/*
 * SECURITY_CLIENT_CONTEXT: who a client is, taken along for a thread that serves it later.
 *
 *   static tracking     a copy of the client's token, at the level that was asked for
 *   dynamic tracking    the client's token itself
 *
 * A client that impersonates passes on no more than it has: at SecurityIdentification and below
 * nothing, nor a higher level than its own, and to a remote server only SecurityDelegation. [?] The
 * documentation gives the status and not these rules.
 * PASSIVE_LEVEL
 */
#include "se/sep.h"
#include "ob/obp.h"

/* Level, EffectiveOnly: of the client's own impersonation; Impersonating FALSE: it does not. */
static NTSTATUS SepMakeClientContext(PTOKEN Token, BOOLEAN Impersonating,
                                     SECURITY_IMPERSONATION_LEVEL Level, BOOLEAN EffectiveOnly,
                                     const SECURITY_QUALITY_OF_SERVICE *Qos, BOOLEAN Remote,
                                     PSECURITY_CLIENT_CONTEXT Context)
{
    PTOKEN Client = Token;

    if (Impersonating && (Level < SecurityImpersonation || Level < Qos->ImpersonationLevel ||
                          (Remote && Level != SecurityDelegation))) {
        return STATUS_BAD_IMPERSONATION_LEVEL;
    }
    EffectiveOnly = EffectiveOnly || Qos->EffectiveOnly;
    BOOLEAN Direct = Qos->ContextTrackingMode == SECURITY_DYNAMIC_TRACKING;
    if (Direct) {
        ObfReferenceObject(Token);
    } else {
        NTSTATUS Status = SepDuplicateToken(Token, TokenImpersonation, Qos->ImpersonationLevel,
                                            EffectiveOnly, &Client);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    *Context = (SECURITY_CLIENT_CONTEXT){
        .SecurityQos = {sizeof(SECURITY_QUALITY_OF_SERVICE), Qos->ImpersonationLevel,
                        Qos->ContextTrackingMode, Qos->EffectiveOnly},
        .ClientToken = Client,
        .DirectlyAccessClientToken = Direct,
        .DirectAccessEffectiveOnly = Direct && EffectiveOnly,
        .ServerIsRemote = Remote,
        .ClientTokenControl = {Client->TokenId, Client->AuthenticationId, Client->ModifiedId,
                               Client->Source},
    };
    return STATUS_SUCCESS;
}

/* SeDeleteClientSecurity ends it. STATUS_BAD_IMPERSONATION_LEVEL: see the head. */
NTSTATUS SeCreateClientSecurity(PETHREAD ClientThread,
                                PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext)
{
    SECURITY_IMPERSONATION_LEVEL Level = SecurityAnonymous;
    BOOLEAN CopyOnOpen, EffectiveOnly = FALSE;
    PACCESS_TOKEN Token =
        PsReferenceImpersonationToken(ClientThread, &CopyOnOpen, &EffectiveOnly, &Level);
    BOOLEAN Impersonating = Token != NULL;

    if (!Impersonating) {
        Token = PsReferencePrimaryToken(ClientThread->ThreadsProcess);
    }
    NTSTATUS Status = SepMakeClientContext(Token, Impersonating, Level, EffectiveOnly,
                                           ClientSecurityQos, RemoteSession, ClientContext);
    ObfDereferenceObject(Token);
    return Status;
}

/* [?] A subject does not say "effective only" of its impersonation; its token's copy has it. */
NTSTATUS SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                                  PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                                  BOOLEAN ServerIsRemote,
                                                  PSECURITY_CLIENT_CONTEXT ClientContext)
{
    return SepMakeClientContext(SeQuerySubjectContextToken(SubjectContext),
                                SubjectContext->ClientToken != NULL,
                                SubjectContext->ImpersonationLevel, FALSE, ClientSecurityQos,
                                ServerIsRemote, ClientContext);
}

/* ClientToken NULL, which a context has after this: there is nothing to do. */
VOID SeDeleteClientSecurity(PSECURITY_CLIENT_CONTEXT ClientContext)
{
    if (ClientContext->ClientToken != NULL) {
        ObfDereferenceObject(ClientContext->ClientToken);
        ClientContext->ClientToken = NULL;
    }
}

/* ServerThread NULL: the current one. */
NTSTATUS SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
    BOOLEAN EffectiveOnly = ClientContext->DirectlyAccessClientToken
                                ? ClientContext->DirectAccessEffectiveOnly
                                : ClientContext->SecurityQos.EffectiveOnly;
    return PsImpersonateClient(ServerThread != NULL ? ServerThread : PsGetCurrentThread(),
                               ClientContext->ClientToken, TRUE, EffectiveOnly,
                               ClientContext->SecurityQos.ImpersonationLevel);
}

VOID SeImpersonateClient(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
    (VOID)SeImpersonateClientEx(ClientContext, ServerThread);
}
