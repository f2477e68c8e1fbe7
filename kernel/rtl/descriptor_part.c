/* SPDX-License-Identifier: MIT */
/* One part of a security descriptor: what it is, or another in its place. */
#include "rtlp.h"
#include "rtl_security.h"

/* Only an absolute descriptor's parts can be replaced. */
static NTSTATUS RtlpCheckWritable(PISECURITY_DESCRIPTOR Descriptor)
{
    if (Descriptor->Revision != SECURITY_DESCRIPTOR_REVISION) {
        return STATUS_UNKNOWN_REVISION;
    }
    return Descriptor->Control & SE_SELF_RELATIVE ? STATUS_INVALID_SECURITY_DESCR : STATUS_SUCCESS;
}

static VOID RtlpSetControl(PISECURITY_DESCRIPTOR Descriptor, USHORT Bit, BOOLEAN Value)
{
    Descriptor->Control = (USHORT)((Descriptor->Control & ~Bit) | (Value ? Bit : 0));
}

/* *Place is changed when the list is to be present only, as documented. */
static NTSTATUS RtlpSetAcl(PISECURITY_DESCRIPTOR Descriptor, PACL *Place, USHORT PresentBit,
                           USHORT DefaultedBit, BOOLEAN Present, PACL Acl, BOOLEAN Defaulted)
{
    NTSTATUS Status = RtlpCheckWritable(Descriptor);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    RtlpSetControl(Descriptor, PresentBit, Present);
    if (Present) {
        *Place = Acl;
        RtlpSetControl(Descriptor, DefaultedBit, Defaulted);
    }
    return STATUS_SUCCESS;
}

/* A present list that is NULL lets everybody in; one without entries nobody. */
NTSTATUS RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN DaclPresent,
                                      PACL Dacl, BOOLEAN DaclDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;
    return RtlpSetAcl(Descriptor, &Descriptor->Dacl, SE_DACL_PRESENT, SE_DACL_DEFAULTED,
                      DaclPresent, Dacl, DaclDefaulted);
}

NTSTATUS RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN SaclPresent,
                                      PACL Sacl, BOOLEAN SaclDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;
    return RtlpSetAcl(Descriptor, &Descriptor->Sacl, SE_SACL_PRESENT, SE_SACL_DEFAULTED,
                      SaclPresent, Sacl, SaclDefaulted);
}

static NTSTATUS RtlpSetSid(PISECURITY_DESCRIPTOR Descriptor, PSID *Place, USHORT DefaultedBit,
                           PSID Sid, BOOLEAN Defaulted)
{
    NTSTATUS Status = RtlpCheckWritable(Descriptor);
    if (NT_SUCCESS(Status)) {
        *Place = Sid;
        RtlpSetControl(Descriptor, DefaultedBit, Defaulted);
    }
    return Status;
}

NTSTATUS RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner,
                                       BOOLEAN OwnerDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;
    return RtlpSetSid(Descriptor, &Descriptor->Owner, SE_OWNER_DEFAULTED, Owner, OwnerDefaulted);
}

NTSTATUS RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Group,
                                       BOOLEAN GroupDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;
    return RtlpSetSid(Descriptor, &Descriptor->Group, SE_GROUP_DEFAULTED, Group, GroupDefaulted);
}

static NTSTATUS RtlpReadParts(PSECURITY_DESCRIPTOR SecurityDescriptor,
                              RTLP_DESCRIPTOR_PARTS *Parts)
{
    if (((PISECURITY_DESCRIPTOR)SecurityDescriptor)->Revision != SECURITY_DESCRIPTOR_REVISION) {
        return STATUS_UNKNOWN_REVISION;
    }
    RtlpGetDescriptorParts(SecurityDescriptor, Parts);
    return STATUS_SUCCESS;
}

static USHORT RtlpControl(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return ((PISECURITY_DESCRIPTOR)SecurityDescriptor)->Control;
}

/* *Dacl and *DaclDefaulted are written when the list is present only, as documented. */
NTSTATUS RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                      PBOOLEAN DaclPresent, PACL *Dacl, PBOOLEAN DaclDefaulted)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    NTSTATUS Status = RtlpReadParts(SecurityDescriptor, &Parts);
    if (NT_SUCCESS(Status)) {
        *DaclPresent = (RtlpControl(SecurityDescriptor) & SE_DACL_PRESENT) != 0;
        if (*DaclPresent) {
            *Dacl = Parts.Dacl;
            *DaclDefaulted = (RtlpControl(SecurityDescriptor) & SE_DACL_DEFAULTED) != 0;
        }
    }
    return Status;
}

NTSTATUS RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                      PBOOLEAN SaclPresent, PACL *Sacl, PBOOLEAN SaclDefaulted)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    NTSTATUS Status = RtlpReadParts(SecurityDescriptor, &Parts);
    if (NT_SUCCESS(Status)) {
        *SaclPresent = (RtlpControl(SecurityDescriptor) & SE_SACL_PRESENT) != 0;
        if (*SaclPresent) {
            *Sacl = Parts.Sacl;
            *SaclDefaulted = (RtlpControl(SecurityDescriptor) & SE_SACL_DEFAULTED) != 0;
        }
    }
    return Status;
}

NTSTATUS RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Owner,
                                       PBOOLEAN OwnerDefaulted)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    NTSTATUS Status = RtlpReadParts(SecurityDescriptor, &Parts);
    if (NT_SUCCESS(Status)) {
        *Owner = Parts.Owner;
        *OwnerDefaulted = (RtlpControl(SecurityDescriptor) & SE_OWNER_DEFAULTED) != 0;
    }
    return Status;
}

NTSTATUS RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Group,
                                       PBOOLEAN GroupDefaulted)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    NTSTATUS Status = RtlpReadParts(SecurityDescriptor, &Parts);
    if (NT_SUCCESS(Status)) {
        *Group = Parts.Group;
        *GroupDefaulted = (RtlpControl(SecurityDescriptor) & SE_GROUP_DEFAULTED) != 0;
    }
    return Status;
}

NTSTATUS RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                         PSECURITY_DESCRIPTOR_CONTROL Control, PULONG Revision)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    NTSTATUS Status = RtlpReadParts(SecurityDescriptor, &Parts);
    if (NT_SUCCESS(Status)) {
        *Control = RtlpControl(SecurityDescriptor);
        *Revision = SECURITY_DESCRIPTOR_REVISION;
    }
    return Status;
}

/* Generic rights become those of the object's type. */
VOID RtlMapGenericMask(PACCESS_MASK AccessMask, const GENERIC_MAPPING *GenericMapping)
{
    ACCESS_MASK Access = *AccessMask;
    ACCESS_MASK Mapped = Access & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
    Mapped |= Access & GENERIC_READ ? GenericMapping->GenericRead : 0;
    Mapped |= Access & GENERIC_WRITE ? GenericMapping->GenericWrite : 0;
    Mapped |= Access & GENERIC_EXECUTE ? GenericMapping->GenericExecute : 0;
    Mapped |= Access & GENERIC_ALL ? GenericMapping->GenericAll : 0;
    *AccessMask = Mapped;
}
