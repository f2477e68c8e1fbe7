/* SPDX-License-Identifier: MIT */
/*
 * Structured exception handling on x64, as drivers and their language handlers see it: records,
 * contexts, unwind data and the dispatcher's context. Layouts are ABI and are checked below.
 */
#pragma once

#include "ntdef.h"
#include "ntstatus.h"

/* What a filter expression returns. */
#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

/* EXCEPTION_RECORD.ExceptionFlags. */
#define EXCEPTION_NONCONTINUABLE 0x01
#define EXCEPTION_UNWINDING 0x02
#define EXCEPTION_EXIT_UNWIND 0x04
#define EXCEPTION_STACK_INVALID 0x08
#define EXCEPTION_NESTED_CALL 0x10
#define EXCEPTION_TARGET_UNWIND 0x20
#define EXCEPTION_COLLIDED_UNWIND 0x40
#define EXCEPTION_SOFTWARE_ORIGINATE 0x80
#define EXCEPTION_UNWIND \
    (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND | EXCEPTION_TARGET_UNWIND | \
     EXCEPTION_COLLIDED_UNWIND)
#define IS_UNWINDING(flags) (((flags) & EXCEPTION_UNWIND) != 0)
#define IS_DISPATCHING(flags) (((flags) & EXCEPTION_UNWIND) == 0)
#define IS_TARGET_UNWIND(flags) (((flags) & EXCEPTION_TARGET_UNWIND) != 0)

/* ExceptionInformation[0] of an access violation. */
#define EXCEPTION_READ_FAULT 0
#define EXCEPTION_WRITE_FAULT 1
#define EXCEPTION_EXECUTE_FAULT 8

#define EXCEPTION_MAXIMUM_PARAMETERS 15

typedef struct _EXCEPTION_RECORD {
    NTSTATUS ExceptionCode;
    ULONG ExceptionFlags;
    struct _EXCEPTION_RECORD *ExceptionRecord;
    PVOID ExceptionAddress;
    ULONG NumberParameters;
    ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

typedef struct DECLSPEC_ALIGN(16) _M128A {
    ULONGLONG Low;
    LONGLONG High;
} M128A, *PM128A;

/* What fxsave writes. */
typedef struct DECLSPEC_ALIGN(16) _XSAVE_FORMAT {
    USHORT ControlWord;
    USHORT StatusWord;
    UCHAR TagWord;
    UCHAR Reserved1;
    USHORT ErrorOpcode;
    ULONG ErrorOffset;
    USHORT ErrorSelector;
    USHORT Reserved2;
    ULONG DataOffset;
    USHORT DataSelector;
    USHORT Reserved3;
    ULONG MxCsr;
    ULONG MxCsr_Mask;
    M128A FloatRegisters[8];
    M128A XmmRegisters[16];
    UCHAR Reserved4[96];
} XSAVE_FORMAT, *PXSAVE_FORMAT, XMM_SAVE_AREA32, *PXMM_SAVE_AREA32;

#define CONTEXT_AMD64 0x00100000
#define CONTEXT_CONTROL (CONTEXT_AMD64 | 0x01)
#define CONTEXT_INTEGER (CONTEXT_AMD64 | 0x02)
#define CONTEXT_SEGMENTS (CONTEXT_AMD64 | 0x04)
#define CONTEXT_FLOATING_POINT (CONTEXT_AMD64 | 0x08)
#define CONTEXT_DEBUG_REGISTERS (CONTEXT_AMD64 | 0x10)
#define CONTEXT_FULL (CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_FLOATING_POINT)
#define CONTEXT_ALL (CONTEXT_FULL | CONTEXT_SEGMENTS | CONTEXT_DEBUG_REGISTERS)

#define INITIAL_MXCSR 0x1f80
#define INITIAL_FPCSR 0x027f

typedef struct DECLSPEC_ALIGN(16) _CONTEXT {
    ULONG64 P1Home;
    ULONG64 P2Home;
    ULONG64 P3Home;
    ULONG64 P4Home;
    ULONG64 P5Home;
    ULONG64 P6Home;
    ULONG ContextFlags;
    ULONG MxCsr;
    USHORT SegCs;
    USHORT SegDs;
    USHORT SegEs;
    USHORT SegFs;
    USHORT SegGs;
    USHORT SegSs;
    ULONG EFlags;
    ULONG64 Dr0;
    ULONG64 Dr1;
    ULONG64 Dr2;
    ULONG64 Dr3;
    ULONG64 Dr6;
    ULONG64 Dr7;
    ULONG64 Rax; /* the integer registers stand in the order of their numbers */
    ULONG64 Rcx;
    ULONG64 Rdx;
    ULONG64 Rbx;
    ULONG64 Rsp;
    ULONG64 Rbp;
    ULONG64 Rsi;
    ULONG64 Rdi;
    ULONG64 R8;
    ULONG64 R9;
    ULONG64 R10;
    ULONG64 R11;
    ULONG64 R12;
    ULONG64 R13;
    ULONG64 R14;
    ULONG64 R15;
    ULONG64 Rip;
    union {
        XMM_SAVE_AREA32 FltSave;
        struct {
            M128A Header[2];
            M128A Legacy[8];
            M128A Xmm0;
            M128A Xmm1;
            M128A Xmm2;
            M128A Xmm3;
            M128A Xmm4;
            M128A Xmm5;
            M128A Xmm6;
            M128A Xmm7;
            M128A Xmm8;
            M128A Xmm9;
            M128A Xmm10;
            M128A Xmm11;
            M128A Xmm12;
            M128A Xmm13;
            M128A Xmm14;
            M128A Xmm15;
        };
    };
    M128A VectorRegister[26];
    ULONG64 VectorControl;
    ULONG64 DebugControl;
    ULONG64 LastBranchToRip;
    ULONG64 LastBranchFromRip;
    ULONG64 LastExceptionToRip;
    ULONG64 LastExceptionFromRip;
} CONTEXT, *PCONTEXT;

typedef struct _EXCEPTION_POINTERS {
    PEXCEPTION_RECORD ExceptionRecord;
    PCONTEXT ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;

typedef enum _EXCEPTION_DISPOSITION {
    ExceptionContinueExecution,
    ExceptionContinueSearch,
    ExceptionNestedException,
    ExceptionCollidedUnwind
} EXCEPTION_DISPOSITION;

/* .pdata: one per function, sorted. UnwindData bit 0 set: the RVA of another RUNTIME_FUNCTION. */
typedef struct _RUNTIME_FUNCTION {
    ULONG BeginAddress;
    ULONG EndAddress;
    union {
        ULONG UnwindInfoAddress;
        ULONG UnwindData;
    };
} RUNTIME_FUNCTION, *PRUNTIME_FUNCTION;

#define RUNTIME_FUNCTION_INDIRECT 1

#define UNW_FLAG_NHANDLER 0
#define UNW_FLAG_EHANDLER 1
#define UNW_FLAG_UHANDLER 2
#define UNW_FLAG_CHAININFO 4

typedef enum _UNWIND_OP_CODES {
    UWOP_PUSH_NONVOL = 0,
    UWOP_ALLOC_LARGE = 1,
    UWOP_ALLOC_SMALL = 2,
    UWOP_SET_FPREG = 3,
    UWOP_SAVE_NONVOL = 4,
    UWOP_SAVE_NONVOL_FAR = 5,
    UWOP_EPILOG = 6, /* version 2 only */
    UWOP_SPARE_CODE = 7,
    UWOP_SAVE_XMM128 = 8,
    UWOP_SAVE_XMM128_FAR = 9,
    UWOP_PUSH_MACHFRAME = 10
} UNWIND_OP_CODES;

typedef union _UNWIND_CODE {
    struct {
        UCHAR CodeOffset;
        UCHAR UnwindOp : 4;
        UCHAR OpInfo : 4;
    };
    USHORT FrameOffset;
} UNWIND_CODE, *PUNWIND_CODE;

/*
 * After the codes, padded to an even count: the handler's RVA and its data (flags EHANDLER or
 * UHANDLER), or the RUNTIME_FUNCTION this one continues (CHAININFO).
 */
typedef struct _UNWIND_INFO {
    UCHAR Version : 3;
    UCHAR Flags : 5;
    UCHAR SizeOfProlog;
    UCHAR CountOfCodes;
    UCHAR FrameRegister : 4;
    UCHAR FrameOffset : 4; /* in 16-byte units */
    UNWIND_CODE UnwindCode[ANYSIZE_ARRAY];
} UNWIND_INFO, *PUNWIND_INFO;

/* Handler data of __C_specific_handler. JumpTarget 0: a __finally, HandlerAddress is its body. */
typedef struct _SCOPE_TABLE {
    ULONG Count;
    struct {
        ULONG BeginAddress;
        ULONG EndAddress;
        ULONG HandlerAddress;
        ULONG JumpTarget;
    } ScopeRecord[ANYSIZE_ARRAY];
} SCOPE_TABLE, *PSCOPE_TABLE, SCOPE_TABLE_AMD64, *PSCOPE_TABLE_AMD64;

struct _DISPATCHER_CONTEXT;
typedef EXCEPTION_DISPOSITION EXCEPTION_ROUTINE(PEXCEPTION_RECORD ExceptionRecord,
                                                PVOID EstablisherFrame, PCONTEXT ContextRecord,
                                                PVOID DispatcherContext);
typedef EXCEPTION_ROUTINE *PEXCEPTION_ROUTINE;
typedef LONG (*PEXCEPTION_FILTER)(PEXCEPTION_POINTERS ExceptionPointers, PVOID EstablisherFrame);
typedef VOID (*PTERMINATION_HANDLER)(BOOLEAN AbnormalTermination, PVOID EstablisherFrame);

#define UNWIND_HISTORY_TABLE_SIZE 12
typedef struct _UNWIND_HISTORY_TABLE_ENTRY {
    ULONG64 ImageBase;
    PRUNTIME_FUNCTION FunctionEntry;
} UNWIND_HISTORY_TABLE_ENTRY, *PUNWIND_HISTORY_TABLE_ENTRY;

typedef struct _UNWIND_HISTORY_TABLE {
    ULONG Count;
    UCHAR LocalHint;
    UCHAR GlobalHint;
    UCHAR Search;
    UCHAR Once;
    ULONG64 LowAddress;
    ULONG64 HighAddress;
    UNWIND_HISTORY_TABLE_ENTRY Entry[UNWIND_HISTORY_TABLE_SIZE];
} UNWIND_HISTORY_TABLE, *PUNWIND_HISTORY_TABLE;

typedef struct _DISPATCHER_CONTEXT {
    ULONG64 ControlPc;
    ULONG64 ImageBase;
    PRUNTIME_FUNCTION FunctionEntry;
    ULONG64 EstablisherFrame;
    ULONG64 TargetIp;
    PCONTEXT ContextRecord;
    PEXCEPTION_ROUTINE LanguageHandler;
    PVOID HandlerData;
    PUNWIND_HISTORY_TABLE HistoryTable;
    ULONG ScopeIndex;
    ULONG Fill0;
} DISPATCHER_CONTEXT, *PDISPATCHER_CONTEXT;

/* Where the unwinder found each register; NULL: it was not saved. */
typedef struct _KNONVOLATILE_CONTEXT_POINTERS {
    PM128A FloatingContext[16];
    PULONG64 IntegerContext[16];
} KNONVOLATILE_CONTEXT_POINTERS, *PKNONVOLATILE_CONTEXT_POINTERS;

C_ASSERT(sizeof(EXCEPTION_RECORD) == 0x98);
C_ASSERT(sizeof(XSAVE_FORMAT) == 0x200);
C_ASSERT(offsetof(CONTEXT, ContextFlags) == 0x30);
C_ASSERT(offsetof(CONTEXT, MxCsr) == 0x34);
C_ASSERT(offsetof(CONTEXT, SegCs) == 0x38);
C_ASSERT(offsetof(CONTEXT, SegSs) == 0x42);
C_ASSERT(offsetof(CONTEXT, EFlags) == 0x44);
C_ASSERT(offsetof(CONTEXT, Dr0) == 0x48);
C_ASSERT(offsetof(CONTEXT, Dr6) == 0x68);
C_ASSERT(offsetof(CONTEXT, Dr7) == 0x70);
C_ASSERT(offsetof(CONTEXT, Rax) == 0x78);
C_ASSERT(offsetof(CONTEXT, Rsp) == 0x98);
C_ASSERT(offsetof(CONTEXT, R8) == 0xb8);
C_ASSERT(offsetof(CONTEXT, R15) == 0xf0);
C_ASSERT(offsetof(CONTEXT, Rip) == 0xf8);
C_ASSERT(offsetof(CONTEXT, FltSave) == 0x100);
C_ASSERT(offsetof(CONTEXT, FltSave.MxCsr) == 0x118);
C_ASSERT(offsetof(CONTEXT, Xmm0) == 0x1a0);
C_ASSERT(offsetof(CONTEXT, VectorRegister) == 0x300);
C_ASSERT(offsetof(CONTEXT, VectorControl) == 0x4a0);
C_ASSERT(offsetof(CONTEXT, DebugControl) == 0x4a8);
C_ASSERT(offsetof(CONTEXT, LastBranchToRip) == 0x4b0);
C_ASSERT(offsetof(CONTEXT, LastExceptionFromRip) == 0x4c8);
C_ASSERT(sizeof(CONTEXT) == 0x4d0);
C_ASSERT(sizeof(RUNTIME_FUNCTION) == 12);
C_ASSERT(sizeof(UNWIND_CODE) == 2);
C_ASSERT(offsetof(UNWIND_INFO, UnwindCode) == 4);
C_ASSERT(sizeof(SCOPE_TABLE) == 20);
C_ASSERT(sizeof(UNWIND_HISTORY_TABLE) == 0xd8);
C_ASSERT(sizeof(DISPATCHER_CONTEXT) == 0x50);
C_ASSERT(offsetof(DISPATCHER_CONTEXT, LanguageHandler) == 0x30);
C_ASSERT(offsetof(DISPATCHER_CONTEXT, ScopeIndex) == 0x48);
C_ASSERT(sizeof(KNONVOLATILE_CONTEXT_POINTERS) == 0x100);

#ifdef _WIN32

/* Compiler intrinsics: valid only in a filter, an __except body or a __finally body. */
#define GetExceptionCode() ((NTSTATUS)_exception_code())
#define exception_code() ((NTSTATUS)_exception_code())
#define GetExceptionInformation() ((PEXCEPTION_POINTERS)_exception_info())
#define exception_info() ((PEXCEPTION_POINTERS)_exception_info())
#define AbnormalTermination() ((BOOLEAN)_abnormal_termination())
#define abnormal_termination() ((BOOLEAN)_abnormal_termination())

VOID RtlCaptureContext(PCONTEXT ContextRecord);
DECLSPEC_NORETURN VOID RtlRestoreContext(PCONTEXT ContextRecord,
                                         PEXCEPTION_RECORD ExceptionRecord);
PRUNTIME_FUNCTION RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase,
                                         PUNWIND_HISTORY_TABLE HistoryTable);
PEXCEPTION_ROUTINE RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                                    PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord,
                                    PVOID *HandlerData, PULONG64 EstablisherFrame,
                                    PKNONVOLATILE_CONTEXT_POINTERS ContextPointers);
VOID RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                 PVOID ReturnValue, PCONTEXT OriginalContext, PUNWIND_HISTORY_TABLE HistoryTable);
VOID RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
               PVOID ReturnValue);
PVOID RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage);
VOID RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord);
EXCEPTION_DISPOSITION __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord,
                                           PVOID EstablisherFrame, PCONTEXT ContextRecord,
                                           PDISPATCHER_CONTEXT DispatcherContext);
VOID _local_unwind(PVOID TargetFrame, PVOID TargetIp);
VOID __chkstk(VOID);
DECLSPEC_NORETURN VOID ExRaiseStatus(NTSTATUS Status);
DECLSPEC_NORETURN VOID ExRaiseAccessViolation(VOID);
DECLSPEC_NORETURN VOID ExRaiseDatatypeMisalignment(VOID);
USHORT RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace,
                                PULONG BackTraceHash);
ULONG RtlWalkFrameChain(PVOID *Callers, ULONG Count, ULONG Flags);

#endif /* _WIN32 */
