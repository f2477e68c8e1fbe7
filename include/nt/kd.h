/* SPDX-License-Identifier: MIT */
/* Kd, as a driver sees it: debug output and breakpoints. */
#pragma once

#include <stdarg.h>

#include "ke.h"

#define DPFLTR_ERROR_LEVEL 0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL 2
#define DPFLTR_INFO_LEVEL 3
#define DPFLTR_MASK 0x80000000u
#define DPFLTR_SYSTEM_ID 0
#define DPFLTR_DEFAULT_ID 101
#define DPFLTR_IHVDRIVER_ID 77
#define DPFLTR_IHVVIDEO_ID 78
#define DPFLTR_IHVAUDIO_ID 79
#define DPFLTR_IHVNETWORK_ID 80
#define DPFLTR_IHVSTREAMING_ID 81
#define DPFLTR_IHVBUS_ID 82

#ifdef _WIN32

ULONG DbgPrint(PCSTR Format, ...);
ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list Arguments);
ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
                            va_list Arguments);
ULONG DbgPrompt(PCSTR Prompt, PCHAR Response, ULONG Length);
VOID DbgBreakPoint(VOID);
VOID DbgBreakPointWithStatus(ULONG Status);
BOOLEAN KdRefreshDebuggerNotPresent(VOID);
NTSTATUS KdDisableDebugger(VOID);
NTSTATUS KdEnableDebugger(VOID);
/* TRUE or FALSE, or STATUS_INVALID_PARAMETER_1: there is no such component. Any IRQL */
NTSTATUS DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level);
NTSTATUS DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State);
typedef enum _KD_OPTION { KD_OPTION_SET_BLOCK_ENABLE } KD_OPTION;
NTSTATUS KdChangeOption(KD_OPTION Option, ULONG InBufferBytes, PVOID InBuffer,
                        ULONG OutBufferBytes, PVOID OutBuffer, PULONG OutBufferNeeded);
NTSTATUS KdSystemDebugControl(ULONG Command, PVOID InputBuffer, ULONG InputBufferLength,
                              PVOID OutputBuffer, ULONG OutputBufferLength, PULONG ReturnLength,
                              KPROCESSOR_MODE PreviousMode);

/* What int 2Dh passes with an image that was loaded or is unloaded. */
typedef struct _KD_SYMBOLS_INFO {
    PVOID BaseOfDll;
    PVOID ProcessId; /* -1: of the system */
    ULONG CheckSum;
    ULONG SizeOfImage;
} KD_SYMBOLS_INFO, *PKD_SYMBOLS_INFO;

#ifdef PAGEABLE_KERNEL
extern BOOLEAN KdDebuggerEnabled, KdDebuggerNotPresent;
#else
extern PBOOLEAN __imp_KdDebuggerEnabled, __imp_KdDebuggerNotPresent;
#define KdDebuggerEnabled __imp_KdDebuggerEnabled
#define KdDebuggerNotPresent __imp_KdDebuggerNotPresent
#define KD_DEBUGGER_ENABLED *KdDebuggerEnabled
#define KD_DEBUGGER_NOT_PRESENT *KdDebuggerNotPresent
#endif

#endif /* _WIN32 */
