/* SPDX-License-Identifier: MIT */
/*
 * A driver's side of local procedure calls. Ports are made by servers, and no server runs here: a
 * name leads to no port, and a handle to something else. The arguments beyond that are not looked
 * at, as nothing is ever sent.
 */
#include "ob/obp.h"

/* PASSIVE_LEVEL. STATUS_OBJECT_NAME_NOT_FOUND, or STATUS_OBJECT_TYPE_MISMATCH: no port. */
NTSTATUS ZwConnectPort(PHANDLE PortHandle, PUNICODE_STRING PortName,
                       PSECURITY_QUALITY_OF_SERVICE SecurityQos, PPORT_VIEW ClientView,
                       PREMOTE_PORT_VIEW ServerView, PULONG MaxMessageLength,
                       PVOID ConnectionInformation, PULONG ConnectionInformationLength)
{
    PVOID Port;
    NTSTATUS Status = ObReferenceObjectByName(PortName, OBJ_CASE_INSENSITIVE, NULL, 0,
                                              LpcPortObjectType, KernelMode, NULL, &Port);
    NT_VERIFY(!NT_SUCCESS(Status));
    return Status;
}

/* PASSIVE_LEVEL. STATUS_INVALID_HANDLE, or STATUS_OBJECT_TYPE_MISMATCH: no port. */
NTSTATUS ZwRequestWaitReplyPort(HANDLE PortHandle, PPORT_MESSAGE Request, PPORT_MESSAGE Reply)
{
    PVOID Port;
    NTSTATUS Status = ObReferenceObjectByHandle(PortHandle, 0, LpcPortObjectType, KernelMode,
                                                &Port, NULL);
    NT_VERIFY(!NT_SUCCESS(Status));
    return Status;
}
