/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The UART's state, and what its two halves share. The registers: xenaperture_uart.h.
 */
#ifndef UART_H
#define UART_H

#include <stdbool.h>

#include <xenaperture_model.h>
#include <xenaperture_uart.h>

#define UART_STATE_VERSION	1

#define UART_SENT	XENAPERTURE_UART_SENT
#define UART_RECEIVED	XENAPERTURE_UART_RECEIVED

/* The largest place in a file: what is beyond is no state. */
#define UART_PLACE_MOST	((uint64_t)1 << 60)

#define UART_PLACED	0x01u	/* it was asked */
#define UART_PLACED_OUT	0x02u	/* and there was a file: out_place is a place in it */
#define UART_PLACED_IN	0x04u

struct uart_state {
	/*
	 * Places in the files, which make both directions exact: what is done twice is written, or
	 * read, at the same place again. 0 until placed.
	 */
	uint64_t out_place;	/* of sent[0] */
	uint64_t in_place;	/* of the next character that the guest reads */
	uint64_t ask_at;	/* ns: the second device is to be asked */
	uint64_t busy_until;	/* ns: ... often */
	uint16_t nr_sent;
	uint16_t nr_received;
	uint16_t first;		/* of received, a ring */
	uint8_t  placed;	/* UART_PLACED*; 0: the second device was never asked */
	uint8_t  looked;	/* 0, 1: LSR was read since the last one was sent */
	uint8_t  ier, lcr, mcr, scr, dll, dlm;
	uint8_t  fcr;		/* bits 7..6 and 0 */
	uint8_t  lost;		/* 0, 1: LSR's OE */
	uint8_t  deltas;	/* MSR bits 3..0 */
	uint8_t  empty;		/* 0, 1: THRE is to be announced */
	uint8_t  zero[6];
	uint8_t  sent[UART_SENT];
	uint8_t  received[UART_RECEIVED];
};

_Static_assert(sizeof(struct uart_state) == 568, "no padding");
_Static_assert(sizeof(struct uart_state) <= XENAPT_STATE_MAX, "uart_state");

extern const struct xenaperture_model uart_model;

/* As the model's, but never declined: whoever calls them has seen to sent, received and ask_at. */
uint32_t uart_get(struct xenaperture_run *run, uint32_t id, uint64_t *value);
uint32_t uart_put(struct xenaperture_run *run, uint32_t id, uint64_t value);

static inline bool uart_loops(const struct uart_state *s)
{
	return s->mcr & 1u << 4;
}

/* The slow half. */
extern const struct xenaperture_functions uart_slow;

struct uart_device {
	struct xenaperture *xa;
	int out, in;		/* files; -1: none */
	uint64_t keep;		/* octets of the output that stay; 0: all */
	bool failed;		/* the log has it */
	uint64_t retry;		/* ns: files that are not there are tried again; 0: a while after the next operation */
};

#endif
