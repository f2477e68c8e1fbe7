/* SPDX-License-Identifier: MIT */
/* Services for directories and symbolic links (kernel-mode callers only), and for waits. */
#include "ob/obp.h"

#include "ex/ex.h"

NTSTATUS ZwMakeTemporaryObject(HANDLE Handle)
{
    PVOID Object;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, DELETE, NULL, KernelMode, &Object, NULL);
    if (NT_SUCCESS(Status)) {
        ObMakeTemporaryObject(Object);
        ObfDereferenceObject(Object);
    }
    return Status;
}

NTSTATUS ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                 POBJECT_ATTRIBUTES ObjectAttributes)
{
    PVOID Directory;
    NTSTATUS Status =
        ObCreateObject(KernelMode, ObpDirectoryObjectType, ObjectAttributes, KernelMode, NULL,
                       sizeof(OBJECT_DIRECTORY), 0, 0, &Directory);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return ObInsertObject(Directory, NULL, DesiredAccess, 0, NULL, DirectoryHandle);
}

NTSTATUS ZwOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenObjectByName(ObjectAttributes, ObpDirectoryObjectType, KernelMode, NULL,
                              DesiredAccess, NULL, DirectoryHandle);
}

NTSTATUS ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                  POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenObjectByName(ObjectAttributes, ObpSymbolicLinkObjectType, KernelMode, NULL,
                              DesiredAccess, NULL, LinkHandle);
}

/* ReturnedLength: the target's bytes, also when the buffer is too small for them. */
NTSTATUS ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget,
                                   PULONG ReturnedLength)
{
    POBJECT_SYMBOLIC_LINK Link;
    NTSTATUS Status = ObReferenceObjectByHandle(LinkHandle, SYMBOLIC_LINK_QUERY,
                                                ObpSymbolicLinkObjectType, KernelMode,
                                                (PVOID *)&Link, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (ReturnedLength != NULL) {
        *ReturnedLength = Link->LinkTarget.Length;
    }
    if (Link->LinkTarget.Length > LinkTarget->MaximumLength) {
        Status = STATUS_BUFFER_TOO_SMALL;
    } else {
        RtlCopyMemory(LinkTarget->Buffer, Link->LinkTarget.Buffer, Link->LinkTarget.Length);
        LinkTarget->Length = Link->LinkTarget.Length;
    }
    ObfDereferenceObject(Link);
    return Status;
}

NTSTATUS NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    LARGE_INTEGER Captured;
    PVOID Object;

    if (Timeout != NULL) {
        NTSTATUS Status = ExCopyFromCaller(&Captured, Timeout, sizeof(Captured), Mode);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PVOID Offset = ObpTypeOf(ObpHeaderOf(Object))->DefaultObject;
    if (Offset == OB_NOT_WAITABLE) {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    } else {
        Status = KeWaitForSingleObject((PCHAR)Object + (ULONG_PTR)Offset, UserRequest, Mode,
                                       Alertable, Timeout != NULL ? &Captured : NULL);
    }
    ObfDereferenceObject(Object);
    return Status;
}

NTSTATUS ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    return KE_CALL_AS_KERNEL(NtWaitForSingleObject(Handle, Alertable, Timeout));
}
