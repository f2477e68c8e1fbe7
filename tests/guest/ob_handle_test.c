/* SPDX-License-Identifier: MIT */
/* Handles and references. */
#include "ob/obp.h"
#include "ps/psp.h"
#include "test_thread.h"

static HANDLE MakeEvent(ULONG Attributes)
{
    OBJECT_ATTRIBUTES ObjectAttributes;
    HANDLE Handle = NULL;
    InitializeObjectAttributes(&ObjectAttributes, NULL, Attributes, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Handle, EVENT_MODIFY_STATE, &ObjectAttributes, NotificationEvent,
                               FALSE),
                 STATUS_SUCCESS);
    return Handle;
}

GUEST_TEST(ob_reference_by_handle_checks_type_and_access)
{
    HANDLE Handle = MakeEvent(0);
    OBJECT_HANDLE_INFORMATION Information;
    PVOID Object;

    EXPECT_EQUAL(((ULONG_PTR)Handle & 3), 0);
    EXPECT(!ObIsKernelHandle(Handle));
    EXPECT_EQUAL((ULONG)ObReferenceObjectByHandle(Handle, 0, PsThreadType, KernelMode, &Object,
                                                  NULL),
                 (ULONG)STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT(Object == NULL);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByHandle(Handle, EVENT_QUERY_STATE, ExEventObjectType,
                                                  UserMode, &Object, NULL),
                 (ULONG)STATUS_ACCESS_DENIED);
    /* Kernel mode gets any access. */
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, EVENT_QUERY_STATE, ExEventObjectType,
                                           KernelMode, &Object, &Information),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Information.GrantedAccess, EVENT_MODIFY_STATE);
    ObDereferenceObject(Object);
    EXPECT_EQUAL(ZwSetEvent(Handle, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWaitForSingleObject(Handle, FALSE, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwClose(Handle), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwClose(Handle), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, NULL),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwClose((HANDLE)0x12345678), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ZwClose(NULL), (ULONG)STATUS_INVALID_HANDLE);
}

GUEST_TEST(ob_kernel_handles_are_not_for_user_mode)
{
    HANDLE Handle = MakeEvent(OBJ_KERNEL_HANDLE);
    PVOID Object;
    EXPECT(ObIsKernelHandle(Handle));
    EXPECT_EQUAL((ULONG)ObReferenceObjectByHandle(Handle, 0, NULL, UserMode, &Object, NULL),
                 (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL((ULONG)ObCloseHandle(Handle, UserMode), (ULONG)STATUS_INVALID_HANDLE);
    EXPECT_EQUAL(ZwClose(Handle), STATUS_SUCCESS);
}

GUEST_TEST(ob_pseudo_handles_are_the_caller)
{
    PVOID Object;
    EXPECT_EQUAL(ObReferenceObjectByHandle(NtCurrentThread(), 0, PsThreadType, KernelMode, &Object,
                                           NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Object, (ULONG_PTR)PsGetCurrentThread());
    ObDereferenceObject(Object);
    EXPECT_EQUAL(ObReferenceObjectByHandle(NtCurrentProcess(), 0, NULL, KernelMode, &Object, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Object, (ULONG_PTR)PsInitialSystemProcess);
    ObDereferenceObject(Object);
}

/* In a process of its own: a table shrinks only with its process. */
GUEST_TEST(ob_many_handles_grow_the_table)
{
    static HANDLE Handles[1500]; /* more than a page of entries */
    PEPROCESS Process;
    KAPC_STATE ApcState;

    EXPECT_EQUAL(PspCreateProcess("handles", &Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Handles); i++) {
        Handles[i] = MakeEvent(0);
        EXPECT(i == 0 || Handles[i] != Handles[i - 1]);
    }
    /* Every second one is closed here, the others by the exit. */
    for (ULONG i = 0; i < RTL_NUMBER_OF(Handles); i += 2) {
        EXPECT_EQUAL(ZwClose(Handles[i]), STATUS_SUCCESS);
        EXPECT_EQUAL((ULONG)ZwClose(Handles[i]), (ULONG)STATUS_INVALID_HANDLE);
    }
    KeUnstackDetachProcess(&ApcState);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
}

/*
 * A type whose objects say when they are deleted, and at which IRQL. It stands in this image, as
 * types are never deleted and pool must be the same after a test.
 */
static volatile LONG ObTestDeleted;
static volatile KIRQL ObTestDeleteIrql;
static KEVENT ObTestDeletedEvent;

static VOID ObTestDelete(PVOID Object)
{
    ObTestDeleteIrql = KeGetCurrentIrql();
    InterlockedIncrement(&ObTestDeleted);
    KeSetEvent(&ObTestDeletedEvent, 0, FALSE);
}

GUEST_TEST(ob_last_reference_at_dispatch_deletes_at_passive)
{
    static OBJECT_TYPE Type = {.Index = OBP_MAXIMUM_TYPES - 1,
                               .TypeInfo = {.PoolType = NonPagedPoolNx,
                                            .DeleteProcedure = ObTestDelete}};
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
    PVOID Objects[3];
    KIRQL OldIrql;

    ObTypeIndexTable[Type.Index] = &Type;
    ObTestDeleted = 0;
    KeInitializeEvent(&ObTestDeletedEvent, SynchronizationEvent, FALSE);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Objects); i++) {
        EXPECT_EQUAL(ObpAllocateObject(&Type, NULL, 64, &Objects[i]), STATUS_SUCCESS);
    }
    EXPECT_EQUAL(Type.TotalNumberOfObjects, 3);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Objects); i++) {
        ObDereferenceObject(Objects[i]);
    }
    EXPECT_EQUAL(ObTestDeleted, 0);
    KeLowerIrql(OldIrql);
    while (ObTestDeleted < (LONG)RTL_NUMBER_OF(Objects)) {
        if (KeWaitForSingleObject(&ObTestDeletedEvent, Executive, KernelMode, FALSE, &Patience) !=
            STATUS_SUCCESS) {
            break;
        }
    }
    EXPECT_EQUAL(ObTestDeleted, RTL_NUMBER_OF(Objects));
    EXPECT_EQUAL(ObTestDeleteIrql, PASSIVE_LEVEL);
    EXPECT_EQUAL(ObReferenceObjectSafe(PsInitialSystemProcess), TRUE);
    ObDereferenceObject(PsInitialSystemProcess);
}
