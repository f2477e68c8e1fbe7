/* SPDX-License-Identifier: MIT */
/*
 * The two frames from which language handlers are called. A handler that faults, or a __finally
 * body that raises, is found through them: the walk that the new exception starts meets this frame
 * and calls RtlpExceptionHandler or RtlpUnwindHandler, which find the DISPATCHER_CONTEXT of the
 * interrupted walk at SE_HANDLER_FRAME_CONTEXT (0x20) above rsp.
 *
 * EXCEPTION_DISPOSITION Routine(PEXCEPTION_RECORD, PVOID EstablisherFrame, PCONTEXT,
 *                               PDISPATCHER_CONTEXT)
 */
    .text

.macro HANDLER_FRAME routine, handler
    .globl \routine
    .def \routine; .scl 2; .type 32; .endef
    .p2align 4
\routine:
    .seh_proc \routine
    .seh_handler \handler, @except, @unwind
    subq    $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movq    %r9, 0x20(%rsp)
    callq   *0x30(%r9)
    nop
    addq    $0x28, %rsp
    retq
    .seh_handlerdata
    .text
    .seh_endproc
.endm

    HANDLER_FRAME RtlpExecuteHandlerForException, RtlpExceptionHandler
    HANDLER_FRAME RtlpExecuteHandlerForUnwind, RtlpUnwindHandler
