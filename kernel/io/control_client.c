/* SPDX-License-Identifier: MIT */
/*
 * Devices that the host has open. Each has a client thread of the client process: the thread's
 * user memory holds the buffers, so what a driver gets by METHOD_NEITHER are real user addresses,
 * pageable and invalid in other processes. A client's requests run in their order; different
 * clients run side by side.
 *
 * A client's thread stays when the device is closed and serves the next device opened, so that
 * opening and closing leaves no trace in the counters after the first time.
 *
 * The client process is made before the first driver is loaded and ends with the machine.
 *
 * ClientLock (spin lock, innermost) guards State, Generation and the lists of requests. State:
 *     Free -> (open queued) Opening -> Open -> (close queued) Closing -> Free
 * and Opening -> Free when the open fails. Only the agent thread leaves Free and Open.
 */
#include "io/control_client.h"

#include "io/iop.h"
#include "mm/mm.h"
#include "ps/psp.h"

#define CLIENT_BITS 6
#define CLIENT_MAXIMUM (1u << CLIENT_BITS)
#define PATH_MAXIMUM 32767u /* characters that a UNICODE_STRING can count */
#define REQUEST_LIMIT 0x7fffffff

typedef enum _CONTROL_CLIENT_STATE {
    ClientFree,
    ClientOpening,
    ClientOpen,
    ClientClosing,
} CONTROL_CLIENT_STATE;

typedef struct _CONTROL_CLIENT {
    CONTROL_CLIENT_STATE State;
    ULONG Generation; /* counts opens, so that a handle of an earlier one is not taken */
    BOOLEAN HasThread;
    HANDLE File;      /* in the client process's handle table; the client thread's */
    KSEMAPHORE Work;  /* counts Requests */
    LIST_ENTRY Requests;
} CONTROL_CLIENT, *PCONTROL_CLIENT;

static CONTROL_CLIENT Clients[CLIENT_MAXIMUM];
static KSPIN_LOCK ClientLock;
static PEPROCESS ClientProcess;

static ULONG IopClientHandle(PCONTROL_CLIENT Client)
{
    return (Client->Generation << CLIENT_BITS) | (ULONG)(Client - Clients);
}

static VOID IopReplyStatus(PCONTROL_REQUEST Request, NTSTATUS Status)
{
    IopReply(Request->Message.Id, Status, 0, NULL, 0);
}

/* ---- on the client's thread ---- */

/* User memory may fail to come back from the disk, or be a bad address of the host's choice. */
static __attribute__((noinline)) NTSTATUS IopCopyUser(PVOID To, const VOID *From, SIZE_T Length)
{
    NTSTATUS Status = STATUS_SUCCESS;

    __try {
        RtlCopyMemory(To, From, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

/* A buffer of the request in the client's user memory, or the address the host chose instead. */
typedef struct _USER_BUFFER {
    PVOID Base;
    BOOLEAN Allocated;
} USER_BUFFER;

static NTSTATUS IopMakeUserBuffer(USER_BUFFER *Buffer, ULONG64 Chosen, CONTROL_BYTES Content,
                                  ULONG Length)
{
    NTSTATUS Status;

    Buffer->Base = (PVOID)Chosen;
    Buffer->Allocated = FALSE;
    if (Chosen != 0 || Length == 0) {
        return STATUS_SUCCESS;
    }
    Status = MmAllocateUserMemory(&Buffer->Base, Length, PAGE_READWRITE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Buffer->Allocated = TRUE;
    return Content.Length != 0 ? IopCopyUser(Buffer->Base, Content.Data, Content.Length)
                               : STATUS_SUCCESS;
}

static VOID IopFreeUserBuffer(USER_BUFFER *Buffer)
{
    if (Buffer->Allocated) {
        NT_VERIFY(NT_SUCCESS(MmFreeUserMemory(Buffer->Base)));
    }
}

/*
 * The reply to a transfer into Buffer of Length bytes. As for a Windows caller, what the driver
 * wrote counts unless the status is an error, and only as far as Information says.
 */
static VOID IopReplyOutput(PCONTROL_REQUEST Request, const IO_STATUS_BLOCK *Result,
                           const USER_BUFFER *Buffer, ULONG Length)
{
    ULONG Count = (ULONG)(Result->Information < Length ? Result->Information : Length);
    PVOID Data;
    NTSTATUS Status;

    if (NT_ERROR(Result->Status) || !Buffer->Allocated || Count == 0) {
        IopReply(Request->Message.Id, Result->Status, Result->Information, NULL, 0);
        return;
    }
    Data = ExAllocatePoolWithTag(NonPagedPoolNx, Count, CONTROL_TAG);
    if (Data == NULL) {
        IopReplyStatus(Request, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    Status = IopCopyUser(Data, Buffer->Base, Count);
    if (NT_SUCCESS(Status)) {
        IopReply(Request->Message.Id, Result->Status, Result->Information, Data, Count);
    } else {
        IopReplyStatus(Request, Status);
    }
    ExFreePoolWithTag(Data, CONTROL_TAG);
}

static VOID IopClientIoctl(PCONTROL_CLIENT Client, PCONTROL_REQUEST Request)
{
    const CONTROL_IOCTL *Ioctl = &Request->Message.Ioctl;
    USER_BUFFER Input = {0}, Output = {0};
    IO_STATUS_BLOCK Result = {0};
    NTSTATUS Status = IopMakeUserBuffer(&Input, Ioctl->InputAddress, Request->Message.First,
                                        Ioctl->InputLength);

    if (NT_SUCCESS(Status)) {
        Status = IopMakeUserBuffer(&Output, Ioctl->OutputAddress, Request->Message.Second,
                                   Ioctl->OutputLength);
    }
    if (NT_SUCCESS(Status)) {
        Result.Status = IopDeviceControlFile(Client->File, Ioctl->Code, Input.Base,
                                             Ioctl->InputLength, Output.Base, Ioctl->OutputLength,
                                             &Result);
        IopReplyOutput(Request, &Result, &Output, Ioctl->OutputLength);
    } else {
        IopReplyStatus(Request, Status);
    }
    IopFreeUserBuffer(&Output);
    IopFreeUserBuffer(&Input);
}

static VOID IopClientTransfer(PCONTROL_CLIENT Client, PCONTROL_REQUEST Request)
{
    const CONTROL_TRANSFER *Transfer = &Request->Message.Transfer;
    BOOLEAN Write = Request->Message.Type == ControlWrite;
    LARGE_INTEGER Offset = {.QuadPart = Transfer->Offset};
    USER_BUFFER Buffer = {0};
    IO_STATUS_BLOCK Result = {0};
    NTSTATUS Status = IopMakeUserBuffer(&Buffer, 0, Request->Message.First, Transfer->Length);

    if (!NT_SUCCESS(Status)) {
        IopReplyStatus(Request, Status);
    } else if (Write) {
        Result.Status = IopWriteFile(Client->File, Buffer.Base, Transfer->Length, &Offset,
                                     &Result);
        IopReply(Request->Message.Id, Result.Status, Result.Information, NULL, 0);
    } else {
        Result.Status = IopReadFile(Client->File, Buffer.Base, Transfer->Length, &Offset,
                                    &Result);
        IopReplyOutput(Request, &Result, &Buffer, Transfer->Length);
    }
    IopFreeUserBuffer(&Buffer);
}

/* The host's path (UTF-8, not terminated) as NT wants it. The caller frees Buffer. */
static NTSTATUS IopDecodePath(CONTROL_BYTES Text, PUNICODE_STRING Path)
{
    ULONG Length = 0;
    NTSTATUS Status;

    if (Text.Length > PATH_MAXIMUM) {
        return STATUS_NAME_TOO_LONG;
    }
    /* A character of UTF-16 comes of at least one byte. */
    Path->MaximumLength = (USHORT)(Text.Length * sizeof(WCHAR));
    Path->Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Path->MaximumLength, CONTROL_TAG);
    if (Path->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = RtlUTF8ToUnicodeN(Path->Buffer, Path->MaximumLength, &Length, (PCSTR)Text.Data,
                               Text.Length);
    if (Status == STATUS_SUCCESS) {
        Path->Length = (USHORT)Length;
        return STATUS_SUCCESS;
    }
    ExFreePoolWithTag(Path->Buffer, CONTROL_TAG);
    return STATUS_OBJECT_NAME_INVALID;
}

/*
 * A client that becomes free gives up its thread, but for the first: so the threads in being are
 * those of open handles and one. Its thread does not touch the client after that. Returns whether
 * the thread may go on.
 */
static BOOLEAN IopSetClientState(PCONTROL_CLIENT Client, CONTROL_CLIENT_STATE State)
{
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    BOOLEAN GoesOn = State != ClientFree || Client == &Clients[0];

    Client->HasThread = GoesOn;
    Client->State = State;
    KiReleaseSpinLock(&ClientLock, OldIrql);
    return GoesOn;
}

/* Both: FALSE when the thread has to end. */
static BOOLEAN IopClientOpen(PCONTROL_CLIENT Client, PCONTROL_REQUEST Request)
{
    ULONG Handle = IopClientHandle(Client);
    UNICODE_STRING Path;
    NTSTATUS Status = IopDecodePath(Request->Message.First, &Path);

    if (NT_SUCCESS(Status)) {
        Status = IopOpenFile(&Path, Request->Message.Open.DesiredAccess, UserMode, &Client->File);
        ExFreePoolWithTag(Path.Buffer, CONTROL_TAG);
    }
    /* Before the reply: the host may use the handle, or open again, as soon as it has it. */
    BOOLEAN GoesOn = IopSetClientState(Client, NT_SUCCESS(Status) ? ClientOpen : ClientFree);
    IopReply(Request->Message.Id, Status, NT_SUCCESS(Status) ? Handle : 0, NULL, 0);
    return GoesOn;
}

static BOOLEAN IopClientClose(PCONTROL_CLIENT Client, PCONTROL_REQUEST Request)
{
    NTSTATUS Status = ObCloseHandle(Client->File, UserMode);

    Client->File = NULL;
    BOOLEAN GoesOn = IopSetClientState(Client, ClientFree);
    IopReplyStatus(Request, Status);
    return GoesOn;
}

static VOID IopClientThread(PVOID Context)
{
    PCONTROL_CLIENT Client = Context;
    BOOLEAN GoesOn = TRUE;

    while (GoesOn) {
        PCONTROL_REQUEST Request;
        KIRQL OldIrql;

        KeWaitForSingleObject(&Client->Work, UserRequest, KernelMode, FALSE, NULL);
        OldIrql = KiAcquireSpinLock(&ClientLock);
        Request = CONTAINING_RECORD(RemoveHeadList(&Client->Requests), CONTROL_REQUEST, Link);
        KiReleaseSpinLock(&ClientLock, OldIrql);
        switch (Request->Message.Type) {
        case ControlOpen:
            GoesOn = IopClientOpen(Client, Request);
            break;
        case ControlClose:
            GoesOn = IopClientClose(Client, Request);
            break;
        case ControlIoctl:
            IopClientIoctl(Client, Request);
            break;
        default:
            IopClientTransfer(Client, Request);
            break;
        }
        ExFreePoolWithTag(Request, CONTROL_TAG);
    }
}

/* ---- on the agent thread ---- */

static NTSTATUS IopStartClientThread(PCONTROL_CLIENT Client)
{
    KeInitializeSemaphore(&Client->Work, 0, REQUEST_LIMIT);
    InitializeListHead(&Client->Requests);
    NTSTATUS Status = PspCreateThread(ClientProcess, IopClientThread, Client, NULL);
    Client->HasThread = NT_SUCCESS(Status);
    return Status;
}

/* A free client with a thread, now Opening; NULL and a status when there is none. */
static PCONTROL_CLIENT IopTakeFreeClient(PNTSTATUS Status)
{
    PCONTROL_CLIENT Client = NULL;
    ULONG i;

    *Status = STATUS_TOO_MANY_THREADS;
    for (i = 0; i < CLIENT_MAXIMUM && Client == NULL; i++) {
        if (Clients[i].State == ClientFree) {
            Client = &Clients[i];
        }
    }
    if (Client == NULL) {
        return NULL;
    }
    if (!Client->HasThread) {
        *Status = IopStartClientThread(Client);
        if (!NT_SUCCESS(*Status)) {
            return NULL;
        }
    }
    Client->Generation++;
    IopSetClientState(Client, ClientOpening);
    return Client;
}

static ULONG IopRequestHandle(const CONTROL_MESSAGE *Message)
{
    switch (Message->Type) {
    case ControlClose:
        return Message->Close.Handle;
    case ControlIoctl:
        return Message->Ioctl.Handle;
    default:
        return Message->Transfer.Handle;
    }
}

/* The open client of the request's handle; a close makes it Closing. NULL: there is none. */
static PCONTROL_CLIENT IopFindClient(const CONTROL_MESSAGE *Message)
{
    ULONG Handle = IopRequestHandle(Message);
    PCONTROL_CLIENT Client = &Clients[Handle & (CLIENT_MAXIMUM - 1)];
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);

    if (Client->State != ClientOpen || IopClientHandle(Client) != Handle) {
        Client = NULL;
    } else if (Message->Type == ControlClose) {
        Client->State = ClientClosing;
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    return Client;
}

VOID IopQueueClientRequest(PCONTROL_REQUEST Request)
{
    NTSTATUS Status = STATUS_INVALID_HANDLE;
    PCONTROL_CLIENT Client = Request->Message.Type == ControlOpen
                                 ? IopTakeFreeClient(&Status)
                                 : IopFindClient(&Request->Message);
    KIRQL OldIrql;

    if (Client == NULL) {
        IopReplyStatus(Request, Status);
        ExFreePoolWithTag(Request, CONTROL_TAG);
        return;
    }
    OldIrql = KiAcquireSpinLock(&ClientLock);
    InsertTailList(&Client->Requests, &Request->Link);
    KiReleaseSpinLock(&ClientLock, OldIrql);
    KeReleaseSemaphore(&Client->Work, 0, 1, FALSE);
}

NTSTATUS IopInitializeClients(VOID)
{
    NTSTATUS Status = PspCreateProcess("client.exe", &ClientProcess);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The first one now, so that a run with one handle ends with the threads it began with. */
    return IopStartClientThread(&Clients[0]);
}
