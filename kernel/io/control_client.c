/* SPDX-License-Identifier: MIT */
/*
 * Devices that the host has open. Each has a client thread in the client process, which runs
 * client.exe (user/): it asks for a request by NtNextClientRequest and does it by a system call of
 * ring 3. The buffers are user memory of the process: what a driver gets by METHOD_NEITHER are real
 * user addresses, pageable and invalid in other processes. A client's requests run in their order;
 * different clients run side by side. Requests on an overlapped handle do not go to its client:
 * each gets a free one, which has the handle for that request alone.
 *
 * A client's thread ends when the device is closed, or its one request is done; that of the first
 * client stays and serves the next device opened, so that opening and closing leaves no trace in
 * the counters after the first time.
 *
 * The client process is made before the first driver is loaded. When an exception of ring 3 ends
 * it, which takes a driver or a scenario that destroys its memory, or the debugger's .kill does,
 * all its clients are lost: the host is told why, their requests are answered with the exception's
 * code once the process has closed its handles, and the next open makes a new process.
 *
 * ClientLock (spin lock, innermost) guards State, Generation, Thread, Current and the lists of
 * requests. State:
 *     Free -> (open queued) Opening -> Open -> (close queued) Closing -> Free
 *     Free -> (overlapped request queued) Serving -> Free
 * Opening -> Free when the open fails; any -> Free when the thread ends. Only the agent thread and
 * the end of the client's own thread leave Free and Open.
 */
#include "io/control_client.h"

#include "ex/ex.h"
#include "io/iop.h"
#include "mm/mm.h"
#include "ps/user_mode.h"

#define CLIENT_BITS 6
#define CLIENT_MAXIMUM (1u << CLIENT_BITS)
#define REQUEST_LIMIT 0x7fffffff

extern const UCHAR IopClientImage[], IopClientImageEnd[]; /* client_image.S */

typedef enum _CONTROL_CLIENT_STATE {
    ClientFree,
    ClientOpening,
    ClientOpen,
    ClientClosing,
    ClientServing,
} CONTROL_CLIENT_STATE;

typedef struct _CONTROL_CLIENT {
    CONTROL_CLIENT_STATE State;
    ULONG Generation; /* counts opens, so that a handle of an earlier one is not taken */
    PETHREAD Thread;  /* referenced; cleared by the thread itself */
    KSEMAPHORE Work;  /* counts Requests */
    LIST_ENTRY Requests;
    PCONTROL_REQUEST Current; /* what ring 3 is doing */
    /* The client thread's own: */
    HANDLE File;               /* as ring 3 says; of Serving: of the client it is lent by */
    BOOLEAN Overlapped;        /* File is */
    CLIENT_BUFFERS Buffers;    /* of Current */
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

static VOID IopAnswerStatus(PCONTROL_REQUEST Request, NTSTATUS Status)
{
    CLIENT_ANSWER Answer = {.Status = Status};

    IopSendClientAnswer(Request, &Answer);
}

/* ---- on the client's thread, called by ring 3 ---- */

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
        Client->Overlapped = FALSE;
    }
    if (!GoesOn) {
        ObfDereferenceObject(Client->Thread); /* not the last: it runs */
        Client->Thread = NULL;
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    return GoesOn;
}

/*
 * Answers Current. Before that the client changes its state and gives up its memory: the host may
 * use the handle, open again or count pages as soon as it has the answer. A thread that need not
 * go on ends here.
 */
static VOID IopFinishClientRequest(PCONTROL_CLIENT Client, const CLIENT_REQUEST *Done)
{
    CLIENT_ANSWER Answer;
    BOOLEAN GoesOn = TRUE;
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    PCONTROL_REQUEST Request = Client->Current;
    Client->Current = NULL;
    KiReleaseSpinLock(&ClientLock, OldIrql);

    const CONTROL_MESSAGE *Message = &Request->Message;
    IopMakeClientAnswer(Message, Done, &Client->Buffers, &Answer);
    IopFreeClientBuffers(&Client->Buffers);
    if (Message->Type == ControlOpen && NT_SUCCESS(Done->Status)) {
        Answer.Information = IopClientHandle(Client);
        Client->File = Done->File;
        Client->Overlapped = Message->Open.Overlapped != 0;
        IopSetClientState(Client, ClientOpen);
    } else if (Message->Type == ControlOpen || Message->Type == ControlClose ||
               Client->State == ClientServing) {
        GoesOn = IopSetClientState(Client, ClientFree);
    }
    if (!GoesOn) {
        PspFreeUserStack();
    }
    IopSendClientAnswer(Request, &Answer);
    if (!GoesOn) {
        PspExitThread(STATUS_SUCCESS);
    }
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

/* The driver has left the request pending: the host goes on. FALSE: it has been told already. */
static BOOLEAN IopSetPending(PCONTROL_CLIENT Client)
{
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    BOOLEAN First = Client->State == ClientServing && !Client->Current->Pending;
    ULONG Id = Client->Current->Message.Id;
    if (First) {
        Client->Current->Pending = TRUE;
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    if (First) {
        IopReply(Id, STATUS_PENDING, 0, NULL, 0);
    }
    return First;
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
        if (Request.Status == STATUS_PENDING && IopSetPending(Client)) {
            return STATUS_PENDING;
        }
        IopFinishClientRequest(Client, &Request);
    }
    for (;;) {
        Status = IopTakeClientRequest(Client);
        if (Status != STATUS_SUCCESS) {
            return Status;
        }
        Status = IopPrepareClientRequest(&Client->Current->Message, &Client->Buffers, &Request);
        Request.File = Client->File;
        Request.Overlapped |= Client->Overlapped;
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
        IopAnswerStatus(Request, Status);
    }
}

/* In the thread that ends. */
static VOID IopClientThreadEnds(PETHREAD Thread, NTSTATUS ExitStatus)
{
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    PCONTROL_CLIENT Client = IopClientOfThread(Thread);
    if (Client != NULL) {
        Client->Buffers = (CLIENT_BUFFERS){0}; /* they go with the process */
        Client->File = NULL;
        Client->Overlapped = FALSE;
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

VOID IopEndClientProcess(VOID)
{
    if (ClientProcess != NULL) {
        PspTerminateProcess(ClientProcess, STATUS_SUCCESS); /* or it ends already */
        KeWaitForSingleObject(ClientProcess, Executive, KernelMode, FALSE, NULL);
        ObfDereferenceObject(ClientProcess);
        ClientProcess = NULL;
    }
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

/* A free client with a thread, now in State; NULL and a status when there is none. */
static PCONTROL_CLIENT IopTakeFreeClient(CONTROL_CLIENT_STATE State, PNTSTATUS Status)
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
    IopSetClientState(Client, State);
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

static BOOLEAN IopIsOverlapped(const CONTROL_MESSAGE *Message)
{
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    PCONTROL_CLIENT Client = Message->Type != ControlClose ? IopFindClient(Message) : NULL;
    BOOLEAN Overlapped = Client != NULL && Client->Overlapped;
    KiReleaseSpinLock(&ClientLock, OldIrql);
    return Overlapped;
}

VOID IopQueueClientRequest(PCONTROL_REQUEST Request)
{
    const CONTROL_MESSAGE *Message = &Request->Message;
    NTSTATUS Status = STATUS_INVALID_HANDLE;
    PCONTROL_CLIENT Client = NULL;
    CONTROL_CLIENT_STATE State = Message->Type == ControlOpen ? ClientOpening
                                 : IopIsOverlapped(Message)   ? ClientServing
                                                              : ClientOpen;

    if (State != ClientOpen) {
        Client = IopTakeFreeClient(State, &Status);
    }
    /* A client whose thread has ended meanwhile is no client any more. */
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    if (State == ClientOpen) {
        Client = IopFindClient(Message);
    } else if (Client != NULL && Client->State != State) {
        Client = NULL;
        Status = STATUS_PROCESS_IS_TERMINATING;
    } else if (Client != NULL && State == ClientServing) {
        PCONTROL_CLIENT Lender = IopFindClient(Message);
        Client->File = Lender != NULL ? Lender->File : NULL; /* which the service refuses */
        Client->Overlapped = TRUE;
    }
    if (Client != NULL) {
        InsertTailList(&Client->Requests, &Request->Link);
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    if (Client == NULL) {
        IopAnswerStatus(Request, Status);
        return;
    }
    KeReleaseSemaphore(&Client->Work, 0, 1, FALSE);
}

/* ---- cancelling: in the thread that sent the request ---- */

static VOID IopFreeCancelApc(PKAPC Apc)
{
    ExFreePoolWithTag(Apc, CONTROL_TAG);
}

static VOID IopCancelApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                         PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    IopFreeCancelApc(Apc);
    IopCancelCurrentThreadIrps();
}

/* Referenced; NULL: no such request is pending. */
static PETHREAD IopThreadOfPending(ULONG Id)
{
    PETHREAD Thread = NULL;
    KIRQL OldIrql = KiAcquireSpinLock(&ClientLock);
    for (ULONG i = 0; i < CLIENT_MAXIMUM; i++) {
        PCONTROL_REQUEST Request = Clients[i].Current;
        if (Request != NULL && Request->Pending && Request->Message.Id == Id) {
            Thread = Clients[i].Thread;
            ObfReferenceObject(Thread);
        }
    }
    KiReleaseSpinLock(&ClientLock, OldIrql);
    return Thread;
}

NTSTATUS IopCancelClientRequest(ULONG Id)
{
    PETHREAD Thread = IopThreadOfPending(Id);
    NTSTATUS Status = STATUS_SUCCESS;
    PKAPC Apc;

    if (Thread == NULL) {
        return STATUS_NOT_FOUND;
    }
    Apc = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Apc), CONTROL_TAG);
    if (Apc == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        KeInitializeApc(Apc, &Thread->Tcb, OriginalApcEnvironment, IopCancelApc, IopFreeCancelApc,
                        NULL, KernelMode, NULL);
        if (!KeInsertQueueApc(Apc, NULL, NULL, 0)) {
            IopFreeCancelApc(Apc);
            Status = STATUS_NOT_FOUND;
        }
    }
    ObfDereferenceObject(Thread);
    return Status;
}

NTSTATUS IopInitializeClients(VOID)
{
    PspUserThreadEndHook = IopClientThreadEnds;
    PspProcessEndHook = IopClientProcessEnds;
    PspUserExceptionHook = IopReportUserException;
    /* The first one now, so that a run with one handle ends with the threads it began with. */
    return IopStartClientThread(&Clients[0]);
}
