/* SPDX-License-Identifier: MIT */
/*
 * Memory for the debugger: what is resident, and nothing else. Reading stops at the first byte
 * that is not there; what was read until then is the answer, with STATUS_UNSUCCESSFUL. A debugger
 * that wants to know why walks the page tables by physical reads.
 */
#include "kd/kd.h"

#define KDP_SEARCH_LIMIT 0x40000000ull /* bytes in one request; the system stands still meanwhile */

ULONG KdpMaximumRead = KD_MAX_REPLY_DATA;

static VOID KdpFinish(PKDP_REQUEST Request, BOOLEAN Done)
{
    Request->Header.ReturnStatus = Done ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static KDP_ANSWER KdpRead(PKDP_REQUEST Request, ULONG Flags)
{
    ULONG Size = Request->Header.Memory.TransferCount;
    if (Size > KdpMaximumRead) {
        Size = KdpMaximumRead;
    }
    SIZE_T Done = MmDbgCopyMemory(Request->Header.Memory.Address, Request->Reply, Size, Flags);
    Request->ReplySize = Request->Header.Memory.ActualBytes = (ULONG)Done;
    KdpFinish(Request, Done == Size);
    return KdpAnswer;
}

static KDP_ANSWER KdpWrite(PKDP_REQUEST Request, ULONG Flags)
{
    ULONG Wanted = Request->Header.Memory.TransferCount;
    ULONG Size = Wanted < Request->DataSize ? Wanted : Request->DataSize;
    SIZE_T Done = MmDbgCopyMemory(Request->Header.Memory.Address, (PVOID)Request->Data, Size,
                                  Flags | MM_DEBUG_WRITE);
    Request->Header.Memory.ActualBytes = (ULONG)Done;
    KdpFinish(Request, Done == Wanted);
    return KdpAnswer;
}

KDP_ANSWER KdpReadVirtual(PKDP_REQUEST Request)
{
    return KdpRead(Request, 0);
}

KDP_ANSWER KdpWriteVirtual(PKDP_REQUEST Request)
{
    return KdpWrite(Request, 0);
}

/* How to cache, in the request, is of no meaning here: the map of physical memory is used. */
KDP_ANSWER KdpReadPhysical(PKDP_REQUEST Request)
{
    return KdpRead(Request, MM_DEBUG_PHYSICAL);
}

KDP_ANSWER KdpWritePhysical(PKDP_REQUEST Request)
{
    return KdpWrite(Request, MM_DEBUG_PHYSICAL);
}

/* The pattern at Address, through whatever pages are there. */
static BOOLEAN KdpMatches(ULONG64 Address, const UCHAR *Pattern, ULONG Size)
{
    UCHAR Piece[64];
    while (Size != 0) {
        ULONG Length = Size < sizeof(Piece) ? Size : sizeof(Piece);
        if (MmDbgCopyMemory(Address, Piece, Length, 0) != Length ||
            !RtlEqualMemory(Piece, Pattern, Length)) {
            return FALSE;
        }
        Address += Length;
        Pattern += Length;
        Size -= Length;
    }
    return TRUE;
}

/* Where in [Address, Address + Size), one page, the pattern begins; 0: nowhere. */
static ULONG64 KdpSearchPage(ULONG64 Address, ULONG Size, const UCHAR *Pattern, ULONG PatternSize)
{
    static UCHAR Page[PAGE_SIZE];
    SIZE_T Got = MmDbgCopyMemory(Address, Page, Size, 0);
    for (SIZE_T i = 0; i < Got; i++) {
        if (Page[i] == Pattern[0] && KdpMatches(Address + i, Pattern, PatternSize)) {
            return Address + i;
        }
    }
    return 0;
}

/* Pages that are not resident match nothing. The whole pattern must lie within the range. */
KDP_ANSWER KdpSearchMemory(PKDP_REQUEST Request)
{
    ULONG64 Address = Request->Header.Search.Address;
    ULONG64 Length = Request->Header.Search.Length;
    ULONG PatternSize = Request->Header.Search.PatternLength;
    Request->Header.ReturnStatus = STATUS_INVALID_PARAMETER;
    if (PatternSize == 0 || PatternSize > Request->DataSize || Length > KDP_SEARCH_LIMIT ||
        Address + Length < Address) {
        return KdpAnswer;
    }
    Request->Header.ReturnStatus = STATUS_NOT_FOUND;
    if (Length < PatternSize) {
        return KdpAnswer;
    }
    ULONG64 End = Address + Length - PatternSize + 1; /* of where it may begin */
    while (Address < End) {
        ULONG64 Rest = PAGE_SIZE - BYTE_OFFSET(Address);
        ULONG Size = (ULONG)(Rest < End - Address ? Rest : End - Address);
        ULONG64 Found = KdpSearchPage(Address, Size, Request->Data, PatternSize);
        if (Found != 0) {
            Request->Header.Search.Address = Found;
            Request->Header.ReturnStatus = STATUS_SUCCESS;
            return KdpAnswer;
        }
        Address += Size;
    }
    return KdpAnswer;
}

/* Fills up to the first byte that is not there; Length in the answer is what was filled. */
KDP_ANSWER KdpFillMemory(PKDP_REQUEST Request)
{
    ULONG64 Address = Request->Header.Fill.Address;
    ULONG Length = Request->Header.Fill.Length, Done = 0;
    ULONG PatternSize = Request->Header.Fill.PatternLength;
    ULONG Flags = MM_DEBUG_WRITE;
    Request->Header.ReturnStatus = STATUS_INVALID_PARAMETER;
    if (Request->Header.Fill.Flags == KD_FILL_PHYSICAL) {
        Flags |= MM_DEBUG_PHYSICAL;
    } else if (Request->Header.Fill.Flags != KD_FILL_VIRTUAL) {
        return KdpAnswer;
    }
    if (PatternSize == 0 || PatternSize > Request->DataSize || Length > KDP_SEARCH_LIMIT) {
        return KdpAnswer;
    }
    while (Done < Length) {
        ULONG Size = PatternSize < Length - Done ? PatternSize : Length - Done;
        SIZE_T Copied = MmDbgCopyMemory(Address + Done, (PVOID)Request->Data, Size, Flags);
        Done += (ULONG)Copied;
        if (Copied != Size) {
            break;
        }
    }
    Request->Header.Fill.Length = Done;
    KdpFinish(Request, Done == Length);
    return KdpAnswer;
}

/* By the address alone, as NT answers; there is no session space. */
KDP_ANSWER KdpQueryMemory(PKDP_REQUEST Request)
{
    BOOLEAN User = Request->Header.QueryMemory.Address <= MM_HIGHEST_USER_ADDRESS;
    Request->Header.QueryMemory.Reserved = 0;
    Request->Header.QueryMemory.Space = User ? KD_MEMORY_PROCESS : KD_MEMORY_KERNEL;
    Request->Header.QueryMemory.Flags = KD_MEMORY_READ | KD_MEMORY_WRITE | KD_MEMORY_EXECUTE;
    return KdpAnswer;
}
