/* SPDX-License-Identifier: MIT */
/*
 * Tokens by handle, privileges that an access used, descriptors made and taken apart. Expected
 * values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "nt/security.h"
#include "ps/psp.h"
#include "se/sep.h"
#include "test.h"

GUEST_TEST(se_tokens_are_opened_by_handle)
{
    HANDLE Token = NULL;
    PVOID Object;

    EXPECT_EQUAL(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, &Token), STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Token, TOKEN_QUERY, SeTokenObjectType, KernelMode,
                                           &Object, NULL),
                 STATUS_SUCCESS);
    EXPECT(ObGetObjectType(Object) == SeTokenObjectType);
    ULONG Session = 7;
    EXPECT_EQUAL(SeQuerySessionIdToken(Object, &Session), STATUS_SUCCESS);
    EXPECT_EQUAL(Session, 0);
    ObDereferenceObject(Object);
    EXPECT_EQUAL((ULONG)NtOpenProcessToken(Token, TOKEN_QUERY, &Token),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH); /* no process */
    ZwClose(Token);
    EXPECT_EQUAL((ULONG)NtOpenProcessToken(NULL, TOKEN_QUERY, &Token),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(NtOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY, OBJ_KERNEL_HANDLE, &Token),
                 STATUS_SUCCESS);
    EXPECT(ObIsKernelHandle(Token));
    ZwClose(Token);
    EXPECT_EQUAL((ULONG)NtOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY, 0x80000000, &Token),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT(PsReferenceImpersonationToken(PsGetCurrentThread(), &(BOOLEAN){0}, &(BOOLEAN){0},
                                         &(SECURITY_IMPERSONATION_LEVEL){0}) == NULL);
    PsDereferenceImpersonationToken(NULL); /* as documented: nothing to do */
}

/* ACCESS_SYSTEM_SECURITY needs a privilege, which is told; SeFreePrivileges frees what tells it. */
GUEST_TEST(se_access_by_privilege_is_told)
{
    static GENERIC_MAPPING Mapping = {EVENT_QUERY_STATE, EVENT_MODIFY_STATE, SYNCHRONIZE,
                                      EVENT_ALL_ACCESS};
    SECURITY_SUBJECT_CONTEXT Subject;
    PSECURITY_DESCRIPTOR Descriptor = NULL;
    PPRIVILEGE_SET Privileges = NULL;
    ACCESS_MASK Granted = 0;
    NTSTATUS Status = STATUS_UNSUCCESSFUL;

    SeCaptureSubjectContext(&Subject);
    EXPECT_EQUAL(SeAssignSecurity(NULL, NULL, &Descriptor, FALSE, &Subject, &Mapping, PagedPool),
                 STATUS_SUCCESS);
    EXPECT(SeAccessCheck(Descriptor, &Subject, FALSE, ACCESS_SYSTEM_SECURITY, 0, &Privileges,
                         &Mapping, UserMode, &Granted, &Status));
    EXPECT(Status == STATUS_SUCCESS && Granted == ACCESS_SYSTEM_SECURITY);
    EXPECT(Privileges != NULL && Privileges->PrivilegeCount == 1);
    EXPECT_EQUAL(Privileges->Privilege[0].Luid.LowPart, SE_SECURITY_PRIVILEGE);
    SeFreePrivileges(Privileges);
    EXPECT(SeAccessCheck(Descriptor, &Subject, FALSE, GENERIC_READ, 0, &Privileges, &Mapping,
                         UserMode, &Granted, &Status));
    EXPECT(Privileges == NULL && Granted == EVENT_QUERY_STATE);
    SeReleaseSubjectContext(&Subject);

    EXPECT(SeValidSecurityDescriptor(RtlLengthSecurityDescriptor(Descriptor), Descriptor));
    EXPECT(!SeValidSecurityDescriptor(RtlLengthSecurityDescriptor(Descriptor) - 1, Descriptor));
    EXPECT(!SeValidSecurityDescriptor(8, Descriptor));
    SECURITY_DESCRIPTOR Absolute;
    RtlCreateSecurityDescriptor(&Absolute, SECURITY_DESCRIPTOR_REVISION);
    EXPECT(!SeValidSecurityDescriptor(sizeof(Absolute), &Absolute)); /* not self-relative */
    EXPECT_EQUAL(SeDeassignSecurity(&Descriptor), STATUS_SUCCESS);
    EXPECT(Descriptor == NULL);
    EXPECT_EQUAL(SeDeassignSecurity(&Descriptor), STATUS_SUCCESS);
}
