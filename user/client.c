/* SPDX-License-Identifier: MIT */
/*
 * client.exe: the program on whose behalf a scenario opens devices. Each thread takes requests one
 * after the other and does each as any Windows program would, by the system call behind CreateFile,
 * DeviceIoControl, ReadFile, WriteFile and CloseHandle; what is overlapped has an event. It runs in
 * ring 3; its code, its stack and the buffers are pageable memory of its process.
 */
#include "wire/client_request.h"

#include "nt/ntddk.h"
#include "wire/system_service.h"

NTSTATUS NtTerminateThread(HANDLE ThreadHandle, NTSTATUS ExitStatus);
VOID ClientThread(VOID);

static NTSTATUS ClientOpen(PCLIENT_REQUEST Request)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Request->Path, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtCreateFile(&Request->File, Request->Access | SYNCHRONIZE, &Attributes,
                        &Request->IoStatus, NULL, FILE_ATTRIBUTE_NORMAL,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN,
                        FILE_NON_DIRECTORY_FILE |
                            (Request->Overlapped ? 0 : FILE_SYNCHRONOUS_IO_NONALERT),
                        NULL, 0);
}

static NTSTATUS ClientPerform(PCLIENT_REQUEST Request)
{
    switch (Request->Type) {
    case ClientRequestOpen:
        return ClientOpen(Request);
    case ClientRequestClose:
        return NtClose(Request->File);
    case ClientRequestControl:
        return NtDeviceIoControlFile(Request->File, Request->Event, NULL, NULL, &Request->IoStatus,
                                     Request->Code, Request->Input, Request->InputLength,
                                     Request->Output, Request->OutputLength);
    case ClientRequestRead:
        return NtReadFile(Request->File, Request->Event, NULL, NULL, &Request->IoStatus,
                          Request->Output, Request->OutputLength, &Request->Offset, NULL);
    case ClientRequestWrite:
        return NtWriteFile(Request->File, Request->Event, NULL, NULL, &Request->IoStatus,
                           Request->Output, Request->OutputLength, &Request->Offset, NULL);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* A request that is pending keeps its event. */
static VOID ClientBegin(PCLIENT_REQUEST Request)
{
    NTSTATUS Status = STATUS_SUCCESS;

    Request->IoStatus.Information = 0;
    Request->Event = NULL;
    if (Request->Overlapped && Request->Type != ClientRequestOpen) {
        Status = NtCreateEvent(&Request->Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    }
    Request->Status = NT_SUCCESS(Status) ? ClientPerform(Request) : Status;
    if (Request->Event != NULL && Request->Status != STATUS_PENDING) {
        NtClose(Request->Event);
    }
}

static VOID ClientEnd(PCLIENT_REQUEST Request)
{
    NtWaitForSingleObject(Request->Event, FALSE, NULL);
    NtClose(Request->Event);
    Request->Status = Request->IoStatus.Status;
}

/* Where each thread begins. */
VOID ClientThread(VOID)
{
    CLIENT_REQUEST Request;
    NTSTATUS Status;

    for (;;) {
        Status = NtNextClientRequest(&Request);
        if (Status == STATUS_SUCCESS) {
            ClientBegin(&Request);
        } else if (Status == STATUS_PENDING) {
            ClientEnd(&Request);
        } else {
            NtTerminateThread(NULL, Status);
        }
    }
}
