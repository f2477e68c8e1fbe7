/* SPDX-License-Identifier: MIT */
/*
 * ACCESS_STATE: an open on its way, who asks and what is granted so far. PASSIVE_LEVEL
 *
 * SE_AUX_DATA is opaque to drivers, who give memory for it by the size of some version of NT: only
 * its first 20h bytes, which all versions have, are written.
 */
#include "se/sep.h"

typedef struct _SE_AUX_DATA {
    PPRIVILEGE_SET PrivilegesUsed;
    GENERIC_MAPPING GenericMapping;
    ACCESS_MASK AccessesToAudit;
    ACCESS_MASK MaximumAuditMask;
} SE_AUX_DATA, *PSE_AUX_DATA;
C_ASSERT(sizeof(SE_AUX_DATA) == 0x20);

#define TOKEN_HAS_TRAVERSE_PRIVILEGE 0x01 /* in ACCESS_STATE.Flags */

static volatile LONG SepOperations;

/* GenericMapping NULL: DesiredAccess stays as it is. SeDeleteAccessState ends it. */
NTSTATUS SeCreateAccessState(PACCESS_STATE AccessState, PVOID AuxData, ACCESS_MASK DesiredAccess,
                             PGENERIC_MAPPING GenericMapping)
{
    PSE_AUX_DATA Aux = AuxData;

    if (GenericMapping != NULL) {
        RtlMapGenericMask(&DesiredAccess, GenericMapping);
    }
    RtlZeroMemory(AccessState, sizeof(*AccessState));
    RtlZeroMemory(Aux, sizeof(*Aux));
    SeCaptureSubjectContext(&AccessState->SubjectSecurityContext);
    const TOKEN *Token = SeQuerySubjectContextToken(&AccessState->SubjectSecurityContext);
    if (SepTokenHasPrivilege(Token, SE_CHANGE_NOTIFY_PRIVILEGE)) {
        AccessState->Flags = TOKEN_HAS_TRAVERSE_PRIVILEGE;
    }
    AccessState->OperationID.LowPart = (ULONG)InterlockedIncrement(&SepOperations);
    AccessState->RemainingDesiredAccess = DesiredAccess;
    AccessState->OriginalDesiredAccess = DesiredAccess;
    AccessState->AuxData = Aux;
    Aux->PrivilegesUsed = &AccessState->Privileges.PrivilegeSet;
    if (GenericMapping != NULL) {
        Aux->GenericMapping = *GenericMapping;
    }
    return STATUS_SUCCESS;
}

/* What SeAppendPrivileges allocated, names, and the references of the subject. */
VOID SeDeleteAccessState(PACCESS_STATE AccessState)
{
    PSE_AUX_DATA Aux = AccessState->AuxData;

    if (AccessState->PrivilegesAllocated) {
        SeFreePrivileges(Aux->PrivilegesUsed);
    }
    RtlFreeUnicodeString(&AccessState->ObjectName);
    RtlFreeUnicodeString(&AccessState->ObjectTypeName);
    SeReleaseSubjectContext(&AccessState->SubjectSecurityContext);
}

VOID SeSetAccessStateGenericMapping(PACCESS_STATE AccessState, PGENERIC_MAPPING GenericMapping)
{
    ((PSE_AUX_DATA)AccessState->AuxData)->GenericMapping = *GenericMapping;
}

/* Privileges that were used for the open: in the state while they have room there. */
NTSTATUS SeAppendPrivileges(PACCESS_STATE AccessState, PPRIVILEGE_SET Privileges)
{
    PSE_AUX_DATA Aux = AccessState->AuxData;
    ULONG Have = Aux->PrivilegesUsed->PrivilegeCount, More = Privileges->PrivilegeCount;

    if (Have + More > INITIAL_PRIVILEGE_COUNT) {
        PPRIVILEGE_SET Larger = ExAllocatePoolWithTag(
            PagedPool, sizeof(*Larger) + (Have + More) * sizeof(LUID_AND_ATTRIBUTES),
            SE_TAG_PRIVILEGES);
        if (Larger == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Larger->Control = Aux->PrivilegesUsed->Control;
        RtlCopyMemory(Larger->Privilege, Aux->PrivilegesUsed->Privilege,
                      Have * sizeof(LUID_AND_ATTRIBUTES));
        if (AccessState->PrivilegesAllocated) {
            SeFreePrivileges(Aux->PrivilegesUsed);
        }
        AccessState->PrivilegesAllocated = TRUE;
        Aux->PrivilegesUsed = Larger;
    }
    RtlCopyMemory(Aux->PrivilegesUsed->Privilege + Have, Privileges->Privilege,
                  More * sizeof(LUID_AND_ATTRIBUTES));
    Aux->PrivilegesUsed->PrivilegeCount = Have + More;
    return STATUS_SUCCESS;
}
