/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/sid.c kernel/rtl/acl.c kernel/rtl/descriptor.c kernel/rtl/descriptor_part.c */
/*
 * SIDs, lists and descriptors. Expected values: the Windows Driver Kit's reference of each routine
 * (documented status codes), and [MS-DTYP] 2.4.2 to 2.4.6 for bytes and text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nt/rtl.h"
#include "nt/security.h"

static int PoolEmpty;

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return PoolEmpty ? NULL : malloc(NumberOfBytes);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    free(P);
}

static SID_IDENTIFIER_AUTHORITY World = {{0, 0, 0, 0, 0, 1}}, Nt = {{0, 0, 0, 0, 0, 5}};

/* In a heap block of its exact length, so that the sanitizer sees a byte too far. */
static PSID MakeSid(PSID_IDENTIFIER_AUTHORITY Authority, UCHAR Count, const ULONG *Values)
{
    PSID Sid = malloc(RtlLengthRequiredSid(Count));
    assert_int_equal(RtlInitializeSid(Sid, Authority, Count), STATUS_SUCCESS);
    for (UCHAR i = 0; i < Count; i++) {
        *RtlSubAuthoritySid(Sid, i) = Values[i];
    }
    return Sid;
}

static PSID Everyone(void)
{
    return MakeSid(&World, 1, (ULONG[]){0});
}

static PSID Administrators(void)
{
    return MakeSid(&Nt, 2, (ULONG[]){32, 544});
}

static void sid_is_made_and_compared(void **State)
{
    PSID Admin = Administrators(), Users = MakeSid(&Nt, 2, (ULONG[]){32, 545}), All = Everyone();
    UCHAR Room[16];

    assert_int_equal(RtlLengthRequiredSid(0), 8);
    assert_int_equal(RtlLengthRequiredSid(15), 68);
    assert_int_equal(RtlLengthSid(Admin), 16);
    assert_int_equal(*RtlSubAuthorityCountSid(Admin), 2);
    assert_int_equal(*RtlSubAuthoritySid(Admin, 1), 544);
    assert_int_equal(RtlIdentifierAuthoritySid(Admin)->Value[5], 5);
    assert_true(RtlValidSid(Admin) && !RtlValidSid(NULL));
    assert_true(RtlEqualSid(Admin, Admin) && !RtlEqualSid(Admin, Users));
    assert_true(RtlEqualPrefixSid(Admin, Users) && !RtlEqualPrefixSid(Admin, All));
    assert_int_equal(RtlCopySid(15, Room, Admin), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlCopySid(16, Room, Admin), STATUS_SUCCESS);
    assert_true(RtlEqualSid(Room, Admin));
    assert_int_equal(RtlInitializeSid(Room, &Nt, 16), STATUS_INVALID_PARAMETER);
    assert_true(RtlEqualSid(Room, Admin)); /* unchanged */
    *RtlSubAuthorityCountSid(Room) = 16;
    assert_false(RtlValidSid(Room));
    *RtlSubAuthorityCountSid(Room) = 2;
    Room[0] = 2;
    assert_false(RtlValidSid(Room));
    free(Admin), free(Users), free(All);
}

static void expect_text(PSID Sid, const WCHAR *Text)
{
    UNICODE_STRING String;
    size_t Units = 0;
    while (Text[Units] != 0) {
        Units++;
    }
    assert_int_equal(RtlConvertSidToUnicodeString(&String, Sid, TRUE), STATUS_SUCCESS);
    assert_int_equal(String.Length, Units * 2);
    assert_int_equal(String.MaximumLength, Units * 2 + 2);
    assert_memory_equal(String.Buffer, Text, Units * 2 + 2);
    free(String.Buffer);
}

static void sid_as_text(void **State)
{
    SID_IDENTIFIER_AUTHORITY Wide = {{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc}};
    ULONG Most[15];
    PSID Admin = Administrators(), Big = MakeSid(&Wide, 1, (ULONG[]){4294967295u});
    WCHAR Buffer[16];
    UNICODE_STRING Small = {0, sizeof(Buffer), Buffer};

    expect_text(Admin, L"S-1-5-32-544");
    expect_text(Big, L"S-1-0x123456789abc-4294967295"); /* [MS-DTYP] 2.4.2.1 */
    memset(Most, 0xff, sizeof(Most));
    PSID Longest = MakeSid(&Wide, 15, Most);
    UNICODE_STRING Text;
    assert_int_equal(RtlConvertSidToUnicodeString(&Text, Longest, TRUE), STATUS_SUCCESS);
    assert_int_equal(Text.Length, (4 + 14 + 15 * 11) * 2);
    free(Text.Buffer);

    assert_int_equal(RtlConvertSidToUnicodeString(&Small, Admin, FALSE), STATUS_SUCCESS);
    assert_int_equal(Small.Length, 24);
    Small.MaximumLength = 24;
    assert_int_equal(RtlConvertSidToUnicodeString(&Small, Admin, FALSE), STATUS_BUFFER_OVERFLOW);
    PoolEmpty = 1;
    assert_int_equal(RtlConvertSidToUnicodeString(&Text, Admin, TRUE), STATUS_NO_MEMORY);
    PoolEmpty = 0;
    *(UCHAR *)Admin = 3;
    assert_int_equal(RtlConvertSidToUnicodeString(&Small, Admin, FALSE), STATUS_INVALID_SID);
    free(Admin), free(Big), free(Longest);
}

static void acl_fills_up(void **State)
{
    PSID Admin = Administrators(), All = Everyone();
    ULONG Size = sizeof(ACL) + 24 + 20; /* 8 of ACE and the SID */
    PACL Acl = malloc(Size);
    PVOID Ace;

    assert_int_equal(RtlCreateAcl(Acl, 7, ACL_REVISION), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlCreateAcl(Acl, Size, 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateAcl(Acl, Size, 5), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateAcl(Acl, 65536, ACL_REVISION), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateAcl(Acl, Size, ACL_REVISION), STATUS_SUCCESS);
    assert_int_equal(RtlGetAce(Acl, 0, &Ace), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlAddAccessAllowedAce(Acl, ACL_REVISION, GENERIC_ALL, Admin), STATUS_SUCCESS);
    assert_int_equal(RtlAddAccessAllowedAceEx(Acl, ACL_REVISION, 0x20, 1, All),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlAddAccessAllowedAce(Acl, 5, 1, All), STATUS_REVISION_MISMATCH);
    assert_int_equal(RtlAddAccessAllowedAce(Acl, ACL_REVISION, 1, NULL), STATUS_INVALID_SID);
    assert_int_equal(RtlAddAccessAllowedAceEx(Acl, ACL_REVISION_DS, INHERIT_ONLY_ACE, 1, All),
                     STATUS_SUCCESS);
    assert_int_equal(Acl->AclRevision, ACL_REVISION_DS); /* the higher one */
    assert_int_equal(RtlAddAccessAllowedAce(Acl, ACL_REVISION, 1, All),
                     STATUS_ALLOTTED_SPACE_EXCEEDED);
    assert_true(RtlFirstFreeAce(Acl, &Ace) && Ace == NULL);
    assert_int_equal(RtlGetAce(Acl, 1, &Ace), STATUS_SUCCESS);
    assert_int_equal(((PACE_HEADER)Ace)->AceSize, 20);
    assert_int_equal(((PACE_HEADER)Ace)->AceFlags, INHERIT_ONLY_ACE);
    assert_true(RtlEqualSid(&((PACCESS_ALLOWED_ACE)Ace)->SidStart, All));
    assert_int_equal(RtlGetAce(Acl, 2, &Ace), STATUS_INVALID_PARAMETER);
    free(Admin), free(All), free(Acl);
}

static void aces_are_moved(void **State)
{
    PSID Admin = Administrators(), All = Everyone();
    UCHAR Copy[24];
    PACL Acl = malloc(128);
    PVOID Ace;

    RtlCreateAcl(Acl, 128, ACL_REVISION);
    RtlAddAccessAllowedAce(Acl, ACL_REVISION, 1, All);
    RtlAddAccessDeniedAce(Acl, ACL_REVISION, 2, Admin);
    assert_int_equal(RtlGetAce(Acl, 1, &Ace), STATUS_SUCCESS);
    memcpy(Copy, Ace, sizeof(Copy));
    assert_int_equal(RtlDeleteAce(Acl, 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDeleteAce(Acl, 0), STATUS_SUCCESS);
    assert_int_equal(Acl->AceCount, 1);
    assert_int_equal(RtlGetAce(Acl, 0, &Ace), STATUS_SUCCESS);
    assert_memory_equal(Ace, Copy, sizeof(Copy));
    assert_int_equal(RtlAddAce(Acl, ACL_REVISION, 0, Copy, 23), STATUS_INVALID_PARAMETER);
    ((PACCESS_ALLOWED_ACE)Copy)->Mask = 7;
    assert_int_equal(RtlAddAce(Acl, ACL_REVISION, 0, Copy, 24), STATUS_SUCCESS);
    assert_int_equal(RtlAddAce(Acl, ACL_REVISION, MAXDWORD, Copy, 24), STATUS_SUCCESS);
    assert_int_equal(Acl->AceCount, 3);
    for (ULONG i = 0; i < 3; i++) {
        assert_int_equal(RtlGetAce(Acl, i, &Ace), STATUS_SUCCESS);
        assert_int_equal(((PACCESS_ALLOWED_ACE)Ace)->Mask, i == 1 ? 2 : 7);
    }
    assert_int_equal(RtlAddAce(Acl, ACL_REVISION, 0, Copy, 24), STATUS_SUCCESS);
    assert_int_equal(RtlAddAce(Acl, ACL_REVISION, 0, Copy, 24), STATUS_SUCCESS);
    assert_int_equal(RtlAddAce(Acl, ACL_REVISION, 0, Copy, 24), STATUS_BUFFER_TOO_SMALL);
    ((PACE_HEADER)(Acl + 1))->AceSize = 3; /* smaller than its header */
    assert_false(RtlValidAcl(Acl));
    assert_int_equal(RtlAddAccessAllowedAce(Acl, ACL_REVISION, 1, All), STATUS_INVALID_ACL);
    assert_false(RtlFirstFreeAce(Acl, &Ace));
    free(Admin), free(All), free(Acl);
}

static void descriptor_goes_both_ways(void **State)
{
    PSID Admin = Administrators(), All = Everyone();
    SECURITY_DESCRIPTOR Absolute, Back;
    UCHAR Dacl[64], BackDacl[64], BackOwner[16], BackGroup[16];
    ULONG Sizes[5] = {0}, Length = 0;
    BOOLEAN Present, Defaulted;
    PACL Found;
    PSID Sid;

    assert_int_equal(RtlCreateSecurityDescriptor(&Absolute, 2), STATUS_UNKNOWN_REVISION);
    assert_int_equal(RtlCreateSecurityDescriptor(&Absolute, 1), STATUS_SUCCESS);
    RtlCreateAcl((PACL)Dacl, sizeof(Dacl), ACL_REVISION);
    RtlAddAccessAllowedAce((PACL)Dacl, ACL_REVISION, GENERIC_READ, All);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&Absolute, TRUE, (PACL)Dacl, FALSE), 0);
    assert_int_equal(RtlSetOwnerSecurityDescriptor(&Absolute, Admin, FALSE), STATUS_SUCCESS);
    assert_int_equal(RtlSetGroupSecurityDescriptor(&Absolute, All, TRUE), STATUS_SUCCESS);
    assert_int_equal(RtlLengthSecurityDescriptor(&Absolute), 40 + 64 + 16 + 12);

    assert_int_equal(RtlAbsoluteToSelfRelativeSD(&Absolute, NULL, &Length),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(Length, 20 + 64 + 16 + 12);
    PVOID Relative = malloc(Length);
    assert_int_equal(RtlAbsoluteToSelfRelativeSD(&Absolute, Relative, &Length), STATUS_SUCCESS);
    assert_int_equal(RtlAbsoluteToSelfRelativeSD(Relative, Relative, &Length),
                     STATUS_BAD_DESCRIPTOR_FORMAT);
    assert_int_equal(RtlLengthSecurityDescriptor(Relative), Length);
    assert_true(RtlValidSecurityDescriptor(Relative));
    assert_true(RtlValidRelativeSecurityDescriptor(Relative, Length, OWNER_SECURITY_INFORMATION));
    assert_false(RtlValidRelativeSecurityDescriptor(Relative, Length, SACL_SECURITY_INFORMATION));
    assert_int_equal(RtlSetOwnerSecurityDescriptor(Relative, All, FALSE),
                     STATUS_INVALID_SECURITY_DESCR);
    assert_int_equal(RtlGetOwnerSecurityDescriptor(Relative, &Sid, &Defaulted), STATUS_SUCCESS);
    assert_true(RtlEqualSid(Sid, Admin) && !Defaulted);
    assert_int_equal(RtlGetGroupSecurityDescriptor(Relative, &Sid, &Defaulted), STATUS_SUCCESS);
    assert_true(RtlEqualSid(Sid, All) && Defaulted);
    assert_int_equal(RtlGetDaclSecurityDescriptor(Relative, &Present, &Found, &Defaulted), 0);
    assert_true(Present);
    assert_memory_equal(Found, Dacl, sizeof(Dacl));
    assert_int_equal(RtlGetSaclSecurityDescriptor(Relative, &Present, &Found, &Defaulted), 0);
    assert_false(Present);

    assert_int_equal(RtlSelfRelativeToAbsoluteSD(Relative, &Back, &Sizes[0], NULL, &Sizes[1], NULL,
                                                 &Sizes[2], NULL, &Sizes[3], NULL, &Sizes[4]),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(Sizes[0], 40);
    assert_int_equal(Sizes[1], 64);
    assert_int_equal(Sizes[2], 0);
    assert_int_equal(Sizes[3], 16);
    assert_int_equal(Sizes[4], 12);
    assert_int_equal(RtlSelfRelativeToAbsoluteSD(Relative, &Back, &Sizes[0], (PACL)BackDacl,
                                                 &Sizes[1], NULL, &Sizes[2], BackOwner, &Sizes[3],
                                                 BackGroup, &Sizes[4]),
                     STATUS_SUCCESS);
    assert_true(RtlEqualSid(Back.Owner, Admin) && Back.Sacl == NULL);
    assert_int_equal(Back.Control, Absolute.Control);
    assert_int_equal(RtlSelfRelativeToAbsoluteSD(&Back, &Back, &Sizes[0], NULL, &Sizes[1], NULL,
                                                 &Sizes[2], NULL, &Sizes[3], NULL, &Sizes[4]),
                     STATUS_BAD_DESCRIPTOR_FORMAT);
    free(Relative), free(Admin), free(All);
}

static void parts_are_set_and_asked(void **State)
{
    SECURITY_DESCRIPTOR Absolute;
    SECURITY_DESCRIPTOR_RELATIVE Relative;
    SECURITY_DESCRIPTOR_CONTROL Control = 0;
    UCHAR Sacl[32];
    ULONG Revision = 0;
    BOOLEAN Present = 7, Defaulted = 7;
    PACL Found = NULL;

    assert_int_equal(RtlCreateSecurityDescriptorRelative(&Relative, 2), STATUS_UNKNOWN_REVISION);
    memset(&Relative, 0xff, sizeof(Relative));
    assert_int_equal(RtlCreateSecurityDescriptorRelative(&Relative, 1), STATUS_SUCCESS);
    assert_int_equal(RtlGetControlSecurityDescriptor(&Relative, &Control, &Revision), 0);
    assert_int_equal(Control, SE_SELF_RELATIVE);
    assert_int_equal(Revision, SECURITY_DESCRIPTOR_REVISION);
    assert_int_equal(RtlLengthSecurityDescriptor(&Relative), 20);
    assert_int_equal(RtlSetSaclSecurityDescriptor(&Relative, TRUE, NULL, FALSE),
                     STATUS_INVALID_SECURITY_DESCR);
    Relative.Revision = 2;
    assert_int_equal(RtlGetControlSecurityDescriptor(&Relative, &Control, &Revision),
                     STATUS_UNKNOWN_REVISION);

    RtlCreateSecurityDescriptor(&Absolute, 1);
    RtlCreateAcl((PACL)Sacl, sizeof(Sacl), ACL_REVISION);
    assert_int_equal(RtlSetSaclSecurityDescriptor(&Absolute, TRUE, (PACL)Sacl, TRUE), 0);
    assert_int_equal(RtlGetSaclSecurityDescriptor(&Absolute, &Present, &Found, &Defaulted), 0);
    assert_true(Present == TRUE && Defaulted == TRUE && Found == (PACL)Sacl);
    RtlGetControlSecurityDescriptor(&Absolute, &Control, &Revision);
    assert_int_equal(Control, SE_SACL_PRESENT | SE_SACL_DEFAULTED);
    assert_int_equal(RtlSetSaclSecurityDescriptor(&Absolute, FALSE, NULL, FALSE), 0);
    assert_int_equal(RtlGetSaclSecurityDescriptor(&Absolute, &Present, &Found, &Defaulted), 0);
    assert_false(Present);
    Absolute.Revision = 0;
    assert_int_equal(RtlSetSaclSecurityDescriptor(&Absolute, TRUE, NULL, FALSE),
                     STATUS_UNKNOWN_REVISION);
}

static void generic_rights_are_mapped(void **State)
{
    const GENERIC_MAPPING Mapping = {0x1, 0x2, 0x4, 0xf};
    ACCESS_MASK Mask = GENERIC_READ | GENERIC_EXECUTE | DELETE;
    RtlMapGenericMask(&Mask, &Mapping);
    assert_int_equal(Mask, DELETE | 0x5);
    Mask = GENERIC_ALL;
    RtlMapGenericMask(&Mask, &Mapping);
    assert_int_equal(Mask, 0xf);
}

/* Each cut and each flipped bit of a good descriptor is refused or safe to walk. */
static void damaged_descriptor_is_safe(void **State)
{
    PSID All = Everyone();
    SECURITY_DESCRIPTOR Absolute;
    UCHAR Dacl[32], Good[256];
    ULONG Length = sizeof(Good), Accepted = 0;

    RtlCreateSecurityDescriptor(&Absolute, 1);
    RtlCreateAcl((PACL)Dacl, 28, ACL_REVISION);
    RtlAddAccessAllowedAce((PACL)Dacl, ACL_REVISION, 1, All);
    RtlSetDaclSecurityDescriptor(&Absolute, TRUE, (PACL)Dacl, FALSE);
    RtlSetOwnerSecurityDescriptor(&Absolute, All, FALSE);
    assert_int_equal(RtlAbsoluteToSelfRelativeSD(&Absolute, Good, &Length), STATUS_SUCCESS);
    for (ULONG Cut = 0; Cut < Length; Cut++) {
        PUCHAR Bytes = malloc(Cut + 1);
        memcpy(Bytes, Good, Cut);
        assert_false(RtlValidRelativeSecurityDescriptor(Bytes, Cut, 0));
        free(Bytes);
    }
    for (ULONG Bit = 0; Bit < Length * 8; Bit++) {
        PUCHAR Bytes = malloc(Length);
        memcpy(Bytes, Good, Length);
        Bytes[Bit / 8] ^= (UCHAR)(1 << Bit % 8);
        if (RtlValidRelativeSecurityDescriptor(Bytes, Length, 0)) {
            assert_true(RtlLengthSecurityDescriptor(Bytes) > 0);
            Accepted++;
        }
        free(Bytes);
    }
    assert_in_range(Accepted, 1, Length * 8 - 1);
    free(All);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(sid_is_made_and_compared),  cmocka_unit_test(sid_as_text),
        cmocka_unit_test(acl_fills_up),              cmocka_unit_test(aces_are_moved),
        cmocka_unit_test(descriptor_goes_both_ways), cmocka_unit_test(generic_rights_are_mapped),
        cmocka_unit_test(damaged_descriptor_is_safe), cmocka_unit_test(parts_are_set_and_asked),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
