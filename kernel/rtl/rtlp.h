/* SPDX-License-Identifier: MIT */
/* Rtl's internals. Everything here is pure, except that strings may be allocated from pool. */
#pragma once

#include "nt/pool.h"
#include "nt/rtl.h"

#define RTLP_STRING_TAG 0x67727453u /* "Strg" */

#ifndef _WIN32 /* the native tests bring their own */
PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
VOID ExFreePoolWithTag(PVOID P, ULONG Tag);
#endif

/* Code page 1252. What it lacks becomes '?'. */
WCHAR RtlpAnsiToUnicode(UCHAR c);
UCHAR RtlpUnicodeToAnsi(WCHAR c);

/*
 * The formatter behind all printf routines. Writes at most Capacity units and no terminator;
 * returns how many units the whole output has (which may be more), never more than RTLP_MAX_OUTPUT.
 */
#define RTLP_MAX_OUTPUT 0x7fffffffu
SIZE_T RtlpFormat(CHAR *Output, SIZE_T Capacity, const CHAR *Format, va_list Arguments);
SIZE_T RtlpFormatWide(WCHAR *Output, SIZE_T Capacity, const WCHAR *Format, va_list Arguments);
