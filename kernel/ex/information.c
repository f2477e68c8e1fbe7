/* SPDX-License-Identifier: MIT */
/* See information.h. */
#include "ex/information.h"

#include "ex/ex.h"
#include "nt/rtl.h"

#define EX_TAG_INFORMATION 0x66497845u /* 'ExIf' */
#define EX_MAXIMUM_ANSWER 0x100000u    /* bytes that user mode gets of an answer */

NTSTATUS ExAnswer(PEX_QUERY Query, const VOID *Data, ULONG Size)
{
    Query->Needed = Size;
    if (Query->Length != Size) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlCopyMemory(Query->Buffer, Data, Size);
    Query->Written = Size;
    return STATUS_SUCCESS;
}

/* The answer is made in pool: nothing of it is lost or half made when the caller's memory goes. */
static NTSTATUS ExpQueryForUser(EX_QUERY_ROUTINE *Routine, PEX_QUERY Query, PVOID Buffer,
                                PULONG ReturnLength)
{
    NTSTATUS Status = ExProbeCaller(Buffer, Query->Length, sizeof(ULONG), UserMode);
    if (NT_SUCCESS(Status) && ReturnLength != NULL) {
        Status = ExProbeCaller(ReturnLength, sizeof(*ReturnLength), sizeof(ULONG), UserMode);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Query->Length = Query->Length < EX_MAXIMUM_ANSWER ? Query->Length : EX_MAXIMUM_ANSWER;
    Query->Buffer = ExAllocatePoolWithTag(PagedPool, Query->Length + 1, EX_TAG_INFORMATION);
    if (Query->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Query->Buffer, Query->Length);
    Status = Routine(Query);
    NTSTATUS Copied = ExCopyToCaller(Buffer, Query->Buffer, Query->Written, UserMode);
    if (NT_SUCCESS(Copied) && ReturnLength != NULL) {
        Copied = ExCopyToCaller(ReturnLength, &Query->Needed, sizeof(Query->Needed), UserMode);
    }
    ExFreePoolWithTag(Query->Buffer, EX_TAG_INFORMATION);
    return NT_SUCCESS(Copied) ? Status : Copied;
}

NTSTATUS ExQueryInformation(KPROCESSOR_MODE Mode, EX_QUERY_ROUTINE *Routine, PEX_QUERY Query,
                            PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    Query->Length = Length;
    Query->Target = (ULONG_PTR)Buffer;
    Query->Needed = Query->Written = 0;
    if (Mode != KernelMode) {
        return ExpQueryForUser(Routine, Query, Buffer, ReturnLength);
    }
    Query->Buffer = Buffer;
    NTSTATUS Status = Routine(Query);
    if (ReturnLength != NULL) {
        *ReturnLength = Query->Needed;
    }
    return Status;
}
