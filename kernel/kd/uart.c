/* SPDX-License-Identifier: MIT */
/*
 * COM1, a 16550, without interrupts. 115200 8N1 is set for form: QEMU takes a byte as fast as the
 * other end does.
 */
#include "kd/kd.h"

#define COM1 0x3f8
#define UART_DATA (COM1 + 0)
#define UART_INTERRUPTS (COM1 + 1)
#define UART_FIFO (COM1 + 2)
#define UART_LINE_CONTROL (COM1 + 3)
#define UART_MODEM_CONTROL (COM1 + 4)
#define UART_LINE_STATUS (COM1 + 5)
#define UART_SCRATCH (COM1 + 7)
#define UART_DIVISOR_LOW (COM1 + 0)
#define UART_DIVISOR_HIGH (COM1 + 1)

#define LINE_8N1 0x03
#define LINE_DIVISOR 0x80
#define FIFO_ON_AND_CLEAR 0xc7
#define MODEM_DTR_RTS 0x03
#define STATUS_DATA 0x01
#define STATUS_HOLDING_EMPTY 0x20
#define STATUS_NO_UART 0xff

#define WRITE_LIMIT_MS 5000 /* then the other end does not read, and the bytes are lost */

BOOLEAN KdpInitializeUart(VOID)
{
    KiOutByte(UART_SCRATCH, 0x5a);
    if (KiInByte(UART_SCRATCH) != 0x5a || KiInByte(UART_LINE_STATUS) == STATUS_NO_UART) {
        return FALSE;
    }
    KiOutByte(UART_INTERRUPTS, 0);
    KiOutByte(UART_LINE_CONTROL, LINE_DIVISOR);
    KiOutByte(UART_DIVISOR_LOW, 1);
    KiOutByte(UART_DIVISOR_HIGH, 0);
    KiOutByte(UART_LINE_CONTROL, LINE_8N1);
    KiOutByte(UART_FIFO, FIFO_ON_AND_CLEAR);
    KiOutByte(UART_MODEM_CONTROL, MODEM_DTR_RTS);
    return TRUE;
}

BOOLEAN KdpReadUart(PUCHAR Byte)
{
    if (!(KiInByte(UART_LINE_STATUS) & STATUS_DATA)) {
        return FALSE;
    }
    *Byte = KiInByte(UART_DATA);
    return TRUE;
}

VOID KdpWriteUart(const VOID *Bytes, SIZE_T Size)
{
    ULONG64 Limit = KiReadTimeStampCounter() + KeTimeStampFrequency / 1000 * WRITE_LIMIT_MS;
    for (SIZE_T i = 0; i < Size; i++) {
        while (!(KiInByte(UART_LINE_STATUS) & STATUS_HOLDING_EMPTY)) {
            if (KiReadTimeStampCounter() > Limit) {
                return; /* the packet will be missed, and sent again */
            }
        }
        KiOutByte(UART_DATA, ((const UCHAR *)Bytes)[i]);
    }
}
