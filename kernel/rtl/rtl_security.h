/* SPDX-License-Identifier: MIT */
/* What sid.c, acl.c, descriptor.c and Se share. Everything here is pure. */
#pragma once

#include "nt/security.h"

/* Is what begins at Sid a valid SID of at most Length bytes? Reads no byte after those. */
BOOLEAN RtlpValidSidWithin(const VOID *Sid, ULONG Length);

/* The same of an ACL and of all entries it counts. Acl is aligned to four bytes. */
BOOLEAN RtlpValidAclWithin(const VOID *Acl, ULONG Length);

/* Entries that are an ACCESS_MASK and a SID after their header. */
BOOLEAN RtlpAceHasSid(const ACE_HEADER *Ace);

/*
 * The parts of a descriptor of either form; NULL where it has none, and for an ACL that is not
 * present. The descriptor is valid, or absolute.
 */
typedef struct _RTLP_DESCRIPTOR_PARTS {
    PSID Owner;
    PSID Group;
    PACL Sacl;
    PACL Dacl;
} RTLP_DESCRIPTOR_PARTS;
VOID RtlpGetDescriptorParts(PSECURITY_DESCRIPTOR SecurityDescriptor, RTLP_DESCRIPTOR_PARTS *Parts);

/* Bytes of those parts as a self-relative descriptor. */
ULONG RtlpSelfRelativeLength(const RTLP_DESCRIPTOR_PARTS *Parts);
/* Writes them there: RtlpSelfRelativeLength bytes. Control gets SE_SELF_RELATIVE. */
VOID RtlpMakeSelfRelative(const RTLP_DESCRIPTOR_PARTS *Parts, SECURITY_DESCRIPTOR_CONTROL Control,
                          PISECURITY_DESCRIPTOR_RELATIVE Output);
