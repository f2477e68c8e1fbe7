/* SPDX-License-Identifier: MIT */
/*
 * Security descriptors in both forms: absolute (pointers) and self-relative (offsets from the
 * descriptor's start, all of it in one piece).
 *
 * RtlValidRelativeSecurityDescriptor is the gate for bytes from outside: it reads nothing after
 * their length, and what it lets pass the other routines may follow without looking again.
 */
#include "rtlp.h"
#include "rtl_security.h"

#define RELATIVE_SIZE ((ULONG)sizeof(SECURITY_DESCRIPTOR_RELATIVE))

static PVOID RtlpPartAt(PSECURITY_DESCRIPTOR Descriptor, ULONG Offset)
{
    return Offset == 0 ? NULL : (PCHAR)Descriptor + Offset;
}

VOID RtlpGetDescriptorParts(PSECURITY_DESCRIPTOR SecurityDescriptor, RTLP_DESCRIPTOR_PARTS *Parts)
{
    const SECURITY_DESCRIPTOR_RELATIVE *Relative = SecurityDescriptor;
    const SECURITY_DESCRIPTOR *Absolute = SecurityDescriptor;

    if (Relative->Control & SE_SELF_RELATIVE) {
        Parts->Owner = RtlpPartAt(SecurityDescriptor, Relative->Owner);
        Parts->Group = RtlpPartAt(SecurityDescriptor, Relative->Group);
        Parts->Sacl = RtlpPartAt(SecurityDescriptor, Relative->Sacl);
        Parts->Dacl = RtlpPartAt(SecurityDescriptor, Relative->Dacl);
    } else {
        *Parts = (RTLP_DESCRIPTOR_PARTS){Absolute->Owner, Absolute->Group, Absolute->Sacl,
                                         Absolute->Dacl};
    }
    if (!(Relative->Control & SE_SACL_PRESENT)) {
        Parts->Sacl = NULL;
    }
    if (!(Relative->Control & SE_DACL_PRESENT)) {
        Parts->Dacl = NULL;
    }
}

NTSTATUS RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision)
{
    if (Revision != SECURITY_DESCRIPTOR_REVISION) {
        return STATUS_UNKNOWN_REVISION;
    }
    RtlZeroMemory(SecurityDescriptor, sizeof(SECURITY_DESCRIPTOR));
    ((PISECURITY_DESCRIPTOR)SecurityDescriptor)->Revision = SECURITY_DESCRIPTOR_REVISION;
    return STATUS_SUCCESS;
}

NTSTATUS RtlCreateSecurityDescriptorRelative(PISECURITY_DESCRIPTOR_RELATIVE SecurityDescriptor,
                                             ULONG Revision)
{
    if (Revision != SECURITY_DESCRIPTOR_REVISION) {
        return STATUS_UNKNOWN_REVISION;
    }
    RtlZeroMemory(SecurityDescriptor, sizeof(*SecurityDescriptor));
    SecurityDescriptor->Revision = SECURITY_DESCRIPTOR_REVISION;
    SecurityDescriptor->Control = SE_SELF_RELATIVE;
    return STATUS_SUCCESS;
}

BOOLEAN RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    if (SecurityDescriptor == NULL ||
        ((PISECURITY_DESCRIPTOR)SecurityDescriptor)->Revision != SECURITY_DESCRIPTOR_REVISION) {
        return FALSE;
    }
    RtlpGetDescriptorParts(SecurityDescriptor, &Parts);
    return (Parts.Owner == NULL || RtlValidSid(Parts.Owner)) &&
           (Parts.Group == NULL || RtlValidSid(Parts.Group)) &&
           (Parts.Sacl == NULL || RtlValidAcl(Parts.Sacl)) &&
           (Parts.Dacl == NULL || RtlValidAcl(Parts.Dacl));
}

/* A part lies after the header, aligned, inside; *Left is then what follows its start. */
static BOOLEAN RtlpPartInside(ULONG Offset, ULONG Length, ULONG *Left)
{
    if (Offset < RELATIVE_SIZE || Offset % sizeof(ULONG) != 0 || Offset >= Length) {
        return FALSE;
    }
    *Left = Length - Offset;
    return TRUE;
}

static BOOLEAN RtlpRelativeSidValid(PCHAR Base, ULONG Offset, ULONG Length, BOOLEAN Required)
{
    ULONG Left;
    if (Offset == 0) {
        return !Required;
    }
    return RtlpPartInside(Offset, Length, &Left) && RtlpValidSidWithin(Base + Offset, Left);
}

/* A list that is present may be none: a NULL list. Required wants it present. */
static BOOLEAN RtlpRelativeAclValid(PCHAR Base, ULONG Offset, ULONG Length, BOOLEAN Present,
                                    BOOLEAN Required)
{
    ULONG Left;
    if (!Present) {
        return !Required;
    }
    return Offset == 0 ||
           (RtlpPartInside(Offset, Length, &Left) && RtlpValidAclWithin(Base + Offset, Left));
}

BOOLEAN RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptorInput,
                                           ULONG SecurityDescriptorLength,
                                           SECURITY_INFORMATION RequiredInformation)
{
    const SECURITY_DESCRIPTOR_RELATIVE *Relative = SecurityDescriptorInput;
    PCHAR Base = SecurityDescriptorInput;
    ULONG Length = SecurityDescriptorLength;

    if (Length < RELATIVE_SIZE || Relative->Revision != SECURITY_DESCRIPTOR_REVISION ||
        !(Relative->Control & SE_SELF_RELATIVE)) {
        return FALSE;
    }
    return RtlpRelativeSidValid(Base, Relative->Owner, Length,
                                (RequiredInformation & OWNER_SECURITY_INFORMATION) != 0) &&
           RtlpRelativeSidValid(Base, Relative->Group, Length,
                                (RequiredInformation & GROUP_SECURITY_INFORMATION) != 0) &&
           RtlpRelativeAclValid(Base, Relative->Sacl, Length,
                                (Relative->Control & SE_SACL_PRESENT) != 0,
                                (RequiredInformation & SACL_SECURITY_INFORMATION) != 0) &&
           RtlpRelativeAclValid(Base, Relative->Dacl, Length,
                                (Relative->Control & SE_DACL_PRESENT) != 0,
                                (RequiredInformation & DACL_SECURITY_INFORMATION) != 0);
}

static ULONG RtlpSidBytes(PSID Sid)
{
    return Sid == NULL ? 0 : RtlLengthSid(Sid);
}

/* A size that is no multiple of 4 is made one, so that what follows is aligned. */
static ULONG RtlpAclBytes(const ACL *Acl)
{
    return Acl == NULL ? 0 : (Acl->AclSize + 3u) & ~3u;
}

ULONG RtlpSelfRelativeLength(const RTLP_DESCRIPTOR_PARTS *Parts)
{
    return RELATIVE_SIZE + RtlpSidBytes(Parts->Owner) + RtlpSidBytes(Parts->Group) +
           RtlpAclBytes(Parts->Sacl) + RtlpAclBytes(Parts->Dacl);
}

/* Of the form that the descriptor has: an absolute one counts its header and its parts. */
ULONG RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;
    ULONG Header = Descriptor->Control & SE_SELF_RELATIVE ? RELATIVE_SIZE
                                                          : sizeof(SECURITY_DESCRIPTOR);
    RtlpGetDescriptorParts(SecurityDescriptor, &Parts);
    return RtlpSelfRelativeLength(&Parts) - RELATIVE_SIZE + Header;
}

static ULONG RtlpAppendPart(PISECURITY_DESCRIPTOR_RELATIVE Output, ULONG *End, const VOID *Part,
                            ULONG Bytes, ULONG Room)
{
    ULONG Offset = *End;
    if (Part == NULL) {
        return 0;
    }
    RtlCopyMemory((PCHAR)Output + Offset, Part, Bytes);
    RtlZeroMemory((PCHAR)Output + Offset + Bytes, Room - Bytes);
    *End += Room;
    return Offset;
}

VOID RtlpMakeSelfRelative(const RTLP_DESCRIPTOR_PARTS *Parts, SECURITY_DESCRIPTOR_CONTROL Control,
                          PISECURITY_DESCRIPTOR_RELATIVE Output)
{
    ULONG End = RELATIVE_SIZE;
    ULONG OwnerBytes = RtlpSidBytes(Parts->Owner), GroupBytes = RtlpSidBytes(Parts->Group);
    SECURITY_DESCRIPTOR_RELATIVE Header = {SECURITY_DESCRIPTOR_REVISION, 0,
                                           Control | SE_SELF_RELATIVE, 0, 0, 0, 0};

    Header.Sacl = RtlpAppendPart(Output, &End, Parts->Sacl,
                                 Parts->Sacl == NULL ? 0 : Parts->Sacl->AclSize,
                                 RtlpAclBytes(Parts->Sacl));
    Header.Dacl = RtlpAppendPart(Output, &End, Parts->Dacl,
                                 Parts->Dacl == NULL ? 0 : Parts->Dacl->AclSize,
                                 RtlpAclBytes(Parts->Dacl));
    Header.Owner = RtlpAppendPart(Output, &End, Parts->Owner, OwnerBytes, OwnerBytes);
    Header.Group = RtlpAppendPart(Output, &End, Parts->Group, GroupBytes, GroupBytes);
    *Output = Header;
}

/* *BufferLength is the length wanted, also when STATUS_BUFFER_TOO_SMALL says that it was not. */
NTSTATUS RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                                     PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                                     PULONG BufferLength)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    PISECURITY_DESCRIPTOR Absolute = AbsoluteSecurityDescriptor;

    if (Absolute->Control & SE_SELF_RELATIVE) {
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    }
    RtlpGetDescriptorParts(AbsoluteSecurityDescriptor, &Parts);
    ULONG Wanted = RtlpSelfRelativeLength(&Parts);
    ULONG Have = *BufferLength;
    *BufferLength = Wanted;
    if (Have < Wanted) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlpMakeSelfRelative(&Parts, Absolute->Control, SelfRelativeSecurityDescriptor);
    return STATUS_SUCCESS;
}

/* Says the size that is wanted; FALSE: the one given is too small. */
static BOOLEAN RtlpFits(ULONG Wanted, PULONG Size)
{
    BOOLEAN Fits = *Size >= Wanted;
    *Size = Wanted;
    return Fits;
}

static PVOID RtlpCopyPart(PVOID Destination, const VOID *Part, ULONG Bytes)
{
    if (Part == NULL) {
        return NULL;
    }
    RtlCopyMemory(Destination, Part, Bytes);
    return Destination;
}

/* All five sizes are set to what is wanted, on STATUS_BUFFER_TOO_SMALL too. */
NTSTATUS RtlSelfRelativeToAbsoluteSD(PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                                     PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                                     PULONG AbsoluteSecurityDescriptorSize, PACL Dacl,
                                     PULONG DaclSize, PACL Sacl, PULONG SaclSize, PSID Owner,
                                     PULONG OwnerSize, PSID PrimaryGroup,
                                     PULONG PrimaryGroupSize)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    PISECURITY_DESCRIPTOR_RELATIVE Relative = SelfRelativeSecurityDescriptor;
    PISECURITY_DESCRIPTOR Absolute = AbsoluteSecurityDescriptor;

    if (!(Relative->Control & SE_SELF_RELATIVE)) {
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    }
    RtlpGetDescriptorParts(Relative, &Parts);
    BOOLEAN Fits = RtlpFits(sizeof(SECURITY_DESCRIPTOR), AbsoluteSecurityDescriptorSize);
    Fits = RtlpFits(RtlpAclBytes(Parts.Dacl), DaclSize) && Fits;
    Fits = RtlpFits(RtlpAclBytes(Parts.Sacl), SaclSize) && Fits;
    Fits = RtlpFits(RtlpSidBytes(Parts.Owner), OwnerSize) && Fits;
    Fits = RtlpFits(RtlpSidBytes(Parts.Group), PrimaryGroupSize) && Fits;
    if (!Fits) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    Absolute->Revision = SECURITY_DESCRIPTOR_REVISION;
    Absolute->Sbz1 = Relative->Sbz1;
    Absolute->Control = Relative->Control & (USHORT)~SE_SELF_RELATIVE;
    Absolute->Owner = RtlpCopyPart(Owner, Parts.Owner, *OwnerSize);
    Absolute->Group = RtlpCopyPart(PrimaryGroup, Parts.Group, *PrimaryGroupSize);
    Absolute->Dacl = RtlpCopyPart(Dacl, Parts.Dacl, Parts.Dacl ? Parts.Dacl->AclSize : 0);
    Absolute->Sacl = RtlpCopyPart(Sacl, Parts.Sacl, Parts.Sacl ? Parts.Sacl->AclSize : 0);
    return STATUS_SUCCESS;
}
