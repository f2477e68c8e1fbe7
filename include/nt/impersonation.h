/* SPDX-License-Identifier: MIT */
/*
 * Impersonation, as a driver sees it: a client's security taken along, and a thread that acts with
 * it. Layouts and numbers are those of the Windows Driver Kit's documentation (wdm.h, ntifs.h).
 */
#pragma once

#include "security.h"

typedef BOOLEAN SECURITY_CONTEXT_TRACKING_MODE, *PSECURITY_CONTEXT_TRACKING_MODE;
#define SECURITY_DYNAMIC_TRACKING TRUE
#define SECURITY_STATIC_TRACKING FALSE

typedef struct _SECURITY_QUALITY_OF_SERVICE {
    ULONG Length;
    SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
    SECURITY_CONTEXT_TRACKING_MODE ContextTrackingMode;
    BOOLEAN EffectiveOnly;
} SECURITY_QUALITY_OF_SERVICE, *PSECURITY_QUALITY_OF_SERVICE;

typedef struct _TOKEN_CONTROL {
    LUID TokenId;
    LUID AuthenticationId;
    LUID ModifiedId;
    TOKEN_SOURCE TokenSource;
} TOKEN_CONTROL, *PTOKEN_CONTROL;

typedef struct _SECURITY_CLIENT_CONTEXT {
    SECURITY_QUALITY_OF_SERVICE SecurityQos;
    PACCESS_TOKEN ClientToken;
    BOOLEAN DirectlyAccessClientToken; /* the client's own, with dynamic tracking; else a copy */
    BOOLEAN DirectAccessEffectiveOnly;
    BOOLEAN ServerIsRemote;
    TOKEN_CONTROL ClientTokenControl;
} SECURITY_CLIENT_CONTEXT, *PSECURITY_CLIENT_CONTEXT;

#ifdef _WIN32

NTSTATUS SeCreateClientSecurity(PETHREAD ClientThread,
                                PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext);
NTSTATUS SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                                  PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                                  BOOLEAN ServerIsRemote,
                                                  PSECURITY_CLIENT_CONTEXT ClientContext);
VOID SeDeleteClientSecurity(PSECURITY_CLIENT_CONTEXT ClientContext);
VOID SeImpersonateClient(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread);
NTSTATUS SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread);
#define SeStopImpersonatingClient() PsRevertToSelf()

NTSTATUS PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen,
                             BOOLEAN EffectiveOnly,
                             SECURITY_IMPERSONATION_LEVEL ImpersonationLevel);
NTSTATUS PsAssignImpersonationToken(PETHREAD Thread, HANDLE Token);
VOID PsRevertToSelf(VOID);
PACCESS_TOKEN PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen,
                                            PBOOLEAN EffectiveOnly,
                                            PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel);
VOID PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken);

NTSTATUS ZwDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly,
                          TOKEN_TYPE TokenType, PHANDLE NewTokenHandle);
NTSTATUS NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                          POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly,
                          TOKEN_TYPE TokenType, PHANDLE NewTokenHandle);

#endif /* _WIN32 */
