/* SPDX-License-Identifier: MIT */
/*
 * May this subject have this access to what this descriptor protects? [MS-DTYP 2.5.3.2]
 *
 *   kernel mode         all that is asked for
 *   no descriptor       nothing
 *   privileges          SeSecurityPrivilege gives ACCESS_SYSTEM_SECURITY, SeTakeOwnershipPrivilege
 *                       WRITE_OWNER
 *   the owner           READ_CONTROL and WRITE_DAC, unless the list speaks of owner rights
 *   no list, NULL list  all
 *   the list            in its order: a right is decided by the first entry that names it for a
 *                       SID of the token; what no entry names is not granted
 *
 * Entries for inheritance only are passed over. Mandatory labels and restricted SIDs are not
 * looked at: no token here is restricted or below high integrity.
 */
#include "se/sep.h"

/* Rights that the list grants, and those it denies before. */
static ACCESS_MASK SepEvaluateDacl(const TOKEN *Token, PACL Dacl, PSID Owner)
{
    ACCESS_MASK Granted = 0, Denied = 0;
    BOOLEAN IsOwner = Owner != NULL && SepTokenHasSid(Token, Owner, FALSE);
    PVOID Entry;

    for (ULONG i = 0; NT_SUCCESS(RtlGetAce(Dacl, i, &Entry)); i++) {
        PACCESS_ALLOWED_ACE Ace = Entry;
        PSID Sid = &Ace->SidStart;
        if (Ace->Header.AceType > ACCESS_DENIED_ACE_TYPE ||
            (Ace->Header.AceFlags & INHERIT_ONLY_ACE)) {
            continue;
        }
        BOOLEAN Deny = Ace->Header.AceType == ACCESS_DENIED_ACE_TYPE;
        if (!SepTokenHasSid(Token, Sid, Deny) &&
            !(IsOwner && RtlEqualSid(Sid, SepExports.SeOwnerRightsSid))) {
            continue;
        }
        if (Deny) {
            Denied |= Ace->Mask & ~Granted;
        } else {
            Granted |= Ace->Mask & ~Denied;
        }
    }
    return Granted;
}

static BOOLEAN SepDaclNamesOwnerRights(PACL Dacl)
{
    PVOID Entry;
    for (ULONG i = 0; NT_SUCCESS(RtlGetAce(Dacl, i, &Entry)); i++) {
        PACCESS_ALLOWED_ACE Ace = Entry;
        if (Ace->Header.AceType <= ACCESS_DENIED_ACE_TYPE &&
            !(Ace->Header.AceFlags & INHERIT_ONLY_ACE) &&
            RtlEqualSid(&Ace->SidStart, SepExports.SeOwnerRightsSid)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* All rights that the descriptor gives the token, without privileges. */
static ACCESS_MASK SepRightsOf(PSECURITY_DESCRIPTOR Descriptor, const TOKEN *Token,
                               const GENERIC_MAPPING *Mapping)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    if (!RtlValidSecurityDescriptor(Descriptor)) {
        return 0;
    }
    RtlpGetDescriptorParts(Descriptor, &Parts);
    if (Parts.Dacl == NULL) {
        return Mapping->GenericAll | STANDARD_RIGHTS_ALL | SPECIFIC_RIGHTS_ALL;
    }
    ACCESS_MASK Rights = SepEvaluateDacl(Token, Parts.Dacl, Parts.Owner);
    if (Parts.Owner != NULL && SepTokenHasSid(Token, Parts.Owner, FALSE) &&
        !SepDaclNamesOwnerRights(Parts.Dacl)) {
        Rights |= READ_CONTROL | WRITE_DAC;
    }
    return Rights;
}

/* Says which privileges decided; a missing pool block only loses that record's audit. */
static VOID SepReportPrivileges(ACCESS_MASK ByPrivilege, PPRIVILEGE_SET *Privileges)
{
    ULONG Count = 0;
    if (ByPrivilege == 0 || Privileges == NULL) {
        return;
    }
    PPRIVILEGE_SET Set = ExAllocatePoolWithTag(
        PagedPool, sizeof(PRIVILEGE_SET) + sizeof(LUID_AND_ATTRIBUTES), SE_TAG_PRIVILEGES);
    if (Set == NULL) {
        return;
    }
    Set->Control = 0;
    if (ByPrivilege & ACCESS_SYSTEM_SECURITY) {
        Set->Privilege[Count++] = (LUID_AND_ATTRIBUTES){{SE_SECURITY_PRIVILEGE, 0},
                                                        SE_PRIVILEGE_USED_FOR_ACCESS};
    }
    if (ByPrivilege & WRITE_OWNER) {
        Set->Privilege[Count++] = (LUID_AND_ATTRIBUTES){{SE_TAKE_OWNERSHIP_PRIVILEGE, 0},
                                                        SE_PRIVILEGE_USED_FOR_ACCESS};
    }
    Set->PrivilegeCount = Count;
    *Privileges = Set;
}

/* Of an object that is to be deleted, through a handle for that: nothing is audited. */
VOID SeDeleteObjectAuditAlarm(PVOID Object, HANDLE Handle)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Handle);
}

VOID SeFreePrivileges(PPRIVILEGE_SET Privileges)
{
    ExFreePoolWithTag(Privileges, SE_TAG_PRIVILEGES);
}

/* User mode: the rights, or what refuses them. */
static NTSTATUS SepCheckAccess(PSECURITY_DESCRIPTOR Descriptor, const TOKEN *Token,
                               ACCESS_MASK Desired, const GENERIC_MAPPING *Mapping,
                               ACCESS_MASK *Granted, ACCESS_MASK *ByPrivilege)
{
    ACCESS_MASK Wanted = Desired & ~(ACCESS_MASK)MAXIMUM_ALLOWED;
    ACCESS_MASK Rights = SepRightsOf(Descriptor, Token, Mapping) & ~ACCESS_SYSTEM_SECURITY;

    *ByPrivilege = 0;
    if (Wanted & ACCESS_SYSTEM_SECURITY) {
        if (!SepTokenHasPrivilege(Token, SE_SECURITY_PRIVILEGE)) {
            return STATUS_PRIVILEGE_NOT_HELD;
        }
        *ByPrivilege |= ACCESS_SYSTEM_SECURITY;
    }
    if (!(Rights & WRITE_OWNER) && (Desired & (WRITE_OWNER | MAXIMUM_ALLOWED)) &&
        SepTokenHasPrivilege(Token, SE_TAKE_OWNERSHIP_PRIVILEGE)) {
        *ByPrivilege |= WRITE_OWNER;
    }
    Rights |= *ByPrivilege;
    if ((Wanted & ~Rights) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    *Granted = Desired & MAXIMUM_ALLOWED ? Rights : Wanted;
    return STATUS_SUCCESS;
}

/*
 * TRUE: *GrantedAccess is what was asked for, or all there is with MAXIMUM_ALLOWED. FALSE: it is 0
 * and *AccessStatus says why. *Privileges is NULL, or is freed with SeFreePrivileges. PASSIVE_LEVEL
 */
BOOLEAN SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor,
                      PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
                      BOOLEAN SubjectContextLocked, ACCESS_MASK DesiredAccess,
                      ACCESS_MASK PreviouslyGrantedAccess, PPRIVILEGE_SET *Privileges,
                      PGENERIC_MAPPING GenericMapping, KPROCESSOR_MODE AccessMode,
                      PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus)
{
    ACCESS_MASK Granted = 0, ByPrivilege = 0;
    NTSTATUS Status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(SubjectContextLocked);
    if (Privileges != NULL) {
        *Privileges = NULL;
    }
    RtlMapGenericMask(&DesiredAccess, GenericMapping);
    if (AccessMode == KernelMode) {
        Granted = DesiredAccess & MAXIMUM_ALLOWED
                      ? GenericMapping->GenericAll | (DesiredAccess & ~MAXIMUM_ALLOWED)
                      : DesiredAccess;
    } else if (SecurityDescriptor == NULL) {
        Status = STATUS_ACCESS_DENIED;
    } else if (SubjectSecurityContext->ClientToken != NULL &&
               SubjectSecurityContext->ImpersonationLevel < SecurityImpersonation) {
        Status = STATUS_BAD_IMPERSONATION_LEVEL;
    } else {
        ACCESS_MASK Remaining = DesiredAccess & ~PreviouslyGrantedAccess;
        Status = Remaining == 0 && PreviouslyGrantedAccess != 0
                     ? STATUS_SUCCESS
                     : SepCheckAccess(SecurityDescriptor,
                                      SeQuerySubjectContextToken(SubjectSecurityContext),
                                      Remaining, GenericMapping, &Granted, &ByPrivilege);
    }
    if (NT_SUCCESS(Status)) {
        Granted |= PreviouslyGrantedAccess;
        if (Granted == 0 && AccessMode != KernelMode) {
            Status = STATUS_ACCESS_DENIED; /* MAXIMUM_ALLOWED, and it is nothing; or 0 */
        }
    }
    if (NT_SUCCESS(Status)) {
        SepReportPrivileges(ByPrivilege, Privileges);
    }
    *GrantedAccess = NT_SUCCESS(Status) ? Granted : 0;
    *AccessStatus = Status;
    return NT_SUCCESS(Status);
}
