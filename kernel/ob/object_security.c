/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of objects: set, queried, asked at an open.
 *
 * One slot an object, OBJECT_HEADER.SecurityDescriptor; a type's security procedure says where
 * else it is (a device's is in the DEVICE_OBJECT, a file's is its device's). The slot owns a block
 * of paged pool, or is NULL. Named objects get one when they are inserted, devices at creation.
 *
 * ObpSecurityLock guards every slot and the block in it: readers copy under it, writers replace
 * the block. It is the innermost of Ob's locks; paged memory is touched with it held.
 */
#include "ob/obp.h"

#include "ex/ex.h"
#include "se/sep.h"

static FAST_MUTEX ObpSecurityLock;

VOID ObpInitializeSecurity(VOID)
{
    ExInitializeFastMutex(&ObpSecurityLock);
}

static PSECURITY_DESCRIPTOR *ObpSecuritySlot(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    POBJECT_TYPE Type = ObpTypeOf(Header);
    return Type->TypeInfo.SecurityProcedure != NULL ? Type->TypeInfo.SecurityProcedure(Object)
                                                    : &Header->SecurityDescriptor;
}

/* Explicit NULL: the subject's defaults. The object is new: nobody else sees it. PASSIVE_LEVEL */
NTSTATUS ObpAssignSecurity(PVOID Object, PSECURITY_DESCRIPTOR Explicit)
{
    SECURITY_SUBJECT_CONTEXT Subject;
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    PSECURITY_DESCRIPTOR *Slot = ObpSecuritySlot(Object);

    SeCaptureSubjectContext(&Subject);
    NTSTATUS Status = SeAssignSecurity(NULL, Explicit, Slot, FALSE, &Subject,
                                       &Type->TypeInfo.GenericMapping, PagedPool);
    SeReleaseSubjectContext(&Subject);
    return Status;
}

/* A copy that the caller frees with ObReleaseObjectSecurity; NULL: the object has none. */
NTSTATUS ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor,
                             PBOOLEAN MemoryAllocated)
{
    NTSTATUS Status = STATUS_SUCCESS;
    *SecurityDescriptor = NULL;
    *MemoryAllocated = FALSE;
    PSECURITY_DESCRIPTOR *Slot = ObpSecuritySlot(Object);
    ExAcquireFastMutex(&ObpSecurityLock);
    if (*Slot != NULL) {
        ULONG Length = RtlLengthSecurityDescriptor(*Slot);
        PVOID Copy = ExAllocatePoolWithTag(PagedPool, Length, SE_TAG_DESCRIPTOR);
        if (Copy == NULL) {
            Status = STATUS_INSUFFICIENT_RESOURCES;
        } else {
            RtlCopyMemory(Copy, *Slot, Length);
            *SecurityDescriptor = Copy;
            *MemoryAllocated = TRUE;
        }
    }
    ExReleaseFastMutex(&ObpSecurityLock);
    return Status;
}

VOID ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN MemoryAllocated)
{
    if (SecurityDescriptor != NULL && MemoryAllocated) {
        ExFreePoolWithTag(SecurityDescriptor, SE_TAG_DESCRIPTOR);
    }
}

/* STATUS_NO_SECURITY_ON_OBJECT: the object has no descriptor. New is captured already. */
static NTSTATUS ObpSetSecurity(PVOID Object, SECURITY_INFORMATION Information,
                               PSECURITY_DESCRIPTOR New)
{
    PSECURITY_DESCRIPTOR Replaced = NULL;
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    PSECURITY_DESCRIPTOR *Slot = ObpSecuritySlot(Object);
    NTSTATUS Status = STATUS_NO_SECURITY_ON_OBJECT;

    ExAcquireFastMutex(&ObpSecurityLock);
    if (*Slot != NULL) {
        PSECURITY_DESCRIPTOR Modified;
        Status = SepModifyDescriptor(*Slot, New, Information, &Type->TypeInfo.GenericMapping,
                                     &Modified);
        if (NT_SUCCESS(Status)) {
            Replaced = *Slot;
            *Slot = Modified;
        }
    }
    ExReleaseFastMutex(&ObpSecurityLock);
    SeDeassignSecurity(&Replaced);
    return Status;
}

NTSTATUS ObSetSecurityObjectByPointer(PVOID Object, SECURITY_INFORMATION SecurityInformation,
                                      PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    PSECURITY_DESCRIPTOR Captured;
    if (SecurityDescriptor == NULL) {
        return STATUS_INVALID_SECURITY_DESCR;
    }
    NTSTATUS Status = SeCaptureSecurityDescriptor(SecurityDescriptor, KernelMode, PagedPool, TRUE,
                                                  &Captured);
    if (NT_SUCCESS(Status)) {
        Status = ObpSetSecurity(Object, SecurityInformation, Captured);
        SeReleaseSecurityDescriptor(Captured, KernelMode, TRUE);
    }
    return Status;
}

/* The object loses its block. PASSIVE_LEVEL, from its deletion. */
VOID ObpDeleteSecurity(PVOID Object)
{
    PSECURITY_DESCRIPTOR *Slot = &ObpHeaderOf(Object)->SecurityDescriptor;
    SeDeassignSecurity(Slot);
}

static ACCESS_MASK ObpSetAccess(SECURITY_INFORMATION Information)
{
    ACCESS_MASK Access = 0;
    Access |= Information & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                             LABEL_SECURITY_INFORMATION)
                  ? WRITE_OWNER
                  : 0;
    Access |= Information & (DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION |
                             UNPROTECTED_DACL_SECURITY_INFORMATION)
                  ? WRITE_DAC
                  : 0;
    Access |= Information & (SACL_SECURITY_INFORMATION | PROTECTED_SACL_SECURITY_INFORMATION |
                             UNPROTECTED_SACL_SECURITY_INFORMATION)
                  ? ACCESS_SYSTEM_SECURITY
                  : 0;
    return Access;
}

/* STATUS_INVALID_OWNER: the current subject may not make somebody else the owner. */
static NTSTATUS ObpCheckNewOwner(SECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR New)
{
    SECURITY_SUBJECT_CONTEXT Subject;
    if (!(Information & OWNER_SECURITY_INFORMATION)) {
        return STATUS_SUCCESS;
    }
    SeCaptureSubjectContext(&Subject);
    BOOLEAN May = SepMayMakeOwner(SeQuerySubjectContextToken(&Subject), New);
    SeReleaseSubjectContext(&Subject);
    return May ? STATUS_SUCCESS : STATUS_INVALID_OWNER;
}

/* PASSIVE_LEVEL. The handle must grant WRITE_OWNER, WRITE_DAC or ACCESS_SYSTEM_SECURITY. */
NTSTATUS NtSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                             PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PVOID Object;
    OBJECT_HANDLE_INFORMATION Information;
    PSECURITY_DESCRIPTOR Captured;

    if (SecurityDescriptor == NULL) {
        return STATUS_ACCESS_VIOLATION;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, 0, NULL, Mode, &Object, &Information);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (ObpSetAccess(SecurityInformation) & ~Information.GrantedAccess) {
        Status = STATUS_ACCESS_DENIED;
    } else {
        Status = SeCaptureSecurityDescriptor(SecurityDescriptor, Mode, PagedPool, TRUE, &Captured);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpCheckNewOwner(SecurityInformation, Captured);
        if (NT_SUCCESS(Status)) {
            Status = ObpSetSecurity(Object, SecurityInformation, Captured);
        }
        SeReleaseSecurityDescriptor(Captured, Mode, TRUE);
    }
    ObfDereferenceObject(Object);
    return Status;
}

NTSTATUS ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                             PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return KE_CALL_AS_KERNEL(NtSetSecurityObject(Handle, SecurityInformation, SecurityDescriptor));
}

/* The descriptor of Object, referenced by the caller, to the caller's memory. */
static NTSTATUS ObpReturnSecurity(PVOID Object, SECURITY_INFORMATION SecurityInformation,
                                  PEX_CALLER_BUFFER Buffer, PULONG Needed)
{
    PSECURITY_DESCRIPTOR Copy;
    BOOLEAN Allocated;
    NTSTATUS Status = ObGetObjectSecurity(Object, &Copy, &Allocated);

    *Needed = Buffer->Length;
    if (NT_SUCCESS(Status)) {
        Status = SepQueryDescriptor(Copy, SecurityInformation, Buffer->Bytes, Needed);
        ObReleaseObjectSecurity(Copy, Allocated);
    }
    NTSTATUS Copied = ExFinishCallerBuffer(Buffer, NT_SUCCESS(Status) ? *Needed : 0);
    return NT_SUCCESS(Status) ? Copied : Status;
}

/* *LengthNeeded is how many bytes the parts want, also with STATUS_BUFFER_TOO_SMALL. */
NTSTATUS NtQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                               PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length,
                               PULONG LengthNeeded)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PVOID Object;
    OBJECT_HANDLE_INFORMATION Information;
    EX_CALLER_BUFFER Buffer;
    ULONG Needed;
    ACCESS_MASK Access = SecurityInformation & SACL_SECURITY_INFORMATION
                             ? READ_CONTROL | ACCESS_SYSTEM_SECURITY
                             : READ_CONTROL;

    NTSTATUS Status = ExProbeCaller(LengthNeeded, sizeof(ULONG), sizeof(ULONG), Mode);
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(Handle, 0, NULL, Mode, &Object, &Information);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Access & ~Information.GrantedAccess) {
        Status = STATUS_ACCESS_DENIED;
    } else {
        Status = ExMakeCallerBuffer(&Buffer, SecurityDescriptor, Length, Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpReturnSecurity(Object, SecurityInformation, &Buffer, &Needed);
        if (NT_SUCCESS(Status) || Status == STATUS_BUFFER_TOO_SMALL) {
            NTSTATUS Copied = ExCopyToCaller(LengthNeeded, &Needed, sizeof(ULONG), Mode);
            Status = NT_SUCCESS(Copied) ? Status : Copied;
        }
    }
    ObfDereferenceObject(Object);
    return Status;
}

NTSTATUS ZwQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                               PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length,
                               PULONG LengthNeeded)
{
    return KE_CALL_AS_KERNEL(NtQuerySecurityObject(Handle, SecurityInformation, SecurityDescriptor,
                                                   Length, LengthNeeded));
}

/*
 * May the current subject open Object so? Kernel mode may, unless OBJ_FORCE_ACCESS_CHECK; an
 * object without a descriptor lets everybody in. *Granted is what a handle then grants: of
 * MAXIMUM_ALLOWED no more than the descriptor allows. PASSIVE_LEVEL
 */
NTSTATUS ObpCheckAccess(PVOID Object, ACCESS_MASK DesiredAccess, ULONG Attributes,
                        KPROCESSOR_MODE AccessMode, PACCESS_MASK Granted)
{
    SECURITY_SUBJECT_CONTEXT Subject;
    PSECURITY_DESCRIPTOR Descriptor;
    POBJECT_TYPE Type = ObpTypeOf(ObpHeaderOf(Object));
    BOOLEAN Allocated;

    *Granted = ObpMapAccess(Type, DesiredAccess);
    if (AccessMode == KernelMode && !(Attributes & OBJ_FORCE_ACCESS_CHECK)) {
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = ObGetObjectSecurity(Object, &Descriptor, &Allocated);
    if (!NT_SUCCESS(Status) || Descriptor == NULL) {
        return Status;
    }
    SeCaptureSubjectContext(&Subject);
    SeAccessCheck(Descriptor, &Subject, FALSE, DesiredAccess, 0, NULL,
                  &Type->TypeInfo.GenericMapping, UserMode, Granted, &Status);
    SeReleaseSubjectContext(&Subject);
    ObReleaseObjectSecurity(Descriptor, Allocated);
    return Status;
}
