/* SPDX-License-Identifier: MIT */
/*
 * One request of the host on a device: from the channel's form to what ring 3 is given, and from
 * what ring 3 hands back to the answer. All in the client's thread, whose process has the buffers.
 */
#include "io/control_client.h"

#include "ex/ex.h"
#include "io/iop.h"
#include "mm/mm.h"

#define PATH_MAXIMUM 32767u /* characters that a UNICODE_STRING can count */

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

static NTSTATUS IopPrepareIoctl(PCLIENT_BUFFERS Buffers, const CONTROL_MESSAGE *Message,
                                PCLIENT_REQUEST Next)
{
    const CONTROL_IOCTL *Ioctl = &Message->Ioctl;
    NTSTATUS Status = IopMakeUserBuffer(&Buffers->Input, Ioctl->InputAddress, Message->First,
                                        Ioctl->InputLength);

    if (NT_SUCCESS(Status)) {
        Status = IopMakeUserBuffer(&Buffers->Output, Ioctl->OutputAddress, Message->Second,
                                   Ioctl->OutputLength);
    }
    Next->Type = ClientRequestControl;
    Next->Code = Ioctl->Code;
    Next->InputLength = Ioctl->InputLength;
    Next->OutputLength = Ioctl->OutputLength;
    return Status;
}

VOID IopFreeClientBuffers(PCLIENT_BUFFERS Buffers)
{
    IopFreeUserBuffer(&Buffers->Output);
    IopFreeUserBuffer(&Buffers->Input);
}

NTSTATUS IopPrepareClientRequest(const CONTROL_MESSAGE *Message, PCLIENT_BUFFERS Buffers,
                                 PCLIENT_REQUEST Next)
{
    NTSTATUS Status = STATUS_SUCCESS;

    *Next = (CLIENT_REQUEST){0};
    switch (Message->Type) {
    case ControlOpen:
        Next->Type = ClientRequestOpen;
        Next->Access = Message->Open.DesiredAccess;
        Next->Overlapped = Message->Open.Overlapped != 0;
        Status = IopDecodePath(&Buffers->Input, Message->First, &Next->Path);
        break;
    case ControlClose:
        Next->Type = ClientRequestClose;
        break;
    case ControlIoctl:
        Status = IopPrepareIoctl(Buffers, Message, Next);
        break;
    default:
        Next->Type = Message->Type == ControlWrite ? ClientRequestWrite : ClientRequestRead;
        Next->Offset.QuadPart = Message->Transfer.Offset;
        Next->OutputLength = Message->Transfer.Length;
        Status = IopMakeUserBuffer(&Buffers->Output, 0, Message->First, Message->Transfer.Length);
        break;
    }
    Next->Input = Buffers->Input.Base;
    Next->Output = Buffers->Output.Base;
    return Status;
}

/*
 * The answer to a transfer into Buffer of Length bytes. As for a Windows caller, what the driver
 * wrote counts unless the status is an error, and only as far as Information says.
 */
static VOID IopAnswerOutput(PCLIENT_ANSWER Answer, const USER_BUFFER *Buffer, ULONG Length)
{
    ULONG Count = (ULONG)(Answer->Information < Length ? Answer->Information : Length);
    NTSTATUS Status;

    if (NT_ERROR(Answer->Status) || !Buffer->Allocated || Count == 0) {
        return;
    }
    Answer->Data = ExAllocatePoolWithTag(NonPagedPoolNx, Count, CONTROL_TAG);
    if (Answer->Data == NULL) {
        *Answer = (CLIENT_ANSWER){.Status = STATUS_INSUFFICIENT_RESOURCES};
        return;
    }
    Status = ExCopyFromCaller(Answer->Data, Buffer->Base, Count, UserMode);
    if (NT_SUCCESS(Status)) {
        Answer->Length = Count;
    } else {
        ExFreePoolWithTag(Answer->Data, CONTROL_TAG);
        *Answer = (CLIENT_ANSWER){.Status = Status};
    }
}

VOID IopMakeClientAnswer(const CONTROL_MESSAGE *Message, const CLIENT_REQUEST *Done,
                         const CLIENT_BUFFERS *Buffers, PCLIENT_ANSWER Answer)
{
    *Answer = (CLIENT_ANSWER){.Status = Done->Status, .Information = Done->IoStatus.Information};
    switch (Message->Type) {
    case ControlOpen:
    case ControlClose:
        Answer->Information = 0;
        break;
    case ControlIoctl:
        IopAnswerOutput(Answer, &Buffers->Output, Message->Ioctl.OutputLength);
        break;
    case ControlRead:
        IopAnswerOutput(Answer, &Buffers->Output, Message->Transfer.Length);
        break;
    default:
        break;
    }
}

VOID IopSendClientAnswer(PCONTROL_REQUEST Request, const CLIENT_ANSWER *Answer)
{
    CONTROL_COMPLETED Completed = {Request->Message.Id, Answer->Status, Answer->Information,
                                   Answer->Length, 0};

    if (Request->Pending) {
        IopSendControl(ControlCompleted, 0, &Completed,
                       IopControlBytes(Answer->Data, Answer->Length), CONTROL_NOTHING);
    } else {
        IopReply(Request->Message.Id, Answer->Status, Answer->Information, Answer->Data,
                 Answer->Length);
    }
    if (Answer->Data != NULL) {
        ExFreePoolWithTag(Answer->Data, CONTROL_TAG);
    }
    ExFreePoolWithTag(Request, CONTROL_TAG);
}
