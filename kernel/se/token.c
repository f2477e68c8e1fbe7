/* SPDX-License-Identifier: MIT */
/* The token type, the system's token and the client's. */
#include "se/sep.h"
#include "ob/obp.h"
#include "ps/psp.h"

POBJECT_TYPE SeTokenObjectType;
PTOKEN SepSystemToken, SepClientToken;

#define GROUP_ALWAYS (SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED)
#define GROUP_LABEL (SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED)
#define MAXIMUM_GROUPS 8
#define DACL_BYTES 128u

#define BIT(privilege) (1ull << (privilege))
#define EVERY_PRIVILEGE \
    ((BIT(SE_MAX_WELL_KNOWN_PRIVILEGE) << 1) - BIT(SE_MIN_WELL_KNOWN_PRIVILEGE))

/* What an elevated administrator holds, and what of it is on without being asked for. */
#define ADMINISTRATOR_PRIVILEGES                                                           \
    (BIT(SE_INCREASE_QUOTA_PRIVILEGE) | BIT(SE_SECURITY_PRIVILEGE) |                       \
     BIT(SE_TAKE_OWNERSHIP_PRIVILEGE) | BIT(SE_LOAD_DRIVER_PRIVILEGE) |                    \
     BIT(SE_SYSTEM_PROFILE_PRIVILEGE) | BIT(SE_SYSTEMTIME_PRIVILEGE) |                     \
     BIT(SE_PROF_SINGLE_PROCESS_PRIVILEGE) | BIT(SE_INC_BASE_PRIORITY_PRIVILEGE) |         \
     BIT(SE_CREATE_PAGEFILE_PRIVILEGE) | BIT(SE_BACKUP_PRIVILEGE) |                        \
     BIT(SE_RESTORE_PRIVILEGE) | BIT(SE_SHUTDOWN_PRIVILEGE) | BIT(SE_DEBUG_PRIVILEGE) |    \
     BIT(SE_SYSTEM_ENVIRONMENT_PRIVILEGE) | BIT(SE_REMOTE_SHUTDOWN_PRIVILEGE) |            \
     BIT(SE_UNDOCK_PRIVILEGE) | BIT(SE_MANAGE_VOLUME_PRIVILEGE) |                          \
     BIT(SE_INC_WORKING_SET_PRIVILEGE) | BIT(SE_TIME_ZONE_PRIVILEGE) |                     \
     BIT(SE_CREATE_SYMBOLIC_LINK_PRIVILEGE) | ADMINISTRATOR_ENABLED)
#define ADMINISTRATOR_ENABLED \
    (BIT(SE_CHANGE_NOTIFY_PRIVILEGE) | BIT(SE_IMPERSONATE_PRIVILEGE) | \
     BIT(SE_CREATE_GLOBAL_PRIVILEGE))

static SID_AND_ATTRIBUTES SepSystemGroups[MAXIMUM_GROUPS], SepClientGroups[MAXIMUM_GROUPS];
static DECLSPEC_ALIGN(8) UCHAR SepSystemDacl[DACL_BYTES], SepClientDacl[DACL_BYTES];

BOOLEAN SepTokenHasSid(const TOKEN *Token, PSID Sid, BOOLEAN Deny)
{
    for (ULONG i = 0; i < Token->UserAndGroupCount; i++) {
        const SID_AND_ATTRIBUTES *Entry = &Token->UserAndGroups[i];
        ULONG Counts = SE_GROUP_ENABLED | (Deny ? SE_GROUP_USE_FOR_DENY_ONLY : 0);
        if ((i == 0 || (Entry->Attributes & Counts)) && RtlEqualSid(Entry->Sid, Sid)) {
            return TRUE;
        }
    }
    return FALSE;
}

ULONG SepNextLuid(VOID)
{
    static volatile LONG LastId = 999; /* lower ones are known logon sessions' */
    return (ULONG)InterlockedIncrement(&LastId);
}

static PTOKEN SepCreateToken(const TOKEN *Template)
{
    PTOKEN Token;
    NT_VERIFY(NT_SUCCESS(
        ObpAllocateObject(SeTokenObjectType, NULL, sizeof(TOKEN), (PVOID *)&Token)));
    ObpHeaderOf(Token)->Flags = OB_FLAG_PERMANENT_OBJECT | OB_FLAG_KERNEL_OBJECT;
    *Token = *Template;
    Token->TokenId.LowPart = SepNextLuid();
    Token->ModifiedId.LowPart = SepNextLuid();
    return Token;
}

static PACL SepCreateDefaultDacl(PVOID Buffer, PSID First, ACCESS_MASK FirstAccess, PSID Second,
                                 ACCESS_MASK SecondAccess)
{
    NT_VERIFY(NT_SUCCESS(RtlCreateAcl(Buffer, DACL_BYTES, ACL_REVISION)));
    NT_VERIFY(NT_SUCCESS(RtlAddAccessAllowedAce(Buffer, ACL_REVISION, FirstAccess, First)));
    NT_VERIFY(NT_SUCCESS(RtlAddAccessAllowedAce(Buffer, ACL_REVISION, SecondAccess, Second)));
    return Buffer;
}

static VOID SepCreateSystemToken(VOID)
{
    const SID_AND_ATTRIBUTES Groups[] = {
        {SepExports.SeLocalSystemSid, 0},
        {SepExports.SeAliasAdminsSid,
         SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED | SE_GROUP_OWNER},
        {SepExports.SeWorldSid, GROUP_ALWAYS},
        {SepExports.SeAuthenticatedUsersSid, GROUP_ALWAYS},
        {SepExports.SeSystemMandatorySid, GROUP_LABEL},
    };
    RtlCopyMemory(SepSystemGroups, Groups, sizeof(Groups));
    SepSystemToken = SepCreateToken(&(TOKEN){
        .Source = {"*SYSTEM*", {0, 0}},
        .AuthenticationId = {0x3e7, 0}, /* SYSTEM_LUID */
        .Type = TokenPrimary,
        .UserAndGroupCount = RTL_NUMBER_OF(Groups),
        .UserAndGroups = SepSystemGroups,
        .PrivilegesPresent = EVERY_PRIVILEGE,
        .PrivilegesEnabled = EVERY_PRIVILEGE,
        .Owner = SepExports.SeAliasAdminsSid,
        .PrimaryGroup = SepExports.SeLocalSystemSid,
        .IntegrityLevel = SepExports.SeSystemMandatorySid,
        .DefaultDacl = SepCreateDefaultDacl(
            SepSystemDacl, SepExports.SeLocalSystemSid, GENERIC_ALL, SepExports.SeAliasAdminsSid,
            GENERIC_READ | GENERIC_EXECUTE | READ_CONTROL),
    });
}

static VOID SepCreateClientToken(VOID)
{
    const SID_AND_ATTRIBUTES Groups[] = {
        {SepClientUserSid, 0},
        {SepExports.SeWorldSid, GROUP_ALWAYS},
        {SepExports.SeAliasAdminsSid, GROUP_ALWAYS | SE_GROUP_OWNER},
        {SepExports.SeAliasUsersSid, GROUP_ALWAYS},
        {SepExports.SeInteractiveSid, GROUP_ALWAYS},
        {SepExports.SeAuthenticatedUsersSid, GROUP_ALWAYS},
        {SepExports.SeLocalSid, GROUP_ALWAYS},
        {SepExports.SeHighMandatorySid, GROUP_LABEL},
    };
    C_ASSERT(RTL_NUMBER_OF(Groups) <= MAXIMUM_GROUPS);
    RtlCopyMemory(SepClientGroups, Groups, sizeof(Groups));
    SepClientToken = SepCreateToken(&(TOKEN){
        .Source = {"User32 ", {0, 0}},
        .AuthenticationId = {0x10000, 0},
        .Type = TokenPrimary,
        .SessionId = 1,
        .UserAndGroupCount = RTL_NUMBER_OF(Groups),
        .UserAndGroups = SepClientGroups,
        .PrivilegesPresent = ADMINISTRATOR_PRIVILEGES,
        .PrivilegesEnabled = ADMINISTRATOR_ENABLED,
        .Owner = SepExports.SeAliasAdminsSid,
        .PrimaryGroup = SepExports.SeAliasUsersSid,
        .IntegrityLevel = SepExports.SeHighMandatorySid,
        .DefaultDacl =
            SepCreateDefaultDacl(SepClientDacl, SepExports.SeAliasAdminsSid, GENERIC_ALL,
                                 SepExports.SeLocalSystemSid, GENERIC_ALL),
    });
}

VOID SeInitializeSystem(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Info = {
        .GenericMapping = {TOKEN_READ, TOKEN_WRITE,
                           STANDARD_RIGHTS_EXECUTE | TOKEN_IMPERSONATE, TOKEN_ALL_ACCESS},
        .ValidAccessMask = TOKEN_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
    };
    NT_VERIFY(NT_SUCCESS(
        ObCreateObjectType(L"Token", &Info, OB_NOT_WAITABLE, &SeTokenObjectType)));
    SepCreateSystemToken();
    SepCreateClientToken();
    SepInitializeDeviceDescriptor();
}

BOOLEAN SeTokenIsAdmin(PACCESS_TOKEN Token)
{
    return SepTokenHasSid(Token, SepExports.SeAliasAdminsSid, FALSE);
}

/* Restricted tokens cannot be made. */
BOOLEAN SeTokenIsRestricted(PACCESS_TOKEN Token)
{
    UNREFERENCED_PARAMETER(Token);
    return FALSE;
}

TOKEN_TYPE SeTokenType(PACCESS_TOKEN Token)
{
    return ((PTOKEN)Token)->Type;
}

NTSTATUS SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID AuthenticationId)
{
    *AuthenticationId = ((PTOKEN)Token)->AuthenticationId;
    return STATUS_SUCCESS;
}

NTSTATUS SeQuerySessionIdToken(PACCESS_TOKEN Token, PULONG SessionId)
{
    *SessionId = ((PTOKEN)Token)->SessionId;
    return STATUS_SUCCESS;
}

PACCESS_TOKEN PsReferencePrimaryToken(PEPROCESS Process)
{
    ObfReferenceObject(Process->Token);
    return Process->Token;
}

VOID PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken)
{
    ObfDereferenceObject(PrimaryToken);
}
