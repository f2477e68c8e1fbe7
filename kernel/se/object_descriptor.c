/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of objects: the first one, a changed one, part of one. All results are self-relative
 * blocks of pool whose entries carry an object type's own rights, never generic ones.
 *
 * Inheritance from a parent's entries is not done: a descriptor is what was given explicitly, and
 * where that is silent the token's defaults.
 */
#include "se/sep.h"

/* Generic rights in a list of one's own become those of the type. */
static VOID SepMapAcl(PACL Acl, const GENERIC_MAPPING *Mapping)
{
    PVOID Entry;
    for (ULONG i = 0; Acl != NULL && NT_SUCCESS(RtlGetAce(Acl, i, &Entry)); i++) {
        PACCESS_ALLOWED_ACE Ace = Entry;
        if (RtlpAceHasSid(&Ace->Header) && !(Ace->Header.AceFlags & INHERIT_ONLY_ACE)) {
            RtlMapGenericMask(&Ace->Mask, Mapping);
        }
    }
}

static NTSTATUS SepBuildDescriptor(const RTLP_DESCRIPTOR_PARTS *Parts,
                                   SECURITY_DESCRIPTOR_CONTROL Control,
                                   const GENERIC_MAPPING *Mapping, POOL_TYPE PoolType,
                                   PSECURITY_DESCRIPTOR *Result)
{
    RTLP_DESCRIPTOR_PARTS Own;
    PSECURITY_DESCRIPTOR New = ExAllocatePoolWithTag(PoolType, RtlpSelfRelativeLength(Parts),
                                                     SE_TAG_DESCRIPTOR);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlpMakeSelfRelative(Parts, Control, New);
    RtlpGetDescriptorParts(New, &Own);
    SepMapAcl(Own.Dacl, Mapping);
    SepMapAcl(Own.Sacl, Mapping);
    *Result = New;
    return STATUS_SUCCESS;
}

static USHORT SepControlOf(PSECURITY_DESCRIPTOR Descriptor)
{
    return Descriptor == NULL ? 0 : ((PISECURITY_DESCRIPTOR)Descriptor)->Control;
}

#define SACL_BITS (SE_SACL_PRESENT | SE_SACL_DEFAULTED | SE_SACL_AUTO_INHERITED | SE_SACL_PROTECTED)
#define DACL_BITS (SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_AUTO_INHERITED | SE_DACL_PROTECTED)

/* The control bits that belong to the parts which Information names. */
static USHORT SepControlBits(SECURITY_INFORMATION Information)
{
    return (USHORT)((Information & OWNER_SECURITY_INFORMATION ? SE_OWNER_DEFAULTED : 0) |
                    (Information & GROUP_SECURITY_INFORMATION ? SE_GROUP_DEFAULTED : 0) |
                    (Information & SACL_SECURITY_INFORMATION ? SACL_BITS : 0) |
                    (Information & DACL_SECURITY_INFORMATION ? DACL_BITS : 0));
}

NTSTATUS SepModifyDescriptor(PSECURITY_DESCRIPTOR Old, PSECURITY_DESCRIPTOR New,
                             SECURITY_INFORMATION Information, const GENERIC_MAPPING *Mapping,
                             PSECURITY_DESCRIPTOR *Result)
{
    RTLP_DESCRIPTOR_PARTS Parts, Changed;
    USHORT Taken = SepControlBits(Information);

    RtlpGetDescriptorParts(Old, &Parts);
    RtlpGetDescriptorParts(New, &Changed);
    if (Information & OWNER_SECURITY_INFORMATION) {
        if (Changed.Owner == NULL) {
            return STATUS_INVALID_OWNER;
        }
        Parts.Owner = Changed.Owner;
    }
    if (Information & GROUP_SECURITY_INFORMATION) {
        if (Changed.Group == NULL) {
            return STATUS_INVALID_PRIMARY_GROUP;
        }
        Parts.Group = Changed.Group;
    }
    if (Information & SACL_SECURITY_INFORMATION) {
        Parts.Sacl = Changed.Sacl;
    }
    if (Information & DACL_SECURITY_INFORMATION) {
        Parts.Dacl = Changed.Dacl;
    }
    USHORT Control = (USHORT)((SepControlOf(Old) & ~Taken) | (SepControlOf(New) & Taken));
    Control |= Information & PROTECTED_DACL_SECURITY_INFORMATION ? SE_DACL_PROTECTED : 0;
    Control |= Information & PROTECTED_SACL_SECURITY_INFORMATION ? SE_SACL_PROTECTED : 0;
    Control &= Information & UNPROTECTED_DACL_SECURITY_INFORMATION ? ~SE_DACL_PROTECTED : 0xffff;
    Control &= Information & UNPROTECTED_SACL_SECURITY_INFORMATION ? ~SE_SACL_PROTECTED : 0xffff;
    return SepBuildDescriptor(&Parts, Control, Mapping, PagedPool, Result);
}

NTSTATUS SepQueryDescriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_INFORMATION Information,
                            PSECURITY_DESCRIPTOR Buffer, PULONG Length)
{
    RTLP_DESCRIPTOR_PARTS Parts = {0};
    ULONG Have = *Length;

    if (Descriptor != NULL) {
        RtlpGetDescriptorParts(Descriptor, &Parts);
    }
    Parts.Owner = Information & OWNER_SECURITY_INFORMATION ? Parts.Owner : NULL;
    Parts.Group = Information & GROUP_SECURITY_INFORMATION ? Parts.Group : NULL;
    Parts.Sacl = Information & SACL_SECURITY_INFORMATION ? Parts.Sacl : NULL;
    Parts.Dacl = Information & DACL_SECURITY_INFORMATION ? Parts.Dacl : NULL;
    *Length = RtlpSelfRelativeLength(&Parts);
    if (Have < *Length) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlpMakeSelfRelative(&Parts, SepControlOf(Descriptor) & SepControlBits(Information), Buffer);
    return STATUS_SUCCESS;
}

/* User mode makes itself an owner, or a group that its token lets own; who may restore, anybody. */
BOOLEAN SepMayMakeOwner(const TOKEN *Token, PSECURITY_DESCRIPTOR Descriptor)
{
    RTLP_DESCRIPTOR_PARTS Parts;
    RtlpGetDescriptorParts(Descriptor, &Parts);
    if (Parts.Owner == NULL || ExGetPreviousMode() == KernelMode ||
        SepTokenHasPrivilege(Token, SE_RESTORE_PRIVILEGE)) {
        return TRUE;
    }
    for (ULONG i = 0; i < Token->UserAndGroupCount; i++) {
        const SID_AND_ATTRIBUTES *Entry = &Token->UserAndGroups[i];
        if ((i == 0 || (Entry->Attributes & SE_GROUP_OWNER)) &&
            RtlEqualSid(Entry->Sid, Parts.Owner)) {
            return TRUE;
        }
    }
    return FALSE;
}

/*
 * *NewDescriptor comes from PoolType and ends by SeDeassignSecurity. Where ExplicitDescriptor is
 * silent the subject's token gives owner, group and list. STATUS_INVALID_OWNER: user mode may name
 * itself or an owner group only. PASSIVE_LEVEL
 */
NTSTATUS SeAssignSecurity(PSECURITY_DESCRIPTOR ParentDescriptor,
                          PSECURITY_DESCRIPTOR ExplicitDescriptor,
                          PSECURITY_DESCRIPTOR *NewDescriptor, BOOLEAN IsDirectoryObject,
                          PSECURITY_SUBJECT_CONTEXT SubjectContext,
                          PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType)
{
    const TOKEN *Token = SeQuerySubjectContextToken(SubjectContext);
    RTLP_DESCRIPTOR_PARTS Parts = {0};
    USHORT Control = SepControlOf(ExplicitDescriptor);

    UNREFERENCED_PARAMETER(ParentDescriptor);
    UNREFERENCED_PARAMETER(IsDirectoryObject);
    if (ExplicitDescriptor != NULL) {
        RtlpGetDescriptorParts(ExplicitDescriptor, &Parts);
        if (!SepMayMakeOwner(Token, ExplicitDescriptor)) {
            return STATUS_INVALID_OWNER;
        }
    }
    Parts.Owner = Parts.Owner != NULL ? Parts.Owner : Token->Owner;
    Parts.Group = Parts.Group != NULL ? Parts.Group : Token->PrimaryGroup;
    if (!(Control & SE_DACL_PRESENT)) {
        Parts.Dacl = Token->DefaultDacl;
        Control |= SE_DACL_PRESENT;
    }
    return SepBuildDescriptor(&Parts, Control, GenericMapping, PoolType, NewDescriptor);
}

NTSTATUS SeDeassignSecurity(PSECURITY_DESCRIPTOR *SecurityDescriptor)
{
    if (*SecurityDescriptor != NULL) {
        ExFreePoolWithTag(*SecurityDescriptor, SE_TAG_DESCRIPTOR);
        *SecurityDescriptor = NULL;
    }
    return STATUS_SUCCESS;
}

/* Of a self-relative descriptor in a buffer of Length bytes, with an owner. PASSIVE_LEVEL */
BOOLEAN SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return RtlValidRelativeSecurityDescriptor(SecurityDescriptor, Length,
                                              OWNER_SECURITY_INFORMATION);
}

/*
 * D:(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GRGWGX;;;WD)(A;;GRGWGX;;;RC), owner administrators, group
 * system: what wdmsec.h calls SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RWX_RES_RWX. NV: that NT gives it
 * to devices of every type.
 */
static struct {
    SECURITY_DESCRIPTOR Descriptor;
    DECLSPEC_ALIGN(8) UCHAR Dacl[128];
} SepDevice;
PSECURITY_DESCRIPTOR SepDeviceDescriptor = &SepDevice.Descriptor;

VOID SepInitializeDeviceDescriptor(VOID)
{
    const ACCESS_MASK Use = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE;
    const struct {
        PSID Sid;
        ACCESS_MASK Access;
    } Entries[] = {{SepExports.SeLocalSystemSid, GENERIC_ALL},
                   {SepExports.SeAliasAdminsSid, Use},
                   {SepExports.SeWorldSid, Use},
                   {SepExports.SeRestrictedSid, Use}};
    PACL Dacl = (PACL)SepDevice.Dacl;

    NT_VERIFY(NT_SUCCESS(RtlCreateAcl(Dacl, sizeof(SepDevice.Dacl), ACL_REVISION)));
    for (ULONG i = 0; i < RTL_NUMBER_OF(Entries); i++) {
        NT_VERIFY(NT_SUCCESS(
            RtlAddAccessAllowedAce(Dacl, ACL_REVISION, Entries[i].Access, Entries[i].Sid)));
    }
    SepDevice.Descriptor = (SECURITY_DESCRIPTOR){SECURITY_DESCRIPTOR_REVISION, 0, SE_DACL_PRESENT,
                                                 SepExports.SeAliasAdminsSid,
                                                 SepExports.SeLocalSystemSid, NULL, Dacl};
}
