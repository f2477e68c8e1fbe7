/* SPDX-License-Identifier: MIT */
/*
 * One step up a stack by an image's unwind data (.pdata, .xdata), as the public x64 ABI describes
 * it. The kernel's exceptions use it on its own memory, the debugger on a target's. Pure: image and
 * stack are read through the caller's two routines, and both are hostile: nothing outside of them
 * is read, every loop is bounded, damaged data means FALSE, never a guess.
 */
#pragma once

#include "nt/se.h"

#define UNWIND_MAXIMUM_CHAIN 32 /* chained UNWIND_INFOs of one function */

typedef struct _UNWIND_IMAGE UNWIND_IMAGE;
struct _UNWIND_IMAGE {
    ULONG_PTR Base;   /* where it was loaded */
    ULONG Size;       /* bytes */
    ULONG TableRva;   /* the RUNTIME_FUNCTIONs; 0: none */
    ULONG TableCount;
    /* [Rva, Rva + Size), which lies in the image; good as long as the image. NULL: not readable. */
    PVOID (*Bytes)(const UNWIND_IMAGE *Image, ULONG Rva, SIZE_T Size);
    PVOID Context;    /* Bytes's own */
};

/* The part of the stack that may be read: [Low, High). */
typedef struct _UNWIND_STACK UNWIND_STACK;
struct _UNWIND_STACK {
    ULONG_PTR Low;
    ULONG_PTR High;
    /* Eight bytes at an aligned address within the limits. FALSE: not readable. */
    BOOLEAN (*Read)(const UNWIND_STACK *Stack, ULONG_PTR Address, PULONG64 Value);
    PVOID Context; /* Read's own */
};

/* UNWIND_INFO after its checks: everything it refers to lies inside the image. */
typedef struct _UNWIND_DATA {
    UCHAR Version;
    UCHAR Flags;
    UCHAR SizeOfProlog;
    UCHAR CountOfCodes;
    UCHAR FrameRegister;
    ULONG FrameOffset; /* in bytes */
    const UNWIND_CODE *Codes;
    ULONG HandlerRva; /* 0: none */
    PVOID HandlerData; /* address in the image as it was loaded */
    PRUNTIME_FUNCTION Chained; /* NULL: primary */
} UNWIND_DATA;

/* The rest of an epilogue: rsp becomes a value, registers are popped, then the return address. */
typedef struct _UNWIND_EPILOGUE {
    BOOLEAN FromFrameRegister;
    UCHAR PopCount;
    UCHAR Pops[16];
    LONG Displacement; /* added to rsp, or to the frame register */
} UNWIND_EPILOGUE;

/* One frame of a walk. The first three are the caller's to fill in. */
typedef struct _UNWIND_FRAME {
    ULONG_PTR ControlPc;
    UNWIND_IMAGE Image;         /* Base 0: ControlPc is in no image */
    PRUNTIME_FUNCTION Function; /* NULL: a leaf */
    ULONG_PTR EstablisherFrame;
    PEXCEPTION_ROUTINE Handler; /* NULL: none of the asked kind */
    PVOID HandlerData;
    BOOLEAN MachineFrame; /* a trap was crossed: the new rip was interrupted, not calling */
} UNWIND_FRAME;

/* ---- unwind_data.c ---- */
/* NULL: not in the image, not aligned as unwind data is, or not readable. */
PVOID UnwindImageBytes(const UNWIND_IMAGE *Image, ULONG Rva, SIZE_T Size);
/* NULL: a leaf function, or a damaged entry. */
PRUNTIME_FUNCTION UnwindFindFunction(const UNWIND_IMAGE *Image, ULONG_PTR ControlPc);
/* The function a chain of fragments begins with. Function itself when the chain is damaged. */
PRUNTIME_FUNCTION UnwindPrimaryFunction(const UNWIND_IMAGE *Image, PRUNTIME_FUNCTION Function);
BOOLEAN UnwindReadData(const UNWIND_IMAGE *Image, const RUNTIME_FUNCTION *Function,
                       UNWIND_DATA *Info);
ULONG UnwindCodeSlots(UCHAR Version, UNWIND_CODE Code);

/* ---- unwind_epilogue.c ---- */
BOOLEAN UnwindDecodeEpilogue(const UNWIND_IMAGE *Image, PRUNTIME_FUNCTION Function,
                             const UNWIND_DATA *Info, ULONG_PTR ControlPc,
                             UNWIND_EPILOGUE *Epilogue);

/* ---- unwind_frame.c ---- */
/*
 * Undoes one frame: Context becomes the caller's. FALSE: the unwind data or the stack is damaged;
 * Context is then half undone and of no use. HandlerType: UNW_FLAG_*. Pointers may be NULL.
 */
BOOLEAN UnwindFrame(PCONTEXT Context, const UNWIND_STACK *Stack, ULONG HandlerType,
                    BOOLEAN IsReturnAddress, UNWIND_FRAME *Frame,
                    PKNONVOLATILE_CONTEXT_POINTERS Pointers);
