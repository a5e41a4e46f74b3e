/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The UART against what the makers of the 16550A say of it: scripts of accesses with their answers, a naive
 * one that knows no buffers, and itself with everything in the second device. The files are in memory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenaperture.h>

#include "../../backend/devices/uart/uart.h"
#include "check.h"
#include "model.h"

#define MS	1000000ull
#define ALL	(1u << 20)	/* characters of a test, at most */

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

static struct uart_state state;
static struct xenaperture_run run;
static struct uart_device *device;
static int out, in;
static uint32_t declined;	/* by the first device */
static uint32_t throw_away;	/* one in so many slow operations is done and forgotten, and done again */
static uint64_t seed;

/* ---- what the library would do ---- */

static const char *setting;
static bool no_files;
static unsigned int logged;

const char *xenaperture_setting(const struct xenaperture *xa, const char *key)
{
	(void)xa;
	CHECK_STR(key, "keep");
	return setting;
}

int xenaperture_file(struct xenaperture *xa, unsigned int which)
{
	(void)xa;
	return no_files ? -1 : dup(which == XENAPERTURE_OUTPUT ? out : in);
}

const char *xenaperture_error(void)
{
	return "there is none";
}

void xenaperture_log(const struct xenaperture *xa, enum xenaperture_level level,
		     const char *format, ...)
{
	(void)xa;
	(void)level;
	(void)format;
	logged++;
}

/* ---- accesses ---- */

static void create(void)
{
	device = xenaperture_device.create(NULL, NULL);
	CHECK(device != NULL);
	run.device = device;
}

/* The process is killed, and another one started. */
static void another_process(void)
{
	xenaperture_device.destroy(device);
	create();
}

static void start(void)
{
	out = memfd_create("out", 0);
	in = memfd_create("in", 0);
	memset(&state, 0, sizeof(state));
	run = (struct xenaperture_run){ .now = MS, .state = &state };
	uart_model.reset(&run);
	CHECK_EQ(uart_model.check(&state), 0);
	declined = throw_away = 0;
	create();
}

static void end(void)
{
	xenaperture_device.destroy(device);
	close(out);
	close(in);
}

static uint32_t slow(uint32_t direction, uint32_t reg, uint64_t *value)
{
	if (direction == XENAPT_OP_READ)
		return uart_slow.read(&run, reg, 0, value);
	return uart_slow.write(&run, reg, 0, *value);
}

/* As the framework: on a copy, which counts or is thrown away. */
static void second_device(uint32_t direction, uint32_t reg, uint64_t *value)
{
	struct uart_state copy = state;
	uint64_t again = *value;

	declined++;
	if (throw_away && !(check_random(&seed) % throw_away)) {
		run.state = &copy;
		CHECK_EQ(slow(direction, reg, &again), XENAPT_OK);
		run.state = &state;
		if (check_random(&seed) % 2)
			another_process();
	}
	CHECK_EQ(slow(direction, reg, value), XENAPT_OK);
}

static uint8_t get(uint32_t reg)
{
	struct uart_state before = state;
	uint64_t value = ~0ull;

	if (uart_model.fast.read(&run, reg, 0, &value) == XENAPT_E_DECLINED) {
		CHECK(!memcmp(&before, &state, sizeof(state)));
		second_device(XENAPT_OP_READ, reg, &value);
	}
	CHECK(value <= 0xff && !run.raised && !uart_model.check(&state));
	return (uint8_t)value;
}

static void set(uint32_t reg, uint8_t octet)
{
	struct uart_state before = state;
	uint64_t value = octet;

	if (uart_model.fast.write(&run, reg, 0, value) == XENAPT_E_DECLINED) {
		CHECK(!memcmp(&before, &state, sizeof(state)));
		second_device(XENAPT_OP_WRITE, reg, &value);
	}
	CHECK(!run.raised && !uart_model.check(&state));
}

static void type_in(const char *text)
{
	CHECK_EQ(pwrite(in, text, strlen(text), lseek(in, 0, SEEK_END)), strlen(text));
}

/* So long that the second device is asked. */
static void later(void)
{
	run.now += XENAPERTURE_UART_IDLE_NS;
}

static const char *printed(void)
{
	static char text[4096];
	ssize_t n = pread(out, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* ---- scripts: W register value, R register value ---- */

struct step {
	char what;
	uint8_t reg, value;
};

static void play(const struct step *script, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (script[i].what == 'W')
			set(script[i].reg, script[i].value);
		else
			CHECK_CASE(get(script[i].reg) == script[i].value, i, script[i].value);
	}
}

#define PLAY(script)	play(script, sizeof(script) / sizeof((script)[0]))

static void the_table(void)
{
	struct xenapt_operation op = { 0 };
	struct xapt_decoded d;

	CHECK(xapt_model_wrong(&uart_model, &uart_slow) == NULL);
	for (uint32_t reg = 0; reg <= XENAPERTURE_UART_REGISTERS; reg++) {
		op = (struct xenapt_operation){ .reg = reg, .size = 1 };
		CHECK_EQ(xapt_model_decode(&uart_model, &op, &d), reg < 8 ? XENAPT_OK : XENAPT_E_REGISTER);
		CHECK_CASE(reg == 8 || d.id == reg, reg, d.id);
		op.size = 2;
		CHECK(xapt_model_decode(&uart_model, &op, &d) != XENAPT_OK);
		op.size = 4;
		CHECK(xapt_model_decode(&uart_model, &op, &d) != XENAPT_OK);
	}
}

static void after_reset(void)
{
	static const struct step script[] = {
		{ 'R', IER, 0 }, { 'R', IIR, 0x01 }, { 'R', LCR, 0 }, { 'R', MCR, 0 }, { 'R', LSR, 0x60 },
		{ 'R', MSR, 0xb0 }, { 'R', DATA, 0 },
	};

	start();
	PLAY(script);
	end();
}

/* The tests by which drivers tell the models of this family: it is a 16550A and none of the others. */
static void which_model(void)
{
	static const struct step script[] = {
		/* four bits of IER */
		{ 'W', IER, 0 }, { 'R', IER, 0 }, { 'W', IER, 0xff }, { 'R', IER, 0x0f }, { 'W', IER, 0 },
		/* loopback: RTS and OUT2 come back as CTS and DCD; the 16750's AFE is not there */
		{ 'W', MCR, 0x1a }, { 'R', MSR, 0x92 }, { 'R', MSR, 0x90 }, { 'R', MCR, 0x1a },
		{ 'W', MCR, 0xff }, { 'R', MCR, 0x1f }, { 'W', MCR, 0 },
		/* a scratch register: not the 8250 */
		{ 'W', SCR, 0x5a }, { 'R', SCR, 0x5a }, { 'W', SCR, 0xa5 }, { 'R', SCR, 0xa5 },
		/* both bits of the FIFO: not the 16550 */
		{ 'W', LCR, 0xbf }, { 'R', IIR, 0x01 }, { 'W', FCR, 0 }, { 'W', LCR, 0 }, { 'W', FCR, 0x01 },
		{ 'R', IIR, 0xc1 },
		/* no EFR behind DLAB or behind 0xbf: not the 16650 */
		{ 'W', LCR, 0x80 }, { 'R', IIR, 0xc1 }, { 'W', FCR, 0xa8 }, { 'R', IIR, 0x01 }, { 'W', FCR, 0x01 },
		{ 'W', LCR, 0xbf }, { 'R', IIR, 0xc1 }, { 'R', LCR, 0xbf },
		/* bank 2 of the NS16C: MCR's loop bit does not appear at 2 */
		{ 'W', LCR, 0xe0 }, { 'R', IIR, 0xc1 }, { 'W', LCR, 0 }, { 'W', MCR, 0x10 }, { 'W', LCR, 0xe0 },
		{ 'R', IIR, 0xc1 }, { 'W', LCR, 0 }, { 'W', MCR, 0 },
		/* no 64 octets: not the 16750 */
		{ 'W', LCR, 0x80 }, { 'W', FCR, 0x21 }, { 'R', IIR, 0xc1 }, { 'W', LCR, 0 }, { 'W', FCR, 0x21 },
		{ 'R', IIR, 0xc1 },
		/* no UUE: not the XScale */
		{ 'W', IER, 0x40 }, { 'R', IER, 0 },
		/* off again */
		{ 'W', FCR, 0 }, { 'R', IIR, 0x01 },
	};

	start();
	PLAY(script);
	end();
}

static void divisor(void)
{
	static const struct step script[] = {
		{ 'W', LCR, 0x83 }, { 'R', DATA, 1 }, { 'R', IER, 0 }, { 'W', DATA, 0x0c }, { 'W', IER, 0x01 },
		{ 'R', DATA, 0x0c }, { 'R', IER, 0x01 }, { 'W', LCR, 0x03 }, { 'R', DATA, 0 }, { 'R', IER, 0 },
		{ 'W', IER, 0x05 }, { 'W', LCR, 0x83 }, { 'R', IER, 0x01 }, { 'W', LCR, 0x03 }, { 'R', IER, 0x05 },
		{ 'R', LSR, 0x60 },
	};

	start();
	PLAY(script);
	CHECK_STR(printed(), "");
	end();
}

static void transmitter_empty(void)
{
	static const struct step script[] = {
		{ 'R', IIR, 0x01 },			/* not wanted, not there */
		{ 'W', IER, 0x02 }, { 'R', IIR, 0x02 },	/* wanted: at once */
		{ 'R', IIR, 0x01 },			/* it was told */
		{ 'W', IER, 0x02 }, { 'R', IIR, 0x01 },	/* no edge */
		{ 'W', IER, 0x00 }, { 'W', IER, 0x02 }, { 'R', IIR, 0x02 },
		{ 'W', DATA, 'x' }, { 'R', IIR, 0x02 }, { 'R', IIR, 0x01 },
		{ 'W', IER, 0x00 }, { 'W', DATA, 'y' }, { 'R', IIR, 0x01 }, { 'W', IER, 0x02 }, { 'R', IIR, 0x02 },
	};

	start();
	PLAY(script);
	CHECK_EQ(get(LSR), 0x20);
	CHECK_EQ(get(LSR), 0x60);	/* waited for: it is in the file */
	CHECK_STR(printed(), "xy");
	end();
}

/* Received, timeout, trigger; line status before it, modem last. */
static void priorities(void)
{
	static const struct step script[] = {
		{ 'W', FCR, 0x41 }, { 'W', MCR, 0x10 }, { 'R', MSR, 0x0b }, { 'W', IER, 0x0f },
		{ 'R', IIR, 0xc2 }, { 'R', IIR, 0xc1 },
		{ 'W', MCR, 0x12 }, { 'R', IIR, 0xc0 },			/* CTS */
		{ 'W', DATA, 'a' }, { 'R', IIR, 0xcc }, { 'W', DATA, 'b' }, { 'W', DATA, 'c' },
		{ 'R', IIR, 0xcc }, { 'W', DATA, 'd' }, { 'R', IIR, 0xc4 },	/* four: the trigger */
		{ 'R', DATA, 'a' }, { 'R', IIR, 0xcc }, { 'R', DATA, 'b' }, { 'R', DATA, 'c' },
		{ 'R', LSR, 0x61 }, { 'R', DATA, 'd' }, { 'R', LSR, 0x60 },
		{ 'R', IIR, 0xc2 }, { 'R', IIR, 0xc0 }, { 'R', MSR, 0x11 }, { 'R', IIR, 0xc1 },
	};

	start();
	PLAY(script);
	CHECK_EQ(declined, 0);
	CHECK_STR(printed(), "");
	end();
}

static void triggers(void)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	for (unsigned int i = 0; i < 4; i++) {
		start();
		set(IER, 0x01);
		set(FCR, (uint8_t)(i << 6 | 1));
		set(MCR, 0x10);
		for (unsigned int n = 1; n <= 16; n++) {
			set(DATA, 'x');
			CHECK_CASE(get(IIR) == (n < level[i] ? 0xcc : 0xc4), level[i], n);
		}
		end();
	}
}

static void overrun(void)
{
	static const struct step without[] = {
		{ 'W', MCR, 0x10 }, { 'W', IER, 0x04 }, { 'W', DATA, 'a' }, { 'R', LSR, 0x61 }, { 'W', DATA, 'b' },
		{ 'R', IIR, 0x06 }, { 'R', LSR, 0x63 }, { 'R', LSR, 0x61 }, { 'R', IIR, 0x01 },
		{ 'R', DATA, 'b' }, { 'R', LSR, 0x60 },
	};

	start();
	PLAY(without);
	set(FCR, 0x01);
	for (unsigned int i = 0; i < 17; i++)
		set(DATA, (uint8_t)('a' + i));
	CHECK_EQ(get(LSR), 0x63);
	for (unsigned int i = 0; i < 16; i++)
		CHECK_EQ(get(DATA), 'a' + i);
	CHECK_EQ(get(LSR), 0x60);
	set(DATA, 'q');
	set(FCR, 0x03);
	CHECK_EQ(get(LSR), 0x60);
	set(DATA, 'r');
	set(FCR, 0x00);
	CHECK_EQ(get(LSR), 0x60);
	CHECK_STR(printed(), "");
	end();
}

static void modem(void)
{
	static const struct step script[] = {
		{ 'W', MCR, 0x0f }, { 'R', MSR, 0xb0 },			/* outside of loopback they do nothing */
		{ 'W', MCR, 0x1f }, { 'R', MSR, 0xf0 },			/* RI came: no edge that counts */
		{ 'W', MCR, 0x1b }, { 'R', MSR, 0xb4 }, { 'R', MSR, 0xb0 },	/* RI went */
		{ 'W', MCR, 0x10 }, { 'R', MSR, 0x0b }, { 'W', MCR, 0x00 }, { 'R', MSR, 0xbb },
		{ 'W', MSR, 0xff }, { 'R', MSR, 0xb0 }, { 'W', LSR, 0xff }, { 'R', LSR, 0x60 },
	};

	start();
	PLAY(script);
	end();
}

/* ---- the line ---- */

static void put(const char *text)
{
	while (*text)
		set(DATA, (uint8_t)*text++);
}

/* Once for the place, then not before somebody waits for it. */
static void asked_when_needed(void)
{
	start();
	put("one ");
	CHECK_EQ(declined, 1);
	CHECK_EQ(get(IIR), 0x01);
	CHECK_EQ(get(LSR), 0x20);
	CHECK_EQ(declined, 1);
	CHECK_STR(printed(), "");
	put("two ");
	CHECK_EQ(get(LSR), 0x20);
	CHECK_EQ(get(LSR), 0x60);
	CHECK_EQ(declined, 2);
	CHECK_STR(printed(), "one two ");
	put("three");
	run.now += XENAPERTURE_UART_BUSY_NS - 1;
	CHECK_EQ(get(IIR), 0x01);
	CHECK_EQ(declined, 2);
	run.now++;
	CHECK_EQ(get(IIR), 0x01);
	CHECK_EQ(declined, 3);
	CHECK_STR(printed(), "one two three");
	end();
}

/* More than fits, from a driver that looks at nothing. */
static void nobody_looks(void)
{
	char expected[1001];

	start();
	for (unsigned int i = 0; i < 1000; i++) {
		expected[i] = (char)('a' + i % 26);
		set(DATA, (uint8_t)expected[i]);
	}
	expected[1000] = '\0';
	CHECK_EQ(declined, 1 + 999 / UART_SENT);
	later();
	get(LSR);
	CHECK_STR(printed(), expected);
	end();
}

/* Sixteen at each announcement, as drivers do: no more than room, and seldom the second device. */
static void by_sixteens(void)
{
	start();
	set(IER, 0x02);
	for (unsigned int i = 0; i < 100; i++) {
		CHECK_EQ(get(IIR) & 0x0f, 0x02);
		CHECK_EQ(get(LSR) & 0x20, 0x20);
		put("0123456789abcdef");
	}
	CHECK_CASE(declined <= 1 + 100 * 16 / (XENAPERTURE_UART_FULL - 16), declined, 0);
	later();
	get(IIR);
	CHECK_EQ(strlen(printed()), 1600);
	end();
}

static void receive(void)
{
	start();
	type_in("of another life");
	get(LSR);
	later();
	CHECK_EQ(get(LSR), 0x60);
	type_in("abc");
	CHECK_EQ(get(LSR), 0x60);	/* not asked yet */
	later();
	CHECK_EQ(get(LSR), 0x61);
	CHECK_EQ(get(DATA), 'a');
	set(FCR, 0x01);			/* gives back */
	CHECK_EQ(get(LSR), 0x60);
	later();
	CHECK_EQ(get(LSR), 0x61);
	CHECK_EQ(get(DATA), 'b');
	set(MCR, 0x10);
	set(DATA, 'L');
	CHECK_EQ(get(DATA), 'L');
	set(MCR, 0x00);
	later();
	set(IER, 0x01);
	CHECK_EQ(get(IIR), 0xc4);	/* trigger: one */
	CHECK_EQ(get(DATA), 'c');
	CHECK_EQ(get(IIR), 0xc1);
	CHECK_STR(printed(), "");
	end();
}

/* With interrupts on LSR never asks: all ones in it would be a character. */
static void interrupts_on(void)
{
	start();
	set(IER, 0x03);
	put("x");
	CHECK_EQ(declined, 1);
	type_in("y");
	for (unsigned int i = 0; i < 10; i++) {
		later();
		CHECK_EQ(get(LSR), 0x20);
	}
	CHECK_EQ(declined, 1);
	CHECK_EQ(get(IIR), 0x04);
	CHECK_EQ(declined, 2);
	CHECK_EQ(get(LSR), 0x61);
	for (unsigned int i = 0; i < 250; i++) {
		set(DATA, 'z');
		CHECK_EQ(get(LSR) & 0x21, 0x21);
	}
	CHECK_EQ(declined, 2);
	CHECK_EQ(get(IIR), 0x04);
	CHECK_EQ(declined, 3);
	CHECK_EQ(strlen(printed()), 251);
	end();
}

/* Busy for a second, then idle. */
static void how_often(void)
{
	uint32_t n;

	start();
	get(LSR);
	type_in("x");
	later();
	get(LSR);
	get(DATA);
	n = declined;
	for (unsigned int i = 0; i < 3000; i++) {
		run.now += MS;
		get(IIR);
	}
	n = declined - n;
	CHECK_CASE(n >= 50 + 20 - 2 && n <= 50 + 20 + 2, n, 0);
	end();
}

static void kept_output(void)
{
	struct stat st;
	char last[16];

	setting = "65536";
	start();
	for (unsigned int i = 0; i < ALL / 16; i++)
		put("0123456789abcdef");
	later();
	get(LSR);
	fstat(out, &st);
	CHECK_EQ(st.st_size, ALL);
	CHECK_CASE(st.st_blocks * 512 <= 65536 * 2, st.st_blocks, 0);
	CHECK_EQ(pread(out, last, 16, ALL - 65536), 16);
	CHECK(!memcmp(last, "0123456789abcdef", 16));
	CHECK_EQ(pread(out, last, 16, 0), 16);
	CHECK(!memcmp(last, (char[16]){ 0 }, 16));
	end();
	setting = NULL;
}

static void consumed_input(void)
{
	static char chunk[4097];
	struct stat st;

	memset(chunk, 'i', 4096);
	start();
	get(LSR);
	for (unsigned int i = 0; i < 128; i++)
		type_in(chunk);
	for (unsigned int n = 0; n < 128 * 4096; ) {
		later();
		while (get(LSR) & 1) {
			CHECK_CASE(get(DATA) == 'i', n, 0);
			n++;
		}
	}
	fstat(in, &st);
	CHECK_EQ(st.st_size, 128 * 4096);
	CHECK_CASE(st.st_blocks * 512 <= 65536 * 3, st.st_blocks, 0);
	end();
}

/* Somebody else's hand on the files: it goes on at the end. */
static void truncated(void)
{
	start();
	put("old ");
	later();
	get(LSR);
	CHECK_EQ(ftruncate(out, 0), 0);
	put("new ");
	later();
	get(LSR);
	CHECK_STR(printed(), "new ");
	CHECK_EQ(pwrite(out, printed(), 1, 9999), 1);
	put("later");
	later();
	get(LSR);
	CHECK_EQ(lseek(out, 0, SEEK_END), 10005);
	type_in("old input");
	later();
	get(LSR);
	CHECK_EQ(get(DATA), 'o');
	CHECK_EQ(ftruncate(in, 0), 0);
	set(FCR, 0x01);
	later();
	CHECK_EQ(get(LSR), 0x60);
	type_in("n");
	later();
	CHECK_EQ(get(LSR), 0x61);
	CHECK_EQ(get(DATA), 'n');
	end();
}

/* Whatever check admits: nothing leaves the arrays or the sound states. */
static void random_states(void)
{
	uint64_t admitted = 0;

	seed = 3;
	for (unsigned int i = 0; i < 20000; i++) {
		start();
		for (unsigned int k = 0; k < sizeof(state); k++)
			((uint8_t *)&state)[k] = (uint8_t)check_random(&seed);
		memset(state.zero, 0, sizeof(state.zero));
		state.out_place >>= 5 + check_random(&seed) % 59;
		state.in_place >>= 5 + check_random(&seed) % 59;
		state.nr_sent %= UART_SENT + 2;
		state.nr_received %= UART_RECEIVED + 2;
		state.first %= UART_RECEIVED + 2;
		state.placed = state.looked = state.lost = state.empty = 1;
		state.ier &= 0x0f;
		state.mcr &= 0x1f;
		state.fcr = (state.fcr & 0xc0) | 1;
		state.deltas &= 0x0f;
		type_in("input");
		if (!uart_model.check(&state)) {
			admitted++;
			for (unsigned int n = 0; n < 40; n++) {
				uint32_t reg = check_random(&seed) % 8;

				get(reg);
				set(reg, (uint8_t)check_random(&seed));
				run.now += check_random(&seed) % (50 * MS);
			}
		}
		end();
	}
	CHECK_CASE(admitted > 10000, admitted, 0);
}

/* Without files, or with ones that take nothing: the guest does not notice. */
static void no_outside(void)
{
	no_files = true;
	logged = 0;
	start();
	CHECK_EQ(logged, 2);
	put("lost");
	later();
	CHECK_EQ(get(LSR), 0x60);
	no_files = false;
	put("lost");
	later();
	CHECK_EQ(get(LSR), 0x60);
	CHECK_STR(printed(), "");
	type_in("old");
	run.now += 10000 * MS;
	get(LSR);
	type_in("n");
	put("there");
	later();
	CHECK_EQ(get(LSR), 0x61);
	CHECK_EQ(get(DATA), 'n');
	CHECK_STR(printed(), "there");
	CHECK_EQ(logged, 2);
	end();
}

static void full_disk(void)
{
	start();
	close(out);
	out = memfd_create("out", MFD_ALLOW_SEALING);
	another_process();
	CHECK_EQ(fcntl(out, F_ADD_SEALS, F_SEAL_GROW), 0);
	logged = 0;
	for (unsigned int i = 0; i < 10; i++) {
		put("lost");
		later();
		CHECK_EQ(get(LSR), 0x60);
	}
	CHECK_EQ(logged, 1);
	end();
}

static void settings(void)
{
	static const char *const bad[] = { "", "65535", "16M", "-65536", "x", "99999999999999999999" };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setting = bad[i];
		logged = 0;
		CHECK_CASE(!xenaperture_device.create(NULL, NULL) && logged == 1, i, logged);
	}
	setting = "0";
	start();
	CHECK_EQ(device->keep, 0);
	end();
	setting = NULL;
}

static void refused_states(void)
{
#define REFUSED(field, v) do {						\
		memset(&state, 0, sizeof(state));			\
		state.placed = 1;					\
		CHECK_EQ(uart_model.check(&state), 0);			\
		state.field = (v);					\
		CHECK_CASE(uart_model.check(&state), v, __LINE__);	\
	} while (0)
	REFUSED(nr_sent, UART_SENT + 1);
	REFUSED(nr_received, UART_RECEIVED + 1);
	REFUSED(first, UART_RECEIVED);
	REFUSED(out_place, UART_PLACE_MOST + 1);
	REFUSED(in_place, UART_PLACE_MOST + 1);
	REFUSED(placed, 2);
	REFUSED(placed, 8);
	REFUSED(looked, 2);
	REFUSED(lost, 2);
	REFUSED(empty, 2);
	REFUSED(ier, 0x10);
	REFUSED(mcr, 0x20);
	REFUSED(fcr, 0x02);
	REFUSED(fcr, 0xc0);
	REFUSED(deltas, 0x10);
	REFUSED(zero[5], 1);
	memset(&state, 0, sizeof(state));
	state.nr_sent = 1;
	CHECK(uart_model.check(&state));
}

/* ---- a naive one: every character on its own, in arrays that never end ---- */

static struct naive {
	uint8_t ier, lcr, mcr, scr, dll, dlm, fcr, deltas, lines;
	bool oe, thr_empty;
	uint8_t loop[16];
	uint32_t nr_loop;
	uint8_t typed[ALL], sent[ALL];
	uint32_t nr_typed, read, visible;	/* visible: read .. visible - 1 can be read */
	uint32_t nr_sent;
	uint32_t waiting;			/* of nr_sent, not in the file */
} naive;

static void naive_lines(void)
{
	uint8_t mcr = naive.mcr, now = 0xb0, was = naive.lines;

	if (mcr & 16)
		now = (uint8_t)((mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 | (mcr & 8) << 4);
	if ((now ^ was) & 0x10)
		naive.deltas |= 1;
	if ((now ^ was) & 0x20)
		naive.deltas |= 2;
	if (was & 0x40 && !(now & 0x40))
		naive.deltas |= 4;
	if ((now ^ was) & 0x80)
		naive.deltas |= 8;
	naive.lines = now;
}

static void naive_reset(void)
{
	memset(&naive, 0, sizeof(naive));
	naive.dll = 1;
	naive.lines = 0xb0;
}

static uint32_t naive_ready(void)
{
	return naive.mcr & 16 ? naive.nr_loop : naive.visible - naive.read;
}

static void naive_clear(void)
{
	naive.nr_loop = 0;
	naive.visible = naive.read;
}

static void naive_exchange(void)
{
	naive.waiting = 0;
	if (!(naive.mcr & 16))
		naive.visible = naive.nr_typed - naive.read > UART_RECEIVED ? naive.read + UART_RECEIVED :
									      naive.nr_typed;
}

static uint8_t naive_data(void)
{
	uint8_t c = 0;

	if (naive.mcr & 16) {
		if (naive.nr_loop) {
			c = naive.loop[0];
			memmove(naive.loop, naive.loop + 1, 15);
			naive.nr_loop--;
		}
	} else if (naive.read < naive.visible) {
		c = naive.typed[naive.read++];
	}
	return c;
}

static uint8_t naive_iir(void)
{
	static const uint8_t trigger[] = { 1, 4, 8, 14 };
	uint8_t fifo = naive.fcr & 1 ? 0xc0 : 0, id = 1;
	uint32_t ready = naive_ready();

	if (naive.ier & 4 && naive.oe)
		id = 6;
	else if (naive.ier & 1 && ready)
		id = naive.fcr & 1 && ready < trigger[naive.fcr >> 6] ? 0x0c : 4;
	else if (naive.ier & 2 && naive.thr_empty)
		id = 2;
	else if (naive.ier & 8 && naive.deltas)
		id = 0;
	if (id == 2)
		naive.thr_empty = false;
	return fifo | id;
}

static uint8_t naive_get(uint32_t reg)
{
	uint8_t v;

	switch (reg) {
	case DATA:
		return naive.lcr & 0x80 ? naive.dll : naive_data();
	case IER:
		return naive.lcr & 0x80 ? naive.dlm : naive.ier;
	case IIR:
		return naive_iir();
	case LCR:
		return naive.lcr;
	case MCR:
		return naive.mcr;
	case LSR:
		v = (uint8_t)(0x20 | (naive.waiting ? 0 : 0x40) | naive.oe << 1 | !!naive_ready());
		naive.oe = false;
		return v;
	case MSR:
		v = naive.lines | naive.deltas;
		naive.deltas = 0;
		return v;
	}
	return naive.scr;
}

static void naive_send(uint8_t c)
{
	uint32_t room = naive.fcr & 1 ? 16 : 1;

	naive.thr_empty = true;
	if (!(naive.mcr & 16)) {
		naive.sent[naive.nr_sent++] = c;
		naive.waiting++;
	} else if (naive.nr_loop < room) {
		naive.loop[naive.nr_loop++] = c;
	} else {
		naive.oe = true;
		if (room == 1)
			naive.loop[0] = c;
	}
}

static void naive_set_mcr(uint8_t v)
{
	if ((naive.mcr ^ v) & 16)
		naive_clear();
	naive.mcr = v & 0x1f;
	naive_lines();
}

static void naive_set(uint32_t reg, uint8_t v)
{
	switch (reg) {
	case DATA:
		if (naive.lcr & 0x80)
			naive.dll = v;
		else
			naive_send(v);
		break;
	case IER:
		if (naive.lcr & 0x80) {
			naive.dlm = v;
			break;
		}
		if (v & 2 && !(naive.ier & 2))
			naive.thr_empty = true;
		naive.ier = v & 0x0f;
		break;
	case FCR:
		if ((naive.fcr ^ v) & 1 || (v & 3) == 3)
			naive_clear();
		naive.fcr = v & 1 ? v & 0xc1 : 0;
		break;
	case LCR:
		naive.lcr = v;
		break;
	case MCR:
		naive_set_mcr(v);
		break;
	case SCR:
		naive.scr = v;
		break;
	}
}

/* ---- random sequences ---- */

static uint8_t random_value(uint32_t reg)
{
	uint8_t v = (uint8_t)check_random(&seed);

	/* Mostly what leaves the line, and what was received, alone. */
	if (reg == LCR && v % 8)
		v &= 0x7f;
	if (reg == MCR && check_random(&seed) % 8)
		v &= 0x0f;
	if (reg == FCR && check_random(&seed) % 32)
		v = (v & 0xc0) | 0x01;
	return v;
}

static uint32_t random_register(void)
{
	static const uint8_t often[] = { DATA, DATA, DATA, DATA, DATA, DATA, IIR, IIR, LSR, LSR };
	uint64_t r = check_random(&seed);

	return r % 3 ? often[r / 3 % sizeof(often)] : r / 3 % 8;
}

static void random_typing(void)
{
	uint8_t octets[64];
	uint32_t n = check_random(&seed) % sizeof(octets);

	for (uint32_t i = 0; i < n; i++)
		octets[i] = naive.typed[naive.nr_typed++] = (uint8_t)check_random(&seed);
	CHECK_EQ(pwrite(in, octets, n, lseek(in, 0, SEEK_END)), n);
}

/* What the file has is what the naive one sent. */
static void compare_output(void)
{
	static uint8_t octets[ALL];
	uint32_t n = naive.nr_sent - naive.waiting;

	CHECK_EQ(pread(out, octets, sizeof(octets), 0), n);
	CHECK(!memcmp(octets, naive.sent, n));
}

static void naive_access(unsigned int step)
{
	uint32_t reg = random_register(), before = declined;
	uint8_t v, expected;

	if (check_random(&seed) % 2) {
		v = random_value(reg);
		set(reg, v);
		if (declined != before)
			naive_exchange();
		naive_set(reg, v);
		return;
	}
	v = get(reg);
	if (declined != before)
		naive_exchange();
	expected = naive_get(reg);
	CHECK_CASE(v == expected, step, (uint32_t)reg << 16 | v << 8 | expected);
}

static void against_the_naive_one(void)
{
	seed = 5;
	setting = "0";
	start();
	naive_reset();
	throw_away = 3;
	get(LSR);	/* places */
	for (unsigned int step = 0; step < 200000; step++) {
		naive_access(step);
		run.now += check_random(&seed) % 2 * MS;
		if (!(check_random(&seed) % 64))
			random_typing();
		if (!(check_random(&seed) % 256))
			another_process();
	}
	set(MCR, 0);
	naive_set(MCR, 0);
	set(LCR, 0);
	naive_set(LCR, 0);
	set(IER, 0);
	naive_set(IER, 0);
	do {
		later();
		get(LSR);
		naive_exchange();
		while (naive.read < naive.visible)
			CHECK_EQ(get(DATA), naive_data());
	} while (naive.read < naive.nr_typed);
	compare_output();
	CHECK_CASE(declined > 1000 && naive.nr_sent > 10000 && naive.nr_typed > 10000, declined,
		   naive.nr_sent);
	end();
	setting = NULL;
}

/* ---- the first device with the second, and the second alone ---- */

static struct pair {
	struct uart_state state;
	struct uart_device *device;
	int out;
} alone;

static void swap(void)
{
	struct pair now = { state, device, out };

	state = alone.state;
	device = alone.device;
	out = alone.out;
	run.device = device;
	alone = now;
}

static uint8_t alone_access(uint32_t direction, uint32_t reg, uint8_t v)
{
	uint64_t value = v;

	swap();
	CHECK_EQ(slow(direction, reg, &value), XENAPT_OK);
	swap();
	return (uint8_t)value;
}

/* But for TEMT, which the first device cannot say, both show the same. */
static void both(uint32_t direction, uint32_t reg, uint8_t v, unsigned int step)
{
	uint8_t mask = reg == LSR ? 0xbf : 0xff, a, b;

	b = alone_access(direction, reg, v);
	if (direction == XENAPT_OP_WRITE) {
		set(reg, v);
		return;
	}
	a = get(reg);
	CHECK_CASE((a & mask) == (b & mask), step, (uint32_t)reg << 16 | a << 8 | b);
}

static void ask_both(unsigned int step)
{
	later();
	both(XENAPT_OP_READ, IIR, 0, step);
}

static void the_second_alone(void)
{
	static uint8_t one[ALL], other[ALL];
	ssize_t n;

	seed = 9;
	setting = "0";
	start();
	alone = (struct pair){ state, xenaperture_device.create(NULL, NULL), memfd_create("out", 0) };
	dup2(alone.out, alone.device->out);
	naive.nr_typed = 0;
	ask_both(0);
	for (unsigned int step = 0; step < 100000; step++) {
		uint32_t reg = random_register();
		bool write = check_random(&seed) % 2;

		both(write ? XENAPT_OP_WRITE : XENAPT_OP_READ, reg, random_value(reg), step);
		if (step % 64 == 0 && naive.nr_typed < ALL - 64)
			random_typing();
		/* What was given back, and what was typed, comes when it is asked for. */
		if (step % 64 == 0 || (write && (reg == MCR || reg == FCR)))
			ask_both(step);
		else if (!state.nr_received)
			ask_both(step);
	}
	both(XENAPT_OP_WRITE, MCR, 0, 0);
	ask_both(0);
	n = pread(out, one, ALL, 0);
	CHECK_EQ(n, pread(alone.out, other, ALL, 0));
	CHECK(n > 10000 && !memcmp(one, other, (size_t)n));
	xenaperture_device.destroy(alone.device);
	close(alone.out);
	end();
	setting = NULL;
}

static CU_TestInfo tests[] = {
	{ "the table is sound", the_table },
	{ "after reset", after_reset },
	{ "which model it is", which_model },
	{ "divisor", divisor },
	{ "transmitter empty", transmitter_empty },
	{ "priorities", priorities },
	{ "trigger levels", triggers },
	{ "overrun", overrun },
	{ "modem lines", modem },
	{ "asked when needed", asked_when_needed },
	{ "nobody looks", nobody_looks },
	{ "by sixteens", by_sixteens },
	{ "receive", receive },
	{ "with interrupts on", interrupts_on },
	{ "how often it is asked", how_often },
	{ "kept output", kept_output },
	{ "consumed input", consumed_input },
	{ "truncated files", truncated },
	{ "random states", random_states },
	{ "no outside", no_outside },
	{ "full disk", full_disk },
	{ "settings", settings },
	{ "refused states", refused_states },
	{ "against a naive one", against_the_naive_one },
	{ "the second device alone", the_second_alone },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
