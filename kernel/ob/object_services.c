/* SPDX-License-Identifier: MIT */
/* The Zw services for directories, symbolic links and waits, for kernel-mode callers. */
#include "ob/obp.h"

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

NTSTATUS ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    PVOID Object;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, KernelMode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PVOID Offset = ObpTypeOf(ObpHeaderOf(Object))->DefaultObject;
    if (Offset == OB_NOT_WAITABLE) {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    } else {
        Status = KeWaitForSingleObject((PCHAR)Object + (ULONG_PTR)Offset, UserRequest, KernelMode,
                                       Alertable, Timeout);
    }
    ObfDereferenceObject(Object);
    return Status;
}
