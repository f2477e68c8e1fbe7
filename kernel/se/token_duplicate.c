/* SPDX-License-Identifier: MIT */
/*
 * Copies of tokens. A copy has its own id and its own privileges; SIDs and lists are those of the
 * first two tokens, which stay. PASSIVE_LEVEL
 */
#include "se/sep.h"

#include "ex/ex.h"
#include "nt/impersonation.h"
#include "ob/obp.h"

/*
 * The caller has the only reference. Level is of an impersonation token; a primary one has none.
 * EffectiveOnly leaves out what is not enabled: privileges alone, as every group of a token is.
 */
NTSTATUS SepDuplicateToken(const TOKEN *Source, TOKEN_TYPE Type,
                           SECURITY_IMPERSONATION_LEVEL Level, BOOLEAN EffectiveOnly, PTOKEN *Copy)
{
    PTOKEN Token;
    NTSTATUS Status = ObpAllocateObject(SeTokenObjectType, NULL, sizeof(TOKEN), (PVOID *)&Token);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpHeaderOf(Token)->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    *Token = *Source;
    Token->TokenId.LowPart = SepNextLuid();
    Token->Type = Type;
    Token->ImpersonationLevel = Type == TokenImpersonation ? Level : SecurityAnonymous;
    if (EffectiveOnly) {
        Token->PrivilegesPresent = Token->PrivilegesEnabled;
    }
    *Copy = Token;
    return STATUS_SUCCESS;
}

/* The level that the caller asks for; without a word of it, SecurityAnonymous. */
static NTSTATUS SepCaptureLevel(POBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE Mode,
                                PULONG HandleAttributes, PSECURITY_IMPERSONATION_LEVEL Level)
{
    OBJECT_ATTRIBUTES Own;
    SECURITY_QUALITY_OF_SERVICE Qos;

    *Level = SecurityAnonymous;
    *HandleAttributes = 0;
    if (Attributes == NULL) {
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ExCopyFromCaller(&Own, Attributes, sizeof(Own), Mode);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Own.Attributes & ~(ULONG)OBJ_VALID_ATTRIBUTES) {
        return STATUS_INVALID_PARAMETER;
    }
    *HandleAttributes = Own.Attributes;
    if (Own.SecurityQualityOfService == NULL) {
        return STATUS_SUCCESS;
    }
    Status = ExCopyFromCaller(&Qos, Own.SecurityQualityOfService, sizeof(Qos), Mode);
    if (NT_SUCCESS(Status) && (ULONG)Qos.ImpersonationLevel > SecurityDelegation) {
        return STATUS_INVALID_PARAMETER;
    }
    *Level = NT_SUCCESS(Status) ? Qos.ImpersonationLevel : SecurityAnonymous;
    return Status;
}

/* An impersonation token gives no more than it has, and a primary one only from Impersonation. */
static BOOLEAN SepMayDuplicate(const TOKEN *Source, TOKEN_TYPE Type,
                               SECURITY_IMPERSONATION_LEVEL Level)
{
    if (Source->Type == TokenPrimary) {
        return TRUE;
    }
    return Type == TokenPrimary ? Source->ImpersonationLevel >= SecurityImpersonation
                                : Source->ImpersonationLevel >= Level;
}

/* DesiredAccess 0: what the existing handle has. */
NTSTATUS NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly,
                          TOKEN_TYPE TokenType, PHANDLE NewTokenHandle)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    OBJECT_HANDLE_INFORMATION Existing;
    SECURITY_IMPERSONATION_LEVEL Level;
    ULONG HandleAttributes;
    PTOKEN Source, Copy;

    if (TokenType != TokenPrimary && TokenType != TokenImpersonation) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ExProbeCaller(NewTokenHandle, sizeof(HANDLE), sizeof(HANDLE), Mode);
    if (NT_SUCCESS(Status)) {
        Status = SepCaptureLevel(ObjectAttributes, Mode, &HandleAttributes, &Level);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(ExistingTokenHandle, TOKEN_DUPLICATE, SeTokenObjectType,
                                           Mode, (PVOID *)&Source, &Existing);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = SepMayDuplicate(Source, TokenType, Level)
                 ? SepDuplicateToken(Source, TokenType, Level, EffectiveOnly, &Copy)
                 : STATUS_BAD_IMPERSONATION_LEVEL;
    ObfDereferenceObject(Source);
    if (NT_SUCCESS(Status)) {
        Status = SepGiveTokenHandle(Copy, DesiredAccess != 0 ? DesiredAccess
                                                             : Existing.GrantedAccess,
                                    HandleAttributes, NewTokenHandle, Mode);
        ObfDereferenceObject(Copy);
    }
    return Status;
}

NTSTATUS ZwDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly,
                          TOKEN_TYPE TokenType, PHANDLE NewTokenHandle)
{
    return KE_CALL_AS_KERNEL(NtDuplicateToken(ExistingTokenHandle, DesiredAccess, ObjectAttributes,
                                              EffectiveOnly, TokenType, NewTokenHandle));
}
