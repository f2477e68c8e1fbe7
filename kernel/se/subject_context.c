/* SPDX-License-Identifier: MIT */
/* Who asks: the tokens of the current thread and process, and the privileges in them. */
#include "se/sep.h"
#include "ob/obp.h"

/* References what it captures; SeReleaseSubjectContext ends that. PASSIVE_LEVEL */
VOID SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    SeCaptureSubjectContextEx(PsGetCurrentThread(), PsGetCurrentProcess(), SubjectContext);
}

/* Thread NULL: of Process alone, whomever its threads impersonate. PASSIVE_LEVEL */
VOID SeCaptureSubjectContextEx(PETHREAD Thread, PEPROCESS Process,
                               PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    BOOLEAN CopyOnOpen, EffectiveOnly;

    SubjectContext->ClientToken = NULL;
    SubjectContext->ImpersonationLevel = SecurityAnonymous;
    if (Thread != NULL) {
        SubjectContext->ClientToken = PsReferenceImpersonationToken(
            Thread, &CopyOnOpen, &EffectiveOnly, &SubjectContext->ImpersonationLevel);
    }
    SubjectContext->PrimaryToken = PsReferencePrimaryToken(Process);
    SubjectContext->ProcessAuditId = PsGetProcessId(Process);
}

/* Tokens do not change: the lock is the critical region that NT's lock needs as well. */
VOID SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    NT_VERIFY(SubjectContext->PrimaryToken != NULL);
    KeEnterCriticalRegion();
}

VOID SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    NT_VERIFY(SubjectContext->PrimaryToken != NULL);
    KeLeaveCriticalRegion();
}

VOID SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    PsDereferencePrimaryToken(SubjectContext->PrimaryToken);
    PsDereferenceImpersonationToken(SubjectContext->ClientToken);
    SubjectContext->PrimaryToken = NULL;
    SubjectContext->ClientToken = NULL;
}

/*
 * Marks each privilege that is held and enabled as used for access. All of them must be with
 * PRIVILEGE_SET_ALL_NECESSARY, else one. Kernel mode has every privilege.
 */
BOOLEAN SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges,
                         PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
                         KPROCESSOR_MODE AccessMode)
{
    const TOKEN *Token = SeQuerySubjectContextToken(SubjectSecurityContext);
    ULONG Held = 0;

    if (AccessMode == KernelMode) {
        return TRUE;
    }
    if (SubjectSecurityContext->ClientToken != NULL &&
        SubjectSecurityContext->ImpersonationLevel < SecurityImpersonation) {
        return FALSE;
    }
    for (ULONG i = 0; i < RequiredPrivileges->PrivilegeCount; i++) {
        PLUID_AND_ATTRIBUTES Required = &RequiredPrivileges->Privilege[i];
        if (Required->Luid.HighPart == 0 && SepTokenHasPrivilege(Token, Required->Luid.LowPart)) {
            Required->Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
            Held++;
        }
    }
    return (RequiredPrivileges->Control & PRIVILEGE_SET_ALL_NECESSARY)
               ? Held == RequiredPrivileges->PrivilegeCount
               : Held != 0;
}

/* Of the current thread's token. PASSIVE_LEVEL */
BOOLEAN SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    SECURITY_SUBJECT_CONTEXT Context;
    PRIVILEGE_SET Set = {1, PRIVILEGE_SET_ALL_NECESSARY, {{PrivilegeValue, 0}}};
    SeCaptureSubjectContext(&Context);
    BOOLEAN Held = SePrivilegeCheck(&Set, &Context, PreviousMode);
    SeReleaseSubjectContext(&Context);
    return Held;
}
