/* SPDX-License-Identifier: MIT */
/* What is the processor's: its blocks, special registers and model-specific registers. */
#include "kd/kd.h"

static KDP_ANSWER KdpFail(PKDP_REQUEST Request)
{
    Request->Header.ReturnStatus = STATUS_UNSUCCESSFUL;
    return KdpAnswer;
}

KDP_ANSWER KdpReadControlSpace(PKDP_REQUEST Request)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    ULONG64 Address;
    const VOID *From = &Address;
    ULONG Size = sizeof(Address);
    Request->Header.Memory.ActualBytes = 0;
    if (Request->Header.Processor != Prcb->Number) {
        return KdpFail(Request);
    }
    switch (Request->Header.Memory.Address) {
    case KD_CONTROL_SPACE_PCR:
        Address = (ULONG64)KeGetPcr();
        break;
    case KD_CONTROL_SPACE_PRCB:
        Address = (ULONG64)Prcb;
        break;
    case KD_CONTROL_SPACE_SPECIAL:
        From = &Prcb->ProcessorState.SpecialRegisters;
        Size = sizeof(KSPECIAL_REGISTERS);
        break;
    case KD_CONTROL_SPACE_THREAD:
        Address = (ULONG64)Prcb->CurrentThread;
        break;
    default:
        return KdpFail(Request);
    }
    if (Size > Request->Header.Memory.TransferCount) {
        Size = Request->Header.Memory.TransferCount;
    }
    RtlCopyMemory(Request->Reply, From, Size);
    Request->ReplySize = Request->Header.Memory.ActualBytes = Size;
    return KdpAnswer;
}

/* Only the debug registers are loaded when execution goes on. */
KDP_ANSWER KdpWriteControlSpace(PKDP_REQUEST Request)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    ULONG Size = Request->Header.Memory.TransferCount;
    Request->Header.Memory.ActualBytes = 0;
    if (Request->Header.Processor != Prcb->Number || Size > Request->DataSize ||
        Size > sizeof(KSPECIAL_REGISTERS) ||
        Request->Header.Memory.Address != KD_CONTROL_SPACE_SPECIAL) {
        return KdpFail(Request);
    }
    RtlCopyMemory(&Prcb->ProcessorState.SpecialRegisters, Request->Data, Size);
    Request->Header.Memory.ActualBytes = Size;
    return KdpAnswer;
}

/* A register that the processor has not is a fault in the debugger: caught right here. */
KDP_ANSWER KdpReadMsr(PKDP_REQUEST Request)
{
    ULONG Low = 0, High = 0;
    __try {
        __asm__ volatile("rdmsr"
                         : "=a"(Low), "=d"(High)
                         : "c"(Request->Header.Msr.Register));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return KdpFail(Request);
    }
    Request->Header.Msr.Low = Low;
    Request->Header.Msr.High = High;
    return KdpAnswer;
}

KDP_ANSWER KdpWriteMsr(PKDP_REQUEST Request)
{
    __try {
        __asm__ volatile("wrmsr"
                         :
                         : "c"(Request->Header.Msr.Register), "a"(Request->Header.Msr.Low),
                           "d"(Request->Header.Msr.High)
                         : "memory");
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return KdpFail(Request);
    }
    return KdpAnswer;
}
