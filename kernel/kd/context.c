/* SPDX-License-Identifier: MIT */
/*
 * The registers of the stop. A debugger that sets them must have got them since the stop: one that
 * comes back after a loss would otherwise write those of an earlier one.
 */
#include "kd/kd.h"

static BOOLEAN KdpContextSent;
static DECLSPEC_ALIGN(16) UCHAR KdpStaged[sizeof(CONTEXT)]; /* by SetContextEx, until complete */

VOID KdpForgetContextSent(VOID)
{
    KdpContextSent = FALSE;
}

static BOOLEAN KdpIsThisProcessor(const KDP_REQUEST *Request)
{
    return Request->Header.Processor == KeGetCurrentPrcb()->Number;
}

static KDP_ANSWER KdpFail(PKDP_REQUEST Request)
{
    Request->Header.ReturnStatus = STATUS_UNSUCCESSFUL;
    return KdpAnswer;
}

/* What goes into the frames when execution goes on is filtered there (KiContextToFrames). */
static VOID KdpSetRegisters(PCONTEXT Context, const CONTEXT *New)
{
    KSPECIAL_REGISTERS *Special = &KeGetCurrentPrcb()->ProcessorState.SpecialRegisters;
    *Context = *New;
    Context->ContextFlags = CONTEXT_ALL;
    if ((New->ContextFlags & CONTEXT_DEBUG_REGISTERS) == CONTEXT_DEBUG_REGISTERS) {
        Special->Dr0 = New->Dr0;
        Special->Dr1 = New->Dr1;
        Special->Dr2 = New->Dr2;
        Special->Dr3 = New->Dr3;
        Special->Dr6 = New->Dr6;
        Special->Dr7 = New->Dr7;
    }
}

KDP_ANSWER KdpGetContext(PKDP_REQUEST Request)
{
    if (!KdpIsThisProcessor(Request)) {
        return KdpFail(Request);
    }
    RtlCopyMemory(Request->Reply, Request->Context, sizeof(CONTEXT));
    Request->ReplySize = sizeof(CONTEXT);
    KdpContextSent = TRUE;
    return KdpAnswer;
}

KDP_ANSWER KdpSetContext(PKDP_REQUEST Request)
{
    CONTEXT New;
    if (!KdpIsThisProcessor(Request) || !KdpContextSent || Request->DataSize < sizeof(New)) {
        return KdpFail(Request);
    }
    RtlCopyMemory(&New, Request->Data, sizeof(New));
    KdpSetRegisters(Request->Context, &New);
    return KdpAnswer;
}

/* A part of the CONTEXT; also counts as the getting that a setting needs. */
KDP_ANSWER KdpGetContextEx(PKDP_REQUEST Request)
{
    ULONG Offset = Request->Header.ContextEx.Offset;
    ULONG Count = Request->Header.ContextEx.Count;
    if (!KdpIsThisProcessor(Request) || Offset >= sizeof(CONTEXT)) {
        Request->Header.ContextEx.Copied = 0;
        return KdpFail(Request);
    }
    if (Count > sizeof(CONTEXT) - Offset) {
        Count = sizeof(CONTEXT) - Offset;
    }
    RtlCopyMemory(Request->Reply, (PUCHAR)Request->Context + Offset, Count);
    Request->ReplySize = Request->Header.ContextEx.Copied = Count;
    KdpContextSent = TRUE;
    return KdpAnswer;
}

/*
 * Copied, in the request, is the size of the whole; the parts take effect together, with the one
 * that ends there. [?] as the facts have it from one client's live use.
 */
KDP_ANSWER KdpSetContextEx(PKDP_REQUEST Request)
{
    ULONG Offset = Request->Header.ContextEx.Offset;
    ULONG Count = Request->Header.ContextEx.Count;
    ULONG Total = Request->Header.ContextEx.Copied;
    CONTEXT New;
    Request->Header.ContextEx.Copied = 0;
    if (!KdpIsThisProcessor(Request) || !KdpContextSent || Total > sizeof(CONTEXT) ||
        Offset > Total || Count > Total - Offset || Count > Request->DataSize) {
        return KdpFail(Request);
    }
    if (Offset == 0) {
        RtlCopyMemory(KdpStaged, Request->Context, sizeof(KdpStaged));
    }
    RtlCopyMemory(KdpStaged + Offset, Request->Data, Count);
    Request->Header.ContextEx.Copied = Count;
    if (Offset + Count == Total) {
        RtlCopyMemory(&New, KdpStaged, sizeof(New));
        KdpSetRegisters(Request->Context, &New);
    }
    return KdpAnswer;
}
