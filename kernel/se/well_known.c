/* SPDX-License-Identifier: MIT */
/* SeExports: the LUIDs of privileges and the SIDs that every NT system knows [MS-DTYP 2.4.2.4]. */
#include "se/sep.h"

typedef struct _SEP_SID {
    UCHAR Revision;
    UCHAR SubAuthorityCount;
    UCHAR Authority[6];
    ULONG SubAuthority[5];
} SEP_SID;

#define BUILTIN_DOMAIN 32

/* name, authority, count of sub-authorities, those */
#define SEP_SIDS(SID_OF)                                                                \
    SID_OF(SeNullSid, 0, 1, 0)                                                          \
    SID_OF(SeWorldSid, 1, 1, 0)                                                         \
    SID_OF(SeLocalSid, 2, 1, 0)                                                         \
    SID_OF(SeCreatorOwnerSid, 3, 1, 0)                                                  \
    SID_OF(SeCreatorGroupSid, 3, 1, 1)                                                  \
    SID_OF(SeOwnerRightsSid, 3, 1, 4)                                                   \
    SID_OF(SeNtAuthoritySid, 5, 0, 0)                                                   \
    SID_OF(SeDialupSid, 5, 1, 1)                                                        \
    SID_OF(SeNetworkSid, 5, 1, 2)                                                       \
    SID_OF(SeBatchSid, 5, 1, 3)                                                         \
    SID_OF(SeInteractiveSid, 5, 1, 4)                                                   \
    SID_OF(SeAnonymousLogonSid, 5, 1, 7)                                                \
    SID_OF(SeAuthenticatedUsersSid, 5, 1, 11)                                           \
    SID_OF(SeRestrictedSid, 5, 1, 12)                                                   \
    SID_OF(SeIUserSid, 5, 1, 17)                                                        \
    SID_OF(SeLocalSystemSid, 5, 1, 18)                                                  \
    SID_OF(SeLocalServiceSid, 5, 1, 19)                                                 \
    SID_OF(SeNetworkServiceSid, 5, 1, 20)                                               \
    SID_OF(SeAliasAdminsSid, 5, 2, BUILTIN_DOMAIN, 544)                                 \
    SID_OF(SeAliasUsersSid, 5, 2, BUILTIN_DOMAIN, 545)                                  \
    SID_OF(SeAliasGuestsSid, 5, 2, BUILTIN_DOMAIN, 546)                                 \
    SID_OF(SeAliasPowerUsersSid, 5, 2, BUILTIN_DOMAIN, 547)                             \
    SID_OF(SeAliasAccountOpsSid, 5, 2, BUILTIN_DOMAIN, 548)                             \
    SID_OF(SeAliasSystemOpsSid, 5, 2, BUILTIN_DOMAIN, 549)                              \
    SID_OF(SeAliasPrintOpsSid, 5, 2, BUILTIN_DOMAIN, 550)                               \
    SID_OF(SeAliasBackupOpsSid, 5, 2, BUILTIN_DOMAIN, 551)                              \
    SID_OF(SeAllAppPackagesSid, 15, 2, 2, 1)                                            \
    SID_OF(SeUntrustedMandatorySid, 16, 1, 0)                                           \
    SID_OF(SeLowMandatorySid, 16, 1, 0x1000)                                            \
    SID_OF(SeMediumMandatorySid, 16, 1, 0x2000)                                         \
    SID_OF(SeHighMandatorySid, 16, 1, 0x3000)                                           \
    SID_OF(SeSystemMandatorySid, 16, 1, 0x4000)                                         \
    SID_OF(SeProcTrustWinTcbSid, 19, 2, 1024, 8192)

#define DEFINE_SID(name, authority, count, ...) \
    static SEP_SID name##Value = {SID_REVISION, count, {0, 0, 0, 0, 0, authority}, {__VA_ARGS__}};
SEP_SIDS(DEFINE_SID)

/* One with six sub-authorities each. */
static struct {
    UCHAR Header[8];
    ULONG SubAuthority[6];
} SeUserModeDriversSidValue = {{SID_REVISION, 6, 0, 0, 0, 0, 0, 5},
                               {84, 0, 0, 0, 0, 0}},
  SeTrustedInstallerSidValue = {
      {SID_REVISION, 6, 0, 0, 0, 0, 0, 5},
      {80, 956008885, 3418522649u, 1831038044, 1853292631, 2271478464u}};

/* The built-in administrator of a machine of ours. */
static SEP_SID SepClientUserSidValue = {
    SID_REVISION, 5, {0, 0, 0, 0, 0, 5}, {21, 0x50616765, 0x61626c65, 0x0000001, 500}};
const PSID SepClientUserSid = &SepClientUserSidValue;

#define SID_FIELD(name, ...) .name = &name##Value,
SE_EXPORTS SepExports = {
    .SeCreateTokenPrivilege = {SE_CREATE_TOKEN_PRIVILEGE, 0},
    .SeAssignPrimaryTokenPrivilege = {SE_ASSIGNPRIMARYTOKEN_PRIVILEGE, 0},
    .SeLockMemoryPrivilege = {SE_LOCK_MEMORY_PRIVILEGE, 0},
    .SeIncreaseQuotaPrivilege = {SE_INCREASE_QUOTA_PRIVILEGE, 0},
    .SeUnsolicitedInputPrivilege = {SE_MACHINE_ACCOUNT_PRIVILEGE, 0}, /* its number is reused */
    .SeTcbPrivilege = {SE_TCB_PRIVILEGE, 0},
    .SeSecurityPrivilege = {SE_SECURITY_PRIVILEGE, 0},
    .SeTakeOwnershipPrivilege = {SE_TAKE_OWNERSHIP_PRIVILEGE, 0},
    .SeLoadDriverPrivilege = {SE_LOAD_DRIVER_PRIVILEGE, 0},
    .SeCreatePagefilePrivilege = {SE_CREATE_PAGEFILE_PRIVILEGE, 0},
    .SeIncreaseBasePriorityPrivilege = {SE_INC_BASE_PRIORITY_PRIVILEGE, 0},
    .SeSystemProfilePrivilege = {SE_SYSTEM_PROFILE_PRIVILEGE, 0},
    .SeSystemtimePrivilege = {SE_SYSTEMTIME_PRIVILEGE, 0},
    .SeProfileSingleProcessPrivilege = {SE_PROF_SINGLE_PROCESS_PRIVILEGE, 0},
    .SeCreatePermanentPrivilege = {SE_CREATE_PERMANENT_PRIVILEGE, 0},
    .SeBackupPrivilege = {SE_BACKUP_PRIVILEGE, 0},
    .SeRestorePrivilege = {SE_RESTORE_PRIVILEGE, 0},
    .SeShutdownPrivilege = {SE_SHUTDOWN_PRIVILEGE, 0},
    .SeDebugPrivilege = {SE_DEBUG_PRIVILEGE, 0},
    .SeAuditPrivilege = {SE_AUDIT_PRIVILEGE, 0},
    .SeSystemEnvironmentPrivilege = {SE_SYSTEM_ENVIRONMENT_PRIVILEGE, 0},
    .SeChangeNotifyPrivilege = {SE_CHANGE_NOTIFY_PRIVILEGE, 0},
    .SeRemoteShutdownPrivilege = {SE_REMOTE_SHUTDOWN_PRIVILEGE, 0},
    .SeUndockPrivilege = {SE_UNDOCK_PRIVILEGE, 0},
    .SeSyncAgentPrivilege = {SE_SYNC_AGENT_PRIVILEGE, 0},
    .SeEnableDelegationPrivilege = {SE_ENABLE_DELEGATION_PRIVILEGE, 0},
    .SeManageVolumePrivilege = {SE_MANAGE_VOLUME_PRIVILEGE, 0},
    .SeImpersonatePrivilege = {SE_IMPERSONATE_PRIVILEGE, 0},
    .SeCreateGlobalPrivilege = {SE_CREATE_GLOBAL_PRIVILEGE, 0},
    .SeTrustedCredManAccessPrivilege = {SE_TRUSTED_CREDMAN_ACCESS_PRIVILEGE, 0},
    .SeRelabelPrivilege = {SE_RELABEL_PRIVILEGE, 0},
    .SeIncreaseWorkingSetPrivilege = {SE_INC_WORKING_SET_PRIVILEGE, 0},
    .SeTimeZonePrivilege = {SE_TIME_ZONE_PRIVILEGE, 0},
    .SeCreateSymbolicLinkPrivilege = {SE_CREATE_SYMBOLIC_LINK_PRIVILEGE, 0},
    .SeDelegateSessionUserImpersonatePrivilege = {SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE,
                                                  0},
    .SeUserModeDriversSid = &SeUserModeDriversSidValue,
    .SeTrustedInstallerSid = &SeTrustedInstallerSidValue,
    SEP_SIDS(SID_FIELD)
};

PSE_EXPORTS SeExports = &SepExports;
