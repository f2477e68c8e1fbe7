/* SPDX-License-Identifier: MIT */
/* Symbolic links and directories, created by the kernel; object_name.c follows them. */
#include "ob/obp.h"

VOID ObpDeleteSymbolicLink(PVOID Object)
{
    POBJECT_SYMBOLIC_LINK Link = Object;
    if (Link->LinkTarget.Buffer != NULL) {
        ExFreePoolWithTag(Link->LinkTarget.Buffer, OB_TAG_NAME);
    }
}

/* An empty target stands for the root: what follows the link's name begins with a backslash. */
NTSTATUS ObpCreateSymbolicLink(PCUNICODE_STRING Path, PCUNICODE_STRING Target)
{
    POBJECT_SYMBOLIC_LINK Link;
    NTSTATUS Status = ObpAllocateObject(ObpSymbolicLinkObjectType, Path, sizeof(*Link),
                                        (PVOID *)&Link);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeQuerySystemTimePrecise(&Link->CreationTime);
    if (Target->Length != 0) {
        /* The terminating NUL is for debuggers' sake. */
        USHORT Bytes = (USHORT)(Target->Length + sizeof(WCHAR));
        Link->LinkTarget.Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, OB_TAG_NAME);
        if (Link->LinkTarget.Buffer == NULL) {
            ObfDereferenceObject(Link);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlZeroMemory(Link->LinkTarget.Buffer, Bytes);
        RtlCopyMemory(Link->LinkTarget.Buffer, Target->Buffer, Target->Length);
        Link->LinkTarget.Length = Target->Length;
        Link->LinkTarget.MaximumLength = Bytes;
    }
    Status = ObpInsertNamedObject(Link, Path, OBJ_PERMANENT);
    ObfDereferenceObject(Link);
    return Status;
}

NTSTATUS ObpCreateDirectory(PCUNICODE_STRING Path)
{
    PVOID Directory;
    NTSTATUS Status =
        ObpAllocateObject(ObpDirectoryObjectType, Path, sizeof(OBJECT_DIRECTORY), &Directory);
    if (NT_SUCCESS(Status)) {
        Status = ObpInsertNamedObject(Directory, Path, OBJ_PERMANENT);
        ObfDereferenceObject(Directory);
    }
    return Status;
}
