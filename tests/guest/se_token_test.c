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

/* Rights of a token's handle, for user mode: to copy it, and to be it. */
GUEST_TEST(se_token_rights_are_asked_of_user_mode)
{
    SECURITY_QUALITY_OF_SERVICE Qos = {sizeof(Qos), SecurityImpersonation,
                                       SECURITY_STATIC_TRACKING, FALSE};
    OBJECT_ATTRIBUTES Attributes;
    ULONG Denied = (ULONG)STATUS_ACCESS_DENIED;
    HANDLE All, Query, Copy;

    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    Attributes.SecurityQualityOfService = &Qos;
    EXPECT_EQUAL(ZwOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &All), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwDuplicateToken(All, TOKEN_QUERY, &Attributes, FALSE, TokenImpersonation,
                                  &Query),
                 STATUS_SUCCESS);
    KiCurrentThread()->PreviousMode = UserMode;
    EXPECT_EQUAL((ULONG)PsAssignImpersonationToken(PsGetCurrentThread(), Query), Denied);
    EXPECT_EQUAL((ULONG)NtDuplicateToken(Query, 0, NULL, FALSE, TokenImpersonation, &Copy),
                 (ULONG)STATUS_ACCESS_VIOLATION); /* where the handle goes is the kernel's */
    KiCurrentThread()->PreviousMode = KernelMode;
    /* The existing handle's access, when none is named. */
    EXPECT_EQUAL(ZwDuplicateToken(Query, 0, &Attributes, FALSE, TokenImpersonation, &Copy),
                 STATUS_SUCCESS);
    KiCurrentThread()->PreviousMode = UserMode;
    EXPECT_EQUAL((ULONG)PsAssignImpersonationToken(PsGetCurrentThread(), Copy), Denied);
    KiCurrentThread()->PreviousMode = KernelMode;
    ZwClose(Copy);
    EXPECT_EQUAL(ZwDuplicateToken(All, 0, &Attributes, FALSE, TokenImpersonation, &Copy),
                 STATUS_SUCCESS);
    KiCurrentThread()->PreviousMode = UserMode;
    EXPECT_EQUAL(PsAssignImpersonationToken(PsGetCurrentThread(), Copy), STATUS_SUCCESS);
    KiCurrentThread()->PreviousMode = KernelMode;
    ZwClose(Copy); /* the thread keeps the token */
    EXPECT_EQUAL(ZwOpenThreadTokenEx(NtCurrentThread(), TOKEN_QUERY, FALSE, OBJ_KERNEL_HANDLE,
                                     &Copy),
                 STATUS_SUCCESS);
    EXPECT(ObIsKernelHandle(Copy));
    ZwClose(Copy);
    EXPECT_EQUAL((ULONG)NtOpenThreadTokenEx(NtCurrentThread(), TOKEN_QUERY, FALSE, 0x80000000,
                                            &Copy),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Copy), STATUS_SUCCESS);
    ZwClose(Copy);
    EXPECT(KiCurrentThread()->PreviousMode == KernelMode);
    PETHREAD Thread = PsGetCurrentThread();
    EXPECT((Thread->ClientSecurity & 3) == SecurityImpersonation);
    EXPECT(Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_IMPERSONATING);
    PsRevertToSelf();
    EXPECT(Thread->ClientSecurity == 0);
    EXPECT(!(Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_IMPERSONATING));
    ZwClose(Query);
    ZwClose(All);
}
