/* SPDX-License-Identifier: MIT */
/* Names for devices that user mode knows: symbolic links, permanent until they are deleted. */
#include "io/iop.h"

VOID (*IopNotifySymbolicLink)(PCUNICODE_STRING Link, PCUNICODE_STRING Target);

/* The target need not exist. PASSIVE_LEVEL */
NTSTATUS IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    NTSTATUS Status = ObpCreateSymbolicLink(SymbolicLinkName, DeviceName);
    if (NT_SUCCESS(Status) && IopNotifySymbolicLink != NULL) {
        IopNotifySymbolicLink(SymbolicLinkName, DeviceName);
    }
    return Status;
}

/* Unprotected means open to every user's changes; here there is one user. */
NTSTATUS IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName,
                                         PUNICODE_STRING DeviceName)
{
    return IoCreateSymbolicLink(SymbolicLinkName, DeviceName);
}

NTSTATUS IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    PVOID Link;
    OB_PARSE_PARAMETERS Parameters = {.Type = ObpSymbolicLinkObjectType, .AccessMode = KernelMode};
    NTSTATUS Status = ObpLookupObjectName(NULL, SymbolicLinkName, NULL, &Parameters, &Link);
    if (NT_SUCCESS(Status)) {
        ObMakeTemporaryObject(Link);
        ObfDereferenceObject(Link);
    }
    return Status;
}
