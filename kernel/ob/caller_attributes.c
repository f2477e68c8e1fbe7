/* SPDX-License-Identifier: MIT */
/*
 * OBJECT_ATTRIBUTES of a caller, copied into the kernel before anybody looks at them: structure and
 * name. The security descriptor stays where it is: ObCreateObject captures it. A kernel caller's
 * attributes are used where they are.
 */
#include "ob/obp.h"

#include "ex/ex.h"

static NTSTATUS ObpCaptureName(POB_CALLER_ATTRIBUTES Captured, KPROCESSOR_MODE Mode)
{
    NTSTATUS Status = ExCopyFromCaller(&Captured->Name, Captured->Attributes.ObjectName,
                                       sizeof(UNICODE_STRING), Mode);
    PWCHAR From = Captured->Name.Buffer;
    USHORT Length = Captured->Name.Length;

    Captured->Attributes.ObjectName = &Captured->Name;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Length & 1) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Captured->Name = (UNICODE_STRING){0, 0, NULL};
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    Captured->Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Length, OB_TAG_NAME);
    if (Captured->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Captured->Name = (UNICODE_STRING){Length, Length, Captured->Buffer};
    return ExCopyFromCaller(Captured->Buffer, From, Length, Mode);
}

static NTSTATUS ObpCaptureParts(POB_CALLER_ATTRIBUTES Captured, const OBJECT_ATTRIBUTES *Original,
                                KPROCESSOR_MODE Mode)
{
    POBJECT_ATTRIBUTES Attributes = &Captured->Attributes;
    NTSTATUS Status = ExCopyFromCaller(Attributes, Original, sizeof(*Original), Mode);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Attributes->Length != sizeof(*Attributes)) {
        return STATUS_INVALID_PARAMETER;
    }
    /* Handles of the system process and permanent objects are not for user mode. */
    Attributes->Attributes &= ~(ULONG)(OBJ_KERNEL_HANDLE | OBJ_PERMANENT);
    return Attributes->ObjectName != NULL ? ObpCaptureName(Captured, Mode) : STATUS_SUCCESS;
}

NTSTATUS ObpCaptureAttributes(POBJECT_ATTRIBUTES Original, KPROCESSOR_MODE Mode,
                              POB_CALLER_ATTRIBUTES Captured)
{
    *Captured = (OB_CALLER_ATTRIBUTES){.Use = Original};
    if (Mode == KernelMode || Original == NULL) {
        return STATUS_SUCCESS;
    }
    Captured->Use = &Captured->Attributes;
    NTSTATUS Status = ObpCaptureParts(Captured, Original, Mode);
    if (!NT_SUCCESS(Status)) {
        ObpReleaseAttributes(Captured);
    }
    return Status;
}

VOID ObpReleaseAttributes(POB_CALLER_ATTRIBUTES Captured)
{
    if (Captured->Buffer != NULL) {
        ExFreePoolWithTag(Captured->Buffer, OB_TAG_NAME);
    }
    Captured->Buffer = NULL;
}
