// SPDX-License-Identifier: GPL-2.0-only
/*
 * uart - the model: a 16550A whose line is a buffer in the state. The second device empties and fills it.
 */
#include "uart.h"

/* Nothing here waits for a line: what is written to THR is in the buffer, and so THRE is always 1. */
#define LCR_DLAB	0x80u
#define IER_RECEIVED	0x01u
#define IER_EMPTY	0x02u
#define IER_LINE	0x04u
#define IER_MODEM	0x08u
#define IER_BITS	0x0fu
#define IIR_NONE	0x01u
#define IIR_MODEM	0x00u
#define IIR_EMPTY	0x02u
#define IIR_RECEIVED	0x04u
#define IIR_LINE	0x06u
#define IIR_TIMEOUT	0x0cu
#define IIR_FIFO	0xc0u
#define FCR_ON		0x01u
#define FCR_CLEAR	0x02u
#define FCR_KEPT	0xc1u
#define MCR_DTR		0x01u
#define MCR_RTS		0x02u
#define MCR_OUT1	0x04u
#define MCR_OUT2	0x08u
#define MCR_LOOP	0x10u
#define MCR_BITS	0x1fu
#define LSR_RECEIVED	0x01u
#define LSR_LOST	0x02u
#define LSR_EMPTY	0x20u
#define LSR_ALL_SENT	0x40u
#define MSR_CTS		0x10u
#define MSR_DSR		0x20u
#define MSR_RI		0x40u
#define MSR_DCD		0x80u

static bool fifo_on(const struct uart_state *s)
{
	return s->fcr & FCR_ON;
}

/* ---- characters ---- */

/* Those from the file stay there until the guest has read them. */
static void clear_receiver(struct uart_state *s)
{
	s->nr_received = 0;
	s->first = 0;
}

static uint8_t receive(struct uart_state *s)
{
	uint8_t c;

	if (!s->nr_received)
		return 0;
	c = s->received[s->first];
	s->first = (uint16_t)((s->first + 1u) % UART_RECEIVED);
	s->nr_received--;
	if (!uart_loops(s))
		s->in_place++;
	return c;
}

static void loop_back(struct uart_state *s, uint8_t c)
{
	unsigned int room = fifo_on(s) ? XENAPERTURE_UART_FIFO : 1;

	if (s->nr_received < room) {
		s->received[(s->first + s->nr_received) % UART_RECEIVED] = c;
		s->nr_received++;
		return;
	}
	s->lost = 1;
	if (!fifo_on(s))
		s->received[s->first] = c;
}

/* There is room. */
static void send(struct xenaperture_run *run, uint8_t c)
{
	struct uart_state *s = run->state;
	uint64_t soon = run->now + XENAPERTURE_UART_BUSY_NS;

	s->empty = 1;
	if (uart_loops(s)) {
		loop_back(s, c);
		return;
	}
	s->sent[s->nr_sent++] = c;
	s->looked = 0;
	if (s->ask_at > soon)
		s->ask_at = soon;
}

/* ---- registers ---- */

static uint8_t modem_lines(uint8_t mcr)
{
	if (!(mcr & MCR_LOOP))
		return MSR_DCD | MSR_DSR | MSR_CTS;
	return (uint8_t)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
			 (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

/* RI counts when it goes. */
static void set_mcr(struct uart_state *s, uint8_t mcr)
{
	uint8_t before = modem_lines(s->mcr), after = modem_lines(mcr & MCR_BITS);
	uint8_t moved = (before ^ after) & (uint8_t)~(after & MSR_RI);

	s->deltas |= moved >> 4;
	if ((s->mcr ^ mcr) & MCR_LOOP)
		clear_receiver(s);
	s->mcr = mcr & MCR_BITS;
}

static void set_fcr(struct uart_state *s, uint8_t fcr)
{
	if ((s->fcr ^ fcr) & FCR_ON || (fcr & FCR_ON && fcr & FCR_CLEAR))
		clear_receiver(s);
	s->fcr = fcr & FCR_ON ? fcr & FCR_KEPT : 0;
}

static void set_ier(struct uart_state *s, uint8_t ier)
{
	if (ier & ~s->ier & IER_EMPTY)
		s->empty = 1;
	s->ier = ier & IER_BITS;
}

static uint8_t received_reason(const struct uart_state *s)
{
	static const uint8_t trigger[] = { 1, 4, 8, 14 };

	return fifo_on(s) && s->nr_received < trigger[s->fcr >> 6] ? IIR_TIMEOUT : IIR_RECEIVED;
}

static uint8_t reason(const struct uart_state *s)
{
	if (s->ier & IER_LINE && s->lost)
		return IIR_LINE;
	if (s->ier & IER_RECEIVED && s->nr_received)
		return received_reason(s);
	if (s->ier & IER_EMPTY && s->empty)
		return IIR_EMPTY;
	if (s->ier & IER_MODEM && s->deltas)
		return IIR_MODEM;
	return IIR_NONE;
}

static uint8_t get_iir(struct uart_state *s)
{
	uint8_t why = reason(s);

	if (why == IIR_EMPTY)
		s->empty = 0;
	return why | (fifo_on(s) ? IIR_FIFO : 0);
}

static uint8_t get_lsr(struct uart_state *s)
{
	uint8_t lsr = (uint8_t)(LSR_EMPTY | (s->nr_sent ? 0 : LSR_ALL_SENT) |
				(s->lost ? LSR_LOST : 0) | (s->nr_received ? LSR_RECEIVED : 0));

	s->lost = 0;
	s->looked = s->nr_sent ? 1 : 0;
	return lsr;
}

static uint8_t get_msr(struct uart_state *s)
{
	uint8_t msr = modem_lines(s->mcr) | s->deltas;

	s->deltas = 0;
	return msr;
}

uint32_t uart_get(struct xenaperture_run *run, uint32_t id, uint64_t *value)
{
	struct uart_state *s = run->state;
	bool divisor = s->lcr & LCR_DLAB;

	switch (id) {
	case XENAPERTURE_UART_RBR:
		*value = divisor ? s->dll : receive(s);
		return XENAPT_OK;
	case XENAPERTURE_UART_IER:
		*value = divisor ? s->dlm : s->ier;
		return XENAPT_OK;
	case XENAPERTURE_UART_IIR:
		*value = get_iir(s);
		return XENAPT_OK;
	case XENAPERTURE_UART_LCR:
		*value = s->lcr;
		return XENAPT_OK;
	case XENAPERTURE_UART_MCR:
		*value = s->mcr;
		return XENAPT_OK;
	case XENAPERTURE_UART_LSR:
		*value = get_lsr(s);
		return XENAPT_OK;
	case XENAPERTURE_UART_MSR:
		*value = get_msr(s);
		return XENAPT_OK;
	}
	*value = s->scr;
	return XENAPT_OK;
}

uint32_t uart_put(struct xenaperture_run *run, uint32_t id, uint64_t value)
{
	struct uart_state *s = run->state;
	bool divisor = s->lcr & LCR_DLAB;
	uint8_t octet = (uint8_t)value;

	switch (id) {
	case XENAPERTURE_UART_THR:
		if (divisor)
			s->dll = octet;
		else
			send(run, octet);
		return XENAPT_OK;
	case XENAPERTURE_UART_IER:
		if (divisor)
			s->dlm = octet;
		else
			set_ier(s, octet);
		return XENAPT_OK;
	case XENAPERTURE_UART_FCR:
		set_fcr(s, octet);
		return XENAPT_OK;
	case XENAPERTURE_UART_LCR:
		s->lcr = octet;
		return XENAPT_OK;
	case XENAPERTURE_UART_MCR:
		set_mcr(s, octet);
		return XENAPT_OK;
	case XENAPERTURE_UART_SCR:
		s->scr = octet;
		return XENAPT_OK;
	}
	return XENAPT_OK;	/* LSR, MSR */
}

/* ---- the first device ---- */

/*
 * Has the second one something to do before this register is read? When it is not there for long, the
 * register reads as all ones: in IIR that is no interrupt, in LSR it would be a character that was none. So LSR
 * asks only for those who do not look at IIR.
 */
static bool time_to_ask(const struct xenaperture_run *run, uint32_t id)
{
	const struct uart_state *s = run->state;
	bool polled = id == XENAPERTURE_UART_LSR && !(s->ier & IER_RECEIVED);

	if (uart_loops(s) || (id != XENAPERTURE_UART_IIR && !polled))
		return false;
	if (s->nr_sent >= XENAPERTURE_UART_FULL || (polled && s->nr_sent && s->looked))
		return true;
	return run->now >= s->ask_at && (s->nr_sent || !s->nr_received);
}

static uint32_t uart_read(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t *value)
{
	(void)index;
	return time_to_ask(run, id) ? XENAPT_E_DECLINED : uart_get(run, id, value);
}

static uint32_t uart_write(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t value)
{
	const struct uart_state *s = run->state;

	(void)index;
	if (id == XENAPERTURE_UART_THR && !(s->lcr & LCR_DLAB) && !uart_loops(s) &&
	    (!s->placed || s->nr_sent == UART_SENT))
		return XENAPT_E_DECLINED;
	return uart_put(run, id, value);
}

/* ---- state ---- */

/* 115200 baud: a driver that reads the divisor divides by it. */
static void uart_reset(struct xenaperture_run *run)
{
	((struct uart_state *)run->state)->dll = 1;
}

static bool sound_characters(const struct uart_state *s)
{
	if (s->nr_sent > UART_SENT || s->nr_received > UART_RECEIVED || s->first >= UART_RECEIVED)
		return false;
	if (s->out_place > UART_PLACE_MOST || s->in_place > UART_PLACE_MOST)
		return false;
	return s->placed || (!s->nr_sent && !s->out_place && !s->in_place &&
			     (!s->nr_received || uart_loops(s)));
}

static bool sound_registers(const struct uart_state *s)
{
	if (s->ier > IER_BITS || s->mcr > MCR_BITS || s->fcr & ~FCR_KEPT || s->deltas > 0x0f)
		return false;
	return s->fcr & FCR_ON || !s->fcr;
}

static int uart_check(const void *state)
{
	const struct uart_state *s = state;
	unsigned int i;

	if (s->placed > 7 || (s->placed && !(s->placed & UART_PLACED)) || s->looked > 1 || s->lost > 1 || s->empty > 1)
		return -1;
	for (i = 0; i < sizeof(s->zero); i++)
		if (s->zero[i])
			return -1;
	return sound_characters(s) && sound_registers(s) ? 0 : -1;
}

/* ---- table ---- */

#define FAST	(XENAPERTURE_READ | XENAPERTURE_WRITE | XENAPERTURE_FAST)
#define CHANGES	(FAST | XENAPERTURE_READ_CHANGES)
#define OCTET(name, f) \
	{ .offset = XENAPERTURE_UART_##name, .width = 1, .sizes = XENAPERTURE_SIZE1, .flags = f, \
	  .id = XENAPERTURE_UART_##name }

static const struct xenaperture_register uart_registers[] = {
	OCTET(RBR, CHANGES),
	OCTET(IER, FAST),
	OCTET(IIR, CHANGES),
	OCTET(LCR, FAST),
	OCTET(MCR, FAST),
	OCTET(LSR, CHANGES),
	OCTET(MSR, CHANGES),
	OCTET(SCR, FAST),
};

const struct xenaperture_model uart_model = {
	.size = sizeof(uart_model),
	.version = XENAPERTURE_MODEL_VERSION,
	.type = XENAPERTURE_UART_TYPE,
	.registers = uart_registers,
	.nr_registers = sizeof(uart_registers) / sizeof(uart_registers[0]),
	.state_version = UART_STATE_VERSION,
	.state_size = sizeof(struct uart_state),
	.fast = { .read = uart_read, .write = uart_write },
	.reset = uart_reset,
	.check = uart_check,
};

XENAPERTURE_FAST_DEVICE(uart_model);
