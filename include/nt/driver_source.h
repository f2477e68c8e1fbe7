/* SPDX-License-Identifier: MIT */
/*
 * Macros that WDK driver sources rely on: PAGED_CODE, NT_ASSERT, KdPrint. In builds with DBG they
 * check and print, in others they are nothing, as the WDK documents.
 */
#pragma once

#include "kd.h"

#ifndef DBG
#define DBG 0
#endif

#define DbgRaiseAssertionFailure() ({ __asm__ volatile("int $0x2c"); })

#if DBG
#ifndef PAGEABLE_KERNEL /* the kernel's own is in kernel/ke/ki.h */
#define NT_ASSERT(e) ((e) ? TRUE : (DbgRaiseAssertionFailure(), FALSE))
#endif
#define KdPrint(arguments) DbgPrint arguments
#define KdPrintEx(arguments) DbgPrintEx arguments
#define KdBreakPoint() DbgBreakPoint()
#define PAGED_ASSERT(e) NT_ASSERT(e)
#define PAGED_CODE() PAGED_ASSERT(KeGetCurrentIrql() <= APC_LEVEL)
#else
#ifndef PAGEABLE_KERNEL
#define NT_ASSERT(e) ((VOID)0)
#endif
#define KdPrint(arguments) ((VOID)0)
#define KdPrintEx(arguments) ((VOID)0)
#define KdBreakPoint() ((VOID)0)
#define PAGED_ASSERT(e) ((VOID)0)
#define PAGED_CODE() ((VOID)0)
#endif
#ifndef ASSERT
#define ASSERT(e) NT_ASSERT(e)
#define ASSERTMSG(text, e) NT_ASSERT(e)
#endif
#define NOP_FUNCTION ((VOID)0)
#define PAGED_CODE_LOCKED() NOP_FUNCTION

#ifndef ALLOC_PRAGMA
#define ALLOC_PRAGMA 1
#endif
#ifndef ALLOC_DATA_PRAGMA
#define ALLOC_DATA_PRAGMA 1
#endif
