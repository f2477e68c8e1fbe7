/* SPDX-License-Identifier: MIT */
/*
 * Capture: a descriptor from a caller that may be lying, copied before it is looked at.
 *
 * Each part is read twice, its length first; the copy is what is validated, against the length
 * that was reserved, so that a caller who changes it in between gains nothing.
 */
#include "se/sep.h"
#include "nt/io.h"
#include "nt/se.h"

#define RELATIVE_SIZE ((ULONG)sizeof(SECURITY_DESCRIPTOR_RELATIVE))

typedef struct _SEP_CAPTURE {
    KPROCESSOR_MODE Mode;
    USHORT Control;
    RTLP_DESCRIPTOR_PARTS Parts;
    ULONG OwnerBytes, GroupBytes, SaclBytes, DaclBytes;
} SEP_CAPTURE;

static VOID SepProbe(const SEP_CAPTURE *Capture, const VOID *Address, ULONG Length)
{
    if (Capture->Mode != KernelMode) {
        ProbeForRead((PVOID)Address, Length, sizeof(ULONG));
    }
}

/* Raises what a bad address raises. */
static NTSTATUS SepReadHeader(SEP_CAPTURE *Capture, PSECURITY_DESCRIPTOR Original)
{
    SECURITY_DESCRIPTOR Header = {0};

    SepProbe(Capture, Original, RELATIVE_SIZE);
    RtlCopyMemory(&Header, Original, RELATIVE_SIZE);
    if (!(Header.Control & SE_SELF_RELATIVE)) {
        SepProbe(Capture, Original, sizeof(Header));
        USHORT Control = Header.Control;
        RtlCopyMemory(&Header, Original, sizeof(Header));
        Header.Control = Control;
        RtlpGetDescriptorParts(&Header, &Capture->Parts);
    } else {
        RtlpGetDescriptorParts(&Header, &Capture->Parts);
        /* The offsets were taken from the copy: move the pointers to the original. */
        LONG_PTR Move = (PCHAR)Original - (PCHAR)&Header;
        PVOID *Part = (PVOID *)&Capture->Parts;
        for (ULONG i = 0; i < sizeof(Capture->Parts) / sizeof(PVOID); i++) {
            Part[i] = Part[i] == NULL ? NULL : (PCHAR)Part[i] + Move;
        }
    }
    Capture->Control = Header.Control;
    return Header.Revision == SECURITY_DESCRIPTOR_REVISION ? STATUS_SUCCESS
                                                           : STATUS_UNKNOWN_REVISION;
}

static ULONG SepReadSidLength(const SEP_CAPTURE *Capture, PSID Sid)
{
    if (Sid == NULL) {
        return 0;
    }
    SepProbe(Capture, Sid, (ULONG)offsetof(SID, SubAuthority));
    ULONG Length = RtlLengthRequiredSid(*(volatile UCHAR *)RtlSubAuthorityCountSid(Sid));
    SepProbe(Capture, Sid, Length);
    return Length;
}

static ULONG SepReadAclLength(const SEP_CAPTURE *Capture, PACL Acl)
{
    if (Acl == NULL) {
        return 0;
    }
    SepProbe(Capture, Acl, sizeof(ACL));
    ULONG Length = *(volatile USHORT *)&Acl->AclSize;
    SepProbe(Capture, Acl, Length);
    return Length;
}

static ULONG SepPlace(PCHAR Base, ULONG *End, const VOID *Part, ULONG Bytes)
{
    ULONG Offset = *End, Room = (Bytes + 3) & ~3u;
    if (Part == NULL) {
        return 0;
    }
    RtlZeroMemory(Base + Offset, Room);
    RtlCopyMemory(Base + Offset, Part, Bytes);
    *End += Room;
    return Offset;
}

/* Fills Base, which has room for all parts; raises too. */
static NTSTATUS SepCopyParts(const SEP_CAPTURE *Capture, PCHAR Base)
{
    PISECURITY_DESCRIPTOR_RELATIVE New = (PISECURITY_DESCRIPTOR_RELATIVE)Base;
    ULONG End = RELATIVE_SIZE;

    *New = (SECURITY_DESCRIPTOR_RELATIVE){SECURITY_DESCRIPTOR_REVISION, 0,
                                          Capture->Control | SE_SELF_RELATIVE, 0, 0, 0, 0};
    New->Sacl = SepPlace(Base, &End, Capture->Parts.Sacl, Capture->SaclBytes);
    New->Dacl = SepPlace(Base, &End, Capture->Parts.Dacl, Capture->DaclBytes);
    New->Owner = SepPlace(Base, &End, Capture->Parts.Owner, Capture->OwnerBytes);
    New->Group = SepPlace(Base, &End, Capture->Parts.Group, Capture->GroupBytes);
    if ((New->Sacl != 0 && !RtlpValidAclWithin(Base + New->Sacl, Capture->SaclBytes)) ||
        (New->Dacl != 0 && !RtlpValidAclWithin(Base + New->Dacl, Capture->DaclBytes))) {
        return STATUS_INVALID_ACL;
    }
    if ((New->Owner != 0 && !RtlpValidSidWithin(Base + New->Owner, Capture->OwnerBytes)) ||
        (New->Group != 0 && !RtlpValidSidWithin(Base + New->Group, Capture->GroupBytes))) {
        return STATUS_INVALID_SID;
    }
    return STATUS_SUCCESS;
}

static ULONG SepCaptureBytes(const SEP_CAPTURE *Capture)
{
    return RELATIVE_SIZE + ((Capture->OwnerBytes + 3) & ~3u) + ((Capture->GroupBytes + 3) & ~3u) +
           ((Capture->SaclBytes + 3) & ~3u) + ((Capture->DaclBytes + 3) & ~3u);
}

static DECLSPEC_NOINLINE NTSTATUS SepMeasure(SEP_CAPTURE *Capture, PSECURITY_DESCRIPTOR Original)
{
    __try {
        NTSTATUS Status = SepReadHeader(Capture, Original);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Capture->OwnerBytes = SepReadSidLength(Capture, Capture->Parts.Owner);
        Capture->GroupBytes = SepReadSidLength(Capture, Capture->Parts.Group);
        Capture->SaclBytes = SepReadAclLength(Capture, Capture->Parts.Sacl);
        Capture->DaclBytes = SepReadAclLength(Capture, Capture->Parts.Dacl);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static DECLSPEC_NOINLINE NTSTATUS SepCopy(const SEP_CAPTURE *Capture, PCHAR Base)
{
    __try {
        return SepCopyParts(Capture, Base);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

/*
 * A valid self-relative copy from PoolType, or the original itself for a kernel caller that does
 * not want one. PASSIVE_LEVEL. STATUS_UNKNOWN_REVISION, STATUS_INVALID_SID, STATUS_INVALID_ACL,
 * STATUS_INSUFFICIENT_RESOURCES, or what reading the original raised.
 */
NTSTATUS SeCaptureSecurityDescriptor(PSECURITY_DESCRIPTOR OriginalSecurityDescriptor,
                                     KPROCESSOR_MODE CurrentMode, POOL_TYPE PoolType,
                                     BOOLEAN CaptureIfKernel,
                                     PSECURITY_DESCRIPTOR *CapturedSecurityDescriptor)
{
    SEP_CAPTURE Capture = {.Mode = CurrentMode};

    *CapturedSecurityDescriptor = NULL;
    if (OriginalSecurityDescriptor == NULL) {
        return STATUS_SUCCESS;
    }
    if (CurrentMode == KernelMode && !CaptureIfKernel) {
        *CapturedSecurityDescriptor = OriginalSecurityDescriptor;
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = SepMeasure(&Capture, OriginalSecurityDescriptor);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PCHAR Base = ExAllocatePoolWithTag(PoolType, SepCaptureBytes(&Capture), SE_TAG_DESCRIPTOR);
    if (Base == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = SepCopy(&Capture, Base);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Base, SE_TAG_DESCRIPTOR);
        return Status;
    }
    *CapturedSecurityDescriptor = Base;
    return STATUS_SUCCESS;
}

/* The mode and CaptureIfKernelMode are those of the capture. */
VOID SeReleaseSecurityDescriptor(PSECURITY_DESCRIPTOR CapturedSecurityDescriptor,
                                 KPROCESSOR_MODE CurrentMode, BOOLEAN CaptureIfKernelMode)
{
    if (CapturedSecurityDescriptor != NULL &&
        (CurrentMode != KernelMode || CaptureIfKernelMode)) {
        ExFreePoolWithTag(CapturedSecurityDescriptor, SE_TAG_DESCRIPTOR);
    }
}
