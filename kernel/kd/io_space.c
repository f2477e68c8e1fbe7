/* SPDX-License-Identifier: MIT */
/* I/O ports for the debugger. */
#include "kd/kd.h"

#define IO_INTERFACE_ISA 1
#define IO_INTERFACE_INTERNAL 0

static NTSTATUS KdpReadPort(ULONG64 Port, ULONG Size, PULONG Value)
{
    USHORT Number = (USHORT)Port;
    if (Port > 0xffff) {
        return STATUS_INVALID_PARAMETER;
    }
    *Value = 0;
    switch (Size) {
    case 1:
        __asm__ volatile("inb %w1, %b0" : "+a"(*Value) : "Nd"(Number));
        return STATUS_SUCCESS;
    case 2:
        __asm__ volatile("inw %w1, %w0" : "+a"(*Value) : "Nd"(Number));
        return STATUS_SUCCESS;
    case 4:
        __asm__ volatile("inl %w1, %0" : "=a"(*Value) : "Nd"(Number));
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

static NTSTATUS KdpWritePort(ULONG64 Port, ULONG Size, ULONG Value)
{
    USHORT Number = (USHORT)Port;
    if (Port > 0xffff) {
        return STATUS_INVALID_PARAMETER;
    }
    switch (Size) {
    case 1:
        __asm__ volatile("outb %b0, %w1" : : "a"(Value), "Nd"(Number));
        return STATUS_SUCCESS;
    case 2:
        __asm__ volatile("outw %w0, %w1" : : "a"(Value), "Nd"(Number));
        return STATUS_SUCCESS;
    case 4:
        __asm__ volatile("outl %0, %w1" : : "a"(Value), "Nd"(Number));
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

KDP_ANSWER KdpReadIoSpace(PKDP_REQUEST Request)
{
    ULONG Value = 0;
    Request->Header.ReturnStatus =
        KdpReadPort(Request->Header.IoSpace.Port, Request->Header.IoSpace.Size, &Value);
    Request->Header.IoSpace.Value = Value;
    return KdpAnswer;
}

KDP_ANSWER KdpWriteIoSpace(PKDP_REQUEST Request)
{
    Request->Header.ReturnStatus =
        KdpWritePort(Request->Header.IoSpace.Port, Request->Header.IoSpace.Size,
                     Request->Header.IoSpace.Value);
    return KdpAnswer;
}

/* One bus, one address space: that of the ports. */
static BOOLEAN KdpIsPortSpace(const KDP_REQUEST *Request)
{
    ULONG Type = Request->Header.IoSpaceExtended.InterfaceType;
    return (Type == IO_INTERFACE_ISA || Type == IO_INTERFACE_INTERNAL) &&
           Request->Header.IoSpaceExtended.BusNumber == 0 &&
           Request->Header.IoSpaceExtended.AddressSpace == 1;
}

KDP_ANSWER KdpReadIoSpaceExtended(PKDP_REQUEST Request)
{
    ULONG Value = 0;
    Request->Header.ReturnStatus =
        KdpIsPortSpace(Request) ? KdpReadPort(Request->Header.IoSpaceExtended.Port,
                                              Request->Header.IoSpaceExtended.Size, &Value)
                                : STATUS_INVALID_PARAMETER;
    Request->Header.IoSpaceExtended.Value = Value;
    return KdpAnswer;
}

KDP_ANSWER KdpWriteIoSpaceExtended(PKDP_REQUEST Request)
{
    Request->Header.ReturnStatus =
        KdpIsPortSpace(Request) ? KdpWritePort(Request->Header.IoSpaceExtended.Port,
                                               Request->Header.IoSpaceExtended.Size,
                                               Request->Header.IoSpaceExtended.Value)
                                : STATUS_INVALID_PARAMETER;
    return KdpAnswer;
}
