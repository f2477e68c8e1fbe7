/* SPDX-License-Identifier: MIT */
/*
 * Access control lists: a header and AceCount entries one after the other; AclSize is the room.
 *
 * Nothing here walks past AclSize: an entry that does not fit, or is smaller than its header, ends
 * the walk, and the routine answers what is documented for a bad list. AclSize itself is the
 * caller's word, unless RtlpValidAclWithin has compared it with what there is.
 */
#include "rtlp.h"
#include "rtl_security.h"

#define SID_OFFSET ((ULONG)offsetof(ACCESS_ALLOWED_ACE, SidStart))

static PACE_HEADER RtlpAceAt(const VOID *Acl, ULONG Offset)
{
    return (PACE_HEADER)((PCHAR)Acl + Offset);
}

/* The offset of entry Index, or of what follows the last one when Index is AceCount; 0: bad. */
static ULONG RtlpAceOffset(const ACL *Acl, ULONG Index)
{
    ULONG Offset = sizeof(ACL);
    for (ULONG i = 0; i < Index; i++) {
        if (Acl->AclSize < Offset + sizeof(ACE_HEADER)) {
            return 0;
        }
        ULONG Size = RtlpAceAt(Acl, Offset)->AceSize;
        if (Size < sizeof(ACE_HEADER) || Size > Acl->AclSize - Offset) {
            return 0;
        }
        Offset += Size;
    }
    return Acl->AclSize < Offset ? 0 : Offset;
}

BOOLEAN RtlpAceHasSid(const ACE_HEADER *Ace)
{
    return Ace->AceType <= SYSTEM_ALARM_ACE_TYPE || Ace->AceType == SYSTEM_MANDATORY_LABEL_ACE_TYPE;
}

BOOLEAN RtlpValidAclWithin(const VOID *Acl, ULONG Length)
{
    const ACL *List = Acl;
    if (Length < sizeof(ACL) || List->AclSize < sizeof(ACL) || List->AclSize > Length ||
        List->AclRevision < MIN_ACL_REVISION || List->AclRevision > MAX_ACL_REVISION) {
        return FALSE;
    }
    ULONG Offset = sizeof(ACL);
    for (ULONG i = 0; i < List->AceCount; i++) {
        ULONG Left = List->AclSize - Offset;
        const ACE_HEADER *Ace = RtlpAceAt(Acl, Offset);
        if (Left < sizeof(ACE_HEADER) || Ace->AceSize < sizeof(ACE_HEADER) ||
            Ace->AceSize > Left || Ace->AceSize % sizeof(ULONG) != 0) {
            return FALSE;
        }
        if (RtlpAceHasSid(Ace) &&
            (Ace->AceSize < SID_OFFSET ||
             !RtlpValidSidWithin((PCHAR)Ace + SID_OFFSET, Ace->AceSize - SID_OFFSET))) {
            return FALSE;
        }
        Offset += Ace->AceSize;
    }
    return TRUE;
}

BOOLEAN RtlValidAcl(PACL Acl)
{
    return Acl != NULL && RtlpValidAclWithin(Acl, Acl->AclSize);
}

/* STATUS_BUFFER_TOO_SMALL: no room for the header. A length that is no multiple of 4 is cut. */
NTSTATUS RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
    if (AclLength < sizeof(ACL)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (AclRevision < MIN_ACL_REVISION || AclRevision > MAX_ACL_REVISION || AclLength > 0xffff) {
        return STATUS_INVALID_PARAMETER;
    }
    RtlZeroMemory(Acl, sizeof(*Acl));
    Acl->AclRevision = (UCHAR)AclRevision;
    Acl->AclSize = (USHORT)(AclLength & ~(sizeof(ULONG) - 1));
    return STATUS_SUCCESS;
}

/* FALSE: the list is bad. *FirstFree is NULL when there is no room for a header. */
BOOLEAN RtlFirstFreeAce(PACL Acl, PVOID *FirstFree)
{
    ULONG Offset = RtlpAceOffset(Acl, Acl->AceCount);
    *FirstFree = NULL;
    if (Offset != 0 && Acl->AclSize - Offset >= sizeof(ACE_HEADER)) {
        *FirstFree = RtlpAceAt(Acl, Offset);
    }
    return Offset != 0;
}

NTSTATUS RtlGetAce(PACL Acl, ULONG AceIndex, PVOID *Ace)
{
    if (Acl->AclRevision < MIN_ACL_REVISION || Acl->AclRevision > MAX_ACL_REVISION ||
        AceIndex >= Acl->AceCount || RtlpAceOffset(Acl, AceIndex + 1) == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    *Ace = RtlpAceAt(Acl, RtlpAceOffset(Acl, AceIndex));
    return STATUS_SUCCESS;
}

NTSTATUS RtlDeleteAce(PACL Acl, ULONG AceIndex)
{
    PVOID Ace;
    ULONG End = RtlpAceOffset(Acl, Acl->AceCount);
    if (!RtlValidAcl(Acl) || End == 0 || !NT_SUCCESS(RtlGetAce(Acl, AceIndex, &Ace))) {
        return STATUS_INVALID_PARAMETER;
    }
    ULONG Size = ((PACE_HEADER)Ace)->AceSize;
    ULONG Offset = (ULONG)((PCHAR)Ace - (PCHAR)Acl);
    RtlMoveMemory(Ace, (PCHAR)Ace + Size, End - Offset - Size);
    RtlZeroMemory((PCHAR)Acl + End - Size, Size);
    Acl->AceCount -= 1;
    return STATUS_SUCCESS;
}

/* How many whole entries Length bytes hold; 0: they are not entries. */
static ULONG RtlpCountAces(const VOID *AceList, ULONG Length)
{
    ULONG Count = 0;
    for (ULONG Offset = 0; Offset < Length; Count++) {
        const ACE_HEADER *Ace = RtlpAceAt(AceList, Offset);
        if (Length - Offset < sizeof(ACE_HEADER) || Ace->AceSize < sizeof(ACE_HEADER) ||
            Ace->AceSize > Length - Offset) {
            return 0;
        }
        Offset += Ace->AceSize;
    }
    return Count;
}

/* StartingAceIndex past the end: after the last. The list's revision becomes the higher one. */
NTSTATUS RtlAddAce(PACL Acl, ULONG AceRevision, ULONG StartingAceIndex, PVOID AceList,
                   ULONG AceListLength)
{
    if (!RtlValidAcl(Acl) || AceRevision < MIN_ACL_REVISION || AceRevision > MAX_ACL_REVISION) {
        return STATUS_INVALID_PARAMETER;
    }
    ULONG Count = RtlpCountAces(AceList, AceListLength);
    if (Count == 0 || Count > 0xffffu - Acl->AceCount) {
        return STATUS_INVALID_PARAMETER;
    }
    ULONG End = RtlpAceOffset(Acl, Acl->AceCount);
    if (AceListLength > Acl->AclSize - End) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    ULONG Offset =
        StartingAceIndex < Acl->AceCount ? RtlpAceOffset(Acl, StartingAceIndex) : End;
    PCHAR Place = (PCHAR)Acl + Offset;
    RtlMoveMemory(Place + AceListLength, Place, End - Offset);
    RtlCopyMemory(Place, AceList, AceListLength);
    Acl->AceCount += (USHORT)Count;
    if (AceRevision > Acl->AclRevision) {
        Acl->AclRevision = (UCHAR)AceRevision;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS RtlpAddKnownAce(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
                                PSID Sid, UCHAR AceType)
{
    if (!RtlValidSid(Sid)) {
        return STATUS_INVALID_SID;
    }
    if (AceRevision > MAX_ACL_REVISION || Acl->AclRevision > MAX_ACL_REVISION) {
        return STATUS_REVISION_MISMATCH;
    }
    if ((AceFlags & ~(ULONG)VALID_INHERIT_FLAGS) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    ULONG Offset = RtlValidAcl(Acl) ? RtlpAceOffset(Acl, Acl->AceCount) : 0;
    if (Offset == 0) {
        return STATUS_INVALID_ACL;
    }
    ULONG Size = SID_OFFSET + RtlLengthSid(Sid);
    if (Size > Acl->AclSize - Offset || Acl->AceCount == 0xffff) {
        return STATUS_ALLOTTED_SPACE_EXCEEDED;
    }
    PACCESS_ALLOWED_ACE Ace = (PACCESS_ALLOWED_ACE)RtlpAceAt(Acl, Offset);
    Ace->Header = (ACE_HEADER){AceType, (UCHAR)AceFlags, (USHORT)Size};
    Ace->Mask = AccessMask;
    RtlCopyMemory((PCHAR)Ace + SID_OFFSET, Sid, RtlLengthSid(Sid));
    Acl->AceCount += 1;
    if (AceRevision > Acl->AclRevision) {
        Acl->AclRevision = (UCHAR)AceRevision;
    }
    return STATUS_SUCCESS;
}

NTSTATUS RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    return RtlpAddKnownAce(Acl, AceRevision, 0, AccessMask, Sid, ACCESS_ALLOWED_ACE_TYPE);
}

NTSTATUS RtlAddAccessAllowedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags,
                                  ACCESS_MASK AccessMask, PSID Sid)
{
    return RtlpAddKnownAce(Acl, AceRevision, AceFlags, AccessMask, Sid, ACCESS_ALLOWED_ACE_TYPE);
}

NTSTATUS RtlAddAccessDeniedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    return RtlpAddKnownAce(Acl, AceRevision, 0, AccessMask, Sid, ACCESS_DENIED_ACE_TYPE);
}
