/* SPDX-License-Identifier: MIT */
/*
 * Devices that the host has open. Each has a client thread in the client process, which runs
 * client.exe (user/): it asks for a request by NtNextClientRequest and does it by a system call of
 * ring 3. The buffers are user memory of the process: what a driver gets by METHOD_NEITHER are real
 * user addresses, pageable and invalid in other processes. A client's requests run in their order;
 * different clients run side by side.
 *
 * A client's thread ends when the device is closed; that of the first client stays and serves the
 * next device opened, so that opening and closing leaves no trace in the counters after the first
 * time.
 *
 * The client process is made before the first driver is loaded. When an exception of ring 3 ends
 * it, which takes a driver or a scenario that destroys its memory, or the debugger's .kill does,
 * all its clients are lost: the host is told why, their requests are answered with the exception's
 * code once the process has closed its handles, and the next open makes a new process.
 *
 * ClientLock (spin lock, innermost) guards State, Generation, Thread, Current and the lists of
 * requests. State:
 *     Free -> (open queued) Opening -> Open -> (close queued) Closing -> Free
 * Opening -> Free when the open fails; any -> Free when the thread ends. Only the agent thread and
 * the end of the client's own thread leave Free and Open.
 */
#include "io/control_client.h"

#include "ex/ex.h"
#include "io/iop.h"
#include "mm/mm.h"
#include "ps/user_mode.h"
#include "wire/client_request.h"

#define CLIENT_BITS 6
#define CLIENT_MAXIMUM (1u << CLIENT_BITS)
#define PATH_MAXIMUM 32767u /* characters that a UNICODE_STRING can count */
#define REQUEST_LIMIT 0x7fffffff

extern const UCHAR IopClientImage[], IopClientImageEnd[]; /* client_image.S */

typedef enum _CONTROL_CLIENT_STATE {
    ClientFree,
    ClientOpening,
    ClientOpen,
    ClientClosing,
} CONTROL_CLIENT_STATE;

/* A buffer of the request in the client's user memory, or the address the host chose instead. */
typedef struct _USER_BUFFER {
    PVOID Base;
    BOOLEAN Allocated;
} USER_BUFFER;

typedef struct _CONTROL_CLIENT {
    CONTROL_CLIENT_STATE State;
    ULONG Generation; /* counts opens, so that a handle of an earlier one is not taken */
    PETHREAD Thread;  /* referenced; cleared by the thread itself */
    KSEMAPHORE Work;  /* counts Requests */
    LIST_ENTRY Requests;
    PCONTROL_REQUEST Current; /* what ring 3 is doing */
    /* The client thread's own: */
    HANDLE File;               /* as ring 3 says */
    USER_BUFFER Input, Output; /* of Current; Input also has the path of an open */
} CONTROL_CLIENT, *PCONTROL_CLIENT;

static CONTROL_CLIENT Clients[CLIENT_MAXIMUM];
static KSPIN_LOCK ClientLock;
static PEPROCESS ClientProcess; /* the agent thread's; NULL: the next open makes one */
static PVOID ClientEntryPoint;

/* Requests of clients that have ended, until their process has. Under ClientLock. */
static LIST_ENTRY ClientOrphans = {&ClientOrphans, &ClientOrphans};

static ULONG IopClientHandle(PCONTROL_CLIENT Client)
{
    return (Client->Generation << CLIENT_BITS) | (ULONG)(Client - Clients);
}

static VOID IopReplyStatus(PCONTROL_REQUEST Request, NTSTATUS Status)
{
    IopReply(Request->Message.Id, Status, 0, NULL, 0);
}

/* ---- on the client's thread, called by ring 3 ---- */

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
    return Content.Length != 0
               ? ExCopyToCaller(Buffer->Base, Content.Data, Content.Length, UserMode)
               : STATUS_SUCCESS;
}

/* In whatever state the buffer is; nothing in the process but this frees it. */
static VOID IopFreeUserBuffer(USER_BUFFER *Buffer)
{
    if (Buffer->Allocated) {
        NT_VERIFY(NT_SUCCESS(MmFreeUserMemory(Buffer->Base)));
    }
    *Buffer = (USER_BUFFER){0};
}

/*
 * The reply to a transfer into Buffer of Length bytes. As for a Windows caller, what the driver
 * wrote counts unless the status is an error, and only as far as Information says.
 */
static VOID IopReplyOutput(PCONTROL_REQUEST Request, const CLIENT_REQUEST *Done,
                           const USER_BUFFER *Buffer, ULONG Length)
{
    ULONG64 Information = Done->IoStatus.Information;
    ULONG Count = (ULONG)(Information < Length ? Information : Length);
    PVOID Data;
    NTSTATUS Status;

    if (NT_ERROR(Done->Status) || !Buffer->Allocated || Count == 0) {
        IopReply(Request->Message.Id, Done->Status, Information, NULL, 0);
        return;
    }
    Data = ExAllocatePoolWithTag(NonPagedPoolNx, Count, CONTROL_TAG);
    if (Data == NULL) {
        IopReplyStatus(Request, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    Status = ExCopyFromCaller(Data, Buffer->Base, Count, UserMode);
    if (NT_SUCCESS(Status)) {
        IopReply(Request->Message.Id, Done->Status, Information, Data, Count);
    } else {
        IopReplyStatus(Request, Status);
    }
    ExFreePoolWithTag(Data, CONTROL_TAG);
}

/* The host's path (UTF-8, not terminated) as NT wants it, in the client's memory. */
static NTSTATUS IopDecodePath(USER_BUFFER *Buffer, CONTROL_BYTES Text, PUNICODE_STRING Path)
{
    ULONG Length = 0;
    NTSTATUS Status;

    if (Text.Length > PATH_MAXIMUM) {
        return STATUS_NAME_TOO_LONG;
    }
    /* A character of UTF-16 comes of at least one byte. */
    ULONG Bytes = Text.Length * sizeof(WCHAR);
    PWCHAR Wide = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, CONTROL_TAG);
    if (Wide == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = RtlUTF8ToUnicodeN(Wide, Bytes, &Length, (PCSTR)Text.Data, Text.Length);
    if (Status == STATUS_SUCCESS) {
        Status = IopMakeUserBuffer(Buffer, 0, IopControlBytes(Wide, Length), Length);
    } else {
        Status = STATUS_OBJECT_NAME_INVALID;
    }
    *Path = (UNICODE_STRING){(USHORT)Length, (USHORT)Length, Buffer->Base};
    ExFreePoolWithTag(Wide, CONTROL_TAG);
    return Status;
}

static NTSTATUS IopPrepareIoctl(PCONTROL_CLIENT Client, const CONTROL_MESSAGE *Message,
                                PCLIENT_REQUEST Next)
{
    const CONTROL_IOCTL *Ioctl = &Message->Ioctl;
    NTSTATUS Status = IopMakeUserBuffer(&Client->Input, Ioctl->InputAddress, Message->First,
                                        Ioctl->InputLength);

    if (NT_SUCCESS(Status)) {
        Status = IopMakeUserBuffer(&Client->Output, Ioctl->OutputAddress, Message->Second,
                                   Ioctl->OutputLength);
    }
    Next->Type = ClientRequestControl;
    Next->Code = Ioctl->Code;
    Next->InputLength = Ioctl->InputLength;
    Next->OutputLength = Ioctl->OutputLength;
    return Status;
}

/* Makes the buffers of Current; Next is what ring 3 gets to see. */
static NTSTATUS IopPrepareRequest(PCONTROL_CLIENT Client, PCLIENT_REQUEST Next)
{
    const CONTROL_MESSAGE *Message = &Client->Current->Message;
    NTSTATUS Status = STATUS_SUCCESS;

    *Next = (CLIENT_REQUEST){.File = Client->File};
    switch (Message->Type) {
    case ControlOpen:
        Next->Type = ClientRequestOpen;
        Next->Access = Message->Open.DesiredAccess;
        Status = IopDecodePath(&Client->Input, Message->First, &Next->Path);
        break;
    case ControlClose:
        Next->Type = ClientRequestClose;
        break;
    case ControlIoctl:
        Status = IopPrepareIoctl(Client, Message, Next);
        break;
    default:
        Next->Type = Message->Type == ControlWrite ? ClientRequestWrite : ClientRequestRead;
        Next->Offset.QuadPart = Message->Transfer.Offset;
        Next->OutputLength = Message->Transfer.Length;
        Status = IopMakeUserBuffer(&Client->Output, 0, Message->First, Message->Transfer.Length);
        break;
    }
    Next->Input = Client->Input.Base;
    Next->Output = Client->Output.Base;
    return Status;
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

    Client->State = State;
    if (State == ClientFree) {
        Client->File = NULL;
    }
    if (!GoesOn) {
        ObfDereferenceObject(Client->Thread); /* not the last: it runs */
        Client->Thread = NULL;
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    return GoesOn;
}

/*
 * Before the reply the client changes its state and gives up its memory: the host may use the
 * handle, open again or count pages as soon as it has the reply. A thread that need not go on ends
 * here.
 */
static VOID IopReplyOpenOrClose(PCONTROL_CLIENT Client, PCONTROL_REQUEST Request,
                                const CLIENT_REQUEST *Done)
{
    BOOLEAN Opened = Request->Message.Type == ControlOpen && NT_SUCCESS(Done->Status);
    ULONG Handle = IopClientHandle(Client);

    if (Opened) {
        Client->File = Done->File;
    }
    BOOLEAN GoesOn = IopSetClientState(Client, Opened ? ClientOpen : ClientFree);
    if (!GoesOn) {
        PspFreeUserStack();
    }
    IopReply(Request->Message.Id, Done->Status, Opened ? Handle : 0, NULL, 0);
    if (!GoesOn) {
        ExFreePoolWithTag(Request, CONTROL_TAG);
        PspExitThread(STATUS_SUCCESS);
    }
}

/* Answers Current with what ring 3, or the lack of memory, made of it. */
static VOID IopFinishClientRequest(PCONTROL_CLIENT Client, const CLIENT_REQUEST *Done)
{
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    PCONTROL_REQUEST Request = Client->Current;
    Client->Current = NULL;
    KiReleaseSpinLock(&ClientLock, OldIrql);

    const CONTROL_MESSAGE *Message = &Request->Message;
    USER_BUFFER Output = Client->Output;
    switch (Message->Type) {
    case ControlOpen:
    case ControlClose:
        IopFreeUserBuffer(&Client->Input);
        IopReplyOpenOrClose(Client, Request, Done);
        break;
    case ControlIoctl:
        IopReplyOutput(Request, Done, &Output, Message->Ioctl.OutputLength);
        break;
    case ControlRead:
        IopReplyOutput(Request, Done, &Output, Message->Transfer.Length);
        break;
    default:
        IopReply(Message->Id, Done->Status, Done->IoStatus.Information, NULL, 0);
        break;
    }
    IopFreeUserBuffer(&Client->Output);
    IopFreeUserBuffer(&Client->Input);
    ExFreePoolWithTag(Request, CONTROL_TAG);
}

static PCONTROL_CLIENT IopClientOfThread(PETHREAD Thread)
{
    for (ULONG i = 0; i < CLIENT_MAXIMUM; i++) {
        if (Clients[i].Thread == Thread) {
            return &Clients[i];
        }
    }
    return NULL;
}

/* Waits for a request and makes it Current. Not STATUS_SUCCESS: the thread is to end. */
static NTSTATUS IopTakeClientRequest(PCONTROL_CLIENT Client)
{
    NTSTATUS Status =
        KeWaitForSingleObject(&Client->Work, UserRequest, UserMode, FALSE, NULL);

    if (Status == STATUS_SUCCESS) {
        KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
        Client->Current =
            CONTAINING_RECORD(RemoveHeadList(&Client->Requests), CONTROL_REQUEST, Link);
        KiReleaseSpinLock(&ClientLock, OldIrql);
    }
    return Status;
}

NTSTATUS NtNextClientRequest(PCLIENT_REQUEST UserRequest)
{
    PCONTROL_CLIENT Client = IopClientOfThread(PsGetCurrentThread());
    CLIENT_REQUEST Request;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Client == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (Client->Current != NULL) {
        Status = ExCopyFromCaller(&Request, UserRequest, sizeof(Request), UserMode);
        if (!NT_SUCCESS(Status)) {
            Request = (CLIENT_REQUEST){.Status = Status};
        }
        IopFinishClientRequest(Client, &Request);
    }
    for (;;) {
        Status = IopTakeClientRequest(Client);
        if (Status != STATUS_SUCCESS) {
            return Status;
        }
        Status = IopPrepareRequest(Client, &Request);
        if (NT_SUCCESS(Status)) {
            return ExCopyToCaller(UserRequest, &Request, sizeof(Request), UserMode);
        }
        Request = (CLIENT_REQUEST){.Status = Status};
        IopFinishClientRequest(Client, &Request);
    }
}

/* ---- the end of a thread that did not go by itself, and of its process ---- */

static VOID IopReplyOrphans(NTSTATUS Status)
{
    for (;;) {
        PCONTROL_REQUEST Request = NULL;
        KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
        if (!IsListEmpty(&ClientOrphans)) {
            Request = CONTAINING_RECORD(RemoveHeadList(&ClientOrphans), CONTROL_REQUEST, Link);
        }
        KiReleaseSpinLock(&ClientLock, OldIrql);
        if (Request == NULL) {
            return;
        }
        IopReplyStatus(Request, Status);
        ExFreePoolWithTag(Request, CONTROL_TAG);
    }
}

/* In the thread that ends. */
static VOID IopClientThreadEnds(PETHREAD Thread, NTSTATUS ExitStatus)
{
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    PCONTROL_CLIENT Client = IopClientOfThread(Thread);
    if (Client != NULL) {
        Client->Input = Client->Output = (USER_BUFFER){0}; /* they go with the process */
        Client->File = NULL;
        if (Client->Current != NULL) {
            InsertTailList(&ClientOrphans, &Client->Current->Link);
        }
        while (!IsListEmpty(&Client->Requests)) {
            InsertTailList(&ClientOrphans, RemoveHeadList(&Client->Requests));
        }
        Client->Current = NULL;
        Client->State = ClientFree;
        Client->Thread = NULL;
        ObfDereferenceObject(Thread);
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    if (Client == NULL) {
        return;
    }
    if (!Thread->ThreadsProcess->Terminating) {
        /* It ended itself, which client.exe does when it is told nothing good. */
        PspTerminateProcess(Thread->ThreadsProcess, ExitStatus);
    }
}

static VOID IopClientProcessEnds(PEPROCESS Process)
{
    IopReportProcessEnd(Process);
    IopReplyOrphans(NT_ERROR(Process->ExitStatus) ? Process->ExitStatus
                                                  : STATUS_PROCESS_IS_TERMINATING);
}

/* ---- on the agent thread ---- */

static NTSTATUS IopCreateClientProcess(VOID)
{
    PEPROCESS Process;
    NTSTATUS Status = PspCreateProcess("client.exe", &Process);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = PspLoadProgram(Process, IopClientImage, (SIZE_T)(IopClientImageEnd - IopClientImage),
                            &ClientEntryPoint);
    if (!NT_SUCCESS(Status)) {
        PspTerminateProcess(Process, Status);
        ObfDereferenceObject(Process);
        return Status;
    }
    ClientProcess = Process;
    return STATUS_SUCCESS;
}

static NTSTATUS IopStartClientThread(PCONTROL_CLIENT Client)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (ClientProcess != NULL && ClientProcess->Terminating) {
        ObfDereferenceObject(ClientProcess);
        ClientProcess = NULL;
    }
    if (ClientProcess == NULL) {
        Status = IopCreateClientProcess();
    }
    KeInitializeSemaphore(&Client->Work, 0, REQUEST_LIMIT);
    InitializeListHead(&Client->Requests);
    if (NT_SUCCESS(Status)) {
        /* The thread finds itself in Client from its first instruction on. */
        Status = PspCreateUserThread(ClientProcess, ClientEntryPoint, NULL, &Client->Thread);
    }
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
    if (Client->Thread == NULL) {
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

/* Lock held. The open client of the request's handle; a close makes it Closing. NULL: none. */
static PCONTROL_CLIENT IopFindClient(const CONTROL_MESSAGE *Message)
{
    ULONG Handle = IopRequestHandle(Message);
    PCONTROL_CLIENT Client = &Clients[Handle & (CLIENT_MAXIMUM - 1)];

    if (Client->State != ClientOpen || IopClientHandle(Client) != Handle) {
        return NULL;
    }
    if (Message->Type == ControlClose) {
        Client->State = ClientClosing;
    }
    return Client;
}

VOID IopQueueClientRequest(PCONTROL_REQUEST Request)
{
    NTSTATUS Status = STATUS_INVALID_HANDLE;
    PCONTROL_CLIENT Client = NULL;

    if (Request->Message.Type == ControlOpen) {
        Client = IopTakeFreeClient(&Status);
    }
    /* A client whose thread has ended meanwhile is no client any more. */
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    if (Request->Message.Type != ControlOpen) {
        Client = IopFindClient(&Request->Message);
    } else if (Client != NULL && Client->State != ClientOpening) {
        Client = NULL;
        Status = STATUS_PROCESS_IS_TERMINATING;
    }
    if (Client != NULL) {
        InsertTailList(&Client->Requests, &Request->Link);
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    if (Client == NULL) {
        IopReplyStatus(Request, Status);
        ExFreePoolWithTag(Request, CONTROL_TAG);
        return;
    }
    KeReleaseSemaphore(&Client->Work, 0, 1, FALSE);
}

NTSTATUS IopInitializeClients(VOID)
{
    PspUserThreadEndHook = IopClientThreadEnds;
    PspProcessEndHook = IopClientProcessEnds;
    PspUserExceptionHook = IopReportUserException;
    /* The first one now, so that a run with one handle ends with the threads it began with. */
    return IopStartClientThread(&Clients[0]);
}
