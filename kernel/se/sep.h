/* SPDX-License-Identifier: MIT */
/*
 * Se's internals: tokens, access checks, descriptors of objects.
 *
 * Two tokens exist from the start: the system process's and the client's, an administrator that is
 * elevated; others are copies of these. No routine changes a token, so they need no lock. Which
 * token a thread impersonates with is under a lock of impersonation.c, innermost.
 * Descriptors that objects keep are self-relative, in paged pool, under ObpSecurityLock
 * (ob/object_security.c); a modified one replaces the old as a whole.
 */
#pragma once

#include "ke/ki.h"
#include "nt/ex.h"
#include "nt/impersonation.h"
#include "nt/pool.h"
#include "nt/ps.h"
#include "nt/rtl.h"
#include "nt/security.h"
#include "rtl/rtl_security.h"

#define SE_TAG_DESCRIPTOR 0x64536553u /* 'SeSd' */
#define SE_TAG_PRIVILEGES 0x72506553u /* 'SePr' */
#define SE_TAG_INFORMATION 0x6e496553u /* 'SeIn' */

typedef struct _TOKEN {
    TOKEN_SOURCE Source;
    LUID TokenId;
    LUID AuthenticationId;
    LUID ModifiedId;
    TOKEN_TYPE Type;
    SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
    ULONG SessionId;
    ULONG UserAndGroupCount;
    const SID_AND_ATTRIBUTES *UserAndGroups; /* the user first */
    ULONG64 PrivilegesPresent;               /* bit n: the privilege whose LUID is n */
    ULONG64 PrivilegesEnabled;
    PSID Owner;
    PSID PrimaryGroup;
    PSID IntegrityLevel;
    PACL DefaultDacl;
} TOKEN, *PTOKEN;

extern PTOKEN SepSystemToken, SepClientToken;

/* ---- well_known.c: SeExports, and the client's own user ---- */
extern SE_EXPORTS SepExports;
extern const PSID SepClientUserSid;

/* ---- token.c ---- */
/* After Ob's types: SeExports, the token type and the two tokens. On the boot stack. */
VOID SeInitializeSystem(VOID);
/* Is Sid the token's user or an enabled group of it? For a deny-only group: Deny only. */
BOOLEAN SepTokenHasSid(const TOKEN *Token, PSID Sid, BOOLEAN Deny);
ULONG SepNextLuid(VOID);
FORCEINLINE BOOLEAN SepTokenHasPrivilege(const TOKEN *Token, ULONG Privilege)
{
    return Privilege < 64 && ((Token->PrivilegesEnabled >> Privilege) & 1) != 0;
}

/* ---- impersonation.c ---- */
/* Thread is itself again. <= DISPATCH_LEVEL */
VOID SepRevertThread(PETHREAD Thread);

/* ---- token_duplicate.c ---- */
NTSTATUS SepDuplicateToken(const TOKEN *Source, TOKEN_TYPE Type,
                           SECURITY_IMPERSONATION_LEVEL Level, BOOLEAN EffectiveOnly,
                           PTOKEN *Copy);

/* ---- token_services.c ---- */
/* A handle to Token for a caller of Mode, who gets it at TokenHandle. */
NTSTATUS SepGiveTokenHandle(PACCESS_TOKEN Token, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                            PHANDLE TokenHandle, KPROCESSOR_MODE Mode);

/* ---- token_information.c ---- */
/* STATUS_BUFFER_TOO_SMALL: *Required says how many bytes. Pointers lead into Buffer. */
NTSTATUS SepQueryToken(const TOKEN *Token, TOKEN_INFORMATION_CLASS Class, PVOID Buffer,
                       ULONG Length, PULONG Required);

/* ---- object_descriptor.c: PASSIVE_LEVEL or APC_LEVEL ---- */
/* May a caller of the thread's previous mode, with that token, make Descriptor's owner one? */
BOOLEAN SepMayMakeOwner(const TOKEN *Token, PSECURITY_DESCRIPTOR Descriptor);
/* A self-relative copy in paged pool of what Old has, with Information's parts taken from New. */
NTSTATUS SepModifyDescriptor(PSECURITY_DESCRIPTOR Old, PSECURITY_DESCRIPTOR New,
                             SECURITY_INFORMATION Information, const GENERIC_MAPPING *Mapping,
                             PSECURITY_DESCRIPTOR *Result);
/* STATUS_BUFFER_TOO_SMALL: *Length says how many bytes. Descriptor may be NULL: an empty one. */
NTSTATUS SepQueryDescriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information,
                            PSECURITY_DESCRIPTOR Buffer, PULONG Length);
/* What a device gets that is created without a descriptor: static. */
extern PSECURITY_DESCRIPTOR SepDeviceDescriptor;
VOID SepInitializeDeviceDescriptor(VOID);
