/* SPDX-License-Identifier: MIT */
/*
 * xenaperture_uart.h - data sheet of the UART, type "uart".
 *
 * A 16550A: eight registers of one octet, as its makers' data sheets have them. A driver that knows one
 * binds to this one unchanged. Accesses of one octet only: others read as all ones and write nothing.
 * On ports (io=0x3f8) the driver is the guest's own; docs/uart.md says what to type.
 *
 * The characters that the guest sends are appended to a file in the second device's domain, those it
 * receives are what is appended to another file there.
 *
 * F: the first device executes it. D: the first device executes it, but declines as described below.
 *
 *   offset   by  name             reset
 *   0  r     F   RBR               -    the next character; none: 0
 *   0   w    D   THR               -    a character to send
 *   1  r w   F   IER               0    bits 3..0
 *   2  r     D   IIR              0x01  bits 7..6: FIFOs are on; 3..0: what interrupts
 *   2   w    F   FCR               0    bit 0: FIFOs on; 1: clear the receiver's; 7..6: trigger. 0 clears
 *   3  r w   F   LCR               0    bit 7: offsets 0 and 1 are DLL and DLM
 *   4  r w   F   MCR               0    bits 4..0; 4: loopback
 *   5  r     D   LSR              0x60  bits 6, 5, 1, 0: all sent; ready to send; one was lost; one is there
 *   6  r     F   MSR              0xb0  DCD, DSR and CTS are there always, but in loopback
 *   7  r w   F   SCR               0
 *   0  r w   F   DLL               1    with LCR bit 7; kept, and without effect: the line is as fast as it can
 *   1  r w   F   DLM               0    likewise
 * Writes of LSR and MSR do nothing.
 *
 * The line. Between the transmitter and the file are SENT characters of room in the device's state.
 * LSR bit 5 (THRE) is always 1: a character leaves the transmitter at once. LSR bit 6 (TEMT) is 1 only when
 * all are in the file. Clearing the transmitter's FIFO does nothing: it is empty.
 * The receiver takes up to RECEIVED characters from the file, in order, and the next when the guest has
 * read all of these: nothing overruns. To clear its FIFO, or to enter loopback, gives them back
 * to the file. So no character is lost; those that were appended before the guest's first access are not received.
 *
 * Interrupts: there is no line to the guest, vectors are none. IIR says what there is; a driver polls it.
 * Characters below the trigger level are announced as a timeout (IIR 0x0c) at once.
 *
 * Loopback. Characters sent are received, 16 with FIFOs, 1 without; one more sets LSR bit 1 (OE): with FIFOs it
 * is lost, without it takes the place of the one before. RTS, DTR, OUT1, OUT2 become CTS, DSR, RI, DCD.
 * A break (LCR bit 6) is kept, and neither sent nor looped back; parity and framing errors do not happen.
 *
 * Declined by the first device: what needs the files.
 *   IIR       BUSY_NS after a character was sent, as often when one was sent or received within a second, else
 *             IDLE_NS after the second device was last asked; and when FULL characters wait to be sent
 *   LSR       likewise, but only while IER bit 0 is 0; and then also when characters wait to be sent and LSR was
 *             read since the last of them was written: a driver that waits for TEMT asks once
 *   THR       when the room is full, and the first one of all
 *   In loopback none is.
 * When the second device does not answer in time, IIR reads as all ones, no interrupt: a driver that polls IIR
 * waits, and goes on when there is one again. One that does not (the kernel's own messages) loses what is beyond
 * the SENT characters.
 */
#ifndef XENAPERTURE_UART_H
#define XENAPERTURE_UART_H

#define XENAPERTURE_UART_TYPE		"uart"

/* Offsets. */
#define XENAPERTURE_UART_RBR		0u	/* read */
#define XENAPERTURE_UART_THR		0u	/* write */
#define XENAPERTURE_UART_IER		1u
#define XENAPERTURE_UART_IIR		2u	/* read */
#define XENAPERTURE_UART_FCR		2u	/* write */
#define XENAPERTURE_UART_LCR		3u
#define XENAPERTURE_UART_MCR		4u
#define XENAPERTURE_UART_LSR		5u
#define XENAPERTURE_UART_MSR		6u
#define XENAPERTURE_UART_SCR		7u
#define XENAPERTURE_UART_REGISTERS	8u

#define XENAPERTURE_UART_SENT		256u	/* characters of room */
#define XENAPERTURE_UART_FULL		240u	/* ... from which on it is emptied */
#define XENAPERTURE_UART_RECEIVED	256u
#define XENAPERTURE_UART_FIFO		16u	/* in loopback */

#define XENAPERTURE_UART_BUSY_NS	20000000u	/* 20 ms */
#define XENAPERTURE_UART_IDLE_NS	100000000u	/* 100 ms */

#endif /* XENAPERTURE_UART_H */
