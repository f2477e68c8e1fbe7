/* SPDX-License-Identifier: MIT */
/*
 * What a token holds, by information class. One routine lays a class out in a buffer: a structure,
 * then the SIDs and lists that its pointers lead to. The Zw service gives it the caller's buffer,
 * SeQueryInformationToken one from paged pool.
 */
#include "se/sep.h"
#include "ob/obp.h"

#define ELEVATION_TYPE_DEFAULT 1u /* no other token is linked to it */

static ULONG SepRounded(ULONG Bytes)
{
    return (Bytes + 7) & ~7u;
}

/* The SIDs follow Place, each rounded to 8 bytes. Buffer NULL: only counts. Returns bytes. */
static ULONG SepPutSids(PCHAR Place, const SID_AND_ATTRIBUTES *Source, ULONG Count,
                        PSID_AND_ATTRIBUTES Output)
{
    ULONG Bytes = 0;
    for (ULONG i = 0; i < Count; i++) {
        ULONG Length = RtlLengthSid(Source[i].Sid);
        if (Place != NULL) {
            RtlCopyMemory(Place + Bytes, Source[i].Sid, Length);
            Output[i].Sid = Place + Bytes;
            Output[i].Attributes = Source[i].Attributes;
        }
        Bytes += SepRounded(Length);
    }
    return Bytes;
}

/* A structure of Header bytes whose array of SIDs begins at Array. */
static NTSTATUS SepGiveSids(const SID_AND_ATTRIBUTES *Source, ULONG Count, ULONG Array,
                            PVOID Buffer, ULONG Length, PULONG Required)
{
    ULONG Header = Array + Count * (ULONG)sizeof(SID_AND_ATTRIBUTES);
    *Required = Header + SepPutSids(NULL, Source, Count, NULL);
    if (Length < *Required) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    SepPutSids((PCHAR)Buffer + Header, Source, Count,
               (PSID_AND_ATTRIBUTES)((PCHAR)Buffer + Array));
    return STATUS_SUCCESS;
}

static NTSTATUS SepGiveBytes(const VOID *Source, ULONG Bytes, PVOID Buffer, ULONG Length,
                             PULONG Required)
{
    *Required = Bytes;
    if (Length < Bytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(Buffer, Source, Bytes);
    return STATUS_SUCCESS;
}

/* A pointer, and behind it what it leads to: TOKEN_OWNER, TOKEN_DEFAULT_DACL and their like. */
static NTSTATUS SepGivePointer(const VOID *Part, ULONG Bytes, PVOID Buffer, ULONG Length,
                               PULONG Required)
{
    *Required = sizeof(PVOID) + Bytes;
    if (Length < *Required) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    *(PVOID *)Buffer = (PCHAR)Buffer + sizeof(PVOID);
    RtlCopyMemory((PCHAR)Buffer + sizeof(PVOID), Part, Bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS SepGivePrivileges(const TOKEN *Token, PTOKEN_PRIVILEGES Output, ULONG Length,
                                  PULONG Required)
{
    ULONG Count = (ULONG)__builtin_popcountll(Token->PrivilegesPresent), Next = 0;
    *Required = (ULONG)offsetof(TOKEN_PRIVILEGES, Privileges) +
                Count * (ULONG)sizeof(LUID_AND_ATTRIBUTES);
    if (Length < *Required) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    Output->PrivilegeCount = Count;
    for (ULONG Privilege = 0; Privilege < 64; Privilege++) {
        if ((Token->PrivilegesPresent >> Privilege) & 1) {
            Output->Privileges[Next++] = (LUID_AND_ATTRIBUTES){
                {Privilege, 0},
                SepTokenHasPrivilege(Token, Privilege)
                    ? SE_PRIVILEGE_ENABLED | SE_PRIVILEGE_ENABLED_BY_DEFAULT
                    : 0};
        }
    }
    return STATUS_SUCCESS;
}

static TOKEN_STATISTICS SepStatistics(const TOKEN *Token)
{
    return (TOKEN_STATISTICS){
        .TokenId = Token->TokenId,
        .AuthenticationId = Token->AuthenticationId,
        .ExpirationTime = {.QuadPart = 0x7fffffffffffffffll}, /* never */
        .TokenType = Token->Type,
        .ImpersonationLevel = Token->ImpersonationLevel,
        .DynamicCharged = Token->DefaultDacl->AclSize,
        .GroupCount = Token->UserAndGroupCount - 1,
        .PrivilegeCount = (ULONG)__builtin_popcountll(Token->PrivilegesPresent),
        .ModifiedId = Token->ModifiedId,
    };
}

/* The classes that are SIDs and lists. */
static NTSTATUS SepQueryIdentity(const TOKEN *Token, TOKEN_INFORMATION_CLASS Class, PVOID Buffer,
                                 ULONG Length, PULONG Required)
{
    const SID_AND_ATTRIBUTES Label = {Token->IntegrityLevel,
                                      SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED};
    ULONG Groups = Token->UserAndGroupCount - 1;
    NTSTATUS Status;

    switch (Class) {
    case TokenUser:
        return SepGiveSids(Token->UserAndGroups, 1, 0, Buffer, Length, Required);
    case TokenGroups:
        Status = SepGiveSids(Token->UserAndGroups + 1, Groups, offsetof(TOKEN_GROUPS, Groups),
                             Buffer, Length, Required);
        if (NT_SUCCESS(Status)) {
            ((PTOKEN_GROUPS)Buffer)->GroupCount = Groups;
        }
        return Status;
    case TokenRestrictedSids:
        return SepGiveBytes(&(ULONG64){0}, sizeof(ULONG64), Buffer, Length, Required);
    case TokenIntegrityLevel:
        return SepGiveSids(&Label, 1, 0, Buffer, Length, Required);
    case TokenOwner:
        return SepGivePointer(Token->Owner, RtlLengthSid(Token->Owner), Buffer, Length, Required);
    case TokenPrimaryGroup:
        return SepGivePointer(Token->PrimaryGroup, RtlLengthSid(Token->PrimaryGroup), Buffer,
                              Length, Required);
    case TokenDefaultDacl:
        return SepGivePointer(Token->DefaultDacl, Token->DefaultDacl->AclSize, Buffer, Length,
                              Required);
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

NTSTATUS SepQueryToken(const TOKEN *Token, TOKEN_INFORMATION_CLASS Class, PVOID Buffer,
                       ULONG Length, PULONG Required)
{
    TOKEN_STATISTICS Statistics;
    *Required = 0;
    switch (Class) {
    case TokenPrivileges:
        return SepGivePrivileges(Token, Buffer, Length, Required);
    case TokenSource:
        return SepGiveBytes(&Token->Source, sizeof(TOKEN_SOURCE), Buffer, Length, Required);
    case TokenType:
        return SepGiveBytes(&Token->Type, sizeof(TOKEN_TYPE), Buffer, Length, Required);
    case TokenImpersonationLevel:
        if (Token->Type != TokenImpersonation) {
            return STATUS_INVALID_INFO_CLASS;
        }
        return SepGiveBytes(&Token->ImpersonationLevel, sizeof(SECURITY_IMPERSONATION_LEVEL),
                            Buffer, Length, Required);
    case TokenStatistics:
        Statistics = SepStatistics(Token);
        return SepGiveBytes(&Statistics, sizeof(Statistics), Buffer, Length, Required);
    case TokenSessionId:
        return SepGiveBytes(&Token->SessionId, sizeof(ULONG), Buffer, Length, Required);
    case TokenElevationType:
        return SepGiveBytes(&(ULONG){ELEVATION_TYPE_DEFAULT}, sizeof(ULONG), Buffer, Length,
                            Required);
    case TokenElevation:
        return SepGiveBytes(&(ULONG){TRUE}, sizeof(ULONG), Buffer, Length, Required);
    default:
        return SepQueryIdentity(Token, Class, Buffer, Length, Required);
    }
}

/*
 * The caller frees *TokenInformation with ExFreePool. PASSIVE_LEVEL. [?] NT is said to store the
 * session's number itself in *TokenInformation for TokenSessionId; the documentation speaks of a
 * buffer for every class, and so it is here.
 */
NTSTATUS SeQueryInformationToken(PACCESS_TOKEN Token,
                                 TOKEN_INFORMATION_CLASS TokenInformationClass,
                                 PVOID *TokenInformation)
{
    ULONG Required;
    NTSTATUS Status = SepQueryToken(Token, TokenInformationClass, NULL, 0, &Required);
    if (Status != STATUS_BUFFER_TOO_SMALL) {
        return Status;
    }
    PVOID Buffer = ExAllocatePoolWithTag(PagedPool, Required, SE_TAG_INFORMATION);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = SepQueryToken(Token, TokenInformationClass, Buffer, Required, &Required);
    NT_VERIFY(NT_SUCCESS(Status)); /* a token does not change */
    *TokenInformation = Buffer;
    return STATUS_SUCCESS;
}
